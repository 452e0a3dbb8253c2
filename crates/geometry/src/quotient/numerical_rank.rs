use super::{AnalyticNullSpace, Probe, QuotientError};
use crate::{
    DenseFisher, GramFisher, Metric, MetricError, OutputFactor, Quantity, RankTolerance, Spectrum,
};
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{Mat, Par};
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
    /// How large an exact zero may come out by rounding. Up to 4·10⁶ numbers in `A`, `G = A Aᵀ`, eigenvalues are squared singular values
    /// of `A` and known to about `(ε max(P, rN))²` of the largest; beyond, those of a formed matrix, known to `ε max(P, rN)`. A rank
    /// tolerance below that counts noise.
    pub resolution: f64,
    /// `max |G d| / (λ_max |d|)` over the analytic null directions that were checked: rounding, if the theory is right.
    pub analytic_residual: f64,
    /// How many analytic null directions were checked: all where `G` or `A` was formed, a sample of about 64 otherwise.
    pub checked: usize,
    /// The eigenvalues themselves, ascending: `min(P, rN)` of them, or `P` with their zeros.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub eigenvalues: Vec<f64>,
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

/// `A` with `G = A Aᵀ` is held up to this many numbers, for the sake of the digits that `G` has lost.
const HELD: usize = 4_000_000;

/// Eigenvalues of `G`, and the analytic directions held against it.
pub(crate) fn measure(
    linearization: &dyn Linearization,
    probe: &Probe<'_>,
    analytic: &AnalyticNullSpace,
    rank_tolerance: RankTolerance,
) -> Result<NumericalRank, QuotientError> {
    let dims = linearization.dims();
    let columns = probe.likelihood.factor_rank(dims.outputs) * dims.examples;
    let attainable = columns.min(dims.parameters);
    let rounding = dims.parameters.max(columns) as f64 * f64::EPSILON;
    let (eigenvalues, resolution, metric) = if dims.parameters * columns <= HELD {
        let held = Columns::new(linearization, probe)?;
        (
            held.eigenvalues()?,
            rounding * rounding,
            Held::Columns(held),
        )
    } else if columns < dims.parameters {
        let gram = GramFisher::new(linearization, probe.likelihood)?;
        let values = Spectrum::eigenvalues_of(gram.gram())?;
        (values, rounding, Held::Gram(gram))
    } else {
        let dense = DenseFisher::new(linearization, probe.likelihood)?;
        let values = Spectrum::eigenvalues_of(dense.matrix())?;
        (values, rounding, Held::Dense(dense))
    };
    let largest = eigenvalues.last().copied().unwrap_or(0.0);
    let threshold = rank_tolerance.threshold(largest);
    let zeros = eigenvalues.partition_point(|value| *value <= threshold);
    let rank = eigenvalues.len() - zeros;
    let noise = eigenvalues[..zeros]
        .iter()
        .fold(0.0, |m: f64, v| m.max(v.abs()));
    let smallest = eigenvalues.get(zeros).copied().unwrap_or(0.0);
    // Without a matrix each direction takes two passes over the examples, and a sample is enough to catch a wrong formula.
    let stride = match metric {
        Held::Gram(_) => analytic.nullity().div_ceil(64).max(1),
        _ => 1,
    };
    let mut residual: f64 = 0.0;
    let mut checked = 0;
    for direction in analytic.directions().iter().step_by(stride) {
        checked += 1;
        let image = metric.lower(&direction.entries, dims.parameters);
        let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
        let size = largest * norm(&mut direction.entries.iter().map(|(_, value)| *value));
        if size > 0.0 {
            residual = residual.max(norm(&mut image.iter().copied()) / size);
        }
    }
    Ok(NumericalRank {
        rank,
        nullity: dims.parameters - rank,
        attainable,
        gap: if noise > 0.0 {
            smallest / noise
        } else {
            f64::INFINITY
        },
        largest,
        smallest,
        threshold,
        resolution: resolution * largest,
        analytic_residual: residual,
        checked,
        eigenvalues,
    })
}

/// `G` in one of three forms.
enum Held<'a> {
    Columns(Columns),
    Dense(DenseFisher),
    Gram(GramFisher<'a>),
}

impl Held<'_> {
    /// `G d` for a sparse `d`.
    fn lower(&self, entries: &[(usize, f64)], parameters: usize) -> Vec<f64> {
        let mut image = vec![0.0; parameters];
        match self {
            Self::Columns(held) => {
                let along: Vec<f64> = (held.0.col_iter())
                    .map(|column| entries.iter().map(|(p, value)| value * column[*p]).sum())
                    .collect();
                for (column, along) in held.0.col_iter().zip(&along) {
                    (image.iter_mut().zip(column.iter())).for_each(|(i, a)| *i += along * a);
                }
            }
            Self::Dense(dense) => {
                for (p, value) in entries {
                    let column = dense.matrix().col(*p);
                    (image.iter_mut().zip(column.iter())).for_each(|(i, g)| *i += value * g);
                }
            }
            Self::Gram(gram) => {
                let mut tangent = vec![0.0; parameters];
                entries.iter().for_each(|(p, value)| tangent[*p] += value);
                gram.lower(&tangent, &mut image);
            }
        }
        image
    }
}

/// `A`, `P × rN`.
struct Columns(Mat<f64>);

impl Columns {
    fn new(linearization: &dyn Linearization, probe: &Probe<'_>) -> Result<Self, QuotientError> {
        let factor = OutputFactor::fisher(linearization, probe.likelihood)?;
        let dims = linearization.dims();
        let mut columns = Mat::zeros(dims.parameters, factor.rank() * dims.examples);
        linearization.pullback(factor.cotangents(), 0..dims.examples, columns.as_mut());
        for column in columns.col_iter() {
            if let Some(index) = column.iter().position(|value| !value.is_finite()) {
                let value = column[index];
                let what = Quantity::Metric;
                return Err(MetricError::NotFinite { what, index, value }.into());
            }
        }
        Ok(Self(columns))
    }

    /// Of `A Aᵀ`, ascending: squared singular values, exact to `ε` of the largest *singular* value. On one thread.
    fn eigenvalues(&self) -> Result<Vec<f64>, QuotientError> {
        let (rows, columns) = self.0.shape();
        let mut values: Diag<f64> = Diag::zeros(rows.min(columns));
        let none = ComputeSvdVectors::No;
        let scratch = svd_scratch::<f64>(rows, columns, none, none, Par::Seq, Default::default());
        let mut memory = MemBuffer::new(scratch);
        svd(
            self.0.as_ref(),
            values.as_mut(),
            None,
            None,
            Par::Seq,
            MemStack::new(&mut memory),
            Default::default(),
        )
        .map_err(|_| MetricError::Eigen { dim: rows })?;
        let descending = values.column_vector();
        Ok(descending.iter().rev().map(|s| s * s).collect())
    }
}
