use crate::diagonal::scatter;
use crate::error::Quantity;
use crate::layered::{Axes, Covariances, Partition, covariances, squares};
use crate::metric::{relative_residual, trusted};
use crate::{Inverse, Metric, MetricError, OutputFactor, RankTolerance, Solve, Spectrum};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use neuromanifold_model::{AffineLayer, Likelihood, Linearization};

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

/// The block of one layer: two factors with their eigenvectors, and the diagonal in these.
#[derive(Clone, Debug)]
pub struct KroneckerBlock {
    layer: AffineLayer,
    inputs: Factor,
    units: Factor,
    /// `ñ × m`: the eigenvalue that belongs to `u_α ⊗ v_i`.
    eigenvalues: Mat<f64>,
    /// Whether the eigenvalues are the products of those of the factors.
    factored: bool,
}

#[derive(Clone, Debug)]
struct Factor {
    matrix: Mat<f64>,
    spectrum: Spectrum,
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
    /// As [`kfac`](Self::kfac).
    pub fn kfac_from_factor(
        linearization: &dyn Linearization,
        factor: &OutputFactor,
    ) -> Result<Self, MetricError> {
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
    /// As [`kfac`](Self::kfac).
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
            check_finite(&moments)?;
            block.eigenvalues = moments;
            block.factored = false;
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
        let all = self.blocks.iter().flat_map(|b| b.eigenvalues.col_iter());
        all.map(|column| column.iter().sum::<f64>()).sum()
    }

    /// The diagonal, one entry a parameter. Cost: `Σ_l ñ_l² m_l + ñ_l m_l²`.
    #[must_use]
    pub fn diagonal(&self) -> Vec<f64> {
        let mut diagonal = vec![0.0; self.dim];
        for block in &self.blocks {
            let squared = |factor: &Factor| {
                let axes = factor.spectrum.eigenvectors();
                Mat::from_fn(axes.nrows(), axes.ncols(), |i, j| axes[(i, j)].powi(2))
            };
            let (inputs, units) = (squared(&block.inputs), squared(&block.units));
            let half = product(inputs.as_ref(), block.eigenvalues.as_ref());
            let entries = product(half.as_ref(), units.transpose());
            scatter(block.layer, &entries, &mut diagonal);
        }
        diagonal
    }

    /// `out ← (S_l + √λ/π_l I)⁻¹ ⊗ (A_l + π_l √λ I)⁻¹ g_l` for each layer, the factored damping of K-FAC, `λ > 0`.
    ///
    /// With `π² = (tr A/ñ)/(tr S/m)` both factors are damped by the same fraction of their mean eigenvalue. It adds
    /// `π√λ S + √λ/π A` to `G_l + λI`: more damping than [`Inverse::Damped`], which this type offers exactly at the same
    /// cost. Here for comparison with programs that have no choice. The residual is that of the factored equation.
    ///
    /// # Errors
    /// [`MetricError::Damping`], [`MetricError::NotFinite`]; [`MetricError::Unsupported`] for EK-FAC, whose eigenvalues do
    /// not factor.
    ///
    /// # References
    /// J. Martens, R. Grosse (2015), arXiv:1503.05671, section 6.3.
    pub fn raise_factored(
        &self,
        gradient: &[f64],
        lambda: f64,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_damping(lambda)?;
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        if !self.blocks.iter().all(|block| block.factored) {
            return Err(MetricError::Unsupported {
                representation: "EK-FAC",
                remedy: "Inverse::Damped, or KroneckerFisher::kfac for the factored damping",
            });
        }
        let damped = |place: usize, i: usize, unit: usize| {
            let block = &self.blocks[place];
            let (own, others) = block.factored_damping(lambda);
            (block.inputs.eigenvalue(i) + own) * (block.units.eigenvalue(unit) + others)
        };
        self.transform(gradient, out, |place, i, unit| 1.0 / damped(place, i, unit));
        MetricError::check_finite(Quantity::Direction, out)?;
        let mut image = vec![0.0; self.dim];
        self.transform(out, &mut image, damped);
        let squares = |terms: &mut dyn Iterator<Item = f64>| terms.map(|t| t * t).sum::<f64>();
        let error = squares(&mut image.iter().zip(gradient).map(|(i, g)| i - g));
        let size = squares(&mut gradient.iter().copied());
        Ok(Solve {
            relative_residual: (error / size.max(f64::MIN_POSITIVE)).sqrt(),
            rank: self.dim,
            iterations: 0,
        })
    }

    /// `out ← U w(Λ) Uᵀ v`, with a weight for each axis of each block.
    fn transform(
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
            let mut coordinates = block.coordinates(vector);
            for unit in 0..coordinates.ncols() {
                for i in 0..coordinates.nrows() {
                    coordinates[(i, unit)] *= weight(place, i, unit);
                }
            }
            let inputs = block.inputs.spectrum.eigenvectors();
            let units = block.units.spectrum.eigenvectors();
            let half = product(inputs, coordinates.as_ref());
            let image = product(half.as_ref(), units.transpose());
            scatter(block.layer, &image, out);
        }
    }

    fn eigenvalue(&self, place: usize, i: usize, unit: usize) -> f64 {
        self.blocks[place].eigenvalues[(i, unit)]
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
                .eigenvalues
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
            .map(|b| b.layer.fan_in() + b.layer.outputs);
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
            for (values, column) in block.eigenvalues.col_iter().zip(coordinates.col_iter()) {
                let terms = values.iter().zip(column.iter());
                sum += terms.map(|(value, c)| value * c * c).sum::<f64>();
            }
        }
        sum
    }
}

impl KroneckerBlock {
    /// K-FAC's block from sums over the examples; those of the inputs are to be divided by their number, while the
    /// covectors carry it already.
    fn factored(layer: AffineLayer, sums: Covariances, share: f64) -> Result<Self, MetricError> {
        let Covariances { mut inputs, units } = sums;
        inputs *= faer::Scale(share);
        let (inputs, units) = (Factor::new(inputs)?, Factor::new(units)?);
        let eigenvalues = Mat::from_fn(layer.fan_in(), layer.outputs, |i, unit| {
            inputs.eigenvalue(i) * units.eigenvalue(unit)
        });
        check_finite(&eigenvalues)?;
        Ok(Self {
            layer,
            inputs,
            units,
            eigenvalues,
            factored: true,
        })
    }

    /// Which layer.
    #[must_use]
    pub fn layer(&self) -> AffineLayer {
        self.layer
    }

    /// `A = E[ããᵀ]`, `ñ × ñ`; with a bias the last entry of `ã` is 1.
    #[must_use]
    pub fn input_moment(&self) -> MatRef<'_, f64> {
        self.inputs.matrix.as_ref()
    }

    /// `S = E[δδᵀ]`, `m × m`.
    #[must_use]
    pub fn unit_moment(&self) -> MatRef<'_, f64> {
        self.units.matrix.as_ref()
    }

    /// The eigenvalues of the block, `ñ × m`: column α, row `i` belongs to `u_α ⊗ v_i`.
    #[must_use]
    pub fn eigenvalues(&self) -> MatRef<'_, f64> {
        self.eigenvalues.as_ref()
    }

    fn largest(&self) -> f64 {
        self.eigenvalues.norm_max()
    }

    /// What the factored damping adds to the eigenvalues of `A` and of `S`.
    fn factored_damping(&self, lambda: f64) -> (f64, f64) {
        let mean = |factor: &Factor| factor.spectrum.trace() / factor.matrix.nrows() as f64;
        let ratio = mean(&self.inputs) / mean(&self.units);
        // a layer that nothing reaches has no scale of its own
        let pi = if ratio > 0.0 && ratio.is_finite() {
            ratio.sqrt()
        } else {
            1.0
        };
        (pi * lambda.sqrt(), lambda.sqrt() / pi)
    }

    /// `V_Aᵀ [W b]ᵀ U_S` for this layer's part of a vector.
    fn coordinates(&self, vector: &[f64]) -> Mat<f64> {
        let layer = self.layer;
        let own = Mat::from_fn(layer.fan_in(), layer.outputs, |i, unit| {
            vector[layer.parameter(unit, i)]
        });
        let inputs = self.inputs.spectrum.eigenvectors().transpose();
        let half = product(inputs, own.as_ref());
        product(half.as_ref(), self.units.spectrum.eigenvectors())
    }
}

impl Factor {
    fn new(matrix: Mat<f64>) -> Result<Self, MetricError> {
        Ok(Self {
            spectrum: Spectrum::new(matrix.as_ref())?,
            matrix,
        })
    }

    /// Clipped at zero, where those of a second moment end.
    fn eigenvalue(&self, index: usize) -> f64 {
        self.spectrum.eigenvalues()[index].max(0.0)
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

fn check_finite(matrix: &Mat<f64>) -> Result<(), MetricError> {
    for (column, values) in matrix.col_iter().enumerate() {
        for (row, value) in values.iter().enumerate() {
            if !value.is_finite() {
                return Err(MetricError::NotFinite {
                    what: Quantity::Metric,
                    index: column * matrix.nrows() + row,
                    value: *value,
                });
            }
        }
    }
    Ok(())
}

fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = Mat::zeros(left.nrows(), right.ncols());
    let least = left.nrows().min(left.ncols()).min(right.ncols());
    // small products are slower on two threads, and matrix–vector products would round differently on them
    let par = if least < 128 { Par::Seq } else { Par::rayon(0) };
    matmul(product.as_mut(), Accum::Replace, left, right, 1.0, par);
    product
}
