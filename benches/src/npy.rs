//! Arrays in numpy's file format, checked where they enter.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use npyz::{DType, Deserialize, NpyFile, Order};

use crate::BenchError;

/// An array of `f64` in C order, of this shape, all entries finite.
///
/// # Errors
/// [`BenchError::Read`], [`BenchError::Array`], [`BenchError::Entry`].
pub(crate) fn numbers(path: &Path, shape: &[usize]) -> Result<Vec<f64>, BenchError> {
    let values: Vec<f64> = array(path, shape, "<f8")?;
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(BenchError::Entry {
            path: path.to_owned(),
            index,
            value: values[index],
            expected: "a finite number",
        }),
        None => Ok(values),
    }
}

/// Class indices below `classes`, stored as `i64`, one an example.
///
/// # Errors
/// As [`numbers`].
pub(crate) fn labels(path: &Path, count: usize, classes: usize) -> Result<Vec<f64>, BenchError> {
    let values: Vec<i64> = array(path, &[count], "<i8")?;
    let known = |label: &i64| usize::try_from(*label).is_ok_and(|label| label < classes);
    match values.iter().position(|label| !known(label)) {
        Some(index) => Err(BenchError::Entry {
            path: path.to_owned(),
            index,
            value: values[index] as f64,
            expected: "the index of a class",
        }),
        None => Ok(values.into_iter().map(|label| label as f64).collect()),
    }
}

fn array<T: Deserialize>(path: &Path, shape: &[usize], kind: &str) -> Result<Vec<T>, BenchError> {
    let expected = format!("{kind} in C order, {}", dimensions(shape));
    let unreadable = |source| BenchError::Read {
        path: path.to_owned(),
        expected: expected.clone(),
        source,
    };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let file = NpyFile::new(&mut reader).map_err(unreadable)?;
    let found: Vec<usize> = file.shape().iter().map(|n| *n as usize).collect();
    let plain = match file.dtype() {
        DType::Plain(kind) => kind.to_string(),
        other => other.descr(),
    };
    // Fortran's order is the same thing for vectors.
    let order = if file.order() == Order::C || shape.len() < 2 {
        "C"
    } else {
        "Fortran"
    };
    if found != shape || plain != kind || order != "C" {
        return Err(BenchError::Array {
            path: path.to_owned(),
            found: format!("{plain} in {order} order, {}", dimensions(&found)),
            expected,
        });
    }
    let values = file.into_vec().map_err(unreadable)?;
    if reader.read(&mut [0]).map_err(unreadable)? > 0 {
        let source = io::Error::new(
            io::ErrorKind::InvalidData,
            "the file goes on after its array",
        );
        return Err(unreadable(source));
    }
    Ok(values)
}

fn dimensions(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("shape ({})", sizes.join(", "))
}
