//! What a trained network carries in the metadata of its file.

use super::TrainFailure;
use neuromanifold_harness::data::Dataset;
use neuromanifold_harness::training::{Best, Part, Problem};
use neuromanifold_io::{LikelihoodKind, Network};
use neuromanifold_model::Gaussian;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Names of the inputs, a JSON list.
pub(crate) const INPUTS: &str = "training.inputs";
/// Names of the targets of a regression, a JSON list.
pub(crate) const TARGETS: &str = "training.targets";
/// Names of the classes, a JSON list.
pub(crate) const CLASSES: &str = "training.classes";
/// Variance of the noise on each target, in its unit squared, a JSON list.
pub(crate) const NOISE: &str = "training.noise_variance";
/// How many examples it was fitted to.
pub(crate) const EXAMPLES: &str = "training.examples";
/// The best loss.
const LOSS: &str = "training.loss";
/// The epoch after which it was found.
const EPOCH: &str = "training.epoch";

/// What the names of the data are, kept while the data themselves are not.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    inputs: Vec<String>,
    targets: Vec<String>,
    classes: Vec<String>,
}

impl Names {
    pub(crate) fn of(data: &Dataset) -> Self {
        Self {
            inputs: data.input_names().to_vec(),
            targets: data.target_names().to_vec(),
            classes: data.class_names().to_vec(),
        }
    }

    pub(crate) fn targets(&self) -> &[String] {
        &self.targets
    }
}

/// The network for data in their own units, with what is known of it. The same training gives the same bytes.
pub(crate) fn network(
    problem: &Problem,
    best: &Best,
    names: &Names,
    path: &Path,
) -> Result<Network, TrainFailure> {
    let theta = problem.raw(&best.theta)?;
    let network = Network::new(problem.net().clone(), theta);
    let mut network = network.map_err(|problem| neuromanifold_io::IoError::Network {
        path: path.to_owned(),
        problem: Box::new(problem),
    })?;
    let noise = problem.noise(&best.theta)?;
    network.likelihood = if names.classes.is_empty() {
        let sigma = |variance: &f64| Gaussian::new(variance.sqrt()).ok();
        let one = noise.first().filter(|_| noise.len() == 1);
        one.and_then(sigma).map(LikelihoodKind::Gaussian)
    } else if problem.net().outputs() == 1 {
        Some(LikelihoodKind::Bernoulli)
    } else {
        Some(LikelihoodKind::Categorical)
    };
    let mut put = |key: &str, value: String| network.metadata.insert(key.to_owned(), value);
    put(INPUTS, list(&names.inputs));
    put(EXAMPLES, problem.part(Part::Training).len().to_string());
    put(LOSS, best.loss.to_string());
    put(EPOCH, best.epoch.to_string());
    if names.classes.is_empty() {
        put(TARGETS, list(&names.targets));
        put(NOISE, list(&noise));
    } else {
        put(CLASSES, list(&names.classes));
    }
    Ok(network)
}

/// A JSON list of words or of finite numbers.
fn list<T: serde::Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).unwrap_or_default()
}

/// The list that a network's metadata hold, if they do and it has `count` entries.
pub(crate) fn read_list<T: DeserializeOwned>(
    network: &Network,
    path: &Path,
    key: &'static str,
    count: usize,
) -> Result<Option<Vec<T>>, TrainFailure> {
    let Some(text) = network.metadata.get(key) else {
        return Ok(None);
    };
    match serde_json::from_str::<Vec<T>>(text) {
        Ok(values) if values.len() == count => Ok(Some(values)),
        _ => Err(TrainFailure::Metadata {
            path: path.to_owned(),
            key,
            text: text.chars().take(80).collect(),
            expected: "a JSON list, one entry for each input, output or class of the network",
        }),
    }
}
