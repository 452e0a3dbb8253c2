use crate::Optimizer;

/// An optimiser that can put down what it has learnt and go on later, to the bit.
///
/// What is put down is the state alone, not the settings: it goes back into an optimiser that was made in the same way as the
/// one it came from. From there on every step is that of the optimiser that never stopped, on the same machine.
///
/// ```
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
/// use neuromanifold_optim::{Adam, Objective, Optimizer, Resumable, Schedule};
///
/// let line = Mlp::new(&[1, 1], Activation::Identity)?;
/// let batch = line.on_slice(&[-1.0, 0.0, 2.0])?;
/// let objective = Objective::new(&batch, &Gaussian::UNIT, &[0.0, 1.0, 3.0])?;
/// let rate = Schedule::constant(0.1)?;
/// let (mut adam, mut theta) = (Adam::new(rate), [0.0; 2]);
/// adam.step(&objective, &mut theta)?;
///
/// let (mut later, mut resumed) = (Adam::new(rate), theta);
/// later.restore(adam.state(), theta.len())?;
/// later.step(&objective, &mut resumed)?;
/// adam.step(&objective, &mut theta)?;
/// assert_eq!(theta.map(f64::to_bits), resumed.map(f64::to_bits));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Resumable: Optimizer {
    /// All of the steps so far that later ones depend on. Cost: a copy.
    fn state(&self) -> State;

    /// Goes on from a state, for a model of so many parameters. A state is outside input: it is looked at before it is
    /// believed.
    ///
    /// # Errors
    /// [`StateError`] for a state of another optimiser or another model, or of no optimiser at all; this one is then as it
    /// was before.
    fn restore(&mut self, state: State, parameters: usize) -> Result<(), StateError>;
}

/// What an optimiser has learnt from its steps; made by [`Resumable::state`].
///
/// With the feature `serde` it can be serialised. A format that keeps the bits of an `f64` keeps those of the run.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct State(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Kind {
    Sgd {
        steps: u64,
        velocity: Vec<f64>,
    },
    Adam {
        steps: u64,
        mean: Vec<f64>,
        square: Vec<f64>,
    },
    NaturalGradient(crate::natural_gradient::Memory),
    AdaptiveNaturalGradient {
        steps: u64,
        estimate: Option<crate::adaptive::Kept>,
    },
    ExtendedKalmanFilter {
        steps: u64,
        weight: f64,
        covariance: Option<crate::adaptive::Kept>,
    },
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "Sgd",
            Self::Adam { .. } => "Adam",
            Self::NaturalGradient(_) => "NaturalGradient",
            Self::AdaptiveNaturalGradient { .. } => "AdaptiveNaturalGradient",
            Self::ExtendedKalmanFilter { .. } => "ExtendedKalmanFilter",
        }
    }
}

/// Why a [`State`] is none that an optimiser could go on from.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It is that of another optimiser.
    #[error("the state is that of {got}; it is to go on with {expected}")]
    Optimizer {
        /// The optimiser that was to go on.
        expected: &'static str,
        /// The one the state is of.
        got: &'static str,
    },
    /// The settings of the optimiser leave no room for a part of it, or ask for one that is not there.
    #[error("{what} in the state does not go with the settings of the optimiser")]
    Settings {
        /// Which part.
        what: &'static str,
    },
    /// A part has the wrong length, as that of another model has.
    #[error("{what} in the state has {got} numbers; it must have {expected}")]
    Length {
        /// Which part.
        what: &'static str,
        /// The length that the model asks for.
        expected: usize,
        /// The length found.
        got: usize,
    },
    /// A number is not in its range.
    #[error("{what} in the state is {value}; it must be {expected}")]
    Value {
        /// Which number.
        what: &'static str,
        /// The value found.
        value: f64,
        /// The range in which it must lie.
        expected: &'static str,
    },
}

impl StateError {
    pub(crate) fn optimizer(expected: &'static str, got: &State) -> Self {
        Self::Optimizer {
            expected,
            got: got.0.name(),
        }
    }

    /// Passes if a part is as long as it must be, and finite.
    pub(crate) fn check(
        what: &'static str,
        values: &[f64],
        expected: usize,
    ) -> Result<(), StateError> {
        if values.len() != expected {
            return Err(Self::Length {
                what,
                expected,
                got: values.len(),
            });
        }
        match values.iter().find(|value| !value.is_finite()) {
            Some(&value) => Self::check_value(what, value, false, "finite"),
            None => Ok(()),
        }
    }

    /// Passes if a number is finite and in its range.
    pub(crate) fn check_value(
        what: &'static str,
        value: f64,
        valid: bool,
        expected: &'static str,
    ) -> Result<(), StateError> {
        if valid && value.is_finite() {
            return Ok(());
        }
        Err(Self::Value {
            what,
            value,
            expected,
        })
    }

    /// Passes if a run can have had so many steps, and more can be counted.
    pub(crate) fn check_steps(steps: u64) -> Result<(), StateError> {
        /// Whole numbers are exact as `f64` up to here.
        const MOST: u64 = 1 << 53;
        let value = steps as f64;
        Self::check_value("the number of steps", value, steps <= MOST, "at most 2⁵³")
    }
}
