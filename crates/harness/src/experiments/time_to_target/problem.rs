//! Four problems, with losses that a fit should reach.

use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Likelihood, OutputMap};
use neuromanifold_optim::Objective;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::data::{Fractions, Split, Standardizer, diabetes, digits, mackey_glass};
use crate::{Context, HarnessError};

/// Streams of the generators for data; starts have those below.
const DATA: u64 = 1_000;

/// Data, a network, the law of the targets, losses to reach from the easiest on, and how many steps natural gradient has for it.
pub(super) struct Problem {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) net: Mlp,
    pub(super) inputs: Vec<f64>,
    pub(super) targets: Vec<f64>,
    pub(super) likelihood: Box<dyn Likelihood>,
    pub(super) goals: Vec<f64>,
    pub(super) steps: u64,
}

impl Problem {
    /// The four of them. With full effort the last goals are those that need a good minimum, not only a good descent.
    pub(super) fn all(context: &Context) -> Result<Vec<Self>, HarnessError> {
        Ok(vec![
            Self::teacher_student(context)?,
            Self::mackey_glass(context)?,
            Self::diabetes(context)?,
            Self::digits(context)?,
        ])
    }

    /// Three tanh units of ten inputs, without noise, learnt by six: an exact fit exists.
    fn teacher_student(context: &Context) -> Result<Self, HarnessError> {
        let examples = context.pick(512, 4096, 4096);
        let mut rng = context.rng(DATA);
        let mut normals = |len: usize, scale: f64| -> Vec<f64> {
            (0..len)
                .map(|_| -> f64 { StandardNormal.sample(&mut rng) })
                .map(|x| scale * x)
                .collect()
        };
        let inputs = normals(10 * examples, 1.0);
        let mut teacher = normals(30, 1.5 / 10f64.sqrt());
        teacher.extend([1.0; 3]);
        let mut targets = vec![0.0; examples];
        Mlp::committee(10, 3, Activation::Tanh)?
            .on_slice(&inputs)?
            .outputs(&teacher, &mut targets)?;
        Ok(Self {
            name: "teacher and student",
            file: "teacher-student",
            net: Mlp::new(&[10, 6, 1], Activation::Tanh)?,
            inputs,
            targets,
            likelihood: Box::new(Gaussian::UNIT),
            goals: vec![1e-6, 1e-10],
            steps: 100,
        })
    }

    /// The Mackey–Glass series six steps ahead, 4-10-1, the first 500 examples: a narrow curved valley.
    fn mackey_glass(context: &Context) -> Result<Self, HarnessError> {
        let data = mackey_glass()?;
        let train = Split::chronological(data.len(), Fractions::new(0.0, 0.5)?)?
            .apply(&data)
            .train;
        let goals = context.pick(vec![1e-4], vec![1e-4, 1e-5], vec![1e-4, 1e-5, 5e-6]);
        Ok(Self {
            name: "Mackey–Glass",
            file: "mackey-glass",
            net: Mlp::new(&[4, 10, 1], Activation::Tanh)?,
            inputs: flat(train.inputs()),
            targets: train.targets().to_vec(),
            likelihood: Box::new(Gaussian::UNIT),
            goals,
            steps: context.pick(60, 250, 4000),
        })
    }

    /// All of the diabetes data, standardised, 10-8-1: a fit with large residuals and many minima.
    fn diabetes(context: &Context) -> Result<Self, HarnessError> {
        let data = diabetes()?;
        let data = Standardizer::inputs_and_targets(&data)?.apply(&data)?;
        Ok(Self {
            name: "diabetes",
            file: "diabetes",
            net: Mlp::new(&[10, 8, 1], Activation::Tanh)?,
            inputs: flat(data.inputs()),
            targets: data.targets().to_vec(),
            likelihood: Box::new(Gaussian::UNIT),
            goals: context.pick(vec![0.4], vec![0.4, 0.35], vec![0.4, 0.35, 0.25]),
            steps: context.pick(60, 300, 10_000),
        })
    }

    /// Three quarters of the handwritten digits, 64-32-10: 2410 parameters, ten classes.
    fn digits(context: &Context) -> Result<Self, HarnessError> {
        let data = digits()?;
        let mut rng = context.rng(DATA + 1);
        let shares = Fractions::new(0.0, context.pick(0.75, 0.25, 0.25))?;
        let train = Split::random(data.len(), shares, &mut rng)?
            .apply(&data)
            .train;
        Ok(Self {
            name: "digits",
            file: "digits",
            net: Mlp::new(&[64, 32, 10], Activation::Tanh)?,
            inputs: flat(train.inputs()),
            targets: train.targets().to_vec(),
            likelihood: Box::new(Categorical),
            goals: vec![0.1, 0.01],
            steps: 60,
        })
    }

    pub(super) fn start(&self, rng: &mut dyn Rng) -> Vec<f64> {
        self.net
            .initialize_with_biases(Initialization::LeCun, 0.1, rng)
    }

    /// Mean square error for numbers, mean negative log-likelihood in nats for classes.
    pub(super) fn loss(
        &self,
        objective: &Objective<'_>,
        theta: &[f64],
    ) -> Result<f64, HarnessError> {
        let mut outputs = vec![0.0; objective.dims().output_len()];
        objective.map().outputs(theta, &mut outputs)?;
        if self.targets.len() < outputs.len() {
            return Ok(objective.loss_at(&outputs));
        }
        let squares = outputs
            .iter()
            .zip(&self.targets)
            .map(|(z, y)| (z - y) * (z - y));
        Ok(squares.sum::<f64>() / outputs.len() as f64)
    }
}

/// The columns of a matrix one after the other.
fn flat(matrix: faer::MatRef<'_, f64>) -> Vec<f64> {
    matrix
        .col_iter()
        .flat_map(|column| column.iter().copied().collect::<Vec<_>>())
        .collect()
}
