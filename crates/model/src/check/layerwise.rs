use super::{CheckError, Report, exceeds, largest, quasi_random};
use crate::{AffineLayer, Cotangents, Linearization};

/// Do the affine layers of a map share out θ, and are their outer products the products `Jᵀu`?
///
/// Carries two covectors an example back through the layers and compares every `δ ⊗ [a; 1]` with
/// [`vjp`](Linearization::vjp). Passes for a map that offers no layers. Cost: `2N` products `Jᵀu`.
///
/// # Errors
/// [`CheckError::Layers`]; [`CheckError::OuterProduct`] beyond `1e-10` of the largest entry of `Jᵀu`.
pub fn layerwise(linearization: &dyn Linearization) -> Result<Report, CheckError> {
    const ALLOWED: f64 = 1e-10;
    const RANK: usize = 2;
    let mut relative_error: f64 = 0.0;
    let dims = linearization.dims();
    let Some(map) = linearization.layers() else {
        return Ok(Report {
            relative_error,
            allowed: ALLOWED,
        });
    };
    let layers: Vec<AffineLayer> = (0..map.depth()).map(|index| map.layer(index)).collect();
    for parameter in 0..dims.parameters.max(end_of(&layers)) {
        let owns = |layer: &&AffineLayer| layer.parameters().contains(&parameter);
        let owners = layers.iter().filter(owns).count();
        if owners != 1 || parameter >= dims.parameters {
            return Err(CheckError::Layers {
                parameter,
                parameters: dims.parameters,
                layers: owners,
            });
        }
    }
    let values = quasi_random(dims.output_len() * RANK, 1);
    let cotangents = Cotangents::new(&values, dims.outputs, RANK);
    let columns = dims.examples * RANK;
    let mut deltas = vec![0.0; map.units() * columns];
    map.carry_back(cotangents, 0..dims.examples, &mut deltas);
    let inputs: Vec<Vec<f64>> = layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let mut inputs = vec![0.0; layer.inputs * dims.examples];
            map.inputs_of(index, 0..dims.examples, &mut inputs);
            inputs
        })
        .collect();

    let (mut u, mut gradient) = (vec![0.0; dims.output_len()], vec![0.0; dims.parameters]);
    for column in 0..columns {
        let example = column / RANK;
        let own = example * dims.outputs..(example + 1) * dims.outputs;
        u[own.clone()].copy_from_slice(cotangents.column(example, column % RANK));
        linearization.vjp(&u, &mut gradient);
        u[own].fill(0.0);
        let scale = largest(&gradient).max(f64::MIN_POSITIVE);
        let mut rest = deltas.as_slice();
        for (layer, inputs) in layers.iter().zip(&inputs) {
            let (block, others) = rest.split_at(layer.outputs * columns);
            rest = others;
            let delta = &block[column * layer.outputs..][..layer.outputs];
            let input = &inputs[example * layer.inputs..][..layer.inputs];
            for (unit, delta) in delta.iter().enumerate() {
                for i in 0..layer.fan_in() {
                    let parameter = layer.parameter(unit, i);
                    let (layered, vjp) =
                        (delta * input.get(i).unwrap_or(&1.0), gradient[parameter]);
                    let error = (layered - vjp).abs() / scale;
                    if exceeds(error, ALLOWED) {
                        return Err(CheckError::OuterProduct {
                            example,
                            parameter,
                            layered,
                            vjp,
                        });
                    }
                    relative_error = relative_error.max(error);
                }
            }
        }
    }
    Ok(Report {
        relative_error,
        allowed: ALLOWED,
    })
}

fn end_of(layers: &[AffineLayer]) -> usize {
    let ends = layers.iter().map(|layer| layer.parameters().end);
    ends.max().unwrap_or(0)
}
