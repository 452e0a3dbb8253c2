use super::Storage;
use super::slab::Order;
use super::storage::Matrix;
use super::tile::{Line, SIDE, from_lines, to_lines};
use super::waiting::Waiting;
use crate::OptimError;
use faer::Mat;

/// The estimate `Ĝ⁻¹ ∈ R^{P×P}`, kept as `s (S + V D Vᵀ)`.
///
/// A factor in front of the whole matrix changes only `s`. The columns of an update wait in `V` until there are enough to
/// be added to `S` at once, which is done by the next pass over `S` on its way. `S` is thus read once a step and written
/// seldom; and since there is no other triangle, symmetry cannot be lost.
#[derive(Clone, Debug)]
pub(super) struct InverseEstimate {
    pub(super) scale: f64,
    pub(super) matrix: Matrix,
    /// `V D Vᵀ`, and the vectors that `S` is multiplied with.
    pub(super) order: Order,
    /// So many columns may wait.
    delay: usize,
    /// By how much `s` has grown while they did.
    pub(super) grown: f64,
    /// The trace, where it is asked for: followed from update to update, and computed anew whenever `S` is written, for its
    /// rounding errors grow as the matrix does and nothing makes them smaller.
    pub(super) trace: Option<f64>,
    products: Vec<Line>,
}

/// `S` is so much larger than `S + V D Vᵀ` at most where the estimate neither grows nor shrinks, so the subtraction loses
/// four bits; without a limit, fast forgetting would lose all.
const GROWTH: f64 = 16.0;

/// Vectors that share a pass over `S`.
const TOGETHER: usize = 8;

impl InverseEstimate {
    /// `scale·I`.
    pub(super) fn identity(dim: usize, scale: f64, storage: Storage, delay: usize) -> Self {
        Self {
            scale,
            order: Order {
                waiting: Waiting::none(dim.div_ceil(SIDE)),
                ..Order::default()
            },
            matrix: Matrix::identity(dim, storage),
            delay,
            grown: 1.0,
            trace: None,
            products: Vec::new(),
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.matrix.dim()
    }

    /// Passes if θ has as many parameters as it had when the estimate was made.
    pub(super) fn check_dim(&self, parameters: usize) -> Result<(), OptimError> {
        if parameters == self.dim() {
            return Ok(());
        }
        Err(OptimError::Dimension {
            expected: self.dim(),
            got: parameters,
        })
    }

    /// `out ← Ĝ⁻¹ X` for vectors of length `P` one after the other. Takes the opportunity to write `S` if that is due.
    pub(super) fn apply(&mut self, vectors: &[f64], out: &mut [f64]) {
        let (dim, blocks) = (self.dim(), self.blocks());
        for (vectors, out) in (vectors.chunks(TOGETHER * dim)).zip(out.chunks_mut(TOGETHER * dim)) {
            let room = vectors.len() / dim * blocks;
            self.order.x.resize(room, Line::ZERO);
            self.products.resize(room, Line::ZERO);
            for (x, lines) in (vectors.chunks_exact(dim)).zip(self.order.x.chunks_exact_mut(blocks))
            {
                to_lines(x, lines);
            }
            self.sweep();
            for ((x, lines), out) in (self.order.x.chunks_exact(blocks))
                .zip(self.products.chunks_exact_mut(blocks))
                .zip(out.chunks_exact_mut(dim))
            {
                self.order.waiting.add_product(x, lines);
                from_lines(self.scale, lines, out);
            }
        }
    }

    /// `products ← S vectors`, after adding what waits if there is enough of it.
    fn sweep(&mut self) {
        let scales = self.matrix.scales();
        let due = self.order.waiting.columns() >= self.delay
            || self.grown > GROWTH
            || !scales.contains(&self.scale);
        let factor = if scales.contains(&self.scale) {
            1.0
        } else {
            self.scale
        };
        self.order.addition = due.then_some(factor);
        self.matrix.sweep(&mut self.order, &mut self.products);
        if due {
            self.order.waiting.clear();
            self.scale /= factor;
            self.grown = 1.0;
            if self.trace.is_some() {
                self.trace = Some(self.measure_trace());
            }
        }
    }

    /// `out ← Ĝ⁻¹ x`, leaving everything as it is, on one thread.
    pub(super) fn product(&self, x: &[f64], out: &mut [f64]) {
        let mut vector = vec![Line::ZERO; self.blocks()];
        let mut lines = vector.clone();
        to_lines(x, &mut vector);
        self.matrix.product(&vector, &mut lines);
        self.order.waiting.add_product(&vector, &mut lines);
        from_lines(self.scale, &lines, out);
    }

    /// `out ← Ĝ⁻¹ e_index`. Cost: `P` numbers and those that wait.
    pub(super) fn column(&self, index: usize, out: &mut [f64]) {
        for (i, o) in out.iter_mut().enumerate() {
            *o = self.scale * (self.matrix.entry(i, index) + self.order.waiting.entry(i, index));
        }
    }

    /// `Ĝ⁻¹ ← growth·(Ĝ⁻¹ − Σ_k weight_k x_k x_kᵀ)`, for `X` given column after column.
    pub(super) fn update(&mut self, growth: f64, weights: &[f64], columns: &[f64]) {
        let dim = self.dim();
        for (x, weight) in columns.chunks_exact(dim).zip(weights) {
            self.order.waiting.push(-weight / self.scale, x);
            if let Some(trace) = &mut self.trace {
                *trace -= weight * crate::step::dot(x, x);
            }
        }
        self.scale *= growth;
        self.grown *= growth;
        self.trace = self.trace.map(|trace| growth * trace);
    }

    /// `tr Ĝ⁻¹`; from the second call on it costs next to nothing.
    pub(super) fn trace(&mut self) -> f64 {
        let trace = self.trace.unwrap_or_else(|| self.measure_trace());
        self.trace = Some(trace);
        trace
    }

    fn measure_trace(&self) -> f64 {
        let diagonal =
            (0..self.dim()).map(|i| self.matrix.entry(i, i) + self.order.waiting.entry(i, i));
        self.scale * diagonal.sum::<f64>()
    }

    /// The whole matrix.
    pub(super) fn to_dense(&self) -> Mat<f64> {
        let mut settled = self.clone();
        settled.order.x.clear();
        settled.products.clear();
        settled.delay = 0;
        settled.sweep();
        Mat::from_fn(self.dim(), self.dim(), |i, j| {
            settled.scale * settled.matrix.entry(i, j)
        })
    }

    fn blocks(&self) -> usize {
        self.dim().div_ceil(SIDE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over many flushes and far out of the range of the factor, against the same updates of a full matrix.
    #[test]
    fn growing_and_shrinking_beyond_the_range_of_the_factor_changes_no_digit_that_counts() {
        for (storage, tolerance) in [(Storage::Double, 1e-12), (Storage::Single, 1e-5)] {
            let span = if storage == Storage::Single { 0.1 } else { 1.0 };
            for growth in [-4.0, 4.0].map(|e: f64| 10f64.powf(e * span)) {
                let dim = 3;
                let mut estimate = InverseEstimate::identity(dim, 1.0, storage, 16);
                let mut full: Mat<f64> = Mat::identity(dim, dim);
                let mut size: f64 = 1.0;
                for t in 0..40_u32 {
                    let x: Vec<f64> = (0..3)
                        .map(|i| 0.3 * size.sqrt() * f64::from(3 * t + i).sin())
                        .collect();
                    let weight = 0.7;
                    let mut product = [0.0; 3];
                    estimate.apply(&x, &mut product); // as every step does
                    estimate.update(growth, &[weight], &x);
                    full = Mat::from_fn(dim, dim, |i, j| {
                        growth * (full[(i, j)] - weight * x[i] * x[j])
                    });
                    size *= growth;
                    let got = estimate.to_dense();
                    let scale = full.norm_max();
                    assert!(scale.is_normal());
                    assert!(
                        (&got - &full).norm_max() <= tolerance * scale,
                        "{t} {got:?} {full:?}"
                    );
                    assert!(
                        (estimate.trace() / (0..3).map(|i| full[(i, i)]).sum::<f64>() - 1.0).abs()
                            < tolerance
                    );
                    estimate.column(1, &mut product);
                    for (i, p) in product.iter().enumerate() {
                        assert!((p - full[(i, 1)]).abs() <= tolerance * scale);
                    }
                }
            }
        }
    }

    fn entry(i: usize, j: usize) -> f64 {
        let (i, j) = (i.max(j) as f64, i.min(j) as f64);
        (1.3 * i + 0.7 * j).sin()
    }

    /// `I − Σ ± v vᵀ` before and after it is written, in both directions of a pass, cut into slabs or not, for any remainder.
    #[test]
    fn products_are_those_of_the_full_matrix_whether_columns_wait_or_not() {
        for dim in [1, 2, 7, 8, 9, 15, 16, 17, 29, 64, 67, 600] {
            let count = 11;
            let columns: Vec<f64> = (0..count * dim).map(|k| 0.1 * entry(k % dim, k)).collect();
            let weights: Vec<f64> = (0..count)
                .map(|k| if k % 3 == 0 { -0.4 } else { 0.7 })
                .collect();
            let mut full: Mat<f64> = Mat::identity(dim, dim);
            for (x, w) in columns.chunks_exact(dim).zip(&weights) {
                full = Mat::from_fn(dim, dim, |i, j| full[(i, j)] - w * x[i] * x[j]);
            }
            let vectors = Mat::from_fn(dim, 10, |i, j| entry(3 * i, j + 1));
            let expected = 2.0 * (&full * &vectors);
            let flat: Vec<f64> = vectors.col_iter().flat_map(|c| c.iter().copied()).collect();
            for delay in [1, 100] {
                let mut estimate = InverseEstimate::identity(dim, 2.0, Storage::Double, delay);
                estimate.update(
                    1.0,
                    &weights.iter().map(|w| 2.0 * w).collect::<Vec<_>>(),
                    &columns,
                );
                let mut out = vec![f64::NAN; 10 * dim];
                for _ in 0..3 {
                    estimate.apply(&flat, &mut out);
                    let mut single = vec![f64::NAN; dim];
                    for (j, out) in out.chunks_exact(dim).enumerate() {
                        estimate.product(&flat[j * dim..][..dim], &mut single);
                        for i in 0..dim {
                            let tolerance = 1e-14 * dim as f64;
                            assert!(
                                (out[i] - expected[(i, j)]).abs() < tolerance,
                                "{dim} {delay}"
                            );
                            assert!((single[i] - expected[(i, j)]).abs() < tolerance);
                        }
                    }
                }
                let dense = estimate.to_dense();
                assert!((2.0 * &full - &dense).norm_max() < 1e-14 * dim as f64);
                assert!(dense == dense.transpose().to_owned());
            }
        }
    }
}
