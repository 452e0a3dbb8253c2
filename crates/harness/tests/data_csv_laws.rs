//! Laws of the CSV reader and writer on arbitrary data.

#![expect(clippy::unwrap_used, reason = "a step that fails here fails the test")]

use faer::Mat;
use neuromanifold_harness::data::{CsvSource, Dataset, Delimiter, Header, TaskKind, write_csv};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

/// Any finite number: subnormal, negative zero, the extremes.
fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |value| value.is_finite())
}

/// Names with delimiters, quotes, line ends and letters of any alphabet, but no space around them.
fn names(count: usize) -> impl Strategy<Value = Vec<String>> {
    btree_set("[a-zA-Zé日][ ,;\t\"\na-z0-9ß]{0,8}[a-z]", count..=count)
        .prop_map(|names| names.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn table(data: &Dataset) -> Vec<u8> {
    let mut table = Vec::new();
    write_csv(data, &mut table).unwrap();
    table
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn all_inputs(data: &Dataset) -> Vec<f64> {
    (0..data.len())
        .flat_map(|index| data.example(index).input.to_vec())
        .collect()
}

prop_compose! {
    fn regression()(n in 1_usize..5, k in 1_usize..3, examples in 1_usize..8)(
        x in vec(finite(), n * examples),
        y in vec(finite(), k * examples),
        names in names(n + k),
        n in Just(n),
        k in Just(k),
        examples in Just(examples),
    ) -> Dataset {
        let inputs = Mat::from_fn(n, examples, |i, j| x[i + n * j]);
        let targets = Mat::from_fn(k, examples, |i, j| y[i + k * j]);
        Dataset::regression("law", inputs.as_ref(), targets.as_ref())
            .and_then(|data| data.with_input_names(&names[..n]))
            .and_then(|data| data.with_target_names(&names[n..]))
            .unwrap()
    }
}

proptest! {
    #[test]
    fn a_written_regression_reads_back_to_the_bit(data in regression()) {
        let mut targets = data.target_names().iter().cloned();
        let source = CsvSource::new("law", targets.next().unwrap()).delimiter(Delimiter::Comma);
        let source = targets.fold(source, CsvSource::and_target);
        let back = source.read_from(table(&data).as_slice()).unwrap();
        prop_assert_eq!(&back, &data);
        // Equality of floats does not see the sign of zero.
        prop_assert_eq!(bits(back.targets()), bits(data.targets()));
        prop_assert_eq!(bits(&all_inputs(&back)), bits(&all_inputs(&data)));
    }

    #[test]
    fn a_written_classification_reads_back(
        labels in vec(0_usize..4, 1..20),
        class_names in names(4),
    ) {
        let inputs = Mat::from_fn(1, labels.len(), |_, j| j as f64);
        let data = Dataset::classification("law", inputs.as_ref(), &labels, 4)
            .and_then(|data| data.with_class_names(&class_names))
            .unwrap();
        let source = CsvSource::new("law", "y")
            .task(TaskKind::Classification)
            .class_names(&class_names)
            .delimiter(Delimiter::Comma);
        prop_assert_eq!(source.read_from(table(&data).as_slice()).unwrap(), data);
    }

    #[test]
    fn garbage_is_an_error_and_not_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(CsvSource::new("garbage", "target").read_from(bytes.as_slice()).is_err());
    }

    #[test]
    fn compressed_garbage_is_an_error_and_not_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        let magic = [&[0x1f, 0x8b, 0x08, 0x00], bytes.as_slice()].concat();
        prop_assert!(CsvSource::new("garbage", "target").read_from(magic.as_slice()).is_err());
    }

    /// Almost a table: most mutations are caught, none may panic, and what is read is finite.
    #[test]
    fn almost_tables_never_panic(
        text in "[xy,;\t\"\r\n0-9.eE+NaInf \u{feff}-]{0,80}",
        target in 0_usize..4,
        header in 0_usize..3,
        kind in 0_usize..3,
    ) {
        let kind = [TaskKind::Regression, TaskKind::Binary, TaskKind::Classification][kind];
        let header = [Header::Expected, Header::Present, Header::Absent][header];
        let source = CsvSource::new("almost", target).header(header).task(kind);
        match source.read_from(text.as_bytes()) {
            Ok(data) => {
                prop_assert!(!data.is_empty());
                prop_assert!(all_inputs(&data).iter().chain(data.targets()).all(|v| v.is_finite()));
            }
            Err(error) => prop_assert!(error.to_string().starts_with("almost")),
        }
    }
}
