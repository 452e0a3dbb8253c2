//! The order-parameter equations against an independent implementation, one-step simulation; bad input.

use neuromanifold_geometry::Metric;
use neuromanifold_geometry::closed_form::online::{LearningRule, OrderParameters, SoftCommittee};
use neuromanifold_geometry::closed_form::{ClosedFormError, GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::faer::linalg::solvers::Solve as _;
use neuromanifold_geometry::faer::{Mat, MatRef, Side, mat};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const RULES: [LearningRule; 2] = [LearningRule::GradientDescent, LearningRule::NaturalGradient];

fn start() -> OrderParameters {
    let students = mat![[0.5, 0.1], [0.1, 0.4]];
    OrderParameters::new(students.as_ref(), mat![[0.2, 0.05], [-0.1, 0.3]].as_ref())
        .expect("overlaps")
}

fn near(found: MatRef<'_, f64>, expected: &Mat<f64>, bound: f64) {
    let error = (found - expected).norm_max();
    assert!(error < bound, "{found:?}\n{expected:?}");
}

/// Drifts of an implementation with explicit vectors and a dense metric, in double precision (its Cholesky factor carries a
/// ridge of 1e-14).
#[test]
fn drifts_of_an_independent_implementation() {
    let teacher = mat![[1.0, 0.2], [0.2, 0.8]];
    let expected = [
        (
            1.5,
            mat![
                [0.525_824_010_612_185_2, 0.426_875_637_060_982_5],
                [0.426_875_637_060_982_5, 0.622_721_419_926_174_6]
            ],
            mat![
                [0.637_477_941_842_340_4, 0.353_008_033_876_641_7],
                [0.617_276_578_630_32, 0.405_887_447_280_910_86]
            ],
        ),
        (
            0.3,
            mat![
                [1.871_630_099_806_936_6, -2.036_230_674_229_081],
                [-2.036_230_674_229_081, 1.846_911_769_765_099_6]
            ],
            mat![
                [0.095_961_918_274_599_25, 0.035_749_604_644_163_68],
                [0.170_803_052_500_115_18, 0.103_597_983_704_975_64]
            ],
        ),
    ];
    for (rule, (rate, students, overlaps)) in RULES.into_iter().zip(expected) {
        let committee = SoftCommittee::new(teacher.as_ref(), 0.01, rate, rule).unwrap();
        let drift = committee.drift(&start()).unwrap();
        near(drift.students(), &students, 1e-11);
        near(drift.overlaps(), &overlaps, 1e-11);
        let error = committee.generalization_error(&start()).unwrap();
        assert!((error - 0.448_846_919_238_262_1).abs() < 1e-14);
    }
    let teacher = mat![[1.0, 0.0, 0.0], [0.0, 0.7, 0.0], [0.0, 0.0, 0.4]];
    let alone =
        OrderParameters::new(mat![[0.5]].as_ref(), mat![[0.2, 0.05, -0.3]].as_ref()).unwrap();
    let expected = [
        (
            1.0,
            0.093_705_428_782_601_24,
            mat![[
                0.315_441_629_178_348_17,
                0.265_557_109_687_732_5,
                0.261_493_932_261_019_7
            ]],
        ),
        (
            0.3,
            -0.273_398_449_339_677_3,
            mat![[
                0.162_976_427_076_868_5,
                0.165_164_845_820_158_2,
                0.245_134_201_154_669_6
            ]],
        ),
    ];
    for (rule, (rate, student, overlaps)) in RULES.into_iter().zip(expected) {
        let drift = SoftCommittee::new(teacher.as_ref(), 0.02, rate, rule)
            .unwrap()
            .drift(&alone)
            .unwrap();
        near(drift.students(), &mat![[student]], 1e-11);
        near(drift.overlaps(), &overlaps, 1e-11);
    }
}

/// The mean change of the overlaps in one step, over random examples, is the drift: |z| ≤ 4 in every entry.
///
/// Only projections of the input on students and teachers are drawn; across them its square is N, exactly as `N → ∞`.
#[test]
fn drifts_of_one_step() {
    let (students, size, draws) = (2, 4, 200_000);
    let teacher = mat![[1.0, 0.2], [0.2, 0.8]];
    let at = start();
    let covariance = Mat::from_fn(size, size, |i, j| match (i < 2, j < 2) {
        (true, true) => at.students()[(i, j)],
        (true, false) => at.overlaps()[(i, j - 2)],
        (false, true) => at.overlaps()[(j, i - 2)],
        (false, false) => teacher[(i - 2, j - 2)],
    });
    // vectors with these overlaps, and the metric of the student as a network on their span
    let vectors = covariance.llt(Side::Lower).unwrap().L().to_owned();
    let net = Mlp::committee(size, students, Activation::Erf).unwrap();
    let mut theta = vec![1.0; net.parameters()];
    for a in 0..students {
        for i in 0..size {
            theta[a * size + i] = vectors[(a, i)];
        }
    }
    let fisher = GaussianInputFisher::new(
        &net,
        &theta,
        &GaussianInput::standard(size),
        &Gaussian::UNIT,
    )
    .unwrap();
    let metric = fisher.to_dense();
    let seen = metric
        .as_ref()
        .submatrix(0, 0, students * size, students * size)
        .llt(Side::Lower)
        .unwrap();
    let slope = |a: usize, b: usize| {
        let spread = |i: usize| 1.0 + covariance[(i, i)];
        std::f64::consts::FRAC_2_PI / (spread(a) * spread(b) - covariance[(a, b)].powi(2)).sqrt()
    };
    let unseen = Mat::from_fn(students, students, slope)
        .llt(Side::Lower)
        .unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    for (rule, rate) in RULES.into_iter().zip([1.5, 0.3]) {
        let committee = SoftCommittee::new(teacher.as_ref(), 0.01, rate, rule).unwrap();
        let drift = committee.drift(&at).unwrap();
        let (mut sums, mut squares) = ([0.0; 8], [0.0; 8]);
        for _ in 0..draws {
            let z: [f64; 4] = std::array::from_fn(|_| StandardNormal.sample(&mut rng));
            let noise: f64 = StandardNormal.sample(&mut rng);
            let u: Vec<f64> = (0..size)
                .map(|q| (0..size).map(|i| vectors[(q, i)] * z[i]).sum())
                .collect();
            let (mut value, mut derivative) = ([0.0; 4], [0.0; 4]);
            Activation::Erf.value_and_derivative(&u, &mut value, &mut derivative);
            let gap = value[2] + value[3] - value[0] - value[1] + 0.1 * noise;
            let delta = [derivative[0] * gap, derivative[1] * gap];
            let mut step = Mat::from_fn(students * size, 1, |row, _| {
                delta[row / size] * z[row % size]
            });
            let mut across = mat![[delta[0]], [delta[1]]];
            if rule == LearningRule::NaturalGradient {
                seen.solve_in_place(step.as_mut());
                unseen.solve_in_place(across.as_mut());
            }
            let along = |a: usize, q: usize| {
                (0..size)
                    .map(|i| step[(a * size + i, 0)] * vectors[(q, i)])
                    .sum::<f64>()
            };
            for a in 0..students {
                for b in 0..2 {
                    let overlap = rate * along(a, 2 + b);
                    let student = rate * (along(a, b) + along(b, a))
                        + rate * rate * across[(a, 0)] * across[(b, 0)];
                    for (index, value) in [(2 * a + b, student), (4 + 2 * a + b, overlap)] {
                        sums[index] += value;
                        squares[index] += value * value;
                    }
                }
            }
        }
        for index in 0..8 {
            let (a, b) = (index % 4 / 2, index % 2);
            let expected = if index < 4 {
                drift.students()[(a, b)]
            } else {
                drift.overlaps()[(a, b)]
            };
            let mean = sums[index] / draws as f64;
            let error = ((squares[index] / draws as f64 - mean * mean) / draws as f64).sqrt();
            let z = (mean - expected) / error;
            assert!(
                z.abs() <= 4.0,
                "{rule:?}, entry {index}: {mean} ± {error}, expected {expected}"
            );
        }
    }
}

#[test]
fn bad_input() {
    let teacher = Mat::<f64>::identity(2, 2);
    let rule = LearningRule::NaturalGradient;
    for (noise, rate) in [
        (-1.0, 0.1),
        (0.0, 0.0),
        (f64::NAN, 0.1),
        (0.0, f64::INFINITY),
    ] {
        let refused = SoftCommittee::new(teacher.as_ref(), noise, rate, rule);
        assert!(matches!(refused, Err(ClosedFormError::OutOfRange { .. })));
    }
    let skew = mat![[1.0, 0.1], [0.3, 1.0]];
    let overlaps = mat![[0.1, 0.2], [0.3, 0.1]];
    assert!(matches!(
        OrderParameters::new(skew.as_ref(), overlaps.as_ref()),
        Err(ClosedFormError::NotSymmetric { .. })
    ));
    let committee = SoftCommittee::new(teacher.as_ref(), 0.0, 0.1, rule).unwrap();
    for end in [-1.0, f64::NAN, f64::INFINITY] {
        let refused = committee.trajectory(&start(), end, 1e-6);
        assert!(matches!(refused, Err(ClosedFormError::OutOfRange { .. })));
    }
    for tolerance in [0.0, 1e-15, 1.0, f64::NAN] {
        let refused = committee.trajectory(&start(), 1.0, tolerance);
        assert!(matches!(refused, Err(ClosedFormError::Tolerance { .. })));
    }
    // two students that are one
    let same = mat![[0.5, 0.5], [0.5, 0.5]];
    let same = OrderParameters::new(same.as_ref(), mat![[0.1, 0.2], [0.1, 0.2]].as_ref()).unwrap();
    assert!(matches!(
        committee.drift(&same),
        Err(ClosedFormError::SingularStudent)
    ));
    let singular = committee.trajectory(&same, 1.0, 1e-6);
    assert!(matches!(singular, Err(ClosedFormError::SingularStudent)));
    // the overlaps cannot go on like this: two students that are almost one, and a large rate
    let close = mat![[0.5, 0.499_999], [0.499_999, 0.5]];
    let close =
        OrderParameters::new(close.as_ref(), mat![[0.1, 0.2], [0.1, 0.2]].as_ref()).unwrap();
    let wild = SoftCommittee::new(teacher.as_ref(), 0.0, 1e200, rule).unwrap();
    let run = wild.trajectory(&close, 1e5, 1e-6);
    assert!(
        matches!(
            run,
            Err(ClosedFormError::Diverged { .. } | ClosedFormError::SingularStudent)
        ),
        "{run:?}"
    );
}

#[test]
fn overlaps_of_no_vectors_are_refused() {
    let rule = LearningRule::GradientDescent;
    for impossible in [mat![[1.0, 2.0], [2.0, 1.0]], mat![[-3.0]]] {
        let refused = SoftCommittee::new(impossible.as_ref(), 0.0, 0.1, rule);
        assert!(matches!(refused, Err(ClosedFormError::NoOverlaps { .. })));
        let none = Mat::zeros(impossible.nrows(), 1);
        let refused = OrderParameters::new(impossible.as_ref(), none.as_ref());
        assert!(matches!(refused, Err(ClosedFormError::NoOverlaps { .. })));
    }
    // each for itself may be, together they may not: the cosine of a student and a teacher would be 3
    let committee = SoftCommittee::new(mat![[1.0]].as_ref(), 0.0, 0.1, rule).unwrap();
    let at = OrderParameters::new(mat![[1.0]].as_ref(), mat![[3.0]].as_ref()).unwrap();
    let error = committee.generalization_error(&at);
    assert!(matches!(error, Err(ClosedFormError::NoOverlaps { .. })));
    let drift = committee.drift(&at);
    assert!(matches!(drift, Err(ClosedFormError::NoOverlaps { .. })));
    let run = committee.escape(&at, 0.1, 1.0, 1e-6);
    assert!(
        matches!(run, Err(ClosedFormError::NoOverlaps { .. })),
        "{run:?}"
    );
    let level = committee.escape(&start_of_one(), f64::NAN, 1.0, 1e-6);
    assert!(matches!(level, Err(ClosedFormError::OutOfRange { .. })));
}

fn start_of_one() -> OrderParameters {
    OrderParameters::new(mat![[1.0]].as_ref(), mat![[0.5]].as_ref()).expect("overlaps")
}
