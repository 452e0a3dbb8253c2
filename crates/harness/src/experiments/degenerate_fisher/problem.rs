//! The network of the experiment, on and near the critical set.

use faer::MatRef;
use neuromanifold_geometry::DenseFisher;
use neuromanifold_geometry::quotient::{Probe, SolveComparison, Solver, Tolerance};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};

use crate::experiments::inflation::gaussians;
use crate::{Context, HarnessError};

const INPUTS: usize = 3;
const EXAMPLES: usize = 400;

/// A three-unit network on Gaussian inputs with the outputs of another for targets.
pub(super) struct Problem {
    pub(super) net: Mlp,
    inputs: Vec<f64>,
    targets: Vec<f64>,
}

impl Problem {
    pub(super) fn new(context: &Context) -> Result<Self, HarnessError> {
        let net = Mlp::new(&[INPUTS, 3, 1], Activation::Tanh)?;
        let inputs = gaussians(INPUTS * EXAMPLES, &mut context.rng(0));
        let teacher = gaussians(net.parameters(), &mut context.rng(1));
        let mut targets = vec![0.0; EXAMPLES];
        net.on_slice(&inputs)?.outputs(&teacher, &mut targets)?;
        Ok(Self {
            net,
            inputs,
            targets,
        })
    }

    /// Two units apart by `delta`, and a third.
    pub(super) fn overlapping(&self, delta: f64) -> Vec<f64> {
        let mut theta = vec![0.9, -0.5, 0.4, 0.9, -0.5 + delta, 0.4, -0.3, 0.8, 1.1];
        theta.extend([0.2, 0.2, -0.4, 0.7, 0.5, -0.6, 0.1]);
        theta
    }

    /// One unit without outgoing weight.
    pub(super) fn eliminated(&self) -> Vec<f64> {
        let mut theta = self.overlapping(1.3);
        theta[13] = 0.0; // v₂
        theta
    }

    /// The steps that solvers take for the mean squared error.
    pub(super) fn compare(
        &self,
        theta: &[f64],
        solvers: &[Solver],
    ) -> Result<SolveComparison, HarnessError> {
        let batch = self.net.on_slice(&self.inputs)?;
        let mut z = vec![0.0; EXAMPLES];
        batch.outputs(theta, &mut z)?;
        let cotangent: Vec<f64> = (z.iter().zip(&self.targets))
            .map(|(z, y)| (z - y) / EXAMPLES as f64)
            .collect();
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&self.inputs, INPUTS, EXAMPLES),
            likelihood: &Gaussian::UNIT,
        };
        let network = (&self.net, theta);
        let tolerance = Tolerance::default();
        Ok(SolveComparison::new(
            network, &probe, &cotangent, solvers, tolerance,
        )?)
    }

    /// The longest step that a threshold or a damping allows: with `g = A w`, `|w|² = (1/N) Σ (z − y)²`, each eigenvalue
    /// contributes `√λ/(λ + …)` times its part of `w`.
    pub(super) fn bound(&self, theta: &[f64], solver: Solver) -> Result<f64, HarnessError> {
        let batch = self.net.on_slice(&self.inputs)?;
        let at = batch.linearize(theta)?;
        let gaps = at.outputs().iter().zip(&self.targets);
        let squared: f64 = gaps.map(|(z, y)| (z - y) * (z - y)).sum();
        let whitened = (squared / EXAMPLES as f64).sqrt();
        Ok(match solver {
            Solver::Damped { lambda } => whitened / (2.0 * lambda.sqrt()),
            Solver::PseudoInverse { tolerance } => {
                let metric = DenseFisher::new(at.as_ref(), &Gaussian::UNIT)?;
                whitened / tolerance.threshold(metric.spectrum()?.largest()).sqrt()
            }
            _ => f64::INFINITY,
        })
    }
}
