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
