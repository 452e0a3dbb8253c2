use crate::data::{CsvSource, DataError, Dataset};

static CSV: &[u8] = include_bytes!("../../../data/diabetes.csv");

/// Progression of diabetes within a year: 442 patients, 10 inputs, one target. In raw units.
///
/// Inputs: `age` in years, `sex` (1 or 2), body mass index `bmi`, mean blood pressure `bp` and six
/// serum measurements `s1` … `s6`. Target: a quantitative measure of progression one year after the
/// baseline, 25 to 346, standard deviation 77.0.
///
/// # Errors
/// None in practice; the signature is that of the CSV reader.
///
/// # References
/// B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, Least angle regression, Annals of
/// Statistics 32 (2004) 407–499, doi:10.1214/009053604000000067.
pub fn diabetes() -> Result<Dataset, DataError> {
    CsvSource::new("diabetes.csv", "target")
        .name("diabetes")
        .read_from(CSV)
}
