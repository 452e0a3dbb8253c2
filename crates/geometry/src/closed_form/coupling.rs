use super::product::product;
use super::whitened::Whitened;
use super::{Averages, ClosedFormError, PairLaw, PairMoments, UnitMoments};
use faer::{Mat, MatRef};

/// `E[∇f(θ) ∇f(θ')ᵀ]` for two networks over standard normal inputs, summed over outputs; for `θ' = θ` it is `σ²G`.
///
/// All that is kept are averages of pairs of units, one from each network. A product with a tangent vector at `θ'` then costs
/// `O(n m m')`: the weights of the image are `(M ∘ E[φ'φ'ᵀ]) Y` plus combinations of the weights of both networks.
#[derive(Clone, Debug)]
pub(crate) struct Coupling {
    pub(crate) left: Vec<UnitMoments>,
    pub(crate) right: Vec<UnitMoments>,
    /// Row by row, a left and a right unit.
    pub(crate) pairs: Vec<PairMoments>,
    /// `M_ab = Σ_k v_ka v'_kb`, in the order of `pairs`.
    pub(crate) outgoing: Vec<f64>,
}

/// An image under a [`Coupling`]: its weights are `(M ∘ E[φ'φ'ᵀ]) Y + diag(own) W + mixed W'` (one unit a row), and the rest of
/// the covector is given.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) own: Vec<f64>,
    /// `m × m'`, row by row.
    pub(crate) mixed: Vec<f64>,
    pub(crate) means: Vec<f64>,
    pub(crate) outgoing: Vec<f64>,
    pub(crate) constant: Vec<f64>,
}

/// A tangent vector but for its weights, of which the inner products with the weights of both networks are enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tangent<'a> {
    /// `w_a·y_b`, `m × m'`.
    pub(crate) left_products: MatRef<'a, f64>,
    /// `w'_b·y_b`, length `m'`.
    pub(crate) right_products: &'a [f64],
    /// Length `m'`.
    pub(crate) means: &'a [f64],
    /// `K × m'`, row by row.
    pub(crate) outgoing: &'a [f64],
    /// Length `K`.
    pub(crate) constant: &'a [f64],
}

impl Coupling {
    /// The coupling of a network with itself. `weights` are its own in any orthonormal basis, one unit a column.
    pub(crate) fn own(
        averages: &Averages,
        network: &Whitened,
        weights: MatRef<'_, f64>,
    ) -> Result<Self, ClosedFormError> {
        let units = network.means.len();
        let columns = columns(weights);
        let mut pairs = vec![PairMoments::default(); units * units];
        for a in 0..units {
            for b in a..units {
                let means = [network.means[a], network.means[b]];
                let moments =
                    averages.pair(&PairLaw::of_weights(&columns[a], &columns[b], means))?;
                pairs[b * units + a] = moments.swapped();
                pairs[a * units + b] = moments;
            }
        }
        let left = unit_moments(averages, &columns, &network.means)?;
        Ok(Self {
            right: left.clone(),
            left,
            pairs,
            outgoing: outgoing_products(network, network),
        })
    }

    /// The coupling of two networks.
    pub(crate) fn between(
        averages: &Averages,
        left: &Whitened,
        right: &Whitened,
    ) -> Result<Self, ClosedFormError> {
        let (one, other) = (
            columns(left.weights.as_ref()),
            columns(right.weights.as_ref()),
        );
        let mut pairs = Vec::with_capacity(one.len() * other.len());
        for (a, mean_a) in one.iter().zip(&left.means) {
            for (b, mean_b) in other.iter().zip(&right.means) {
                let law = PairLaw::of_weights(a, b, [*mean_a, *mean_b]);
                pairs.push(averages.pair(&law)?);
            }
        }
        Ok(Self {
            left: unit_moments(averages, &one, &left.means)?,
            right: unit_moments(averages, &other, &right.means)?,
            pairs,
            outgoing: outgoing_products(left, right),
        })
    }

    pub(crate) fn pair(&self, a: usize, b: usize) -> (&PairMoments, f64) {
        let index = a * self.right.len() + b;
        (&self.pairs[index], self.outgoing[index])
    }

    /// `M ∘ E[φ'φ'ᵀ]`, `m × m'`: how the components of the weights that no unit sees transform.
    pub(crate) fn unseen(&self) -> Mat<f64> {
        Mat::from_fn(self.left.len(), self.right.len(), |a, b| {
            let (moments, outgoing) = self.pair(a, b);
            outgoing * moments.e11
        })
    }

    /// The image of a tangent vector at the right network. `left_out` and `right_out` are the outgoing weights of the two.
    pub(crate) fn apply(&self, left_out: &[f64], right_out: &[f64], v: &Tangent<'_>) -> Image {
        let (m, units, outputs) = (self.left.len(), self.right.len(), v.constant.len());
        let mut image = Image {
            own: vec![0.0; m],
            mixed: vec![0.0; m * units],
            means: vec![0.0; m],
            outgoing: vec![0.0; outputs * m],
            constant: v.constant.to_vec(),
        };
        for a in 0..m {
            let unit = &self.left[a];
            for b in 0..units {
                let (e, outgoing) = self.pair(a, b);
                let (seen, own, mean) = (v.left_products[(a, b)], v.right_products[b], v.means[b]);
                // what tangent weights and biases change in φ, seen through φ_a and through φ'_a
                let mut value = 0.0;
                let through_value = e.e11 * seen + e.e02 * own + e.e01 * mean;
                for k in 0..outputs {
                    let moved = v.outgoing[k * units + b];
                    value += left_out[k * m + a] * moved;
                    image.outgoing[k * m + a] +=
                        right_out[k * units + b] * through_value + e.e00 * moved;
                }
                image.own[a] +=
                    outgoing * (e.e31 * seen + e.e22 * own + e.e21 * mean) + value * e.e20;
                image.mixed[a * units + b] =
                    outgoing * (e.e22 * seen + e.e13 * own + e.e12 * mean) + value * e.e11;
                image.means[a] +=
                    outgoing * (e.e21 * seen + e.e12 * own + e.e11 * mean) + value * e.e10;
            }
            for k in 0..outputs {
                let moved = left_out[k * m + a] * v.constant[k];
                image.own[a] += unit.e2 * moved;
                image.means[a] += unit.e1 * moved;
                image.outgoing[k * m + a] += unit.e0 * v.constant[k];
            }
        }
        for (b, unit) in self.right.iter().enumerate() {
            let through_constant = unit.e2 * v.right_products[b] + unit.e1 * v.means[b];
            for k in 0..outputs {
                image.constant[k] += right_out[k * units + b] * through_constant
                    + unit.e0 * v.outgoing[k * units + b];
            }
        }
        image
    }
}

impl Image {
    /// `diag(own) W + mixed W'`, one unit a column.
    pub(crate) fn weights(&self, left: &Whitened, right: &Whitened) -> Mat<f64> {
        let (m, units) = (left.means.len(), right.means.len());
        let mixed = Mat::from_fn(units, m, |b, a| self.mixed[a * units + b]);
        let mut weights = product(right.weights.as_ref(), mixed.as_ref());
        for (a, own) in self.own.iter().enumerate() {
            for (out, w) in weights
                .col_mut(a)
                .iter_mut()
                .zip(left.weights.col(a).iter())
            {
                *out += own * w;
            }
        }
        weights
    }

    /// Adds a multiple of all but the weights.
    pub(crate) fn add(&mut self, weight: f64, other: &Self) {
        let add = |sum: &mut Vec<f64>, own: &[f64]| {
            for (sum, own) in sum.iter_mut().zip(own) {
                *sum += weight * own;
            }
        };
        add(&mut self.means, &other.means);
        add(&mut self.outgoing, &other.outgoing);
        add(&mut self.constant, &other.constant);
    }
}

fn outgoing_products(left: &Whitened, right: &Whitened) -> Vec<f64> {
    let (m, units) = (left.means.len(), right.means.len());
    let mut products = vec![0.0; m * units];
    for (one, other) in left
        .outgoing
        .chunks_exact(m)
        .zip(right.outgoing.chunks_exact(units))
    {
        for (row, v) in products.chunks_exact_mut(units).zip(one) {
            for (product, w) in row.iter_mut().zip(other) {
                *product += v * w;
            }
        }
    }
    products
}

fn columns(weights: MatRef<'_, f64>) -> Vec<Vec<f64>> {
    weights
        .col_iter()
        .map(|column| column.iter().copied().collect())
        .collect()
}

fn unit_moments(
    averages: &Averages,
    columns: &[Vec<f64>],
    means: &[f64],
) -> Result<Vec<UnitMoments>, ClosedFormError> {
    let unit = |(weights, mean): (&Vec<f64>, &f64)| {
        averages.unit(*mean, weights.iter().map(|w| w * w).sum())
    };
    columns.iter().zip(means).map(unit).collect()
}
