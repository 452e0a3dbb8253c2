//! Networks and arrays in files that other programs read and write too.
//!
//! | what | format | |
//! |---|---|---|
//! | a perceptron with its parameters | safetensors with the names of a PyTorch `state_dict` | [`Network`] |
//! | data: one example a row | npy, npz, idx; gz too | [`Array`], [`read_array`], [`npy`], [`npz`], [`idx`] |
//! | named tensors of any kind | safetensors | [`safetensors`] |
//! | anything, whole or not at all | | [`atomic::write`] |
//!
//! # From PyTorch and back
//!
//! In Python, `safetensors.torch.save_file(net.state_dict(), "net.safetensors")` and `numpy.save("x.npy", x)`; here
//!
//! ```
//! use neuromanifold_io::{Array, Network, Precision, ReadOptions, npy, read_array};
//! use neuromanifold_mlp::{Activation, Mlp};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let (net, x, y) = ["net.safetensors", "x.npy", "y.npy"].map(|name| folder.path().join(name)).into();
//! # let mlp = Mlp::new(&[2, 3, 1], Activation::Tanh)?;
//! # let theta = vec![0.5; mlp.parameters()];
//! # Network::new(mlp, theta)?.write(&net)?;
//! # npy::write(&x, &Array::new(vec![4, 2], vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?, Precision::F64)?;
//! let network = Network::read(&net, &ReadOptions::new().activation(Activation::Tanh))?;
//! let inputs = read_array(&x, None)?;
//! let outputs = network.mlp.predict(&network.theta, inputs.examples())?;
//! npy::write(&y, &Array::from_examples(outputs.as_ref())?, Precision::F64)?;
//! assert_eq!(read_array(&y, None)?.shape(), [4, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is promised of the readers
//!
//! A file is outside input. Whatever its bytes are, the answer is a value or an [`IoError`] that names the file, the tensor
//! or array, what was found and what was expected; never a panic, never a value that is not finite. Memory is taken for
//! bytes that are there, not for sizes that are claimed; what compressed data may unpack to is limited by
//! [`MAX_UNPACKED_BYTES`]. There is no recursion that a file could deepen.

mod error;

pub mod atomic;
mod file;

pub mod safetensors;

mod network;

mod array;
pub mod idx;
pub mod npy;
pub mod npz;

mod listing;
mod precision;

pub use array::{Array, ArrayProblem, read_array};
pub use error::IoError;
pub use file::MAX_UNPACKED_BYTES;
pub use idx::IdxProblem;
pub use network::{LikelihoodKind, Network, NetworkProblem, ReadOptions, UnknownLikelihood};
pub use npy::NpyProblem;
pub use npz::NpzProblem;
pub use precision::Precision;
pub use safetensors::SafetensorsProblem;
