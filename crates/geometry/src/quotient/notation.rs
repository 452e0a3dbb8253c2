//! Networks, activations and matrices inside serialised reports.

use faer::Mat;
use std::fmt::Display;

/// In the notation of `Display`: `64-32-10 tanh`, `erf`.
pub(crate) fn as_text<T: Display, S: serde::Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// A matrix as a list of its rows.
pub(crate) fn rows<S: serde::Serializer>(
    matrix: &Mat<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        matrix
            .row_iter()
            .map(|row| row.iter().copied().collect::<Vec<_>>()),
    )
}
