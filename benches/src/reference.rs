//! A perceptron written down a second time, as plainly as possible, to check against.

/// Activations of every layer, the input first: `a_0, …, a_L`; tanh, and the last layer linear.
fn activations(widths: &[usize], theta: &[f64], x: &[f64]) -> Vec<Vec<f64>> {
    let mut layers = vec![x.to_vec()];
    let mut rest = theta;
    for (index, pair) in widths.windows(2).enumerate() {
        let (weights, after) = rest.split_at(pair[0] * pair[1]);
        let (biases, after) = after.split_at(pair[1]);
        rest = after;
        let below = &layers[index];
        let unit = |(w, b): (&[f64], &f64)| -> f64 {
            let z = w.iter().zip(below).map(|(w, a)| w * a).sum::<f64>() + b;
            if index + 2 < widths.len() {
                z.tanh()
            } else {
                z
            }
        };
        let above = weights
            .chunks_exact(pair[0])
            .zip(biases)
            .map(unit)
            .collect();
        layers.push(above);
    }
    layers
}

/// `z(x; θ)`, length `K`.
#[must_use]
pub fn outputs(widths: &[usize], theta: &[f64], x: &[f64]) -> Vec<f64> {
    activations(widths, theta, x).pop().unwrap_or_default()
}

/// Outputs of one example, and `jacobian ← ∂z/∂θ`, row after row (`K` rows of length `P`).
///
/// Cost: `K` passes back.
///
/// # Panics
/// If `jacobian` does not have `K·P` entries.
pub fn jacobian(widths: &[usize], theta: &[f64], x: &[f64], jacobian: &mut [f64]) -> Vec<f64> {
    let activations = activations(widths, theta, x);
    let classes = widths[widths.len() - 1];
    assert!(
        jacobian.len() == classes * theta.len(),
        "{} entries for {classes} rows of {}",
        jacobian.len(),
        theta.len()
    );
    for (k, row) in jacobian.chunks_exact_mut(theta.len()).enumerate() {
        let mut delta = vec![0.0; classes];
        delta[k] = 1.0;
        let mut end = theta.len();
        for (pair, below) in widths.windows(2).zip(&activations).rev() {
            let (inputs, units) = (pair[0], pair[1]);
            let start = end - units * (inputs + 1);
            let (weights, biases) = row[start..end].split_at_mut(units * inputs);
            biases.copy_from_slice(&delta);
            for (w, d) in weights.chunks_exact_mut(inputs).zip(&delta) {
                for (w, a) in w.iter_mut().zip(below) {
                    *w = d * a;
                }
            }
            let mut next = vec![0.0; inputs];
            for (w, d) in theta[start..].chunks_exact(inputs).zip(&delta) {
                for (n, w) in next.iter_mut().zip(w) {
                    *n += d * w;
                }
            }
            // The derivative of tanh; of no meaning, and not used, at the inputs.
            for (n, a) in next.iter_mut().zip(below) {
                *n *= 1.0 - a * a;
            }
            (delta, end) = (next, start);
        }
    }
    activations[widths.len() - 1].clone()
}

/// `exp(z_k)/Σ exp(z)`.
#[must_use]
pub fn softmax(z: &[f64]) -> Vec<f64> {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = z.iter().map(|z| (z - largest).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / total).collect()
}

/// `|a − b|/|b|`, Euclidean.
#[must_use]
pub fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    let difference: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    let size: f64 = b.iter().map(|b| b * b).sum();
    (difference / size).sqrt()
}

/// `|a|`, Euclidean.
#[must_use]
pub fn norm(a: &[f64]) -> f64 {
    a.iter().map(|a| a * a).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split_mix::normal;

    /// Central differences of the outputs.
    #[test]
    fn the_jacobian_is_the_derivative_of_the_outputs() {
        let widths = [3, 4, 5, 2];
        let count: usize = crate::problem::parameters(&widths);
        let (theta, x) = (normal(1, count), normal(2, 3));
        let mut found = vec![0.0; 2 * count];
        let z = jacobian(&widths, &theta, &x, &mut found);
        assert!(relative_error(&z, &outputs(&widths, &theta, &x)) < 1e-15);
        let h = 1e-5;
        for p in 0..count {
            let moved = |h: f64| {
                let mut theta = theta.clone();
                theta[p] += h;
                outputs(&widths, &theta, &x)
            };
            let (up, down) = (moved(h), moved(-h));
            for k in 0..2 {
                let expected = (up[k] - down[k]) / (2.0 * h);
                let got = found[k * count + p];
                assert!(
                    (got - expected).abs() < 1e-8 * (1.0 + expected.abs()),
                    "{p} {k}"
                );
            }
        }
    }
}
