use super::QuotientError;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Dims, ModelError};

/// One hidden unit: the function `x ↦ v φ(w·x + b)` with values in `R^K`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Unit {
    /// `w`, length `n`.
    pub incoming: Vec<f64>,
    /// `b`; 0 in a layer without biases.
    pub bias: f64,
    /// `v`, length `K`.
    pub outgoing: Vec<f64>,
}

/// A network with one hidden layer, unit by unit: `f(x) = c + Σ_α v_α φ(w_α·x + b_α)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Shallow {
    pub(crate) activation: Activation,
    pub(crate) inputs: usize,
    pub(crate) hidden_bias: bool,
    pub(crate) output_bias: bool,
    pub(crate) units: Vec<Unit>,
    pub(crate) constant: Vec<f64>,
}

impl Shallow {
    /// Takes a network apart. One without a hidden layer is an affine map, read as linear units.
    ///
    /// # Errors
    /// [`QuotientError::NotShallow`], [`QuotientError::OutputActivation`], [`QuotientError::Model`] for a θ of the wrong
    /// length or with entries that are not finite.
    pub fn new(net: &Mlp, theta: &[f64]) -> Result<Self, QuotientError> {
        let dims = Dims {
            parameters: net.parameters(),
            outputs: net.outputs(),
            examples: 0,
        };
        ModelError::check_parameters(theta, dims)?;
        let last = net.layers()[net.layers().len() - 1].activation();
        if last != Activation::Identity {
            return Err(QuotientError::OutputActivation { activation: last });
        }
        let (hidden, output) = match net.layers() {
            [hidden, output] => (hidden, output),
            [affine] => return Ok(Self::affine(net, theta, affine.has_bias())),
            deep => {
                return Err(QuotientError::NotShallow {
                    hidden_layers: deep.len() - 1,
                });
            }
        };
        let outgoing = net.weights(theta, 1);
        let bias = net.bias(theta, 0);
        let units = (0..hidden.outputs())
            .map(|unit| Unit {
                incoming: theta[hidden.incoming(unit)].to_vec(),
                bias: bias.map_or(0.0, |b| b[unit]),
                outgoing: (0..net.outputs()).map(|k| outgoing[(k, unit)]).collect(),
            })
            .collect();
        Ok(Self {
            activation: hidden.activation(),
            inputs: net.inputs(),
            hidden_bias: hidden.has_bias(),
            output_bias: output.has_bias(),
            units,
            constant: net
                .bias(theta, 1)
                .map_or_else(|| vec![0.0; net.outputs()], <[f64]>::to_vec),
        })
    }

    fn affine(net: &Mlp, theta: &[f64], output_bias: bool) -> Self {
        let outputs = net.outputs();
        let unit = |k: usize| Unit {
            incoming: (0..net.inputs())
                .map(|i| net.weights(theta, 0)[(k, i)])
                .collect(),
            bias: 0.0,
            outgoing: (0..outputs).map(|j| f64::from(j == k)).collect(),
        };
        let bias = net.bias(theta, 0);
        Self {
            activation: Activation::Identity,
            inputs: net.inputs(),
            hidden_bias: false,
            output_bias,
            units: (0..outputs).map(unit).collect(),
            constant: bias.map_or_else(|| vec![0.0; outputs], <[f64]>::to_vec),
        }
    }

    /// The units, in the order of the network.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The hidden activation φ.
    #[must_use]
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// `K`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.constant.len()
    }

    /// Puts the units together to a network again; one without any unit becomes an affine map with zero weights.
    ///
    /// # Errors
    /// [`QuotientError::Mlp`].
    pub fn network(&self) -> Result<(Mlp, Vec<f64>), QuotientError> {
        let (units, outputs) = (self.units.len(), self.outputs());
        if units == 0 {
            let net = Mlp::builder(self.inputs)
                .layer(outputs, Activation::Identity)
                .build()?;
            let mut theta = vec![0.0; net.parameters()];
            if let Some(bias) = net.bias_mut(&mut theta, 0) {
                bias.copy_from_slice(&self.constant);
            }
            return Ok((net, theta));
        }
        let mut builder = Mlp::builder(self.inputs).layer(units, self.activation);
        if !self.hidden_bias {
            builder = builder.without_bias();
        }
        builder = builder.layer(outputs, Activation::Identity);
        if !self.output_bias {
            builder = builder.without_bias();
        }
        let net = builder.build()?;
        let mut theta = Vec::with_capacity(net.parameters());
        theta.extend(self.units.iter().flat_map(|unit| &unit.incoming));
        if self.hidden_bias {
            theta.extend(self.units.iter().map(|unit| unit.bias));
        }
        for k in 0..outputs {
            theta.extend(self.units.iter().map(|unit| unit.outgoing[k]));
        }
        if self.output_bias {
            theta.extend(&self.constant);
        }
        Ok((net, theta))
    }

    /// `φ(b)`, in the arithmetic of the network.
    pub(crate) fn value(&self, bias: f64) -> f64 {
        let mut value = [0.0];
        self.activation.value(&[bias], &mut value);
        value[0]
    }

    /// `φ'(b)`.
    pub(crate) fn derivative(&self, bias: f64) -> f64 {
        let (mut value, mut derivative) = ([0.0], [0.0]);
        self.activation
            .value_and_derivative(&[bias], &mut value, &mut derivative);
        derivative[0]
    }
}

impl Unit {
    /// `(w, b)` as one vector of length `n + 1`.
    pub(crate) fn ray(&self) -> Vec<f64> {
        let mut ray = self.incoming.clone();
        ray.push(self.bias);
        ray
    }
}
