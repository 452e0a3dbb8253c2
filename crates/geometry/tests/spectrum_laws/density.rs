//! The spectrum estimated from random vectors: exact where it says so, unbiased everywhere, with errors that are errors.

use crate::case::smooth_case;
use crate::known::with_eigenvalues;
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{
    DenseFisher, Estimate, Kernel, Metric, MetricError, RankTolerance, SpectralDensity,
};
use neuromanifold_model::OutputMap;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Random signs as the estimator draws them: one bit of the stream each.
fn signs(dim: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    use rand::Rng;
    let words: Vec<u64> = (0..dim.div_ceil(64)).map(|_| rng.next_u64()).collect();
    let bit = |i: usize| words[i / 64] >> (i % 64) & 1;
    (0..dim).map(|i| 1.0 - 2.0 * bit(i) as f64).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn quadrature_is_exact_where_the_krylov_space_is_whole(case in smooth_case(), exponent in -3.0..1.0) {
        // P steps integrate any function exactly: each estimate is the mean of vᵀ f(G) v over the probes.
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let at = batch.linearize(&case.theta).unwrap();
        let fisher = DenseFisher::new(at.as_ref(), case.likelihood.as_ref()).unwrap();
        let dim = fisher.dim();
        let spectrum = fisher.spectrum().unwrap();
        let level = 10f64.powf(exponent) * spectrum.trace().max(1e-6);
        let probes = 3;
        let density = SpectralDensity::estimate(&fisher, probes, dim, &mut case.rng()).unwrap();
        let mut rng = case.rng();
        let signs: Vec<Vec<f64>> = (0..probes).map(|_| signs(dim, &mut rng)).collect();
        let over_probes = |function: &dyn Fn(f64) -> f64| {
            let values: Vec<f64> = signs.iter().map(|v| {
                (0..dim).map(|k| {
                    let axis = spectrum.eigenvectors().col(k);
                    let along: f64 = axis.iter().zip(v).map(|(u, v)| u * v).sum();
                    along * along * function(spectrum.eigenvalues()[k].max(0.0))
                }).sum()
            }).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
            (mean, (variance / values.len() as f64).sqrt())
        };
        let agrees = |estimate: Estimate, (mean, error): (f64, f64), accuracy: f64| {
            let bound = accuracy * (1.0 + mean.abs());
            (estimate.mean - mean).abs() <= bound && (estimate.standard_error - error).abs() <= bound
        };
        let exact = over_probes(&|value| value);
        prop_assert!(agrees(density.trace(), exact, 1e-12 * (1.0 + spectrum.largest())), "{exact:?}");
        let (log, exact) = (density.log_determinant(level).unwrap(), over_probes(&|value| (value + level).ln()));
        prop_assert!(agrees(log, exact, 1e-9), "{log:?} {exact:?}");
        let (seen, exact) = (density.effective_dimension(level).unwrap(), over_probes(&|value| value / (value + level)));
        prop_assert!(agrees(seen, exact, 1e-9), "{seen:?} {exact:?}");
        // the null space is told from the rest where rounding can tell it
        let tolerance = RankTolerance::Relative(1e-9);
        if spectrum.gap(tolerance) > 1e3 {
            let zero = tolerance.threshold(spectrum.largest());
            let (nullity, exact) = (density.nullity(tolerance), over_probes(&|value| f64::from(u8::from(value <= zero))));
            prop_assert!(agrees(nullity, exact, 1e-4), "{nullity:?} {exact:?}");
        }
    }
}

/// Over 4000 probes the mean of each estimate is within four of its standard errors of what the eigenvalues say; and so many
/// estimates from 10 probes each scatter by the standard error they state.
#[test]
fn estimates_are_unbiased_and_their_errors_are_their_scatter() {
    let mut eigenvalues: Vec<f64> = (0..30).map(|i| 0.7_f64.powi(i)).collect();
    eigenvalues.extend([0.0; 10]);
    let metric = with_eigenvalues(&eigenvalues, 11);
    let exact = |function: &dyn Fn(f64) -> f64| eigenvalues.iter().map(|v| function(*v)).sum();
    let level = 1e-2;
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let (groups, probes) = (400, 10);
    let densities: Vec<SpectralDensity> = (0..groups)
        .map(|_| SpectralDensity::estimate(&metric, probes, 40, &mut rng).unwrap())
        .collect();
    type Quantity = fn(&SpectralDensity, f64) -> Estimate;
    let quantities: [(&str, Quantity, f64); 5] = [
        ("trace", |d, _| d.trace(), exact(&|v| v)),
        ("tr G²", |d, _| d.sum(|v| v * v), exact(&|v| v * v)),
        (
            "log-determinant",
            |d, level| d.log_determinant(level).unwrap(),
            exact(&|v| (v + level).ln()),
        ),
        (
            "effective dimension",
            |d, level| d.effective_dimension(level).unwrap(),
            exact(&|v| v / (v + level)),
        ),
        (
            "nullity",
            |d, _| d.nullity(RankTolerance::Relative(1e-9)),
            10.0,
        ),
    ];
    for (name, quantity, exact) in quantities {
        let all: Vec<Estimate> = densities.iter().map(|d| quantity(d, level)).collect();
        let count = all.len() as f64;
        let mean = all.iter().map(|e| e.mean).sum::<f64>() / count;
        let stated = all.iter().map(|e| e.standard_error.powi(2)).sum::<f64>() / count;
        let scatter = all.iter().map(|e| (e.mean - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let z = (mean - exact) / (stated / count).sqrt();
        assert!(z.abs() <= 4.0, "{name}: {mean}, not {exact}: z = {z}");
        // a variance of nearly normal numbers is known to √(2/400) = 7 %
        let ratio = scatter / stated;
        assert!((ratio - 1.0).abs() < 0.28, "{name}: {scatter} for {stated}");
    }
}

/// A null space of 60 dimensions comes out as 60 at zero, not as a peak near it.
#[test]
fn the_null_space_is_an_atom() {
    let mut eigenvalues = vec![0.0; 100];
    for (i, value) in eigenvalues[..40].iter_mut().enumerate() {
        *value = 1.0 + i as f64;
    }
    let metric = with_eigenvalues(&eigenvalues, 7);
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let density = SpectralDensity::estimate(&metric, 60, 60, &mut rng).unwrap();
    let tolerance = RankTolerance::Relative(1e-10);
    let nullity = density.nullity(tolerance);
    assert!((nullity.mean - 60.0).abs() < 4.0 * nullity.standard_error);
    assert!(nullity.standard_error < 1.0, "{nullity:?}");
    // the smooth part holds the rest, in either coordinate
    let grid: Vec<f64> = (0..2000).map(|i| 0.05 * f64::from(i) + 0.025).collect();
    let linear = density
        .density(tolerance, Kernel::Linear { width: 0.2 }, &grid)
        .unwrap();
    let mass: f64 = linear.iter().map(|d| 0.05 * d).sum();
    assert!((mass - (1.0 - nullity.mean / 100.0)).abs() < 1e-3, "{mass}");
    let logs: Vec<f64> = (0..2000)
        .map(|i| (0.01 * f64::from(i) - 8.0).exp())
        .collect();
    let logarithmic = density
        .density(tolerance, Kernel::Logarithmic { width: 0.1 }, &logs)
        .unwrap();
    let mass: f64 = logarithmic.iter().map(|d| 0.01 * d).sum();
    assert!((mass - (1.0 - nullity.mean / 100.0)).abs() < 1e-9, "{mass}");

    // Where the nullity is known, the largest term of the log-determinant is known with it.
    let sampled = density.log_determinant(1e-6).unwrap();
    let exact = metric.spectrum().unwrap().log_determinant(1e-6).unwrap();
    let stated = density.with_nullity(60).unwrap();
    let known = stated.log_determinant(1e-6).unwrap();
    assert!(known.standard_error < 0.3 * sampled.standard_error);
    assert!((known.mean - exact).abs() < 4.0 * known.standard_error);
    assert!(stated.with_nullity(101).is_err());
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let metric = with_eigenvalues(&[3.0, 2.0, 1.0, 0.5, 0.25, 0.1], 1);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    assert!(matches!(
        SpectralDensity::estimate(&metric, 1, 4, &mut rng),
        Err(MetricError::Probes { .. })
    ));
    assert!(SpectralDensity::estimate(&metric, 2, 0, &mut rng).is_err());
    let density = SpectralDensity::estimate(&metric, 2, 4, &mut rng).unwrap();
    assert!(density.log_determinant(0.0).is_err());
    assert!(density.effective_dimension(f64::NAN).is_err());
    let tolerance = RankTolerance::Relative(0.0);
    for width in [0.0, f64::NAN] {
        assert!(
            density
                .density(tolerance, Kernel::Linear { width }, &[1.0])
                .is_err()
        );
    }
    let kernel = Kernel::Linear { width: 1.0 };
    let nonsense = RankTolerance::Relative(f64::NAN);
    assert!(density.density(nonsense, kernel, &[1.0]).is_err());
}

/// The units of a metric are anyone's choice: the same relative answers at both ends of the range of numbers.
#[test]
fn the_scale_of_a_metric_changes_no_digit_of_an_estimate() {
    for scale in [1e-300, 1e-170, 1.0, 1e160, 1e300] {
        // not diagonal, so that the probes differ
        let dense = with_eigenvalues(&[1.0, 0.5, 0.25, 0.125, 0.0, 0.0], 3);
        let matrix = Mat::from_fn(6, 6, |i, j| dense.matrix()[(i, j)] * scale);
        let metric = DenseFisher::from_matrix(matrix.as_ref()).unwrap();
        let density = |metric: &DenseFisher| {
            SpectralDensity::estimate(metric, 8, 6, &mut ChaCha8Rng::seed_from_u64(2)).unwrap()
        };
        let (plain, scaled) = (density(&dense), density(&metric));
        let close = |a: f64, b: f64| (a - b).abs() < 1e-10;
        assert!(
            close(scaled.largest() / scale, plain.largest()),
            "{scale:e}"
        );
        let (trace, expected) = (scaled.trace(), plain.trace());
        assert!(
            close(trace.mean / scale, expected.mean),
            "{scale:e}: {trace:?}"
        );
        assert!(expected.standard_error > 0.01);
        assert!(
            close(trace.standard_error / scale, expected.standard_error),
            "{scale:e}: {trace:?}"
        );
        let tolerance = RankTolerance::Relative(1e-10);
        assert!(close(
            scaled.nullity(tolerance).mean,
            plain.nullity(tolerance).mean
        ));
    }
}
