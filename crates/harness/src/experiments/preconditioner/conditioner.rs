//! What preconditions conjugate gradients, and the solve without them.

use std::time::Instant;

use neuromanifold_geometry::closed_form::GaussianInputFisher;
use neuromanifold_geometry::{
    ConjugateGradients, DenseFisher, DiagonalFisher, FisherOperator, Inverse, KroneckerFisher,
    Metric, MetricError, Preconditioner,
};
use neuromanifold_model::Linearization;

use super::problem::Problem;
use crate::HarnessError;

/// A way to `(G + λI)⁻¹g`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conditioner {
    None,
    Diagonal,
    Kronecker,
    EigenCorrected,
    GaussianInputs,
    Cholesky,
}

/// What a solve took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    /// Products with `G`; `None` where the most that were allowed did not suffice.
    pub(super) iterations: Option<usize>,
    /// Building and factoring, in seconds.
    pub(super) build: f64,
    /// Iterating, in seconds.
    pub(super) solve: f64,
}

impl Trial {
    /// All of it.
    pub(super) fn seconds(&self) -> f64 {
        self.build + self.solve
    }
}

/// When the iteration stops: a residual with which a natural-gradient step is as good as exact.
pub(super) const STOPPING: ConjugateGradients = ConjugateGradients {
    tolerance: 1e-6,
    max_products: 1_000,
};

/// A linear system and where it comes from.
#[derive(Clone, Copy)]
pub(super) struct System<'a> {
    pub(super) problem: &'a Problem,
    pub(super) theta: &'a [f64],
    pub(super) at: &'a dyn Linearization,
    pub(super) gradient: &'a [f64],
    pub(super) lambda: f64,
}

impl Conditioner {
    pub(super) const ALL: [Self; 6] = [
        Self::None,
        Self::Diagonal,
        Self::Kronecker,
        Self::EigenCorrected,
        Self::GaussianInputs,
        Self::Cholesky,
    ];

    /// All but the last, which is a direct solve.
    pub(super) const ITERATED: [Self; 5] = [
        Self::None,
        Self::Diagonal,
        Self::Kronecker,
        Self::EigenCorrected,
        Self::GaussianInputs,
    ];

    /// Its name in figures and tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Diagonal => "diagonal",
            Self::Kronecker => "K-FAC",
            Self::EigenCorrected => "EK-FAC",
            Self::GaussianInputs => "Gaussian inputs",
            Self::Cholesky => "dense Cholesky",
        }
    }

    /// Solves once, with all that has to be built at this θ. The law of the inputs is fitted once for all θ, and not on the clock.
    pub(super) fn solve(self, system: System<'_>) -> Result<Trial, HarnessError> {
        let System {
            problem,
            theta,
            at,
            gradient,
            lambda,
        } = system;
        let likelihood = problem.likelihood;
        let start = Instant::now();
        match self {
            Self::None => iterate(system, None, start),
            Self::Diagonal => {
                let diagonal = DiagonalFisher::new(at, likelihood)?.damped(lambda)?;
                iterate(system, Some(&diagonal), start)
            }
            Self::Kronecker => {
                let fisher = KroneckerFisher::kfac(at, likelihood)?;
                iterate(system, Some(&fisher.damped(lambda)?), start)
            }
            Self::EigenCorrected => {
                let fisher = KroneckerFisher::ekfac(at, likelihood)?;
                iterate(system, Some(&fisher.damped(lambda)?), start)
            }
            Self::GaussianInputs => {
                let precision = problem.mean_precision(at.outputs());
                let (net, law) = (&problem.net, &problem.law);
                let fisher =
                    GaussianInputFisher::with_precision(net, theta, law, precision.as_ref())?;
                iterate(system, Some(&fisher.cholesky(lambda)?), start)
            }
            Self::Cholesky => {
                let factor = DenseFisher::new(at, likelihood)?.cholesky(lambda)?;
                let build = start.elapsed().as_secs_f64();
                let mut step = gradient.to_vec();
                factor.solve_in_place(&mut step);
                Ok(Trial {
                    iterations: Some(0),
                    build,
                    solve: start.elapsed().as_secs_f64() - build,
                })
            }
        }
    }
}

fn iterate(
    system: System<'_>,
    preconditioner: Option<&dyn Preconditioner>,
    start: Instant,
) -> Result<Trial, HarnessError> {
    let build = start.elapsed().as_secs_f64();
    let likelihood = system.problem.likelihood;
    let mut operator = FisherOperator::new(system.at, likelihood, STOPPING)?;
    if let Some(preconditioner) = preconditioner {
        operator = operator.preconditioned(preconditioner);
    }
    let mut step = vec![0.0; system.gradient.len()];
    let damped = Inverse::damped(system.lambda);
    let iterations = match operator.raise(system.gradient, damped, &mut step) {
        Ok(solve) => Some(solve.iterations),
        Err(MetricError::DidNotConverge { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Trial {
        iterations,
        build,
        solve: start.elapsed().as_secs_f64() - build,
    })
}
