use crate::OptimError;

/// How far to go along a natural-gradient direction δ.
///
/// ```
/// use neuromanifold_optim::StepLength;
///
/// let cautious = StepLength::trust_region(0.01)?; // no step moves the model by more than 0.01 nats
/// assert!(StepLength::armijo(1.5, 0.5).is_err()); // no step gains more than the slope promises
/// # let _ = cautious;
/// # Ok::<(), neuromanifold_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepLength(pub(super) Law);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Law {
    #[default]
    Full,
    TrustRegion {
        nats: f64,
    },
    Armijo {
        slope: f64,
        shrink: f64,
    },
    GeometricGrid {
        ratio: f64,
        count: u32,
    },
}

impl StepLength {
    /// All the way.
    pub const FULL: Self = Self(Law::Full);

    /// `δ·min(1, √(ρ/½δᵀGδ))`: the model moves by at most `ρ` nats, to second order.
    ///
    /// Among all steps with `½δᵀGδ ≤ ρ` this is the one for which the quadratic model of the loss is least, if δ is the
    /// exact natural gradient: in the length of the metric itself a trust region does not turn the step.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless ρ is positive and finite.
    ///
    /// # References
    /// J. Schulman, S. Levine, P. Moritz, M. Jordan, P. Abbeel, *Trust region policy optimization*, ICML 2015,
    /// arXiv:1502.05477.
    pub fn trust_region(nats: f64) -> Result<Self, OptimError> {
        OptimError::check_setting(
            "the radius ρ of the trust region",
            nats,
            nats > 0.0,
            "positive and finite",
        )?;
        Ok(Self(Law::TrustRegion { nats }))
    }

    /// The first of `1, s, s², …` with `l(θ) − l(θ + tδ) ≥ −c t ∇l·δ`: Armijo's rule.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `0 < c < 1` and `0 < s < 1`.
    ///
    /// # References
    /// L. Armijo, *Minimization of functions having Lipschitz continuous first partial derivatives*, Pacific J. Math. 16
    /// (1966) 1–3.
    pub fn armijo(slope: f64, shrink: f64) -> Result<Self, OptimError> {
        for (name, value) in [
            ("c of Armijo's rule", slope),
            ("the shrinkage of Armijo's rule", shrink),
        ] {
            OptimError::check_setting(name, value, value > 0.0 && value < 1.0, "in (0, 1)")?;
        }
        Ok(Self(Law::Armijo { slope, shrink }))
    }

    /// The best of `1, s, s², …, s^{n−1}`: the line search of natural-gradient solvers of partial differential equations,
    /// there with `s = ½` and `n = 31`.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `0 < s < 1` and `n ≥ 1`.
    ///
    /// # References
    /// J. Müller, M. Zeinhofer, *Achieving high accuracy with PINNs via energy natural gradients*, ICML 2023,
    /// arXiv:2302.13163.
    pub fn geometric_grid(ratio: f64, count: u32) -> Result<Self, OptimError> {
        let inside = ratio > 0.0 && ratio < 1.0;
        OptimError::check_setting(
            "the ratio of a grid of step lengths",
            ratio,
            inside,
            "in (0, 1)",
        )?;
        let number = f64::from(count);
        OptimError::check_setting(
            "the size of a grid of step lengths",
            number,
            count >= 1,
            "at least 1",
        )?;
        Ok(Self(Law::GeometricGrid { ratio, count }))
    }

    /// Whether the rule looks at the objective.
    pub(super) fn searches(self) -> bool {
        matches!(self.0, Law::Armijo { .. } | Law::GeometricGrid { .. })
    }

    /// The factor by which a direction with this `δᵀGδ` is too long.
    pub(super) fn cap(self, quadratic: f64) -> f64 {
        match self.0 {
            // a hair less, so that rounding does not carry the step over the edge
            Law::TrustRegion { nats } if 0.5 * quadratic > nats => {
                (nats / (0.5 * quadratic)).sqrt() * (1.0 - 1e-12)
            }
            _ => 1.0,
        }
    }
}
