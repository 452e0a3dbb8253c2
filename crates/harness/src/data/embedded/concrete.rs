use crate::data::{CsvSource, DataError, Dataset};

static CSV: &[u8] = include_bytes!("../../../data/concrete.csv");

/// Compressive strength of concrete: 1030 samples, 8 inputs, one target. In raw units.
///
/// Inputs: seven ingredients in kg per m³ of mixture (`cement`, `blast_furnace_slag`, `fly_ash`, `water`,
/// `superplasticizer`, `coarse_aggregate`, `fine_aggregate`) and the `age` in days, 1 to 365. Target:
/// `compressive_strength` in MPa, 2.33 to 82.6, standard deviation 16.7. 25 rows repeat an earlier one,
/// so a random split shares a few samples between its parts. The order is not random: shuffle before
/// use.
///
/// Licence of the data: CC BY 4.0.
///
/// # Errors
/// None in practice; the signature is that of the CSV reader.
///
/// # References
/// I-C. Yeh, Modeling of strength of high-performance concrete using artificial neural networks,
/// Cement and Concrete Research 28 (1998) 1797–1808, doi:10.1016/S0008-8846(98)00165-3. Data:
/// doi:10.24432/C5PK67.
pub fn concrete() -> Result<Dataset, DataError> {
    CsvSource::new("concrete.csv", "compressive_strength")
        .name("concrete")
        .read_from(CSV)
}
