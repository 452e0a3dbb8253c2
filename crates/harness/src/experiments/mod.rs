//! The experiments: one file each, listed here in the order in which they run and are reported.

mod adaptive_inverse;
mod average;
mod compression;
mod degenerate_fisher;
mod fisher_efficiency;
mod fit;
mod fourth_moments;
mod inflation;
mod kl_metric;
mod linear_time;
mod plateau;
mod poisson;
mod preconditioner;
mod principal_axes;
mod real_data;
mod regression;
mod scaling;
mod singularities;
mod spread;
mod time_to_target;

pub use adaptive_inverse::AdaptiveInverse;
pub use compression::Compress;
pub use degenerate_fisher::DegenerateFisher;
pub use fisher_efficiency::FisherEfficiency;
pub use kl_metric::KlMetric;
pub use linear_time::LinearTime;
pub use plateau::Plateau;
pub use poisson::{Collocation, Condition, Operator, Poisson};
pub use preconditioner::Preconditioners;
pub use real_data::RealData;
pub use scaling::Scaling;
pub use singularities::Singularities;
pub use time_to_target::TimeToTarget;

use crate::{Experiment, HarnessError};

/// All experiments, in the order of the report.
#[must_use]
pub fn all() -> Vec<Box<dyn Experiment>> {
    vec![
        Box::new(KlMetric),
        Box::new(Singularities),
        Box::new(DegenerateFisher),
        Box::new(Compress),
        Box::new(Plateau),
        Box::new(FisherEfficiency),
        Box::new(AdaptiveInverse),
        Box::new(RealData),
        Box::new(Scaling),
        Box::new(LinearTime),
        Box::new(Preconditioners),
        Box::new(TimeToTarget),
        Box::new(Poisson),
    ]
}

/// The experiments of these names, in the order of the registry and each once; all of them for no name.
///
/// # Errors
/// [`HarnessError::UnknownExperiment`] for a name that no experiment has.
pub fn chosen(names: &[String]) -> Result<Vec<Box<dyn Experiment>>, HarnessError> {
    choose(all(), names)
}

fn choose(
    all: Vec<Box<dyn Experiment>>,
    names: &[String],
) -> Result<Vec<Box<dyn Experiment>>, HarnessError> {
    if let Some(unknown) = names
        .iter()
        .find(|name| all.iter().all(|experiment| experiment.name() != **name))
    {
        return Err(HarnessError::UnknownExperiment {
            name: unknown.clone(),
            known: all
                .iter()
                .map(|experiment| experiment.name().to_owned())
                .collect(),
        });
    }
    let wanted = |experiment: &dyn Experiment| {
        names.is_empty() || names.iter().any(|name| name == experiment.name())
    };
    Ok(all
        .into_iter()
        .filter(|experiment| wanted(experiment.as_ref()))
        .collect())
}
