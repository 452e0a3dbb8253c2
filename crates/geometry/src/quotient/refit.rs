use super::{Absorbed, Shallow, Unit};
use faer::{Mat, MatRef};

/// Signals of a hidden layer on a probe, ready to price the removal of any unit and to refit the others to it.
///
/// Signals are centred (a constant costs nothing, and is never mistaken for a multiple of another constant) and divided by their
/// deviations. With `R` the triangular factor of those columns and `P = (RᵀR + δ)⁻¹`, the best approximation of column `j` by
/// the others is `−Σ_i (P_ij / P_jj) a_i`, and its squared error is `1/P_jj`: one matrix knows all the answers.
///
/// `δ` is [`DAMPING`]² of the largest singular value: where signals depend on each other, or are more than the examples, the fit is
/// then one of small coefficients instead of none. Damping costs an error of `√δ` a unit of coefficient, while coefficients of
/// `1/√δ` cost rounding `ε/√δ`, so `√δ = √ε` balances the two.
#[derive(Clone, Debug)]
pub(crate) struct Refit {
    /// Means and standard deviations of the signals; deviations that are rounding are 0.
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// `RᵀR` is the correlation matrix.
    factor: Mat<f64>,
    precision: Mat<f64>,
    /// By what factor entries of the precision have shrunk since it was computed, and so lost digits.
    shrunk: f64,
}

const DAMPING: f64 = 1e-8;

/// A precision downdated further than this is computed anew.
const MOST_SHRUNK: f64 = 1e3;

impl Refit {
    /// From the signals, `m × N`. Cost: `O(N m²)` and `O(m³)`.
    pub(crate) fn of(signal: MatRef<'_, f64>) -> Self {
        let examples = signal.ncols().max(1) as f64;
        let mean_of = |row: faer::RowRef<'_, f64>| {
            // relative to the first, so that equal signals have no deviation at all
            let first = row.iter().next().copied().unwrap_or(0.0);
            first + row.iter().map(|a| a - first).sum::<f64>() / examples
        };
        let means: Vec<f64> = signal.row_iter().map(mean_of).collect();
        let deviation = |(row, mean): (faer::RowRef<'_, f64>, &f64)| {
            let squares: f64 = row.iter().map(|a| (a - mean) * (a - mean)).sum();
            let deviation = (squares / examples).sqrt();
            if deviation > 16.0 * f64::EPSILON * mean.abs() {
                deviation
            } else {
                0.0
            }
        };
        let deviations: Vec<f64> = signal.row_iter().zip(&means).map(deviation).collect();
        let columns = Mat::from_fn(signal.ncols(), signal.nrows(), |s, u| {
            if deviations[u] > 0.0 {
                (signal[(u, s)] - means[u]) / (deviations[u] * examples.sqrt())
            } else {
                0.0
            }
        });
        let mut fit = Self {
            means,
            deviations,
            factor: columns,
            precision: Mat::zeros(0, 0),
            shrunk: 1.0,
        };
        fit.compute();
        fit
    }

    /// `P` from the singular values of the columns, which have all the digits that `RᵀR` would have lost.
    fn compute(&mut self) {
        let units = self.means.len();
        if self.factor.nrows() > units {
            self.factor = self.factor.qr().thin_R().to_owned();
        }
        self.shrunk = 1.0;
        // padded with zero rows, so that the full right basis comes out of a thin decomposition
        let rows = self.factor.nrows();
        let square = Mat::from_fn(units.max(rows), units, |i, j| {
            if i < rows { self.factor[(i, j)] } else { 0.0 }
        });
        self.precision = Mat::identity(units, units);
        let Ok(svd) = square.thin_svd() else {
            return; // signals are finite, so this does not happen; without correlations nothing is refitted
        };
        let (values, right) = (svd.S().column_vector(), svd.V());
        let largest = (0..units).fold(0.0, |m: f64, i| m.max(values[i]));
        let damping = (DAMPING * largest).powi(2).max(DAMPING * DAMPING);
        let weighted = Mat::from_fn(units, units, |i, j| {
            right[(i, j)] / (values[j] * values[j] + damping).sqrt()
        });
        self.precision = &weighted * weighted.transpose();
    }

    /// `e_j = a_j − Σ_{i≠j} c_i a_i − c₀` for every signal: what the others do not explain of it, `m × N`. Cost: `O(N m²)`.
    pub(crate) fn unexplained(&self, signal: MatRef<'_, f64>) -> Mat<f64> {
        let units = self.means.len();
        let standardised = Mat::from_fn(units, signal.ncols(), |u, s| {
            if self.deviations[u] > 0.0 {
                (signal[(u, s)] - self.means[u]) / self.deviations[u]
            } else {
                0.0
            }
        });
        let weighted = Mat::from_fn(units, units, |j, i| {
            self.deviations[j] * self.precision[(j, i)] / self.precision[(j, j)]
        });
        weighted * standardised
    }

    /// The correlation matrix of the signals.
    pub(crate) fn correlations(&self) -> Mat<f64> {
        self.factor.transpose() * &self.factor
    }

    /// Removes a unit and refits the outgoing weights and the constant of the others to what the layer fed forward before.
    pub(crate) fn remove(&self, slice: &Shallow, unit: usize) -> (Shallow, Absorbed) {
        // Only the removed signal has to be explained: a_unit ≈ Σ c_u a_u + c₀, for all outputs at once.
        let scale = self.deviations[unit] / self.precision[(unit, unit)];
        let coefficient = |u: usize| {
            if self.deviations[u] > 0.0 {
                -scale * self.precision[(u, unit)] / self.deviations[u]
            } else {
                0.0
            }
        };
        let coefficients: Vec<f64> = (0..self.means.len()).map(coefficient).collect();
        let kept = || (0..self.means.len()).filter(|u| *u != unit);
        let usable = kept().all(|u| coefficients[u].is_finite());
        let c = |u: usize| if usable { coefficients[u] } else { 0.0 };
        let level = kept().fold(self.means[unit], |level, u| level - c(u) * self.means[u]);
        let removed = &slice.units[unit].outgoing;
        let mut smaller = slice.clone();
        smaller.units = kept()
            .map(|u| Unit {
                outgoing: (slice.units[u].outgoing.iter().zip(removed))
                    .map(|(v, r)| v + c(u) * r)
                    .collect(),
                ..slice.units[u].clone()
            })
            .collect();
        for (constant, r) in smaller.constant.iter_mut().zip(removed) {
            *constant += level * r;
        }
        smaller.output_bias = true;
        let heaviest = kept()
            .map(|u| (u, c(u).abs() * self.deviations[u]))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let (own, mean) = (self.deviations[unit], self.means[unit].abs());
        let absorbed = match heaviest {
            Some((u, weight)) if weight > 0.5 * own && weight > 0.1 * mean => Absorbed::Unit(u),
            _ if mean > own => Absorbed::Constant,
            _ => Absorbed::Nobody,
        };
        (smaller, absorbed)
    }

    /// The same without one unit. Cost: `O(m²)`, by a downdate of `P`; `O(m³)` when that would lose digits.
    pub(crate) fn without(&self, unit: usize) -> Self {
        let kept: Vec<usize> = (0..self.means.len()).filter(|u| *u != unit).collect();
        let (p, rows) = (&self.precision, self.factor.nrows());
        let mut smaller = Self {
            means: kept.iter().map(|u| self.means[*u]).collect(),
            deviations: kept.iter().map(|u| self.deviations[*u]).collect(),
            factor: Mat::from_fn(rows, kept.len(), |i, j| self.factor[(i, kept[j])]),
            precision: Mat::from_fn(kept.len(), kept.len(), |i, j| {
                let (i, j) = (kept[i], kept[j]);
                p[(i, j)] - p[(i, unit)] * p[(unit, j)] / p[(unit, unit)]
            }),
            shrunk: self.shrunk,
        };
        let shrunk = (kept.iter().enumerate())
            .map(|(place, u)| p[(*u, *u)] / smaller.precision[(place, place)])
            .fold(1.0, |m: f64, ratio| {
                if ratio >= 1.0 {
                    m.max(ratio)
                } else {
                    f64::INFINITY
                }
            });
        smaller.shrunk *= shrunk;
        if smaller.shrunk > MOST_SHRUNK {
            smaller.compute();
        }
        smaller
    }
}
