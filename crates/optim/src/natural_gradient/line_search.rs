use super::search::{Gain, Search, Trial};
use super::step_length::Law;
use crate::OptimError;

/// A gain that is nothing beside the prediction says that the model of the objective is no model here.
const LEAST_RATIO: f64 = 1e-4;

impl Search<'_, '_> {
    /// The point along δ that the rule for its length accepts. The objective is predicted to fall by `t·slope − ½t²·δᵀGδ`,
    /// of the straight step where it has been bent since.
    pub(super) fn along(
        &mut self,
        mut slope: f64,
        mut quadratic: f64,
    ) -> Result<Trial, OptimError> {
        if let Law::TrustRegion { .. } = self.length.0 {
            quadratic = self.fisher.norm_squared(&self.trial.direction); // it may have been bent
            let cap = self.length.cap(quadratic);
            self.scale(cap);
            quadratic *= cap * cap;
            slope *= cap;
        }
        let mut fraction = 1.0;
        let mut best: Option<(f64, f64)> = None;
        loop {
            if !self.place(fraction) {
                break; // shorter ones vanish as well
            }
            let gain = self.gain()?;
            match self.length.0 {
                Law::Full | Law::TrustRegion { .. } => {
                    best = gain.map(|gain| (fraction, gain));
                    break;
                }
                Law::Armijo { slope: c, shrink } => {
                    if let Some(gain) = gain.filter(|gain| *gain >= c * fraction * slope) {
                        best = Some((fraction, gain));
                        break;
                    }
                    fraction *= shrink;
                }
                Law::GeometricGrid { ratio, count } => {
                    if let Some(gain) = gain
                        && best.is_none_or(|(_, most)| gain > most)
                    {
                        best = Some((fraction, gain));
                    }
                    fraction *= ratio;
                    if fraction < 0.999 * ratio.powf(f64::from(count - 1)) {
                        break;
                    }
                }
            }
        }
        let Some((fraction, actual)) = best else {
            return Ok(if self.place(1.0) {
                Trial::Worse
            } else {
                Trial::Vanished
            });
        };
        let predicted = fraction * slope - 0.5 * fraction * fraction * quadratic;
        if predicted > 0.0 && actual > LEAST_RATIO * predicted {
            self.place(fraction);
            self.scale(fraction);
            return Ok(Trial::Better(Gain {
                predicted,
                actual,
                quadratic: fraction * fraction * quadratic,
            }));
        }
        Ok(Trial::Worse)
    }

    /// The decrease of the objective at the candidate; none where it cannot be evaluated.
    fn gain(&mut self) -> Result<Option<f64>, OptimError> {
        if !self.evaluate_candidate()? {
            return Ok(None);
        }
        let before = self.linearization.outputs();
        let gain = self.objective.decrease(before, &self.trial.outputs);
        Ok(gain.is_finite().then_some(gain))
    }
}
