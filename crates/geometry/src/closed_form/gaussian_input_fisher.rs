use super::coupling::Coupling;
use super::output_precision::OutputPrecision;
use super::product::product;
use super::seen::Seen;
use super::span::orthonormal_basis;
use super::whitened::{Frame, Whitened};
use super::{
    Averages, ClosedFormError, GaussianInput, GaussianInputCholesky, GaussianInputSpectrum,
};
use crate::{ConjugateGradients, MetricError};
use faer::{Mat, MatRef};
use neuromanifold_mlp::Mlp;
use neuromanifold_model::Gaussian;

/// The exact Fisher metric of a network with one hidden layer for Gaussian inputs and Gaussian noise,
/// `G = E_{x ~ N(μ, C)}[Σ_k ∇f_k ∇f_kᵀ]/σ²`, without a sample and without a matrix of size `P`.
///
/// With `n` inputs, `m` hidden units, `K` outputs, and the weights and μ spanning `r ≤ m + 1` directions:
///
/// | | cost |
/// |---|---|
/// | construction | `O(n m²)`, and `m²/2` averages of pairs of units |
/// | [`lower`](crate::Metric::lower) | `O(n m²)` |
/// | [`raise`](crate::Metric::raise) | `O(n m²) + (m r + m)³/3`, whatever `K` |
/// | `raise` with [conjugate gradients](Self::with_conjugate_gradients) | `O(n m²) + O(m³)` an iteration |
/// | a covariance that is full | `O(n² m)` more for each of them |
/// | damping with inputs of different variance | `O(n m r²)` more |
///
/// Memory: `O(n m)`, and `(m r + m)²` during a direct solve.
///
/// λ is the Euclidean damping of θ, as for every other representation, whatever the covariance of the inputs. [`Inverse::Pseudo`](crate::Inverse::Pseudo)
/// takes the eigenvalues of two small matrices (in the frame where inputs are standard normal if their variances differ), whose
/// largest counts for a relative tolerance.
///
/// ```
/// use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
/// use neuromanifold_geometry::{Inverse, Metric};
/// use neuromanifold_mlp::{Activation, Initialization, Mlp};
/// use neuromanifold_model::Gaussian;
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let net = Mlp::new(&[1000, 3, 1], Activation::Erf)?; // 3007 parameters
/// let theta = net.initialize(Initialization::LeCun, &mut ChaCha8Rng::seed_from_u64(0));
/// let fisher = GaussianInputFisher::new(&net, &theta, &GaussianInput::standard(1000), &Gaussian::UNIT)?;
/// assert!(fisher.reduced_dim() <= 12); // the only system that is solved
///
/// let gradient = vec![1.0; net.parameters()];
/// let mut natural = vec![0.0; net.parameters()];
/// let solve = fisher.raise(&gradient, Inverse::damped(1e-6), &mut natural)?;
/// assert!(solve.relative_residual < 1e-10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// * H. H. Yang, S. Amari, *Complexity issues in natural gradient descent method for training multilayer perceptrons*, Neural
///   Computation 10 (1998) 2137–2157, doi:10.1162/089976698300017007.
/// * M. Rattray, D. Saad, S. Amari, *Natural gradient descent for on-line learning*, Phys. Rev. Lett. 81 (1998) 5461,
///   doi:10.1103/PhysRevLett.81.5461.
#[derive(Clone, Debug)]
pub struct GaussianInputFisher {
    pub(super) frame: Frame,
    pub(super) network: Whitened,
    pub(super) coupling: Coupling,
    /// Orthonormal, `n × r`: what the units see.
    pub(super) basis: Mat<f64>,
    /// The weights in the basis, `r × m`.
    pub(super) seen: Mat<f64>,
    /// `μ̃` in the basis, length `r`.
    pub(super) shift: Vec<f64>,
    pub(super) precision: OutputPrecision,
    pub(super) iterative: Option<ConjugateGradients>,
}

impl GaussianInputFisher {
    /// The metric of a network at θ, with averages in [closed form](Averages::closed_form).
    ///
    /// # Errors
    /// [`ClosedFormError::NotShallow`], [`ClosedFormError::OutputActivation`], [`ClosedFormError::NoClosedForm`],
    /// [`ClosedFormError::Inputs`], [`ClosedFormError::Model`].
    pub fn new(
        net: &Mlp,
        theta: &[f64],
        input: &GaussianInput,
        noise: &Gaussian,
    ) -> Result<Self, ClosedFormError> {
        let frame = Frame::new(net, input)?;
        let averages = Averages::closed_form(frame.activation())?;
        let precision = OutputPrecision::isotropic(net.outputs(), noise.sigma());
        Self::build(frame, theta, precision, &averages)
    }

    /// The metric for noise that the outputs share: `G = E[Jᵀ H J]` with one `H ∈ R^{K×K}` for all inputs, symmetric and positive
    /// semidefinite. `H = Σ⁻¹` for Gaussian noise of covariance `Σ`, and there the metric is exact.
    ///
    /// For another likelihood the output Fisher matrix depends on the outputs; its average `H = E[H(f(x))]` makes of this an
    /// approximation of `G` that takes `J` and `H(f)` for independent, as Kronecker factors do.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`ClosedFormError::Inputs`], [`ClosedFormError::NotFinite`], [`ClosedFormError::NotSymmetric`],
    /// [`ClosedFormError::IndefinitePrecision`], [`ClosedFormError::Eigen`] for an `H` that is no such matrix.
    pub fn with_precision(
        net: &Mlp,
        theta: &[f64],
        input: &GaussianInput,
        precision: MatRef<'_, f64>,
    ) -> Result<Self, ClosedFormError> {
        let frame = Frame::new(net, input)?;
        let averages = Averages::closed_form(frame.activation())?;
        let precision = OutputPrecision::new(precision, net.outputs())?;
        Self::build(frame, theta, precision, &averages)
    }

    /// The metric with a choice of how averages are taken.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`ClosedFormError::Activations`] if the averages are those of another activation,
    /// [`ClosedFormError::Quadrature`].
    pub fn with_averages(
        net: &Mlp,
        theta: &[f64],
        input: &GaussianInput,
        noise: &Gaussian,
        averages: &Averages,
    ) -> Result<Self, ClosedFormError> {
        let frame = Frame::new(net, input)?;
        if frame.activation() != averages.activation() {
            return Err(ClosedFormError::Activations {
                one: frame.activation(),
                other: averages.activation(),
            });
        }
        let precision = OutputPrecision::isotropic(net.outputs(), noise.sigma());
        Self::build(frame, theta, precision, averages)
    }

    fn build(
        frame: Frame,
        theta: &[f64],
        precision: OutputPrecision,
        averages: &Averages,
    ) -> Result<Self, ClosedFormError> {
        let mut network = frame.whiten(theta)?;
        network.outgoing = precision.push_tangent(&network.outgoing);
        network.constant = precision.push_tangent(&network.constant);
        let (n, m) = (network.weights.nrows(), network.weights.ncols());
        let basis = match &frame.shift {
            None => orthonormal_basis(network.weights.as_ref()),
            Some(shift) => {
                let mut directions = network.weights.clone();
                directions.resize_with(n, m + 1, |i, _| shift[i]);
                orthonormal_basis(directions.as_ref())
            }
        };
        let seen = product(basis.transpose(), network.weights.as_ref());
        let shift = match &frame.shift {
            None => vec![0.0; basis.ncols()],
            Some(shift) => {
                let shift = faer::MatRef::from_column_major_slice(shift, n, 1);
                product(basis.transpose(), shift)
                    .col(0)
                    .iter()
                    .copied()
                    .collect()
            }
        };
        let coupling = Coupling::own(averages, &network, seen.as_ref())?;
        Ok(Self {
            frame,
            network,
            coupling,
            basis,
            seen,
            shift,
            precision,
            iterative: None,
        })
    }

    /// Solves by preconditioned conjugate gradients on the reduced coordinates, in place of a Cholesky factorisation: for many
    /// hidden units, where a matrix of size [`reduced_dim`](Self::reduced_dim) costs too much.
    ///
    /// The tolerance is that of the reduced system. With a thousand inputs and a tolerance of 1e-8 it is the cheaper way from about
    /// 25 units on (5.8 against 4.5 ms there, 69 against 11 ms for 40, and 2.0 against 2.4 ms for 20), which the example
    /// `closed_form` measures.
    #[must_use]
    pub fn with_conjugate_gradients(mut self, stopping: ConjugateGradients) -> Self {
        self.iterative = Some(stopping);
        self
    }

    /// `m r`, and `m` more with hidden biases: the size of the system that a solve comes down to.
    #[must_use]
    pub fn reduced_dim(&self) -> usize {
        self.on_seen().dim()
    }

    /// `r`, the number of directions in input space that the network (and μ) distinguishes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.basis.ncols()
    }

    pub(super) fn on_seen(&self) -> Seen<'_> {
        Seen {
            coupling: &self.coupling,
            outgoing: &self.network.outgoing,
            roots: self.precision.roots(),
            weights: self.seen.as_ref(),
            shift: &self.shift,
            hidden_bias: self.frame.hidden_bias(),
            output_bias: self.frame.output_bias(),
        }
    }

    /// All eigenvalues, with their multiplicities.
    ///
    /// Cost: about `9 m³` and `9 (m r + m + (m + 1) K)³`.
    ///
    /// # Errors
    /// [`MetricError::Unsupported`] for inputs of different variance with directions that no unit sees: there the eigenvalues do not
    /// fall into two small matrices, but [`whitened_spectrum`](Self::whitened_spectrum) still has the rank, and
    /// [`cholesky`](Self::cholesky) the determinant. [`MetricError::Eigen`].
    pub fn spectrum(&self) -> Result<GaussianInputSpectrum<'_>, MetricError> {
        if !self.has_spectrum() {
            return Err(MetricError::Unsupported {
                representation: "GaussianInputFisher for inputs of different variance",
                remedy: "whitened_spectrum() for the rank, cholesky(λ).log_determinant(), or Spectrum on to_dense()",
            });
        }
        GaussianInputSpectrum::new(self, |axis| self.frame.input.deviation(axis))
    }

    /// The eigenvalues in the frame where the inputs are standard normal, for any covariance.
    ///
    /// A change of coordinates changes eigenvalues, but not how many are zero: rank and nullity are those of `G`. The
    /// [pseudo-inverse](GaussianInputSpectrum::pseudo_inverse) is that frame's, too; [`Inverse::Pseudo`](crate::Inverse::Pseudo) has that of `G`.
    ///
    /// # Errors
    /// [`MetricError::Eigen`].
    pub fn whitened_spectrum(&self) -> Result<GaussianInputSpectrum<'_>, MetricError> {
        GaussianInputSpectrum::new(self, |_| 1.0)
    }

    /// Whether the metric is two small matrices in orthonormal coordinates of θ.
    pub(super) fn has_spectrum(&self) -> bool {
        self.frame.input.common_deviation().is_some() || self.rank() == self.frame.net.inputs()
    }

    /// `G + λI`, factored for any number of solves; `λ ≥ 0`.
    ///
    /// Cost: that of a direct [`raise`](crate::Metric::raise), of which each further solve needs `O(n m²) + (m r + m)²` only.
    ///
    /// # Errors
    /// [`MetricError::NotPositiveDefinite`], [`MetricError::Damping`], [`MetricError::Eigen`].
    pub fn cholesky(&self, lambda: f64) -> Result<GaussianInputCholesky<'_>, MetricError> {
        GaussianInputCholesky::new(self, lambda)
    }
}
