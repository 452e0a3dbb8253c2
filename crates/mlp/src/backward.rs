use crate::panel::Examples;
use crate::product::{columns, outer_product, scale_columns, sum_columns, transposed_product};
use faer::{Accum, Par};

/// Carries covectors on the outputs back to the preactivations of every layer.
///
/// `δ_L = φ'(z_L) ∘ c` and `δ_l = φ'(z_l) ∘ W_{l+1}ᵀ δ_{l+1}`. `cotangents` holds `rank` columns of length `K` for each
/// example. `deltas` receives, from the first layer to the last, a block of `m_l × rank·count`.
pub(crate) fn backpropagate(
    examples: &Examples<'_>,
    theta: &[f64],
    cotangents: &[f64],
    rank: usize,
    deltas: &mut [f64],
    par: Par,
) {
    let mlp = examples.mlp;
    let carried = rank * examples.count();
    let last = mlp.layers().len() - 1;
    let (mut below, top) = deltas.split_at_mut(mlp.units_below(last) * carried);
    top.copy_from_slice(cotangents);
    let mut above = top;
    for layer in (0..=last).rev() {
        let own = &mlp.layers()[layer];
        if let Some(derivative) = examples.derivative_of(layer) {
            scale_columns(above, derivative, own.outputs(), rank);
        }
        if layer == 0 {
            break;
        }
        let (rest, block) = below.split_at_mut(mlp.units_below(layer - 1) * carried);
        transposed_product(
            &theta[own.weights()],
            columns(above, own.outputs()),
            block,
            par,
        );
        (below, above) = (rest, block);
    }
}

/// `Jᵀu` of some examples, from the covectors that [`backpropagate`] left: `W̄_l = Σ_s δ_{l,s} a_{l−1,s}ᵀ`, `b̄_l = Σ_s δ_{l,s}`.
pub(crate) fn contract(
    examples: &Examples<'_>,
    deltas: &[f64],
    gradient: &mut [f64],
    accum: Accum,
    par: Par,
) {
    let mlp = examples.mlp;
    let mut rest = deltas;
    for (index, layer) in mlp.layers().iter().enumerate() {
        let (block, others) = rest.split_at(layer.outputs() * examples.count());
        rest = others;
        let delta = columns(block, layer.outputs());
        let weights = &mut gradient[layer.weights()];
        outer_product(delta, examples.input_of(index), weights, accum, par);
        if let Some(bias) = layer.bias() {
            sum_columns(delta, &mut gradient[bias], accum);
        }
    }
}
