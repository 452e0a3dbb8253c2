use super::Tolerance;
use faer::Mat;

/// `L = Σ_r a_r w_rᵀ`: pairs of `a_r` and `w_r`.
type Terms = Vec<(Vec<f64>, Vec<f64>)>;

/// `L = Σ_r a_r w_rᵀ` with as many terms as `L` has dimensions, a function of `L` alone.
///
/// The `a_r` are columns of `L`, and the `w_r` write all columns in terms of these. They are the first columns that are
/// independent, so that the `w_r` are the rows of the reduced row echelon form, unless a pivot there is so small that the sum
/// would lose digits of `L`; then those of Gauss–Jordan elimination with complete pivoting, whose choice is as well determined
/// by `L` except where two pivots are of equal size.
pub(crate) fn factored(matrix: &Mat<f64>, tolerance: Tolerance) -> Terms {
    let columns = matrix.ncols();
    let rounding = tolerance.relative() + 4.0 * f64::EPSILON * columns as f64;
    let noise = rounding * matrix.norm_max();
    let echelon = eliminated(matrix, noise, false);
    let allowed = noise.max(1e-13 * matrix.norm_max());
    if loss(matrix, &echelon) <= allowed {
        echelon
    } else {
        eliminated(matrix, noise, true)
    }
}

/// What an entry of `L` loses in the sum of terms, at most: its error, or the rounding of terms that cancel.
fn loss(matrix: &Mat<f64>, terms: &Terms) -> f64 {
    let mut loss: f64 = 0.0;
    for k in 0..matrix.nrows() {
        for i in 0..matrix.ncols() {
            let products = || terms.iter().map(|(a, w)| a[k] * w[i]);
            let size: f64 = products().map(f64::abs).sum();
            let error = (products().sum::<f64>() - matrix[(k, i)]).abs();
            loss = loss.max(error).max(f64::EPSILON * size);
        }
    }
    loss
}

/// Gauss–Jordan elimination, with pivots column by column or, if `complete`, the largest entry that is left.
fn eliminated(matrix: &Mat<f64>, noise: f64, complete: bool) -> Terms {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    let mut work = matrix.clone();
    let mut pivots: Vec<usize> = Vec::new();
    for step in 0..columns {
        let top = pivots.len();
        let open = if complete { 0..columns } else { step..step + 1 };
        let entries = open
            .filter(|j| !pivots.contains(j))
            .flat_map(|j| (top..rows).map(move |i| (i, j)));
        let size = |at: &(usize, usize)| work[*at].abs();
        let Some((best, column)) = entries.max_by(|a, b| size(a).total_cmp(&size(b))) else {
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
    let mut order: Vec<(usize, usize)> = pivots.into_iter().enumerate().collect();
    order.sort_by_key(|(_, column)| *column); // the order in which pivots were found tells nothing
    order
        .into_iter()
        .map(|(r, column)| (outgoing(column), row(r)))
        .collect()
}
