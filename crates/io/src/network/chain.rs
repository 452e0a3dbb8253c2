//! A chain of linear layers among the tensors of a file.

use std::collections::{BTreeMap, BTreeSet};

use super::{NetworkProblem, ReadOptions, order};
use crate::Precision;
use crate::array::index_of;
use crate::safetensors::{Dtype, Tensor};

/// Linear layers, from the inputs to the outputs, each of which fits the one before.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    layers: Vec<Linear<'a>>,
}

/// The tensors of one linear layer.
#[derive(Debug)]
struct Linear<'a> {
    module: &'a str,
    weight: &'a Tensor<'a>,
    bias: Option<&'a Tensor<'a>>,
}

/// The tensors of one module as they are found.
#[derive(Clone, Copy, Default)]
struct Parts<'a> {
    weight: Option<&'a Tensor<'a>>,
    bias: Option<&'a Tensor<'a>>,
}

/// The name of a tensor.
pub(super) fn key(module: &str, kind: &str) -> String {
    if module.is_empty() {
        kind.to_owned()
    } else {
        format!("{module}.{kind}")
    }
}

/// Module and kind: the inverse of [`key`].
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// What is left of a name after a prefix; `None` if it has another.
fn strip<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(name);
    }
    name.strip_prefix(prefix)?.strip_prefix('.')
}

impl<'a> Chain<'a> {
    /// Finds the layers and puts them in order.
    pub(super) fn find(
        tensors: &'a [Tensor<'a>],
        options: &ReadOptions,
    ) -> Result<Self, NetworkProblem> {
        let prefix = choose_prefix(tensors, options)?;
        let mut modules: BTreeMap<&str, Parts<'a>> = BTreeMap::new();
        for tensor in tensors {
            let (module, kind) = split(tensor.name());
            // `prefix` may be the whole name of a module: a network of one layer.
            let Some(relative) = (module == prefix).then_some("").or(strip(module, prefix)) else {
                continue;
            };
            if let Some(chosen) = &options.modules
                && !chosen.iter().any(|chosen| chosen == relative)
            {
                continue;
            }
            let parts = modules.entry(module).or_default();
            match kind {
                "weight" => parts.weight = Some(tensor),
                "bias" => parts.bias = Some(tensor),
                _ => return Err(unexpected(tensor, kind)),
            }
        }
        let layers = modules
            .into_iter()
            .map(|(module, parts)| Linear::new(module, parts))
            .collect::<Result<_, _>>()?;
        let chain = Self {
            layers: match &options.modules {
                Some(names) => in_given_order(layers, prefix, names)?,
                None => in_order(layers)?,
            },
        };
        chain.check_widths()?;
        Ok(chain)
    }

    fn check_widths(&self) -> Result<(), NetworkProblem> {
        for pair in self.layers.windows(2) {
            let (outputs, inputs) = (pair[0].outputs(), pair[1].inputs());
            if outputs != inputs {
                return Err(NetworkProblem::Mismatch {
                    key: pair[1].weight.name().to_owned(),
                    inputs,
                    before: pair[0].weight.name().to_owned(),
                    outputs,
                });
            }
        }
        Ok(())
    }

    /// `[n, m₁, …, K]`.
    pub(super) fn widths(&self) -> Vec<usize> {
        std::iter::once(self.layers[0].inputs())
            .chain(self.layers.iter().map(Linear::outputs))
            .collect()
    }

    pub(super) fn has_bias(&self, layer: usize) -> bool {
        self.layers[layer].bias.is_some()
    }

    /// The names of the layers.
    pub(super) fn modules(&self) -> Vec<String> {
        self.layers
            .iter()
            .map(|layer| layer.module.to_owned())
            .collect()
    }

    /// `f64` if any tensor is.
    pub(super) fn precision(&self) -> Precision {
        if self.tensors().any(|tensor| tensor.dtype() == Dtype::F64) {
            Precision::F64
        } else {
            Precision::F32
        }
    }

    /// θ.
    pub(super) fn parameters(&self) -> Result<Vec<f64>, NetworkProblem> {
        let mut theta = Vec::new();
        for tensor in self.tensors() {
            let values = tensor.to_f64().ok_or_else(|| NetworkProblem::Dtype {
                key: tensor.name().to_owned(),
                dtype: tensor.dtype(),
            })?;
            if let Some(position) = values.iter().position(|value| !value.is_finite()) {
                return Err(NetworkProblem::NotFinite {
                    key: tensor.name().to_owned(),
                    index: index_of(position, tensor.shape()),
                    value: values[position],
                });
            }
            theta.extend(values);
        }
        Ok(theta)
    }

    fn tensors(&self) -> impl Iterator<Item = &'a Tensor<'a>> {
        self.layers
            .iter()
            .flat_map(|layer| std::iter::once(layer.weight).chain(layer.bias))
    }
}

impl<'a> Linear<'a> {
    fn new(module: &'a str, parts: Parts<'a>) -> Result<Self, NetworkProblem> {
        let Parts { weight, bias } = parts;
        let weight = weight.ok_or_else(|| NetworkProblem::MissingTensor {
            key: key(module, "weight"),
            because: format!("there is {:?}", key(module, "bias")),
        })?;
        let shape_error = |tensor: &Tensor<'_>, expected: String| NetworkProblem::Shape {
            key: tensor.name().to_owned(),
            shape: tensor.shape().to_vec(),
            expected,
        };
        let &[outputs, inputs] = weight.shape() else {
            let expected = "a matrix, [outputs, inputs], as the weights of a linear layer are";
            return Err(shape_error(weight, expected.to_owned()));
        };
        if outputs == 0 || inputs == 0 {
            let expected = "at least one output and one input";
            return Err(shape_error(weight, expected.to_owned()));
        }
        if let Some(bias) = bias.filter(|bias| bias.shape() != [outputs]) {
            let expected = format!("[{outputs}], as {:?} has {outputs} rows", weight.name());
            return Err(shape_error(bias, expected));
        }
        Ok(Self {
            module,
            weight,
            bias,
        })
    }

    fn outputs(&self) -> usize {
        self.weight.shape()[0]
    }

    fn inputs(&self) -> usize {
        self.weight.shape()[1]
    }
}

/// The prefix that is given, or the one that all tensors share.
fn choose_prefix<'a>(
    tensors: &'a [Tensor<'a>],
    options: &'a ReadOptions,
) -> Result<&'a str, NetworkProblem> {
    let prefixes: BTreeSet<&str> = tensors
        .iter()
        .map(|tensor| split(split(tensor.name()).0))
        .map(|(parent, _)| parent)
        .collect();
    let owned = || prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
    match (options.prefix.as_deref(), &options.modules) {
        (Some(given), _) => {
            let prefix = given.strip_suffix('.').unwrap_or(given);
            if tensors
                .iter()
                .any(|tensor| strip(tensor.name(), prefix).is_some())
            {
                Ok(prefix)
            } else {
                Err(NetworkProblem::NoSuchPrefix {
                    prefix: given.to_owned(),
                    available: owned(),
                })
            }
        }
        (None, Some(_)) => Ok(""),
        (None, None) if prefixes.len() > 1 => {
            Err(NetworkProblem::SeveralNetworks { prefixes: owned() })
        }
        (None, None) => prefixes.first().copied().ok_or(NetworkProblem::NoTensors),
    }
}

fn unexpected(tensor: &Tensor<'_>, kind: &str) -> NetworkProblem {
    NetworkProblem::UnexpectedTensor {
        key: tensor.name().to_owned(),
        shape: tensor.shape().to_vec(),
        expected: match kind {
            "num_batches_tracked" | "running_mean" | "running_var" => {
                "no batch normalisation (fold it into the layer before it)"
            }
            _ => "names that end in \"weight\" or \"bias\"",
        },
    }
}

fn in_given_order<'a>(
    mut layers: Vec<Linear<'a>>,
    prefix: &str,
    names: &[String],
) -> Result<Vec<Linear<'a>>, NetworkProblem> {
    if names.is_empty() {
        return Err(NetworkProblem::NoTensors);
    }
    let mut ordered = Vec::with_capacity(layers.len());
    for name in names {
        let module = match (prefix, name.as_str()) {
            ("", name) => name.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, name) => format!("{prefix}.{name}"),
        };
        let position = layers.iter().position(|layer| layer.module == module);
        let position = position.ok_or_else(|| NetworkProblem::MissingTensor {
            key: key(&module, "weight"),
            because: format!("a layer {name:?} is asked for, once"),
        })?;
        ordered.push(layers.swap_remove(position));
    }
    Ok(ordered)
}

fn in_order(mut layers: Vec<Linear<'_>>) -> Result<Vec<Linear<'_>>, NetworkProblem> {
    layers.sort_by(|a, b| order::natural(a.module, b.module));
    let names: Vec<&str> = layers.iter().map(|layer| layer.module).collect();
    if order::numbered(&names) {
        return Ok(layers);
    }
    let shapes: Vec<(usize, usize)> = layers
        .iter()
        .map(|layer| (layer.inputs(), layer.outputs()))
        .collect();
    let order = order::by_shapes(&shapes).ok_or_else(|| NetworkProblem::UnknownOrder {
        modules: names.iter().map(|name| (*name).to_owned()).collect(),
    })?;
    let mut places: Vec<Option<Linear<'_>>> = layers.into_iter().map(Some).collect();
    Ok(order
        .into_iter()
        .filter_map(|index| places[index].take())
        .collect())
}
