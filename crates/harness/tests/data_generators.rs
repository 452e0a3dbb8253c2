//! The generated data sets: Mackey–Glass, extended exclusive or, teacher and student.

#![expect(
    clippy::float_cmp,
    reason = "copies and exact arithmetic must agree to the bit"
)]
#![expect(clippy::unwrap_used, reason = "a step that fails here fails the test")]

use neuromanifold_harness::data::{
    DataError, DelayEmbedding, DelayedMidpoint, ExtendedXor, Fractions, MackeyGlass, SoftCommittee,
    Split, TeacherStudent, mackey_glass,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Values of an independent implementation of the same discrete rule in Python.
const BENCHMARK: [(usize, f64); 15] = [
    (0, 1.2),
    (1, 1.0858049016522757),
    (17, 0.2276886804084496),
    (18, 0.2525439794001614),
    (30, 0.7833089821915727),
    (100, 0.9411677601849898),
    (118, 1.149122184608485),
    (124, 1.0243079559201753),
    (500, 0.9474098479557513),
    (617, 1.1464452186549425),
    (618, 1.1108106093604286),
    (1000, 1.0074230207128652),
    (1117, 1.1786491805048867),
    (1123, 1.0074760761437491),
    (1200, 1.0875417698538223),
];

#[test]
fn mackey_glass_agrees_with_the_reference_implementation() {
    let series = MackeyGlass::default().series(1200).unwrap();
    assert_eq!(series.len(), 1201);
    for (time, expected) in BENCHMARK {
        // The reference takes the tenth power by `pow`, we by squaring; chaos amplifies the last bit, over
        // 1200 units by about e^(1200/150) = 3000, to some 1e-12.
        let difference = (series[time] - expected).abs();
        assert!(
            difference < 1e-12,
            "x({time}) = {}, {difference:e} off",
            series[time]
        );
    }
}

#[test]
fn the_prediction_task_is_the_benchmarks() {
    let data = mackey_glass().unwrap();
    let series = MackeyGlass::default().series(1123).unwrap();
    assert_eq!(
        (data.len(), data.input_dimension(), data.targets().len()),
        (1000, 4, 1000)
    );
    assert_eq!(data.input_names(), ["s(t-18)", "s(t-12)", "s(t-6)", "s(t)"]);
    assert_eq!(data.target_names(), ["s(t+6)"]);
    for (example, t) in [(0, 118), (499, 617), (500, 618), (999, 1117)] {
        let input = [series[t - 18], series[t - 12], series[t - 6], series[t]];
        assert_eq!(data.example(example).input, input);
        assert_eq!(data.example(example).target, [series[t + 6]]);
    }
    let halves = Split::chronological(1000, Fractions::new(0.0, 0.5).unwrap()).unwrap();
    assert_eq!((halves.train().len(), halves.test()[0]), (500, 500));
}

/// The observed order log₂(|x_h − x_{h/2}| / |x_{h/2} − x_{h/4}|) at the end of `duration` units.
fn order(system: &MackeyGlass, duration: usize) -> f64 {
    let end = |steps_per_unit| {
        let finer = MackeyGlass {
            steps_per_unit,
            ..system.clone()
        };
        *finer.series(duration).unwrap().last().unwrap()
    };
    let [coarse, middle, fine] = [4, 8, 16].map(end);
    ((coarse - middle) / (middle - fine)).abs().log2()
}

#[test]
fn the_order_of_the_integrator_is_that_of_its_interpolation() {
    // A history equal to x(0) leaves only kinks at multiples of the delay, which are grid points.
    let mean = MackeyGlass {
        history: 1.2,
        ..MackeyGlass::default()
    };
    let hermite = MackeyGlass {
        midpoint: DelayedMidpoint::Hermite,
        ..mean.clone()
    };
    for duration in [20, 30, 45, 60] {
        let (second, fourth) = (order(&mean, duration), order(&hermite, duration));
        assert!(
            (second - 2.0).abs() < 0.05,
            "mean, {duration} units: order {second}"
        );
        assert!(
            (fourth - 4.0).abs() < 0.1,
            "Hermite, {duration} units: order {fourth}"
        );
    }
}

#[test]
fn without_feedback_the_order_is_four_for_both() {
    for midpoint in [DelayedMidpoint::Mean, DelayedMidpoint::Hermite] {
        let system = MackeyGlass {
            midpoint,
            ..MackeyGlass::default()
        };
        // For t < τ and no history the equation is x' = −b x, and known.
        for (steps_per_unit, bound) in [(1, 1e-6), (10, 1e-10)] {
            let finer = MackeyGlass {
                steps_per_unit,
                ..system.clone()
            };
            let error = (finer.series(16).unwrap()[16] - 1.2 * f64::exp(-1.6)).abs();
            assert!(error < bound, "{steps_per_unit} steps per unit: {error:e}");
        }
        let fourth = order(&system, 16);
        assert!((fourth - 4.0).abs() < 0.1, "order {fourth}");
    }
}

#[test]
fn mackey_glass_refuses_what_it_cannot_integrate() {
    let broken = [
        (
            MackeyGlass {
                delay: 0,
                ..MackeyGlass::default()
            },
            "delay",
        ),
        (
            MackeyGlass {
                steps_per_unit: 0,
                ..MackeyGlass::default()
            },
            "steps_per_unit",
        ),
        (
            MackeyGlass {
                decay: f64::NAN,
                ..MackeyGlass::default()
            },
            "decay",
        ),
    ];
    for (system, name) in broken {
        let error = system.series(5).unwrap_err();
        assert!(
            matches!(error, DataError::Parameter { parameter, .. } if parameter == name),
            "{error}"
        );
    }
    let explosive = MackeyGlass {
        decay: -50.0,
        ..MackeyGlass::default()
    };
    let error = explosive.series(100).unwrap_err();
    assert!(
        matches!(error, DataError::Diverged { time } if time > 0.0 && time < 100.0),
        "{error}"
    );
}

#[test]
fn a_delay_embedding_must_fit_its_series() {
    let embedding = DelayEmbedding {
        lags: vec![2, 0],
        horizon: 1,
        first: 2,
        examples: 3,
    };
    let series = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let data = embedding.dataset("count", &series).unwrap();
    assert_eq!(data.example(2).input, [2.0, 4.0]);
    assert_eq!(data.targets(), [3.0, 4.0, 5.0]);
    assert!(matches!(
        embedding.dataset("count", &series[..5]),
        Err(DataError::ShortSeries {
            available: 5,
            needed: 6
        })
    ));
    let early = DelayEmbedding {
        first: 1,
        ..embedding.clone()
    };
    assert!(matches!(
        early.dataset("count", &series),
        Err(DataError::Parameter { .. })
    ));
    let blind = DelayEmbedding {
        lags: Vec::new(),
        ..embedding
    };
    assert!(matches!(
        blind.dataset("count", &series),
        Err(DataError::Shape { .. })
    ));
}

#[test]
fn extended_xor_has_the_stated_clusters() {
    let design = ExtendedXor {
        examples_per_cluster: 4000,
        ..ExtendedXor::default()
    };
    let data = design.generate(&mut seeded(11)).unwrap();
    assert_eq!(data.class_counts(), [20_000, 16_000]);
    for cluster in 0..9 {
        let members = (cluster..data.len()).step_by(9);
        let centre = [(cluster % 3) as f64 - 1.0, (cluster / 3) as f64 - 1.0];
        for (axis, centre) in centre.into_iter().enumerate() {
            let values = members
                .clone()
                .map(|example| data.example(example).input[axis]);
            let mean = values.clone().sum::<f64>() / 4000.0;
            let variance = values.map(|v| (v - centre).powi(2)).sum::<f64>() / 4000.0;
            // Five standard errors: 5 · 0.2/√4000 = 0.016 and 5 · 0.2²·√(2/4000) = 0.0045.
            assert!(
                (mean - centre).abs() < 0.016,
                "cluster {cluster}: mean {mean}"
            );
            assert!(
                (variance - 0.04).abs() < 0.0045,
                "cluster {cluster}: variance {variance}"
            );
        }
        assert!(
            members
                .clone()
                .all(|i| data.targets()[i] == ((cluster % 3 + cluster / 3) % 2) as f64)
        );
    }
}

#[test]
fn the_nearest_centre_errs_on_extended_xor_as_often_as_stated() {
    let design = ExtendedXor {
        examples_per_cluster: 4000,
        ..ExtendedXor::default()
    };
    let data = design.generate(&mut seeded(12)).unwrap();
    let nearest = |v: f64| v.round().clamp(-1.0, 1.0) as i32 + 1;
    let wrong = (0..data.len())
        .map(|index| data.example(index))
        .filter(|x| f64::from((nearest(x.input[0]) + nearest(x.input[1])) % 2) != x.target[0])
        .count();
    // 0.016422 exactly, from normal tails; four standard errors on 36000 examples are 0.0027.
    let rate = wrong as f64 / data.len() as f64;
    assert!((rate - 0.016_422).abs() < 0.0027, "{rate}");
}

#[test]
fn extended_xor_of_side_two_is_exclusive_or() {
    let design = ExtendedXor {
        side: 2,
        spacing: 2.0,
        deviation: 0.0,
        examples_per_cluster: 1,
    };
    let data = design.generate(&mut seeded(0)).unwrap();
    let rows: Vec<_> = (0..4)
        .map(|i| (data.example(i).input.to_vec(), data.targets()[i]))
        .collect();
    let expected = [
        ([-1.0, -1.0], 0.0),
        ([1.0, -1.0], 1.0),
        ([-1.0, 1.0], 1.0),
        ([1.0, 1.0], 0.0),
    ];
    assert_eq!(rows, expected.map(|(x, y)| (x.to_vec(), y)));
    for broken in [
        ExtendedXor {
            side: 1,
            ..design.clone()
        },
        ExtendedXor {
            spacing: 0.0,
            ..design.clone()
        },
        ExtendedXor {
            deviation: f64::NAN,
            ..design.clone()
        },
        ExtendedXor {
            examples_per_cluster: 0,
            ..design
        },
    ] {
        assert!(matches!(
            broken.generate(&mut seeded(0)),
            Err(DataError::Parameter { .. })
        ));
    }
}

#[test]
fn a_teacher_is_obeyed_up_to_the_noise() {
    let teacher = |x: &[f64], y: &mut [f64]| {
        y[0] = x[0] + x[1];
        y[1] = x[0] * x[2];
    };
    let exact = TeacherStudent {
        examples: 5000,
        inputs: 3,
        outputs: 2,
        noise: 0.0,
    };
    let noisy = TeacherStudent {
        noise: 0.5,
        ..exact
    };
    let exact = exact.generate(teacher, &mut seeded(3)).unwrap();
    let noisy = noisy.generate(teacher, &mut seeded(3)).unwrap();
    assert_eq!(exact.inputs(), noisy.inputs());
    let x = exact.example(17);
    assert_eq!(x.target, [x.input[0] + x.input[1], x.input[0] * x.input[2]]);
    let residuals = noisy
        .targets()
        .iter()
        .zip(exact.targets())
        .map(|(a, b)| a - b);
    let variance = residuals.map(|r| r * r).sum::<f64>() / 10_000.0;
    // Five standard errors of the variance: 5 · 0.25·√(2/10⁴).
    assert!((variance - 0.25).abs() < 0.018, "{variance}");
    let second = exact.inputs().col_iter().map(|x| x[0] * x[0]).sum::<f64>() / 5000.0;
    assert!((second - 1.0).abs() < 0.1, "{second}");
}

#[test]
fn a_teacher_must_answer_with_numbers() {
    let design = TeacherStudent {
        examples: 3,
        inputs: 1,
        outputs: 1,
        noise: 0.1,
    };
    let mut calls = 0;
    let broken = |_: &[f64], y: &mut [f64]| {
        calls += 1;
        y[0] = if calls == 3 { f64::NAN } else { 0.0 };
    };
    let error = design.generate(broken, &mut seeded(1)).unwrap_err();
    assert!(
        matches!(error, DataError::NotFinite { example: 2, .. }),
        "{error}"
    );
    let still = |_: &[f64], _: &mut [f64]| {};
    let negative = TeacherStudent {
        noise: -1.0,
        ..design
    };
    assert!(matches!(
        negative.generate(still, &mut seeded(1)),
        Err(DataError::Parameter { .. })
    ));
    let blind = TeacherStudent {
        inputs: 0,
        ..design
    };
    assert!(matches!(
        blind.generate(still, &mut seeded(1)),
        Err(DataError::Shape { .. })
    ));
    let mute = TeacherStudent {
        outputs: 0,
        ..design
    };
    assert!(matches!(
        mute.generate(still, &mut seeded(1)),
        Err(DataError::Shape { .. })
    ));
}

#[test]
fn a_soft_committee_sums_its_units() {
    let square: fn(f64) -> f64 = |h| h * h;
    let committee = SoftCommittee::new(vec![1.0, 2.0, 0.0, -1.0], 2, square).unwrap();
    assert_eq!(committee.units(), 2);
    assert_eq!(committee.evaluate(&[3.0, 4.0]), 11.0 * 11.0 + 16.0);
    let random = SoftCommittee::random(40, 50, 3.0, f64::tanh, &mut seeded(4)).unwrap();
    let mean_square = random.weights().iter().map(|w| w * w).sum::<f64>() / 40.0;
    // E|w|² = 9; five standard errors are 5 · 9·√(2/2000).
    assert!((mean_square - 9.0).abs() < 1.5, "{mean_square}");
    for (weights, inputs) in [
        (vec![], 1),
        (vec![1.0], 0),
        (vec![1.0; 3], 2),
        (vec![f64::NAN], 1),
    ] {
        assert!(matches!(
            SoftCommittee::new(weights, inputs, square),
            Err(DataError::Parameter { .. })
        ));
    }
    assert!(SoftCommittee::random(1, 0, 1.0, square, &mut seeded(4)).is_err());
}

#[test]
fn value_stability_of_generators() {
    let xor = ExtendedXor::default().generate(&mut seeded(42)).unwrap();
    assert_eq!(
        xor.example(0).input,
        [-0.9044037523297956, -0.7331858779536384]
    );
    let design = TeacherStudent {
        examples: 2,
        inputs: 2,
        outputs: 1,
        noise: 0.1,
    };
    let sum = |x: &[f64], y: &mut [f64]| y[0] = x[0] + x[1];
    let data = design.generate(sum, &mut seeded(42)).unwrap();
    assert_eq!(
        data.example(1).input,
        [0.4763469238088213, -0.5120906220561634]
    );
    assert_eq!(data.targets(), [1.7909651802557267, -0.1291415431864119]);
}
