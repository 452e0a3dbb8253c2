use super::QuotientError;

/// How close two weights must be to count as equal, relative to the size of the weights compared.
///
/// Deciding whether two units compute the same function is exact on real numbers; on floating-point ones it needs a
/// scale. Units merged under a tolerance that is not zero change the function by about that much, and every result says
/// by how much it did.
///
/// ```
/// use neuromanifold_geometry::quotient::Tolerance;
///
/// assert_eq!(Tolerance::default().relative(), 1e-10);
/// assert!(Tolerance::new(-1.0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tolerance(f64);

impl Tolerance {
    /// Weights must agree to the last bit (up to the sign of zero).
    pub const EXACT: Self = Self(0.0);

    /// Weights may differ by this fraction of `max(1, |w|)`.
    ///
    /// # Errors
    /// [`QuotientError::Tolerance`] for a negative or non-finite value.
    pub fn new(relative: f64) -> Result<Self, QuotientError> {
        if relative >= 0.0 && relative.is_finite() {
            Ok(Self(relative))
        } else {
            Err(QuotientError::Tolerance { value: relative })
        }
    }

    /// The fraction.
    #[must_use]
    pub fn relative(self) -> f64 {
        self.0
    }

    /// Whether every outgoing weight of a ray of a certain [reach](super::ray::Ray::reach) counts as zero beside those of size
    /// `scale` that were added up.
    pub(crate) fn vanishes(self, outgoing: &[f64], scale: f64, reach: f64) -> bool {
        let allowed = self.0 * (scale * reach).max(1.0);
        outgoing.iter().all(|v| v.abs() * reach <= allowed)
    }
}

impl Default for Tolerance {
    /// `1e-10`: far above the rounding of a few operations on weights, far below anything training distinguishes.
    fn default() -> Self {
        Self(1e-10)
    }
}

impl std::fmt::Display for Tolerance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 > 0.0 {
            write!(f, "weights equal to within {:e}", self.0)
        } else {
            write!(f, "weights equal to the last bit")
        }
    }
}
