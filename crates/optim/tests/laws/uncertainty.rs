//! Standard errors and bands: the textbook's on linear models, those of the quotient on singular ones, and right as often as
//! they say.

use crate::models::{Case, Reparametrised, normals, product, rng};
use crate::stream::{fisher, inverse};
use faer::Mat;
use neuromanifold_geometry::{DenseFisher, Inverse, MetricError, RankTolerance};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Dims, Gaussian, Likelihood, Linearization, OutputMap};
use neuromanifold_optim::uncertainty::{Band, Covariance};
use neuromanifold_optim::{Damping, NaturalGradient, Objective, OptimError, Stopping, fit};
use proptest::prelude::*;
use std::ops::ControlFlow;

fn covariance(
    map: &dyn OutputMap,
    likelihood: &dyn Likelihood,
    theta: &[f64],
    how: Inverse,
) -> Result<Covariance, OptimError> {
    let linearization = map.linearize(theta)?;
    let fisher = DenseFisher::new(linearization.as_ref(), likelihood)?;
    Covariance::of_estimate(&fisher, map.dims().examples, how)
}

fn band(covariance: &Covariance, map: &dyn OutputMap, theta: &[f64]) -> Band {
    covariance
        .band(map.linearize(theta).unwrap().as_ref())
        .unwrap()
}

fn close(one: &[f64], other: &[f64], tolerance: f64) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(a, b)| (a - b).abs() <= tolerance * a.abs().max(b.abs()))
}

/// F. J. Anscombe, *Graphs in statistical analysis*, The American Statistician 27 (1973), first data set: every
/// statistics package prints 3.0001 ± 1.1247 and 0.5001 ± 0.1179, with a residual standard error of 1.237.
#[test]
fn the_standard_errors_of_a_regression_line_are_the_textbooks() {
    let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
    let y = [
        8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
    ];
    let line = Mlp::new(&[1, 1], Activation::Identity).unwrap();
    let batch = line.on_slice(&x).unwrap();
    let objective = Objective::new(&batch, &Gaussian::UNIT, &y).unwrap();
    let mut theta = [0.0, 0.0];
    let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt()).unwrap();
    let stopping = Stopping::after(50).at_predicted_decrease(1e-26);
    fit(
        &mut optimizer,
        &objective,
        &mut theta,
        &stopping,
        |_, _, _| ControlFlow::Continue(()),
    )
    .unwrap();
    assert!((theta[0] - 0.5001).abs() < 5e-5 && (theta[1] - 3.0001).abs() < 5e-5);

    let residuals = x.iter().zip(&y).map(|(x, y)| y - theta[0] * x - theta[1]);
    let squares: f64 = residuals.map(|r| r * r).sum();
    let noise = (squares / 9.0).sqrt();
    assert!((noise - 1.237).abs() < 5e-4);
    let law = Gaussian::new(noise).unwrap();
    let covariance = covariance(&batch, &law, &theta, Inverse::Exact).unwrap();
    let errors = covariance.standard_errors();
    assert!((errors[0] - 0.1179).abs() < 5e-5 && (errors[1] - 1.1247).abs() < 5e-5);
    // and to the last digit: Σ(x − x̄)² = 110, x̄ = 9
    let exact = [
        noise / 110.0_f64.sqrt(),
        noise * (1.0 / 11.0 + 81.0 / 110.0_f64).sqrt(),
    ];
    assert!(close(&errors, &exact, 1e-13), "{errors:?} {exact:?}");
    assert!((covariance.variance(&[9.0, 1.0]) / (noise * noise / 11.0) - 1.0).abs() < 1e-12);
    let at = [20.0];
    let band = band(&covariance, &line.on_slice(&at).unwrap(), &theta);
    let confidence = noise * (1.0 / 11.0 + 121.0 / 110.0_f64).sqrt();
    assert!(close(band.deviations(), &[confidence], 1e-13));
    let prediction = band.with_noise(noise).unwrap();
    assert!(close(
        prediction.deviations(),
        &[confidence.hypot(noise)],
        1e-13
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// `(1/N) G⁻¹`, `(1/N)(G + λI)⁻¹` and `(1/N) G⁺`; bands are `√(J Σ Jᵀ)`, and outputs are among the functions of θ.
    #[test]
    fn a_covariance_is_its_formula(law in 0..3usize, lambda in 1e-3..1.0, seed: u64) {
        let case = Case::new(&[2, 2, 2], law, 300, seed);
        let map = case.net.on_slice(&case.inputs).unwrap();
        let at = map.linearize(&case.theta).unwrap();
        let fisher = DenseFisher::new(at.as_ref(), case.likelihood.as_ref()).unwrap();
        let dim = case.theta.len();
        let damped = Mat::from_fn(dim, dim, |i, j| fisher.matrix()[(i, j)] + if i == j { lambda } else { 0.0 });
        let expected = faer::Scale(1.0 / 300.0) * inverse(damped.as_ref());
        let covariance = Covariance::of_estimate(&fisher, 300, Inverse::damped(lambda)).unwrap();
        prop_assert!((covariance.matrix() - &expected).norm_max() < 1e-11 * expected.norm_max());
        let errors: Vec<f64> = (0..dim).map(|i| expected[(i, i)].sqrt()).collect();
        prop_assert!(close(&covariance.standard_errors(), &errors, 1e-9));
        let band = covariance.band(at.as_ref()).unwrap();
        let mut gradient = vec![0.0; dim];
        for (k, deviation) in band.deviations().iter().enumerate().step_by(37) {
            let mut unit = vec![0.0; 600];
            unit[k] = 1.0;
            at.vjp(&unit, &mut gradient);
            let spread = product(expected.as_ref(), &gradient);
            let variance: f64 = gradient.iter().zip(&spread).map(|(g, s)| g * s).sum();
            prop_assert!((deviation.powi(2) / variance - 1.0).abs() < 1e-9);
            prop_assert!((covariance.variance(&gradient) / variance - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn bands_do_not_depend_on_the_parametrisation(seed: u64) {
        let case = Case::new(&[1, 2, 1], 0, 200, seed);
        let map = case.net.on_slice(&case.inputs).unwrap();
        let law = case.likelihood.as_ref();
        let dim = case.theta.len();
        let entries = normals(dim * dim, &mut rng(seed));
        let matrix = Mat::from_fn(dim, dim, |i, j| 0.3 * entries[i * dim + j] + if i == j { 2.0 } else { 0.0 });
        let other = Reparametrised { map: &map, matrix: matrix.as_ref() };
        let lu = faer::linalg::solvers::PartialPivLu::new(matrix.as_ref());
        let solution = faer::linalg::solvers::Solve::solve(&lu, faer::ColRef::from_slice(&case.theta));
        let phi: Vec<f64> = solution.iter().copied().collect();
        let condition = |map: &dyn OutputMap, theta: &[f64]| {
            let values = fisher(map, law, theta).self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
            values[dim - 1] / values[0].max(0.0)
        };
        prop_assume!(condition(&map, &case.theta) < 1e7 && condition(&other, &phi) < 1e7);
        let one = covariance(&map, law, &case.theta, Inverse::Exact).unwrap();
        let two = covariance(&other, law, &phi, Inverse::Exact).unwrap();
        let bands = (band(&one, &map, &case.theta), band(&two, &other, &phi));
        prop_assert!(close(bands.0.deviations(), bands.1.deviations(), 1e-7));
    }
}

/// `v tanh(wx + b)` written as two units with the same `(w, b)` and `v = c + (v − c)`.
fn split(reduced: &[f64; 7], c: f64) -> [f64; 10] {
    let [w1, w2, b1, b2, v1, v2, bias] = *reduced;
    [w1, w2, w2, b1, b2, b2, v1, c, v2 - c, bias]
}

#[test]
fn at_a_reducible_point_the_band_is_that_of_the_reduced_network() {
    let inputs: Vec<f64> = (0..40).map(|k| 0.1 * f64::from(k) - 2.0).collect();
    let elsewhere: Vec<f64> = (0..20).map(|k| 0.37 * f64::from(k) - 3.5).collect();
    let reduced = [1.2, -0.7, 0.3, 0.6, 0.9, -1.4, 0.2];
    let noise = Gaussian::new(0.1).unwrap();
    let small = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let (fitted, asked) = (
        small.on_slice(&inputs).unwrap(),
        small.on_slice(&elsewhere).unwrap(),
    );
    let exact = covariance(&fitted, &noise, &reduced, Inverse::Exact).unwrap();
    assert_eq!(exact.undetermined(), 0);
    let expected = band(&exact, &asked, &reduced);

    let large = Mlp::new(&[1, 3, 1], Activation::Tanh).unwrap();
    let (fitted, asked) = (
        large.on_slice(&inputs).unwrap(),
        large.on_slice(&elsewhere).unwrap(),
    );
    let how = Inverse::Pseudo {
        tolerance: RankTolerance::rounding(10),
    };
    for c in [-0.7, 0.25, -2.0, 5.0] {
        let theta = split(&reduced, c);
        let singular = covariance(&fitted, &noise, &theta, Inverse::Exact);
        assert!(matches!(
            singular,
            Err(OptimError::Metric(MetricError::NotPositiveDefinite { .. }))
        ));
        let covariance = covariance(&fitted, &noise, &theta, how).unwrap();
        assert_eq!(covariance.undetermined(), 3);
        let got = band(&covariance, &asked, &theta);
        assert!(close(got.outputs(), expected.outputs(), 1e-12));
        assert!(close(got.deviations(), expected.deviations(), 1e-6), "{c}");
        // The parameters of the two units are not determined, those of the others as well as in the small network.
        let errors = covariance.standard_errors();
        let small_errors = exact.standard_errors();
        for (large, small) in [(0, 0), (3, 2), (6, 4), (9, 6)] {
            assert!((errors[large] / small_errors[small] - 1.0).abs() < 1e-6);
        }
        for free in [1, 2, 4, 5, 7, 8] {
            assert!(errors[free].is_infinite(), "{free}");
        }
        // but their sum is: v₂ + v₃ is the v₂ of the small network
        let mut sum = [0.0; 10];
        (sum[7], sum[8]) = (1.0, 1.0);
        assert!((covariance.variance(&sum).sqrt() / small_errors[5] - 1.0).abs() < 1e-6);
    }
    // A unit with outgoing weight zero is something data can tell: the band is wider with it.
    let theta = [1.2, -0.7, 2.1, 0.3, 0.6, -0.4, 0.9, -1.4, 0.0, 0.2];
    let covariance = covariance(&fitted, &noise, &theta, how).unwrap();
    assert_eq!(covariance.undetermined(), 2);
    let got = band(&covariance, &asked, &theta);
    for (wide, narrow) in got.deviations().iter().zip(expected.deviations()) {
        assert!(wide.is_finite() && *wide > narrow * (1.0 - 1e-6));
    }
    assert!(got.deviations()[10] > 1.05 * expected.deviations()[10]);
}

/// In each of `R` replications the interval at one point holds the true output, or a new observation, or not, so the number
/// that do is binomial with mean 0.95 R and standard deviation √(0.95·0.05 R) if the bands are right; three of those, and the
/// curvature of the model, which is of order 1/N, are allowed for. And the mean squared error of a fitted output is its
/// Cramér–Rao bound: a variance of `R` nearly normal numbers is known to √(2/R), of which four are allowed.
#[test]
fn the_band_of_95_percent_holds_95_times_in_100() {
    const REPLICATIONS: usize = 600;
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let truth = [1.5, -0.8, 0.4, 0.9, 1.0, 1.2, -0.3];
    let noise = Gaussian::new(0.05).unwrap();
    let inputs: Vec<f64> = (0..150).map(|k| 5.0 * f64::from(k) / 149.0 - 2.5).collect();
    let batch = net.on_slice(&inputs).unwrap();
    let points = [-2.3, -1.0, 0.0, 0.7, 2.4];
    let asked = net.on_slice(&points).unwrap();
    let mut z = vec![0.0; 150];
    batch.outputs(&truth, &mut z).unwrap();
    let mut exact = [0.0; 5];
    asked.outputs(&truth, &mut exact).unwrap();
    let mut rng = rng(20);
    let (mut held, mut foretold, mut squares) = ([0_u32; 5], [0_u32; 5], [0.0; 5]);
    for _ in 0..REPLICATIONS {
        let mut y = [0.0];
        let targets: Vec<f64> = z
            .iter()
            .map(|z| {
                noise.sample(&[*z], &mut rng, &mut y);
                y[0]
            })
            .collect();
        let objective = Objective::new(&batch, &noise, &targets).unwrap();
        let mut theta = truth;
        let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt()).unwrap();
        let stopping = Stopping::after(60).at_predicted_decrease(1e-12);
        fit(
            &mut optimizer,
            &objective,
            &mut theta,
            &stopping,
            |_, _, _| ControlFlow::Continue(()),
        )
        .unwrap();
        let covariance = covariance(&batch, &noise, &theta, Inverse::Exact).unwrap();
        let band = band(&covariance, &asked, &theta);
        for k in 0..5 {
            let (low, high) = band.intervals(0.95).unwrap()[k];
            held[k] += u32::from(low <= exact[k] && exact[k] <= high);
            squares[k] += (band.outputs()[k] - exact[k]).powi(2);
            noise.sample(&exact[k..=k], &mut rng, &mut y);
            let (low, high) = band
                .clone()
                .with_noise(0.05)
                .unwrap()
                .intervals(0.95)
                .unwrap()[k];
            foretold[k] += u32::from(low <= y[0] && y[0] <= high);
        }
    }
    let count = REPLICATIONS as f64;
    let tolerance = 3.0 * (0.95 * 0.05 * count).sqrt() + count / 150.0;
    for held in held.into_iter().chain(foretold) {
        assert!(
            (f64::from(held) - 0.95 * count).abs() < tolerance,
            "{held} of {REPLICATIONS}"
        );
    }
    let bound = covariance(&batch, &noise, &truth, Inverse::Exact).unwrap();
    let bound = band(&bound, &asked, &truth);
    for (squares, deviation) in squares.iter().zip(bound.deviations()) {
        let ratio = squares / count / (deviation * deviation);
        assert!((ratio - 1.0).abs() < 4.0 * (2.0 / count).sqrt(), "{ratio}");
    }
}

/// Derivatives that are not finite have no variance, and not one of zero.
#[test]
fn a_band_of_derivatives_that_are_not_finite_is_an_error() {
    struct Steep;
    impl Linearization for Steep {
        fn dims(&self) -> Dims {
            Dims {
                parameters: 3,
                outputs: 1,
                examples: 1,
            }
        }
        fn outputs(&self) -> &[f64] {
            &[0.5]
        }
        fn jvp(&self, _: &[f64], out: &mut [f64]) {
            out.fill(f64::NAN);
        }
        fn vjp(&self, _: &[f64], out: &mut [f64]) {
            out.fill(f64::NAN);
        }
    }
    let case = Case::new(&[2, 1], 0, 10, 1);
    let map = case.net.on_slice(&case.inputs).unwrap();
    let covariance = covariance(&map, &Gaussian::UNIT, &case.theta, Inverse::Exact).unwrap();
    let refused = covariance.band(&Steep);
    assert!(
        matches!(refused, Err(OptimError::NonFinite { .. })),
        "{refused:?}"
    );
    assert!(covariance.variance(&[f64::NAN; 3]).is_nan());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let case = Case::new(&[2, 1], 0, 10, 1);
    let map = case.net.on_slice(&case.inputs).unwrap();
    let at = map.linearize(&case.theta).unwrap();
    let fisher = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let none = Covariance::of_estimate(&fisher, 0, Inverse::Exact);
    assert!(matches!(none, Err(OptimError::Setting { .. })));
    for how in [
        Inverse::damped(0.0),
        Inverse::damped(f64::NAN),
        Inverse::damped(-1.0),
        Inverse::pseudo(-1.0),
    ] {
        let refused = Covariance::of_estimate(&fisher, 10, how);
        assert!(matches!(refused, Err(OptimError::Metric(_))), "{how:?}");
    }
    let covariance = Covariance::of_estimate(&fisher, 10, Inverse::Exact).unwrap();
    let other = Case::new(&[3, 1], 0, 10, 1);
    let map = other.net.on_slice(&other.inputs).unwrap();
    let refused = covariance.band(map.linearize(&other.theta).unwrap().as_ref());
    assert!(matches!(
        refused,
        Err(OptimError::Dimension {
            expected: 3,
            got: 4
        })
    ));
    let band = covariance.band(at.as_ref()).unwrap();
    for level in [0.0, 1.0, f64::NAN, 95.0] {
        assert!(band.intervals(level).is_err());
    }
    assert!(band.with_noise(-1.0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Where no eigenvalue is small, the singular values say what the metric says.
    #[test]
    fn singular_values_and_the_inverse_metric_agree(seed: u64) {
        let mut rng = rng(seed);
        let net = Mlp::new(&[2, 1], Activation::Identity).unwrap();
        let (x, theta) = (normals(80, &mut rng), normals(3, &mut rng));
        let batch = net.on_slice(&x).unwrap();
        let noise = Gaussian::new(0.3).unwrap();
        let at = batch.linearize(&theta).unwrap();
        let tolerance = RankTolerance::rounding(3);
        let found = Covariance::by_singular_values(at.as_ref(), &noise, 40, tolerance).unwrap();
        let expected = covariance(&batch, &noise, &theta, Inverse::Exact).unwrap();
        prop_assert_eq!(found.undetermined(), 0);
        prop_assert!(close(&found.standard_errors(), &expected.standard_errors(), 1e-11));
        let (found, expected) = (band(&found, &batch, &theta), band(&expected, &batch, &theta));
        prop_assert!(close(found.deviations(), expected.deviations(), 1e-11));
    }

    /// At an example of the fit no output is less certain than its own observation: leverages lie between 0 and 1, and their
    /// sum is the rank of the metric. To 1 %: rounding is `ε s_max`, and the least singular value that counts `P ε s_max`.
    #[test]
    fn leverages_of_the_fit_sum_to_the_rank(seed: u64, examples in 20..200_usize) {
        let mut rng = rng(seed);
        let net = Mlp::new(&[2, 8, 6, 1], Activation::Tanh).unwrap();
        let (x, theta) = (normals(2 * examples, &mut rng), normals(net.parameters(), &mut rng));
        let batch = net.on_slice(&x).unwrap();
        let at = batch.linearize(&theta).unwrap();
        let tolerance = RankTolerance::rounding(net.parameters());
        let found =
            Covariance::by_singular_values(at.as_ref(), &Gaussian::UNIT, examples, tolerance).unwrap();
        let leverages: Vec<f64> = found
            .band(at.as_ref())
            .unwrap()
            .deviations()
            .iter()
            .map(|deviation| deviation * deviation)
            .collect();
        let rank = (net.parameters() - found.undetermined()) as f64;
        prop_assert!(leverages.iter().all(|h| (0.0..1.01).contains(h)), "{leverages:?}");
        let sum: f64 = leverages.iter().sum();
        prop_assert!((sum - rank).abs() < 0.01 * rank, "{sum} of {rank}");
    }
}
