use super::slab::Order;
use super::symmetric::Symmetric;
use super::tile::Line;

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
    /// What that means for the estimate depends on its condition number κ, for the rounding of large entries is noise among
    /// small eigenvalues. Measured, with 51 parameters and `ε = 0.01` over thousands of steps, the relative error of `Ĝ⁻¹` is
    /// 6e-8 at κ = 9, 1.5e-7 at 85, 4e-6 at 850 and 8e-5 at 9000; above `1e5` nothing is left of it. So keep κ
    /// down, with [`WindUp::Leakage`](crate::WindUp::Leakage) for instance. Where rounding makes the estimate indefinite in a direction
    /// that an example excites, the step is refused with [`OptimError::Indefinite`](crate::OptimError::Indefinite).
    Single,
}

/// A symmetric matrix in one or the other.
#[derive(Clone, Debug)]
pub(super) enum Matrix {
    Double(Symmetric<f64>),
    Single(Symmetric<f32>),
}

impl Matrix {
    pub(super) fn identity(dim: usize, storage: Storage) -> Self {
        match storage {
            Storage::Double => Self::Double(Symmetric::identity(dim)),
            Storage::Single => Self::Single(Symmetric::identity(dim)),
        }
    }

    pub(super) fn dim(&self) -> usize {
        match self {
            Self::Double(matrix) => matrix.dim(),
            Self::Single(matrix) => matrix.dim(),
        }
    }

    pub(super) fn product(&self, x: &[Line], out: &mut [Line]) {
        match self {
            Self::Double(matrix) => matrix.product(x, out),
            Self::Single(matrix) => matrix.product(x, out),
        }
    }

    pub(super) fn sweep(&mut self, order: &mut Order, out: &mut [Line]) {
        match self {
            Self::Double(matrix) => matrix.sweep(order, out),
            Self::Single(matrix) => matrix.sweep(order, out),
        }
    }

    pub(super) fn entry(&self, i: usize, j: usize) -> f64 {
        match self {
            Self::Double(matrix) => matrix.entry(i, j),
            Self::Single(matrix) => matrix.entry(i, j),
        }
    }

    /// Within this range a factor in front cannot drive the entries out of that of their storage.
    pub(super) fn scales(&self) -> std::ops::Range<f64> {
        match self {
            Self::Double(_) => 1e-50..1e50,
            Self::Single(_) => 1e-8..1e8,
        }
    }
}
