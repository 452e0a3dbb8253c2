//! All eigenvalues: of `G`, of the sample-space matrix with the same positive ones, or of `G` in closed form.

use super::report::{Above, Checked, DegeneracySummary, Measured, MetricSummary, Value};
use crate::failure::Failure;
use crate::memory;
use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::quotient::{Probe, Tolerance, degeneracy};
use neuromanifold_geometry::{DenseFisher, GramFisher, Metric as _, RankTolerance, Spectrum};
use neuromanifold_mlp::Activation;
use neuromanifold_model::{Gaussian, OutputMap as _};

/// The size of a matrix whose eigenvalues are a matter of seconds.
const QUICK: usize = 3000;

/// Numbers in `A`, `G = A Aᵀ`, up to which eigenvalues come from its singular values, with twice the digits.
const HELD: usize = 4_000_000;

/// Multiplications that forming the matrix may take; more examples than that are thinned out.
const WORK: f64 = 6e11;

/// Fractions of the largest eigenvalue that are counted from.
pub(crate) const FRACTIONS: [f64; 5] = [1e-1, 1e-2, 1e-3, 1e-4, 1e-6];

/// Whether a matrix with all of the eigenvalues is small.
pub(crate) fn is_quick(measured: &Measured<'_>) -> bool {
    measured
        .net
        .parameters()
        .min(columns(measured, measured.inputs.len()))
        <= QUICK
}

/// `rN`.
fn columns(measured: &Measured<'_>, examples: usize) -> usize {
    measured.likelihood.factor_rank(measured.net.outputs()) * examples
}

/// All eigenvalues on the data.
pub(crate) fn all(
    measured: &Measured<'_>,
    known: &DegeneracySummary,
) -> Result<MetricSummary, Failure> {
    let Measured {
        net,
        theta,
        likelihood,
        ..
    } = *measured;
    let parameters = net.parameters();
    let most = if columns(measured, measured.inputs.len()) < parameters {
        measured.inputs.len()
    } else {
        let rank = likelihood.factor_rank(net.outputs()) as f64;
        (4.0 * WORK / (parameters as f64).powi(2) / rank) as usize
    };
    let inputs = measured.inputs.at_most(most.max(1000));
    let columns = columns(measured, inputs.len());
    let size = parameters.min(columns);
    memory::require(
        "a matrix with all eigenvalues",
        4 * 8 * (size as u128).pow(2),
        "leave --method exact away: eigenvalues are then found from products with the metric",
    )?;
    let rounding = 4.0 * parameters.max(columns) as f64 * f64::EPSILON;
    let shallow = known.complete
        && net.layers().len() == 2
        && net.layers()[1].activation() == Activation::Identity;
    let (eigenvalues, tolerance, verdict, checked) = if shallow {
        let held = parameters.saturating_mul(columns) <= HELD;
        let tolerance = if held { rounding * rounding } else { rounding };
        let probe = Probe {
            inputs: inputs.matrix(),
            likelihood,
        };
        let equal = Tolerance::new(known.tolerance)?;
        let rank = RankTolerance::Relative(tolerance);
        let report = degeneracy(net, theta, &probe, equal, rank)?;
        let checked = Checked {
            directions: report.numerical.checked,
            largest_residual: report.numerical.analytic_residual,
        };
        (
            report.numerical.eigenvalues,
            tolerance,
            Some(report.verdict.to_string()),
            Some(checked),
        )
    } else {
        let batch = net.on(inputs.matrix())?;
        let linearization = batch.linearize(theta)?;
        let values = if columns < parameters {
            let gram = GramFisher::new(linearization.as_ref(), likelihood)?;
            Spectrum::eigenvalues_of(gram.gram())?
        } else {
            let dense = DenseFisher::new(linearization.as_ref(), likelihood)?;
            Spectrum::eigenvalues_of(dense.matrix())?
        };
        (values, rounding, None, None)
    };
    let method = if columns < parameters {
        "sample_space"
    } else {
        "dense"
    };
    let mut summary = summary(method, eigenvalues, tolerance, measured.gamma);
    summary.examples = inputs.len();
    summary.rank_at_most = columns.min(parameters - known.nullity);
    summary.checked = checked;
    summary.verdict = verdict;
    Ok(summary)
}

/// All eigenvalues for standard normal inputs, where there is a closed form and the matrix is small.
pub(crate) fn closed_form(measured: &Measured<'_>, noise: &Gaussian) -> Option<MetricSummary> {
    let Measured { net, theta, .. } = *measured;
    if net.parameters() > QUICK {
        return None;
    }
    let input = GaussianInput::standard(net.inputs());
    let fisher = GaussianInputFisher::new(net, theta, &input, noise).ok()?;
    let eigenvalues = Spectrum::eigenvalues_of(fisher.to_dense().as_ref()).ok()?;
    let tolerance = 4.0 * net.parameters() as f64 * f64::EPSILON;
    let mut summary = summary("closed_form", eigenvalues, tolerance, measured.gamma);
    summary.rank_at_most = net.parameters();
    Some(summary)
}

/// What ascending eigenvalues say, all but examples, verdict and bound.
fn summary(
    method: &'static str,
    eigenvalues: Vec<f64>,
    tolerance: f64,
    gamma: f64,
) -> MetricSummary {
    let largest = eigenvalues.last().copied().unwrap_or(0.0).max(0.0);
    let threshold = tolerance * largest;
    let zeros = eigenvalues.partition_point(|value| *value <= threshold);
    let (null, positive) = eigenvalues.split_at(zeros);
    let noise = null.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let gap = positive.first().map(|smallest| smallest / noise);
    let above = FRACTIONS.map(|fraction| Above {
        fraction,
        count: (positive.iter().filter(|v| **v > fraction * largest).count()) as f64,
        standard_error: 0.0,
    });
    MetricSummary {
        method,
        examples: 0,
        rank: Some(positive.len()),
        rank_at_most: 0,
        rank_threshold: tolerance,
        gap: gap.filter(|gap| gap.is_finite()),
        trace: Value::exact(eigenvalues.iter().sum()),
        gamma,
        effective_dimension: Value::exact(positive.iter().map(|v| v / (v + gamma)).sum()),
        above: above.to_vec(),
        eigenvalues: positive.iter().rev().copied().collect(),
        residuals: Vec::new(),
        verdict: None,
        checked: None,
        products: 0,
        density: Vec::new(),
    }
}
