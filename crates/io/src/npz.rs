//! Named arrays in one file, as `numpy.savez` and `numpy.savez_compressed` write them: a zip archive of [npy] files.
//!
//! What compressed entries unpack to is limited to [`MAX_UNPACKED_BYTES`]; encrypted entries and other compressions than
//! *deflate* are refused. Entries are written uncompressed, in the given order and without a date: the same arrays give the
//! same bytes.

use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};
use std::path::Path;

use zip::read::ZipArchive;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::listing::names;
use crate::{Array, IoError, MAX_UNPACKED_BYTES, NpyProblem, Precision, atomic, file, npy};

/// What is wrong with an npz file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpzProblem {
    /// Not a zip archive, or a damaged one.
    #[error("not a zip archive, as npz files are, or cut off: {source}")]
    Archive {
        /// What the unpacker said.
        source: ZipError,
    },
    /// There is no array of that name.
    #[error("there is no array {array:?}; the arrays are {}", names(available))]
    MissingArray {
        /// The name asked for.
        array: String,
        /// The names there are.
        available: Vec<String>,
    },
    /// No name was given, and there is not just one array.
    #[error(
        "which array? Expected one, or a name; the arrays are {}",
        names(available)
    )]
    NotOneArray {
        /// The names there are.
        available: Vec<String>,
    },
    /// Two arrays have the same name.
    #[error("the array {array:?} is there twice")]
    DuplicateArray {
        /// The name.
        array: String,
    },
    /// The bytes of an array cannot be unpacked.
    #[error("array {array:?} cannot be unpacked: {source}")]
    Unpack {
        /// The name.
        array: String,
        /// What the unpacker said.
        source: ZipError,
    },
    /// An array unpacks to more than any data set should hold.
    #[error("array {array:?} unpacks to more than {limit} bytes")]
    TooLarge {
        /// The name.
        array: String,
        /// The greatest size allowed, [`MAX_UNPACKED_BYTES`].
        limit: u64,
    },
    /// An array is not a valid npy file.
    #[error("array {array:?}: {problem}")]
    Npy {
        /// The name.
        array: String,
        /// What is wrong with it.
        problem: NpyProblem,
    },
}

/// An npz file whose arrays are read when they are asked for.
///
/// ```
/// use neuromanifold_io::{Array, Precision, npz::{self, Npz}};
///
/// let x = Array::new(vec![2, 1], vec![0.5, 1.5])?;
/// let y = Array::new(vec![2], vec![1.0, 0.0])?;
/// let bytes = npz::to_bytes(&[("x", &x), ("y", &y)], Precision::F64);
/// let mut file = Npz::from_bytes(bytes, "data.npz")?;
/// assert_eq!(file.names(), ["x", "y"]);
/// assert_eq!(file.array("y")?, y);
///
/// let error = file.array("z").unwrap_err();
/// assert_eq!(error.to_string(), r#"data.npz: there is no array "z"; the arrays are "x", "y""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Npz {
    path: std::path::PathBuf,
    archive: ZipArchive<Cursor<Vec<u8>>>,
    names: Vec<String>,
}

impl Npz {
    /// Opens a file and reads its list of arrays.
    ///
    /// # Errors
    /// [`IoError`], with what is wrong as an [`NpzProblem`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, IoError> {
        Self::from_bytes(file::read(path.as_ref())?, path)
    }

    /// Reads the list of arrays of an npz file in memory; the name only serves for messages.
    ///
    /// # Errors
    /// [`IoError`], with what is wrong as an [`NpzProblem`].
    pub fn from_bytes(bytes: Vec<u8>, name: impl AsRef<Path>) -> Result<Self, IoError> {
        let path = name.as_ref();
        file::require_content(&bytes, path)?;
        let fail = |problem| IoError::Npz {
            path: path.to_owned(),
            problem: Box::new(problem),
        };
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|source| fail(NpzProblem::Archive { source }))?;
        let mut names = Vec::with_capacity(archive.len());
        let mut seen = BTreeSet::new();
        for entry in archive.file_names() {
            let entry = entry.map_err(|source| fail(NpzProblem::Archive { source }))?;
            let array = entry.strip_suffix(".npy").unwrap_or(&entry).to_owned();
            if !seen.insert(array.clone()) {
                return Err(fail(NpzProblem::DuplicateArray { array }));
            }
            names.push(array);
        }
        Ok(Self {
            path: path.to_owned(),
            archive,
            names,
        })
    }

    /// The names of the arrays, in the order of the file.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads one array.
    ///
    /// # Errors
    /// [`IoError`], with what is wrong as an [`NpzProblem`].
    pub fn array(&mut self, name: &str) -> Result<Array, IoError> {
        self.read(name).map_err(|problem| IoError::Npz {
            path: self.path.clone(),
            problem: Box::new(problem),
        })
    }

    /// Reads the array of a file that has just one.
    ///
    /// # Errors
    /// [`IoError`], with what is wrong as an [`NpzProblem`].
    pub fn only_array(&mut self) -> Result<Array, IoError> {
        let [name] = &self.names[..] else {
            return Err(IoError::Npz {
                path: self.path.clone(),
                problem: Box::new(NpzProblem::NotOneArray {
                    available: self.names.clone(),
                }),
            });
        };
        self.array(&name.clone())
    }

    fn read(&mut self, name: &str) -> Result<Array, NpzProblem> {
        let array = || name.to_owned();
        let Some(index) = self.names.iter().position(|known| known == name) else {
            return Err(NpzProblem::MissingArray {
                array: array(),
                available: self.names.clone(),
            });
        };
        let unpack = |source| NpzProblem::Unpack {
            array: array(),
            source,
        };
        let entry = self.archive.by_index(index).map_err(unpack)?;
        let bytes = file::read_limited(entry, MAX_UNPACKED_BYTES)
            .map_err(|error| unpack(error.into()))?
            .ok_or_else(|| NpzProblem::TooLarge {
                array: array(),
                limit: MAX_UNPACKED_BYTES,
            })?;
        npy::parse(&bytes).map_err(|problem| NpzProblem::Npy {
            array: array(),
            problem,
        })
    }
}

/// Reads one array of an npz file: the one of that name, or without a name the only one.
///
/// # Errors
/// [`IoError`], with what is wrong as an [`NpzProblem`]; the names there are, if `array` is none of them.
pub fn read(path: impl AsRef<Path>, array: Option<&str>) -> Result<Array, IoError> {
    let mut file = Npz::open(path)?;
    match array {
        Some(name) => file.array(name),
        None => file.only_array(),
    }
}

/// Writes arrays whole or not at all; see [`atomic::write`].
///
/// # Errors
/// [`IoError::Write`].
///
/// # Panics
/// If two arrays have the same name.
#[track_caller]
pub fn write(
    path: impl AsRef<Path>,
    arrays: &[(&str, &Array)],
    precision: Precision,
) -> Result<(), IoError> {
    atomic::write(path, to_bytes(arrays, precision))
}

/// The bytes of an npz file.
///
/// # Panics
/// If two arrays have the same name.
#[track_caller]
#[must_use]
pub fn to_bytes(arrays: &[(&str, &Array)], precision: Precision) -> Vec<u8> {
    archive(arrays, precision).unwrap_or_else(|error| panic!("{error}"))
}

fn archive(arrays: &[(&str, &Array)], precision: Precision) -> Result<Vec<u8>, ZipError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        let bytes = npy::to_bytes(array, precision);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(bytes.len() as u64 >= u64::from(u32::MAX));
        archive.start_file(format!("{name}.npy"), options)?;
        archive.write_all(&bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}
