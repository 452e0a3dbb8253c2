//! `neuromanifold train`.

pub(crate) mod examples;
mod failure;
mod keeper;
mod report;
pub(crate) mod saved;
mod stop;

pub(crate) use failure::TrainFailure;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::memory;
use crate::output::Output;
use crate::place;
use clap::{Args, ValueEnum};
use examples::ExampleOptions;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keeper::{Interval, Keeper, probe, taken_up};
use neuromanifold_geometry::faer;
use neuromanifold_harness::Interrupt;
use neuromanifold_harness::training::{Method, Plan, Problem, Training, TrainingError};
use neuromanifold_mlp::{Activation, Mlp};
use report::{Stop, Trained};
use saved::Names;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Trains a network on a table, arrays or images.
///
/// Inputs, and targets that are numbers, are standardised with means and deviations of the training part; the network that is
/// written takes them in their own units. A fifth of the examples is put aside, and the parameters with the smallest loss there
/// are kept. Losses are mean squared residuals in units of each target's variance (1 for who predicts the mean), for classes
/// nats.
///
/// With --checkpoint the run can be killed at any moment and taken up with --resume: it ends in the same bits as one that was
/// never stopped, on the same machine (but for lbfgs, whose memory begins anew, and for --time, which counts this process alone).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuromanifold train --data concrete.csv --target strength --layers 8,10,1 -o concrete.safetensors
  neuromanifold train --data train-images-idx3-ubyte.gz --target train-labels-idx1-ubyte.gz \\
      --layers 784,64,10 --activation relu --optimizer adam --epochs 20 \\
      --checkpoint run.checkpoint --resume -o fashion.safetensors")]
pub(crate) struct Train {
    #[command(flatten)]
    examples: ExampleOptions,

    /// Widths from inputs to outputs, as 8,10,1. For classes as many outputs as classes, or 1 for two.
    #[arg(long, value_name = "WIDTH,…", value_delimiter = ',', required = true)]
    layers: Vec<usize>,

    /// Activation of the hidden layers: tanh, relu, logistic, erf, softplus or identity.
    #[arg(long, value_name = "NAME", default_value = "tanh")]
    activation: Activation,

    /// How the network is trained; auto is natural gradient where that is a matter of seconds a step, else adam.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    optimizer: OptimizerName,

    /// Examples a step; for auto, natgrad and lbfgs always all.
    #[arg(long, value_name = "N")]
    batch: Option<usize>,

    /// First learning rate of adam, sgd and adaptive; falls to a hundredth over the epochs.
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,

    /// Share of the examples put aside to judge by; 0 for none.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    validation: f64,

    /// Seed of all random numbers.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,

    /// Passes over the training part [default: 500 where a step takes all examples, else 100].
    #[arg(long, value_name = "N", help_heading = "When to stop")]
    epochs: Option<u64>,

    /// Steps.
    #[arg(long, value_name = "N", help_heading = "When to stop")]
    steps: Option<u64>,

    /// Seconds of this process. The only rule that a run does not repeat to the bit.
    #[arg(long, value_name = "SECONDS", value_parser = bound, help_heading = "When to stop")]
    time: Option<f64>,

    /// Epochs without a smaller loss on what was put aside; 0 for no such rule [default: 50 where a step takes all examples,
    /// else 20].
    #[arg(long, value_name = "EPOCHS", help_heading = "When to stop")]
    patience: Option<u64>,

    /// The loss that is small enough.
    #[arg(long, value_name = "LOSS", value_parser = bound, help_heading = "When to stop")]
    target_loss: Option<f64>,

    /// Keep the run in this file, so that it can be taken up.
    #[arg(long, value_name = "FILE", help_heading = "Checkpoints")]
    checkpoint: Option<PathBuf>,

    /// How often: steps as 500, or a time as 30s, 5m or 1h.
    #[arg(
        long,
        value_name = "INTERVAL",
        default_value = "30s",
        help_heading = "Checkpoints"
    )]
    every: Interval,

    /// Go on from the checkpoint, if there is one.
    #[arg(long, requires = "checkpoint", help_heading = "Checkpoints")]
    resume: bool,

    /// The file of the network: safetensors, as a PyTorch nn.Sequential loads it.
    #[arg(short, long, value_name = "NET")]
    output: PathBuf,
}

/// The optimisers by the names of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OptimizerName {
    /// Natural gradient without settings; adam where the network or the data are too large for it.
    Auto,
    /// Natural gradient with Levenberg–Marquardt damping, to the nearest minimum.
    Natgrad,
    /// Adaptive natural gradient, on batches.
    Adaptive,
    /// Extended Kalman filter, example by example.
    Ekf,
    /// Adam.
    Adam,
    /// Gradient descent with momentum.
    Sgd,
    /// L-BFGS.
    Lbfgs,
}

impl Train {
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        let written = [&*self.output]
            .into_iter()
            .chain(self.checkpoint.as_deref());
        place::apart(written, self.examples.files())?;
        self.fits()?;
        let (trained, exit) = self.train(output)?;
        output.show("train", &trained)?;
        Ok(exit)
    }

    /// Passes unless the network alone is more than the memory holds.
    fn fits(&self) -> Result<(), Failure> {
        /// Of parameters: estimate, best, gradient, moments, a checkpoint and its bytes.
        const VECTORS: u128 = 16;
        /// Examples whose activations are there at once.
        const BLOCK: u128 = 256;
        let Ok(net) = Mlp::new(&self.layers, self.activation) else {
            return Ok(()); // told where it is trained
        };
        let parameters = net.parameters() as u128;
        let units: u128 = self.layers.iter().map(|width| *width as u128).sum();
        let square = match self.optimizer {
            OptimizerName::Adaptive | OptimizerName::Ekf => parameters.pow(2),
            _ => 0,
        };
        let numbers = VECTORS * parameters + BLOCK * units + square;
        memory::require(
            "training",
            8 * numbers,
            "give fewer units with --layers; the adaptive and ekf optimizers keep a number for each pair of parameters",
        )
    }

    fn train(&self, output: &Output) -> Result<(Trained, Exit), TrainFailure> {
        let begin = Instant::now();
        let net = Mlp::new(&self.layers, self.activation);
        let net = net.map_err(TrainingError::from)?;
        probe(&self.output)?;
        if let Some(path) = &self.checkpoint {
            probe(path)?;
            if path.exists() && !self.resume {
                return Err(TrainFailure::Exists { path: path.clone() });
            }
        }
        // Sums in an order that does not depend on the number of threads.
        faer::set_global_parallelism(faer::Par::Seq);
        let (problem, names) = {
            let data = self.examples.read(net.outputs())?;
            (
                Problem::new(&data, net, self.validation, self.seed)?,
                Names::of(&data),
            )
        };
        let (plan, name) = self.plan(&problem)?;
        let taken_up = match &self.checkpoint {
            Some(path) => taken_up(path, &problem, &plan)?,
            None => None,
        };
        let mut training = match taken_up {
            Some(training) => training,
            None => Training::new(&problem, &plan)?,
        };
        let mut keeper =
            (self.checkpoint.clone()).map(|path| Keeper::new(path, self.every, training.steps()));
        let interrupt = stop::listen()?;
        if let Some(keeper) = &mut keeper {
            keeper.keep(&training)?; // a file that cannot be written is told now
        }
        let stopped = self.go_on(&mut training, keeper.as_mut(), &plan, &interrupt, output);
        let best = training
            .result()
            .unwrap_or_else(|_| training.best().clone());
        saved::network(&problem, &best, &names, &self.output)?.write(&self.output)?;
        let stop = stopped.map_err(|error| match error {
            TrainFailure::Training(source) => TrainFailure::Broke {
                steps: training.steps(),
                source: Box::new(source),
            },
            other => other,
        })?;
        let trained = Trained::new(&problem, &training, &best, &names, stop, name)?;
        let seconds = begin.elapsed().as_secs_f64();
        let trained = trained.saved(&self.output, self.checkpoint.as_deref(), seconds);
        let exit = match stop {
            Stop::Interrupted => Exit::Interrupted,
            _ => Exit::Success,
        };
        Ok((trained, exit))
    }

    /// The plan, and the name of its optimiser.
    fn plan(&self, problem: &Problem) -> Result<(Plan, &'static str), TrainFailure> {
        let method = match self.optimizer {
            OptimizerName::Auto => Method::suited_to(problem.dims()),
            OptimizerName::Natgrad => Method::Natural,
            OptimizerName::Adaptive => Method::Adaptive,
            OptimizerName::Ekf => Method::ExtendedKalman,
            OptimizerName::Adam => Method::Adam,
            OptimizerName::Sgd => Method::Sgd,
            OptimizerName::Lbfgs => Method::Lbfgs,
        };
        let name = match method {
            Method::Auto => "natural gradient (auto)",
            Method::Natural => "natural gradient",
            Method::Adaptive => "adaptive natural gradient",
            Method::ExtendedKalman => "extended Kalman filter",
            Method::Adam => "adam",
            Method::Sgd => "sgd",
            _ => "l-bfgs",
        };
        let mut plan = Plan::new(method);
        if let Some(epochs) = self.epochs {
            plan = plan.epochs(epochs);
        }
        if let Some(steps) = self.steps {
            plan = plan.steps(steps);
        }
        if let Some(loss) = self.target_loss {
            plan = plan.target_loss(loss);
        }
        if let Some(examples) = self.batch {
            plan = plan.batch(examples)?;
        }
        if let Some(rate) = self.learning_rate {
            plan = plan.learning_rate(rate)?;
        }
        let usual = match (problem.validates(), method.is_whole_batch()) {
            (false, _) => 0,
            (true, true) => 50,
            (true, false) => 20,
        };
        match self.patience.unwrap_or(usual) {
            0 => {}
            epochs => plan = plan.patience(epochs),
        }
        Ok((plan, name))
    }

    /// Takes steps until a rule, the clock or the user says stop, and keeps the run on the way and at the end.
    ///
    /// The clock decides between two steps whether to go on and whether to write, never what a step does.
    fn go_on(
        &self,
        training: &mut Training<'_>,
        mut keeper: Option<&mut Keeper>,
        plan: &Plan,
        interrupt: &Interrupt,
        output: &Output,
    ) -> Result<Stop, TrainFailure> {
        let bar = bar(training, plan, output);
        let clock = Instant::now();
        let limit = self.time.map_or(f64::INFINITY, |seconds| seconds);
        let mut full = false;
        let stop = loop {
            if interrupt.raised() {
                break Stop::Interrupted;
            }
            if clock.elapsed().as_secs_f64() >= limit {
                break Stop::Time;
            }
            if let Some(ending) = training.step()? {
                break Stop::Ended(ending);
            }
            show(&bar, training);
            // A disk that is full may have room again: the run goes on, with the last checkpoint as it was.
            if let Some(Err(error)) = keeper.as_mut().map(|k| k.keep_if_due(training)) {
                if !full {
                    bar.suspend(|| warn(&format!("{error}; training goes on")));
                }
                full = true;
            }
        };
        bar.finish_and_clear();
        if let Some(Err(error)) = keeper.map(|keeper| keeper.keep(training)) {
            warn(&error.to_string());
        }
        Ok(stop)
    }
}

/// A number that something can fall below or rise above.
fn bound(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| !number.is_nan());
    number.ok_or_else(|| format!("expected a number, found {text:?}"))
}

/// Says on standard error what went wrong and ends nothing. Where that cannot be written either, it is not said.
fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "warning: {text}");
}

fn bar(training: &Training<'_>, plan: &Plan, output: &Output) -> ProgressBar {
    let target = if output.quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(Some(plan.last_epoch()), target);
    let template = "{bar:24.cyan/dim} epoch {pos}/{len}  {msg}  {eta:.dim} left";
    let style = ProgressStyle::with_template(template);
    bar.set_style(
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━━╌"),
    );
    bar.set_position(training.epochs());
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(bar: &ProgressBar, training: &Training<'_>) {
    if bar.position() == training.epochs() && training.steps() > 1 {
        return;
    }
    bar.set_position(training.epochs());
    if let Some(look) = training.curve().looks().last() {
        bar.set_message(format!(
            "loss {:.3e}, validation {:.3e}, best {:.3e}",
            look.training,
            look.validation,
            training.best().loss
        ));
    }
}
