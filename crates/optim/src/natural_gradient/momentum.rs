use crate::OptimError;

/// What a natural-gradient step remembers of the one before, φ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum NaturalMomentum {
    /// Nothing.
    #[default]
    None,
    /// The damping pulls towards `μφ` in place of zero: `δ = μφ + (G + λD)⁻¹(−∇l − μGφ)`.
    ///
    /// Where the batch says nothing, the step before is kept (with `μ = 1`, the projection of Kaczmarz); where it says
    /// something, nothing is added. Needs a damping λ > 0.
    ///
    /// # References
    /// G. Goldshlager, N. Abrahamsen, L. Lin, *A Kaczmarz-inspired approach to accelerate the optimization of neural
    /// network wavefunctions* (2024), arXiv:2401.10190.
    Spring(f64),
    /// `δ = αΔ + βφ` with `Δ` the direction without momentum, and `(α, β)` the minimum of the quadratic model
    /// `∇l·δ + ½δᵀ(G + λD)δ` on the plane of the two, from exact products with `G`.
    ///
    /// Where `Δ` solves its equation exactly it already is that minimum (`α = 1`, `β = 0`); this is for directions that
    /// do not, such as those of conjugate gradients that stop early.
    ///
    /// # References
    /// J. Martens, R. Grosse, *Optimizing neural networks with Kronecker-factored approximate curvature* (2015),
    /// arXiv:1503.05671, §7.
    Plane,
}

impl NaturalMomentum {
    /// Passes if μ makes sense.
    pub(super) fn validate(self, damped: bool) -> Result<Self, OptimError> {
        if let Self::Spring(mu) = self {
            let inside = (0.0..=1.0).contains(&mu);
            OptimError::check_setting("the momentum μ", mu, inside, "in [0, 1]")?;
            let expected = "with a damping λ > 0";
            OptimError::check_setting("the momentum μ without damping", mu, damped, expected)?;
        }
        Ok(self)
    }
}

/// The minimum of `½(α, β) M (α, β)ᵀ + (α, β)·b` with `M` given as (m₁₁, m₁₂, m₂₂); `(1, 0)` where `M` is singular.
pub(super) fn minimum_on_plane(m: [f64; 3], b: [f64; 2]) -> [f64; 2] {
    let determinant = m[0] * m[2] - m[1] * m[1];
    if determinant > 1e-10 * m[0] * m[2] {
        let alpha = (m[1] * b[1] - m[2] * b[0]) / determinant;
        let beta = (m[1] * b[0] - m[0] * b[1]) / determinant;
        return [alpha, beta];
    }
    [1.0, 0.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_on_a_plane_has_no_slope() {
        let (m, b) = ([2.0, 0.5, 3.0], [-1.0, 0.7]);
        let [alpha, beta] = minimum_on_plane(m, b);
        assert!((m[0] * alpha + m[1] * beta + b[0]).abs() < 1e-15);
        assert!((m[1] * alpha + m[2] * beta + b[1]).abs() < 1e-15);
        let parallel = minimum_on_plane([1.0, 2.0, 4.0], [-1.0, -2.0]);
        assert_eq!(parallel.map(f64::to_bits), [1.0, 0.0].map(f64::to_bits));
    }
}
