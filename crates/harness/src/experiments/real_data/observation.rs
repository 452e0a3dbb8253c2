//! Looking at a run: losses and errors on the parts of the data.

use neuromanifold_mlp::OnBatch;
use neuromanifold_model::OutputMap;

use super::problem::Problem;
use super::run::Point;
use super::training::{Plan, Progress, Watched};
use crate::HarnessError;
use crate::data::Dataset;

/// Measures losses and errors on the three parts.
pub(super) struct Observer<'a> {
    problem: &'a Problem,
    train: Watch<'a>,
    validation: Watch<'a>,
    test: Watch<'a>,
    outputs: Vec<f64>,
}

/// A part, with the network on it if it is to be looked at.
struct Watch<'a> {
    part: &'a Dataset,
    map: Option<OnBatch<'a>>,
}

/// Something read off the outputs for a part.
type Measure = fn(&Problem, &[f64], &Dataset) -> f64;

impl<'a> Observer<'a> {
    /// Looks at the parts that the plan says.
    pub(super) fn new(plan: &Plan<'a>) -> Result<Self, HarnessError> {
        let Plan {
            problem,
            parts,
            watched,
            ..
        } = *plan;
        let watch = |part: &'a Dataset, wanted: bool| -> Result<Watch<'a>, HarnessError> {
            let wanted = wanted || watched == Watched::Everything;
            let map = if wanted && !part.is_empty() {
                Some(problem.net.on(part.inputs())?)
            } else {
                None
            };
            Ok(Watch { part, map })
        };
        Ok(Self {
            problem,
            train: watch(&parts.train, watched == Watched::Training)?,
            validation: watch(&parts.validation, watched == Watched::Validation)?,
            test: watch(&parts.test, false)?,
            outputs: Vec::new(),
        })
    }

    /// The point of the curve at θ.
    pub(super) fn look(
        &mut self,
        progress: Progress,
        theta: &[f64],
    ) -> Result<Point, HarnessError> {
        let Self {
            problem,
            train,
            validation,
            test,
            outputs,
        } = self;
        let mut measured = |watch: &Watch<'_>, measure: Measure| -> Result<f64, HarnessError> {
            let Some(map) = &watch.map else {
                return Ok(f64::NAN);
            };
            outputs.resize(problem.net.outputs() * watch.part.len(), 0.0);
            map.outputs(theta, outputs)?;
            Ok(measure(problem, outputs, watch.part))
        };
        Ok(Point {
            step: progress.step,
            seen: progress.seen,
            seconds: progress.seconds,
            train: measured(train, Problem::loss)?,
            validation: measured(validation, Problem::loss)?,
            test_error: measured(test, Problem::error)?,
        })
    }
}
