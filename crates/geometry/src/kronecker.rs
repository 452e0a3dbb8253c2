use crate::error::Quantity;
use crate::layered::{Axes, Partition, covariances, squares};
use crate::metric::{relative_residual, trusted};
use crate::{Inverse, KroneckerBlock, Metric, MetricError, OutputFactor, RankTolerance, Solve};
use neuromanifold_model::{Likelihood, Linearization};

/// The Fisher metric with a Kronecker product for each layer: K-FAC, and its eigenvalue-corrected form EK-FAC.
///
/// A layer `ã ↦ [W b] ã`, `ã = [a; 1]`, has the diagonal block `G_l = E[δδᵀ ⊗ ããᵀ]`, where `δ` are the covectors carried back to
/// its units. K-FAC takes the expectation of the product for the product of expectations,
///
/// ```text
/// G_l ≈ S_l ⊗ A_l,     S_l = E[δδᵀ] ∈ R^{m×m},     A_l = E[ããᵀ] ∈ R^{ñ×ñ},
/// ```
///
/// and drops what is between layers. In the eigenvectors `u_α` of `S_l` and `v_i` of `A_l` that is a diagonal matrix;
/// EK-FAC keeps these axes and puts the exact second moments `E[(u_α·δ)² (v_i·ã)²]` on it. No other diagonal in these axes is
/// closer to `G_l` in the Frobenius norm, so EK-FAC is never farther than K-FAC, and its trace is that of `G_l`.
///
/// # When the blocks are exact
/// K-FAC's block is exact where `δδᵀ` and `ããᵀ` are uncorrelated over the batch. That holds, whatever the number of outputs,
/// * on a single example;
/// * in every layer of a deep *linear* network with Gaussian noise, where `δ` does not depend on the example (with another
///   likelihood the output Fisher matrix does, and with it `δ`);
/// * in the last layer of any network whose output units are linear, with Gaussian noise, for the same reason.
///
/// In these cases EK-FAC equals K-FAC. Blocks *between* layers are left out even then.
///
/// # Cost
/// `N Σ_l (ñ_l² + r m_l²)` multiplications for the factors and `O(Σ_l ñ_l³ + m_l³)` for their eigenvectors; EK-FAC reads
/// the batch once more. A product or a solve costs `2 Σ_l (ñ_l² m_l + ñ_l m_l²)`, for any damping. Memory:
/// `2 Σ_l (ñ_l² + m_l²) + P` numbers.
///
/// ```
/// use neuromanifold_geometry::{Inverse, KroneckerFisher, Metric};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::{Gaussian, OutputMap};
///
/// let net = Mlp::new(&[1, 2, 1], Activation::Tanh)?;
/// let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
/// let batch = net.on_slice(&[-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5])?;
/// let fisher = KroneckerFisher::ekfac(batch.linearize(&theta)?.as_ref(), &Gaussian::UNIT)?;
///
/// let gradient = [1.0; 7];
/// let mut natural = [0.0; 7];
/// let solve = fisher.raise(&gradient, Inverse::damped(1e-3), &mut natural)?;
/// assert!(solve.relative_residual < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// J. Martens, R. Grosse, *Optimizing neural networks with Kronecker-factored approximate curvature*, ICML 2015,
/// arXiv:1503.05671; T. George, C. Laurent, X. Bouthillier, N. Ballas, P. Vincent, *Fast approximate natural gradient
/// descent in a Kronecker-factored eigenbasis*, NeurIPS 2018, arXiv:1806.03884; A. Bernacchia, M. Lengyel, G. Hennequin,
/// *Exact natural gradient in deep linear networks and its application to the nonlinear case*, NeurIPS 2018.
#[derive(Clone, Debug)]
pub struct KroneckerFisher {
    dim: usize,
    blocks: Vec<KroneckerBlock>,
}

impl KroneckerFisher {
    /// K-FAC of the true Fisher metric of a likelihood at a linearised map.
    ///
    /// # Errors
    /// [`MetricError::NoLayers`], [`MetricError::Layers`], [`MetricError::Empty`], [`MetricError::Likelihood`],
    /// [`MetricError::NotFinite`], [`MetricError::Eigen`].
    pub fn kfac(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
    ) -> Result<Self, MetricError> {
        let factor = OutputFactor::fisher(linearization, likelihood)?;
        Self::kfac_from_factor(linearization, &factor)
    }

    /// EK-FAC of the true Fisher metric of a likelihood at a linearised map.
    ///
    /// # Errors
    /// As [`kfac`](Self::kfac).
    pub fn ekfac(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
    ) -> Result<Self, MetricError> {
        let factor = OutputFactor::fisher(linearization, likelihood)?;
        Self::ekfac_from_factor(linearization, &factor)
    }

    /// K-FAC of the true, Monte-Carlo or empirical Fisher, according to the [`OutputFactor`].
    ///
    /// Many programs that say K-FAC mean [`OutputFactor::monte_carlo`] with one draw; some mean
    /// [`OutputFactor::empirical`], which is not the Fisher metric and misleads near a good fit: read there when.
    ///
    /// # Errors
    /// As [`kfac`](Self::kfac), and [`MetricError::Factor`] if the factor was made for another batch or map.
    pub fn kfac_from_factor(
        linearization: &dyn Linearization,
        factor: &OutputFactor,
    ) -> Result<Self, MetricError> {
        factor.check(linearization.dims())?;
        let map = layers_of(linearization)?;
        let dim = linearization.dims().parameters;
        let partition = Partition::new(map, dim)?;
        let sums = covariances(map, &partition, factor.cotangents());
        let share = 1.0 / linearization.dims().examples as f64;
        let members = partition.members().iter();
        let blocks: Result<_, _> = members
            .zip(sums)
            .map(|(member, sums)| KroneckerBlock::factored(member.layer, sums, share))
            .collect();
        Ok(Self {
            dim,
            blocks: blocks?,
        })
    }

    /// EK-FAC of the true, Monte-Carlo or empirical Fisher, according to the [`OutputFactor`].
    ///
    /// # Errors
    /// As [`kfac_from_factor`](Self::kfac_from_factor).
    pub fn ekfac_from_factor(
        linearization: &dyn Linearization,
        factor: &OutputFactor,
    ) -> Result<Self, MetricError> {
        let mut fisher = Self::kfac_from_factor(linearization, factor)?;
        let map = layers_of(linearization)?;
        let partition = Partition::new(map, fisher.dim)?;
        let axes: Vec<Axes<'_>> = fisher
            .blocks
            .iter()
            .map(|block| Axes {
                inputs: block.inputs.spectrum.eigenvectors(),
                units: block.units.spectrum.eigenvectors(),
            })
            .collect();
        let moments = squares(map, &partition, factor.cotangents(), Some(&axes));
        for (block, moments) in fisher.blocks.iter_mut().zip(moments) {
            block.correct(moments)?;
        }
        Ok(fisher)
    }

    /// The blocks, in the order in which the layers lie in θ.
    #[must_use]
    pub fn blocks(&self) -> &[KroneckerBlock] {
        &self.blocks
    }

    /// The sum of the eigenvalues. That of EK-FAC is the trace of `G`.
    #[must_use]
    pub fn trace(&self) -> f64 {
        let all = self.blocks.iter().flat_map(|b| b.eigenvalues().col_iter());
        all.map(|column| column.iter().sum::<f64>()).sum()
    }

    /// The diagonal, one entry a parameter. Cost: `Σ_l ñ_l² m_l + ñ_l m_l²`.
    #[must_use]
    pub fn diagonal(&self) -> Vec<f64> {
        let mut diagonal = vec![0.0; self.dim];
        for block in &self.blocks {
            block.diagonal(&mut diagonal);
        }
        diagonal
    }

    /// `out ← U w(Λ) Uᵀ v`, with a weight for each axis of each block.
    pub(crate) fn transform(
        &self,
        vector: &[f64],
        out: &mut [f64],
        weight: impl Fn(usize, usize, usize) -> f64,
    ) {
        assert!(
            vector.len() == self.dim && out.len() == self.dim,
            "vectors of lengths {} and {} in a space of dimension {}",
            vector.len(),
            out.len(),
            self.dim
        );
        for (place, block) in self.blocks.iter().enumerate() {
            block.transform(vector, out, |i, unit| weight(place, i, unit));
        }
    }

    pub(crate) fn eigenvalue(&self, place: usize, i: usize, unit: usize) -> f64 {
        self.blocks[place].eigenvalues()[(i, unit)]
    }

    fn largest(&self) -> f64 {
        let each = self.blocks.iter().map(KroneckerBlock::largest);
        each.fold(0.0, f64::max)
    }

    /// How many eigenvalues exceed the threshold of their block.
    fn rank(&self, threshold_of: impl Fn(&KroneckerBlock) -> f64) -> usize {
        let positive = |block: &KroneckerBlock| {
            let threshold = threshold_of(block);
            let all = block
                .eigenvalues()
                .col_iter()
                .flat_map(|column| column.iter());
            all.filter(|value| **value > threshold).count()
        };
        self.blocks.iter().map(positive).sum()
    }

    /// Passes if no eigenvalue is lost in the rounding of its own block.
    fn demand_full_rank(&self) -> Result<(), MetricError> {
        let sizes = self
            .blocks
            .iter()
            .map(|b| b.layer().fan_in() + b.layer().outputs);
        let tolerance = RankTolerance::rounding(sizes.max().unwrap_or(0));
        let rank = self.rank(|block| tolerance.threshold(block.largest()));
        if rank == self.dim {
            Ok(())
        } else {
            Err(MetricError::Singular {
                rank,
                dim: self.dim,
                tolerance,
            })
        }
    }
}

impl Metric for KroneckerFisher {
    fn dim(&self) -> usize {
        self.dim
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        self.transform(tangent, out, |place, i, unit| {
            self.eigenvalue(place, i, unit)
        });
    }

    /// In the eigenvectors, so that damping is exact: `(S ⊗ A + λI)⁻¹`, not a product of damped factors.
    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        let lambda = inverse.damping();
        let mut projected = None;
        let mut rank = self.dim;
        match inverse {
            Inverse::Exact => self.demand_full_rank()?,
            Inverse::Damped { lambda } => MetricError::check_damping(lambda)?,
            Inverse::Pseudo { tolerance } => {
                let threshold = tolerance.validate()?.threshold(self.largest());
                let counts = |value: f64| value > threshold;
                let mut seen = vec![0.0; self.dim];
                self.transform(gradient, &mut seen, |place, i, unit| {
                    f64::from(u8::from(counts(self.eigenvalue(place, i, unit))))
                });
                projected = Some(seen);
                rank = self.rank(|_| threshold);
                self.transform(gradient, out, |place, i, unit| {
                    let value = self.eigenvalue(place, i, unit);
                    if counts(value) { 1.0 / value } else { 0.0 }
                });
            }
        }
        if projected.is_none() {
            self.transform(gradient, out, |place, i, unit| {
                1.0 / (self.eigenvalue(place, i, unit) + lambda)
            });
        }
        MetricError::check_finite(Quantity::Direction, out)?;
        let right_hand_side = projected.as_deref().unwrap_or(gradient);
        let residual = relative_residual(self, lambda, right_hand_side, out);
        Ok(Solve {
            relative_residual: trusted(residual, lambda)?,
            rank,
            iterations: 0,
        })
    }

    fn norm_squared(&self, tangent: &[f64]) -> f64 {
        let mut sum = 0.0;
        for block in &self.blocks {
            let coordinates = block.coordinates(tangent);
            for (values, column) in block.eigenvalues().col_iter().zip(coordinates.col_iter()) {
                let terms = values.iter().zip(column.iter());
                sum += terms.map(|(value, c)| value * c * c).sum::<f64>();
            }
        }
        sum
    }
}

fn layers_of(
    linearization: &dyn Linearization,
) -> Result<&dyn neuromanifold_model::Layerwise, MetricError> {
    linearization.layers().ok_or(MetricError::NoLayers {
        representation: "KroneckerFisher",
        remedy: "DenseFisher, GramFisher, FisherOperator or DiagonalFisher",
    })
}
