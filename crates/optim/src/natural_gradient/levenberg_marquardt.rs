use super::Representation;
use super::representation::Fisher;
use crate::OptimError;

/// How the damping λ of a Levenberg–Marquardt step follows its success, and how the step is bent.
///
/// A step is judged by its gain ratio `ρ = (actual decrease)/(predicted decrease)`. If `ρ > 0` it is taken, and λ follows
/// the [`GainRule`]; else λ is raised until a step is taken. Metric and gradient are reused while that goes on.
///
/// The step follows the geodesic rather than its tangent ([`Acceleration`]), for one more forward pass a trial: on narrow
/// curved valleys that halves the number of steps, and it finds exact fits from more starting points.
///
/// # References
/// H. B. Nielsen, *Damping parameter in Marquardt's method*, IMM-REP-1999-05, Technical University of Denmark (1999).
/// M. K. Transtrum, J. P. Sethna, *Improvements to the Levenberg–Marquardt algorithm for nonlinear least-squares
/// minimization* (2012), arXiv:1201.5885.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevenbergMarquardt {
    initial: f64,
    initial_by_products: f64,
    rule: GainRule,
    acceleration: Acceleration,
}

/// What the gain ratio ρ of a step does to λ.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum GainRule {
    /// `λ ← λ·max(1/3, 1 − (2ρ−1)³)` after a step that was taken; times 2, 4, 8, … while none is.
    Nielsen,
    /// `λ ← λ ω^T` if `ρ > ¾`, `λ ← λ/ω^T` if `ρ < ¼` or the step was not taken.
    ///
    /// # References
    /// J. Martens, *Deep learning via Hessian-free optimization*, ICML 2010 (ω^T = ⅔); J. Martens, R. Grosse, *Optimizing
    /// neural networks with Kronecker-factored approximate curvature* (2015), arXiv:1503.05671, §6.5 (ω = 19/20, T = 5).
    Martens {
        /// ω in (0, 1).
        omega: f64,
        /// T, the steps for which one factor stands.
        period: u32,
    },
}

/// Whether a step is bent along the geodesic, `θ ← θ + δ + ½ θ̈` with `θ̈ = −(G + λI)⁻¹ Jᵀ H Z̈`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Acceleration {
    /// The straight step.
    Off,
    /// The bent step; one with `|θ̈|/|δ|` beyond this limit is not taken, and λ raised.
    UpTo(f64),
    /// The same where the second solve costs next to nothing because the metric has been factored, and the straight step in
    /// [`Representation::MatrixFree`](super::Representation::MatrixFree).
    WhereFactored(f64),
}

impl Default for LevenbergMarquardt {
    /// Nielsen's rule from `λ = 0.1 tr G/P`, or 3 % of `gᵀGg/gᵀg` at the gradient `g` where no matrix is formed; with
    /// acceleration up to 0.75.
    fn default() -> Self {
        Self {
            initial: 0.1, // smaller ones are refused by most networks at their start, at the price of a trial each
            initial_by_products: 0.03,
            rule: GainRule::Nielsen,
            acceleration: Acceleration::UpTo(0.75),
        }
    }
}

impl LevenbergMarquardt {
    /// The defaults, but bent only where the metric has been factored.
    pub(super) const AUTO: Self = Self {
        initial: 0.1,
        initial_by_products: 0.03,
        rule: GainRule::Nielsen,
        acceleration: Acceleration::WhereFactored(0.75),
    };

    /// Starts from `λ = initial·tr G/P`, a fraction of the mean eigenvalue; from `initial·gᵀGg/gᵀg` at the gradient `g` where
    /// no matrix is formed.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `initial` is positive and finite.
    pub fn with_initial(mut self, initial: f64) -> Result<Self, OptimError> {
        OptimError::check_setting(
            "the initial damping, relative to the mean eigenvalue,",
            initial,
            initial > 0.0,
            "positive and finite",
        )?;
        self.initial = initial;
        self.initial_by_products = initial;
        Ok(self)
    }

    /// With another rule for λ.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `0 < ω < 1` and `T ≥ 1`.
    pub fn with_rule(mut self, rule: GainRule) -> Result<Self, OptimError> {
        if let GainRule::Martens { omega, period } = rule {
            let inside = omega > 0.0 && omega < 1.0;
            OptimError::check_setting("ω of the damping rule", omega, inside, "in (0, 1)")?;
            let at_least_one = period >= 1;
            let period = f64::from(period);
            OptimError::check_setting("T of the damping rule", period, at_least_one, "at least 1")?;
        }
        self.rule = rule;
        Ok(self)
    }

    /// With straight steps, or another limit on how far they are bent.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless the limit is positive and finite.
    pub fn with_acceleration(mut self, acceleration: Acceleration) -> Result<Self, OptimError> {
        if let Acceleration::UpTo(limit) | Acceleration::WhereFactored(limit) = acceleration {
            OptimError::check_setting(
                "the limit on the acceleration",
                limit,
                limit > 0.0,
                "positive and finite",
            )?;
        }
        self.acceleration = acceleration;
        Ok(self)
    }

    /// How far steps are bent, and never beyond `most`.
    pub(super) fn acceleration(self, representation: Representation, most: f64) -> Acceleration {
        match (self.acceleration, representation) {
            (Acceleration::Off, _)
            | (
                Acceleration::WhereFactored(_),
                Representation::MatrixFree(_) | Representation::KroneckerFree(_),
            ) => Acceleration::Off,
            (Acceleration::UpTo(limit) | Acceleration::WhereFactored(limit), _) => {
                Acceleration::UpTo(limit.min(most))
            }
        }
    }

    /// λ at the first step: the stated fraction of the mean eigenvalue, but no less than what keeps the step below 10⁴ where
    /// the metric has all but vanished (a saturated network).
    pub(super) fn first(self, fisher: &Fisher<'_>, gradient_norm: f64) -> Lambda {
        let mean_eigenvalue = fisher.mean_eigenvalue();
        let initial = if fisher.is_operator() {
            self.initial_by_products
        } else {
            self.initial
        };
        let value = (initial * mean_eigenvalue)
            .max(1e-4 * gradient_norm * f64::from(mean_eigenvalue < 1e-12 * gradient_norm))
            .max(f64::MIN_POSITIVE);
        Lambda { value, growth: 2.0 }
    }
}

/// λ on its way: the state of [`LevenbergMarquardt`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Lambda {
    pub(super) value: f64,
    pub(super) growth: f64,
}

impl Lambda {
    /// After a step that was not taken.
    pub(super) fn raise(&mut self, rule: LevenbergMarquardt) {
        match rule.rule {
            GainRule::Nielsen => {
                self.value *= self.growth;
                self.growth *= 2.0;
            }
            GainRule::Martens { omega, period } => self.value /= omega.powf(f64::from(period)),
        }
    }

    /// After a step with this gain ratio was taken. Below `floor`, λ no longer changes `G + λI`.
    pub(super) fn accept(&mut self, rule: LevenbergMarquardt, ratio: f64, floor: f64) {
        let factor = match rule.rule {
            GainRule::Nielsen => (1.0 - (2.0 * ratio - 1.0).powi(3)).max(1.0 / 3.0),
            GainRule::Martens { omega, period } if ratio > 0.75 => omega.powf(f64::from(period)),
            GainRule::Martens { omega, period } if ratio < 0.25 => omega.powf(-f64::from(period)),
            GainRule::Martens { .. } => 1.0,
        };
        self.value = (self.value * factor).max(floor).max(f64::MIN_POSITIVE);
        self.growth = 2.0;
    }
}
