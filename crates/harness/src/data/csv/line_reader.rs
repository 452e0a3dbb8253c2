use std::io::{self, BufRead, Read};

/// The longest row, in bytes, that a CSV reader takes: 16 MiB, more than half a million numbers.
///
/// A quote that is never closed makes the rest of a file one row; the limit turns that, and a file
/// that is not a table at all, into an error instead of a full memory.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// Text with every line, also the last, ended by exactly one LF, and with rows of bounded length.
///
/// With one kind of line end the line on which a row starts can be computed from the parser's count
/// of LFs; see [`super::rows`].
#[derive(Debug)]
pub(super) struct LineReader<R> {
    text: R,
    last: u8,
    row_bytes: usize,
    limit: usize,
}

impl<R: BufRead> LineReader<R> {
    pub(super) fn new(text: R) -> Self {
        Self::with_limit(text, MAX_RECORD_BYTES)
    }

    fn with_limit(text: R, limit: usize) -> Self {
        LineReader {
            text,
            last: b'\n',
            row_bytes: 0,
            limit,
        }
    }

    /// Tells that the parser has completed a row; it may have read ahead by one of its buffers.
    pub(super) fn next_row(&mut self) {
        self.row_bytes = 0;
    }

    /// Whether reading failed because the present row is too long.
    pub(super) fn is_over_limit(&self) -> bool {
        self.row_bytes > self.limit
    }

    /// Copies what fits, turning CR and CRLF into LF; returns the bytes read and written.
    fn copy_lines(&mut self, out: &mut [u8]) -> io::Result<(usize, usize)> {
        let chunk = loop {
            match self.text.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let (mut read, mut written) = (0, 0);
        for &byte in chunk {
            if written == out.len() {
                break;
            }
            if !(byte == b'\n' && self.last == b'\r') {
                out[written] = if byte == b'\r' { b'\n' } else { byte };
                written += 1;
            }
            self.last = byte;
            read += 1;
        }
        self.text.consume(read);
        Ok((read, written))
    }
}

impl<R: BufRead> Read for LineReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let (read, written) = self.copy_lines(out)?;
            if read == 0 {
                let unfinished = !matches!(self.last, b'\n' | b'\r');
                if unfinished {
                    self.last = b'\n';
                    out[0] = b'\n';
                }
                return Ok(usize::from(unfinished));
            }
            if written > 0 {
                self.row_bytes = self.row_bytes.saturating_add(written);
                if self.is_over_limit() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "row too long"));
                }
                return Ok(written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::LineReader;

    fn lines(text: &str, capacity: usize) -> String {
        let mut out = String::new();
        let reader = BufReader::with_capacity(capacity, text.as_bytes());
        LineReader::new(reader).read_to_string(&mut out).unwrap();
        out
    }

    #[test]
    fn all_line_ends_become_one() {
        // A buffer of one byte puts every CRLF across a boundary.
        for capacity in [1, 2, 3, 64] {
            assert_eq!(lines("a\r\nb\rc\nd", capacity), "a\nb\nc\nd\n");
            assert_eq!(lines("a\r\r\n\n\r\n", capacity), "a\n\n\n\n");
            assert_eq!(lines("", capacity), "");
            assert_eq!(lines("a\r", capacity), "a\n");
        }
    }

    #[test]
    fn the_limit_is_per_row() {
        let text = "x".repeat(100);
        let mut reader = LineReader::with_limit(text.as_bytes(), 60);
        let mut out = [0; 50];
        assert_eq!(reader.read(&mut out).unwrap(), 50);
        assert!(!reader.is_over_limit());
        reader.next_row();
        assert_eq!(reader.read(&mut out).unwrap(), 50);
        assert_eq!(reader.read(&mut out).unwrap(), 1);
        assert!(!reader.is_over_limit());

        let mut reader = LineReader::with_limit(text.as_bytes(), 60);
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
        assert!(reader.is_over_limit());
    }
}
