//! The problems: data cut into parts, a network, and what its outputs mean.

use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood};

use crate::data::{
    Dataset, ExtendedXor, Fractions, Parts, Split, Standardizer, Task, concrete, diabetes, digits,
    mackey_glass,
};
use crate::{Context, HarnessError};

/// Stream of the generator that splits the data of problem `k`: this + `k`.
const SPLITS: u64 = 1_000;

/// A learning problem: data, a network, and the law of the targets.
#[derive(Debug)]
pub(super) struct Problem {
    /// What it is called in figures, tables and file names.
    pub(super) name: String,
    pub(super) net: Mlp,
    pub(super) likelihood: Box<dyn Likelihood>,
    /// What settings are chosen on: trained on `train`, judged on `validation`.
    pub(super) tuning: Parts,
    /// What the final runs see. Where it has validation examples, they say at which point of a run the test error is read.
    pub(super) parts: Parts,
    pub(super) error: TestError,
}

/// How errors on new examples are counted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TestError {
    /// The fraction of examples whose most probable class is not theirs.
    Misclassification,
    /// Root mean square, times `scale` to bring it back to the unit of the target.
    RootMeanSquare { scale: f64, unit: &'static str },
    /// Root mean square over the standard deviation of the targets of the part.
    Normalised,
}

impl TestError {
    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Misclassification => "misclassified",
            Self::RootMeanSquare { .. } => "RMSE",
            Self::Normalised => "NRMSE",
        }
    }

    /// Its unit; empty for pure numbers.
    pub(super) fn unit(&self) -> &'static str {
        match self {
            Self::Misclassification => "%",
            Self::RootMeanSquare { unit, .. } => unit,
            Self::Normalised => "",
        }
    }
}

impl Problem {
    /// Whether the targets are numbers.
    pub(super) fn is_regression(&self) -> bool {
        self.error != TestError::Misclassification
    }

    /// What the loss curves show. A mean square error is half as many nats as it is large, noise of variance one given.
    pub(super) fn loss_name(&self) -> (&'static str, &'static str) {
        if self.is_regression() {
            ("train MSE", "")
        } else {
            ("train loss", "nats")
        }
    }

    /// The loss of outputs: mean square error for numbers, mean negative log-likelihood in nats for labels.
    pub(super) fn loss(&self, outputs: &[f64], part: &Dataset) -> f64 {
        let width = part.task().targets_per_example();
        let examples = outputs
            .chunks_exact(self.net.outputs())
            .zip(part.targets().chunks_exact(width));
        let total: f64 = if self.is_regression() {
            examples.map(|(z, y)| squared_distance(z, y)).sum()
        } else {
            examples
                .map(|(z, y)| self.likelihood.negative_log_likelihood(z, y))
                .sum()
        };
        total / part.len() as f64
    }

    /// The error of outputs as a user counts it.
    pub(super) fn error(&self, outputs: &[f64], part: &Dataset) -> f64 {
        let mean_square = || self.loss(outputs, part);
        match self.error {
            TestError::RootMeanSquare { scale, .. } => scale * mean_square().sqrt(),
            TestError::Normalised => (mean_square() / variance(part.targets())).sqrt(),
            TestError::Misclassification => {
                let examples = outputs.chunks_exact(self.net.outputs()).zip(part.targets());
                let wrong = examples
                    .filter(|(z, y)| predicted_class(z) != **y as usize)
                    .count();
                100.0 * wrong as f64 / part.len() as f64
            }
        }
    }

    /// The test error of the best answer that does not look at the inputs: the mean of the training targets, or their most
    /// frequent class.
    pub(super) fn constant_error(&self) -> f64 {
        let (train, test) = (&self.parts.train, &self.parts.test);
        let outputs = self.net.outputs();
        let mut answer = vec![0.0; outputs];
        if self.is_regression() {
            for (index, y) in train.targets().iter().enumerate() {
                answer[index % outputs] += y / train.len() as f64;
            }
        } else {
            let counts = train.class_counts();
            match (counts.as_slice(), answer.as_mut_slice()) {
                ([no, yes], [logit]) => *logit = *yes as f64 - *no as f64,
                (counts, answer) => answer
                    .iter_mut()
                    .zip(counts)
                    .for_each(|(z, count)| *z = *count as f64),
            }
        }
        self.error(&answer.repeat(test.len()), test)
    }
}

/// The five problems of the report, in its order.
pub(super) fn all(context: &Context) -> Result<Vec<Problem>, HarnessError> {
    Ok(vec![
        mackey_glass_problem()?,
        regression("concrete", concrete()?, 10, "MPa", 0, context)?,
        regression("diabetes", diabetes()?, 6, "points", 1, context)?,
        extended_xor(context)?,
        handwritten_digits(context)?,
    ])
}

/// The Mackey–Glass series six steps ahead, 4-10-1, in the order of time and without scaling.
///
/// Settings are chosen on the last fifth of the training half; the final runs train on all of it and are read at their
/// end.
pub(super) fn mackey_glass_problem() -> Result<Problem, HarnessError> {
    let data = mackey_glass()?;
    let parts = Split::chronological(data.len(), Fractions::new(0.0, 0.5)?)?.apply(&data);
    let cut = Split::chronological(parts.train.len(), Fractions::new(0.2, 0.0)?)?;
    Ok(Problem {
        name: "mackey-glass".to_owned(),
        net: Mlp::new(&[4, 10, 1], Activation::Tanh)?,
        likelihood: Box::new(Gaussian::UNIT),
        tuning: cut.apply(&parts.train),
        parts,
        error: TestError::Normalised,
    })
}

fn extended_xor(context: &Context) -> Result<Problem, HarnessError> {
    let mut rng = context.rng(SPLITS + 2);
    let data = ExtendedXor::default().generate(&mut rng)?;
    let parts = Split::random(data.len(), shares()?, &mut rng)?.apply(&data);
    labelled("extended-xor", parts, 8)
}

fn handwritten_digits(context: &Context) -> Result<Problem, HarnessError> {
    let data = digits()?;
    let parts = Split::random(data.len(), shares()?, &mut context.rng(SPLITS + 3))?.apply(&data);
    labelled("digits", parts, 16)
}

/// A regression on standardised inputs and targets; the root mean square error is given in the unit of the target.
pub(super) fn regression(
    name: &str,
    data: Dataset,
    hidden: usize,
    unit: &'static str,
    stream: u64,
    context: &Context,
) -> Result<Problem, HarnessError> {
    let parts =
        Split::random(data.len(), shares()?, &mut context.rng(SPLITS + stream))?.apply(&data);
    let standardizer = Standardizer::inputs_and_targets(&parts.train)?;
    let parts = standardised(&standardizer, &parts)?;
    let net = Mlp::new(
        &[data.input_dimension(), hidden, data.output_dimension()],
        Activation::Tanh,
    )?;
    Ok(Problem {
        name: name.to_owned(),
        net,
        likelihood: Box::new(Gaussian::UNIT),
        tuning: parts.clone(),
        parts,
        error: TestError::RootMeanSquare {
            scale: standardizer.target_scales()[0],
            unit,
        },
    })
}

/// A classification, with inputs as they come.
pub(super) fn labelled(name: &str, parts: Parts, hidden: usize) -> Result<Problem, HarnessError> {
    let train = &parts.train;
    let likelihood: Box<dyn Likelihood> = match train.task() {
        Task::Binary => Box::new(Bernoulli),
        _ => Box::new(Categorical),
    };
    let net = Mlp::new(
        &[train.input_dimension(), hidden, train.output_dimension()],
        Activation::Tanh,
    )?;
    Ok(Problem {
        name: name.to_owned(),
        net,
        likelihood,
        tuning: parts.clone(),
        parts,
        error: TestError::Misclassification,
    })
}

/// A fifth of the examples for validation, a fifth for test.
pub(super) fn shares() -> Result<Fractions, HarnessError> {
    Ok(Fractions::new(0.2, 0.2)?)
}

/// All parts in the scale of the training part.
pub(super) fn standardised(
    standardizer: &Standardizer,
    parts: &Parts,
) -> Result<Parts, HarnessError> {
    Ok(Parts {
        train: standardizer.apply(&parts.train)?,
        validation: standardizer.apply(&parts.validation)?,
        test: standardizer.apply(&parts.test)?,
    })
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>()
        / values.len() as f64
}

/// The class of largest output; for a single output, the logit of class 1.
fn predicted_class(outputs: &[f64]) -> usize {
    if let [logit] = outputs {
        return usize::from(*logit > 0.0);
    }
    let largest = outputs.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    largest.map_or(0, |(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effort;

    #[test]
    fn losses_and_errors_of_known_outputs() {
        let problems = all(&Context::quiet(1, Effort::Quick)).unwrap();
        for problem in &problems {
            let test = &problem.parts.test;
            let zeros = vec![0.0; problem.net.outputs() * test.len()];
            let (loss, error) = (problem.loss(&zeros, test), problem.error(&zeros, test));
            match &problem.error {
                TestError::Misclassification => {
                    let classes = test.task().classes().unwrap() as f64;
                    assert!(
                        (loss - classes.ln()).abs() < 1e-12,
                        "{}: {loss}",
                        problem.name
                    );
                    // every example is taken for one class, which has about its share of them
                    let share = 100.0 - 100.0 / classes;
                    assert!((error - share).abs() < 12.0, "{}: {error}", problem.name);
                }
                TestError::RootMeanSquare { scale, .. } => {
                    assert!((error - scale * loss.sqrt()).abs() < 1e-12)
                }
                TestError::Normalised => {
                    assert!(error > 1.0, "zero is worse than the mean: {error}")
                }
            }
        }
    }

    #[test]
    fn the_series_is_cut_in_the_order_of_time_and_left_unscaled() {
        let problem = mackey_glass_problem().unwrap();
        let data = mackey_glass().unwrap();
        assert_eq!(problem.parts.train.targets(), &data.targets()[..500]);
        assert_eq!(problem.parts.test.targets(), &data.targets()[500..]);
        assert_eq!(problem.tuning.train.targets(), &data.targets()[..400]);
        assert_eq!(
            problem.tuning.validation.targets(),
            &data.targets()[400..500]
        );
        assert_eq!(problem.net.parameters(), 61);
    }

    #[test]
    fn ties_and_logits_name_a_class() {
        assert_eq!(predicted_class(&[0.5]), 1);
        assert_eq!(predicted_class(&[-0.5]), 0);
        assert_eq!(predicted_class(&[0.1, 3.0, -2.0]), 1);
    }
}
