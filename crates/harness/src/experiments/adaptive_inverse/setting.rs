//! The regression whose metric is to be learnt, and learners of it.

use faer::linalg::solvers::{DenseSolveCore as _, PartialPivLu};
use faer::{Mat, MatRef};
use neuromanifold_geometry::Metric as _;
use neuromanifold_optim::{AdaptiveNaturalGradient, Objective, Optimizer as _, Rule, Schedule};

use crate::HarnessError;
use crate::experiments::fourth_moments::FourthMoments;
use crate::experiments::principal_axes::PrincipalAxes;
use crate::experiments::regression::Regression;

/// The noise of the targets.
const SIGMA: f64 = 0.5;

/// The regression, and its geometry at θ*.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) regression: Regression,
    pub(super) axes: PrincipalAxes,
    /// `κ = E[q²]/P` for `q = ∇fᵀG⁻¹∇f/σ²`.
    pub(super) kurtosis: f64,
    /// `q` on the nodes of a quadrature, with their weights.
    pub(super) lengths: Vec<(f64, f64)>,
}

impl Setting {
    pub(super) fn new() -> Result<Self, HarnessError> {
        let regression = Regression::new(SIGMA)?;
        let axes = axes(&regression, regression.truth())?;
        let (gradients, weights) = regression.gradients()?;
        let gradients = axes.covectors(gradients.as_ref());
        let lengths = gradients.col_iter().map(|k| k.squared_norm_l2());
        Ok(Self {
            lengths: lengths.zip(weights.iter().copied()).collect(),
            kurtosis: FourthMoments::new(gradients.as_ref(), &weights).kurtosis(),
            regression,
            axes,
        })
    }

    /// One step of a learner on an example.
    pub(super) fn learn(
        &self,
        learner: &mut AdaptiveNaturalGradient,
        (x, y): (&[f64], f64),
        theta: &mut [f64],
    ) -> Result<(), HarnessError> {
        let batch = self.regression.net.on_slice(x)?;
        learner.step(
            &Objective::new(&batch, &self.regression.noise, &[y])?,
            theta,
        )?;
        Ok(())
    }
}

/// G at θ, and coordinates in which it is the identity.
pub(super) fn axes(regression: &Regression, theta: &[f64]) -> Result<PrincipalAxes, HarnessError> {
    Ok(PrincipalAxes::new(
        regression.fisher(theta)?.to_dense().as_ref(),
    )?)
}

/// A learner that takes no steps to speak of: for examples that it can answer already.
pub(super) fn observer(
    rule: Rule,
    forgetting: Schedule,
) -> Result<AdaptiveNaturalGradient, HarnessError> {
    Ok(AdaptiveNaturalGradient::new(
        rule,
        Schedule::constant(1e-12)?,
        forgetting,
    ))
}

/// The estimate, once there was a step.
pub(super) fn estimate(learner: &AdaptiveNaturalGradient) -> Mat<f64> {
    learner.inverse().unwrap_or_else(|| Mat::zeros(0, 0))
}

/// The inverse of an estimate, or of a metric.
pub(super) fn inverse(matrix: MatRef<'_, f64>) -> Mat<f64> {
    PartialPivLu::new(matrix).inverse()
}

/// `tr M/P`.
pub(super) fn mean_diagonal(matrix: MatRef<'_, f64>) -> f64 {
    matrix.diagonal().column_vector().iter().sum::<f64>() / matrix.nrows() as f64
}

/// What figures call a rule.
pub(super) fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::FirstOrder => "first-order rule",
        _ => "Sherman–Morrison",
    }
}
