//! Networks trained on real data.

use neuromanifold_geometry::quotient::Probe;
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Likelihood, OutputMap};
use neuromanifold_optim::{Adam, Damping, NaturalGradient, Objective, Optimizer, Schedule};

use crate::data::{Batches, Dataset, Fractions, Split, Standardizer, Task, concrete, digits};
use crate::{Context, HarnessError};

/// A network trained on real data.
pub(super) struct Trained {
    pub(super) name: &'static str,
    pub(super) net: Mlp,
    pub(super) theta: Vec<f64>,
    train: Dataset,
    test: Dataset,
    likelihood: Box<dyn Likelihood>,
    /// Units of the reported error for one unit of the network's.
    scale: f64,
    pub(super) measure: (&'static str, &'static str),
}

impl Trained {
    /// 8-24-1 by natural gradient; σ is the residual of the fit, so that nats mean something.
    pub(super) fn concrete(context: &Context) -> Result<Self, HarnessError> {
        context.progress().begin("training on concrete", 1);
        let mut rng = context.rng(1);
        let data = concrete()?;
        let parts = Split::random(data.len(), Fractions::new(0.0, 0.2)?, &mut rng)?.apply(&data);
        let standard = Standardizer::inputs_and_targets(&parts.train)?;
        let (train, test) = (standard.apply(&parts.train)?, standard.apply(&parts.test)?);
        let net = Mlp::new(&[8, 24, 1], Activation::Tanh)?;
        let mut theta = net.initialize(Initialization::LeCun, &mut rng);
        let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt())?;
        let batch = net.on(train.inputs())?;
        let objective = Objective::new(&batch, &Gaussian::UNIT, train.targets())?;
        for _ in 0..context.pick(15, 30, 60) {
            context.check()?;
            optimizer.step(&objective, &mut theta)?;
        }
        let residual = mean_square(&net, &theta, &train)?.sqrt();
        let scale = standard.target_scales()[0];
        Ok(Self {
            name: "concrete",
            net,
            theta,
            train,
            test,
            likelihood: Box::new(Gaussian::new(residual)?),
            scale,
            measure: ("test RMSE", "MPa"),
        })
    }

    /// 64-32-10 by Adam.
    pub(super) fn digits(context: &Context) -> Result<Self, HarnessError> {
        let mut rng = context.rng(2);
        let data = digits()?;
        let parts = Split::random(data.len(), Fractions::new(0.0, 0.25)?, &mut rng)?.apply(&data);
        let net = Mlp::new(&[64, 32, 10], Activation::Tanh)?;
        let mut theta = net.initialize(Initialization::LeCun, &mut rng);
        let mut optimizer = Adam::new(Schedule::constant(3e-3)?);
        let epochs = context.pick(10, 30, 60);
        context.progress().begin("training on digits", epochs);
        let mut batches = Batches::new(&parts.train, 64)?;
        for _ in 0..epochs {
            context.check()?;
            batches.shuffle(&mut rng);
            while let Some(batch) = batches.next_batch() {
                let map = net.on(batch.inputs)?;
                optimizer.step(
                    &Objective::new(&map, &Categorical, batch.targets)?,
                    &mut theta,
                )?;
            }
            context.progress().advance(1);
        }
        Ok(Self {
            name: "digits",
            net,
            theta,
            train: parts.train,
            test: parts.test,
            likelihood: Box::new(Categorical),
            scale: 1.0,
            measure: ("test misclassification", "%"),
        })
    }

    pub(super) fn probe(&self) -> Probe<'_> {
        Probe {
            inputs: self.train.inputs(),
            likelihood: self.likelihood.as_ref(),
        }
    }

    pub(super) fn test_error(&self, net: &Mlp, theta: &[f64]) -> Result<f64, HarnessError> {
        match self.test.task() {
            Task::Classification { .. } => Ok(100.0 * misclassified(net, theta, &self.test)?),
            _ => Ok(self.scale * mean_square(net, theta, &self.test)?.sqrt()),
        }
    }
}

fn outputs(net: &Mlp, theta: &[f64], data: &Dataset) -> Result<Vec<f64>, HarnessError> {
    let batch = net.on(data.inputs())?;
    let mut z = vec![0.0; batch.dims().output_len()];
    batch.outputs(theta, &mut z)?;
    Ok(z)
}

fn mean_square(net: &Mlp, theta: &[f64], data: &Dataset) -> Result<f64, HarnessError> {
    let z = outputs(net, theta, data)?;
    Ok(z.iter()
        .zip(data.targets())
        .map(|(z, y)| (z - y) * (z - y))
        .sum::<f64>()
        / z.len() as f64)
}

fn misclassified(net: &Mlp, theta: &[f64], data: &Dataset) -> Result<f64, HarnessError> {
    let z = outputs(net, theta, data)?;
    let wrong = z
        .chunks_exact(net.outputs())
        .zip(data.targets())
        .filter(|(z, y)| {
            let best = (0..z.len())
                .max_by(|a, b| z[*a].total_cmp(&z[*b]))
                .unwrap_or(0);
            best != **y as usize
        });
    Ok(wrong.count() as f64 / data.len() as f64)
}
