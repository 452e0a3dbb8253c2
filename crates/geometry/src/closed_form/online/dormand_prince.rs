//! Ordinary differential equations by the embedded Runge–Kutta pair of Dormand and Prince, with error control and a continuous
//! extension.
//!
//! The fifth-order solution is carried on; its difference from the embedded fourth-order one is the estimate of the error, which
//! sets the length of the next step. The last stage of a step is the first of the next, so that a step costs six evaluations. The
//! continuous extension, of fourth order, gives the solution between the ends of a step for nothing.
//!
//! References: J. R. Dormand, P. J. Prince, *A family of embedded Runge–Kutta formulae*, J. Comput. Appl. Math. 6 (1980) 19,
//! doi:10.1016/0771-050X(80)90013-3; E. Hairer, S. P. Nørsett, G. Wanner, *Solving Ordinary Differential Equations I*, 2nd ed.
//! (1993), sections II.4 to II.6.

use crate::closed_form::ClosedFormError;

/// Steps, rejected ones included, after which something must be wrong.
const MOST_STEPS: usize = 1_000_000;

/// Weights of the earlier stages in each stage but the first; the last row is the solution of fifth order.
const STAGES: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[
        19372.0 / 6561.0,
        -25360.0 / 2187.0,
        64448.0 / 6561.0,
        -212.0 / 729.0,
    ],
    &[
        9017.0 / 3168.0,
        -355.0 / 33.0,
        46732.0 / 5247.0,
        49.0 / 176.0,
        -5103.0 / 18656.0,
    ],
    &[
        35.0 / 384.0,
        0.0,
        500.0 / 1113.0,
        125.0 / 192.0,
        -2187.0 / 6784.0,
        11.0 / 84.0,
    ],
];

/// Fifth-order solution less the embedded one of fourth order.
const ERROR: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339_200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];

/// Weights of the stages in the highest term of the continuous extension.
const DENSE: [f64; 7] = [
    -12_715_105_075.0 / 11_282_082_432.0,
    0.0,
    87_487_479_700.0 / 32_700_410_799.0,
    -10_690_763_975.0 / 1_880_347_072.0,
    701_980_252_875.0 / 199_316_789_632.0,
    -1_453_857_185.0 / 822_651_844.0,
    69_997_945.0 / 29_380_423.0,
];

/// How exact a solution is to be: the estimated error of a step in entry `i` is at most `relative · max(|y_i|, scale)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accuracy {
    pub(super) relative: f64,
    pub(super) scale: f64,
}

/// The solution on one step, `y(start + θ length)` for `0 ≤ θ ≤ 1`.
#[derive(Clone, Debug)]
pub(super) struct Arc {
    pub(super) start: f64,
    pub(super) length: f64,
    terms: [Vec<f64>; 5],
}

impl Arc {
    pub(super) fn end(&self) -> f64 {
        self.start + self.length
    }

    /// The solution at a time within the step.
    pub(super) fn at(&self, time: f64) -> Vec<f64> {
        let theta = (time - self.start) / self.length;
        let rest = 1.0 - theta;
        let [one, two, three, four, five] = &self.terms;
        (0..one.len())
            .map(|i| {
                let inner = four[i] + rest * five[i];
                one[i] + theta * (two[i] + rest * (three[i] + theta * inner))
            })
            .collect()
    }
}

/// A solution that is carried on step by step.
pub(super) struct DormandPrince<F> {
    velocity: F,
    accuracy: Accuracy,
    time: f64,
    state: Vec<f64>,
    slope: Vec<f64>,
    length: f64,
    accepted: usize,
    rejected: usize,
}

impl<F: Fn(&[f64]) -> Result<Vec<f64>, ClosedFormError>> DormandPrince<F> {
    /// At a start; `velocity` is `dy/dt`.
    pub(super) fn new(
        velocity: F,
        state: Vec<f64>,
        accuracy: Accuracy,
    ) -> Result<Self, ClosedFormError> {
        let slope = velocity(&state)?;
        // a step that moves no entry by more than a hundredth of its scale
        let speed = state.iter().zip(&slope).fold(0.0_f64, |most, (y, v)| {
            most.max(v.abs() / y.abs().max(accuracy.scale))
        });
        let length = if speed > 0.0 { 0.01 / speed } else { 1.0 };
        Ok(Self {
            velocity,
            accuracy,
            time: 0.0,
            state,
            slope,
            length,
            accepted: 0,
            rejected: 0,
        })
    }

    pub(super) fn state(&self) -> &[f64] {
        &self.state
    }

    pub(super) fn rejected(&self) -> usize {
        self.rejected
    }

    /// One accepted step, at most to `end`.
    ///
    /// A step on which the velocity does not exist, or whose end is not finite, is tried again at a quarter of its length; where
    /// no length will do, the solution ends.
    pub(super) fn step(&mut self, end: f64) -> Result<Arc, ClosedFormError> {
        let mut grow = 5.0;
        loop {
            if self.accepted + self.rejected >= MOST_STEPS {
                return Err(ClosedFormError::TooManySteps {
                    steps: MOST_STEPS,
                    alpha: self.time,
                });
            }
            let last = self.time + 1.000_1 * self.length >= end;
            let length = if last { end - self.time } else { self.length };
            match self.attempt(length) {
                Ok((arc, state, slope, error)) if error <= 1.0 => {
                    self.time = if last { end } else { self.time + length };
                    (self.state, self.slope) = (state, slope);
                    self.accepted += 1;
                    self.length = length * factor(error).min(grow);
                    return Ok(arc);
                }
                Ok((.., error)) => {
                    self.length = length * factor(error).min(1.0);
                    self.too_short(|alpha| ClosedFormError::Diverged { alpha })?;
                }
                Err(cause) => {
                    self.length = 0.25 * length;
                    self.too_short(|_| cause)?;
                }
            }
            self.rejected += 1;
            grow = 1.0;
        }
    }

    fn too_short(&self, cause: impl FnOnce(f64) -> ClosedFormError) -> Result<(), ClosedFormError> {
        let resolution = 16.0 * f64::EPSILON * self.time.max(1e-3);
        let short = self.length < resolution || self.length.is_nan();
        if short { Err(cause(self.time)) } else { Ok(()) }
    }

    /// The step, its end, the velocity there, and the estimated error in units of what is allowed.
    fn attempt(&self, length: f64) -> Result<(Arc, Vec<f64>, Vec<f64>, f64), ClosedFormError> {
        let mut stages = vec![self.slope.clone()];
        let mut state = Vec::new();
        for weights in STAGES {
            state = self.combined(&stages, weights, length);
            stages.push((self.velocity)(&state)?);
        }
        let sum = |weights: &[f64], i: usize| -> f64 {
            let terms = weights.iter().zip(&stages);
            length * terms.map(|(w, stage)| w * stage[i]).sum::<f64>()
        };
        let Accuracy { relative, scale } = self.accuracy;
        let mut error = 0.0_f64;
        for (i, (old, new)) in self.state.iter().zip(&state).enumerate() {
            let allowed = relative * old.abs().max(new.abs()).max(scale);
            let estimate = sum(&ERROR, i).abs() / allowed;
            error = if estimate.is_finite() {
                error.max(estimate)
            } else {
                f64::INFINITY
            };
        }
        let slope = stages[6].clone();
        let difference: Vec<f64> = self.state.iter().zip(&state).map(|(a, b)| b - a).collect();
        let lag: Vec<f64> = (0..state.len())
            .map(|i| length * self.slope[i] - difference[i])
            .collect();
        let bend = (0..state.len())
            .map(|i| difference[i] - length * slope[i] - lag[i])
            .collect();
        let highest = (0..state.len()).map(|i| sum(&DENSE, i)).collect();
        let arc = Arc {
            start: self.time,
            length,
            terms: [self.state.clone(), difference, lag, bend, highest],
        };
        Ok((arc, state, slope, error))
    }

    fn combined(&self, stages: &[Vec<f64>], weights: &[f64], length: f64) -> Vec<f64> {
        let mut state = self.state.clone();
        for (weight, stage) in weights.iter().zip(stages) {
            for (y, v) in state.iter_mut().zip(stage) {
                *y += length * weight * v;
            }
        }
        state
    }
}

/// By how much the next step is longer: the error of a step of fifth order grows as the fifth power of its length.
fn factor(error: f64) -> f64 {
    if error.is_finite() {
        (0.9 * error.max(1e-10).powf(-0.2)).max(0.2)
    } else {
        0.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Accuracy = Accuracy {
        relative: 1e100,
        scale: 1.0,
    };

    fn pendulum(y: &[f64]) -> Result<Vec<f64>, ClosedFormError> {
        Ok(vec![y[1], -y[0].sin()])
    }

    fn energy(y: &[f64]) -> f64 {
        0.5 * y[1] * y[1] - y[0].cos()
    }

    /// After so many steps of one length, whatever the error.
    fn after(steps: usize, length: f64) -> Vec<f64> {
        let mut solution = DormandPrince::new(pendulum, vec![1.0, 0.3], FREE).unwrap();
        for _ in 0..steps {
            let (arc, state, slope, _) = solution.attempt(length).unwrap();
            solution.time = arc.end();
            (solution.state, solution.slope) = (state, slope);
        }
        solution.state
    }

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn order() {
        let exact = after(1024, 8.0 / 1024.0);
        let error = |steps: u16| distance(&after(steps.into(), 8.0 / f64::from(steps)), &exact);
        let order = (error(64) / error(128)).log2();
        assert!((order - 5.0).abs() < 0.2, "{order}");
    }

    /// The extension is of fourth order: its error within one step falls as the fifth power of the length.
    #[test]
    fn order_of_the_extension() {
        let solution = DormandPrince::new(pendulum, vec![1.0, 0.3], FREE).unwrap();
        let error = |length: f64| {
            let (arc, ..) = solution.attempt(length).unwrap();
            distance(&arc.at(0.3 * length), &after(32, 0.3 * length / 32.0))
        };
        let order = (error(0.1) / error(0.05)).log2();
        assert!((order - 5.0).abs() < 0.2, "{order}");
    }

    #[test]
    fn the_extension_meets_its_ends() {
        let solution = DormandPrince::new(pendulum, vec![1.0, 0.3], FREE).unwrap();
        let (arc, state, slope, _) = solution.attempt(0.3).unwrap();
        let step = 1e-6;
        for i in 0..2 {
            assert!((arc.at(0.0)[i] - solution.state[i]).abs() < 1e-15);
            assert!((arc.at(arc.end())[i] - state[i]).abs() < 1e-15);
            let leaving = (arc.at(step)[i] - arc.at(0.0)[i]) / step;
            let arriving = (arc.at(0.3)[i] - arc.at(0.3 - step)[i]) / step;
            assert!((leaving - solution.slope[i]).abs() < 1e-5);
            assert!((arriving - slope[i]).abs() < 1e-5);
        }
    }

    /// The energy of a pendulum, which no step knows of, is kept as well as the tolerance promises, and better for a smaller one.
    #[test]
    fn conservation() {
        let drift = |relative: f64| {
            let accuracy = Accuracy {
                relative,
                scale: 1.0,
            };
            let mut solution = DormandPrince::new(pendulum, vec![2.0, 0.0], accuracy).unwrap();
            let before = energy(solution.state());
            while solution.time < 50.0 {
                solution.step(50.0).unwrap();
            }
            assert!(
                (20..20_000).contains(&solution.accepted),
                "{}",
                solution.accepted
            );
            (energy(solution.state()) - before).abs()
        };
        for relative in [1e-6, 1e-8, 1e-10] {
            // about a hundred steps of one sign each
            assert!(drift(relative) < 300.0 * relative, "{}", drift(relative));
        }
        assert!(drift(1e-10) < 1e-2 * drift(1e-6));
    }

    /// `dy/dt = y²` is infinite at `t = 1`.
    #[test]
    fn the_end_of_a_solution() {
        let accuracy = Accuracy {
            relative: 1e-8,
            scale: 1.0,
        };
        let square = |y: &[f64]| Ok(vec![y[0] * y[0]]);
        let mut solution = DormandPrince::new(square, vec![1.0], accuracy).unwrap();
        let end = loop {
            if let Err(error) = solution.step(2.0) {
                break error;
            }
        };
        assert!(
            matches!(end, ClosedFormError::Diverged { alpha } if (alpha - 1.0).abs() < 1e-6),
            "{end}"
        );
    }
}
