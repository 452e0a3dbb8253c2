//! The readers of tables.

use neuromanifold_harness::data::{
    Column, CsvSource, Dataset, Delimiter, Header, InputColumns, TaskKind, write_csv,
};

const NAME: &str = "fuzzed.csv";

/// Reads a table with and without a header, as inputs alone, as a regression on its first column and as a classification;
/// whether it was one. A regression is written and read again to the same bits.
pub fn csv(bytes: &[u8]) -> bool {
    let mut was_one = false;
    for header in [Header::Expected, Header::Absent] {
        let inputs = InputColumns::read_from(NAME, bytes, None, &[], header, Delimiter::Detect);
        if let Ok(inputs) = &inputs {
            assert!(finite(inputs.matrix()));
        }
        let source = || CsvSource::new(NAME, Column::Index(0)).header(header);
        if let Ok(data) = source().read_from(bytes) {
            was_one = true;
            assert!(finite(data.inputs()));
            again(&data);
        }
        if let Ok(data) = source().task(TaskKind::Classification).read_from(bytes) {
            was_one = true;
            let classes = data.class_names().len() as f64;
            let mut labels = (0..data.len()).map(|i| data.example(i).target[0]);
            assert!(labels.all(|label| label >= 0.0 && label < classes));
        }
    }
    was_one
}

fn finite(matrix: faer::MatRef<'_, f64>) -> bool {
    (0..matrix.ncols()).all(|j| matrix.col(j).iter().all(|value| value.is_finite()))
}

/// A data set is what is read of what was written of it.
fn again(data: &Dataset) {
    let mut table = Vec::new();
    write_csv(data, &mut table).expect("memory takes everything");
    let target = data.input_names().len(); // written behind the inputs
    let source = CsvSource::new(NAME, Column::Index(target)).delimiter(Delimiter::Comma);
    let read = source
        .read_from(&table[..])
        .expect("what was written is read");
    assert_eq!(read.input_names(), data.input_names());
    for i in 0..data.len() {
        let (one, other) = (data.example(i), read.example(i));
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(one.input), bits(other.input));
        assert_eq!(bits(one.target), bits(other.target));
    }
}
