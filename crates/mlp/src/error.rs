use neuromanifold_model::ModelError;

/// Why a perceptron could not be built, put on a batch, or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MlpError {
    /// A perceptron needs at least one layer.
    #[error("a perceptron needs at least one layer: widths [inputs, …, outputs]")]
    NoLayers,
    /// A layer, or the input, has no units.
    #[error("width {index} is zero (0 is the input); every width must be at least 1")]
    ZeroWidth {
        /// Index in the list of widths; 0 is the number of inputs.
        index: usize,
    },
    /// The parameters would not fit into memory.
    #[error("layer {layer} with {inputs} inputs and {outputs} units: too many parameters")]
    TooManyParameters {
        /// Index of the layer at which the count overflows.
        layer: usize,
        /// Its fan-in.
        inputs: usize,
        /// Its width.
        outputs: usize,
    },
    /// `without_bias` came before the first layer.
    #[error("without_bias() takes the bias from the layer added last, but there is no layer yet")]
    NoLayerToStrip,
    /// No activation has that name.
    #[error("unknown activation {name:?}; known: tanh, erf, logistic, relu, softplus, identity")]
    UnknownActivation {
        /// The name that came.
        name: String,
    },
    /// The batch has no examples.
    #[error("the batch has no examples")]
    EmptyBatch,
    /// The inputs do not have the height the first layer expects.
    #[error(
        "the inputs have {got} rows, the perceptron takes {expected}; one example is one column"
    )]
    InputRows {
        /// `n` of the perceptron.
        expected: usize,
        /// Rows of the matrix that came.
        got: usize,
    },
    /// A flat slice of inputs is not a whole number of examples.
    #[error("{got} input values are no whole number of examples of {inputs} inputs")]
    InputCount {
        /// `n` of the perceptron.
        inputs: usize,
        /// Length of the slice that came.
        got: usize,
    },
    /// An input is NaN or infinite.
    #[error("input {input} of example {example} is {value}; every input must be finite")]
    NonFiniteInput {
        /// Which example of the batch.
        example: usize,
        /// Which of its inputs.
        input: usize,
        /// The value found there.
        value: f64,
    },
    /// The perceptron could not be evaluated at θ.
    #[error(transparent)]
    Evaluation(#[from] ModelError),
}
