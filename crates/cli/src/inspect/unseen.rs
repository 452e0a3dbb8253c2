//! Directions of input space that the data leave out: whatever the weights, `W d` is then free for each such `d`.

use super::report::{Measured, Unseen};
use crate::failure::Failure;
use neuromanifold_geometry::faer::{Accum, Mat, Par, linalg::matmul::matmul};
use neuromanifold_geometry::{RankTolerance, Spectrum};

/// Inputs beyond which the second moment is not formed.
const MOST: usize = 4096;

/// Counts them, by the rank of the second moment of `(x, 1)` (of `x` for a first layer without biases).
pub(crate) fn directions(measured: &Measured<'_>) -> Result<Unseen, Failure> {
    let first = &measured.net.layers()[0];
    let x = measured.inputs.matrix();
    let n = x.nrows();
    let dimensions = n + usize::from(first.has_bias());
    if n > MOST {
        return Ok(Unseen {
            dimensions,
            spanned: dimensions,
            null_directions: 0,
        });
    }
    let scale = 1.0 / x.ncols() as f64;
    let mut moment = Mat::<f64>::zeros(dimensions, dimensions);
    matmul(
        moment.as_mut().submatrix_mut(0, 0, n, n),
        Accum::Replace,
        x,
        x.transpose(),
        scale,
        Par::rayon(0),
    );
    if first.has_bias() {
        for i in 0..n {
            moment[(n, i)] = scale * x.row(i).iter().sum::<f64>();
        }
        moment[(n, n)] = 1.0;
    }
    let eigenvalues = Spectrum::eigenvalues_of(moment.as_ref())?;
    let largest = eigenvalues.last().copied().unwrap_or(0.0);
    let threshold = RankTolerance::rounding(dimensions).threshold(largest);
    let spanned = eigenvalues.iter().filter(|v| **v > threshold).count();
    Ok(Unseen {
        dimensions,
        spanned,
        null_directions: (dimensions - spanned) * first.outputs(),
    })
}
