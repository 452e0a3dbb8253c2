use crate::error::Quantity;
use crate::metric::relative_difference;
use crate::{KroneckerFisher, Metric, MetricError, Solve};

impl KroneckerFisher {
    /// `out ← (S_l + √λ/π_l I)⁻¹ ⊗ (A_l + π_l √λ I)⁻¹ g_l` for each layer, the factored damping of K-FAC, `λ > 0`.
    ///
    /// With `π² = (tr A/ñ)/(tr S/m)` both factors are damped by the same fraction of their mean eigenvalue. It adds
    /// `π√λ S + √λ/π A` to `G_l + λI`: more damping than [`Inverse::Damped`](crate::Inverse::Damped), which this type offers exactly at the same
    /// cost. Here for comparison with programs that have no choice. The residual is that of the factored equation.
    ///
    /// # Errors
    /// [`MetricError::Damping`], [`MetricError::NotFinite`]; [`MetricError::Unsupported`] for EK-FAC, whose eigenvalues do
    /// not factor.
    ///
    /// # References
    /// J. Martens, R. Grosse (2015), arXiv:1503.05671, section 6.3.
    pub fn raise_factored(
        &self,
        gradient: &[f64],
        lambda: f64,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_damping(lambda)?;
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        if !self.blocks().iter().all(|block| block.factored) {
            return Err(MetricError::Unsupported {
                representation: "EK-FAC",
                remedy: "Inverse::Damped, or KroneckerFisher::kfac for the factored damping",
            });
        }
        let damped = |place: usize, i: usize, unit: usize| {
            let block = &self.blocks()[place];
            let (own, others) = block.factored_damping(lambda);
            (block.inputs.eigenvalue(i) + own) * (block.units.eigenvalue(unit) + others)
        };
        self.transform(gradient, out, |place, i, unit| 1.0 / damped(place, i, unit));
        MetricError::check_finite(Quantity::Direction, out)?;
        let mut image = vec![0.0; self.dim()];
        self.transform(out, &mut image, damped);
        Ok(Solve {
            relative_residual: relative_difference(gradient, &image),
            rank: self.dim(),
            iterations: 0,
        })
    }
}
