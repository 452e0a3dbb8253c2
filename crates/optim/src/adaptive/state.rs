//! What an estimate of the inverse metric has to remember to go on to the bit.

use super::inverse::InverseEstimate;
use super::storage::Matrix;
use super::tile::SIDE;
use super::waiting::Waiting;
use super::{AdaptiveNaturalGradient, DELAY, ExtendedKalmanFilter, Storage};
use crate::state::Kind;
use crate::{Resumable, State, StateError};

/// An [`InverseEstimate`], as flat numbers.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Kept {
    scale: f64,
    grown: f64,
    trace: Option<f64>,
    /// The lower triangle of `S`, tile after tile.
    matrix: Numbers,
    /// `V`, column after column, filled up with zeros to whole tiles, and `D`.
    waiting: Vec<f64>,
    signs: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Numbers {
    Double(Vec<f64>),
    Single(Vec<f32>),
}

impl Kept {
    fn of(estimate: &InverseEstimate) -> Self {
        let (waiting, signs) = estimate.order.waiting.to_flat();
        Self {
            scale: estimate.scale,
            grown: estimate.grown,
            trace: estimate.trace,
            matrix: match &estimate.matrix {
                Matrix::Double(matrix) => Numbers::Double(matrix.numbers().copied().collect()),
                Matrix::Single(matrix) => Numbers::Single(matrix.numbers().copied().collect()),
            },
            waiting,
            signs,
        }
    }

    /// The estimate again, after a look at every number; nothing is allocated that the numbers themselves do not fill.
    fn revive(
        &self,
        parameters: usize,
        storage: Storage,
        delay: usize,
    ) -> Result<InverseEstimate, StateError> {
        const MATRIX: &str = "the inverse metric";
        let positive = "positive and finite";
        for (what, value) in [
            ("the scale of the inverse metric", self.scale),
            ("the growth of the inverse metric", self.grown),
        ] {
            StateError::check_value(what, value, value > 0.0, positive)?;
        }
        if let Some(trace) = self.trace {
            StateError::check_value("the trace of the inverse metric", trace, true, "finite")?;
        }
        let blocks = parameters.div_ceil(SIDE);
        let stored = blocks * (blocks + 1) / 2 * SIDE * SIDE;
        match (&self.matrix, storage) {
            (Numbers::Double(numbers), Storage::Double) => {
                StateError::check(MATRIX, numbers, stored)?;
            }
            (Numbers::Single(numbers), Storage::Single) => {
                if numbers.len() != stored {
                    return Err(StateError::Length {
                        what: MATRIX,
                        expected: stored,
                        got: numbers.len(),
                    });
                }
                if let Some(value) = numbers.iter().find(|value| !value.is_finite()) {
                    StateError::check_value(MATRIX, f64::from(*value), false, "finite")?;
                }
            }
            _ => {
                let what = "the storage of the inverse metric";
                return Err(StateError::Settings { what });
            }
        }
        let room = self.signs.len() * blocks * SIDE;
        StateError::check("the columns that wait", &self.waiting, room)?;
        for sign in &self.signs {
            let valid = sign.abs().total_cmp(&1.0).is_eq();
            StateError::check_value("the sign of a column that waits", *sign, valid, "±1")?;
        }
        let mut estimate = InverseEstimate::identity(parameters, self.scale, storage, delay);
        match (&mut estimate.matrix, &self.matrix) {
            (Matrix::Double(matrix), Numbers::Double(numbers)) => {
                (matrix.numbers_mut().zip(numbers)).for_each(|(to, from)| *to = *from);
            }
            (Matrix::Single(matrix), Numbers::Single(numbers)) => {
                (matrix.numbers_mut().zip(numbers)).for_each(|(to, from)| *to = *from);
            }
            _ => {} // was refused above
        }
        estimate.grown = self.grown;
        estimate.trace = self.trace;
        estimate.order.waiting = Waiting::from_flat(blocks, &self.waiting, &self.signs);
        Ok(estimate)
    }
}

/// The estimate after so many steps: there is one from the first on, and none before.
fn revived(
    kept: Option<&Kept>,
    steps: u64,
    parameters: usize,
    storage: Storage,
    delay: usize,
) -> Result<Option<InverseEstimate>, StateError> {
    StateError::check_steps(steps)?;
    if kept.is_some() != (steps > 0) {
        let what = "the inverse metric";
        return Err(StateError::Settings { what });
    }
    kept.map(|kept| kept.revive(parameters, storage, delay))
        .transpose()
}

impl Resumable for AdaptiveNaturalGradient {
    fn state(&self) -> State {
        // Every field is named, so that a new one has to say here whether it is remembered.
        let Self {
            rule: _,
            learning_rate: _,
            forgetting: _,
            initial_inverse: _,
            storage: _,
            delay: _,
            wind_up: _,
            steps,
            estimate,
            observation: _, // written before they are read in each step
            leak: _,
        } = self;
        State(Kind::AdaptiveNaturalGradient {
            steps: *steps,
            estimate: estimate.as_ref().map(Kept::of),
        })
    }

    fn restore(&mut self, state: State, parameters: usize) -> Result<(), StateError> {
        let State(Kind::AdaptiveNaturalGradient { steps, estimate }) = &state else {
            return Err(StateError::optimizer("AdaptiveNaturalGradient", &state));
        };
        let (storage, delay) = (self.storage, self.delay);
        self.estimate = revived(estimate.as_ref(), *steps, parameters, storage, delay)?;
        self.steps = *steps;
        Ok(())
    }
}

impl Resumable for ExtendedKalmanFilter {
    fn state(&self) -> State {
        let (steps, weight, covariance) = self.memory();
        State(Kind::ExtendedKalmanFilter {
            steps,
            weight,
            covariance: covariance.map(Kept::of),
        })
    }

    fn restore(&mut self, state: State, parameters: usize) -> Result<(), StateError> {
        let State(Kind::ExtendedKalmanFilter {
            steps,
            weight,
            covariance,
        }) = &state
        else {
            return Err(StateError::optimizer("ExtendedKalmanFilter", &state));
        };
        let what = "the weight of the examples";
        StateError::check_value(what, *weight, *weight > 0.0, "positive and finite")?;
        let storage = self.storage();
        let covariance = revived(covariance.as_ref(), *steps, parameters, storage, DELAY)?;
        self.go_on(*steps, *weight, covariance);
        Ok(())
    }
}
