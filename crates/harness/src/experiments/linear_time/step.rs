//! The step in linear time: from θ to `(G + λI)⁻¹ g`.

use cpu_time::ThreadTime;
use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::{Inverse, Metric};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::Gaussian;

use super::DAMPING;
use crate::experiments::spread::Spread;
use crate::{Context, HarnessError};

/// A network with one hidden layer of erf units, all biases, one output, on standard normal inputs.
pub(super) struct Timed {
    pub(super) inputs: usize,
    pub(super) units: usize,
    seconds: Vec<f64>,
    solved: Option<Solved>,
}

/// What is known of a solution beside its time.
#[derive(Clone, Copy)]
pub(super) struct Solved {
    /// `|(G + λI)x − g|/|g|`, with a product that takes no part in the solve.
    pub(super) residual: f64,
    /// Size of the dense system.
    pub(super) reduced: usize,
    /// Directions in input space that the network distinguishes.
    pub(super) rank: usize,
}

/// A network at a point, a covector there, and room for the step.
pub(super) struct Problem {
    pub(super) net: Mlp,
    pub(super) theta: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    input: GaussianInput,
}

impl Problem {
    pub(super) fn new(
        inputs: usize,
        units: usize,
        context: &Context,
    ) -> Result<Self, HarnessError> {
        let net = Mlp::new(&[inputs, units, 1], Activation::Erf)?;
        let mut rng = context.rng(units as u64);
        let theta = net.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
        let gradient = net.initialize_with_biases(Initialization::LeCun, 1.0, &mut rng);
        Ok(Self {
            net,
            theta,
            gradient,
            input: GaussianInput::standard(inputs),
        })
    }

    pub(super) fn fisher(&self) -> Result<GaussianInputFisher, HarnessError> {
        let noise = &Gaussian::UNIT;
        Ok(GaussianInputFisher::new(
            &self.net,
            &self.theta,
            &self.input,
            noise,
        )?)
    }

    pub(super) fn step(&self, out: &mut [f64]) -> Result<(), HarnessError> {
        let inverse = Inverse::damped(DAMPING);
        self.fisher()?.raise(&self.gradient, inverse, out)?;
        Ok(())
    }
}

impl Timed {
    pub(super) fn new(inputs: usize, units: usize) -> Self {
        Self {
            inputs,
            units,
            seconds: Vec::new(),
            solved: None,
        }
    }

    /// P.
    pub(super) fn parameters(&self) -> f64 {
        (self.units * (self.inputs + 2) + 1) as f64
    }

    /// Times the step once more.
    pub(super) fn round(&mut self, context: &Context) -> Result<(), HarnessError> {
        context.check()?;
        let problem = Problem::new(self.inputs, self.units, context)?;
        let mut step = vec![0.0; problem.theta.len()];
        if self.solved.is_none() {
            problem.step(&mut step)?;
            self.solved = Some(solved(&problem, &step)?);
        }
        let start = ThreadTime::now();
        problem.step(&mut step)?;
        self.seconds.push(start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Seconds of the fastest round.
    pub(super) fn seconds(&self) -> f64 {
        Spread::of(self.seconds.iter().copied()).low
    }

    /// Whether a round is typically much slower than the fastest: others were at work.
    pub(super) fn disturbed(&self) -> bool {
        let spread = Spread::of(self.seconds.iter().copied());
        spread.median > 1.15 * spread.low
    }

    pub(super) fn solved(&self) -> Option<Solved> {
        self.solved
    }
}

fn solved(problem: &Problem, step: &[f64]) -> Result<Solved, HarnessError> {
    let fisher = problem.fisher()?;
    let mut image = vec![0.0; step.len()];
    fisher.lower(step, &mut image);
    let (mut error, mut size) = (0.0, 0.0);
    for ((image, x), g) in image.iter().zip(step).zip(&problem.gradient) {
        error += (image + DAMPING * x - g).powi(2);
        size += g * g;
    }
    Ok(Solved {
        residual: (error / size).sqrt(),
        reduced: fisher.reduced_dim(),
        rank: fisher.rank(),
    })
}
