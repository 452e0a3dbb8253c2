use crate::error::Quantity;
use crate::layered::{Partition, squares};
use crate::metric::{relative_residual, trusted};
use crate::{Inverse, Metric, MetricError, OutputFactor, RankTolerance, Solve};
use faer::Mat;
use neuromanifold_model::{AffineLayer, Likelihood, Linearization};

/// The diagonal of the Fisher metric, as a metric: parameters taken one by one.
///
/// The entries are exact, `G_pp = (1/N) Σ_s Σ_k (J_sᵀ b_{s,k})_p²`; what is left out is everything between two parameters,
/// which in a network is most of the metric. Cheap, never invariant under a change of parameters, and the metric that
/// Adam-like methods estimate.
///
/// Memory: `P` numbers. Cost: with affine layers ([`layers`](Linearization::layers)) one backward pass with `r` covectors an
/// example and `N·P` multiplications, as the squares of an outer product are the outer product of squares; otherwise one
/// pull-back of all `rN` covectors. A solve is a division.
///
/// ```
/// use neuromanifold_geometry::{DenseFisher, DiagonalFisher};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::{Gaussian, OutputMap};
///
/// let net = Mlp::new(&[1, 2, 1], Activation::Tanh)?;
/// let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
/// let batch = net.on_slice(&[-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5])?;
/// let at = batch.linearize(&theta)?;
/// let diagonal = DiagonalFisher::new(at.as_ref(), &Gaussian::UNIT)?;
/// let dense = DenseFisher::new(at.as_ref(), &Gaussian::UNIT)?;
/// assert!((diagonal.diagonal()[3] - dense.matrix()[(3, 3)]).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DiagonalFisher {
    diagonal: Vec<f64>,
}

impl DiagonalFisher {
    /// The diagonal of the true Fisher metric of a likelihood at a linearised map.
    ///
    /// # Errors
    /// [`MetricError::Empty`], [`MetricError::Likelihood`], [`MetricError::Layers`], [`MetricError::NotFinite`].
    pub fn new(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
    ) -> Result<Self, MetricError> {
        let factor = OutputFactor::fisher(linearization, likelihood)?;
        Self::from_factor(linearization, &factor)
    }

    /// The diagonal of `A Aᵀ` for any columns on the outputs: of the true, Monte-Carlo or empirical Fisher, according to
    /// the [`OutputFactor`]. Read there when the empirical one misleads.
    ///
    /// # Errors
    /// [`MetricError::Factor`] if the factor was made for another batch or map;
    /// [`MetricError::Layers`], [`MetricError::NotFinite`].
    pub fn from_factor(
        linearization: &dyn Linearization,
        factor: &OutputFactor,
    ) -> Result<Self, MetricError> {
        factor.check(linearization.dims())?;
        let diagonal = match linearization.layers() {
            Some(map) => {
                let parameters = linearization.dims().parameters;
                let partition = Partition::new(map, parameters)?;
                let mut diagonal = vec![0.0; parameters];
                let sums = squares(map, &partition, factor.cotangents(), None);
                for (member, sums) in partition.members().iter().zip(&sums) {
                    scatter(member.layer, sums, &mut diagonal);
                }
                diagonal
            }
            None => pulled_back_squares(linearization, factor),
        };
        MetricError::check_finite(Quantity::Metric, &diagonal)?;
        Ok(Self { diagonal })
    }

    /// `G_pp` for each parameter.
    #[must_use]
    pub fn diagonal(&self) -> &[f64] {
        &self.diagonal
    }

    /// The trace of the metric, that of all its representations that keep the diagonal.
    #[must_use]
    pub fn trace(&self) -> f64 {
        self.diagonal.iter().sum()
    }

    fn largest(&self) -> f64 {
        self.diagonal.iter().fold(0.0, |m: f64, d| m.max(*d))
    }
}

impl Metric for DiagonalFisher {
    fn dim(&self) -> usize {
        self.diagonal.len()
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        let dim = self.dim();
        assert!(
            tangent.len() == dim && out.len() == dim,
            "vectors of lengths {} and {} in a space of dimension {dim}",
            tangent.len(),
            out.len()
        );
        for ((o, v), d) in out.iter_mut().zip(tangent).zip(&self.diagonal) {
            *o = d * v;
        }
    }

    /// A division each. [`Inverse::Exact`] refuses an entry that is exactly zero: a parameter that no example uses.
    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        let (lambda, zero) = match inverse {
            Inverse::Exact => (0.0, RankTolerance::Absolute(0.0)),
            Inverse::Damped { lambda } => {
                MetricError::check_damping(lambda)?;
                (lambda, RankTolerance::Absolute(0.0))
            }
            Inverse::Pseudo { tolerance } => (0.0, tolerance.validate()?),
        };
        let threshold = zero.threshold(self.largest());
        let counts = |entry: f64| entry + lambda > threshold;
        let rank = self.diagonal.iter().filter(|d| counts(**d)).count();
        if inverse == Inverse::Exact && rank < self.dim() {
            return Err(MetricError::Singular {
                rank,
                dim: self.dim(),
                tolerance: zero,
            });
        }
        let mut seen = gradient.to_vec();
        for ((o, g), d) in out.iter_mut().zip(&mut seen).zip(&self.diagonal) {
            if counts(*d) {
                *o = *g / (d + lambda);
            } else {
                *o = 0.0;
                *g = 0.0;
            }
        }
        MetricError::check_finite(Quantity::Direction, out)?;
        Ok(Solve {
            relative_residual: trusted(relative_residual(self, lambda, &seen, out), lambda)?,
            rank,
            iterations: 0,
        })
    }

    fn norm_squared(&self, tangent: &[f64]) -> f64 {
        let terms = self.diagonal.iter().zip(tangent);
        terms.map(|(d, v)| d * v * v).sum()
    }

    fn to_dense(&self) -> Mat<f64> {
        let mut dense = Mat::zeros(self.dim(), self.dim());
        for (p, value) in self.diagonal.iter().enumerate() {
            dense[(p, p)] = *value;
        }
        dense
    }
}

/// Writes a `fan-in × units` matrix where the parameters of the layer lie.
pub(crate) fn scatter(layer: AffineLayer, values: &Mat<f64>, out: &mut [f64]) {
    for unit in 0..layer.outputs {
        for input in 0..layer.fan_in() {
            out[layer.parameter(unit, input)] = values[(input, unit)];
        }
    }
}

/// For a map without layers: the columns are formed, a few at a time.
fn pulled_back_squares(linearization: &dyn Linearization, factor: &OutputFactor) -> Vec<f64> {
    /// Numbers of a block, 2 MiB: it stays in the cache until it has been read.
    const NUMBERS: usize = 1 << 18;
    let dims = linearization.dims();
    let rank = factor.rank();
    let stride = (NUMBERS / (dims.parameters * rank)).clamp(1, dims.examples.max(1));
    let mut block = Mat::zeros(dims.parameters, stride * rank);
    let mut diagonal = vec![0.0; dims.parameters];
    for start in (0..dims.examples).step_by(stride) {
        let end = (start + stride).min(dims.examples);
        let width = (end - start) * rank;
        let columns = block.as_mut().subcols_mut(0, width);
        linearization.pullback(factor.cotangents(), start..end, columns);
        for column in block.as_ref().subcols(0, width).col_iter() {
            for (sum, value) in diagonal.iter_mut().zip(column.iter()) {
                *sum += value * value;
            }
        }
    }
    diagonal
}
