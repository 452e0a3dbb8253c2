//! What a symmetric matrix must be to be taken for a metric. All checks name the first entry that is not.

use crate::MetricError;
use crate::error::Quantity;
use faer::MatRef;

/// Passes if a matrix is square and not empty.
pub(crate) fn check_shape(matrix: MatRef<'_, f64>) -> Result<(), MetricError> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    if rows == columns && rows > 0 {
        Ok(())
    } else {
        Err(MetricError::Shape { rows, columns })
    }
}

/// Passes if the lower triangle is finite.
pub(crate) fn check_lower(matrix: MatRef<'_, f64>) -> Result<(), MetricError> {
    check_shape(matrix)?;
    for column in 0..matrix.ncols() {
        for row in column..matrix.nrows() {
            check_entry(matrix, row, column)?;
        }
    }
    Ok(())
}

/// Passes if the diagonal is finite. In a product `A Aᵀ` a diagonal entry bounds its row, so what is not finite shows there.
pub(crate) fn check_diagonal(matrix: MatRef<'_, f64>) -> Result<(), MetricError> {
    (0..matrix.ncols()).try_for_each(|i| check_entry(matrix, i, i))
}

/// Passes if all of the matrix is finite, and symmetric up to rounding.
pub(crate) fn check_symmetric(matrix: MatRef<'_, f64>) -> Result<(), MetricError> {
    check_shape(matrix)?;
    let scale = 1e-12 * matrix.norm_max();
    for column in 0..matrix.ncols() {
        for row in 0..matrix.nrows() {
            check_entry(matrix, row, column)?;
            let (value, mirror) = (matrix[(row, column)], matrix[(column, row)]);
            if mirror.is_nan() || (value - mirror).abs() > scale {
                return Err(MetricError::NotSymmetric {
                    row,
                    column,
                    value,
                    mirror,
                });
            }
        }
    }
    Ok(())
}

/// Passes if an entry is finite.
pub(crate) fn check_entry(
    matrix: MatRef<'_, f64>,
    row: usize,
    column: usize,
) -> Result<(), MetricError> {
    let value = matrix[(row, column)];
    if value.is_finite() {
        return Ok(());
    }
    Err(MetricError::NotFinite {
        what: Quantity::Metric,
        index: column * matrix.nrows() + row,
        value,
    })
}
