use neuromanifold_mlp::{Activation, MlpError};
use neuromanifold_model::ModelError;

/// Why a network could not be analysed in the quotient.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuotientError {
    /// The question is decidable for one hidden layer only.
    #[error(
        "the network has {hidden_layers} hidden layers; functional equivalence is decidable for exactly one \
         (deep networks can be reduced layer by layer, but not compared)"
    )]
    NotShallow {
        /// Hidden layers of the network.
        hidden_layers: usize,
    },
    /// The output units are not linear, so outgoing weights do not enter linearly.
    #[error(
        "the output units are {activation}; the quotient is worked out for linear output units"
    )]
    OutputActivation {
        /// Activation of the last layer.
        activation: Activation,
    },
    /// Two networks that cannot compute the same function: their inputs or outputs differ in number.
    #[error("one network maps R^{} to R^{}, the other R^{} to R^{}", one.0, one.1, other.0, other.1)]
    Signature {
        /// Inputs and outputs of the first.
        one: (usize, usize),
        /// Inputs and outputs of the second.
        other: (usize, usize),
    },
    /// Two networks with different hidden activations, between which no identity is assumed.
    #[error(
        "one network has {one} units, the other {other} units: no identity between them is known here"
    )]
    Activations {
        /// Hidden activation of the first.
        one: Activation,
        /// Hidden activation of the second.
        other: Activation,
    },
    /// A tolerance is negative or not finite.
    #[error("the tolerance is {value}; it must be finite and not negative")]
    Tolerance {
        /// The value that came.
        value: f64,
    },
    /// A group element does not belong to this network.
    #[error("the element acts on {got} units of hidden layer {layer}, which has {expected}")]
    ElementSize {
        /// Which hidden layer.
        layer: usize,
        /// Units of that layer.
        expected: usize,
        /// Units the element acts on.
        got: usize,
    },
    /// A group element asks of a unit what its activation does not allow.
    #[error(
        "unit {unit} of hidden layer {layer} cannot be scaled by {scale}: {activation} allows {allowed}"
    )]
    ElementScale {
        /// Which hidden layer.
        layer: usize,
        /// Which unit.
        unit: usize,
        /// The factor that came.
        scale: f64,
        /// Activation of the layer.
        activation: Activation,
        /// The factors it allows, in words.
        allowed: &'static str,
    },
    /// A group element would take a weight out of the range of numbers, and the function would change.
    #[error(
        "unit {unit} of hidden layer {layer} cannot be scaled by {scale:e}: its weight {weight:e} would overflow or underflow"
    )]
    ElementRange {
        /// Which hidden layer.
        layer: usize,
        /// Which unit of the image.
        unit: usize,
        /// The factor that came.
        scale: f64,
        /// The weight.
        weight: f64,
    },
    /// A group element flips units whose affine parts do not cancel at this point.
    #[error(
        "flipping {flipped} units of hidden layer {layer} leaves {left:e} of {} in output {output} of the layer, beside terms of \
         size {size:e}: these flips are a symmetry only where such parts cancel",
        (*input).map_or_else(|| "a constant".to_string(), |i| format!("input {i}"))
    )]
    ElementFlips {
        /// Which hidden layer.
        layer: usize,
        /// How many of its units are flipped.
        flipped: usize,
        /// In which unit of the next layer something is left.
        output: usize,
        /// Of which input of the layer; `None` for a constant that no bias can take.
        input: Option<usize>,
        /// The coefficient that is left.
        left: f64,
        /// The sum of the sizes of the terms that should have cancelled.
        size: f64,
    },
    /// A group element shifts all outputs where that is not a symmetry, or by too many or too few weights.
    #[error(
        "the element shifts all outputs by {got} units and the constant {bias}; the group {}",
        if *allowed { format!("allows {expected} finite shifts, and a constant if there are output biases") }
        else { "allows no shift (the group of a softmax likelihood does)".to_string() }
    )]
    ElementGauge {
        /// Whether the group has shifts at all.
        allowed: bool,
        /// Inputs of the output layer.
        expected: usize,
        /// Shifts that came.
        got: usize,
        /// The constant that came.
        bias: f64,
    },
    /// A radius is negative or not a number.
    #[error("the radius is {radius}; it must not be negative")]
    Radius {
        /// The value that came.
        radius: f64,
    },
    /// A budget of nats is negative or not finite.
    #[error("the budget is {nats} nats; it must be finite and not negative")]
    Budget {
        /// The value that came.
        nats: f64,
    },
    /// An exact inverse of the metric was asked for on the critical set; the causes say where.
    #[error("the Fisher metric is singular here, with nullity {nullity}: {causes}")]
    Critical {
        /// Number of analytic null directions.
        nullity: usize,
        /// Which units, and why.
        causes: String,
    },
    /// The network could not be evaluated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A network could not be built or put on its inputs.
    #[error(transparent)]
    Mlp(#[from] MlpError),
    /// The metric could not be computed.
    #[error(transparent)]
    Metric(#[from] crate::MetricError),
}
