//! [`GaussianInputFisher`] as a [`Metric`].

use super::GaussianInputFisher;
use super::coupling::Tangent;
use super::product::{add_product, multiply_from_the_right, product};
use super::pseudo_inverse::pseudo_inverse;
use super::whitened::Whitened;
use crate::error::Quantity;
use crate::metric::{relative_residual, trusted};
use crate::{Inverse, Metric, MetricError, Solve};
use faer::Mat;

impl Metric for GaussianInputFisher {
    fn dim(&self) -> usize {
        self.frame.net.parameters()
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        let mut moved = self.frame.tangent(tangent);
        moved.outgoing = self.precision.push_tangent(&moved.outgoing);
        moved.constant = self.precision.push_tangent(&moved.constant);
        let network = &self.network;
        let products = product(network.weights.transpose(), moved.weights.as_ref());
        let own: Vec<f64> = (0..self.frame.units()).map(|a| products[(a, a)]).collect();
        let image = self.coupling.apply(
            &network.outgoing,
            &network.outgoing,
            &Tangent {
                left_products: products.as_ref(),
                right_products: &own,
                means: &moved.means,
                outgoing: &moved.outgoing,
                constant: &moved.constant,
            },
        );
        let m = self.frame.units();
        let slopes = self.coupling.unseen();
        let mixing = Mat::from_fn(m, m, |b, a| {
            image.mixed[a * m + b] + if a == b { image.own[a] } else { 0.0 }
        });
        let mut weights = moved.weights;
        multiply_from_the_right(weights.as_mut(), slopes.transpose());
        add_product(
            weights.as_mut(),
            1.0,
            network.weights.as_ref(),
            mixing.as_ref(),
        );
        let covector = Whitened {
            weights,
            means: image.means,
            outgoing: self.precision.pull_covector(&image.outgoing),
            constant: self.precision.pull_covector(&image.constant),
        };
        self.frame.pull_back(covector, out);
    }

    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        let lambda = match inverse {
            Inverse::Exact => 0.0,
            Inverse::Damped { lambda } => {
                MetricError::check_damping(lambda)?;
                lambda
            }
            Inverse::Pseudo { tolerance } => {
                return pseudo_inverse(self, gradient, tolerance.validate()?, out);
            }
        };
        let iterations = match self.iterative {
            None => {
                self.cholesky(lambda)?.solve(gradient, out);
                0
            }
            Some(stopping) => {
                let stopping = stopping.validate()?;
                let unseen = self.unseen(lambda)?;
                let (solved, covector) = self.condense(&unseen, gradient);
                let (tangent, iterations) = self
                    .on_seen()
                    .solve_iteratively(&unseen, lambda, covector, stopping)?;
                self.expand(&unseen, solved, tangent, (gradient, lambda), out);
                iterations
            }
        };
        MetricError::check_finite(Quantity::Direction, out)?;
        let residual = relative_residual(self, lambda, gradient, out);
        if let Some(stopping) = self.iterative {
            stopping.check_residual(residual, iterations)?;
        }
        Ok(Solve {
            relative_residual: trusted(residual, lambda)?,
            rank: self.dim(),
            iterations,
        })
    }
}
