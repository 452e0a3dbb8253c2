use crate::error::Quantity;
use crate::metric::relative_residual;
use crate::{Inverse, Metric, MetricError, OutputFactor, Solve};
use neuromanifold_model::{Likelihood, Linearization};

/// The Fisher metric as a product that is never written down: `G v = Jᵀ B Bᵀ J v`, one pass forward and one back.
///
/// Right where `P` is too large for a matrix. Raising is by conjugate gradients on `G + λI`.
///
/// Memory: a few vectors of lengths `P` and `KN`. Cost: two passes through the network a product.
#[derive(Debug)]
pub struct FisherOperator<'a> {
    linearization: Opaque<'a>,
    factor: OutputFactor,
    stopping: ConjugateGradients,
}

/// When conjugate gradients stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConjugateGradients {
    /// Relative residual `|g − (G+λI)x|/|g|` to reach.
    pub tolerance: f64,
    /// The most products with `G` to spend.
    pub max_products: usize,
}

/// A linearisation has no `Debug` of its own; its sizes say enough.
pub(crate) struct Opaque<'a>(pub(crate) &'a dyn Linearization);

impl std::fmt::Debug for Opaque<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Linearization({:?})", self.0.dims())
    }
}

impl<'a> FisherOperator<'a> {
    /// The true Fisher metric of a likelihood at a linearised map, with the stopping rule of its solver.
    ///
    /// # Errors
    /// [`MetricError::Empty`], [`MetricError::Likelihood`].
    pub fn new(
        linearization: &'a dyn Linearization,
        likelihood: &dyn Likelihood,
        stopping: ConjugateGradients,
    ) -> Result<Self, MetricError> {
        let factor = OutputFactor::fisher(linearization, likelihood)?;
        Ok(Self::from_factor(linearization, factor, stopping))
    }

    /// `G = Jᵀ B Bᵀ J` for any factor on the outputs.
    #[must_use]
    pub fn from_factor(
        linearization: &'a dyn Linearization,
        factor: OutputFactor,
        stopping: ConjugateGradients,
    ) -> Self {
        Self {
            linearization: Opaque(linearization),
            factor,
            stopping,
        }
    }

    fn conjugate_gradients(
        &self,
        gradient: &[f64],
        lambda: f64,
        x: &mut [f64],
    ) -> Result<usize, MetricError> {
        let ConjugateGradients {
            tolerance,
            max_products,
        } = self.stopping;
        x.fill(0.0);
        // in units of the largest entry, so that squares neither over- nor underflow
        let unit = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        if unit <= 0.0 {
            return Ok(0);
        }
        let mut residual: Vec<f64> = gradient.iter().map(|g| g / unit).collect();
        let mut direction = residual.clone();
        let mut image = vec![0.0; x.len()];
        let mut squared = dot(&residual, &residual);
        let goal = tolerance * tolerance * squared;
        let mut products = 0;
        while squared > goal && products < max_products {
            self.lower(&direction, &mut image);
            products += 1;
            for (image, d) in image.iter_mut().zip(&direction) {
                *image += lambda * d;
            }
            let step = squared / dot(&direction, &image);
            for (x, d) in x.iter_mut().zip(&direction) {
                *x += step * d;
            }
            for (r, image) in residual.iter_mut().zip(&image) {
                *r -= step * image;
            }
            let next = dot(&residual, &residual);
            for (d, r) in direction.iter_mut().zip(&residual) {
                *d = r + next / squared * *d;
            }
            squared = next;
        }
        for x in x.iter_mut() {
            *x *= unit;
        }
        Ok(products)
    }
}

impl Metric for FisherOperator<'_> {
    fn dim(&self) -> usize {
        self.linearization.0.dims().parameters
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        let dims = self.linearization.0.dims();
        let mut moved = vec![0.0; dims.output_len()];
        let mut white = vec![0.0; self.factor.rank() * dims.examples];
        self.linearization.0.jvp(tangent, &mut moved);
        self.factor.apply_transpose(&moved, &mut white);
        self.factor.apply(&white, &mut moved);
        self.linearization.0.vjp(&moved, out);
    }

    fn norm_squared(&self, tangent: &[f64]) -> f64 {
        let dims = self.linearization.0.dims();
        let mut moved = vec![0.0; dims.output_len()];
        let mut white = vec![0.0; self.factor.rank() * dims.examples];
        self.linearization.0.jvp(tangent, &mut moved);
        self.factor.apply_transpose(&moved, &mut white);
        dot(&white, &white)
    }

    /// Conjugate gradients on `G + λI`. On [`MetricError::DidNotConverge`] `out` holds the last iterate.
    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        let Inverse::Damped { lambda } = inverse else {
            return Err(MetricError::Unsupported {
                representation: "FisherOperator",
                remedy: "Inverse::Damped, or DenseFisher or GramFisher for exact and pseudo-inverses",
            });
        };
        MetricError::check_damping(lambda)?;
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        let ConjugateGradients { tolerance, .. } = self.stopping;
        if tolerance.is_nan() || tolerance <= 0.0 || tolerance.is_infinite() {
            return Err(MetricError::StoppingRule { tolerance });
        }
        let iterations = self.conjugate_gradients(gradient, lambda, out)?;
        MetricError::check_finite(Quantity::Direction, out)?;
        let residual = relative_residual(self, lambda, gradient, out);
        // The recursive residual can run ahead of the true one; ten times is still the accuracy asked for.
        let reached = residual <= 10.0 * tolerance; // false for NaN
        if !reached {
            return Err(MetricError::DidNotConverge {
                iterations,
                residual,
                tolerance,
            });
        }
        Ok(Solve {
            relative_residual: residual,
            rank: self.dim(),
            iterations,
        })
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
