use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use csv::ByteRecord;
use flate2::bufread::MultiGzDecoder;

use super::line_reader::{LineReader, MAX_RECORD_BYTES};
use super::{CsvError, CsvProblem, Delimiter};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How much of a text the delimiter is looked for in.
const START_BYTES: usize = 64 << 10;

/// The rows of a table one after the other, with the line on which each starts.
pub(super) struct Rows<'a> {
    file: &'a Path,
    reader: csv::Reader<LineReader<Box<dyn BufRead + 'a>>>,
    record: ByteRecord,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'r> {
    /// The line on which it starts, from 1.
    pub(super) line: u64,
    /// Its fields, unquoted.
    pub(super) fields: &'r ByteRecord,
}

impl<'a> Rows<'a> {
    /// Decompresses if need be and finds the delimiter; the parser drops a byte order mark.
    pub(super) fn new(
        file: &'a Path,
        mut source: impl Read + 'a,
        delimiter: Delimiter,
    ) -> Result<Self, CsvError> {
        let fail = |error| CsvError::new(file, CsvProblem::Read(error));
        let magic = take(&mut source, GZIP_MAGIC.len()).map_err(fail)?;
        let named = file.extension().is_some_and(|extension| extension == "gz");
        let compressed = magic == GZIP_MAGIC || (named && !magic.is_empty());
        let source = BufReader::new(Cursor::new(magic).chain(source));
        let mut text: Box<dyn Read + 'a> = if compressed {
            Box::new(MultiGzDecoder::new(source))
        } else {
            Box::new(source)
        };
        let start = take(&mut text, START_BYTES).map_err(fail)?;
        let delimiter = delimiter.byte(&start);
        let text = BufReader::new(Cursor::new(start).chain(text));
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(LineReader::new(Box::new(text) as Box<dyn BufRead + 'a>));
        Ok(Rows {
            file,
            reader,
            record: ByteRecord::new(),
        })
    }

    /// The next row, or `None` after the last.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, CsvError> {
        let start = self.reader.position().line();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                self.reader.get_mut().next_row();
                // The parser skips blank lines inside this call, so count back from the row's end:
                // its line ends are those inside its fields and the one that ends it. A quote left
                // open has no end of its own, hence the bound.
                let inside = self
                    .record
                    .as_slice()
                    .iter()
                    .filter(|&&byte| byte == b'\n')
                    .count() as u64;
                let line = (self.reader.position().line() - 1)
                    .saturating_sub(inside)
                    .max(start);
                Ok(Some(Row {
                    line,
                    fields: &self.record,
                }))
            }
            Err(error) => {
                let problem = if self.reader.get_ref().is_over_limit() {
                    CsvProblem::LongRow {
                        limit: MAX_RECORD_BYTES,
                    }
                } else {
                    CsvProblem::Read(into_io(error))
                };
                Err(CsvError::new(self.file, problem).on_line(start))
            }
        }
    }
}

/// The first `count` bytes, or all if there are fewer.
fn take(source: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    source.take(count as u64).read_to_end(&mut start)?;
    Ok(start)
}

fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        // A flexible reader of raw bytes has no other errors.
        other => io::Error::other(format!("{other:?}")),
    }
}
