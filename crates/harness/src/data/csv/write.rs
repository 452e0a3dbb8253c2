use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{CsvError, CsvProblem};
use crate::data::{DataError, Dataset};

/// Writes a data set as a table: a header, then one line per example, inputs before targets.
///
/// Each number is written with the fewest digits that read back as the same `f64`, each label as
/// the name of its class. Read again, a regression is the same to the bit; of a classification the
/// classes are in sorted order, unless [`CsvSource::class_names`](super::CsvSource::class_names)
/// fixes another.
///
/// ```
/// use faer::mat;
/// use neuromanifold_harness::data::{Dataset, write_csv};
///
/// let inputs = mat![[0.1, 1e-300]];
/// let data = Dataset::regression("tiny", inputs.as_ref(), mat![[2.0, -3.5]].as_ref())?;
/// let mut table = Vec::new();
/// write_csv(&data, &mut table)?;
/// assert_eq!(table, b"x,y\n0.1,2.0\n1e-300,-3.5\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Whatever the writer fails with.
pub fn write_csv(data: &Dataset, writer: impl Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(writer);
    table.write_record(data.input_names().iter().chain(data.target_names()))?;
    for index in 0..data.len() {
        let example = data.example(index);
        // `Debug` of f64 is the shortest form that parses back, with an exponent where that is shorter.
        let inputs = example.input.iter().map(|value| format!("{value:?}"));
        let targets = example
            .target
            .iter()
            .map(|&value| match data.class_names() {
                [] => format!("{value:?}"),
                names => names[value as usize].clone(),
            });
        table.write_record(inputs.chain(targets))?;
    }
    table.flush()
}

/// Writes a data set to a file as [`write_csv`] does, compressed if the name ends in `.gz`.
///
/// The file appears whole or not at all: it is written under a temporary name beside its final one,
/// and then renamed over what is there.
///
/// # Errors
/// [`DataError::Csv`] with the file name if it cannot be written.
pub fn save_csv(data: &Dataset, file: &Path) -> Result<(), DataError> {
    let mut temporary = OsString::from(file);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = Path::new(&temporary);
    let written = write_file(
        data,
        temporary,
        file.extension().is_some_and(|extension| extension == "gz"),
    )
    .and_then(|()| fs::rename(temporary, file));
    written.map_err(|error| {
        // The first error is the one to report; a temporary file that was never made cannot be
        // removed.
        let _ = fs::remove_file(temporary);
        CsvError::new(file, CsvProblem::Write(error)).into()
    })
}

fn write_file(data: &Dataset, file: &Path, compressed: bool) -> io::Result<()> {
    let file = File::create(file)?;
    let mut buffer = BufWriter::new(&file);
    if compressed {
        let mut encoder = GzEncoder::new(&mut buffer, Compression::default());
        write_csv(data, &mut encoder)?;
        encoder.finish()?;
    } else {
        write_csv(data, &mut buffer)?;
    }
    buffer.flush()?;
    drop(buffer);
    file.sync_all()
}
