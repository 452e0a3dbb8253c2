use crate::schedule::Schedule;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::{MatMut, MatRef};

/// Copies the lower triangle of a square matrix to the upper one.
pub(crate) fn mirror(mut matrix: MatMut<'_, f64>, schedule: Schedule) {
    /// Below this size halving costs more than it saves.
    const SMALL: usize = 32;
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
    schedule.join(
        || transpose(lower.rb(), upper),
        || schedule.join(|| mirror(top, schedule), || mirror(bottom, schedule)),
    );
}

/// `target ← sourceᵀ` in tiles, so that the side that is read across its columns stays in the cache too.
fn transpose(source: MatRef<'_, f64>, mut target: MatMut<'_, f64>) {
    const TILE: usize = 16;
    let (height, width) = (target.nrows(), target.ncols());
    for column in (0..width).step_by(TILE) {
        for row in (0..height).step_by(TILE) {
            let (tall, wide) = (TILE.min(height - row), TILE.min(width - column));
            target
                .rb_mut()
                .submatrix_mut(row, column, tall, wide)
                .copy_from(source.submatrix(column, row, wide, tall).transpose());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;

    #[test]
    fn both_triangles_agree_at_every_size() {
        for size in [0, 1, 2, 31, 32, 33, 65, 130] {
            for schedule in [Schedule::Alone, Schedule::Shared] {
                let mut matrix = Mat::from_fn(size, size, |i, j| (i * 1000 + j) as f64);
                mirror(matrix.as_mut(), schedule);
                let expected = Mat::from_fn(size, size, |i, j| (i.max(j) * 1000 + i.min(j)) as f64);
                assert_eq!(matrix, expected);
            }
        }
    }
}
