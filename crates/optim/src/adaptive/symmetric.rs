use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};

/// A symmetric matrix of which the lower triangle is stored, column by column with stride `P`.
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    dim: usize,
    /// What lies above the diagonal is neither read nor written.
    values: Vec<f64>,
}

impl Symmetric {
    pub(super) fn identity(dim: usize) -> Self {
        let mut values = vec![0.0; dim * dim];
        for i in 0..dim {
            values[i * dim + i] = 1.0;
        }
        Self { dim, values }
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Entry `(i, j)` with `i ≥ j`.
    pub(super) fn lower(&self, i: usize, j: usize) -> f64 {
        self.values[j * self.dim + i]
    }

    /// `out ← S x`, reading each stored number once.
    pub(super) fn apply(&self, x: &[f64], out: &mut [f64]) {
        Arch::new().dispatch(Apply {
            matrix: self,
            x,
            out,
        });
    }

    /// `out ← S A`.
    pub(super) fn apply_columns(&self, columns: MatRef<'_, f64>, mut out: MatMut<'_, f64>) {
        let matrix = MatRef::from_column_major_slice(&self.values, self.dim, self.dim);
        let parts = [
            (Accum::Replace, matrix, BlockStructure::TriangularLower),
            (
                Accum::Add,
                matrix.transpose(),
                BlockStructure::StrictTriangularUpper,
            ),
        ];
        for (accum, part, structure) in parts {
            triangular_matmul(
                out.as_mut(),
                BlockStructure::Rectangular,
                accum,
                part,
                structure,
                columns,
                BlockStructure::Rectangular,
                1.0,
                parallelism(self.dim),
            );
        }
    }

    /// `S ← S − V Vᵀ`, for `V` given column after column.
    pub(super) fn subtract(&mut self, columns: &[f64]) {
        let dim = self.dim;
        let columns = MatRef::from_column_major_slice(columns, dim, columns.len() / dim);
        triangular_matmul(
            MatMut::from_column_major_slice_mut(&mut self.values, dim, dim),
            BlockStructure::TriangularLower,
            Accum::Add,
            columns,
            BlockStructure::Rectangular,
            columns.transpose(),
            BlockStructure::Rectangular,
            -1.0,
            parallelism(dim),
        );
    }

    /// `S ← factor·S`.
    pub(super) fn scale(&mut self, factor: f64) {
        for j in 0..self.dim {
            for value in &mut self.values[j * self.dim + j..(j + 1) * self.dim] {
                *value *= factor;
            }
        }
    }
}

/// `out ← out − V (Vᵀ x)`, for `V` given column after column.
pub(super) fn deflate(columns: &[f64], x: &[f64], out: &mut [f64]) {
    Arch::new().dispatch(Deflate { columns, x, out });
}

fn parallelism(dim: usize) -> Par {
    if dim < 512 { Par::Seq } else { Par::rayon(0) }
}

/// Columns that share one pass over `x` and `out`: two operations a number read, which keeps up with any cache.
const COLUMNS: usize = 4;

struct Apply<'a> {
    matrix: &'a Symmetric,
    x: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    // Inlined, with all it calls, into a function compiled for the instruction set of the machine. A closure passed to
    // `array::map` would not be.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { matrix, x, out } = self;
        let dim = matrix.dim;
        assert!(x.len() == dim && out.len() == dim);
        out.fill(0.0);
        let mut first = 0;
        while first + COLUMNS <= dim {
            let below = first + COLUMNS;
            let (mut heads, mut tails) = ([[0.0; COLUMNS]; COLUMNS], [&x[..0]; COLUMNS]);
            let mut weights = [0.0; COLUMNS];
            for k in 0..COLUMNS {
                let column = &matrix.values[(first + k) * dim..][..dim];
                heads[k].copy_from_slice(&column[first..below]);
                tails[k] = &column[below..];
                weights[k] = x[first + k];
            }
            let corner = corner(&heads, &weights);
            let sums = pass(simd, tails, weights, &x[below..], &mut out[below..]);
            for k in 0..COLUMNS {
                out[first + k] += corner[k] + sums[k];
            }
            first = below;
        }
        for j in first..dim {
            out[j] += matrix.lower(j, j) * x[j];
            for i in j + 1..dim {
                out[i] += matrix.lower(i, j) * x[j];
                out[j] += matrix.lower(i, j) * x[i];
            }
        }
    }
}

/// The product of a symmetric block, of which each column counts from the diagonal down, with as many entries of `x`.
#[inline(always)]
fn corner(block: &[[f64; COLUMNS]; COLUMNS], x: &[f64; COLUMNS]) -> [f64; COLUMNS] {
    let mut out = [0.0; COLUMNS];
    for j in 0..COLUMNS {
        out[j] += block[j][j] * x[j];
        for i in j + 1..COLUMNS {
            out[i] += block[j][i] * x[j];
            out[j] += block[j][i] * x[i];
        }
    }
    out
}

/// `out += Σ_k weights_k columns_k`; returns the inner products of the columns with `x`.
#[inline(always)]
fn pass<S: Simd>(
    simd: S,
    columns: [&[f64]; COLUMNS],
    weights: [f64; COLUMNS],
    x: &[f64],
    out: &mut [f64],
) -> [f64; COLUMNS] {
    let (x_wide, x_rest) = S::as_simd_f64s(x);
    let (out_wide, out_rest) = S::as_mut_simd_f64s(out);
    let [c0, c1, c2, c3] = columns;
    let (c0, c1, c2, c3) = (
        S::as_simd_f64s(c0),
        S::as_simd_f64s(c1),
        S::as_simd_f64s(c2),
        S::as_simd_f64s(c3),
    );
    let w0 = simd.splat_f64s(weights[0]);
    let w1 = simd.splat_f64s(weights[1]);
    let w2 = simd.splat_f64s(weights[2]);
    let w3 = simd.splat_f64s(weights[3]);
    let zero = simd.splat_f64s(0.0);
    let (mut s0, mut s1, mut s2, mut s3) = (zero, zero, zero, zero);
    let wide = c0.0.iter().zip(c1.0).zip(c2.0).zip(c3.0);
    for ((((a, b), c), d), (x, o)) in wide.zip(x_wide.iter().zip(out_wide)) {
        s0 = simd.mul_add_f64s(*a, *x, s0);
        s1 = simd.mul_add_f64s(*b, *x, s1);
        s2 = simd.mul_add_f64s(*c, *x, s2);
        s3 = simd.mul_add_f64s(*d, *x, s3);
        let one = simd.mul_add_f64s(*a, w0, *o);
        let two = simd.mul_add_f64s(*b, w1, one);
        let three = simd.mul_add_f64s(*c, w2, two);
        *o = simd.mul_add_f64s(*d, w3, three);
    }
    let mut sums = [
        simd.reduce_sum_f64s(s0),
        simd.reduce_sum_f64s(s1),
        simd.reduce_sum_f64s(s2),
        simd.reduce_sum_f64s(s3),
    ];
    let rests = [c0.1, c1.1, c2.1, c3.1];
    for (i, (x, o)) in x_rest.iter().zip(out_rest).enumerate() {
        for k in 0..COLUMNS {
            sums[k] += rests[k][i] * x;
            *o += rests[k][i] * weights[k];
        }
    }
    sums
}

struct Deflate<'a> {
    columns: &'a [f64],
    x: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Deflate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { columns, x, out } = self;
        let (x_wide, x_rest) = S::as_simd_f64s(x);
        for column in columns.chunks_exact(x.len()) {
            let (wide, rest) = S::as_simd_f64s(column);
            let mut sum = simd.splat_f64s(0.0);
            for (v, x) in wide.iter().zip(x_wide) {
                sum = simd.mul_add_f64s(*v, *x, sum);
            }
            let last: f64 = rest.iter().zip(x_rest).map(|(v, x)| v * x).sum();
            let along = simd.reduce_sum_f64s(sum) + last;
            let minus = simd.splat_f64s(-along);
            let (out_wide, out_rest) = S::as_mut_simd_f64s(out);
            for (o, v) in out_wide.iter_mut().zip(wide) {
                *o = simd.mul_add_f64s(*v, minus, *o);
            }
            for (o, v) in out_rest.iter_mut().zip(rest) {
                *o -= along * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;

    fn entry(i: usize, j: usize) -> f64 {
        let (i, j) = (i.max(j) as f64, i.min(j) as f64);
        (1.3 * i + 0.7 * j).sin() + if i.total_cmp(&j).is_eq() { 3.0 } else { 0.0 }
    }

    /// With NaN above the diagonal: it must never be read.
    fn example(dim: usize) -> Symmetric {
        let at = |k: usize| (k % dim, k / dim);
        let values = (0..dim * dim).map(|k| match at(k) {
            (i, j) if i >= j => entry(i, j),
            _ => f64::NAN,
        });
        Symmetric {
            dim,
            values: values.collect(),
        }
    }

    #[test]
    fn products_equal_those_of_the_full_matrix() {
        for dim in [1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 29, 64, 67] {
            let symmetric = example(dim);
            let full = Mat::from_fn(dim, dim, entry);
            let columns = Mat::from_fn(dim, 3, |i, j| (i as f64 - 0.4 * j as f64).cos());
            let expected = &full * &columns;
            let mut block = Mat::zeros(dim, 3);
            symmetric.apply_columns(columns.as_ref(), block.as_mut());
            let mut out = vec![f64::NAN; dim];
            for j in 0..3 {
                let x: Vec<f64> = columns.col(j).iter().copied().collect();
                symmetric.apply(&x, &mut out);
                for i in 0..dim {
                    assert!((out[i] - expected[(i, j)]).abs() < 1e-14 * dim as f64);
                    assert!((block[(i, j)] - expected[(i, j)]).abs() < 1e-14 * dim as f64);
                }
            }
        }
    }

    #[test]
    fn subtract_then_apply_equals_apply_then_deflate() {
        let dim = 37;
        let mut symmetric = example(dim);
        let columns: Vec<f64> = (0..3 * dim).map(|k| (0.3 * k as f64).sin()).collect();
        let x: Vec<f64> = (0..dim).map(|k| (0.9 * k as f64).cos()).collect();
        let (mut before, mut after) = (vec![0.0; dim], vec![0.0; dim]);
        symmetric.apply(&x, &mut before);
        deflate(&columns, &x, &mut before);
        symmetric.subtract(&columns);
        symmetric.apply(&x, &mut after);
        for (a, b) in before.iter().zip(&after) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
        symmetric.scale(0.5);
        symmetric.apply(&x, &mut before);
        for (a, b) in before.iter().zip(&after) {
            assert!((2.0 * a - b).abs() < 1e-12);
        }
    }
}
