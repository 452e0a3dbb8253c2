//! Eigenvalues of a metric that is never written down: the largest by Lanczos' iteration, sums over all of them and their
//! density by stochastic quadrature.

use super::eigenvalues::FRACTIONS;
use super::report::{Above, Measured, MetricSummary, Value};
use crate::failure::Failure;
use crate::progress::Progress;
use neuromanifold_geometry::{
    ConjugateGradients, DiagonalFisher, FisherOperator, Inverse, Kernel, Lanczos, Metric,
    MetricError, RankTolerance, Solve, SpectralDensity,
};
use neuromanifold_model::OutputMap as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// Eigenvalues that are found one by one.
const PAIRS: usize = 10;
/// Random vectors of the quadrature.
const PROBES: usize = 4;
/// Products from each of them.
const STEPS: usize = 40;
/// Products that are expected in all: those of the quadrature and Lanczos'.
const PRODUCTS: usize = PROBES * STEPS + 60;
/// Parameters times examples times products: what is done in well under a minute.
const WORK: f64 = 2.4e11;
/// Below this fraction of the largest, a Ritz value is not told from zero by so few steps.
const FLOOR: f64 = 1e-8;

/// Estimates the spectrum.
///
/// The effective dimension comes out too large rather than too small: `−γ/(λ + γ)` has even derivatives below zero, so Gauss'
/// rule is an upper bound for each probe, whatever the number of steps (Golub, Meurant, *Matrices, moments and quadrature*, 1994).
pub(crate) fn estimate(measured: &Measured<'_>) -> Result<MetricSummary, Failure> {
    let Measured {
        net,
        theta,
        likelihood,
        progress,
        ..
    } = *measured;
    let parameters = net.parameters();
    let affordable = WORK / (PRODUCTS as f64 * parameters as f64);
    let inputs = measured.inputs.at_most((affordable as usize).max(500));
    let batch = net.on(inputs.matrix())?;
    let linearization = batch.linearize(theta)?;
    let stopping = ConjugateGradients {
        tolerance: 1e-6,
        max_products: 1,
    };
    let operator = FisherOperator::new(linearization.as_ref(), likelihood, stopping)?;
    let watched = Watched {
        metric: &operator,
        progress,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(measured.seed);

    progress.begin_steps("spectral density", PROBES * STEPS);
    let density = SpectralDensity::estimate(&watched, PROBES, STEPS, &mut rng)?;
    progress.begin_steps("largest eigenvalues", PRODUCTS - PROBES * STEPS);
    let lanczos = Lanczos {
        tolerance: 1e-6,
        max_products: 2 * PRODUCTS,
        ..Lanczos::largest(PAIRS.min(parameters))
    };
    let pairs = match lanczos.run(&watched, &mut rng) {
        Err(MetricError::EigenpairsDidNotConverge { best, .. }) => *best,
        other => other?,
    };
    let trace = DiagonalFisher::new(linearization.as_ref(), likelihood)?.trace();

    let largest = pairs.eigenvalues.first().copied().unwrap_or(0.0);
    // smaller ones are not resolved by so few steps, which a standard error over probes would not show
    let resolved = FRACTIONS.iter().take(3).map(|&fraction| {
        let count = density.sum(|value| f64::from(u8::from(value > fraction * largest)));
        Above {
            fraction,
            count: count.mean,
            standard_error: count.standard_error,
        }
    });
    let columns = likelihood.factor_rank(net.outputs()) * inputs.len();
    Ok(MetricSummary {
        method: "matrix_free",
        examples: inputs.len(),
        rank: None,
        rank_at_most: columns.min(parameters),
        rank_threshold: FLOOR,
        gap: None,
        trace: Value::exact(trace),
        gamma: measured.gamma,
        effective_dimension: density.effective_dimension(measured.gamma)?.into(),
        above: resolved.collect(),
        products: density.products() + pairs.products,
        eigenvalues: pairs.eigenvalues,
        residuals: pairs.residuals,
        verdict: None,
        checked: None,
        density: per_decade(&density, largest)?,
    })
}

/// Eigenvalues per decade over the decades that are resolved.
fn per_decade(density: &SpectralDensity, largest: f64) -> Result<Vec<(f64, f64)>, Failure> {
    const POINTS: usize = 121;
    if largest <= 0.0 {
        return Ok(Vec::new());
    }
    let (low, high) = ((FLOOR * largest).log10(), largest.log10() + 0.3);
    let places = (0..POINTS).map(|i| low + (high - low) * i as f64 / (POINTS - 1) as f64);
    let places: Vec<f64> = places.collect();
    let at: Vec<f64> = places.iter().map(|place| 10f64.powf(*place)).collect();
    let kernel = Kernel::Logarithmic { width: 0.25 };
    let values = density.density(RankTolerance::Relative(FLOOR), kernel, &at)?;
    let decade = density.dim() as f64 * std::f64::consts::LN_10;
    Ok((places.into_iter())
        .zip(values.into_iter().map(|v| v * decade))
        .collect())
}

/// A metric that tells of each product.
#[derive(Debug)]
struct Watched<'a> {
    metric: &'a FisherOperator<'a>,
    progress: &'a Progress,
}

impl Metric for Watched<'_> {
    fn dim(&self) -> usize {
        self.metric.dim()
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        self.metric.lower(tangent, out);
        self.progress.step();
    }

    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        self.metric.raise(gradient, inverse, out)
    }
}
