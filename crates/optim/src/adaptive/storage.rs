/// How the estimate of the inverse metric is stored between its updates.
///
/// A step on a large model takes as long as reading the estimate does, so half the bytes are half the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Storage {
    /// `f64`, `4P²` bytes: exact to rounding, about `1e-16`.
    #[default]
    Double,
    /// `f32`, `2P²` bytes. All arithmetic is in `f64`, and so are the columns that wait; only what is written back is
    /// rounded, to `6e-8` of each entry.
    ///
    /// The direction of a step is then right to about `1e-7 κ`, with `κ` the condition number of the estimate, and
    /// so is every decision on its definiteness: an estimate whose eigenvalues differ by more than `1e7` may become
    /// indefinite and is refused with [`OptimError::Indefinite`](crate::OptimError::Indefinite). What an earlier rounding has
    /// left is forgotten like an earlier example, so errors do not add up over a long run with constant `ε`.
    Single,
}
