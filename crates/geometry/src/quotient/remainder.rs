use super::reflection::Reflection;
use super::{QuotientError, SymmetryGroup, Tolerance};
use faer::Mat;

/// The affine function of its inputs that flips of units leave in the next layer, `Σ v_α (w_α·x + b_α)` or `Σ v_α`.
///
/// For the outputs of a likelihood that sees no common shift, only what differs from the mean of all outputs.
pub(crate) struct Remainder {
    layer: usize,
    flipped: usize,
    /// `outputs × (inputs + 1)`, constants last.
    sums: Mat<f64>,
    /// `Σ |terms|` beside each sum.
    sizes: Mat<f64>,
    /// Whether the next layer has biases to take the constants.
    biased: bool,
}

impl Remainder {
    /// Whether flips in this layer leave nothing that has to cancel, whatever θ.
    pub(crate) fn is_never_left(group: &SymmetryGroup<'_>, layer: usize) -> bool {
        let layers = group.net.layers();
        match Reflection::of(layers[layer].activation()) {
            Reflection::Odd => true,
            Reflection::Complement => layers[layer + 1].has_bias(),
            Reflection::Affine | Reflection::Absent => false,
        }
    }

    /// What flipping these units at θ leaves; `None` if they cannot be flipped at all.
    pub(crate) fn of(
        group: &SymmetryGroup<'_>,
        layer: usize,
        flipped: &[usize],
        theta: &[f64],
    ) -> Option<Self> {
        let next = &group.net.layers()[layer + 1];
        let inputs = group.net.layers()[layer].inputs();
        let mut left = Self {
            layer,
            flipped: flipped.len(),
            sums: Mat::zeros(next.outputs(), inputs + 1),
            sizes: Mat::zeros(next.outputs(), inputs + 1),
            biased: next.has_bias(),
        };
        for unit in flipped {
            let (v, u) = factors(group, layer, *unit, theta)?;
            for (i, u) in u.iter().enumerate().filter(|(_, u)| u.abs() > 0.0) {
                for (k, v) in v.iter().enumerate() {
                    left.sums[(k, i)] += v * u;
                    left.sizes[(k, i)] += (v * u).abs();
                }
            }
        }
        if is_common_free(group, layer) {
            let outputs = next.outputs();
            for i in 0..=inputs {
                let mean = left.sums.col(i).sum() / outputs as f64;
                let size = left.sizes.col(i).norm_max();
                for k in 0..outputs {
                    left.sums[(k, i)] -= mean;
                    left.sizes[(k, i)] = size;
                }
            }
        }
        Some(left)
    }

    /// The constants for the next biases, if everything else cancels.
    ///
    /// # Errors
    /// [`QuotientError::ElementFlips`].
    pub(crate) fn constants(&self, tolerance: Tolerance) -> Result<Vec<f64>, QuotientError> {
        let inputs = self.sums.ncols() - 1;
        let rounding = (16 + 2 * self.flipped) as f64 * f64::EPSILON;
        for i in 0..inputs + usize::from(!self.biased) {
            for k in 0..self.sums.nrows() {
                let (sum, size) = (self.sums[(k, i)], self.sizes[(k, i)]);
                let allowed = tolerance.relative() * size.max(1.0) + rounding * size;
                // an overflow is not a cancellation
                if sum.abs() > allowed || !size.is_finite() {
                    return Err(QuotientError::ElementFlips {
                        layer: self.layer,
                        flipped: self.flipped,
                        output: k,
                        input: (i < inputs).then_some(i),
                        left: sum,
                        size,
                    });
                }
            }
        }
        Ok(self.sums.col(inputs).iter().copied().collect())
    }

    /// What has to cancel, one column a unit: `v_α ⊗ w_α`, or as many random functionals of it as there are units and a few more,
    /// which have the same null space.
    pub(crate) fn columns(
        group: &SymmetryGroup<'_>,
        layer: usize,
        units: &[usize],
        theta: &[f64],
    ) -> Mat<f64> {
        let biased = group.net.layers()[layer + 1].has_bias();
        let mut pairs: Vec<(Vec<f64>, Vec<f64>)> = (units.iter())
            .filter_map(|unit| factors(group, layer, *unit, theta))
            .collect();
        for (v, u) in &mut pairs {
            if is_common_free(group, layer) {
                let mean = v.iter().sum::<f64>() / v.len() as f64;
                v.iter_mut().for_each(|v| *v -= mean);
            }
            if biased {
                u.pop();
            }
        }
        let Some((v, u)) = pairs.first() else {
            return Mat::zeros(0, 0);
        };
        let (rows, entries) = (pairs.len() + 16, u.len());
        if v.len() * entries <= rows {
            return Mat::from_fn(v.len() * entries, pairs.len(), |r, unit| {
                pairs[unit].0[r / entries] * pairs[unit].1[r % entries]
            });
        }
        let dot = |row: usize, salt: usize, vector: &[f64]| {
            let terms = vector.iter().enumerate();
            terms
                .map(|(i, v)| v * functional(row as u64, (2 * i + salt) as u64))
                .sum::<f64>()
        };
        Mat::from_fn(rows, pairs.len(), |row, unit| {
            dot(row, 0, &pairs[unit].0) * dot(row, 1, &pairs[unit].1)
        })
    }
}

/// `v_α` and what it is multiplied by: `(w_α, b_α)`, or the constant 1 of a logistic unit, or nothing.
fn factors(
    group: &SymmetryGroup<'_>,
    layer: usize,
    unit: usize,
    theta: &[f64],
) -> Option<(Vec<f64>, Vec<f64>)> {
    let (own, next) = (&group.net.layers()[layer], &group.net.layers()[layer + 1]);
    let v = (0..next.outputs()).map(|k| theta[next.incoming(k).start + unit]);
    let mut u = vec![0.0; own.inputs() + 1];
    match Reflection::of(own.activation()) {
        Reflection::Odd => {}
        Reflection::Complement => u[own.inputs()] = 1.0,
        Reflection::Affine => {
            u[..own.inputs()].copy_from_slice(&theta[own.incoming(unit)]);
            u[own.inputs()] = own.bias().map_or(0.0, |bias| theta[bias.start + unit]);
        }
        Reflection::Absent => return None,
    }
    Some((v.collect(), u))
}

/// Whether what is common to all outputs of the next layer does not matter.
fn is_common_free(group: &SymmetryGroup<'_>, layer: usize) -> bool {
    group.gauge && layer + 1 == group.hidden_layers()
}

/// A fixed random number in (−1, 1) for each pair (`SplitMix64`).
fn functional(row: u64, column: u64) -> f64 {
    let mut z = (row << 32 | column)
        .wrapping_add(1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}
