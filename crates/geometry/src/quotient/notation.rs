//! Networks and activations inside serialised reports: in the notation of their `Display`.

use std::fmt::Display;

/// `64-32-10 tanh`, `erf`.
pub(crate) fn as_text<T: Display, S: serde::Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
