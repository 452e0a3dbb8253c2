use faer::prelude::Reborrow;
use faer::{MatMut, MatRef};

/// Copies the lower triangle of a square matrix to the upper one.
pub(crate) fn mirror(mut matrix: MatMut<'_, f64>) {
    /// Below this size halving costs more than it saves.
    const SMALL: usize = 32;
    /// Below this size a second thread is not worth waking.
    const ALONE: usize = 256;
    let size = matrix.ncols();
    if size <= SMALL {
        for column in 1..size {
            for row in 0..column {
                matrix[(row, column)] = matrix[(column, row)];
            }
        }
        return;
    }
    let (top, upper, lower, bottom) = matrix.split_at_mut(size / 2, size / 2);
    if size <= ALONE {
        transpose(lower.rb(), upper);
        mirror(top);
        mirror(bottom);
    } else {
        rayon::join(
            || transpose(lower.rb(), upper),
            || rayon::join(|| mirror(top), || mirror(bottom)),
        );
    }
}

/// `target ← sourceᵀ`, in halves until both sides stay in the cache.
fn transpose(source: MatRef<'_, f64>, target: MatMut<'_, f64>) {
    const TILE: usize = 16;
    const ALONE: usize = 256;
    let (height, width) = (target.nrows(), target.ncols());
    if height.max(width) <= TILE {
        let mut target = target;
        return target.copy_from(source.transpose());
    }
    let ((left, right), (near, far)) = if width >= height {
        let (top, bottom) = source.split_at_row(width / 2);
        (target.split_at_col_mut(width / 2), (top, bottom))
    } else {
        let (left, right) = source.split_at_col(height / 2);
        (target.split_at_row_mut(height / 2), (left, right))
    };
    if height.max(width) <= ALONE {
        transpose(near, left);
        transpose(far, right);
    } else {
        rayon::join(|| transpose(near, left), || transpose(far, right));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;

    #[test]
    fn both_triangles_agree_at_every_size() {
        for size in [0, 1, 2, 31, 32, 33, 65, 130, 257, 600] {
            let mut matrix = Mat::from_fn(size, size, |i, j| (i * 1000 + j) as f64);
            mirror(matrix.as_mut());
            let expected = Mat::from_fn(size, size, |i, j| (i.max(j) * 1000 + i.min(j)) as f64);
            assert_eq!(matrix, expected);
        }
    }
}
