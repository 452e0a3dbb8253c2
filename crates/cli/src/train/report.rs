use super::TrainFailure;
use super::examples::is_regression;
use super::saved::Names;
use crate::output::Report;
use crate::page::{line, number};
use neuromanifold_harness::training::{Best, Ending, Part, Problem, Training};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// What came of a training.
#[derive(Debug, Serialize)]
pub(crate) struct Trained {
    /// In short, as `8-10-1 tanh`.
    architecture: String,
    parameters: usize,
    optimizer: &'static str,
    training_examples: usize,
    validation_examples: usize,
    epochs: u64,
    steps: u64,
    /// Why it ended.
    ending: &'static str,
    best_epoch: u64,
    /// Mean squared residual in units of the targets' variance, or nats.
    training_loss: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_loss: Option<f64>,
    /// On the validation part, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// Standard deviation of what is not explained, for each target in its unit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    residuals: Vec<Residual>,
    /// Wall time of this process.
    seconds: f64,
    output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<String>,
}

#[derive(Debug, Serialize)]
struct Residual {
    target: String,
    deviation: f64,
}

/// How a training came to its end, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Ended(Ending),
    Time,
    Interrupted,
}

impl Stop {
    fn name(self) -> &'static str {
        match self {
            Self::Ended(Ending::Epochs) => "all epochs are done",
            Self::Ended(Ending::Steps) => "all steps are done",
            Self::Ended(Ending::Target) => "the loss is small enough",
            Self::Ended(Ending::Patience) => "the validation loss no longer falls",
            Self::Ended(Ending::Minimum) => "a minimum, to the precision of f64",
            Self::Ended(_) => "over",
            Self::Time => "the time is up",
            Self::Interrupted => "stopped by Ctrl-C",
        }
    }
}

impl Trained {
    pub(crate) fn new(
        problem: &Problem,
        training: &Training<'_>,
        best: &Best,
        names: &Names,
        stop: Stop,
        optimizer: &'static str,
    ) -> Result<Self, TrainFailure> {
        let (train, held) = (problem.part(Part::Training), problem.part(Part::Validation));
        let noise = if is_regression(train.task()) {
            problem.noise(&best.theta)?
        } else {
            Vec::new()
        };
        let residuals = noise
            .iter()
            .zip(names.targets())
            .map(|(v, target)| Residual {
                target: target.clone(),
                deviation: v.sqrt(),
            });
        Ok(Self {
            architecture: problem.net().to_string(),
            parameters: problem.net().parameters(),
            optimizer,
            training_examples: train.len(),
            validation_examples: if problem.validates() { held.len() } else { 0 },
            epochs: training.epochs(),
            steps: training.steps(),
            ending: stop.name(),
            best_epoch: best.epoch,
            training_loss: problem.loss(Part::Training, &best.theta)?,
            validation_loss: problem.validates().then_some(best.loss),
            accuracy: problem.accuracy(Part::Validation, &best.theta)?,
            residuals: residuals.collect(),
            seconds: 0.0,
            output: String::new(),
            checkpoint: None,
        })
    }

    pub(crate) fn saved(mut self, output: &Path, checkpoint: Option<&Path>, seconds: f64) -> Self {
        self.output = output.display().to_string();
        self.checkpoint = checkpoint.map(|path| path.display().to_string());
        self.seconds = seconds;
        self
    }
}

impl Report for Trained {
    fn write(&self, page: &mut dyn Write) -> io::Result<()> {
        let (parameters, trained) = (self.parameters, self.training_examples);
        let held = self.validation_examples;
        let part = if held > 0 { "validation" } else { "training" };
        line(
            page,
            "network",
            format!("{}, {parameters} parameters", self.architecture),
        )?;
        line(
            page,
            "examples",
            format!("{trained} for training, {held} for validation"),
        )?;
        let effort = format!("{} steps in {} epochs", self.steps, self.epochs);
        line(
            page,
            "optimizer",
            format!("{}, {effort}, {:.1} s", self.optimizer, self.seconds),
        )?;
        line(page, "ended", self.ending)?;
        line(page, "training loss", number(self.training_loss))?;
        if let Some(loss) = self.validation_loss {
            let best = self.best_epoch;
            line(
                page,
                "validation loss",
                format!("{}, after epoch {best}", number(loss)),
            )?;
        }
        if let Some(accuracy) = self.accuracy {
            line(
                page,
                "right",
                format!("{:.2} % of the {part} part", 100.0 * accuracy),
            )?;
        }
        for Residual { target, deviation } in &self.residuals {
            let about = format!("standard deviation on the {part} part");
            line(
                page,
                &format!("residual of {target}"),
                format!("{}, {about}", number(*deviation)),
            )?;
        }
        line(page, "written", &self.output)?;
        match &self.checkpoint {
            Some(checkpoint) => line(page, "checkpoint", format!("{checkpoint}, for --resume")),
            None => Ok(()),
        }
    }
}
