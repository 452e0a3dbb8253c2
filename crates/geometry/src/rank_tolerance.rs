use crate::MetricError;

/// Below which size an eigenvalue of a metric counts as zero.
///
/// Rank is a decision, not a number that a computation finds. There is no hidden default: every rank, null space and
/// pseudo-inverse names its tolerance, and reports repeat it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RankTolerance {
    /// Eigenvalues up to this fraction of the largest are zero.
    Relative(f64),
    /// Eigenvalues up to this value (nats per unit of θ squared) are zero.
    Absolute(f64),
}

impl RankTolerance {
    /// What rounding alone can make of an exact zero: `4·P·ε` relative to the largest eigenvalue.
    ///
    /// Forming a sum of outer products and reducing it to tridiagonal form each perturb eigenvalues by a small multiple
    /// of `P ε λ_max` at worst.
    #[must_use]
    pub fn rounding(dim: usize) -> Self {
        Self::Relative(4.0 * dim as f64 * f64::EPSILON)
    }

    /// The largest value that counts as zero, given the largest eigenvalue.
    ///
    /// # Panics
    /// If the number inside is negative or not finite: comparing with it would make up a rank. Where the tolerance comes
    /// from outside, [`validate`](Self::validate) it first.
    #[must_use]
    #[track_caller]
    pub fn threshold(self, largest_eigenvalue: f64) -> f64 {
        let (Self::Relative(value) | Self::Absolute(value)) = self;
        assert!(
            value >= 0.0 && value.is_finite(),
            "the rank tolerance is {value}; it must be finite and not negative"
        );
        match self {
            Self::Relative(fraction) => fraction * largest_eigenvalue,
            Self::Absolute(value) => value,
        }
    }

    /// Passes if the number inside is finite and not negative.
    ///
    /// # Errors
    /// [`MetricError::Tolerance`].
    pub fn validate(self) -> Result<Self, MetricError> {
        let (Self::Relative(value) | Self::Absolute(value)) = self;
        if value >= 0.0 && value.is_finite() {
            Ok(self)
        } else {
            Err(MetricError::Tolerance { value })
        }
    }
}

impl std::fmt::Display for RankTolerance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Relative(fraction) => write!(f, "{fraction:.1e} of the largest eigenvalue"),
            Self::Absolute(value) => write!(f, "eigenvalues of {value:.1e}"),
        }
    }
}

/// `{"relative": fraction}` or `{"absolute": value}`.
#[cfg(feature = "serde")]
impl serde::Serialize for RankTolerance {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Relative(value) => map.serialize_entry("relative", value)?,
            Self::Absolute(value) => map.serialize_entry("absolute", value)?,
        }
        map.end()
    }
}
