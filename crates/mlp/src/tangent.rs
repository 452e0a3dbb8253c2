use crate::panel::Examples;
use crate::product::{add_product, affine, columns, scale_columns};
use faer::Par;

/// `J v` of some examples: the forward pass differentiated along `v = (Ẇ, ḃ)`.
///
/// `ȧ_l = φ'(z_l) ∘ (Ẇ_l a_{l−1} + ḃ_l + W_l ȧ_{l−1})`, `ȧ_0 = 0`. `buffers` has room for the widest layer twice.
pub(crate) fn push_forward(
    examples: &Examples<'_>,
    theta: &[f64],
    tangent: &[f64],
    out: &mut [f64],
    buffers: &mut [f64],
    par: Par,
) {
    let mlp = examples.mlp;
    let count = examples.count();
    let last = mlp.layers().len() - 1;
    let (mut moved, mut spare) = buffers.split_at_mut(mlp.widest() * count);
    for (index, layer) in mlp.layers().iter().enumerate() {
        let target = if index == last {
            &mut *out
        } else {
            &mut spare[..layer.outputs() * count]
        };
        affine(
            &tangent[layer.weights()],
            layer.bias_in(tangent),
            examples.input_of(index),
            target,
            par,
        );
        if index > 0 {
            let below = columns(&moved[..layer.inputs() * count], layer.inputs());
            add_product(&theta[layer.weights()], below, target, par);
        }
        if let Some(derivative) = examples.derivative_of(index) {
            scale_columns(target, derivative, layer.outputs(), 1);
        }
        (moved, spare) = (spare, moved);
    }
}
