//! On-line learning of a two-unit teacher by a two-unit student, example after example, seen through the order parameters.

use neuromanifold_geometry::closed_form::online::OrderParameters;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::committee::{SoftCommittee, overlaps};
use super::learner::Learner;
use super::start::{Start, UNITS, teacher};
use super::theory::Theory;
use crate::{Context, HarnessError};

/// One run: what there was to see at times `α = 0, 1, 2, …`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Simulated {
    pub(super) alpha: Vec<f64>,
    pub(super) error: Vec<f64>,
    pub(super) at: Vec<Overlaps>,
}

/// `R_11, R_12, R_21, R_22` and `Q_11, Q_12, Q_22`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Overlaps {
    pub(super) teacher: [f64; 4],
    pub(super) student: [f64; 3],
}

impl Overlaps {
    pub(super) fn of(at: &OrderParameters) -> Self {
        let (q, r) = (at.students(), at.overlaps());
        Self {
            teacher: [r[(0, 0)], r[(0, 1)], r[(1, 0)], r[(1, 1)]],
            student: [q[(0, 0)], q[(0, 1)], q[(1, 1)]],
        }
    }

    /// All seven.
    pub(super) fn all(&self) -> impl Iterator<Item = f64> {
        self.teacher.into_iter().chain(self.student)
    }
}

impl Simulated {
    /// The first time at which the generalisation error is below a level, or infinity.
    pub(super) fn escape(&self, level: f64) -> f64 {
        let first = self.error.iter().position(|error| *error < level);
        first.map_or(f64::INFINITY, |k| self.alpha[k])
    }

    fn record(
        &mut self,
        alpha: f64,
        weights: &[f64],
        teacher: &[f64],
        dimension: usize,
    ) -> Result<(), HarnessError> {
        let at = OrderParameters::new(
            overlaps(weights, weights, dimension).as_ref(),
            overlaps(weights, teacher, dimension).as_ref(),
        )?;
        let error = Theory::gradient(1.0)
            .committee()?
            .generalization_error(&at)?;
        self.alpha.push(alpha);
        self.error.push(error.max(0.0)); // a difference of equal terms at a perfect student
        self.at.push(Overlaps::of(&at));
        Ok(())
    }
}

/// Learns from `α_max·n` examples `y = f_teacher(x)`, `x ~ N(0, I_n)`, without noise.
pub(super) fn learn(
    learner: Learner,
    start: &Start,
    dimension: usize,
    alpha_max: usize,
    context: &Context,
    rng: &mut ChaCha8Rng,
) -> Result<Simulated, HarnessError> {
    let teacher = teacher(dimension);
    let mut weights = start.weights(dimension);
    let mut work = learner.begin(dimension, weights.len())?;
    let mut simulated = Simulated::default();
    let mut x = vec![0.0; dimension];
    for alpha in 0..=alpha_max {
        context.check()?;
        simulated.record(alpha as f64, &weights, &teacher, dimension)?;
        if alpha == alpha_max {
            break;
        }
        for _ in 0..dimension {
            x.fill_with(|| StandardNormal.sample(rng));
            let committee = SoftCommittee {
                inputs: &x,
                dimension,
                units: UNITS,
            };
            let target = committee.output(&teacher);
            work.learn(&committee, target, &mut weights)?;
        }
    }
    Ok(simulated)
}
