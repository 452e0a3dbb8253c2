//! Named tensors in one file: the format in which PyTorch models are published.
//!
//! A file is the length of its header (64 bits, little-endian), the header in JSON, and the values of all tensors. The
//! header gives each tensor its type, shape and place; under the key `__metadata__` it may map strings to strings.
//!
//! Whether a file is valid is decided by the reference implementation, the crate `safetensors`. Before it
//! comes a check of what it lets pass or does not name: keys that repeat, and which tensor does not fit its place. Files are
//! laid out here, with the metadata in order, so that the same content gives the same bytes. No memory is taken for a claim, only for
//! bytes that are there.
//!
//! [`Network`](crate::Network) reads and writes perceptrons in this format; this module is for whatever else has names and
//! numbers.
//!
//! # References
//! The format is defined at <https://github.com/huggingface/safetensors>.

mod header;
mod problem;
mod tensor;
mod writer;

pub use ::safetensors::Dtype;
pub use problem::SafetensorsProblem;
pub use tensor::Tensor;
pub use writer::Writer;

use std::collections::BTreeMap;
use std::path::Path;

use crate::{IoError, file};

/// The tensors of a file in memory.
///
/// ```
/// use neuromanifold_io::Precision;
/// use neuromanifold_io::safetensors::{Safetensors, Writer};
///
/// let mut writer = Writer::new();
/// writer.metadata("made by", "hand");
/// writer.tensor("a", &[2], &[0.5, 1.5], Precision::F32);
/// let bytes = writer.to_bytes();
///
/// let file = Safetensors::from_bytes(&bytes, "a.safetensors")?;
/// assert_eq!(file.metadata()["made by"], "hand");
/// assert_eq!(file.tensor("a").unwrap().to_f64(), Some(vec![0.5, 1.5]));
///
/// let error = Safetensors::from_bytes(&bytes[..bytes.len() - 1], "a.safetensors").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a.safetensors: the file is cut off: tensor \"a\" ends at byte 8 of the values, but there are only 7"
/// );
/// # Ok::<(), neuromanifold_io::IoError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Safetensors<'a> {
    metadata: BTreeMap<String, String>,
    tensors: Vec<Tensor<'a>>,
}

impl<'a> Safetensors<'a> {
    /// Checks the whole file except the values themselves; the name only serves for messages.
    ///
    /// # Errors
    /// [`IoError::Empty`], and [`IoError::Safetensors`] with what is wrong.
    pub fn from_bytes(bytes: &'a [u8], name: impl AsRef<Path>) -> Result<Self, IoError> {
        let path = name.as_ref();
        file::require_content(bytes, path)?;
        header::parse(bytes).map_err(|problem| IoError::Safetensors {
            path: path.to_owned(),
            problem: Box::new(problem),
        })
    }

    /// The strings under `__metadata__`.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The tensors in the order of their names.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor<'a>] {
        &self.tensors
    }

    /// The tensor of that name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&Tensor<'a>> {
        self.tensors
            .binary_search_by(|tensor| tensor.name().cmp(name))
            .ok()
            .map(|index| &self.tensors[index])
    }
}
