//! What a natural-gradient run has to remember to go on to the bit.

use super::NaturalGradient;
use super::escape::Wandering;
use super::levenberg_marquardt::Lambda;
use crate::state::Kind;
use crate::{Resumable, State, StateError};

/// The state of a [`NaturalGradient`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Memory {
    steps: u64,
    lambda: Option<Lambda>,
    previous: Vec<f64>,
    /// Of the last step, which one that comes to nothing reports once more.
    loss: f64,
    gradient_norm: f64,
    wandering: Option<Wandering>,
}

impl Resumable for NaturalGradient {
    fn state(&self) -> State {
        // Every field is named, so that a new one has to say here whether it is remembered.
        let Self {
            damping: _,
            scaling: _,
            representation: _,
            momentum: _,
            length: _,
            learning_rate: _,
            steps,
            escape,
            lambda,
            previous,
            first_order,
            misfit: _, // written before it is read in each step
            watches_misfit: _,
            most_bent: _, // set for the length of a step
            trial: _,
        } = self;
        State(Kind::NaturalGradient(Memory {
            steps: *steps,
            lambda: *lambda,
            previous: previous.clone(),
            loss: first_order.loss,
            gradient_norm: first_order.gradient_norm,
            wandering: escape.as_ref().map(|escape| escape.wandering()),
        }))
    }

    fn restore(&mut self, state: State, parameters: usize) -> Result<(), StateError> {
        let State(Kind::NaturalGradient(memory)) = state else {
            return Err(StateError::optimizer("NaturalGradient", &state));
        };
        StateError::check_steps(memory.steps)?;
        if let Some(lambda) = memory.lambda {
            for (what, value) in [("λ", lambda.value), ("the growth of λ", lambda.growth)] {
                StateError::check_value(what, value, value > 0.0, "positive and finite")?;
            }
        }
        if !memory.previous.is_empty() {
            StateError::check("the step before", &memory.previous, parameters)?;
        }
        for (what, value) in [
            ("the loss of the last step", memory.loss),
            ("the gradient of the last step", memory.gradient_norm),
        ] {
            StateError::check_value(what, value, true, "finite")?;
        }
        match (&mut self.escape, memory.wandering) {
            (None, None) => {}
            (Some(escape), Some(wandering)) => escape.go_on(wandering, parameters)?,
            _ => {
                let what = "the way out of stagnation";
                return Err(StateError::Settings { what });
            }
        }
        self.steps = memory.steps;
        self.lambda = memory.lambda;
        self.previous = memory.previous;
        self.first_order.loss = memory.loss;
        self.first_order.gradient_norm = memory.gradient_norm;
        Ok(())
    }
}
