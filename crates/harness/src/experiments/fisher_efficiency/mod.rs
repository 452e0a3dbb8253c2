//! Is on-line natural gradient as good as the best estimate there is?

mod committee;
mod efficiency;
mod online;
mod prediction;
mod setting;
mod start;
mod step_size;

use self::setting::{OFFSET, Setting};
use crate::{Context, Experiment, HarnessError, Record, Source};

/// `fisher-efficiency`: the covariance of on-line estimates against the Cramér–Rao bound, with `η = 1/t` and other steps.
#[derive(Debug)]
pub struct FisherEfficiency;

impl Experiment for FisherEfficiency {
    fn name(&self) -> &'static str {
        "fisher-efficiency"
    }

    fn title(&self) -> &'static str {
        "Fisher efficiency: learning on line as well as from all examples at once"
    }

    fn question(&self) -> &'static str {
        "Does the natural gradient with η = 1/t, which sees each example once, reach the Cramér–Rao bound, and what do other steps cost?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "S. Amari",
                1998,
                "Natural gradient works efficiently in learning",
                "Neural Computation 10(2), 251–276",
            )
            .doi("10.1162/089976698300017746"),
            Source::new(
                "M. Rattray, D. Saad",
                1999,
                "Analysis of natural gradient descent for multilayer neural networks",
                "Physical Review E 59, 4523–4532",
            )
            .doi("10.1103/PhysRevE.59.4523"),
            Source::new(
                "H. Robbins, S. Monro",
                1951,
                "A stochastic approximation method",
                "Annals of Mathematical Statistics 22, 400–407",
            )
            .doi("10.1214/aoms/1177729586"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let setting = Setting::new()?;
        let mut record = Record::new();
        record.paragraph(format!(
            "A network of two erf units with biases (P = {}) learns from a teacher of the same shape, y = f(x; θ∗) + σξ with x ~ N(0, I), \
             one fresh example a step. The metric is exact at every θ, in closed form, so nothing is estimated but θ: \
             θ ← θ − G(θ)^{{−1}}∇l/t. No estimate from t examples can have a covariance below G^{{−1}}/t, nor a mean excess loss \
             E[L − L∗] below P/2t nats; the excess loss of each run is computed exactly as well. Runs start from a draw of \
             N(θ∗, G^{{−1}}/t_{{0}}), and t counts the t_{{0}} = {OFFSET} examples that this is worth, so that the bound holds from the first step on.",
            setting.regression.dim(),
        ));
        efficiency::report(&setting, context, &mut record)?;
        step_size::report(&setting, context, &mut record)?;
        start::report(&setting, context, &mut record)?;
        committee::report(context, &mut record)?;
        Ok(record)
    }
}
