use crate::data::{CsvSource, DataError, Dataset, Header, TaskKind};

static CSV: &[u8] = include_bytes!("../../../data/digits.csv.gz");

/// The largest grey level of the file.
const LEVELS: f64 = 16.0;

/// Handwritten digits: 1797 images of 8×8 pixels, 10 classes of 174 to 183 images each.
///
/// Input `pixel_r_c` is the grey level of row r, column c, divided by 16 and so in [0, 1]. Three
/// border pixels are 0 in all images.
///
/// Licence of the data: CC BY 4.0.
///
/// # Errors
/// None in practice; the signature is that of the CSV reader.
///
/// # References
/// E. Alpaydin and C. Kaynak, Optical recognition of handwritten digits, UCI Machine Learning
/// Repository (1998), doi:10.24432/C50P49.
pub fn digits() -> Result<Dataset, DataError> {
    let raw = CsvSource::new("digits.csv.gz", 64)
        .name("digits")
        .task(TaskKind::Classification)
        .header(Header::Absent)
        .read_from(CSV)?;
    let (mut inputs, labels) = raw.numbers();
    inputs.iter_mut().for_each(|level| *level /= LEVELS);
    raw.with_numbers(inputs, labels)?
        .with_input_names((0..64).map(|pixel| format!("pixel_{}_{}", pixel / 8, pixel % 8)))?
        .with_target_names(["digit"])
}
