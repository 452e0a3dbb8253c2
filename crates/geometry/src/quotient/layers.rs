use super::{QuotientError, Shallow, Unit};
use faer::Mat;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Dims, ModelError};

/// A network of any depth as matrices, so that widths can change.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    inputs: usize,
    layers: Vec<Weights>,
}

#[derive(Clone, Debug)]
struct Weights {
    activation: Activation,
    /// `out × in`.
    matrix: Mat<f64>,
    bias: Option<Vec<f64>>,
}

impl Layers {
    pub(crate) fn new(net: &Mlp, theta: &[f64]) -> Result<Self, QuotientError> {
        let dims = Dims {
            parameters: net.parameters(),
            outputs: net.outputs(),
            examples: 0,
        };
        ModelError::check_parameters(theta, dims)?;
        let layers = net.layers().iter().enumerate().map(|(l, layer)| Weights {
            activation: layer.activation(),
            matrix: net.weights(theta, l).to_owned(),
            bias: net.bias(theta, l).map(<[f64]>::to_vec),
        });
        Ok(Self {
            inputs: net.inputs(),
            layers: layers.collect(),
        })
    }

    /// Hidden layers.
    pub(crate) fn hidden(&self) -> usize {
        self.layers.len() - 1
    }

    /// Units of a hidden layer.
    pub(crate) fn width(&self, layer: usize) -> usize {
        self.layers[layer].matrix.nrows()
    }

    /// A hidden layer as a shallow network from the layer before to the pre-activations of the layer after.
    pub(crate) fn slice(&self, layer: usize) -> Shallow {
        let (own, next) = (&self.layers[layer], &self.layers[layer + 1]);
        let units = (0..own.matrix.nrows()).map(|unit| Unit {
            incoming: own.matrix.row(unit).iter().copied().collect(),
            bias: own.bias.as_ref().map_or(0.0, |b| b[unit]),
            outgoing: next.matrix.col(unit).iter().copied().collect(),
        });
        Shallow {
            activation: own.activation,
            inputs: own.matrix.ncols(),
            hidden_bias: own.bias.is_some(),
            output_bias: next.bias.is_some(),
            units: units.collect(),
            constant: next
                .bias
                .clone()
                .unwrap_or_else(|| vec![0.0; next.matrix.nrows()]),
        }
    }

    /// Puts a changed hidden layer back. One without units leaves the layer after a constant.
    pub(crate) fn replace(&mut self, layer: usize, slice: &Shallow) {
        let units = &slice.units;
        let own = &mut self.layers[layer];
        own.matrix = Mat::from_fn(units.len(), slice.inputs, |unit, i| units[unit].incoming[i]);
        if own.bias.is_some() {
            own.bias = Some(units.iter().map(|unit| unit.bias).collect());
        }
        let next = &mut self.layers[layer + 1];
        next.matrix = Mat::from_fn(slice.constant.len(), units.len(), |k, unit| {
            units[unit].outgoing[k]
        });
        next.bias = slice.output_bias.then(|| slice.constant.clone());
    }

    /// As a network. Layers behind one that has lost all its units do not see the inputs; what they compute becomes the
    /// constant of an affine map with zero weights.
    pub(crate) fn network(&self) -> Result<(Mlp, Vec<f64>), QuotientError> {
        if let Some(empty) = (self.layers.iter()).rposition(|layer| layer.matrix.nrows() == 0) {
            return self.constant(empty + 1);
        }
        let mut builder = Mlp::builder(self.inputs);
        for layer in &self.layers {
            builder = builder.layer(layer.matrix.nrows(), layer.activation);
            if layer.bias.is_none() {
                builder = builder.without_bias();
            }
        }
        let net = builder.build()?;
        let mut theta = Vec::with_capacity(net.parameters());
        for layer in &self.layers {
            for row in layer.matrix.row_iter() {
                theta.extend(row.iter());
            }
            theta.extend(layer.bias.iter().flatten());
        }
        Ok((net, theta))
    }

    fn constant(&self, from: usize) -> Result<(Mlp, Vec<f64>), QuotientError> {
        let outputs = self.layers[self.hidden()].matrix.nrows();
        let mut signal: Vec<f64> = Vec::new();
        for layer in &self.layers[from..] {
            let pre: Vec<f64> = (0..layer.matrix.nrows())
                .map(|unit| {
                    let weights = layer.matrix.row(unit);
                    let sum: f64 = weights.iter().zip(&signal).map(|(w, a)| w * a).sum();
                    sum + layer.bias.as_ref().map_or(0.0, |b| b[unit])
                })
                .collect();
            signal = vec![0.0; pre.len()];
            layer.activation.value(&pre, &mut signal);
        }
        let net = Mlp::builder(self.inputs)
            .layer(outputs, Activation::Identity)
            .build()?;
        let mut theta = vec![0.0; net.parameters()];
        if let Some(bias) = net.bias_mut(&mut theta, 0) {
            bias.copy_from_slice(&signal);
        }
        Ok((net, theta))
    }
}
