use super::product::{add_product, multiply_from_the_right, product};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, MatRef, Par};

/// An orthonormal basis, `n × r`, of what the columns of an `n × k` matrix span; each column counts at its own scale.
///
/// A direction that is less than 1e-13 of the column that points to it is rounding and is left out. If the columns are as many as
/// the axes, the basis is all of `R^n`.
///
/// Columns that are clearly independent of each other are orthonormalised together through their Gram matrix, and once more,
/// which removes the rounding of the first pass; nearly dependent ones wait until what they share with the basis has been
/// taken off them, and are then columns like any others.
///
/// Cost: `O(n k²)`.
pub(crate) fn orthonormal_basis(columns: MatRef<'_, f64>) -> Mat<f64> {
    /// What may be left of a column beside others before it has to wait, squared.
    const CLEAR: f64 = 1e-2;
    /// What may be left of a column before it is rounding.
    const ROUNDING: f64 = 1e-13;
    let n = columns.nrows();
    if n <= columns.ncols() {
        return Mat::identity(n, n);
    }
    let mut basis = Mat::<f64>::zeros(n, 0);
    // columns of unit length, and how much of the original each of them is
    let mut rest = columns.to_owned();
    let mut parts = vec![1.0; rest.ncols()];
    for (index, part) in parts.iter_mut().enumerate() {
        if normalise(&mut rest, index) <= 0.0 {
            *part = 0.0;
        }
    }
    loop {
        let alive: Vec<usize> = (0..parts.len()).filter(|&i| parts[i] > ROUNDING).collect();
        if alive.is_empty() {
            return basis;
        }
        if alive.len() < parts.len() {
            rest = select(rest.as_ref(), &alive);
            parts = alive.iter().map(|&i| parts[i]).collect();
        }
        let clear = independent(product(rest.transpose(), rest.as_ref()), CLEAR);
        if clear.len() == rest.ncols() && basis.ncols() == 0 {
            orthonormalise(&mut rest);
            orthonormalise(&mut rest);
            return rest;
        }
        let mut fresh = select(rest.as_ref(), &clear);
        orthonormalise(&mut fresh);
        if basis.ncols() > 0 {
            remove(basis.as_ref(), &mut fresh);
        }
        orthonormalise(&mut fresh);
        let old = basis.ncols();
        basis.resize_with(n, old + clear.len(), |i, j| fresh[(i, j - old)]);
        if clear.len() == rest.ncols() {
            return basis;
        }
        let waiting: Vec<usize> = (0..rest.ncols()).filter(|i| !clear.contains(i)).collect();
        rest = select(rest.as_ref(), &waiting);
        parts = waiting.iter().map(|&i| parts[i]).collect();
        for _ in 0..2 {
            remove(basis.as_ref(), &mut rest);
            for (index, part) in parts.iter_mut().enumerate() {
                *part *= normalise(&mut rest, index);
            }
        }
    }
}

/// Columns chosen by pivoted Cholesky of their Gram matrix, whose diagonal is 1, while the pivots are above `threshold`.
fn independent(mut left: Mat<f64>, threshold: f64) -> Vec<usize> {
    let size = left.nrows();
    let mut chosen = Vec::with_capacity(size);
    loop {
        let open = (0..size).filter(|i| !chosen.contains(i));
        let Some(pivot) = open.max_by(|&i, &j| left[(i, i)].total_cmp(&left[(j, j)])) else {
            return chosen;
        };
        let value = left[(pivot, pivot)];
        // the first column always counts
        if value <= threshold && !chosen.is_empty() {
            return chosen;
        }
        chosen.push(pivot);
        let column: Vec<f64> = (0..size).map(|i| left[(i, pivot)]).collect();
        for j in 0..size {
            for i in 0..size {
                left[(i, j)] -= column[i] * column[j] / value;
            }
        }
    }
}

/// `X ← X L⁻ᵀ` where `XᵀX = L Lᵀ`. The columns must be clearly independent.
fn orthonormalise(columns: &mut Mat<f64>) {
    let gram = product(columns.transpose(), columns.as_ref());
    let size = gram.nrows();
    let mut lower = Mat::<f64>::zeros(size, size);
    for j in 0..size {
        for i in j..size {
            let dot: f64 = (0..j).map(|k| lower[(i, k)] * lower[(j, k)]).sum();
            let entry = gram[(i, j)] - dot;
            lower[(i, j)] = if i == j {
                entry.sqrt()
            } else {
                entry / lower[(j, j)]
            };
        }
    }
    let mut inverse = Mat::<f64>::identity(size, size);
    solve_lower_triangular_in_place(lower.as_ref(), inverse.as_mut(), Par::Seq);
    multiply_from_the_right(columns.as_mut(), inverse.transpose());
}

/// `X ← X − U(UᵀX)`.
fn remove(basis: MatRef<'_, f64>, columns: &mut Mat<f64>) {
    let shared = product(basis.transpose(), columns.as_ref());
    add_product(columns.as_mut(), -1.0, basis, shared.as_ref());
}

/// Scales a column to unit length and returns the length it had; leaves a zero column alone.
fn normalise(columns: &mut Mat<f64>, index: usize) -> f64 {
    let length = columns.col(index).norm_l2();
    if length > 0.0 {
        for entry in columns.col_mut(index).iter_mut() {
            *entry /= length;
        }
    }
    length
}

fn select(columns: MatRef<'_, f64>, which: &[usize]) -> Mat<f64> {
    Mat::from_fn(columns.nrows(), which.len(), |i, j| columns[(i, which[j])])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: &Mat<f64>, rank: usize) {
        let basis = orthonormal_basis(columns.as_ref());
        assert_eq!(basis.ncols(), rank);
        let gram = basis.transpose() * &basis;
        let identity = Mat::<f64>::identity(rank, rank);
        assert!((&gram - &identity).norm_max() < 1e-14, "orthonormal");
        let mut left = columns.clone();
        remove(basis.as_ref(), &mut left);
        for (left, column) in left.col_iter().zip(columns.col_iter()) {
            assert!(left.norm_l2() <= 2e-13 * column.norm_l2(), "complete");
        }
    }

    fn wavy(n: usize, k: usize) -> Mat<f64> {
        Mat::from_fn(n, k, |i, j| {
            ((i * 7 + j * 31) as f64).sin() + 0.3 * ((i * j) as f64).cos()
        })
    }

    #[test]
    fn independent_columns_of_any_size() {
        check(&wavy(50, 6), 6);
        let mut sized = wavy(50, 6);
        for (column, size) in sized
            .col_iter_mut()
            .zip([1e-150, 1e-8, 1.0, 1e8, 1e100, 3.0])
        {
            for entry in column.iter_mut() {
                *entry *= size;
            }
        }
        check(&sized, 6);
    }

    #[test]
    fn dependent_and_nearly_dependent_columns() {
        let base = wavy(40, 3);
        let mut columns = Mat::zeros(40, 8);
        for i in 0..40 {
            let far = (i as f64).cos();
            columns[(i, 0)] = base[(i, 0)];
            columns[(i, 1)] = base[(i, 1)];
            columns[(i, 2)] = 2.0 * base[(i, 0)] - 5.0 * base[(i, 1)]; // in the span
            columns[(i, 3)] = base[(i, 0)] + 1e-6 * far; // nearly
            columns[(i, 4)] = 0.0;
            columns[(i, 5)] = -base[(i, 0)];
            columns[(i, 6)] = base[(i, 1)] + 1e-9 * base[(i, 2)];
            columns[(i, 7)] = base[(i, 1)] - 1e-16 * far;
        }
        check(&columns, 4);
    }

    #[test]
    fn as_many_columns_as_axes() {
        assert_eq!(
            orthonormal_basis(wavy(4, 6).as_ref()),
            Mat::<f64>::identity(4, 4)
        );
    }
}
