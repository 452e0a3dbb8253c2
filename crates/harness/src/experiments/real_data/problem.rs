//! The problems: data cut into parts, a network, and what its outputs mean.

use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood};

use super::test_error::TestError;
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
    /// What it is called in figures and tables.
    pub(super) name: String,
    pub(super) net: Mlp,
    pub(super) likelihood: Box<dyn Likelihood>,
    /// What settings are chosen on: trained on `train`, judged on `validation`.
    pub(super) tuning: Parts,
    /// What the final runs see. Where it has validation examples, they say at which point of a run the test error is read.
    pub(super) parts: Parts,
    pub(super) error: TestError,
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
        name: "Mackey–Glass".to_owned(),
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
    labelled("extended XOR", parts, 8)
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
