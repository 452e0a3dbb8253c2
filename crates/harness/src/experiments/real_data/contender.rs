//! The optimisers that are compared, and the grids their settings are chosen from.

use std::fmt;

use neuromanifold_optim::{
    Adam, AdaptiveNaturalGradient, Damping, LevenbergMarquardt, Momentum, NaturalGradient,
    OptimError, Optimizer, Rule, Schedule, Sgd,
};

use super::cost;
use super::problem::Problem;
use crate::record::number::significant;

/// An optimiser that takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contender {
    Momentum,
    Adam,
    Natural,
    Adaptive,
    AdaptiveFirstOrder,
}

/// What a contender can be told: the point of its grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Setting {
    pub(super) batch: Batch,
    pub(super) learning_rate: f64,
    pub(super) decay: Decay,
    pub(super) metric: MetricSetting,
}

/// The examples of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    /// So many, chosen anew for each step.
    Mini(usize),
    /// All N.
    Whole,
}

impl Batch {
    /// How many of `all` they are.
    pub(super) fn examples(self, all: usize) -> usize {
        match self {
            Self::Mini(examples) => examples.min(all),
            Self::Whole => all,
        }
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mini(examples) => write!(formatter, "{examples}"),
            Self::Whole => formatter.write_str("N"),
        }
    }
}

/// How the learning rate changes in the course of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decay {
    Constant,
    /// Half a cosine down to a hundredth.
    Cosine,
}

/// How the metric is made invertible or averaged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MetricSetting {
    /// There is no metric.
    None,
    /// λ is searched for, from this fraction of the mean eigenvalue on.
    Searched(f64),
    /// λ in nats.
    Damping(f64),
    /// ε, the weight of the present batch in the average.
    Forgetting(f64),
}

/// Examples of a mini-batch of the first-order methods.
const MINI_BATCH: usize = 32;
/// Examples of a step of the adaptive methods, whose metric remembers those before.
const FEW: usize = 8;
/// Columns in the metric of a mini-batch: examples times the rank of the output Fisher matrix.
const COLUMNS: usize = 288;
/// The share of the learning rate that is left at the end of a run.
const FLOOR: f64 = 0.01;
/// Nominal seconds up to which a step of natural gradient takes the whole batch.
const FULL_BATCH: f64 = 3e-3;
/// The largest P whose P×P estimate of the inverse metric is kept.
const LARGEST_ADAPTIVE: usize = 3_000;

impl Contender {
    pub(super) const ALL: [Self; 5] = [
        Self::Natural,
        Self::Adaptive,
        Self::AdaptiveFirstOrder,
        Self::Adam,
        Self::Momentum,
    ];

    /// Its name in figures and tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Momentum => "SGD with momentum",
            Self::Adam => "Adam",
            Self::Natural => "natural gradient",
            Self::Adaptive => "adaptive natural gradient",
            Self::AdaptiveFirstOrder => "adaptive, first-order rule",
        }
    }

    /// Its place in the palette.
    pub(super) fn slot(self) -> usize {
        Self::ALL
            .iter()
            .position(|other| *other == self)
            .unwrap_or(0)
    }

    /// Whether it knows no metric.
    pub(super) fn is_first_order(self) -> bool {
        matches!(self, Self::Momentum | Self::Adam)
    }

    /// Whether it can be had for a problem of this size.
    pub(super) fn takes_part(self, problem: &Problem) -> bool {
        let adaptive = matches!(self, Self::Adaptive | Self::AdaptiveFirstOrder);
        !adaptive || problem.net.parameters() <= LARGEST_ADAPTIVE
    }

    /// Its grid on a problem.
    pub(super) fn grid(self, problem: &Problem) -> Vec<Setting> {
        let all = problem.tuning.train.len();
        let batches = [Batch::Mini(MINI_BATCH), Batch::Whole];
        match self {
            Self::Momentum => product(
                &batches,
                &[0.003, 0.01, 0.03, 0.1, 0.3],
                &[MetricSetting::None],
            ),
            Self::Adam => product(
                &batches,
                &[0.001, 0.003, 0.01, 0.03, 0.1],
                &[MetricSetting::None],
            ),
            Self::Natural if cost::step(problem, self, all) <= FULL_BATCH => product(
                &[Batch::Whole],
                &[1.0],
                &[1e-3, 1e-1, 10.0].map(MetricSetting::Searched),
            ),
            Self::Natural => {
                let rank = problem.likelihood.factor_rank(problem.net.outputs());
                let batch = Batch::Mini((COLUMNS / rank).max(1));
                product(
                    &[batch],
                    &[0.3, 1.0],
                    &[1e-2, 1e-1, 1.0].map(MetricSetting::Damping),
                )
            }
            Self::Adaptive | Self::AdaptiveFirstOrder => {
                let forgetting = [1e-3, 1e-2, 1e-1].map(MetricSetting::Forgetting);
                product(&[Batch::Mini(FEW)], &[0.01, 0.03, 0.1, 0.3], &forgetting)
            }
        }
    }

    /// The optimiser with a setting, for a run of so many steps.
    pub(super) fn optimizer(
        self,
        setting: Setting,
        steps: usize,
    ) -> Result<Box<dyn Optimizer>, OptimError> {
        let schedule = |initial: f64| match setting.decay {
            Decay::Constant => Schedule::constant(initial),
            Decay::Cosine => Schedule::cosine(initial, FLOOR * initial, steps.max(1) as u64),
        };
        let rate = schedule(setting.learning_rate)?;
        Ok(match (self, setting.metric) {
            (Self::Adam, _) => Box::new(Adam::new(rate)),
            (Self::Natural, MetricSetting::Searched(initial)) => {
                let damping = Damping::LevenbergMarquardt(
                    LevenbergMarquardt::default().with_initial(initial)?,
                );
                Box::new(NaturalGradient::new(damping)?)
            }
            (Self::Natural, MetricSetting::Damping(lambda)) => {
                Box::new(NaturalGradient::new(Damping::Fixed(lambda))?.with_learning_rate(rate))
            }
            (Self::Adaptive, MetricSetting::Forgetting(epsilon)) => {
                let weight = schedule(epsilon)?;
                Box::new(AdaptiveNaturalGradient::new(
                    Rule::ShermanMorrison,
                    rate,
                    weight,
                ))
            }
            (Self::AdaptiveFirstOrder, MetricSetting::Forgetting(epsilon)) => {
                let weight = schedule(epsilon)?;
                Box::new(AdaptiveNaturalGradient::new(Rule::FirstOrder, rate, weight))
            }
            _ => Box::new(Sgd::new(rate).with_momentum(Momentum::HeavyBall(0.9))?),
        })
    }
}

fn product(batches: &[Batch], rates: &[f64], metrics: &[MetricSetting]) -> Vec<Setting> {
    let mut grid = Vec::new();
    for &batch in batches {
        for &learning_rate in rates {
            grid.extend(metrics.iter().map(|&metric| Setting {
                batch,
                learning_rate,
                decay: Decay::Cosine,
                metric,
            }));
        }
    }
    grid
}

impl MetricSetting {
    /// The symbol of what is set, and its value.
    pub(super) fn named(self) -> Option<(&'static str, f64)> {
        match self {
            Self::None => None,
            Self::Searched(initial) => Some(("λ_{1} P/tr G", initial)),
            Self::Damping(lambda) => Some(("λ", lambda)),
            Self::Forgetting(epsilon) => Some(("ε", epsilon)),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "b = {}, η = {}",
            self.batch,
            significant(self.learning_rate, 3)
        )?;
        match self.metric.named() {
            Some((name, value)) => write!(formatter, ", {name} = {}", significant(value, 3)),
            None => Ok(()),
        }
    }
}
