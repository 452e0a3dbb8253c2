use crate::OptimError;

/// A positive number for each step `t = 1, 2, …`: a learning rate `η_t`, or a weight `ε_t` of an average.
///
/// ```
/// use neuromanifold_optim::Schedule;
///
/// let eta = Schedule::inverse_time(1.0, 9.0)?;
/// assert_eq!((eta.at(1), eta.at(11)), (0.1, 0.05));
/// # Ok::<(), neuromanifold_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule(Law);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Law {
    Constant(f64),
    InverseTime {
        numerator: f64,
        offset: f64,
    },
    StepDecay {
        initial: f64,
        factor: f64,
        every: u64,
    },
    Cosine {
        initial: f64,
        floor: f64,
        steps: u64,
    },
}

impl Schedule {
    /// Always one: a full natural-gradient step.
    pub const ONE: Self = Self(Law::Constant(1.0));

    /// The same at every step.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless the value is positive and finite.
    pub fn constant(value: f64) -> Result<Self, OptimError> {
        positive("a constant rate", value)?;
        Ok(Self(Law::Constant(value)))
    }

    /// `c/(t + t₀)`: what stochastic approximation asks for, `Σ η_t = ∞` and `Σ η_t² < ∞`.
    ///
    /// As the weight of an average, `ε_t = 1/(t + t₀)` gives every example the same weight and the initial value the
    /// weight of `t₀` examples; with `t₀ = 0` the first example would wipe out the initial value.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `numerator` is positive, `offset` not negative, and both finite.
    pub fn inverse_time(numerator: f64, offset: f64) -> Result<Self, OptimError> {
        positive("the numerator of a rate c/(t + t₀)", numerator)?;
        OptimError::check_setting(
            "the offset of a rate c/(t + t₀)",
            offset,
            offset >= 0.0,
            "finite and not negative",
        )?;
        Ok(Self(Law::InverseTime { numerator, offset }))
    }

    /// Multiplied by `factor` after each `every` steps.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `initial` is positive, `0 < factor ≤ 1` and `every` is at least 1.
    pub fn step_decay(initial: f64, factor: f64, every: u64) -> Result<Self, OptimError> {
        positive("the initial rate of a step decay", initial)?;
        OptimError::check_setting(
            "the factor of a step decay",
            factor,
            factor > 0.0 && factor <= 1.0,
            "in (0, 1]",
        )?;
        at_least_one("the period of a step decay", every)?;
        Ok(Self(Law::StepDecay {
            initial,
            factor,
            every,
        }))
    }

    /// Half a cosine from `initial` at `t = 1` to `floor` at `t = steps`, and `floor` from there on.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `0 < floor ≤ initial` and `steps` is at least 1.
    pub fn cosine(initial: f64, floor: f64, steps: u64) -> Result<Self, OptimError> {
        positive("the initial rate of a cosine schedule", initial)?;
        OptimError::check_setting(
            "the floor of a cosine schedule",
            floor,
            floor > 0.0 && floor <= initial,
            "positive and at most the initial rate",
        )?;
        at_least_one("the length of a cosine schedule", steps)?;
        Ok(Self(Law::Cosine {
            initial,
            floor,
            steps,
        }))
    }

    /// The value at step `t`; the first step is `t = 1`.
    #[must_use]
    pub fn at(&self, t: u64) -> f64 {
        match self.0 {
            Law::Constant(value) => value,
            Law::InverseTime { numerator, offset } => numerator / (t as f64 + offset),
            Law::StepDecay {
                initial,
                factor,
                every,
            } => initial * factor.powf((t.saturating_sub(1) / every) as f64),
            Law::Cosine {
                initial,
                floor,
                steps,
            } => {
                let length = steps.saturating_sub(1).max(1) as f64;
                let along = (t.saturating_sub(1) as f64 / length).min(1.0);
                floor + 0.5 * (initial - floor) * (1.0 + (std::f64::consts::PI * along).cos())
            }
        }
    }
}

fn positive(name: &'static str, value: f64) -> Result<(), OptimError> {
    OptimError::check_setting(name, value, value > 0.0, "positive and finite")
}

fn at_least_one(name: &'static str, steps: u64) -> Result<(), OptimError> {
    OptimError::check_setting(name, steps as f64, steps >= 1, "at least 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_law_follows_its_formula() -> Result<(), OptimError> {
        let decay = Schedule::step_decay(0.8, 0.5, 10)?;
        for (t, expected) in [(1, 0.8), (10, 0.8), (11, 0.4), (21, 0.2)] {
            assert!((decay.at(t) - expected).abs() < 1e-15, "{t}");
        }
        let cosine = Schedule::cosine(1.0, 0.2, 5)?;
        for (t, expected) in [(1, 1.0), (3, 0.6), (5, 0.2), (50, 0.2)] {
            assert!((cosine.at(t) - expected).abs() < 1e-15, "{t}");
        }
        assert!((Schedule::constant(0.3)?.at(77) - 0.3).abs() < 1e-16);
        Ok(())
    }

    #[test]
    fn senseless_numbers_are_refused_by_name() {
        let refused = [
            Schedule::constant(0.0),
            Schedule::constant(f64::NAN),
            Schedule::inverse_time(-1.0, 0.0),
            Schedule::inverse_time(1.0, f64::INFINITY),
            Schedule::step_decay(1.0, 1.5, 10),
            Schedule::step_decay(1.0, 0.5, 0),
            Schedule::cosine(0.1, 0.2, 10),
        ];
        for schedule in refused {
            assert!(
                matches!(schedule, Err(OptimError::Setting { .. })),
                "{schedule:?}"
            );
        }
    }
}
