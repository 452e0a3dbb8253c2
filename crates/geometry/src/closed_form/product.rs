use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// `A B`. The operator `*` of matrices wakes all threads for any size; most products here are over before they are awake.
pub(crate) fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(out.as_mut(), Accum::Replace, a, b, 1.0, parallelism(a, b));
    out
}

/// `C ← C + α A B`.
pub(crate) fn add_product(c: MatMut<'_, f64>, alpha: f64, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    matmul(c, Accum::Add, a, b, alpha, parallelism(a, b));
}

/// `X ← X R` for a square `R`, a panel of rows at a time, so that no second `X` is needed.
pub(crate) fn multiply_from_the_right(mut x: MatMut<'_, f64>, r: MatRef<'_, f64>) {
    /// Entries of a panel, which should stay in the second-level cache.
    const PANEL: usize = 1 << 15;
    let height = (PANEL / x.ncols().max(1)).clamp(64, x.nrows().max(64));
    let mut panel = Mat::zeros(height, x.ncols());
    for start in (0..x.nrows()).step_by(height) {
        let rows = height.min(x.nrows() - start);
        let mut panel = panel.as_mut().subrows_mut(0, rows);
        let mut target = x.as_mut().subrows_mut(start, rows);
        panel.copy_from(target.as_ref());
        matmul(
            target.as_mut(),
            Accum::Replace,
            panel.as_ref(),
            r,
            1.0,
            Par::Seq,
        );
    }
}

/// The result has the same bits with any number of threads.
fn parallelism(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Par {
    const WORTH_IT: usize = 100_000_000;
    if a.nrows() * a.ncols() * b.ncols() < WORTH_IT {
        Par::Seq
    } else {
        Par::rayon(0)
    }
}
