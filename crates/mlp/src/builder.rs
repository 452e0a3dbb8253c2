use crate::{Activation, Layer, Mlp, MlpError};

/// Builds a perceptron layer by layer; made by [`Mlp::builder`].
///
/// ```
/// use neuromanifold_mlp::{Activation, Mlp};
///
/// let mlp = Mlp::builder(20)
///     .layer(48, Activation::Erf)
///     .layer(16, Activation::Relu)
///     .without_bias()
///     .layer(3, Activation::Identity)
///     .build()?;
/// assert_eq!(mlp.parameters(), (20 + 1) * 48 + 48 * 16 + (16 + 1) * 3);
/// # Ok::<(), neuromanifold_mlp::MlpError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MlpBuilder {
    inputs: usize,
    layers: Vec<Planned>,
    stripped_nothing: bool,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    width: usize,
    activation: Activation,
    bias: bool,
}

impl MlpBuilder {
    pub(crate) fn new(inputs: usize) -> Self {
        Self {
            inputs,
            layers: Vec::new(),
            stripped_nothing: false,
        }
    }

    /// Adds a layer of `width` units with biases.
    pub fn layer(mut self, width: usize, activation: Activation) -> Self {
        self.layers.push(Planned {
            width,
            activation,
            bias: true,
        });
        self
    }

    /// Takes the biases from the layer added last.
    pub fn without_bias(mut self) -> Self {
        match self.layers.last_mut() {
            Some(layer) => layer.bias = false,
            None => self.stripped_nothing = true,
        }
        self
    }

    /// The finished architecture.
    ///
    /// # Errors
    /// [`MlpError::NoLayers`], [`MlpError::ZeroWidth`], [`MlpError::TooManyParameters`], and
    /// [`MlpError::NoLayerToStrip`] if [`without_bias`](Self::without_bias) came before the first layer.
    pub fn build(self) -> Result<Mlp, MlpError> {
        if self.stripped_nothing {
            return Err(MlpError::NoLayerToStrip);
        }
        if self.layers.is_empty() {
            return Err(MlpError::NoLayers);
        }
        if self.inputs == 0 {
            return Err(MlpError::ZeroWidth { index: 0 });
        }
        let mut layers = Vec::with_capacity(self.layers.len());
        let (mut inputs, mut offset) = (self.inputs, 0_usize);
        for (index, planned) in self.layers.iter().enumerate() {
            if planned.width == 0 {
                return Err(MlpError::ZeroWidth { index: index + 1 });
            }
            let layer = place(*planned, inputs, offset).ok_or(MlpError::TooManyParameters {
                layer: index,
                inputs,
                outputs: planned.width,
            })?;
            offset = layer.parameters().end;
            inputs = planned.width;
            layers.push(layer);
        }
        Ok(Mlp::from_layers(layers))
    }
}

/// Gives a layer its place in θ, or `None` if θ would exceed what a slice of `f64` can hold.
fn place(planned: Planned, inputs: usize, offset: usize) -> Option<Layer> {
    let largest = isize::MAX as usize / size_of::<f64>();
    let weights_end = inputs.checked_mul(planned.width)?.checked_add(offset)?;
    let end = if planned.bias {
        weights_end.checked_add(planned.width)?
    } else {
        weights_end
    };
    (end <= largest).then(|| Layer {
        inputs,
        outputs: planned.width,
        activation: planned.activation,
        weights: offset..weights_end,
        bias: planned.bias.then_some(weights_end..end),
    })
}
