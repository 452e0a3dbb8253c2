use super::coupling::Coupling;
use faer::{Mat, MatRef};

/// `G` on the coordinates that the units see: the weights within the span of `w_1, …, w_m` (and μ), `r × m`, and biases. The
/// outgoing weights and the constants are eliminated.
///
/// With `H = E[(φ, 1)(φ, 1)ᵀ]` and `T = E[(φ, 1) ∇_{w,b} φ_aᵀ]`, the blocks of output `k` are `H` and `T` scaled by `v_ka`, so
/// that eliminating all outputs leaves `M ∘ (E[∇φ_a ∇φ_bᵀ] − TᵀH⁻¹T)`: however many outputs, one system. Where they differ in
/// precision, damping sets them apart, and each precision subtracts its own `M ∘ TᵀH⁻¹T`.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) coupling: &'a Coupling,
    /// `V` in the frame of the precision of the outputs, row by row.
    pub(crate) outgoing: &'a [f64],
    /// `√h_k`, the frame's scales.
    pub(crate) roots: &'a [f64],
    /// Coordinates of the weights in the basis, `r × m`.
    pub(crate) weights: MatRef<'a, f64>,
    /// Coordinates of `μ̃`, zeros for zero mean.
    pub(crate) shift: &'a [f64],
    pub(crate) hidden_bias: bool,
    pub(crate) output_bias: bool,
}

/// Coordinates of a vector or covector on what is seen.
#[derive(Clone, Debug)]
pub(crate) struct Coordinates {
    /// `r × m`.
    pub(crate) weights: Mat<f64>,
    /// Length `m`, or 0 without hidden biases.
    pub(crate) biases: Vec<f64>,
    /// `h × K`: a column for each output, its outgoing weights and then its constant, if there is one.
    pub(crate) outputs: Mat<f64>,
}

impl Seen<'_> {
    pub(crate) fn units(&self) -> usize {
        self.weights.ncols()
    }

    pub(crate) fn rank(&self) -> usize {
        self.weights.nrows()
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outgoing.len() / self.units()
    }

    /// Size of the system once outgoing weights and constants are eliminated.
    pub(crate) fn dim(&self) -> usize {
        let biases = if self.hidden_bias { self.units() } else { 0 };
        self.units() * self.rank() + biases
    }

    /// The unit that a row of the system belongs to.
    pub(crate) fn unit(&self, row: usize) -> usize {
        let weights = self.units() * self.rank();
        if row < weights {
            row / self.rank()
        } else {
            row - weights
        }
    }

    /// `H + damping I`.
    pub(crate) fn values(&self, damping: f64) -> Mat<f64> {
        let m = self.units();
        let size = m + usize::from(self.output_bias);
        Mat::from_fn(size, size, |a, b| {
            let own = match (a < m, b < m) {
                (true, true) => self.coupling.pair(a, b).0.e00,
                (true, false) => self.coupling.left[a].e0,
                (false, true) => self.coupling.left[b].e0,
                (false, false) => 1.0,
            };
            if a == b { own + damping } else { own }
        })
    }

    /// `T`, `h × dim`.
    pub(crate) fn values_and_slopes(&self) -> Mat<f64> {
        let (m, r) = (self.units(), self.rank());
        let mut table = Mat::zeros(m + usize::from(self.output_bias), self.dim());
        for a in 0..m {
            let own = self.weights.col(a);
            let unit = &self.coupling.left[a];
            for i in 0..r {
                let mut column = table.col_mut(a * r + i);
                for b in 0..m {
                    let e = self.coupling.pair(a, b).0;
                    column[b] =
                        e.e20 * own[i] + e.e11 * self.weights[(i, b)] + e.e10 * self.shift[i];
                }
                if self.output_bias {
                    column[m] = unit.e2 * own[i] + unit.e1 * self.shift[i];
                }
            }
            if self.hidden_bias {
                let mut column = table.col_mut(m * r + a);
                for b in 0..m {
                    column[b] = self.coupling.pair(a, b).0.e10;
                }
                if self.output_bias {
                    column[m] = unit.e1;
                }
            }
        }
        table
    }

    /// Adds `M ∘ E[∇φ_a ∇φ_bᵀ]`, lower triangle, without the multiple of the identity in `E[φ'φ' z zᵀ]`: that is the unseen
    /// weights' part.
    pub(crate) fn add_slopes(&self, target: &mut Mat<f64>) {
        let (m, r) = (self.units(), self.rank());
        let columns: Vec<Vec<f64>> = self
            .weights
            .col_iter()
            .map(|c| c.iter().copied().collect())
            .collect();
        for b in 0..m {
            let w_b = &columns[b];
            for j in 0..r {
                let mut column = target.col_mut(b * r + j);
                for (a, w_a) in columns.iter().enumerate().skip(b) {
                    let (e, outgoing) = self.coupling.pair(a, b);
                    let along_a = e.e31 * w_a[j] + e.e22 * w_b[j] + e.e21 * self.shift[j];
                    let along_b = e.e22 * w_a[j] + e.e13 * w_b[j] + e.e12 * self.shift[j];
                    let along_shift = e.e21 * w_a[j] + e.e12 * w_b[j] + e.e11 * self.shift[j];
                    let block = column.as_mut().subrows_mut(a * r, r);
                    for (((entry, a), b), s) in block.iter_mut().zip(w_a).zip(w_b).zip(self.shift) {
                        *entry += outgoing * (along_a * a + along_b * b + along_shift * s);
                    }
                }
                if self.hidden_bias {
                    for (a, w_a) in columns.iter().enumerate() {
                        let (e, outgoing) = self.coupling.pair(a, b);
                        let mixed = e.e21 * w_a[j] + e.e12 * w_b[j] + e.e11 * self.shift[j];
                        column[m * r + a] += outgoing * mixed;
                    }
                }
            }
            if self.hidden_bias {
                for a in b..m {
                    let (e, outgoing) = self.coupling.pair(a, b);
                    target[(m * r + a, m * r + b)] += outgoing * e.e11;
                }
            }
        }
    }
}
