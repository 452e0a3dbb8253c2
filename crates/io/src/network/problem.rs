use neuromanifold_mlp::{Activation, MlpError};

use crate::listing::{names, numbers};
use crate::safetensors::Dtype;

/// Why the tensors of a file are not a perceptron, or not the one expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkProblem {
    /// There is no tensor at all.
    #[error("there are no tensors in the file; expected names such as \"0.weight\" and \"0.bias\"")]
    NoTensors,
    /// No tensor has the prefix asked for.
    #[error(
        "no tensor has the prefix {prefix:?}; the prefixes are {}",
        names(available)
    )]
    NoSuchPrefix {
        /// The prefix.
        prefix: String,
        /// Those there are.
        available: Vec<String>,
    },
    /// There are several networks.
    #[error(
        "there are several networks in the file, with the prefixes {}; choose one by its prefix, or take all \
         tensors as one network with the prefix \"\"",
        names(prefixes)
    )]
    SeveralNetworks {
        /// The prefixes.
        prefixes: Vec<String>,
    },
    /// A tensor that no chain of linear layers has.
    #[error(
        "tensor {key:?} with shape {shape:?} is not part of a linear layer: expected {expected}"
    )]
    UnexpectedTensor {
        /// Its name.
        key: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What there should be.
        expected: &'static str,
    },
    /// A tensor is missing.
    #[error("there is no tensor {key:?}, but {because}")]
    MissingTensor {
        /// Its name.
        key: String,
        /// Why it is expected.
        because: String,
    },
    /// A tensor has the wrong number of dimensions, or a length that is zero.
    #[error("tensor {key:?} has shape {shape:?}; expected {expected}")]
    Shape {
        /// Its name.
        key: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What is expected.
        expected: String,
    },
    /// The type of a tensor is not a floating-point number of at least 16 bits.
    #[error("tensor {key:?} has dtype {dtype}; expected F64, F32, F16 or BF16")]
    Dtype {
        /// Its name.
        key: String,
        /// Its type.
        dtype: Dtype,
    },
    /// A parameter is NaN or infinite.
    #[error("tensor {key:?}: the value at index {index:?} is {value}, not a finite number")]
    NotFinite {
        /// The tensor.
        key: String,
        /// One index for each dimension, from 0.
        index: Vec<usize>,
        /// The value.
        value: f64,
    },
    /// A parameter is finite, but not in `f32`.
    #[error("tensor {key:?}: the value at index {index:?} is {value}, which f32 cannot hold")]
    OutOfRange {
        /// The tensor.
        key: String,
        /// One index for each dimension, from 0.
        index: Vec<usize>,
        /// The value.
        value: f64,
    },
    /// Two layers that follow one another do not fit.
    #[error(
        "tensor {key:?} takes {inputs} inputs, but the layer before it, {before:?}, has {outputs} outputs"
    )]
    Mismatch {
        /// The weights of the second layer.
        key: String,
        /// Its inputs.
        inputs: usize,
        /// The weights of the first.
        before: String,
        /// Its outputs.
        outputs: usize,
    },
    /// Neither names nor shapes tell which layer comes first.
    #[error(
        "neither the names nor the shapes tell the order of the layers {}; name them from the inputs to the \
         outputs",
        names(modules)
    )]
    UnknownOrder {
        /// The names of the layers.
        modules: Vec<String>,
    },
    /// The file does not say what is between the layers, and neither do the options.
    #[error(
        "the activation of the hidden layers is not known: the file does not name it (no {key:?} in its \
         metadata), and none is given; known are tanh, erf, logistic, relu, softplus, identity"
    )]
    UnknownActivation {
        /// The key of the metadata that would say it.
        key: &'static str,
    },
    /// An entry of the metadata cannot be understood.
    #[error("the metadata have {value:?} under {key:?}; expected {expected}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An entry of the metadata is reserved for what this library writes there itself.
    #[error(
        "the metadata key {key:?} is reserved; expected one that does not begin with \"neuromanifold.\""
    )]
    ReservedKey {
        /// The key.
        key: String,
    },
    /// Two sources say different widths.
    #[error(
        "the tensors have the widths {}, but {source_name} says {}",
        numbers(tensors),
        numbers(other)
    )]
    Widths {
        /// The widths by the shapes of the tensors.
        tensors: Vec<usize>,
        /// Who disagrees.
        source_name: &'static str,
        /// What that says.
        other: Vec<usize>,
    },
    /// The number of activations in the metadata is not the number of layers.
    #[error("the metadata have {found} activations under {key:?}, but there are {expected} layers")]
    ActivationCount {
        /// The key of the metadata.
        key: &'static str,
        /// The number of layers.
        expected: usize,
        /// The number of activations.
        found: usize,
    },
    /// File and options say different activations.
    #[error(
        "layer {layer} has the activation {given} by what is given, but {file} by the metadata of the file"
    )]
    Activation {
        /// The index of the layer, from 0.
        layer: usize,
        /// As given in the options.
        given: Activation,
        /// As the file has it.
        file: Activation,
    },
    /// The likelihood does not go with the number of outputs.
    #[error("the likelihood {likelihood} does not go with {outputs} outputs")]
    Likelihood {
        /// The likelihood.
        likelihood: String,
        /// The outputs of the network.
        outputs: usize,
    },
    /// The names of the layers do not fit: there are too many or too few, or two are equal.
    #[error(
        "a network of {layers} layers needs as many different names for them, found {}",
        names(modules)
    )]
    Modules {
        /// The number of layers.
        layers: usize,
        /// The names.
        modules: Vec<String>,
    },
    /// θ does not have as many entries as the architecture has parameters.
    #[error("θ has {found} entries, but the network has {expected} parameters")]
    ParameterCount {
        /// The parameters of the architecture.
        expected: usize,
        /// The length of θ.
        found: usize,
    },
    /// The architecture is impossible.
    #[error(transparent)]
    Architecture(#[from] MlpError),
}
