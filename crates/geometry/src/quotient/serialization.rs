//! How activations and matrices are written down.

use faer::Mat;
use neuromanifold_mlp::Activation;
use serde::Serializer;

/// An activation by its name.
pub(crate) fn name<S: Serializer>(
    activation: &Activation,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(activation)
}

/// A matrix as a list of its rows.
pub(crate) fn rows<S: Serializer>(matrix: &Mat<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        matrix
            .row_iter()
            .map(|row| row.iter().copied().collect::<Vec<_>>()),
    )
}
