use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::IoError;

/// The most that compressed data may unpack to: 1 GiB, five times the largest of the MNIST family as `f64`.
///
/// A thousandfold compression is possible, so that a small file could otherwise fill the memory. Files that are not
/// compressed have no limit but their own length.
pub const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// The first two bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The bytes of a regular file, of which there is at least one.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, IoError> {
    let open = |source| IoError::Open {
        path: path.to_owned(),
        source,
    };
    // Asked before opening: to open a pipe that nobody writes to would wait forever.
    let kind = fs::metadata(path).map_err(open)?;
    if !kind.is_file() {
        return Err(IoError::NotAFile {
            path: path.to_owned(),
            found: if kind.is_dir() {
                "a folder"
            } else {
                "a device"
            },
        });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(open)?
        .read_to_end(&mut bytes)
        .map_err(|source| IoError::Read {
            path: path.to_owned(),
            source,
        })?;
    Ok(bytes)
}

/// The bytes, or what they unpack to if they themselves, and not the name, say gzip; not none of them.
pub(crate) fn content<'a>(bytes: &'a [u8], path: &Path) -> Result<Cow<'a, [u8]>, IoError> {
    require_content(bytes, path)?;
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(Cow::Borrowed(bytes));
    }
    let unpacked = unpack_gzip(bytes, path)?;
    require_content(&unpacked, path)?;
    Ok(Cow::Owned(unpacked))
}

/// Refuses nothing at all.
pub(crate) fn require_content(bytes: &[u8], path: &Path) -> Result<(), IoError> {
    if bytes.is_empty() {
        return Err(IoError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// What gzip data unpack to.
fn unpack_gzip(bytes: &[u8], path: &Path) -> Result<Vec<u8>, IoError> {
    match read_limited(MultiGzDecoder::new(bytes), MAX_UNPACKED_BYTES) {
        Ok(Some(unpacked)) => Ok(unpacked),
        Ok(None) => Err(IoError::TooLarge {
            path: path.to_owned(),
            limit: MAX_UNPACKED_BYTES,
        }),
        Err(source) => Err(IoError::Gzip {
            path: path.to_owned(),
            source,
        }),
    }
}

/// All that can be read, or `None` if that is more than the limit. The memory grows with what comes, not with what is
/// claimed.
pub(crate) fn read_limited(source: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_to_the_byte() {
        assert_eq!(read_limited(&[7; 5][..], 5).unwrap(), Some(vec![7; 5]));
        assert_eq!(read_limited(&[7; 6][..], 5).unwrap(), None);
    }

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(
            matches!(
                error,
                IoError::NotAFile {
                    found: "a folder",
                    ..
                }
            ),
            "{error}"
        );
        let missing = folder.path().join("missing");
        assert!(matches!(read(&missing), Err(IoError::Open { path, .. }) if path == missing));
    }
}
