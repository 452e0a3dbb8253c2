//! How unequal single examples are: fourth moments of the gradients that make up a Fisher metric.

use faer::{Mat, MatRef};

/// The map `M ↦ E[k kᵀ M k kᵀ]` on symmetric matrices, for gradients `k` in coordinates in which `G = E[k kᵀ]` is the identity.
#[derive(Debug)]
pub(super) struct FourthMoments {
    dim: usize,
    /// `E[k_i k_j k_k k_l]` for pairs `i ≤ j`, `k ≤ l`.
    tensor: Mat<f64>,
}

impl FourthMoments {
    /// From gradients, one column a node of a quadrature with these weights.
    pub(super) fn new(gradients: MatRef<'_, f64>, weights: &[f64]) -> Self {
        let dim = gradients.nrows();
        let pairs: Vec<(usize, usize)> = pairs(dim).collect();
        let products = Mat::from_fn(pairs.len(), weights.len(), |row, node| {
            let (i, j) = pairs[row];
            weights[node].sqrt() * gradients[(i, node)] * gradients[(j, node)]
        });
        let tensor = &products * products.transpose();
        Self { dim, tensor }
    }

    /// `E[k kᵀ M k kᵀ]`.
    pub(super) fn apply(&self, matrix: MatRef<'_, f64>) -> Mat<f64> {
        let packed: Vec<f64> = pairs(self.dim)
            .map(|(i, j)| matrix[(i, j)] * if i == j { 1.0 } else { 2.0 })
            .collect();
        let mut image = Mat::zeros(self.dim, self.dim);
        for (row, (i, j)) in pairs(self.dim).enumerate() {
            let column = self.tensor.col(row).iter();
            let value: f64 = column.zip(&packed).map(|(t, m)| t * m).sum();
            image[(i, j)] = value;
            image[(j, i)] = value;
        }
        image
    }

    /// `κ = E[q²]/P`, where `q = |k|²` is the squared length of the gradient of an example and `E[q] = P`: `P + 2` for Gaussian
    /// gradients, more for those of a network, whose examples are less alike.
    pub(super) fn kurtosis(&self) -> f64 {
        let image = self.apply(Mat::<f64>::identity(self.dim, self.dim).as_ref());
        image.diagonal().column_vector().iter().sum::<f64>() / self.dim as f64
    }
}

fn pairs(dim: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..dim).flat_map(move |i| (i..dim).map(move |j| (i, j)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_applied_is_the_average_written_out() {
        let k = [[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]];
        let (gradients, weights) = (Mat::from_fn(3, 2, |i, s| k[s][i]), [0.25, 0.75]);
        let matrix = Mat::from_fn(3, 3, |i, j| 1.0 / (1.0 + (i + j) as f64));
        let image = FourthMoments::new(gradients.as_ref(), &weights).apply(matrix.as_ref());
        for i in 0..3 {
            for j in 0..3 {
                let mut expected = 0.0;
                for (k, w) in k.iter().zip(weights) {
                    for (a, ka) in k.iter().enumerate() {
                        for (b, kb) in k.iter().enumerate() {
                            expected += w * k[i] * ka * matrix[(a, b)] * kb * k[j];
                        }
                    }
                }
                assert!((image[(i, j)] - expected).abs() < 1e-14);
            }
        }
    }
}
