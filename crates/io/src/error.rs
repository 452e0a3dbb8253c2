use std::io;
use std::path::PathBuf;

use crate::{IdxProblem, NetworkProblem, NpyProblem, NpzProblem, SafetensorsProblem};

/// Why a file could not be read or written: which file, where in it, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IoError {
    /// The file cannot be opened: missing, or not permitted.
    #[error("{}: cannot open the file: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is something of that name, but it is a folder or a device.
    #[error("{}: expected a file, found {found}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What is there: `a folder` or `a device`.
        found: &'static str,
    },
    /// The file has no bytes at all.
    #[error("{}: the file is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Reading failed midway.
    #[error("{}: cannot read on: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written; what was there before is still there.
    #[error("{}: cannot write the file: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Data compressed by gzip are damaged or cut off.
    #[error("{}: the gzip data are damaged: {source}", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decompressor said.
        source: io::Error,
    },
    /// Compressed data unpack to more than any data set should hold.
    #[error("{}: the compressed data unpack to more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The greatest size allowed, [`MAX_UNPACKED_BYTES`](crate::MAX_UNPACKED_BYTES).
        limit: u64,
    },
    /// The ending of the file name says nothing about its format.
    #[error(
        "{}: cannot tell the format by the name: expected it to end in .npy, .npz, .idx, -ubyte, or \
         one of these and .gz", path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// An array was asked for by name in a format that holds a single one without a name.
    #[error("{}: there are no named arrays in this format, but {array:?} was asked for", path.display())]
    NoNamedArrays {
        /// The file.
        path: PathBuf,
        /// The name.
        array: String,
    },
    /// The file is not a valid safetensors file.
    #[error("{}: {problem}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<SafetensorsProblem>,
    },
    /// The tensors in the file are not a perceptron, or not the one expected.
    #[error("{}: {problem}", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<NetworkProblem>,
    },
    /// The file is not a valid npy file.
    #[error("{}: {problem}", path.display())]
    Npy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<NpyProblem>,
    },
    /// The file is not a valid npz file, or one of its arrays is at fault.
    #[error("{}: {problem}", path.display())]
    Npz {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<NpzProblem>,
    },
    /// The file is not a valid idx file.
    #[error("{}: {problem}", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<IdxProblem>,
    },
}

impl IoError {
    /// The file in question.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::Open { path, .. }
            | Self::NotAFile { path, .. }
            | Self::Empty { path }
            | Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::Gzip { path, .. }
            | Self::TooLarge { path, .. }
            | Self::UnknownFormat { path }
            | Self::NoNamedArrays { path, .. }
            | Self::Safetensors { path, .. }
            | Self::Network { path, .. }
            | Self::Npy { path, .. }
            | Self::Npz { path, .. }
            | Self::Idx { path, .. } => path,
        }
    }
}
