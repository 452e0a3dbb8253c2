//! Images and labels in the format of MNIST and Fashion-MNIST.
//!
//! A file is two zero bytes, the type of the values (one byte), the number of dimensions (one byte), each dimension (32 bits,
//! big-endian), and the values in C order, big-endian. All types of the format are read: unsigned and signed bytes, 16- and
//! 32-bit integers, `f32` and `f64`; compressed by gzip or not. Pixels are 0 … 255 as in the file: multiply by 1/255 with
//! [`Array::scaled`] if wanted.
//!
//! # References
//! Y. LeCun, C. Cortes, C. J. C. Burges, *The MNIST database of handwritten digits*, whose page defines the format;
//! H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST*, [arXiv:1708.07747](https://arxiv.org/abs/1708.07747).

use std::path::Path;

use crate::array::{self, ArrayProblem};
use crate::{Array, IoError, file};

/// What is wrong with an idx file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IdxProblem {
    /// The file does not begin with two zero bytes.
    #[error(
        "not an idx file: it begins with the bytes {found:02x?}, expected two zeros, a type and a number of dimensions"
    )]
    Magic {
        /// The first bytes of the file, at most four.
        found: Vec<u8>,
    },
    /// A type of values that the format does not have.
    #[error(
        "the values have the unknown type {code:#04x}; expected 0x08 (u8), 0x09 (i8), 0x0b (i16), 0x0c (i32), 0x0d (f32) or 0x0e (f64)"
    )]
    UnknownDtype {
        /// The third byte of the file.
        code: u8,
    },
    /// The file ends before its header does.
    #[error("the file is cut off: the header needs {expected} bytes, but there are {found}")]
    TruncatedHeader {
        /// Bytes needed.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// Fewer or more bytes of values than the dimensions need.
    #[error("shape {shape:?} needs {expected} bytes of values, but there are {found}")]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// Bytes needed.
        expected: u128,
        /// Bytes there are.
        found: usize,
    },
    /// No values, too many, or one that is not finite.
    #[error(transparent)]
    Array(#[from] ArrayProblem),
}

/// Reads an idx file, such as `train-images-idx3-ubyte.gz`.
///
/// # Errors
/// [`IoError`], with what is wrong as an [`IdxProblem`].
pub fn read(path: impl AsRef<Path>) -> Result<Array, IoError> {
    let path = path.as_ref();
    from_bytes(&file::read(path)?, path)
}

/// Reads the bytes of an idx file, or what gzip made of them; the name only serves for messages.
///
/// ```
/// use neuromanifold_io::idx;
///
/// // Two images of 1 × 2 pixels.
/// let bytes = [0, 0, 0x08, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 128, 0];
/// let images = idx::from_bytes(&bytes, "images")?;
/// assert_eq!(images.shape(), [2, 1, 2]);
/// assert_eq!(images.examples().col(1)[0], 128.0);
///
/// let error = idx::from_bytes(&bytes[..19], "images").unwrap_err();
/// assert_eq!(error.to_string(), "images: shape [2, 1, 2] needs 4 bytes of values, but there are 3");
/// # Ok::<(), neuromanifold_io::IoError>(())
/// ```
///
/// # Errors
/// [`IoError`], with what is wrong as an [`IdxProblem`].
pub fn from_bytes<P: AsRef<Path>>(bytes: &[u8], name: P) -> Result<Array, IoError> {
    let path = name.as_ref();
    parse(&file::content(bytes, path)?).map_err(|problem| IoError::Idx {
        path: path.to_owned(),
        problem: Box::new(problem),
    })
}

fn parse(bytes: &[u8]) -> Result<Array, IdxProblem> {
    let [0, 0, code, dimensions, rest @ ..] = bytes else {
        return Err(
            if bytes.len() < 4 && bytes.iter().take(2).all(|byte| *byte == 0) {
                IdxProblem::TruncatedHeader {
                    expected: 4,
                    found: bytes.len(),
                }
            } else {
                IdxProblem::Magic {
                    found: bytes[..bytes.len().min(4)].to_vec(),
                }
            },
        );
    };
    let dimensions = usize::from(*dimensions);
    let (lengths, rest) =
        rest.split_at_checked(4 * dimensions)
            .ok_or(IdxProblem::TruncatedHeader {
                expected: 4 + 4 * dimensions,
                found: bytes.len(),
            })?;
    let shape: Vec<usize> = lengths
        .as_chunks()
        .0
        .iter()
        .map(|length| u32::from_be_bytes(*length) as usize)
        .collect();
    let values = match *code {
        0x08 => values(rest, &shape, |[byte]: [u8; 1]| f64::from(byte)),
        0x09 => values(rest, &shape, |byte| f64::from(i8::from_be_bytes(byte))),
        0x0b => values(rest, &shape, |bytes| f64::from(i16::from_be_bytes(bytes))),
        0x0c => values(rest, &shape, |bytes| f64::from(i32::from_be_bytes(bytes))),
        0x0d => values(rest, &shape, |bytes| f64::from(f32::from_be_bytes(bytes))),
        0x0e => values(rest, &shape, f64::from_be_bytes),
        code => Err(IdxProblem::UnknownDtype { code }),
    }?;
    Ok(Array::new(shape, values)?)
}

fn values<const WIDTH: usize>(
    bytes: &[u8],
    shape: &[usize],
    value: impl Fn([u8; WIDTH]) -> f64,
) -> Result<Vec<f64>, IdxProblem> {
    let expected = array::count(shape)? as u128 * WIDTH as u128;
    if expected != bytes.len() as u128 {
        return Err(IdxProblem::Length {
            shape: shape.to_vec(),
            expected,
            found: bytes.len(),
        });
    }
    let (chunks, _) = bytes.as_chunks::<WIDTH>();
    Ok(chunks.iter().map(|chunk| value(*chunk)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(code: u8, bytes: &[u8], length: u8) -> Result<Array, IdxProblem> {
        let mut file = vec![0, 0, code, 1, 0, 0, 0, length];
        file.extend(bytes);
        parse(&file)
    }

    #[test]
    fn every_type() {
        for (code, bytes, value) in [
            (0x08, vec![0xff], 255.0),
            (0x09, vec![0xff], -1.0),
            (0x0b, vec![0xff, 0xfe], -2.0),
            (0x0c, vec![0, 1, 0, 0], 65536.0),
            (0x0d, 0.25_f32.to_be_bytes().to_vec(), 0.25),
            (0x0e, 0.1_f64.to_be_bytes().to_vec(), 0.1),
        ] {
            assert_eq!(
                vector(code, &bytes, 1).unwrap().values(),
                [value],
                "{code:#x}"
            );
            assert!(matches!(
                vector(code, &bytes, 2),
                Err(IdxProblem::Length { .. })
            ));
        }
        assert_eq!(
            vector(0x0a, &[], 1),
            Err(IdxProblem::UnknownDtype { code: 0x0a })
        );
    }

    #[test]
    fn bad_headers_are_named() {
        assert_eq!(
            parse(&[0, 0, 8]),
            Err(IdxProblem::TruncatedHeader {
                expected: 4,
                found: 3
            })
        );
        assert_eq!(
            parse(&[0, 0, 8, 2, 0, 0, 0, 1]),
            Err(IdxProblem::TruncatedHeader {
                expected: 12,
                found: 8
            })
        );
        assert_eq!(
            parse(b"PK\x03\x04\x00"),
            Err(IdxProblem::Magic {
                found: b"PK\x03\x04".to_vec()
            })
        );
        let enormous = [[0, 0, 8, 3].as_slice(), &[0xff; 12], &[1]].concat();
        assert!(matches!(
            parse(&enormous),
            Err(IdxProblem::Array(ArrayProblem::Overflow { .. }))
        ));
        assert!(matches!(
            vector(8, &[], 0),
            Err(IdxProblem::Array(ArrayProblem::NoValues { .. }))
        ));
        assert!(matches!(
            vector(0x0d, &f32::NAN.to_be_bytes(), 1),
            Err(IdxProblem::Array(ArrayProblem::NotFinite { .. }))
        ));
    }
}
