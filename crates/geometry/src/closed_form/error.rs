use neuromanifold_mlp::Activation;
use neuromanifold_model::ModelError;

/// Why an average over Gaussian inputs could not be taken in closed form, and what to use instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClosedFormError {
    /// The hidden pre-activations of a deep network are not Gaussian.
    #[error(
        "the network has {hidden_layers} hidden layers; only with exactly one are the pre-activations Gaussian: \
         draw inputs and use DenseFisher, GramFisher or FisherOperator on them"
    )]
    NotShallow {
        /// Hidden layers of the network.
        hidden_layers: usize,
    },
    /// The output units are not linear.
    #[error(
        "the output units are {activation}; the averages need linear ones with Gaussian noise: \
         draw inputs and use DenseFisher, GramFisher or FisherOperator on them"
    )]
    OutputActivation {
        /// Activation of the last layer.
        activation: Activation,
    },
    /// No closed form is known for this activation.
    #[error("no closed form is known for {activation} units: use {remedy}")]
    NoClosedForm {
        /// The hidden activation.
        activation: Activation,
        /// What to use instead.
        remedy: &'static str,
    },
    /// The trapezoid rule converges only for smooth integrands.
    #[error("{activation} units are not smooth, so quadrature does not converge: use {remedy}")]
    NotSmooth {
        /// The hidden activation.
        activation: Activation,
        /// What to use instead.
        remedy: &'static str,
    },
    /// The trapezoid rule did not reach its tolerance: the weights are too large for it.
    #[error(
        "the trapezoid rule with {nodes} nodes an axis is off by {error:.1e} (asked: {tolerance:.1e}) for \
         pre-activations of standard deviation {deviation:.3}: use Averages::closed_form, or a larger tolerance"
    )]
    Quadrature {
        /// Nodes along each axis of the finest grid.
        nodes: usize,
        /// Estimate of the relative error.
        error: f64,
        /// The tolerance.
        tolerance: f64,
        /// The larger standard deviation of the two pre-activations.
        deviation: f64,
    },
    /// A tolerance that no quadrature can reach, or not a number.
    #[error("the tolerance is {tolerance}; it must be between 1e-14 and 1")]
    Tolerance {
        /// The value that came.
        tolerance: f64,
    },
    /// A law of the inputs or a precision of the outputs is of another dimension than they are.
    #[error("the {what} has {got} entries a side for a space of dimension {expected}")]
    Inputs {
        /// Law of the inputs, mean, covariance or precision.
        what: &'static str,
        /// Dimension expected.
        expected: usize,
        /// Dimension that came.
        got: usize,
    },
    /// A covariance is not positive definite.
    #[error(
        "the covariance of the inputs is not positive definite: eigenvalue {index} is {value:e}, the largest {largest:e}; \
         drop inputs that are constant or depend on others, shrink it (GaussianInput::of_sample with Shrinkage::LedoitWolf), \
         or use DenseFisher on a sample"
    )]
    NotPositiveDefinite {
        /// Index of the eigenvalue in ascending order, or of the variance.
        index: usize,
        /// Its value.
        value: f64,
        /// The largest of them.
        largest: f64,
    },
    /// A precision of the outputs has a negative eigenvalue.
    #[error(
        "the precision of the outputs is not positive semidefinite: eigenvalue {index} is {value:e}, the largest {largest:e}; \
         an average of output Fisher matrices is"
    )]
    IndefinitePrecision {
        /// Index of the eigenvalue in ascending order.
        index: usize,
        /// Its value.
        value: f64,
        /// The largest of them.
        largest: f64,
    },
    /// Overlaps that are not those of any vectors.
    #[error(
        "the {what} are not those of any vectors: an eigenvalue is {value:e}, the largest {largest:e}"
    )]
    NoOverlaps {
        /// Which overlaps.
        what: &'static str,
        /// The least eigenvalue, which is negative.
        value: f64,
        /// The largest.
        largest: f64,
    },
    /// A sample without examples has no mean and no covariance.
    #[error("the sample is empty: a law cannot be fitted to it")]
    EmptySample,
    /// A covariance or precision is not symmetric.
    #[error("entry ({row}, {column}) of the {what} is {value}, its mirror image {mirror}")]
    NotSymmetric {
        /// Which matrix.
        what: &'static str,
        /// Row of the entry.
        row: usize,
        /// Column of the entry.
        column: usize,
        /// Its value.
        value: f64,
        /// Value across the diagonal.
        mirror: f64,
    },
    /// A mean, covariance, precision, sample, or law of pre-activations contains NaN or infinity.
    #[error("entry {index} of the {what} is {value}; it must be finite")]
    NotFinite {
        /// What was being read.
        what: &'static str,
        /// Where (column-major for a matrix).
        index: usize,
        /// The value found there.
        value: f64,
    },
    /// The eigenvalues of a covariance did not converge.
    #[error("the eigendecomposition of the {dim}×{dim} covariance did not converge")]
    Eigen {
        /// Number of inputs.
        dim: usize,
    },
    /// Two networks that cannot be compared: their inputs or outputs differ in number.
    #[error("one network maps R^{} to R^{}, the other R^{} to R^{}", one.0, one.1, other.0, other.1)]
    Signature {
        /// Inputs and outputs of the first.
        one: (usize, usize),
        /// Inputs and outputs of the second.
        other: (usize, usize),
    },
    /// The two networks, or a network and the averages, have different hidden activations.
    #[error(
        "{one} units meet {other} units; both networks and the averages must have one activation"
    )]
    Activations {
        /// The first activation.
        one: Activation,
        /// The second.
        other: Activation,
    },
    /// A number that must lie in a range does not.
    #[error("the {what} is {value}, which is out of range")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// The metric of a student has no inverse: two of its vectors are parallel, or one is zero.
    #[error(
        "the metric of the student is singular: two of its vectors are parallel or one is zero"
    )]
    SingularStudent,
    /// The order parameters left the range of numbers.
    #[error("the order parameters diverge at α = {alpha}: lower the learning rate")]
    Diverged {
        /// Last time at which there is a solution.
        alpha: f64,
    },
    /// The equations of motion need shorter and shorter steps.
    #[error("{steps} steps end at α = {alpha}: raise the tolerance, or end earlier")]
    TooManySteps {
        /// Steps that were tried.
        steps: usize,
        /// Time that was reached.
        alpha: f64,
    },
    /// θ has the wrong length or is not finite.
    #[error(transparent)]
    Model(#[from] ModelError),
}
