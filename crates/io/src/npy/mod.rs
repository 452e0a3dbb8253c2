//! One array in a file, as `numpy.save` writes it.
//!
//! Read are booleans, integers of 8 to 64 bits and floats of 16, 32 and 64 bits, little- or big-endian, in C or Fortran
//! order, of any number of dimensions; compressed by gzip or not. All become `f64`: an integer that has no `f64`
//! (beyond ±2⁵³) is an error, as are NaN and infinities. Written are `<f4` and `<f8` in C order, format version 1.0.
//!
//! The header is read here and not by the crate `npyz`, which (0.9.1) multiplies the lengths of a shape unchecked and reserves
//! the memory that a header claims. Tests compare what is written with what `npyz` reads, and the other way round.
//!
//! # References
//! The format is NEP 1, *A simple file format for NumPy arrays*, and `numpy.lib.format`.

mod dtype;
mod header;

use std::path::Path;

pub use dtype::Dtype;

use crate::array::{self, ArrayProblem};
use crate::{Array, IoError, Precision, atomic, file};
use header::Header;

/// What is wrong with an npy file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyProblem {
    /// The file does not begin as every npy file does.
    #[error("not an npy file: expected it to begin with the bytes 93 4e 55 4d 50 59 (\\x93NUMPY)")]
    Magic,
    /// A version of the format that does not exist yet.
    #[error("npy version {major}.{minor} is unknown; expected 1.0, 2.0 or 3.0")]
    Version {
        /// The major version.
        major: u8,
        /// The minor version.
        minor: u8,
    },
    /// The file ends before its header does.
    #[error("the file is cut off: the header needs {expected} bytes, but there are {found}")]
    TruncatedHeader {
        /// Bytes needed.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The header is not a Python dictionary of the known form.
    #[error("byte {position} of the npy header: expected {expected}")]
    Header {
        /// Offset in the text of the header, from 0.
        position: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// A key of the header is missing.
    #[error("the npy header has no key '{key}'")]
    MissingKey {
        /// `descr`, `fortran_order` or `shape`.
        key: &'static str,
    },
    /// A key of the header comes twice.
    #[error("the npy header has the key '{key}' twice")]
    DuplicateKey {
        /// `descr`, `fortran_order` or `shape`.
        key: &'static str,
    },
    /// A type of values that is not a real number, or not known.
    #[error(
        "the values have the type '{descr}'; expected a boolean (b1), integer (i1…i8, u1…u8) or float (f2, f4, f8)"
    )]
    UnknownDtype {
        /// The type as the header names it.
        descr: String,
    },
    /// Fewer or more bytes of values than the shape needs.
    #[error("shape {shape:?} of {dtype} needs {expected} bytes of values, but there are {found}")]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// The type of the values.
        dtype: Dtype,
        /// Bytes needed.
        expected: u128,
        /// Bytes there are.
        found: u64,
    },
    /// An integer that has no `f64`.
    #[error("the value at index {index:?} is {value}, an integer that f64 cannot hold exactly")]
    Inexact {
        /// One index for each dimension, from 0.
        index: Vec<usize>,
        /// The integer.
        value: i128,
    },
    /// No values, too many, or one that is not finite.
    #[error(transparent)]
    Array(#[from] ArrayProblem),
}

/// Reads an npy file.
///
/// # Errors
/// [`IoError`], with what is wrong as a [`NpyProblem`].
pub fn read(path: impl AsRef<Path>) -> Result<Array, IoError> {
    let path = path.as_ref();
    from_bytes(&file::read(path)?, path)
}

/// Reads the bytes of an npy file, or what gzip made of them; the name only serves for messages.
///
/// ```
/// use neuromanifold_io::{Array, Precision, npy};
///
/// let bytes = npy::to_bytes(&Array::new(vec![1, 2], vec![0.1, 0.2])?, Precision::F64);
/// assert_eq!(npy::from_bytes(&bytes, "x.npy")?.shape(), [1, 2]);
///
/// let error = npy::from_bytes(&bytes[..bytes.len() - 1], "x.npy").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "x.npy: shape [1, 2] of <f8 needs 16 bytes of values, but there are 15"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`IoError`], with what is wrong as a [`NpyProblem`].
pub fn from_bytes<P: AsRef<Path>>(bytes: &[u8], name: P) -> Result<Array, IoError> {
    let path = name.as_ref();
    parse(&file::content(bytes, path)?).map_err(|problem| fail(path, problem))
}

/// Writes an npy file whole or not at all; see [`atomic::write`].
///
/// # Errors
/// [`IoError::Write`].
pub fn write(path: impl AsRef<Path>, array: &Array, precision: Precision) -> Result<(), IoError> {
    atomic::write(path, to_bytes(array, precision))
}

/// The bytes of an npy file.
///
/// In `f32` a value beyond its range becomes infinite, as `astype` does it; such a file is not read back by [`read`].
#[must_use]
pub fn to_bytes(array: &Array, precision: Precision) -> Vec<u8> {
    let mut bytes = header::written(array.shape(), precision);
    bytes.reserve_exact(array.values().len() * precision.bytes());
    for value in array.values() {
        precision.append(*value, &mut bytes);
    }
    bytes
}

fn fail(path: &Path, problem: NpyProblem) -> IoError {
    IoError::Npy {
        path: path.to_owned(),
        problem: Box::new(problem),
    }
}

/// An uncompressed npy file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Array, NpyProblem> {
    let (header, data) = Header::split(bytes)?;
    let Header {
        dtype,
        fortran_order,
        shape,
    } = header;
    let count = array::count(&shape)?;
    let expected = count as u128 * dtype.bytes() as u128;
    if expected != data.len() as u128 {
        return Err(NpyProblem::Length {
            shape,
            dtype,
            expected,
            found: data.len() as u64,
        });
    }
    // In Fortran order the file is the C order of the reversed shape.
    let stored: Vec<usize> = if fortran_order {
        shape.iter().rev().copied().collect()
    } else {
        shape.clone()
    };
    let mut values = Vec::with_capacity(count);
    for (position, bytes) in data.chunks_exact(dtype.bytes()).enumerate() {
        values.push(dtype.value(bytes).map_err(|value| {
            let mut index = array::index_of(position, &stored);
            if fortran_order {
                index.reverse();
            }
            NpyProblem::Inexact { index, value }
        })?);
    }
    if fortran_order {
        values = transposed(&values, &stored);
    }
    Ok(Array::new(shape, values)?)
}

/// The C order of the array whose indices are those of `stored` reversed.
fn transposed(values: &[f64], stored: &[usize]) -> Vec<f64> {
    // Row-major strides of the stored array, walked with its last index as the slowest.
    let mut strides = vec![1; stored.len()];
    for axis in (1..stored.len()).rev() {
        strides[axis - 1] = strides[axis] * stored[axis];
    }
    let mut index = vec![0; stored.len()];
    let mut from = 0;
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        out.push(values[from]);
        for axis in 0..stored.len() {
            index[axis] += 1;
            from += strides[axis];
            if index[axis] < stored[axis] {
                break;
            }
            from -= strides[axis] * stored[axis];
            index[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortran_order_is_undone() {
        // f(i, j, k) = 100 i + 10 j + k on a 2 × 3 × 2 array, the first index fastest.
        let stored: Vec<f64> = (0..12)
            .map(|p| f64::from(100 * (p % 2) + 10 * (p / 2 % 3) + p / 6))
            .collect();
        let expected: Vec<f64> = (0..12)
            .map(|p| f64::from(100 * (p / 6) + 10 * (p / 2 % 3) + p % 2))
            .collect();
        assert_eq!(transposed(&stored, &[2, 3, 2]), expected);
    }
}
