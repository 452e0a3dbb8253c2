use super::{QuotientError, Shallow, Unit};
use faer::{Mat, MatRef};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Dims, ModelError};

impl Weights {
    fn pre_activations(&self, before: MatRef<'_, f64>) -> Mat<f64> {
        let mut pre = &self.matrix * before;
        for column in pre.col_iter_mut() {
            let bias = self.bias.iter().flatten();
            column.iter_mut().zip(bias).for_each(|(u, b)| *u += b);
        }
        pre
    }
}

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

    /// Signals of all hidden layers, each `m × N`.
    pub(crate) fn signals(&self, inputs: MatRef<'_, f64>) -> Vec<Mat<f64>> {
        let mut signals: Vec<Mat<f64>> = Vec::new();
        for layer in &self.layers[..self.hidden()] {
            let before = signals.last().map_or(inputs, |a| a.as_ref());
            let mut signal = layer.pre_activations(before);
            for column in signal.col_iter_mut() {
                let mut value = vec![0.0; column.nrows()];
                let pre: Vec<f64> = column.as_ref().iter().copied().collect();
                layer.activation.value(&pre, &mut value);
                column.iter_mut().zip(value).for_each(|(a, v)| *a = v);
            }
            signals.push(signal);
        }
        signals
    }

    /// Derivatives of `cᵀz`, one covector `c` on the outputs an example (`K × N`), by the signals of all hidden layers, each
    /// `m × N`: one pass backwards.
    pub(crate) fn derivatives(
        &self,
        inputs: MatRef<'_, f64>,
        covectors: &Mat<f64>,
    ) -> Vec<Mat<f64>> {
        let signals = self.signals(inputs);
        let mut derivatives: Vec<Mat<f64>> = Vec::new();
        let mut at = covectors.clone();
        for (layer, own) in self.layers.iter().enumerate().skip(1).rev() {
            let pre = own.pre_activations(signals[layer - 1].as_ref());
            for (c, u) in at.col_iter_mut().zip(pre.col_iter()) {
                let pre: Vec<f64> = u.iter().copied().collect();
                let (mut value, mut slope) = (vec![0.0; pre.len()], vec![0.0; pre.len()]);
                own.activation
                    .value_and_derivative(&pre, &mut value, &mut slope);
                c.iter_mut().zip(slope).for_each(|(c, slope)| *c *= slope);
            }
            at = own.matrix.transpose() * &at;
            derivatives.push(at.clone());
        }
        derivatives.reverse();
        derivatives
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
