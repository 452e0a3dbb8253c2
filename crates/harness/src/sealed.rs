//! Values as bytes that tell whether they are whole: a header and the [postcard](https://docs.rs/postcard) format, bit by bit.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// They are something else.
    #[error("the file is something else: it does not begin with the word {expected}")]
    Magic {
        /// The word that was expected.
        expected: &'static str,
    },
    /// They are of another version of the format.
    #[error("the file has format {found}; this version reads format {expected}")]
    Format {
        /// The format that is read.
        expected: u32,
        /// The format found.
        found: u32,
    },
    /// Something was cut off or added.
    #[error("the file is {found} bytes long; it says that it has {expected}")]
    Length {
        /// The bytes that the header speaks of, itself included.
        expected: u64,
        /// The bytes that there are.
        found: u64,
    },
    /// Something was changed.
    #[error("the file is damaged: its checksum is {found:08x} in place of {expected:08x}")]
    Checksum {
        /// The checksum that was written.
        expected: u32,
        /// That of the bytes.
        found: u32,
    },
    /// The bytes are whole, but do not say what they should.
    #[error("the file cannot be decoded: {0}")]
    Decoding(postcard::Error),
}

/// A kind of file: its word of eight bytes, the last of which is a line feed, and the version of its format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal {
    pub(crate) word: &'static str,
    pub(crate) format: u32,
}

/// Word, format, checksum, length of the rest.
const HEADER: usize = 8 + 4 + 4 + 8;

impl Seal {
    /// The bytes of a value. Cost: a copy.
    ///
    /// # Panics
    /// For a value whose type does not know its length; those of this crate do.
    pub(crate) fn close(self, value: &impl Serialize) -> Vec<u8> {
        let written = postcard::to_extend(value, vec![0; HEADER]);
        let mut bytes = written.unwrap_or_else(|error| panic!("{}: {error}", self.word));
        let (header, body) = bytes.split_at_mut(HEADER);
        header[..7].copy_from_slice(self.word.as_bytes());
        header[7] = b'\n';
        header[8..12].copy_from_slice(&self.format.to_le_bytes());
        header[12..16].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        header[16..].copy_from_slice(&(body.len() as u64).to_le_bytes());
        bytes
    }

    /// The value in the bytes. Memory: some times as many bytes at most, whatever they say.
    pub(crate) fn open<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, SealError> {
        let length = |expected: u64| SealError::Length {
            expected,
            found: bytes.len() as u64,
        };
        let word = [self.word.as_bytes(), b"\n"].concat();
        let beginning = &bytes[..bytes.len().min(word.len())];
        if beginning.is_empty() || !word.starts_with(beginning) {
            return Err(SealError::Magic {
                expected: self.word,
            });
        }
        let Some((header, body)) = bytes.split_at_checked(HEADER) else {
            return Err(length(HEADER as u64));
        };
        let mut fields =
            (header[8..].chunks_exact(4)).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let mut next = || fields.next().unwrap_or_default();
        let (format, checksum, low, high) = (next(), next(), next(), next());
        if format != self.format {
            return Err(SealError::Format {
                expected: self.format,
                found: format,
            });
        }
        let size = u64::from(high) << 32 | u64::from(low);
        if size != body.len() as u64 {
            return Err(length(size.saturating_add(HEADER as u64)));
        }
        let found = crc32fast::hash(body);
        if found != checksum {
            return Err(SealError::Checksum {
                expected: checksum,
                found,
            });
        }
        let (value, rest) = postcard::take_from_bytes(body).map_err(SealError::Decoding)?;
        if rest.is_empty() {
            return Ok(value);
        }
        Err(length((bytes.len() - rest.len()) as u64))
    }
}
