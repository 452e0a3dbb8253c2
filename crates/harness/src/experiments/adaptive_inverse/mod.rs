//! How good is a metric that is learnt along the way, and what can go wrong with it?

mod definiteness;
mod failure;
mod schedules;
mod setting;
mod silence;
mod steady;
mod wind_up;

use self::setting::Setting;
use crate::{Context, Experiment, HarnessError, Record, Source};

/// `adaptive-inverse`: the estimate of `G⁻¹` of adaptive natural gradient against the exact one.
#[derive(Debug)]
pub struct AdaptiveInverse;

impl Experiment for AdaptiveInverse {
    fn name(&self) -> &'static str {
        "adaptive-inverse"
    }

    fn title(&self) -> &'static str {
        "The adaptive inverse: a metric learnt from the examples"
    }

    fn question(&self) -> &'static str {
        "How close does the estimate Ĝ^{−1} of adaptive natural gradient stay to the exact inverse metric, and when does it break?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "S. Amari, H. Park, K. Fukumizu",
                2000,
                "Adaptive method of realizing natural gradient learning for multilayer perceptrons",
                "Neural Computation 12(6), 1399–1409",
            )
            .doi("10.1162/089976600300015420"),
            Source::new(
                "C. Darken, J. Moody",
                1991,
                "Note on learning rate schedules for stochastic optimization",
                "Advances in Neural Information Processing Systems 3, 832–838",
            ),
            Source::new(
                "R. Kulhavý",
                1987,
                "Restricted exponential forgetting in real-time identification",
                "Automatica 23(5), 589–600",
            )
            .doi("10.1016/0005-1098(87)90054-9"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let setting = Setting::new()?;
        let mut record = Record::new();
        record.paragraph(format!(
            "Adaptive natural gradient averages ∇f∇fᵀ/σ² over the examples it meets, with weight ε_{{t}} for the newest, and keeps the \
             inverse of the average: by the *first-order* rule Ĝ^{{−1}} ← (1+ε)Ĝ^{{−1}} − ε hhᵀ, h = Ĝ^{{−1}}∇f/σ, as it was published, or \
             *exactly*, by the formula of Sherman and Morrison. Here a network of two erf units with biases (P = {}) learns on inputs \
             x ~ N(0, I), so G is known in closed form at every θ. Errors are |Ĝ^{{−1}}G − I|/√P, in the norm of G itself, which depends \
             on no parametrisation.",
            setting.regression.dim(),
        ));
        steady::report(&setting, context, &mut record)?;
        schedules::report(&setting, context, &mut record)?;
        definiteness::report(&setting, context, &mut record)?;
        wind_up::report(&setting, context, &mut record)?;
        Ok(record)
    }
}
