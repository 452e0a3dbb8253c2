//! The same network for standardised data and for data in their own units.

use super::TrainingError;
use crate::data::Standardizer;
use neuromanifold_mlp::{Activation, Mlp};

/// The θ for data in their own units of a network that was trained on standardised ones.
///
/// `x ↦ (x − m)/s` goes into the first layer, `W ← W diag(1/s)` and `b ← b − W m/s`; `z ↦ μ + σz`, where targets were
/// standardised, into the last, `W ← diag(σ) W` and `b ← σb + μ`. Up to rounding it is the same function.
///
/// # Errors
/// [`TrainingError::NoBias`], [`TrainingError::NotLinear`], [`TrainingError::Unit`] where a weight overflows.
///
/// # Panics
/// If `theta` does not have length `P`, or the standardiser is for other numbers of inputs or outputs.
#[track_caller]
pub fn on_raw_data(
    net: &Mlp,
    theta: &[f64],
    standardizer: &Standardizer,
) -> Result<Vec<f64>, TrainingError> {
    let (inputs, targets) = scalings(standardizer);
    transform(net, theta, &inverses(&inputs), &targets)
}

/// The inverse of [`on_raw_data`]: the θ for standardised data of a network for data in their own units.
///
/// # Errors
/// As [`on_raw_data`].
///
/// # Panics
/// As [`on_raw_data`].
#[track_caller]
pub fn on_standardized_data(
    net: &Mlp,
    theta: &[f64],
    standardizer: &Standardizer,
) -> Result<Vec<f64>, TrainingError> {
    let (inputs, targets) = scalings(standardizer);
    transform(net, theta, &inputs, &inverses(&targets))
}

/// `(a, c)` of `x ← a + c x`.
type Affine = (f64, f64);

/// What takes standardised inputs and targets back to their own units.
fn scalings(standardizer: &Standardizer) -> (Vec<Affine>, Vec<Affine>) {
    let pairs = |means: &[f64], scales: &[f64]| -> Vec<Affine> {
        (means.iter().copied().zip(scales.iter().copied())).collect()
    };
    (
        pairs(standardizer.input_means(), standardizer.input_scales()),
        pairs(standardizer.target_means(), standardizer.target_scales()),
    )
}

fn inverses(scalings: &[Affine]) -> Vec<Affine> {
    let inverse = |&(mean, scale): &Affine| (-mean / scale, 1.0 / scale);
    scalings.iter().map(inverse).collect()
}

/// With `x_i ← a_i + c_i x_i` before the network, and `z_k ← a_k + c_k z_k` after it; pairs `(a, c)`, none for no change.
#[track_caller]
fn transform(
    net: &Mlp,
    theta: &[f64],
    inputs: &[Affine],
    outputs: &[Affine],
) -> Result<Vec<f64>, TrainingError> {
    let last = net.layers().len() - 1;
    let mut theta = theta.to_vec();
    if !inputs.is_empty() {
        assert_eq!(inputs.len(), net.inputs(), "inputs of the standardiser");
        let mut shifts = vec![0.0; net.layers()[0].outputs()];
        let mut weights = net.weights_mut(&mut theta, 0);
        for (unit, shift) in shifts.iter_mut().enumerate() {
            for (i, (offset, factor)) in inputs.iter().enumerate() {
                *shift += weights[(unit, i)] * offset;
                weights[(unit, i)] *= factor;
            }
        }
        let bias = net.bias_mut(&mut theta, 0);
        let bias = bias.ok_or(TrainingError::NoBias { layer: 0 })?;
        bias.iter_mut().zip(&shifts).for_each(|(b, s)| *b += s);
    }
    if !outputs.is_empty() {
        assert_eq!(outputs.len(), net.outputs(), "outputs of the standardiser");
        if net.layers()[last].activation() != Activation::Identity {
            return Err(TrainingError::NotLinear);
        }
        let mut weights = net.weights_mut(&mut theta, last);
        for (k, (_, factor)) in outputs.iter().enumerate() {
            for i in 0..weights.ncols() {
                weights[(k, i)] *= factor;
            }
        }
        let bias = net.bias_mut(&mut theta, last);
        let bias = bias.ok_or(TrainingError::NoBias { layer: last })?;
        for (b, (offset, factor)) in bias.iter_mut().zip(outputs) {
            *b = offset + factor * *b;
        }
    }
    match theta.iter().position(|t| !t.is_finite()) {
        None => Ok(theta),
        Some(index) => Err(TrainingError::Unit {
            index,
            value: theta[index],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, diabetes, digits};
    use neuromanifold_mlp::Initialization;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Deep or affine, with standardised targets or without: raw inputs give what standardised ones gave, and back again.
    #[test]
    fn raw_data_give_what_standardised_ones_did() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let cases: [(Dataset, Vec<usize>); 3] = [
            (diabetes().unwrap(), vec![10, 5, 4, 1]),
            (diabetes().unwrap(), vec![10, 1]),
            (digits().unwrap(), vec![64, 6, 10]),
        ];
        for (data, widths) in cases {
            let net = Mlp::new(&widths, Activation::Tanh).unwrap();
            let theta = net.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
            let standardizer = Standardizer::inputs_and_targets(&data)
                .or_else(|_| Standardizer::inputs(&data))
                .unwrap();
            let standard = standardizer.apply(&data).unwrap();
            let mut expected = net.predict(&theta, standard.inputs()).unwrap();
            for column in expected.col_iter_mut() {
                let mut outputs: Vec<f64> = column.as_ref().iter().copied().collect();
                standardizer.invert_outputs(&mut outputs);
                column.iter_mut().zip(outputs).for_each(|(z, o)| *z = o);
            }
            let raw = on_raw_data(&net, &theta, &standardizer).unwrap();
            let got = net.predict(&raw, data.inputs()).unwrap();
            assert!((&got - &expected).norm_max() <= 1e-12 * expected.norm_max());
            let back = on_standardized_data(&net, &raw, &standardizer).unwrap();
            for (b, t) in back.iter().zip(&theta) {
                assert!((b - t).abs() < 1e-11, "{b} {t}");
            }
        }
    }

    #[test]
    fn units_beyond_f64_are_refused() {
        let inputs = faer::mat![[0.0, 1e-310]];
        let data = Dataset::regression("tiny", inputs.as_ref(), faer::mat![[0.0, 1.0]].as_ref());
        let standardizer = Standardizer::inputs(&data.unwrap()).unwrap();
        let net = Mlp::new(&[1, 1], Activation::Tanh).unwrap();
        let refused = on_raw_data(&net, &[1.0, 0.0], &standardizer);
        assert!(matches!(refused, Err(TrainingError::Unit { index: 0, .. })));
    }
}
