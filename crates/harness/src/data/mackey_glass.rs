use super::DataError;

/// The delay differential equation of Mackey and Glass, a standard source of chaotic time series.
///
/// dx/dt = a x(t−τ) / (1 + x(t−τ)ᵖ) − b x(t),
///
/// solved by the classical Runge–Kutta method of fourth order with a fixed step h =
/// 1/`steps_per_unit`, from x(0) = `initial` and x(t) = `history` for t < 0. The default values, a
/// = 0.2, b = 0.1, p = 10, τ = 17, h = 0.1, x(0) = 1.2 and no history, are those that are used as a
/// benchmark of prediction.
///
/// # Accuracy
/// h divides τ, so the delayed value is on the grid at both ends of a step, and the middle is
/// interpolated as [`DelayedMidpoint`] says. With `history` = `initial` the error is O(h²) for
/// [`Mean`](DelayedMidpoint::Mean) and O(h⁴) for [`Hermite`](DelayedMidpoint::Hermite). A jump at t = 0,
/// which the default values have, is seen by the grid as a ramp over the last step before 0: against the
/// equation with the jump the error is O(h), against the discrete benchmark it is zero. The attractor is
/// chaotic (differences grow about e-fold in 150 units), so two implementations agree for some thousand
/// units, not for ever.
///
/// # References
/// M. C. Mackey and L. Glass, Oscillation and chaos in physiological control systems, Science 197
/// (1977) 287–289, doi:10.1126/science.267326.
#[derive(Debug, Clone, PartialEq)]
pub struct MackeyGlass {
    /// a, the rate of production.
    pub production: f64,
    /// b, the rate of decay.
    pub decay: f64,
    /// p, the exponent of the feedback.
    pub exponent: u32,
    /// τ, the delay, in units of time; at least 1.
    pub delay: usize,
    /// 1/h, the steps of integration in a unit of time; at least 1.
    pub steps_per_unit: usize,
    /// x(0).
    pub initial: f64,
    /// x(t) for all t < 0.
    pub history: f64,
    /// How x(t + h/2 − τ) is found between grid points.
    pub midpoint: DelayedMidpoint,
}

/// How a delayed value in the middle of a step is interpolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DelayedMidpoint {
    /// (x₀ + x₁)/2, the mean of the ends of the step: error O(h²). The benchmark's choice.
    #[default]
    Mean,
    /// (x₀ + x₁)/2 + h(x₀′ − x₁′)/8, the cubic through values and slopes at both ends: error O(h⁴).
    Hermite,
}

impl Default for MackeyGlass {
    fn default() -> Self {
        MackeyGlass {
            production: 0.2,
            decay: 0.1,
            exponent: 10,
            delay: 17,
            steps_per_unit: 10,
            initial: 1.2,
            history: 0.0,
            midpoint: DelayedMidpoint::Mean,
        }
    }
}

impl MackeyGlass {
    /// x at the integer times 0, 1, …, `duration`.
    ///
    /// ```
    /// use neuromanifold_harness::data::MackeyGlass;
    ///
    /// // For 0 ≤ t < τ there is nothing to feed back, and x decays.
    /// let series = MackeyGlass::default().series(10)?;
    /// assert!((series[10] - 1.2 * f64::exp(-1.0)).abs() < 1e-7);
    /// # Ok::<(), neuromanifold_harness::data::DataError>(())
    /// ```
    ///
    /// Cost: `duration` · `steps_per_unit` steps of four evaluations.
    ///
    /// # Errors
    /// [`DataError::Parameter`] for a parameter that is not finite, or a zero `delay` or
    /// `steps_per_unit`; [`DataError::Diverged`] if the solution leaves the finite numbers.
    pub fn series(&self, duration: usize) -> Result<Vec<f64>, DataError> {
        self.check()?;
        let fine = self.integrate(duration * self.steps_per_unit)?;
        Ok(fine.into_iter().step_by(self.steps_per_unit).collect())
    }

    fn check(&self) -> Result<(), DataError> {
        let finite = "a finite number";
        let positive = "at least 1";
        let integer = |value: usize| (value as f64, value >= 1, positive);
        let real = |value: f64| (value, value.is_finite(), finite);
        for (parameter, (value, holds, requirement)) in [
            ("production", real(self.production)),
            ("decay", real(self.decay)),
            ("delay", integer(self.delay)),
            ("steps_per_unit", integer(self.steps_per_unit)),
            ("initial", real(self.initial)),
            ("history", real(self.history)),
        ] {
            if !holds {
                let object = "MackeyGlass";
                return Err(DataError::Parameter {
                    object,
                    parameter,
                    value,
                    requirement,
                });
            }
        }
        Ok(())
    }

    /// x at 0, h, 2h, …, `steps`·h.
    fn integrate(&self, steps: usize) -> Result<Vec<f64>, DataError> {
        let h = 1.0 / self.steps_per_unit as f64;
        let lag = self.delay * self.steps_per_unit;
        let mut x = Vec::with_capacity(steps + 1);
        let mut slopes = Vec::with_capacity(steps);
        x.push(self.initial);
        for step in 0..steps {
            // With lag ≥ 1 both ends of the delayed step are known already.
            let past = |index: usize| {
                index
                    .checked_sub(lag)
                    .map_or(self.history, |index| x[index])
            };
            let current = x[step];
            let (start, end) = (past(step), past(step + 1));
            let k1 = self.rate(current, start);
            slopes.push(k1);
            let middle = 0.5 * (start + end) + self.bend(h, step.checked_sub(lag), &slopes);
            let k2 = self.rate(current + h / 2.0 * k1, middle);
            let k3 = self.rate(current + h / 2.0 * k2, middle);
            let k4 = self.rate(current + h * k3, end);
            let next = current + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
            if !next.is_finite() {
                return Err(DataError::Diverged {
                    time: (step + 1) as f64 * h,
                });
            }
            x.push(next);
        }
        Ok(x)
    }

    fn rate(&self, x: f64, delayed: f64) -> f64 {
        self.production * delayed / (1.0 + power(delayed, self.exponent)) - self.decay * x
    }

    /// What the cubic adds to the mean in the middle of the delayed step; before time 0, where x is
    /// constant, nothing.
    fn bend(&self, h: f64, delayed_step: Option<usize>, slopes: &[f64]) -> f64 {
        match (self.midpoint, delayed_step) {
            (DelayedMidpoint::Hermite, Some(step)) => h / 8.0 * (slopes[step] - slopes[step + 1]),
            _ => 0.0,
        }
    }
}

/// xᵖ by squaring. Unlike `powi` and `powf`, the same bits on every platform, and in a chaotic
/// system the last bit becomes visible.
fn power(x: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, x, exponent);
    while rest > 0 {
        if rest % 2 == 1 {
            result *= square;
        }
        square *= square;
        rest /= 2;
    }
    result
}
