use super::{AnalyticNullSpace, Probe, QuotientError};
use crate::{DenseFisher, GramFisher, Metric, RankTolerance, Spectrum};
use faer::Mat;
use neuromanifold_mlp::Mlp;
use neuromanifold_model::{Linearization, OutputMap};

/// What the numbers say about the rank of the Fisher metric on a probe.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NumericalRank {
    /// Eigenvalues above the threshold.
    pub rank: usize,
    /// The rest.
    pub nullity: usize,
    /// The most the probe could show: `min(P, rN)`.
    pub attainable: usize,
    /// Smallest eigenvalue that counts as positive over the largest that counts as zero.
    pub gap: f64,
    /// The largest eigenvalue, nats per unit of θ squared.
    pub largest: f64,
    /// The smallest eigenvalue that counts as positive.
    pub smallest: f64,
    /// The threshold, as an eigenvalue.
    pub threshold: f64,
    /// `max |G d| / (λ_max |d|)` over the analytic null directions that were checked: rounding, if the theory is right.
    pub analytic_residual: f64,
    /// How many analytic null directions were checked: all where `G` was formed, a sample of about 64 otherwise.
    pub checked: usize,
}

/// An orthonormal basis of the numerical null space of `G` on a probe, `P × nullity`, to be held against
/// [`AnalyticNullSpace::basis`]. Cost: eigenvectors of the `P × P` matrix, and its memory.
///
/// # Errors
/// Those of the [`Probe`] and the metric.
pub fn numerical_null_space(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    rank_tolerance: RankTolerance,
) -> Result<Mat<f64>, QuotientError> {
    let rank_tolerance = rank_tolerance.validate()?;
    let batch = net.on(probe.inputs)?;
    let linearization = batch.linearize(theta)?;
    let dense = DenseFisher::new(linearization.as_ref(), probe.likelihood)?;
    let spectrum = Spectrum::new(dense.matrix())?;
    Ok(spectrum.null_space(rank_tolerance).to_owned())
}

/// Eigenvalues of whichever is smaller, `G` or the sample-space matrix, and the analytic directions held against it.
pub(crate) fn measure(
    linearization: &dyn Linearization,
    probe: &Probe<'_>,
    analytic: &AnalyticNullSpace,
    rank_tolerance: RankTolerance,
) -> Result<NumericalRank, QuotientError> {
    let dims = linearization.dims();
    let columns = probe.likelihood.factor_rank(dims.outputs) * dims.examples;
    let gram;
    let dense: DenseFisher;
    let mut matrix = None;
    let (metric, eigenvalues): (&dyn Metric, Vec<f64>) = if columns < dims.parameters {
        gram = GramFisher::new(linearization, probe.likelihood)?;
        let values = Spectrum::eigenvalues_of(gram.gram())?;
        (&gram, values)
    } else {
        dense = DenseFisher::new(linearization, probe.likelihood)?;
        let values = Spectrum::eigenvalues_of(dense.matrix())?;
        matrix = Some(dense.matrix());
        (&dense, values)
    };
    let largest = eigenvalues.last().copied().unwrap_or(0.0);
    let threshold = rank_tolerance.threshold(largest);
    let zeros = eigenvalues.partition_point(|value| *value <= threshold);
    let rank = eigenvalues.len() - zeros;
    let noise = eigenvalues[..zeros]
        .iter()
        .fold(0.0, |m: f64, v| m.max(v.abs()));
    let smallest = eigenvalues.get(zeros).copied().unwrap_or(0.0);
    let mut residual: f64 = 0.0;
    let (mut tangent, mut image) = (vec![0.0; dims.parameters], vec![0.0; dims.parameters]);
    // Without a matrix each direction takes two passes over the examples, and a sample is enough to catch a wrong formula.
    let stride = match matrix {
        Some(_) => 1,
        None => analytic.nullity().div_ceil(64).max(1),
    };
    let mut checked = 0;
    for direction in analytic.directions().iter().step_by(stride) {
        checked += 1;
        tangent.fill(0.0);
        image.fill(0.0);
        for (p, value) in &direction.entries {
            tangent[*p] += value;
            if let Some(matrix) = matrix {
                let column = matrix.col(*p);
                (image.iter_mut().zip(column.iter())).for_each(|(i, g)| *i += value * g);
            }
        }
        if matrix.is_none() {
            metric.lower(&tangent, &mut image);
        }
        let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let size = largest * norm(&tangent);
        if size > 0.0 {
            residual = residual.max(norm(&image) / size);
        }
    }
    Ok(NumericalRank {
        rank,
        nullity: dims.parameters - rank,
        attainable: columns.min(dims.parameters),
        gap: if noise > 0.0 {
            smallest / noise
        } else {
            f64::INFINITY
        },
        largest,
        smallest,
        threshold,
        analytic_residual: residual,
        checked,
    })
}
