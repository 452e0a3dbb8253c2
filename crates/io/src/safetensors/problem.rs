use safetensors::{Dtype, SafeTensorError};

/// What is wrong with a safetensors file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SafetensorsProblem {
    /// The file is shorter than the length of its header.
    #[error(
        "the file is cut off, or no safetensors file: expected at least 8 bytes, found {found}"
    )]
    TooShort {
        /// The length of the file.
        found: usize,
    },
    /// The header is longer than the file, or than any header should be.
    #[error(
        "the header should have {claimed} bytes, but after its length there are {available} (cut off, or no safetensors file); \
         the longest header allowed has {limit}"
    )]
    HeaderLength {
        /// What the file begins with.
        claimed: u64,
        /// What there is.
        available: usize,
        /// The greatest length that the format allows.
        limit: u64,
    },
    /// The header is not a JSON object.
    #[error("the header is not what the format demands: {source}")]
    Header {
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The metadata do not map strings to strings.
    #[error("__metadata__ in the header should map strings to strings: {source}")]
    Metadata {
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The entry of a tensor does not have the three fields it should have, or a dtype that the format does not have.
    #[error("tensor {key:?}: expected an object with dtype, shape and data_offsets: {source}")]
    Entry {
        /// The tensor.
        key: String,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// Two tensors, or two entries of the metadata, have the same name.
    #[error("the key {key:?} is there twice")]
    DuplicateKey {
        /// The name.
        key: String,
    },
    /// The number of bytes that a shape needs overflows.
    #[error("tensor {key:?} has shape {shape:?}, more values than fit into memory")]
    Overflow {
        /// The tensor.
        key: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// Type and shape need another number of bytes than there are between the offsets.
    #[error(
        "tensor {key:?} has shape {shape:?} of {dtype}, which needs {expected} bytes, but its data_offsets are \
         [{begin}, {end}]"
    )]
    Length {
        /// The tensor.
        key: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its type.
        dtype: Dtype,
        /// Bytes needed.
        expected: usize,
        /// Where the header says it begins.
        begin: usize,
        /// Where the header says it ends.
        end: usize,
    },
    /// A tensor does not begin where another ends: there is a gap, or they overlap.
    #[error("tensor {key:?} does not begin where the one before it ends")]
    Gap {
        /// The tensor.
        key: String,
    },
    /// The file ends before the values do.
    #[error(
        "the file is cut off: tensor {key:?} ends at byte {expected} of the values, but there are only {found}"
    )]
    Truncated {
        /// The tensor.
        key: String,
        /// Bytes of values needed.
        expected: usize,
        /// Bytes of values there are.
        found: usize,
    },
    /// There are bytes after the last tensor.
    #[error("the tensors end at byte {expected} of the values, but there are {found}")]
    Trailing {
        /// Bytes of values needed.
        expected: usize,
        /// Bytes of values there are.
        found: usize,
    },
    /// Anything else that the reference implementation refuses.
    #[error("not a valid safetensors file: {source}")]
    Refused {
        /// What it said.
        source: SafeTensorError,
    },
}
