//! A perceptron with its parameters, as a file holds it.
//!
//! # Names
//!
//! The tensors are called as in a `state_dict` of PyTorch: `0.weight` (`outputs × inputs`) and `0.bias` for each linear
//! layer of an `nn.Sequential`, the activations in between having numbers but no tensors: 0, 2, 4, … Any prefix may come
//! before (`net.0.weight`), and layers may have names (`fc1.weight`). Their order is that of the numbers in the names,
//! `fc10` after `fc9`; names that differ in more than numbers (`hidden`, `out`) are put in the one order in which the shapes
//! fit, and if there are several, [`ReadOptions::modules`] must tell.
//!
//! # Architecture in the metadata
//!
//! Widths and biases are seen in the shapes; activations are not. Files written here have in their metadata
//!
//! | key | example | |
//! |---|---|---|
//! | `neuromanifold.widths` | `20,48,1` | inputs, hidden widths, outputs |
//! | `neuromanifold.activations` | `tanh,identity` | one for each layer |
//! | `neuromanifold.likelihood` | `gaussian:0.1` | if known; see [`LikelihoodKind`] |
//! | `neuromanifold.modules` | `["hidden","out"]` | the names of the layers in order, unless they are 0, 2, … |
//!
//! and whoever saves from Python may add them: `save_file(model.state_dict(), path, metadata={"neuromanifold.activations":
//! "tanh,identity"})`. For a file without them, [`ReadOptions::activation`] says it.

mod architecture;
mod chain;
mod likelihood;
mod options;
mod order;
mod problem;

pub use likelihood::{LikelihoodKind, UnknownLikelihood};
pub use options::ReadOptions;
pub use problem::NetworkProblem;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use neuromanifold_mlp::{Layer, Mlp};

use crate::array::index_of;
use crate::safetensors::{Safetensors, Writer};
use crate::{IoError, Precision, atomic, file};
use chain::Chain;

/// An entry of the metadata that some readers of files from PyTorch ask for.
const FORMAT: (&str, &str) = ("format", "pt");

/// A perceptron with its parameters and what else its file says.
///
/// ```
/// use neuromanifold_io::{Network, ReadOptions};
/// use neuromanifold_mlp::{Activation, Mlp};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("xor.safetensors");
/// let mlp = Mlp::new(&[2, 2, 1], Activation::Tanh)?;
/// let network = Network::new(mlp, vec![1.0, 1.0, 1.0, 1.0, -0.5, -1.5, 1.0, -1.0, 0.0])?;
/// network.write(&path)?;
///
/// let read = Network::read(&path, &ReadOptions::new())?;
/// assert_eq!(read, network);
///
/// // What is given must agree with the file.
/// let error = Network::read(&path, &ReadOptions::new().layers([2, 3, 1])).unwrap_err();
/// assert!(error.to_string().ends_with(
///     "xor.safetensors: the tensors have the widths 2, 2, 1, but the list of layers given says 2, 3, 1"
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In PyTorch the same file is
///
/// ```text
/// net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).double()
/// net.load_state_dict(safetensors.torch.load_file("xor.safetensors"))
/// ```
///
/// and `safetensors.torch.save_file(net.state_dict(), path)` makes one that is read here.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Network {
    /// The architecture.
    pub mlp: Mlp,
    /// The parameters in the order of [`Mlp`]; in PyTorch's order too.
    pub theta: Vec<f64>,
    /// The law of the targets given the outputs, if known.
    pub likelihood: Option<LikelihoodKind>,
    /// The format of the numbers in the file: `f64` if any of them was. Numbers of 16 bits are written as `f32`.
    pub precision: Precision,
    /// The names of the layers, with any prefix: `0`, `2`, … unless the file had others.
    pub modules: Vec<String>,
    /// The metadata of the file but for what is in the other fields, and for `format: pt`, which every file gets.
    pub metadata: BTreeMap<String, String>,
}

impl Network {
    /// A network to be written as an `nn.Sequential` in `f64`, its likelihood unknown.
    ///
    /// # Errors
    /// [`NetworkProblem::ParameterCount`] if θ is not one of this architecture.
    pub fn new(mlp: Mlp, theta: Vec<f64>) -> Result<Self, NetworkProblem> {
        require_length(&mlp, &theta)?;
        Ok(Self {
            modules: sequential(mlp.layers().len()),
            mlp,
            theta,
            likelihood: None,
            precision: Precision::F64,
            metadata: BTreeMap::new(),
        })
    }

    /// Another perceptron in place of this one, such as the result of a reduction: likelihood, precision and metadata stay,
    /// and so do the names if the number of layers does.
    ///
    /// ```
    /// # use neuromanifold_io::Network;
    /// # use neuromanifold_mlp::{Activation, Mlp};
    /// let mut large = Network::new(Mlp::new(&[1, 2, 1], Activation::Tanh)?, vec![0.0; 7])?;
    /// large.modules = vec!["fc1".into(), "fc2".into()];
    /// let small = large.with_parameters(Mlp::new(&[1, 1, 1], Activation::Tanh)?, vec![0.0; 4])?;
    /// assert_eq!(small.modules, ["fc1", "fc2"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NetworkProblem::ParameterCount`] if θ is not one of this architecture.
    pub fn with_parameters(&self, mlp: Mlp, theta: Vec<f64>) -> Result<Self, NetworkProblem> {
        let mut network = Self::new(mlp, theta)?;
        if self.modules.len() == network.modules.len() {
            network.modules.clone_from(&self.modules);
        }
        network.likelihood = self.likelihood;
        network.precision = self.precision;
        network.metadata.clone_from(&self.metadata);
        Ok(network)
    }

    /// Reads a safetensors file.
    ///
    /// # Errors
    /// [`IoError`]; for tensors that are not a perceptron, or contradict the options, with a [`NetworkProblem`].
    pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, IoError> {
        let path = path.as_ref();
        Self::from_bytes(&file::read(path)?, path, options)
    }

    /// Reads the bytes of a safetensors file; the name only serves for messages.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn from_bytes(
        bytes: &[u8],
        name: impl AsRef<Path>,
        options: &ReadOptions,
    ) -> Result<Self, IoError> {
        let path = name.as_ref();
        let file = Safetensors::from_bytes(bytes, path)?;
        Self::from_safetensors(&file, options).map_err(|problem| fail(path, problem))
    }

    fn from_safetensors(
        file: &Safetensors<'_>,
        options: &ReadOptions,
    ) -> Result<Self, NetworkProblem> {
        let options = architecture::named(file.metadata(), options)?;
        let chain = Chain::find(file.tensors(), &options)?;
        let mlp = architecture::of(&chain, file.metadata(), &options)?;
        let likelihood = architecture::likelihood(&mlp, file.metadata())?;
        let mut metadata = file.metadata().clone();
        metadata.retain(|key, value| {
            !architecture::is_reserved(key) && (key.as_str(), value.as_str()) != FORMAT
        });
        Ok(Self {
            theta: chain.parameters()?,
            precision: chain.precision(),
            modules: chain.modules(),
            mlp,
            likelihood,
            metadata,
        })
    }

    /// Writes a safetensors file whole or not at all; see [`atomic::write`].
    ///
    /// # Errors
    /// [`IoError::Write`], and [`IoError::Network`] with what [`to_bytes`](Self::to_bytes) says.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), IoError> {
        let path = path.as_ref();
        let bytes = self.to_bytes().map_err(|problem| fail(path, problem))?;
        atomic::write(path, bytes)
    }

    /// The bytes of a safetensors file. The same network gives the same bytes.
    ///
    /// The metadata get `format: pt`, which some readers of such files ask for, unless they have another format.
    ///
    /// # Errors
    /// [`NetworkProblem`] if θ has the wrong length or an entry that is not finite, or not in `f32` if that is the precision; if
    /// the names of the layers are too many, too few or equal; if the likelihood does not go with the number of outputs; if the
    /// metadata have a reserved key.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NetworkProblem> {
        require_length(&self.mlp, &self.theta)?;
        let layers = self.mlp.layers();
        let distinct: BTreeSet<&String> = self.modules.iter().collect();
        if self.modules.len() != layers.len() || distinct.len() != layers.len() {
            return Err(NetworkProblem::Modules {
                layers: layers.len(),
                modules: self.modules.clone(),
            });
        }
        let mut writer = Writer::new();
        writer.metadata(FORMAT.0, FORMAT.1);
        for (key, value) in &self.metadata {
            if architecture::is_reserved(key) {
                return Err(NetworkProblem::ReservedKey { key: key.clone() });
            }
            writer.metadata(key, value);
        }
        for (key, value) in architecture::metadata(self)? {
            writer.metadata(key, value);
        }
        for (layer, module) in layers.iter().zip(&self.modules) {
            self.append(layer, module, &mut writer)?;
        }
        Ok(writer.to_bytes())
    }

    fn append(
        &self,
        layer: &Layer,
        module: &str,
        writer: &mut Writer,
    ) -> Result<(), NetworkProblem> {
        let weights = (vec![layer.outputs(), layer.inputs()], layer.weights());
        let bias = layer.bias().map(|bias| (vec![layer.outputs()], bias));
        for (kind, (shape, place)) in [("weight", Some(weights)), ("bias", bias)]
            .into_iter()
            .filter_map(|(kind, part)| Some((kind, part?)))
        {
            let (key, values) = (chain::key(module, kind), &self.theta[place]);
            for (position, &value) in values.iter().enumerate() {
                let index = || index_of(position, &shape);
                if !value.is_finite() {
                    return Err(NetworkProblem::NotFinite {
                        index: index(),
                        key,
                        value,
                    });
                }
                if self.precision == Precision::F32 && !(value as f32).is_finite() {
                    return Err(NetworkProblem::OutOfRange {
                        index: index(),
                        key,
                        value,
                    });
                }
            }
            writer.tensor(key, &shape, values, self.precision);
        }
        Ok(())
    }
}

/// The names in an `nn.Sequential` of linear layers with an activation after each but the last.
fn sequential(layers: usize) -> Vec<String> {
    (0..layers).map(|layer| (2 * layer).to_string()).collect()
}

fn require_length(mlp: &Mlp, theta: &[f64]) -> Result<(), NetworkProblem> {
    let (expected, found) = (mlp.parameters(), theta.len());
    if expected == found {
        Ok(())
    } else {
        Err(NetworkProblem::ParameterCount { expected, found })
    }
}

fn fail(path: &Path, problem: NetworkProblem) -> IoError {
    IoError::Network {
        path: path.to_owned(),
        problem: Box::new(problem),
    }
}
