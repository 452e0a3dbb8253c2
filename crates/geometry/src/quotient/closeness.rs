use super::Tolerance;
use super::reflection::is_homogeneous;
use neuromanifold_mlp::Activation;

/// How close two numbers must be, each at its own scale.
#[derive(Clone, Copy)]
pub(crate) struct Closeness {
    /// Of `max(1, |w|)`.
    relative: f64,
    /// Rounding of rays, of `|w|`: where they were divided by a norm.
    rays: f64,
    /// Rounding of sums, of `Σ|terms|`.
    sums: f64,
}

impl Closeness {
    pub(crate) fn of(tolerance: Tolerance, activation: Activation, units: usize) -> Self {
        Self {
            relative: 4.0 * tolerance.relative(),
            rays: if is_homogeneous(activation) {
                16.0 * f64::EPSILON
            } else {
                0.0
            },
            sums: (16 + 2 * units) as f64 * f64::EPSILON,
        }
    }

    pub(crate) fn of_ray(self, size: f64) -> f64 {
        self.relative * size.max(1.0) + self.rays * size
    }

    pub(crate) fn of_sum(self, size: f64) -> f64 {
        self.relative * size.max(1.0) + self.sums * size
    }
}
