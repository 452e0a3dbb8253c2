//! A problem from the files of a directory.

use std::path::Path;

use super::{Examples, Law, Specification, parameters};
use crate::{BenchError, npy};

type Parts = (Examples, Option<Examples>, Vec<Vec<f64>>);

pub(super) fn problem(of: &Specification, directory: &Path) -> Result<Parts, BenchError> {
    let part = |part: &str, examples: usize| {
        let file = |what: &str| directory.join(format!("{}_{what}{part}.npy", of.tag));
        let inputs = npy::numbers(&file("X"), &[examples, of.widths[0]])?;
        let targets = match (of.law, of.held_out) {
            (Law::Number, _) => npy::numbers(&file("y"), &[examples]),
            (Law::Class, 0) => npy::labels(&file("labels"), examples, classes(of)),
            (Law::Class, _) => npy::labels(&file("y"), examples, classes(of)),
        }?;
        Ok::<_, BenchError>(Examples { inputs, targets })
    };
    let start = |suffix: String| {
        let file = directory.join(format!("{}_theta0{suffix}.npy", of.tag));
        npy::numbers(&file, &[parameters(of.widths)])
    };
    let starts = if of.starts == 1 {
        vec![start(String::new())?]
    } else {
        (0..of.starts)
            .map(|k| start(format!("_{k}")))
            .collect::<Result<_, _>>()?
    };
    if of.held_out == 0 {
        return Ok((part("", of.examples)?, None, starts));
    }
    let (train, test) = (part("train", of.examples)?, part("test", of.held_out)?);
    Ok((train, Some(test), starts))
}

fn classes(of: &Specification) -> usize {
    of.widths[of.widths.len() - 1]
}
