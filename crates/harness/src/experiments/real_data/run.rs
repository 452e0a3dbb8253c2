//! The curve of one run, and how it ended.

use serde::{Deserialize, Serialize};

/// A run whose loss is so many times the initial one has diverged, even if all numbers are finite.
const DIVERGED: f64 = 100.0;

/// The state of a run after so many steps.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) step: usize,
    /// Examples that were shown to it so far, each as often as it was.
    pub(super) seen: usize,
    /// Wall time of the steps alone.
    pub(super) seconds: f64,
    pub(super) train: f64,
    /// NaN without validation examples.
    pub(super) validation: f64,
    pub(super) test_error: f64,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Ending {
    /// All steps are taken.
    Complete,
    /// No step of any length reduces the loss.
    Minimum,
    /// The first-order rule was about to lose positive definiteness.
    DefinitenessLost { step: usize },
    /// Rounding had made the estimate of the inverse metric indefinite.
    RoundedAway { step: usize },
    /// A number overflowed, or the metric could not be inverted.
    Diverged { step: usize },
}

/// A run that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) points: Vec<Point>,
    pub(super) ending: Ending,
}

impl Run {
    /// The point to keep: of least validation loss, the last one without validation examples.
    pub(super) fn kept(&self) -> Point {
        let finite = self
            .points
            .iter()
            .filter(|point| point.validation.is_finite());
        let best = finite.min_by(|a, b| a.validation.total_cmp(&b.validation));
        *best.unwrap_or_else(|| self.last())
    }

    /// Whether a loss is far beyond the initial one.
    pub(super) fn is_exceeded_by(&self, point: &Point) -> bool {
        let first = &self.points[0];
        point.train > DIVERGED * first.train || point.validation > DIVERGED * first.validation
    }

    /// The point where it ended.
    pub(super) fn last(&self) -> &Point {
        &self.points[self.points.len() - 1]
    }
}

impl Ending {
    /// Whether all the steps that made sense were taken.
    pub(super) fn is_sound(self) -> bool {
        matches!(self, Self::Complete | Self::Minimum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with these training and validation losses after 1, 2, 4, … steps, each of which takes a second.
    fn run(losses: &[(f64, f64)]) -> Run {
        let point = |(k, (train, validation)): (usize, &(f64, f64))| Point {
            step: (1 << k) - 1,
            seen: 8 * ((1 << k) - 1),
            seconds: ((1 << k) - 1) as f64,
            train: *train,
            validation: *validation,
            test_error: k as f64,
        };
        Run {
            points: losses.iter().enumerate().map(point).collect(),
            ending: Ending::Complete,
        }
    }

    #[test]
    fn the_point_of_least_validation_loss_is_kept_and_the_last_without_validation() {
        let overfitted = run(&[(9.0, 9.0), (4.0, 3.0), (2.0, f64::NAN), (1.0, 5.0)]);
        assert_eq!(overfitted.kept().step, 1);
        let nan = f64::NAN;
        assert_eq!(run(&[(9.0, nan), (4.0, nan), (5.0, nan)]).kept().step, 3);
    }

    #[test]
    fn a_loss_far_beyond_the_first_is_a_divergence() {
        let run = run(&[(2.0, 1.0), (150.0, 90.0), (1.0, 101.0), (201.0, 1.0)]);
        let exceeded: Vec<bool> = run
            .points
            .iter()
            .map(|point| run.is_exceeded_by(point))
            .collect();
        assert_eq!(exceeded, [false, false, true, true]);
    }
}
