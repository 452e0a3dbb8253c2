use super::coupling::Coupling;
use super::factor::Factor;
use super::product::product;
use super::unseen::Unseen;
use crate::MetricError;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, Mat, MatRef};

/// `σ²G` on the coordinates that the units see: the weights within the span of `w_1, …, w_m` (and μ), `r × m`, and biases. The
/// outgoing weights and the constants are eliminated.
///
/// With `H = E[(φ, 1)(φ, 1)ᵀ]` and `T = E[(φ, 1) ∇_{w,b} φ_aᵀ]`, the blocks of output `k` are `H` and `T` scaled by `v_ka`, so
/// that eliminating all outputs leaves `M ∘ (E[∇φ_a ∇φ_bᵀ] − TᵀH⁻¹T)`: however many outputs, one system.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) coupling: &'a Coupling,
    /// `V`, row by row.
    pub(crate) outgoing: &'a [f64],
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

    /// `H + λσ²`.
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
    fn values_and_slopes(&self) -> Mat<f64> {
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

    /// Solves by one Cholesky factorisation of a `dim × dim` matrix.
    pub(crate) fn solve_directly(
        &self,
        unseen: &Unseen,
        damping: f64,
        lambda: f64,
        mut g: Coordinates,
    ) -> Result<Coordinates, MetricError> {
        let values = Factor::new(self.values(damping).as_ref(), lambda)?;
        let table = self.values_and_slopes();
        let schur = Factor::new(
            self.schur(unseen, damping, &values, &table).as_ref(),
            lambda,
        )?;
        values.solve(g.outputs.as_mut());
        let seen = product(table.transpose(), g.outputs.as_ref()); // dim × K
        let mut right = Mat::zeros(self.dim(), 1);
        let (m, r) = (self.units(), self.rank());
        for a in 0..m {
            let through = |row: usize| -> f64 {
                (0..self.outputs())
                    .map(|k| self.outgoing[k * m + a] * seen[(row, k)])
                    .sum()
            };
            for i in 0..r {
                right[(a * r + i, 0)] = g.weights[(i, a)] - through(a * r + i);
            }
            if self.hidden_bias {
                right[(m * r + a, 0)] = g.biases[a] - through(m * r + a);
            }
        }
        schur.solve(right.as_mut());
        // back to each output: dv_k = H⁻¹(g_k − T diag(v_k) z)
        let spread = Mat::from_fn(self.dim(), self.outputs(), |row, k| {
            let unit = if row < m * r { row / r } else { row - m * r };
            self.outgoing[k * m + unit] * right[(row, 0)]
        });
        let mut correction = product(table.as_ref(), spread.as_ref());
        values.solve(correction.as_mut());
        g.outputs -= correction;
        for a in 0..m {
            for i in 0..r {
                g.weights[(i, a)] = right[(a * r + i, 0)];
            }
            if self.hidden_bias {
                g.biases[a] = right[(m * r + a, 0)];
            }
        }
        Ok(g)
    }

    /// `M ∘ (E[∇φ_a ∇φ_bᵀ] − TᵀH⁻¹T) + N + λσ²`, lower triangle.
    fn schur(&self, unseen: &Unseen, damping: f64, values: &Factor, table: &Mat<f64>) -> Mat<f64> {
        let (m, r, dim) = (self.units(), self.rank(), self.dim());
        let mut half = table.clone();
        values.half_solve(half.as_mut());
        let mut schur = Mat::zeros(dim, dim);
        triangular_matmul(
            schur.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Replace,
            half.transpose(),
            BlockStructure::Rectangular,
            half.as_ref(),
            BlockStructure::Rectangular,
            -1.0,
            faer::Par::Seq,
        );
        let columns: Vec<Vec<f64>> = self
            .weights
            .col_iter()
            .map(|c| c.iter().copied().collect())
            .collect();
        for b in 0..m {
            let w_b = &columns[b];
            for j in 0..r {
                let mut column = schur.col_mut(b * r + j);
                for (a, w_a) in columns.iter().enumerate().skip(b) {
                    let (e, outgoing) = self.coupling.pair(a, b);
                    let along_a = e.e31 * w_a[j] + e.e22 * w_b[j] + e.e21 * self.shift[j];
                    let along_b = e.e22 * w_a[j] + e.e13 * w_b[j] + e.e12 * self.shift[j];
                    let along_shift = e.e21 * w_a[j] + e.e12 * w_b[j] + e.e11 * self.shift[j];
                    let block = column.as_mut().subrows_mut(a * r, r);
                    for (((entry, a), b), s) in block.iter_mut().zip(w_a).zip(w_b).zip(self.shift) {
                        *entry = outgoing * (*entry + along_a * a + along_b * b + along_shift * s);
                    }
                }
                if self.hidden_bias {
                    for (a, w_a) in columns.iter().enumerate() {
                        let (e, outgoing) = self.coupling.pair(a, b);
                        let mixed = e.e21 * w_a[j] + e.e12 * w_b[j] + e.e11 * self.shift[j];
                        column[m * r + a] = outgoing * (column[m * r + a] + mixed);
                    }
                }
            }
            if self.hidden_bias {
                for a in b..m {
                    let (e, outgoing) = self.coupling.pair(a, b);
                    let entry = &mut schur[(m * r + a, m * r + b)];
                    *entry = outgoing * (*entry + e.e11);
                    if a == b {
                        *entry += damping;
                    }
                }
            }
        }
        // the part of E[φ'φ' z zᵀ] that is a multiple of the identity is in N
        unseen.add_seen(r, schur.as_mut());
        schur
    }
}
