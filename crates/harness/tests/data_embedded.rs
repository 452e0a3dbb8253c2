//! The embedded data sets against sums, extremes and counts taken from the source files independently.

#![expect(
    clippy::float_cmp,
    reason = "copies and exact arithmetic must agree to the bit"
)]
#![expect(clippy::unwrap_used, reason = "a step that fails here fails the test")]

use neuromanifold_harness::data::{Dataset, Task, concrete, diabetes, digits};

/// Correctly rounded sums of n terms and ours differ by at most n units in the last place.
const SUM_TOLERANCE: f64 = 2e-13;

/// Name, sum, least and greatest value, population standard deviation.
type Column = (&'static str, f64, f64, f64, f64);

fn check_columns(data: &Dataset, expected: &[Column]) {
    let names: Vec<&String> = data
        .input_names()
        .iter()
        .chain(data.target_names())
        .collect();
    assert_eq!(
        names,
        expected.iter().map(|column| column.0).collect::<Vec<_>>()
    );
    for (index, &(name, sum, least, greatest, deviation)) in expected.iter().enumerate() {
        let values: Vec<f64> = (0..data.len())
            .map(|example| data.example(example))
            .map(|example| {
                *example
                    .input
                    .iter()
                    .chain(example.target)
                    .nth(index)
                    .unwrap()
            })
            .collect();
        let close = |a: f64, b: f64| (a - b).abs() <= SUM_TOLERANCE * b.abs();
        let total: f64 = values.iter().sum();
        assert!(close(total, sum), "{name}: sum {total}, expected {sum}");
        assert_eq!(
            values.iter().copied().fold(f64::INFINITY, f64::min),
            least,
            "{name}"
        );
        assert_eq!(
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            greatest,
            "{name}"
        );
        let mean = total / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(
            close(variance.sqrt(), deviation),
            "{name}: deviation {}",
            variance.sqrt()
        );
    }
}

#[test]
fn concrete_is_the_published_table() {
    let data = concrete().unwrap();
    assert_eq!(
        (data.name(), data.len(), data.input_dimension()),
        ("concrete", 1030, 8)
    );
    assert_eq!(data.task(), Task::Regression { outputs: 1 });
    check_columns(
        &data,
        &[
            ("cement", 289602.9, 102.0, 540.0, 104.45562093052496),
            ("blast_furnace_slag", 76112.7, 0.0, 359.4, 86.23744840174277),
            ("fly_ash", 55814.0, 0.0, 200.1, 63.96593010174051),
            ("water", 187014.3, 121.8, 247.0, 21.343849922243454),
            ("superplasticizer", 6390.8, 0.0, 32.2, 5.970940765272762),
            (
                "coarse_aggregate",
                1002106.5,
                801.0,
                1145.0,
                77.71620016310304,
            ),
            ("fine_aggregate", 796787.9, 594.0, 992.6, 80.13705031241206),
            ("age", 47032.0, 1.0, 365.0, 63.13923912883281),
            (
                "compressive_strength",
                36892.5,
                2.33,
                82.6,
                16.697630409134263,
            ),
        ],
    );
    assert_eq!(
        data.example(0).input,
        [540.0, 0.0, 0.0, 162.0, 2.5, 1040.0, 676.0, 28.0]
    );
    assert_eq!(
        data.example(1029).input,
        [260.9, 100.5, 78.3, 200.6, 8.6, 864.5, 761.5, 28.0]
    );
    assert_eq!((data.targets()[0], data.targets()[1029]), (79.99, 32.4));
    let mut rows: Vec<Vec<u64>> = (0..data.len())
        .map(|index| data.example(index))
        .map(|example| {
            example
                .input
                .iter()
                .chain(example.target)
                .map(|v| v.to_bits())
                .collect()
        })
        .collect();
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), 1005, "different rows");
}

#[test]
fn diabetes_is_the_published_table() {
    let data = diabetes().unwrap();
    assert_eq!(
        (data.name(), data.len(), data.input_dimension()),
        ("diabetes", 442, 10)
    );
    assert_eq!(data.task(), Task::Regression { outputs: 1 });
    check_columns(
        &data,
        &[
            ("age", 21445.0, 19.0, 79.0, 13.094190207980025),
            ("sex", 649.0, 1.0, 2.0, 0.49899573599220276),
            ("bmi", 11658.1, 18.0, 42.2, 4.413120855492464),
            ("bp", 41833.98, 62.0, 133.0, 13.815628311857534),
            ("s1", 83600.0, 97.0, 301.0, 34.568880126921364),
            ("s2", 51024.1, 41.6, 242.4, 30.378657550243798),
            ("s3", 22006.5, 22.0, 99.0, 12.919562419379737),
            ("s4", 1799.05, 2.0, 9.09, 1.288989285051803),
            ("s5", 2051.5036, 3.2581, 6.107, 0.5217992869003063),
            ("s6", 40337.0, 58.0, 124.0, 11.48332247173548),
            ("target", 67243.0, 25.0, 346.0, 77.00574586945044),
        ],
    );
    assert_eq!(
        data.example(441).input,
        [36.0, 1.0, 19.6, 71.0, 250.0, 133.2, 97.0, 3.0, 4.5951, 92.0]
    );
    assert_eq!(data.example(441).target, [57.0]);
}

#[test]
fn digits_are_the_published_images() {
    let data = digits().unwrap();
    assert_eq!(
        (data.name(), data.len(), data.input_dimension()),
        ("digits", 1797, 64)
    );
    assert_eq!(data.task(), Task::Classification { classes: 10 });
    assert_eq!(
        data.class_names(),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    );
    assert_eq!(
        data.class_counts(),
        [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    );
    assert_eq!(
        data.targets()[..11],
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 0.0]
    );
    assert_eq!(data.input_names()[63], "pixel_7_7");

    // Sixteenths are exact, so these are integer identities.
    let level = |image: usize, pixel: usize| 16.0 * data.example(image).input[pixel];
    let weighted = |weight: fn(usize, usize) -> usize| -> f64 {
        let pixels = (0..1797).flat_map(|image| (0..64).map(move |pixel| (image, pixel)));
        pixels
            .map(|(image, pixel)| weight(image, pixel) as f64 * level(image, pixel))
            .sum()
    };
    assert_eq!(weighted(|_, _| 1), 561_718.0);
    assert_eq!(
        weighted(|image, pixel| (image + 1) * (pixel + 1)),
        16_337_198_609.0
    );
    let dark: Vec<usize> = (0..64)
        .filter(|&pixel| (0..1797).all(|image| level(image, pixel) == 0.0))
        .collect();
    assert_eq!(dark, [0, 32, 39]);
    let levels = data.inputs();
    assert!(
        levels
            .col_iter()
            .all(|image| image.iter().all(|&v| (0.0..=1.0).contains(&v)))
    );
}
