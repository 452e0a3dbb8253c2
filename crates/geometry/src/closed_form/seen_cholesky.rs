use super::factor::Factor;
use super::output_blocks::OutputBlocks;
use super::product::product;
use super::seen::{Coordinates, Seen};
use super::unseen::Unseen;
use crate::MetricError;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, Mat, Par};

/// `G + λI` on the coordinates that the units see, factored: outputs are eliminated, and what is left, `dim × dim`, is one
/// Cholesky factor.
#[derive(Clone, Debug)]
pub(crate) struct SeenCholesky {
    outputs: OutputBlocks,
    /// `T`, `h × dim`.
    table: Mat<f64>,
    schur: Factor,
}

impl SeenCholesky {
    pub(crate) fn new(seen: &Seen<'_>, unseen: &Unseen, lambda: f64) -> Result<Self, MetricError> {
        let outputs = OutputBlocks::new(seen, lambda)?;
        let table = seen.values_and_slopes();
        let mut schur = eliminated(seen, &outputs, &table);
        seen.add_slopes(&mut schur);
        unseen.add_seen(seen.rank(), schur.as_mut());
        for bias in seen.units() * seen.rank()..seen.dim() {
            schur[(bias, bias)] += lambda;
        }
        let schur = Factor::new(schur.as_ref(), lambda)?;
        Ok(Self {
            outputs,
            table,
            schur,
        })
    }

    /// `log det` of the whole system in its own coordinates.
    pub(crate) fn log_determinant(&self) -> f64 {
        self.outputs.log_determinant() + self.schur.log_determinant()
    }

    pub(crate) fn solve(&self, seen: &Seen<'_>, mut g: Coordinates) -> Coordinates {
        let (m, r, dim) = (seen.units(), seen.rank(), seen.dim());
        self.outputs.solve(&mut g.outputs);
        let through = product(self.table.transpose(), g.outputs.as_ref()); // dim × K
        let mut right = Mat::zeros(dim, 1);
        for row in 0..dim {
            let a = seen.unit(row);
            let own = if row < m * r {
                g.weights[(row % r, a)]
            } else {
                g.biases[a]
            };
            let outgoing = |k: usize| seen.outgoing[k * m + a] * through[(row, k)];
            right[(row, 0)] = own - (0..seen.outputs()).map(outgoing).sum::<f64>();
        }
        self.schur.solve(right.as_mut());
        // back to each output: dv_k = H⁻¹(g_k − T diag(v_k) z)
        let spread = Mat::from_fn(dim, seen.outputs(), |row, k| {
            seen.outgoing[k * m + seen.unit(row)] * right[(row, 0)]
        });
        let mut correction = product(self.table.as_ref(), spread.as_ref());
        self.outputs.solve(&mut correction);
        g.outputs -= correction;
        for a in 0..m {
            for i in 0..r {
                g.weights[(i, a)] = right[(a * r + i, 0)];
            }
            if seen.hidden_bias {
                g.biases[a] = right[(m * r + a, 0)];
            }
        }
        g
    }
}

/// `−Σ M ∘ TᵀH⁻¹T` over the groups of outputs with their own `M` and `H`, lower triangle.
fn eliminated(seen: &Seen<'_>, outputs: &OutputBlocks, table: &Mat<f64>) -> Mat<f64> {
    let (m, dim) = (seen.units(), seen.dim());
    let units: Vec<usize> = (0..dim).map(|row| seen.unit(row)).collect();
    let mut sum = Mat::zeros(dim, dim);
    let mut own = Mat::zeros(dim, dim);
    for group in &outputs.groups {
        let mut half = table.clone();
        group.factor.half_solve(half.as_mut());
        triangular_matmul(
            own.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Replace,
            half.transpose(),
            BlockStructure::Rectangular,
            half.as_ref(),
            BlockStructure::Rectangular,
            -1.0,
            Par::Seq,
        );
        let mut products = Mat::<f64>::zeros(m, m);
        for &k in &group.outputs {
            let v = &seen.outgoing[k * m..(k + 1) * m];
            products += Mat::from_fn(m, m, |a, b| v[a] * v[b]);
        }
        for (j, &b) in units.iter().enumerate() {
            let products = products.col_as_slice(b);
            let (from, to) = (own.col_as_slice(j), sum.col_as_slice_mut(j));
            for ((to, from), &a) in to.iter_mut().zip(from).zip(&units).skip(j) {
                *to += products[a] * from;
            }
        }
    }
    sum
}
