use super::NaturalGradient;
use crate::{Objective, OptimError, StateError, Step};
use neuromanifold_model::{Linearization, ModelError};

/// A way out of stagnation: when the fit no longer improves, the optimiser goes on from a perturbed copy of θ, and θ follows
/// only where a better point is found. Basin hopping, with natural-gradient steps as the local search.
///
/// Stagnation is measured on the misfit `½ mean |w|²`, with `w` the [whitened
/// score](neuromanifold_model::Likelihood::whitened_score) of an example: for Gaussian noise half the mean squared residual in
/// units of σ, and 0 for an exact fit under any law. The perturbation takes every parameter to
///
/// ```text
/// θ_i ← sign(θ_i) log(1 + |θ_i|)·(1 + s ξ_i)
/// ```
///
/// because what a stagnating network suffers from is mostly units that have run away (saturated, or nearly equal and of
/// opposite sign): the logarithm brings large parameters back and leaves small ones. The ξ, of mean 0 and variance 1, are a
/// fixed equidistributed sequence, so that a run can be repeated bit by bit.
///
/// The way from there is followed with care: steps that bend by more than 0.3 of their length are not taken. Bold steps are
/// quicker where they lead to a good minimum, but they lead past more of them, and saturate units on the way.
///
/// While it looks around, a step reports `exploring = true` and `accepted = false`, and θ stays where it was.
///
/// # References
/// D. J. Wales, J. P. K. Doye, *Global optimization by basin-hopping*, J. Phys. Chem. A 101 (1997) 5111–5116,
/// doi:10.1021/jp970984n.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Escape {
    patience: usize,
    least: f64,
    spread: f64,
    hops: u64,
}

impl Default for Escape {
    /// Hops up to 100 times, after 20 steps that have improved the misfit by less than 2 %, with a spread of 0.3.
    fn default() -> Self {
        Self {
            patience: 20,
            least: 0.02,
            spread: 0.3,
            hops: 100,
        }
    }
}

impl Escape {
    /// With another notion of stagnation: `patience` steps that improve the misfit by less than the fraction `least`.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `patience` is at least 1 and `least` in (0, 1).
    pub fn with_patience(mut self, patience: usize, least: f64) -> Result<Self, OptimError> {
        let steps = patience as f64;
        OptimError::check_setting("the patience", steps, patience >= 1, "at least 1")?;
        let inside = least > 0.0 && least < 1.0;
        OptimError::check_setting("the least improvement", least, inside, "in (0, 1)")?;
        (self.patience, self.least) = (patience, least);
        Ok(self)
    }

    /// With another spread `s` of the perturbation.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `0 < s < 1`.
    pub fn with_spread(mut self, spread: f64) -> Result<Self, OptimError> {
        let inside = spread > 0.0 && spread < 1.0;
        OptimError::check_setting("the spread of an escape", spread, inside, "in (0, 1)")?;
        self.spread = spread;
        Ok(self)
    }

    /// At most so many times in a row without finding anything better; after that, stagnation is final.
    #[must_use]
    pub fn with_hops(mut self, hops: u64) -> Self {
        self.hops = hops;
        self
    }

    /// `ξ_i` of a hop: uniform with mean 0 and variance 1, from the multiples of the golden ratio.
    fn perturb(self, hop: u64, home: &[f64]) -> Vec<f64> {
        const GOLDEN: f64 = 0.618_033_988_749_894_8;
        let perturbed = |(i, t): (usize, &f64)| {
            // squares, so that neighbours do not move together
            let index = (hop * home.len() as u64 + i as u64 + 1) as f64;
            let place = (index * index * GOLDEN).fract();
            let xi = 12f64.sqrt() * (place - 0.5);
            t.signum() * t.abs().ln_1p() * (1.0 + self.spread * xi)
        };
        home.iter().enumerate().map(perturbed).collect()
    }
}

/// `|θ̈|/|δ|` beyond which a step of the point explored is not taken.
const MOST_BENT: f64 = 0.3;

/// Where the search for a better minimum is: the state of an [`Escape`].
#[derive(Clone, Debug)]
pub(super) struct Exploration {
    escape: Escape,
    /// The point that θ shows, and its outputs, while another is being explored.
    home: Vec<f64>,
    home_outputs: Vec<f64>,
    /// The point explored; empty while there is none.
    point: Vec<f64>,
    outputs: Vec<f64>,
    hops: u64,
    /// Misfits of the steps since the last hop.
    misfits: Vec<f64>,
}

/// What an [`Exploration`] has to remember to go on.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Wandering {
    /// Empty while nothing is explored.
    home: Vec<f64>,
    point: Vec<f64>,
    hops: u64,
    misfits: Vec<f64>,
}

impl Exploration {
    pub(super) fn new(escape: Escape) -> Self {
        Self {
            escape,
            home: Vec::new(),
            home_outputs: Vec::new(),
            point: Vec::new(),
            outputs: Vec::new(),
            hops: 0,
            misfits: Vec::new(),
        }
    }

    pub(super) fn step(
        &mut self,
        optimizer: &mut NaturalGradient,
        objective: &Objective<'_>,
        theta: &mut [f64],
    ) -> Result<Step, OptimError> {
        if !self.point.is_empty() && same_bits(theta, &self.home) {
            return self.explore(optimizer, objective, theta);
        }
        self.point.clear(); // also where the caller has moved θ
        let step = optimizer.iterate(objective, theta)?;
        self.misfits.push(optimizer.misfit);
        if self.stagnates(step.accepted) && self.hops < self.escape.hops {
            self.home = theta.to_vec();
            self.home_outputs.resize(objective.dims().output_len(), 0.0);
            objective.map().outputs(theta, &mut self.home_outputs)?;
            self.hop(optimizer);
        }
        Ok(Step {
            exploring: !step.accepted && !self.point.is_empty(),
            ..step
        })
    }

    /// A step of the point explored; θ follows if that is better.
    fn explore(
        &mut self,
        optimizer: &mut NaturalGradient,
        objective: &Objective<'_>,
        theta: &mut [f64],
    ) -> Result<Step, OptimError> {
        let steps = optimizer.steps;
        optimizer.most_bent = MOST_BENT;
        let found = optimizer.iterate(objective, &mut self.point);
        optimizer.most_bent = f64::INFINITY;
        let dims = objective.dims();
        self.outputs.resize(dims.output_len(), 0.0);
        let step = match found {
            Ok(step) => step,
            // a point from which nothing can be computed is no better one
            Err(error) => {
                if self.hops >= self.escape.hops {
                    self.point.clear();
                    return Err(error);
                }
                optimizer.steps = steps + 1;
                self.hop(optimizer);
                return Ok(optimizer.first_order.exploring());
            }
        };
        self.misfits.push(optimizer.misfit);
        let map = objective.map();
        if self.home_outputs.is_empty() {
            // of a state that was put down, which keeps the point alone
            self.home_outputs.resize(dims.output_len(), 0.0);
            map.outputs(&self.home, &mut self.home_outputs)?;
        }
        let readable = map.outputs(&self.point, &mut self.outputs).is_ok()
            && ModelError::check_outputs(&self.outputs, dims).is_ok();
        let gain = objective.decrease(&self.home_outputs, &self.outputs);
        if readable && gain > 0.0 {
            let moved = self.point.iter().zip(&*theta).map(|(p, t)| p - t);
            let step_norm = crate::step::norm(&moved.collect::<Vec<_>>());
            theta.copy_from_slice(&self.point);
            self.point.clear();
            self.hops = 0;
            return Ok(Step {
                step_norm,
                actual_decrease: Some(gain),
                accepted: true,
                ..step
            });
        }
        if self.stagnates(step.accepted) {
            if self.hops < self.escape.hops {
                self.hop(optimizer);
            } else {
                self.point.clear();
                self.misfits.clear();
            }
        }
        Ok(Step {
            step_norm: 0.0,
            actual_decrease: Some(0.0),
            accepted: false,
            exploring: true, // also after the last hop: the next step is one from θ again
            ..step
        })
    }

    /// Goes on from a perturbed copy of the best point so far, with nothing remembered.
    fn hop(&mut self, optimizer: &mut NaturalGradient) {
        self.point = self.escape.perturb(self.hops, &self.home);
        self.hops += 1;
        self.misfits.clear();
        optimizer.lambda = None;
        optimizer.previous.clear();
    }

    /// What of it has to be kept.
    pub(super) fn wandering(&self) -> Wandering {
        // Of the misfits only those that are still looked at.
        let seen = self.misfits.len();
        let kept = seen.saturating_sub(self.escape.patience + 1);
        Wandering {
            home: if self.point.is_empty() {
                Vec::new()
            } else {
                self.home.clone()
            },
            point: self.point.clone(),
            hops: self.hops,
            misfits: self.misfits[kept..].to_vec(),
        }
    }

    /// Goes on from what was kept.
    pub(super) fn go_on(
        &mut self,
        wandering: Wandering,
        parameters: usize,
    ) -> Result<(), StateError> {
        let Wandering {
            home,
            point,
            hops,
            misfits,
        } = wandering;
        let length = if point.is_empty() { 0 } else { parameters };
        StateError::check("the point explored", &point, length)?;
        StateError::check("the point explored from", &home, length)?;
        let (number, most) = (hops as f64, self.escape.hops);
        StateError::check_value("hops", number, hops <= most, "at most those allowed")?;
        if let Some(&misfit) = misfits.iter().find(|misfit| misfit.is_nan()) {
            StateError::check_value("a misfit", misfit, false, "a number")?;
        }
        (self.home, self.point) = (home, point);
        (self.hops, self.misfits) = (hops, misfits);
        self.home_outputs.clear();
        Ok(())
    }

    fn stagnates(&self, moved: bool) -> bool {
        /// Squared residuals, in units of the noise, that are rounding.
        const EXACT: f64 = 1e-24;
        let Escape {
            patience, least, ..
        } = self.escape;
        let Some(&now) = self.misfits.last() else {
            return false;
        };
        if now <= EXACT {
            return false;
        }
        let before = self.misfits.len().checked_sub(1 + patience);
        !moved || before.is_some_and(|before| now > (1.0 - least) * self.misfits[before])
    }
}

/// `½ mean |w|²` over the examples.
pub(super) fn misfit(objective: &Objective<'_>, linearization: &dyn Linearization) -> f64 {
    let dims = objective.dims();
    let likelihood = objective.likelihood();
    let mut white = vec![0.0; likelihood.factor_rank(dims.outputs)];
    let mut sum = 0.0;
    for (z, y) in objective.examples(linearization.outputs()) {
        likelihood.whitened_score(z, y, &mut white);
        sum += crate::step::dot(&white, &white);
    }
    0.5 * sum / dims.examples as f64
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    let bits = |v: &f64| v.to_bits();
    a.iter().map(bits).eq(b.iter().map(bits))
}
