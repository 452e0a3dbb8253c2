use super::Tolerance;
use faer::Mat;

/// `L = Σ_r a_r w_rᵀ` with the rows `w_r` of the reduced row echelon form: unique, so the same for equal `L`.
pub(crate) fn row_echelon(matrix: &Mat<f64>, tolerance: Tolerance) -> Vec<(Vec<f64>, Vec<f64>)> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    let mut work = matrix.clone();
    let noise = (tolerance.relative() + 4.0 * f64::EPSILON * columns as f64) * matrix.norm_max();
    let mut pivots = Vec::new();
    for column in 0..columns {
        let top = pivots.len();
        let Some(best) = (top..rows).max_by(|a, b| {
            work[(*a, column)]
                .abs()
                .total_cmp(&work[(*b, column)].abs())
        }) else {
            break;
        };
        if work[(best, column)].abs() <= noise {
            continue;
        }
        for j in 0..columns {
            let swapped = work[(best, j)];
            work[(best, j)] = work[(top, j)];
            work[(top, j)] = swapped;
        }
        let pivot = work[(top, column)];
        for j in 0..columns {
            work[(top, j)] /= pivot;
        }
        for i in (0..rows).filter(|i| *i != top) {
            let factor = work[(i, column)];
            for j in 0..columns {
                let subtracted = factor * work[(top, j)];
                work[(i, j)] -= subtracted;
            }
        }
        pivots.push(column);
    }
    let row = |r: usize| (0..columns).map(|j| work[(r, j)]).collect();
    let outgoing = |column: usize| (0..rows).map(|k| matrix[(k, column)]).collect();
    let pairs = pivots.iter().enumerate();
    pairs
        .map(|(r, column)| (outgoing(*column), row(r)))
        .collect()
}
