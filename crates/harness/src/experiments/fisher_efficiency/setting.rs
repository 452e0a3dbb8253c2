//! The regression near its true parameter, and what theory says about learning there.

use neuromanifold_geometry::Metric as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::online::{Rate, learn};
use super::prediction::Linearized;
use crate::experiments::average::Average;
use crate::experiments::fourth_moments::FourthMoments;
use crate::experiments::inflation::gaussians;
use crate::experiments::principal_axes::PrincipalAxes;
use crate::experiments::regression::Regression;
use crate::{Context, HarnessError};

/// The noise of the targets. Small, so that estimates after some hundred examples are where `f` is linear in θ.
const SIGMA: f64 = 0.2;
/// `t₀`: the examples that the start is worth.
pub(super) const OFFSET: f64 = 200.0;

/// The regression, and its geometry at θ*.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) regression: Regression,
    pub(super) axes: PrincipalAxes,
    pub(super) moments: FourthMoments,
    /// The largest squared length of `∇f/σ` that an input can give.
    pub(super) longest: f64,
}

/// Independent runs of one rule.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) rate: Rate,
    /// Steps after which there was a look.
    pub(super) times: Vec<u64>,
    /// θ at the last time, run by run.
    pub(super) estimates: Vec<Vec<f64>>,
    /// `(t+t₀) E[L−L*]/(P/2)`, run by run, at each time.
    pub(super) excess: Vec<Vec<f64>>,
    /// What linearised dynamics predicts for their mean at each time.
    pub(super) predicted: Vec<f64>,
}

impl Setting {
    pub(super) fn new() -> Result<Self, HarnessError> {
        let regression = Regression::new(SIGMA)?;
        let metric = regression.fisher(regression.truth())?.to_dense();
        let axes = PrincipalAxes::new(metric.as_ref())?;
        let (gradients, weights) = regression.gradients()?;
        let gradients = axes.covectors(gradients.as_ref());
        let lengths = gradients.col_iter().map(|k| k.squared_norm_l2());
        Ok(Self {
            longest: lengths.fold(0.0, f64::max),
            moments: FourthMoments::new(gradients.as_ref(), &weights),
            regression,
            axes,
        })
    }

    /// The least excess loss in nats that any estimate from so many examples can have on average.
    pub(super) fn bound(&self, examples: f64) -> f64 {
        0.5 * self.regression.dim() as f64 / examples
    }

    /// A draw from the prior `N(θ*, G⁻¹/examples)`.
    pub(super) fn prior(&self, examples: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut theta = self.axes.tangent(&gaussians(self.regression.dim(), rng));
        for (t, truth) in theta.iter_mut().zip(self.regression.truth()) {
            *t = truth + *t / examples.sqrt();
        }
        theta
    }

    /// Runs from the prior that is worth `t₀` examples, each with a random stream of its own.
    pub(super) fn runs(
        &self,
        rate: Rate,
        count: u64,
        times: &[u64],
        stream: u64,
        context: &Context,
    ) -> Result<Runs, HarnessError> {
        let at = |time: u64| 1.0 / self.bound(time as f64 + rate.offset);
        let linearized = Linearized {
            moments: &self.moments,
            eigenvalues: self.axes.eigenvalues(),
        };
        let predicted = linearized.excess_loss(rate, times).into_iter();
        let run = |index: u64| {
            let mut rng = context.rng(stream + index);
            let start = self.prior(rate.offset, &mut rng);
            let seen = learn(&self.regression, rate, start, times, context, &mut rng)?;
            let excess = seen
                .iter()
                .zip(times)
                .map(|(theta, time)| Ok(at(*time) * self.regression.excess_loss(theta)?));
            let excess = excess.collect::<Result<Vec<_>, HarnessError>>()?;
            context.progress().advance(1);
            Ok((seen.into_iter().next_back().unwrap_or_default(), excess))
        };
        let runs: Result<Vec<_>, HarnessError> = (0..count).into_par_iter().map(run).collect();
        let (estimates, excess) = runs?.into_iter().unzip();
        Ok(Runs {
            rate,
            times: times.to_vec(),
            estimates,
            excess,
            predicted: predicted.zip(times).map(|(e, t)| at(*t) * e).collect(),
        })
    }
}

impl Runs {
    /// Examples seen at each time, those that the start is worth included.
    pub(super) fn examples(&self) -> impl Iterator<Item = f64> {
        self.times
            .iter()
            .map(|time| *time as f64 + self.rate.offset)
    }

    /// Over the runs, at each time.
    pub(super) fn averages(&self) -> Vec<Average> {
        let at = |k: usize| Average::of(self.excess.iter().map(|run| run[k]));
        (0..self.times.len()).map(at).collect()
    }

    /// At the last time.
    pub(super) fn last(&self) -> (Average, f64) {
        let last = self.times.len() - 1;
        (
            Average::of(self.excess.iter().map(|run| run[last])),
            self.predicted[last],
        )
    }

    /// Measured over predicted, averaged over the times first, since those of one run are not independent.
    pub(super) fn over_predicted(&self) -> Average {
        let of = |run: &Vec<f64>| {
            let ratios = run.iter().zip(&self.predicted).map(|(e, p)| e / p);
            ratios.sum::<f64>() / run.len() as f64
        };
        Average::of(self.excess.iter().map(of))
    }
}

/// `count` times up to the last, evenly spaced in the logarithm of the examples.
pub(super) fn times(last: u64, count: u32) -> Vec<u64> {
    let span = ((last as f64 + OFFSET) / OFFSET).ln();
    let at = |k: u32| OFFSET * ((span * f64::from(k) / f64::from(count)).exp() - 1.0);
    (1..=count).map(|k| at(k).round() as u64).collect()
}
