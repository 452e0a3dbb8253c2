//! Splitting, standardising and batching.

#![expect(
    clippy::float_cmp,
    reason = "copies and exact arithmetic must agree to the bit"
)]

use faer::{Mat, mat};
use neuromanifold_harness::data::{
    Batches, DataError, Dataset, Fractions, Split, Standardizer, diabetes, digits,
};
use proptest::collection::vec;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn sorted(indices: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut indices: Vec<usize> = indices.into_iter().collect();
    indices.sort_unstable();
    indices
}

fn fractions() -> impl Strategy<Value = Fractions> {
    (0.0..0.45, 0.0..0.45)
        .prop_map(|(validation, test)| Fractions::new(validation, test).expect("a sum below 0.9"))
}

proptest! {
    #[test]
    fn a_split_is_a_partition(examples in 0_usize..300, fractions in fractions(), seed: u64) {
        match Split::random(examples, fractions, &mut seeded(seed)) {
            Ok(split) => {
                let all = split.train().iter().chain(split.validation()).chain(split.test());
                prop_assert_eq!(sorted(all.copied()), (0..examples).collect::<Vec<_>>());
                let counts = [split.train().len(), split.validation().len(), split.test().len()];
                prop_assert_eq!(counts, fractions.counts(examples).unwrap());
            }
            Err(error) => prop_assert!(matches!(error, DataError::EmptyPart { .. }), "{}", error),
        }
    }

    #[test]
    fn a_chronological_split_never_looks_ahead(examples in 3_usize..300, fractions in fractions()) {
        if let Ok(split) = Split::chronological(examples, fractions) {
            let all = split.train().iter().chain(split.validation()).chain(split.test());
            prop_assert!(all.copied().eq(0..examples));
        }
    }

    #[test]
    fn inverse_undoes_standardisation(
        rows in vec(vec(-1e3..1e3, 5), 1..4),
        targets in vec(-1e3..1e3, 5),
        offset in -1e6..1e6,
    ) {
        let inputs = Mat::from_fn(rows.len(), 5, |i, j| offset + rows[i][j]);
        let targets = Mat::from_fn(1, 5, |_, j| targets[j]);
        let data = Dataset::regression("random", inputs.as_ref(), targets.as_ref()).unwrap();
        let standardizer = Standardizer::inputs_and_targets(&data).unwrap();
        let standard = standardizer.apply(&data).unwrap();
        let back = standardizer.invert(&standard).unwrap();
        // One subtraction, division, product and sum, each to half a unit in the last place of numbers
        // not above twice the largest of the row.
        for (row, &mean) in standardizer.input_means().iter().enumerate() {
            let size = data.inputs().row(row).iter().fold(mean.abs(), |m, v| m.max(v.abs()));
            for example in 0..5 {
                let difference = back.inputs()[(row, example)] - data.inputs()[(row, example)];
                prop_assert!(difference.abs() <= 4.0 * f64::EPSILON * size);
            }
        }
        let mut outputs = standard.targets().to_vec();
        standardizer.invert_outputs(&mut outputs);
        prop_assert_eq!(outputs, back.targets());
    }

    #[test]
    fn standardised_variables_have_mean_0_and_deviation_1(row in vec(-1e3..1e3, 2..50)) {
        let inputs = Mat::from_fn(1, row.len(), |_, j| row[j]);
        let data = Dataset::binary("random", inputs.as_ref(), &vec![true; row.len()]).unwrap();
        let standard = Standardizer::inputs(&data).unwrap().apply(&data).unwrap();
        let count = row.len() as f64;
        let mean = standard.inputs().row(0).iter().sum::<f64>() / count;
        let square = standard.inputs().row(0).iter().map(|z| z * z).sum::<f64>() / count;
        let spread = row.iter().fold(0.0_f64, |m, v| m.max((v - row[0]).abs()));
        prop_assume!(spread > 1e-3);
        // The mean is known to about an ulp of the values, here 1e3 · 2⁻⁵², relative to the spread.
        prop_assert!(mean.abs() < 1e-12 * 1e3 / spread, "mean {}", mean);
        prop_assert!((square - 1.0).abs() < 1e-12 * 1e3 / spread, "mean square {}", square);
        prop_assert_eq!(standard.targets(), data.targets());
    }

    #[test]
    fn an_epoch_visits_every_example_once(examples in 1_usize..60, size in 1_usize..70, seed: u64) {
        let inputs = Mat::from_fn(2, examples, |i, j| (10 * j + i) as f64);
        let targets = Mat::from_fn(3, examples, |i, j| (100 * j + i) as f64);
        let data = Dataset::regression("numbered", inputs.as_ref(), targets.as_ref()).unwrap();
        let mut batches = Batches::new(&data, size).unwrap();
        let mut rng = seeded(seed);
        for _ in 0..2 {
            batches.shuffle(&mut rng);
            let (mut seen, mut count) = (Vec::new(), 0);
            while let Some(batch) = batches.next_batch() {
                count += 1;
                prop_assert!(batch.examples.len() == size || seen.len() + batch.examples.len() == examples);
                for (column, &index) in batch.examples.iter().enumerate() {
                    let input = [batch.inputs[(0, column)], batch.inputs[(1, column)]];
                    prop_assert_eq!(input, data.example(index).input);
                    prop_assert_eq!(&batch.targets[3 * column..3 * column + 3], data.example(index).target);
                }
                seen.extend_from_slice(batch.examples);
            }
            prop_assert_eq!(count, batches.per_epoch());
            prop_assert_eq!(sorted(seen), (0..examples).collect::<Vec<_>>());
            prop_assert!(batches.next_batch().is_none());
        }
    }
}

#[test]
fn value_stability_of_a_split() {
    let fractions = Fractions::new(0.2, 0.3).unwrap();
    let split = Split::random(20, fractions, &mut seeded(42)).unwrap();
    assert_eq!(split.train(), [7, 1, 11, 16, 6, 12, 3, 10, 15, 13]);
    assert_eq!(split.validation(), [14, 19, 18, 0]);
    assert_eq!(split.test(), [8, 2, 4, 17, 9, 5]);
    let split = Split::random(digits().unwrap().len(), fractions, &mut seeded(42)).unwrap();
    let position_sum = |part: &[usize]| {
        part.iter()
            .enumerate()
            .map(|(k, i)| (k + 1) * i)
            .sum::<usize>()
    };
    assert_eq!(
        [split.train(), split.validation(), split.test()].map(position_sum),
        [364_260_464, 55_524_540, 133_514_747]
    );
}

#[test]
fn value_stability_of_batches() {
    let data = diabetes().unwrap();
    let mut batches = Batches::new(&data, 6).unwrap();
    let mut rng = seeded(7);
    batches.shuffle(&mut rng);
    assert_eq!(
        batches.next_batch().unwrap().examples,
        [97, 74, 244, 132, 25, 363]
    );
    batches.shuffle(&mut rng);
    assert_eq!(
        batches.next_batch().unwrap().examples,
        [438, 227, 179, 169, 31, 310]
    );
    batches.in_order();
    assert_eq!(batches.next_batch().unwrap().examples, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn the_order_of_an_epoch_depends_on_the_generator_alone() {
    let data = diabetes().unwrap();
    let mut fresh = Batches::new(&data, 442).unwrap();
    let mut used = fresh.clone();
    used.shuffle(&mut seeded(1));
    used.shuffle(&mut seeded(2));
    fresh.shuffle(&mut seeded(2));
    assert_eq!(
        used.next_batch().unwrap().examples,
        fresh.next_batch().unwrap().examples
    );
}

#[test]
fn shares_are_rounded_to_the_nearest_count() {
    let counts = |validation, test, examples| Fractions::new(validation, test)?.counts(examples);
    assert_eq!(counts(0.2, 0.25, 7).unwrap(), [4, 1, 2]);
    assert_eq!(counts(0.0, 0.5, 1000).unwrap(), [500, 0, 500]);
    assert_eq!(counts(0.1, 0.0, 5).unwrap(), [4, 1, 0]);
    assert_eq!(counts(0.0, 0.0, 1).unwrap(), [1, 0, 0]);
}

#[test]
fn splits_that_cannot_be_made_are_refused() {
    for (validation, test, parameter) in [
        (-0.1, 0.2, "validation"),
        (0.1, f64::NAN, "test"),
        (0.1, 1.0, "test"),
        (0.5, 0.5, "validation + test"),
    ] {
        let error = Fractions::new(validation, test).unwrap_err();
        assert!(
            matches!(error, DataError::Parameter { parameter: p, .. } if p == parameter),
            "{error}"
        );
    }
    let error = Split::chronological(3, Fractions::new(0.1, 0.3).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "3 examples are too few: the validation part would be empty"
    );
    let error = Split::chronological(0, Fractions::new(0.0, 0.0).unwrap()).unwrap_err();
    assert!(matches!(
        error,
        DataError::EmptyPart {
            part: "training",
            ..
        }
    ));
}

#[test]
fn statistics_come_from_the_training_part_alone() {
    let train =
        Dataset::regression("d", mat![[0.0, 2.0]].as_ref(), mat![[5.0, 7.0]].as_ref()).unwrap();
    let test = Dataset::regression("d", mat![[101.0]].as_ref(), mat![[6.5]].as_ref()).unwrap();
    let standardizer = Standardizer::inputs_and_targets(&train).unwrap();
    assert_eq!(
        (standardizer.input_means(), standardizer.input_scales()),
        (&[1.0][..], &[1.0][..])
    );
    let test = standardizer.apply(&test).unwrap();
    assert_eq!(
        (test.example(0).input, test.targets()),
        (&[100.0][..], &[0.5][..])
    );
}

#[test]
fn a_constant_becomes_zero_and_stays_finite_elsewhere() {
    // The mean of three times 0.1 is not 0.1 in floating point; the constant must be taken as it is.
    let labels = [true, false, true];
    let train = Dataset::binary("d", mat![[0.1, 0.1, 0.1]].as_ref(), &labels).unwrap();
    let standardizer = Standardizer::inputs(&train).unwrap();
    assert_eq!(
        standardizer.apply(&train).unwrap().inputs(),
        mat![[0.0, 0.0, 0.0]]
    );
    let other = Dataset::binary("d", mat![[0.1 + 3.0]].as_ref(), &[true]).unwrap();
    assert_eq!(standardizer.apply(&other).unwrap().example(0).input, [3.0]);
}

#[test]
fn extreme_scales_neither_overflow_nor_vanish() {
    for size in [1e-300, 1.0, 1e300] {
        let inputs = mat![[-size, size, -size, size]];
        let train = Dataset::binary("d", inputs.as_ref(), &[true; 4]).unwrap();
        let standard = Standardizer::inputs(&train).unwrap().apply(&train).unwrap();
        assert_eq!(
            standard.inputs(),
            mat![[-1.0, 1.0, -1.0, 1.0]],
            "size {size}"
        );
    }
    let inputs = mat![[-1e308, 1e308]];
    let train = Dataset::binary("d", inputs.as_ref(), &[true; 2]).unwrap();
    let error = Standardizer::inputs(&train).unwrap_err();
    assert!(matches!(error, DataError::Range { .. }), "{error}");
    // Far from training data that hardly vary: an error, not an infinity.
    let train = Dataset::binary("d", mat![[0.0, 1e-300]].as_ref(), &[true; 2]).unwrap();
    let far = Dataset::binary("d", mat![[1e300]].as_ref(), &[true]).unwrap();
    let error = Standardizer::inputs(&train)
        .unwrap()
        .apply(&far)
        .unwrap_err();
    assert!(matches!(error, DataError::NotFinite { .. }), "{error}");
}

#[test]
fn what_cannot_be_standardised_or_batched_is_refused() {
    let labels = digits().unwrap();
    let error = Standardizer::inputs_and_targets(&labels).unwrap_err();
    assert!(
        matches!(error, DataError::StandardizedLabels { .. }),
        "{error}"
    );
    let error = Standardizer::inputs(&labels.select(&[])).unwrap_err();
    assert!(matches!(error, DataError::NoExamples { .. }), "{error}");
    let error = Standardizer::inputs(&labels)
        .unwrap()
        .apply(&diabetes().unwrap())
        .unwrap_err();
    assert!(
        matches!(
            error,
            DataError::Shape {
                expected: 64,
                found: 10,
                ..
            }
        ),
        "{error}"
    );
    assert!(matches!(
        Batches::new(&labels, 0),
        Err(DataError::Parameter { .. })
    ));
    assert!(matches!(
        Batches::new(&labels.select(&[]), 1),
        Err(DataError::NoExamples { .. })
    ));
}
