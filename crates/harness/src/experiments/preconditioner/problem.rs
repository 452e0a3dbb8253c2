//! Three tables of real numbers, a network for each, and its parameters at three points of training.

use faer::{Mat, MatRef};
use neuromanifold_geometry::closed_form::{GaussianInput, Shrinkage};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Likelihood};
use neuromanifold_optim::{Damping, NaturalGradient, Objective, Optimizer};

use crate::data::{Dataset, Standardizer, concrete, digits, mackey_glass};
use crate::{Context, HarnessError};

/// Streams of the generators: initial parameters of problem `k`, and the inputs of its twin.
const INITIAL: u64 = 0;
const TWIN: u64 = 100;

/// Inputs with targets, a network, the law of the targets, and the normal law fitted to the inputs.
#[derive(Clone)]
pub(super) struct Problem {
    pub(super) name: &'static str,
    pub(super) net: Mlp,
    pub(super) likelihood: &'static dyn Likelihood,
    pub(super) inputs: Mat<f64>,
    pub(super) targets: Vec<f64>,
    pub(super) law: GaussianInput,
    /// Ledoit and Wolf's weight of the identity in the covariance of the law.
    pub(super) shrinkage: f64,
    /// After how many steps of natural gradient the metric is looked at.
    pub(super) steps: [usize; 3],
}

/// Parameters on the way, with the gradient there.
pub(super) struct Point {
    pub(super) steps: usize,
    pub(super) loss: f64,
    pub(super) theta: Vec<f64>,
    pub(super) gradient: Vec<f64>,
}

impl Problem {
    pub(super) fn all(context: &Context) -> Result<Vec<Self>, HarnessError> {
        let data = concrete()?;
        let data = Standardizer::inputs_and_targets(&data)?.apply(&data)?;
        let (few, many) = (context.pick(5, 10, 10), context.pick(20, 100, 100));
        let concrete = Self::new("concrete", &data, 30, [0, few, many])?;
        let data = mackey_glass()?;
        let series = Self::new("Mackey–Glass", &data, 20, [0, few, many])?;
        let data = digits()?;
        let some = context.pick(200, 400, data.len());
        let data = data.select(&(0..some).collect::<Vec<_>>());
        let (few, many) = context.pick((1, 3), (5, 20), (5, 20));
        let digits = Self::new("digits", &data, 24, [0, few, many])?;
        Ok(vec![concrete, series, digits])
    }

    fn new(
        name: &'static str,
        data: &Dataset,
        hidden: usize,
        steps: [usize; 3],
    ) -> Result<Self, HarnessError> {
        let inputs = data.inputs().to_owned();
        let likelihood: &'static dyn Likelihood = match data.task().classes() {
            Some(_) => &Categorical,
            None => &Gaussian::UNIT,
        };
        Ok(Self {
            name,
            net: Mlp::new(
                &[data.input_dimension(), hidden, data.output_dimension()],
                Activation::Tanh,
            )?,
            likelihood,
            targets: data.targets().to_vec(),
            law: GaussianInput::of_sample(inputs.as_ref(), Shrinkage::LedoitWolf)?,
            shrinkage: Shrinkage::LedoitWolf.weight(inputs.as_ref())?,
            inputs,
            steps,
        })
    }

    /// Where natural gradient with Levenberg–Marquardt damping passes.
    pub(super) fn points(&self, place: u64, context: &Context) -> Result<Vec<Point>, HarnessError> {
        let batch = self.net.on(self.inputs.as_ref())?;
        let objective = Objective::new(&batch, self.likelihood, &self.targets)?;
        let rng = &mut context.rng(INITIAL + place);
        let mut theta = self
            .net
            .initialize_with_biases(Initialization::LeCun, 0.1, rng);
        let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt())?;
        let mut done = 0;
        let mut points = Vec::new();
        for steps in self.steps {
            while done < steps {
                context.check()?;
                optimizer.step(&objective, &mut theta)?;
                done += 1;
            }
            let mut gradient = vec![0.0; theta.len()];
            let loss = objective.gradient(&theta, &mut gradient)?;
            points.push(Point {
                steps,
                loss,
                theta: theta.clone(),
                gradient,
            });
        }
        Ok(points)
    }

    /// As many inputs, drawn from the fitted law: real data as the closed form takes them.
    pub(super) fn twin(&self, place: u64, context: &Context) -> Mat<f64> {
        self.law
            .draw(self.inputs.ncols(), &mut context.rng(TWIN + place))
    }

    /// `E[H(f(x))]`, the average output Fisher matrix, `K × K`.
    pub(super) fn mean_precision(&self, outputs: &[f64]) -> Mat<f64> {
        let width = self.net.outputs();
        let rank = self.likelihood.factor_rank(width);
        let mut factor = vec![0.0; width * rank];
        let mut sum = Mat::zeros(width, width);
        let share = width as f64 / outputs.len() as f64;
        for z in outputs.chunks_exact(width) {
            self.likelihood.factor(z, &mut factor);
            let factor = MatRef::from_column_major_slice(&factor, width, rank);
            for a in 0..width {
                for b in 0..width {
                    let product: f64 = (0..rank).map(|r| factor[(a, r)] * factor[(b, r)]).sum();
                    sum[(a, b)] += share * product;
                }
            }
        }
        sum
    }
}
