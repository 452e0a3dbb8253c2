//! The same step with the matrix written down, where that is possible.

use cpu_time::ThreadTime;
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{Cholesky, Metric};

use super::step::Problem;
use super::{DAMPING, UNITS};
use crate::experiments::spread::Spread;
use crate::{Context, HarnessError};

/// A network small enough for its metric.
pub(super) struct Dense {
    pub(super) inputs: usize,
    pub(super) units: usize,
    seconds: Vec<f64>,
    matrix: Option<Mat<f64>>,
    /// `|x_structured − x_dense|/|x_dense|`.
    pub(super) difference: f64,
}

impl Dense {
    /// For each number of units, networks of a few parameters to as many as a patient reader would factor.
    pub(super) fn sizes(context: &Context) -> Vec<Self> {
        let parameters: &[usize] = context.pick(
            &[250, 500, 700],
            &[250, 500, 1000, 1500],
            &[250, 500, 1000, 2000, 4000],
        );
        let with = |units: usize| {
            parameters.iter().map(move |p| Self {
                inputs: p / units - 2,
                units,
                seconds: Vec::new(),
                matrix: None,
                difference: f64::NAN,
            })
        };
        UNITS.into_iter().flat_map(with).collect()
    }

    /// P.
    pub(super) fn parameters(&self) -> f64 {
        (self.units * (self.inputs + 2) + 1) as f64
    }

    /// Times the factorisation and the solve once more. The matrix is there already.
    pub(super) fn round(&mut self, context: &Context) -> Result<(), HarnessError> {
        context.check()?;
        let problem = Problem::new(self.inputs, self.units, context)?;
        let matrix = match self.matrix.take() {
            Some(matrix) => matrix,
            None => problem.fisher()?.to_dense(),
        };
        let mut step = problem.gradient.clone();
        let start = ThreadTime::now();
        Cholesky::new(matrix.as_ref(), DAMPING)?.solve_in_place(&mut step);
        self.seconds.push(start.elapsed().as_secs_f64());
        self.matrix = Some(matrix);
        if self.difference.is_nan() {
            let mut structured = step.clone();
            problem.step(&mut structured)?;
            let (mut error, mut size) = (0.0, 0.0);
            for (s, d) in structured.iter().zip(&step) {
                error += (s - d).powi(2);
                size += d * d;
            }
            self.difference = (error / size).sqrt();
        }
        Ok(())
    }

    /// Seconds of the fastest round.
    pub(super) fn seconds(&self) -> f64 {
        Spread::of(self.seconds.iter().copied()).low
    }

    /// Multiplications in a second: P³/3 for the factor and P² for the solve.
    pub(super) fn rate(&self) -> f64 {
        multiplications(self.parameters()) / self.seconds()
    }
}

/// Of a Cholesky factorisation and one solve.
pub(super) fn multiplications(parameters: f64) -> f64 {
    parameters.powi(3) / 3.0 + parameters.powi(2)
}

#[cfg(test)]
mod tests {
    use super::super::step::Timed;
    use super::*;
    use crate::Effort;

    #[test]
    fn both_ways_find_the_same_step() {
        let context = Context::quiet(5, Effort::Quick);
        let mut dense = Dense::sizes(&context);
        for dense in dense.iter_mut().filter(|dense| dense.parameters() < 300.0) {
            dense.round(&context).unwrap();
            assert!(dense.difference < 1e-11, "{:e}", dense.difference);
            let mut step = Timed::new(dense.inputs, dense.units);
            step.round(&context).unwrap();
            let solved = step.solved().unwrap();
            assert!(solved.residual < 1e-12, "{:e}", solved.residual);
            // all units are seen, and their biases
            let rank = dense.units.min(dense.inputs);
            assert_eq!(
                (solved.rank, solved.reduced),
                (rank, dense.units * (rank + 1))
            );
        }
    }
}
