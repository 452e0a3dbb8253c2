//! What a data set accepts and how it is laid out.

use faer::{Mat, mat};
use neuromanifold_harness::data::{DataError, Dataset, Task};

#[test]
fn inputs_are_columns_and_targets_are_flat() {
    let inputs = mat![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let targets = mat![[7.0, 8.0, 9.0], [10.0, 11.0, 12.0]];
    let data = Dataset::regression("pairs", inputs.as_ref(), targets.as_ref()).unwrap();
    assert_eq!(data.task(), Task::Regression { outputs: 2 });
    assert_eq!(
        (data.len(), data.input_dimension(), data.output_dimension()),
        (3, 2, 2)
    );
    assert_eq!(data.inputs(), inputs);
    assert_eq!(data.inputs().col_stride(), 2);
    assert_eq!(data.targets(), [7.0, 10.0, 8.0, 11.0, 9.0, 12.0]);
    assert_eq!(data.example(1).input, [2.0, 5.0]);
    assert_eq!(data.example(1).target, [8.0, 11.0]);
    assert_eq!(data.input_names(), ["x_0", "x_1"]);
    assert_eq!(data.target_names(), ["y_0", "y_1"]);
}

#[test]
fn a_transposed_view_is_read_as_it_looks() {
    let rows = mat![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]];
    let data = Dataset::binary("flags", rows.transpose(), &[true, false, true]).unwrap();
    assert_eq!(data.example(2).input, [3.0, 6.0]);
    assert_eq!(data.targets(), [1.0, 0.0, 1.0]);
    assert_eq!(
        (data.output_dimension(), data.class_counts()),
        (1, vec![1, 2])
    );
}

#[test]
fn selection_keeps_order_repetition_and_names() {
    let inputs = mat![[1.0, 2.0, 3.0]];
    let data = Dataset::classification("abc", inputs.as_ref(), &[2, 0, 1], 3)
        .unwrap()
        .with_class_names(["a", "b", "c"])
        .unwrap();
    let chosen = data.select(&[2, 0, 2]);
    assert_eq!(chosen.inputs(), mat![[3.0, 1.0, 3.0]]);
    assert_eq!(chosen.targets(), [1.0, 2.0, 1.0]);
    assert_eq!(chosen.class_names(), ["a", "b", "c"]);
    assert_eq!(chosen.class_counts(), [0, 2, 1]);
    assert!(data.select(&[]).is_empty());
}

#[test]
fn values_that_are_not_finite_are_located() {
    let mut inputs = Mat::<f64>::zeros(2, 3);
    let targets = Mat::<f64>::zeros(1, 3);
    inputs[(1, 2)] = f64::NAN;
    let error = Dataset::regression("d", inputs.as_ref(), targets.as_ref()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `d`, example 2: `x_1` is NaN, not a finite number"
    );
    let inputs = Mat::<f64>::zeros(2, 1);
    let error =
        Dataset::regression("d", inputs.as_ref(), mat![[f64::INFINITY]].as_ref()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `d`, example 0: `y` is inf, not a finite number"
    );
}

#[test]
fn sizes_labels_and_names_are_checked() {
    let one = mat![[1.0, 2.0]];
    let none = Mat::<f64>::zeros(0, 2);
    let regression = |x: &Mat<f64>, y: &Mat<f64>| Dataset::regression("d", x.as_ref(), y.as_ref());
    let classes = |labels: &[usize], k| Dataset::classification("d", one.as_ref(), labels, k);
    assert!(matches!(
        regression(&one, &mat![[1.0]]),
        Err(DataError::Shape {
            expected: 2,
            found: 1,
            ..
        })
    ));
    assert!(matches!(
        regression(&none, &one),
        Err(DataError::Shape {
            expected: 1,
            found: 0,
            ..
        })
    ));
    assert!(matches!(
        regression(&one, &none),
        Err(DataError::Shape {
            expected: 1,
            found: 0,
            ..
        })
    ));
    assert!(matches!(
        classes(&[0], 2),
        Err(DataError::Shape {
            expected: 2,
            found: 1,
            ..
        })
    ));
    assert!(matches!(
        classes(&[0, 0], 1),
        Err(DataError::TooFewClasses { classes: 1, .. })
    ));
    assert!(matches!(
        classes(&[1, 2], 2),
        Err(DataError::Label {
            example: 1,
            label: 2,
            classes: 2,
            ..
        })
    ));
    let data = || classes(&[0, 1], 2).unwrap();
    assert!(matches!(
        data().with_class_names(["a", "a"]),
        Err(DataError::DuplicateName { .. })
    ));
    assert!(matches!(
        data().with_input_names(["a", "b"]),
        Err(DataError::Shape {
            expected: 1,
            found: 2,
            ..
        })
    ));
}

#[test]
#[should_panic(expected = "out of range")]
fn an_example_beyond_the_last_is_a_callers_error() {
    let data = Dataset::binary("d", mat![[1.0]].as_ref(), &[true]).unwrap();
    let _ = data.example(1);
}
