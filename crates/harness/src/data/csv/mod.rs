//! A user's own table of numbers: comma-separated values in, comma-separated values out.
//!
//! What is read:
//! - UTF-8, with or without a byte order mark; lines ended by LF, CRLF or CR, blank lines skipped;
//!   compressed by gzip or not.
//! - Comma, semicolon or tab between fields, found out from the first line unless chosen; fields in
//!   double quotes may hold delimiters, line ends and doubled quotes. Spaces around a field do not
//!   count.
//! - A header line with distinct names that are not numbers, unless another [`Header`] is chosen.
//! - Numbers with a decimal point. Everything else (an empty field, a word, NaN, an infinity, a
//!   number that overflows) is an error that names file, line and column. Nothing is filled in,
//!   skipped or guessed.

mod column;
mod delimiter;
mod edit_distance;
mod error;
mod field;
mod header;
mod input_columns;
mod labels;
mod line_reader;
mod rows;
mod source;
mod write;

pub use column::Column;
pub use delimiter::Delimiter;
pub use error::{CsvError, CsvProblem};
pub use header::Header;
pub use input_columns::InputColumns;
pub use line_reader::MAX_RECORD_BYTES;
pub use source::CsvSource;
pub use write::{save_csv, write_csv};
