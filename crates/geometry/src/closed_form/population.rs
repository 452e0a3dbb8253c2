use super::coupling::{Coupling, Image, Tangent};
use super::gaussian_input::check_finite;
use super::product::product;
use super::span::orthonormal_basis;
use super::whitened::{Frame, Whitened};
use super::{Averages, ClosedFormError, GaussianInput, line};
use faer::{Mat, MatRef};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;

/// The exact divergence between the laws of a teacher and of a student, over the whole population of inputs.
///
/// Both are networks with one hidden layer of the same activation, not necessarily of the same width, on inputs `x ~ N(μ, C)`
/// with the same Gaussian noise:
///
/// ```text
/// D(teacher : student) = E_x |f(x) − f*(x)|²/(2σ²)     in nats
/// ```
///
/// There is no sample, so no noise of one, and nothing to overfit: this is the loss itself, and [its gradient](Self::gradient).
///
/// Where the two networks are close unit by unit, the difference is integrated along the straight line from one to the other
/// instead of being subtracted, `f − f* = ∫₀¹ ∇f(θ* + t dθ)·dθ dt`, so that both keep their *relative* accuracy however small
/// they are: a natural-gradient flow converges until θ is the teacher to the last digits. Elsewhere the absolute error of the
/// divergence is about 1e-16 times `E|f|²/σ²`; for a student that approaches the teacher with its units in another order, too.
///
/// ```
/// use neuromanifold_geometry::closed_form::{GaussianInput, Population};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
///
/// let net = Mlp::committee(2, 1, Activation::Erf)?;
/// let teacher = [1.0, 0.0, 2.0]; // f* = 2 erf(x₁/√2)
/// let population = Population::new(&net, &teacher, &net, &GaussianInput::standard(2), &Gaussian::UNIT)?;
///
/// // Orthogonal weights make the two independent: D = ½(4 + 4) E[erf²], E[erf²] = (2/π) asin(1/2) = 1/3.
/// let divergence = population.divergence(&[0.0, 1.0, 2.0])?;
/// assert!((divergence - 4.0 / 3.0).abs() < 1e-14);
/// assert!(population.divergence(&teacher)? < 1e-300);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Population {
    student: Frame,
    teacher: Whitened,
    averages: Averages,
    variance: f64,
}

/// A student, its teacher and their difference, in coordinates of the span of all weights.
struct Projected {
    basis: Mat<f64>,
    student: Whitened,
    teacher: Whitened,
    /// Student minus teacher as a tangent vector, for networks that are close unit by unit.
    step: Option<Whitened>,
}

impl Population {
    /// A teacher at θ* for students of another, or the same, architecture.
    ///
    /// # Errors
    /// [`ClosedFormError::Activations`] or [`ClosedFormError::Signature`] for networks that cannot be compared,
    /// [`ClosedFormError::NotShallow`], [`ClosedFormError::OutputActivation`], [`ClosedFormError::NoClosedForm`],
    /// [`ClosedFormError::Inputs`], [`ClosedFormError::Model`].
    pub fn new(
        teacher: &Mlp,
        theta: &[f64],
        student: &Mlp,
        input: &GaussianInput,
        noise: &Gaussian,
    ) -> Result<Self, ClosedFormError> {
        let frame = Frame::new(student, input)?;
        let averages = Averages::closed_form(frame.activation())?;
        Self::with_averages(teacher, theta, student, input, noise, &averages)
    }

    /// [`new`](Self::new) with a choice of how averages are taken.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_averages(
        teacher: &Mlp,
        theta: &[f64],
        student: &Mlp,
        input: &GaussianInput,
        noise: &Gaussian,
        averages: &Averages,
    ) -> Result<Self, ClosedFormError> {
        let frames = [Frame::new(teacher, input)?, Frame::new(student, input)?];
        for frame in &frames {
            if frame.activation() != averages.activation() {
                return Err(ClosedFormError::Activations {
                    one: frame.activation(),
                    other: averages.activation(),
                });
            }
        }
        let [from, student] = frames;
        if from.net.outputs() != student.net.outputs() {
            return Err(ClosedFormError::Signature {
                one: (from.net.inputs(), from.net.outputs()),
                other: (student.net.inputs(), student.net.outputs()),
            });
        }
        Ok(Self {
            teacher: from.whiten(theta)?,
            student,
            averages: *averages,
            variance: noise.sigma() * noise.sigma(),
        })
    }

    /// `D(teacher : student at θ) = D(student : teacher)`, in nats; never negative.
    ///
    /// Cost: `O(n m²)`, and `36 m²` averages of pairs of units where the networks are close, `2m²` elsewhere.
    ///
    /// # Errors
    /// [`ClosedFormError::Model`] for a bad θ, [`ClosedFormError::Quadrature`], [`ClosedFormError::NotFinite`] for a divergence that
    /// no number holds.
    pub fn divergence(&self, theta: &[f64]) -> Result<f64, ClosedFormError> {
        self.half_square(&self.project(theta)?)
    }

    /// `out ← ∂D/∂θ`, and returns `D`.
    ///
    /// # Errors
    /// As [`divergence`](Self::divergence).
    ///
    /// # Panics
    /// If `out` does not have the length of θ.
    pub fn gradient(&self, theta: &[f64], out: &mut [f64]) -> Result<f64, ClosedFormError> {
        assert!(
            out.len() == theta.len(),
            "a gradient of length {} at a θ of length {}",
            out.len(),
            theta.len()
        );
        let at = self.project(theta)?;
        let divergence = self.half_square(&at)?;
        let (weights, image) = match &at.step {
            Some(step) => line::gradient(&self.averages, &at.teacher, &at.student, step)?,
            None => self.gradient_of_difference(&at)?,
        };
        let precision = 1.0 / self.variance;
        let scaled = |values: Vec<f64>| values.into_iter().map(|v| precision * v).collect();
        let covector = Whitened {
            weights: product(at.basis.as_ref(), (weights * precision).as_ref()),
            means: scaled(image.means),
            outgoing: scaled(image.outgoing),
            constant: scaled(image.constant),
        };
        self.student.pull_back(covector, out);
        Ok(divergence)
    }

    /// `E[−log p(y|x;θ)]` in nats for targets that the teacher draws: `D` and the entropy of the noise, `K log(σ√(2πe))`.
    ///
    /// # Errors
    /// As [`divergence`](Self::divergence).
    pub fn loss(&self, theta: &[f64]) -> Result<f64, ClosedFormError> {
        let entropy = 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E * self.variance).ln();
        Ok(self.divergence(theta)? + self.student.net.outputs() as f64 * entropy)
    }

    fn project(&self, theta: &[f64]) -> Result<Projected, ClosedFormError> {
        let student = self.student.whiten(theta)?;
        let teacher = &self.teacher;
        let step = self.step(&student);
        // the difference itself is spanned, at its own scale, so that nothing of it is rounding
        let other = step.as_ref().unwrap_or(teacher).weights.as_ref();
        let basis = orthonormal_basis(side_by_side(student.weights.as_ref(), other).as_ref());
        let project = |network: &Whitened| Whitened {
            weights: product(basis.transpose(), network.weights.as_ref()),
            ..network.clone()
        };
        Ok(Projected {
            student: project(&student),
            teacher: project(teacher),
            step: step.as_ref().map(project),
            basis,
        })
    }

    /// Student minus teacher, if every unit of the one is close to the same unit of the other.
    fn step(&self, student: &Whitened) -> Option<Whitened> {
        /// Eight Gauss–Legendre nodes are exact to rounding for pre-activations of the steepest component of tanh that move by
        /// at most this.
        const CLOSE: f64 = 0.15;
        let teacher = &self.teacher;
        // averages of a rectifier are not analytic where a unit meets itself
        if self.averages.activation() == Activation::Relu
            || student.means.len() != teacher.means.len()
        {
            return None;
        }
        let less = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
        let step = Whitened {
            weights: &student.weights - &teacher.weights,
            means: less(&student.means, &teacher.means),
            outgoing: less(&student.outgoing, &teacher.outgoing),
            constant: less(&student.constant, &teacher.constant),
        };
        let close = step
            .weights
            .col_iter()
            .zip(&step.means)
            .all(|(weights, mean)| weights.norm_l2() <= CLOSE && mean.abs() <= CLOSE);
        close.then_some(step)
    }

    /// `E|f − f*|²/(2σ²)`.
    fn half_square(&self, at: &Projected) -> Result<f64, ClosedFormError> {
        let square = match &at.step {
            Some(step) => line::square(&self.averages, &at.teacher, step)?,
            None => self.square_of_difference(at)?,
        };
        let divergence = square.max(0.0) / (2.0 * self.variance);
        check_finite("divergence", 0, divergence)?;
        Ok(divergence)
    }

    fn square_of_difference(&self, at: &Projected) -> Result<f64, ClosedFormError> {
        let difference = difference(&at.student, &at.teacher);
        let coupling = Coupling::own(&self.averages, &difference, difference.weights.as_ref())?;
        let units = difference.means.len();
        let mut sum = 0.0;
        for (v, constant) in difference
            .outgoing
            .chunks_exact(units)
            .zip(&difference.constant)
        {
            let mean: f64 = constant
                + v.iter()
                    .zip(&coupling.left)
                    .map(|(v, u)| v * u.e0)
                    .sum::<f64>();
            sum += mean * mean;
            for a in 0..units {
                for b in 0..units {
                    let covariance =
                        coupling.pair(a, b).0.e00 - coupling.left[a].e0 * coupling.left[b].e0;
                    sum += v[a] * v[b] * covariance;
                }
            }
        }
        Ok(sum)
    }

    /// `E[∇f (f − f*)]`, where `f − f*` is a network with the units of both.
    fn gradient_of_difference(&self, at: &Projected) -> Result<(Mat<f64>, Image), ClosedFormError> {
        let difference = difference(&at.student, &at.teacher);
        let coupling = Coupling::between(&self.averages, &at.student, &difference)?;
        let units = difference.means.len();
        let still = Mat::zeros(at.student.means.len(), units);
        let zeros = vec![0.0; units];
        let tangent = Tangent {
            left_products: still.as_ref(),
            right_products: &zeros,
            means: &zeros,
            outgoing: &difference.outgoing,
            constant: &difference.constant,
        };
        let image = coupling.apply(&at.student.outgoing, &difference.outgoing, &tangent);
        let weights = image.weights(&at.student, &difference);
        Ok((weights, image))
    }
}

/// The network that computes `one − other`.
fn difference(one: &Whitened, other: &Whitened) -> Whitened {
    let (m, units) = (one.means.len(), other.means.len());
    let rows = one
        .outgoing
        .chunks_exact(m)
        .zip(other.outgoing.chunks_exact(units));
    Whitened {
        weights: side_by_side(one.weights.as_ref(), other.weights.as_ref()),
        means: [&one.means[..], &other.means].concat(),
        outgoing: rows
            .flat_map(|(v, w)| v.iter().copied().chain(w.iter().map(|w| -w)))
            .collect(),
        constant: one
            .constant
            .iter()
            .zip(&other.constant)
            .map(|(a, b)| a - b)
            .collect(),
    }
}

fn side_by_side(one: MatRef<'_, f64>, other: MatRef<'_, f64>) -> Mat<f64> {
    let mut both = Mat::zeros(one.nrows(), one.ncols() + other.ncols());
    both.as_mut().subcols_mut(0, one.ncols()).copy_from(one);
    both.as_mut()
        .subcols_mut(one.ncols(), other.ncols())
        .copy_from(other);
    both
}
