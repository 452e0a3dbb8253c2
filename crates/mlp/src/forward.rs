use crate::Mlp;
use crate::panel::is_curved;
use crate::product::{Columns, affine, columns};
use faer::Par;

/// The forward pass of one panel that leaves activations and derivatives in `record`.
///
/// `preactivations` has room for the widest layer.
pub(crate) fn forward(
    mlp: &Mlp,
    theta: &[f64],
    inputs: Columns<'_>,
    record: &mut [f64],
    outputs: &mut [f64],
    preactivations: &mut [f64],
    par: Par,
) {
    let examples = inputs.ncols();
    let last = mlp.layers().len() - 1;
    let mut input = inputs;
    let mut rest = record;
    for layer in mlp.hidden() {
        let length = layer.outputs() * examples;
        let (activations, others) = rest.split_at_mut(length);
        rest = others;
        if is_curved(layer.activation()) {
            let (derivatives, others) = rest.split_at_mut(length);
            rest = others;
            let z = &mut preactivations[..length];
            affine(&theta[layer.weights()], layer.bias_in(theta), input, z, par);
            layer
                .activation()
                .value_and_derivative(z, activations, derivatives);
        } else {
            affine(
                &theta[layer.weights()],
                layer.bias_in(theta),
                input,
                activations,
                par,
            );
        }
        input = columns(activations, layer.outputs());
    }
    let layer = &mlp.layers()[last];
    if is_curved(layer.activation()) {
        let z = &mut preactivations[..outputs.len()];
        affine(&theta[layer.weights()], layer.bias_in(theta), input, z, par);
        let derivatives = &mut rest[..outputs.len()];
        layer
            .activation()
            .value_and_derivative(z, outputs, derivatives);
    } else {
        affine(
            &theta[layer.weights()],
            layer.bias_in(theta),
            input,
            outputs,
            par,
        );
    }
}

/// The forward pass of one panel that keeps nothing but the outputs.
///
/// `buffers` has room for the widest layer twice: a layer's preactivations replace those of the layer below, of which
/// only the activations are still needed.
pub(crate) fn evaluate(
    mlp: &Mlp,
    theta: &[f64],
    inputs: Columns<'_>,
    outputs: &mut [f64],
    buffers: &mut [f64],
    par: Par,
) {
    let examples = inputs.ncols();
    let (preactivations, activations) = buffers.split_at_mut(mlp.widest() * examples);
    let last = mlp.layers().len() - 1;
    for (index, layer) in mlp.layers().iter().enumerate() {
        let length = layer.outputs() * examples;
        let input = if index == 0 {
            inputs
        } else {
            columns(&activations[..layer.inputs() * examples], layer.inputs())
        };
        let z = &mut preactivations[..length];
        affine(&theta[layer.weights()], layer.bias_in(theta), input, z, par);
        let target = if index == last {
            &mut *outputs
        } else {
            &mut activations[..length]
        };
        layer.activation().value(z, target);
    }
}
