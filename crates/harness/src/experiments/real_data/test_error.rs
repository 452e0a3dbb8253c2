//! How errors on new examples are counted.

use super::problem::Problem;
use crate::data::Dataset;

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
    use super::super::problem::all;
    use super::*;
    use crate::{Context, Effort};

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
    fn ties_and_logits_name_a_class() {
        assert_eq!(predicted_class(&[0.5]), 1);
        assert_eq!(predicted_class(&[-0.5]), 0);
        assert_eq!(predicted_class(&[0.1, 3.0, -2.0]), 1);
    }
}
