//! Widths, activations and likelihood: by the shapes, by the metadata, by the options, which must agree.

use std::borrow::Cow;
use std::collections::BTreeMap;

use neuromanifold_mlp::{Activation, Mlp};

use super::chain::Chain;
use super::{LikelihoodKind, Network, NetworkProblem, ReadOptions, sequential};

const WIDTHS: &str = "neuromanifold.widths";
const ACTIVATIONS: &str = "neuromanifold.activations";
const LIKELIHOOD: &str = "neuromanifold.likelihood";
const MODULES: &str = "neuromanifold.modules";

/// Whether a key of the metadata belongs to this library.
pub(super) fn is_reserved(key: &str) -> bool {
    key.starts_with("neuromanifold.")
}

/// The entries that the file of a network gets.
pub(super) fn metadata(network: &Network) -> Result<Vec<(&'static str, String)>, NetworkProblem> {
    let mlp = &network.mlp;
    let widths: Vec<String> = widths(mlp).iter().map(usize::to_string).collect();
    let activations: Vec<&str> = mlp
        .layers()
        .iter()
        .map(|layer| layer.activation().name())
        .collect();
    let mut entries = vec![
        (WIDTHS, widths.join(",")),
        (ACTIVATIONS, activations.join(",")),
    ];
    if let Some(likelihood) = network.likelihood {
        require_outputs(likelihood, mlp)?;
        entries.push((LIKELIHOOD, likelihood.to_string()));
    }
    if network.modules != sequential(network.modules.len()) {
        entries.push((MODULES, serde_json::json!(network.modules).to_string()));
    }
    Ok(entries)
}

/// The options, with the names of the layers that the metadata give if no part of the file is chosen.
pub(super) fn named<'a>(
    metadata: &BTreeMap<String, String>,
    options: &'a ReadOptions,
) -> Result<Cow<'a, ReadOptions>, NetworkProblem> {
    let Some(text) = metadata.get(MODULES) else {
        return Ok(Cow::Borrowed(options));
    };
    if options.modules.is_some() || options.prefix.is_some() {
        return Ok(Cow::Borrowed(options));
    }
    let modules: Vec<String> =
        serde_json::from_str(text).map_err(|_| NetworkProblem::Metadata {
            key: MODULES,
            value: text.clone(),
            expected: "the names of the layers as a JSON list",
        })?;
    Ok(Cow::Owned(options.clone().modules(modules)))
}

fn widths(mlp: &Mlp) -> Vec<usize> {
    std::iter::once(mlp.inputs())
        .chain(mlp.layers().iter().map(|layer| layer.outputs()))
        .collect()
}

/// The likelihood that the metadata name.
pub(super) fn likelihood(
    mlp: &Mlp,
    metadata: &BTreeMap<String, String>,
) -> Result<Option<LikelihoodKind>, NetworkProblem> {
    let Some(text) = metadata.get(LIKELIHOOD) else {
        return Ok(None);
    };
    let likelihood = text.parse().map_err(|_| NetworkProblem::Metadata {
        key: LIKELIHOOD,
        value: text.clone(),
        expected: "gaussian, gaussian:SIGMA, bernoulli or categorical",
    })?;
    require_outputs(likelihood, mlp)?;
    Ok(Some(likelihood))
}

fn require_outputs(likelihood: LikelihoodKind, mlp: &Mlp) -> Result<(), NetworkProblem> {
    likelihood
        .likelihood()
        .check_outputs(mlp.outputs())
        .map_err(|_| NetworkProblem::Likelihood {
            likelihood: likelihood.to_string(),
            outputs: mlp.outputs(),
        })
}

/// The perceptron of a chain of tensors.
pub(super) fn of(
    chain: &Chain<'_>,
    metadata: &BTreeMap<String, String>,
    options: &ReadOptions,
) -> Result<Mlp, NetworkProblem> {
    let widths = chain.widths();
    let require = |source_name, other: &[usize]| {
        if other == widths {
            return Ok(());
        }
        Err(NetworkProblem::Widths {
            tensors: widths.clone(),
            source_name,
            other: other.to_vec(),
        })
    };
    if let Some(given) = &options.layers {
        require("the list of layers given", given)?;
    }
    if let Some(text) = metadata.get(WIDTHS) {
        let written = separated(text).ok_or_else(|| NetworkProblem::Metadata {
            key: WIDTHS,
            value: text.clone(),
            expected: "whole numbers with commas between",
        })?;
        require("\"neuromanifold.widths\" in the metadata", &written)?;
    }
    let activations = activations(widths.len() - 1, metadata, options)?;
    let mut builder = Mlp::builder(widths[0]);
    for (layer, activation) in activations.into_iter().enumerate() {
        builder = builder.layer(widths[layer + 1], activation);
        if !chain.has_bias(layer) {
            builder = builder.without_bias();
        }
    }
    Ok(builder.build()?)
}

/// One activation for each layer.
fn activations(
    layers: usize,
    metadata: &BTreeMap<String, String>,
    options: &ReadOptions,
) -> Result<Vec<Activation>, NetworkProblem> {
    let given = |layer| {
        if layer + 1 == layers {
            options.output_activation
        } else {
            options.activation
        }
    };
    let Some(text) = metadata.get(ACTIVATIONS) else {
        return (0..layers)
            .map(|layer| {
                let default = (layer + 1 == layers).then_some(Activation::Identity);
                given(layer)
                    .or(default)
                    .ok_or(NetworkProblem::UnknownActivation { key: ACTIVATIONS })
            })
            .collect();
    };
    let written: Vec<Activation> = separated(text).ok_or_else(|| NetworkProblem::Metadata {
        key: ACTIVATIONS,
        value: text.clone(),
        expected: "one of tanh, erf, logistic, relu, softplus, identity for each layer, with commas between",
    })?;
    if written.len() != layers {
        return Err(NetworkProblem::ActivationCount {
            key: ACTIVATIONS,
            expected: layers,
            found: written.len(),
        });
    }
    for (layer, &file) in written.iter().enumerate() {
        if let Some(given) = given(layer).filter(|given| *given != file) {
            return Err(NetworkProblem::Activation { layer, given, file });
        }
    }
    Ok(written)
}

/// The parts of a text between commas; `None` if one of them cannot be read.
fn separated<T: std::str::FromStr>(text: &str) -> Option<Vec<T>> {
    text.split(',')
        .map(|part| part.trim().parse().ok())
        .collect()
}
