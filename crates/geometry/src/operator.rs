use crate::error::Quantity;
use crate::metric::{assert_vectors, relative_residual};
use crate::{
    ConjugateGradients, Inverse, Metric, MetricError, OutputFactor, Preconditioner, Solve,
};
use neuromanifold_model::{Likelihood, Linearization};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// The Fisher metric as a product that is never written down: `G v = Jᵀ B Bᵀ J v`, one pass forward and one back.
///
/// Right where `P` is too large for a matrix. Raising is by conjugate gradients on `G + λI`.
///
/// Memory: a few vectors of lengths `P` and `KN`, kept between products. Cost: two passes through the network a product.
#[derive(Debug)]
pub struct FisherOperator<'a> {
    linearization: Opaque<'a>,
    factor: OutputFactor,
    stopping: ConjugateGradients,
    preconditioner: Option<&'a dyn Preconditioner>,
    /// Outputs moved by a tangent, kept between products.
    moved: Mutex<Vec<f64>>,
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
        Self::from_factor(linearization, factor, stopping)
    }

    /// `G = Jᵀ B Bᵀ J` for any factor on the outputs.
    ///
    /// # Errors
    /// [`MetricError::Factor`] if it was made for another batch or map.
    pub fn from_factor(
        linearization: &'a dyn Linearization,
        factor: OutputFactor,
        stopping: ConjugateGradients,
    ) -> Result<Self, MetricError> {
        factor.check(linearization.dims())?;
        Ok(Self {
            linearization: Opaque(linearization),
            factor,
            stopping,
            preconditioner: None,
            moved: Mutex::default(),
        })
    }

    /// Lets [`raise`](Metric::raise) precondition its conjugate gradients.
    ///
    /// ```
    /// use neuromanifold_geometry::{BlockFisher, Blocks, ConjugateGradients, FisherOperator, Inverse, Metric};
    /// use neuromanifold_mlp::{Activation, Mlp};
    /// use neuromanifold_model::{Gaussian, OutputMap};
    ///
    /// let net = Mlp::new(&[1, 2, 1], Activation::Tanh)?;
    /// let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
    /// let batch = net.on_slice(&[-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5])?;
    /// let at = batch.linearize(&theta)?;
    /// let blocks = BlockFisher::new(at.as_ref(), &Gaussian::UNIT, Blocks::Layers)?.cholesky(1e-3)?;
    /// let stopping = ConjugateGradients { tolerance: 1e-10, max_products: 100 };
    /// let fisher = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, stopping)?.preconditioned(&blocks);
    /// let mut natural = [0.0; 7];
    /// let solve = fisher.raise(&[1.0; 7], Inverse::damped(1e-3), &mut natural)?;
    /// assert!(solve.iterations < 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn preconditioned(mut self, preconditioner: &'a dyn Preconditioner) -> Self {
        self.preconditioner = Some(preconditioner);
        self
    }

    /// Calls a function with `J v`.
    fn moving<T>(&self, tangent: &[f64], then: impl FnOnce(&mut [f64]) -> T) -> T {
        // Another thread in the middle of a product finds an empty buffer and fills one of its own.
        let lock = || self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut moved = std::mem::take(&mut *lock());
        moved.resize(self.linearization.0.dims().output_len(), 0.0);
        self.linearization.0.jvp(tangent, &mut moved);
        let result = then(&mut moved);
        *lock() = moved;
        result
    }
}

impl Metric for FisherOperator<'_> {
    fn dim(&self) -> usize {
        self.linearization.0.dims().parameters
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        self.moving(tangent, |moved| {
            self.factor.apply_fisher(moved);
            self.linearization.0.vjp(moved, out);
        });
    }

    /// Products one beside the other, on all threads.
    fn lower_many(&self, tangents: &[f64], out: &mut [f64]) {
        let dim = self.dim();
        assert_vectors(dim, tangents, out);
        let pairs = tangents
            .par_chunks_exact(dim)
            .zip(out.par_chunks_exact_mut(dim));
        pairs
            .with_max_len(1)
            .for_each(|(tangent, out)| self.lower(tangent, out));
    }

    fn norm_squared(&self, tangent: &[f64]) -> f64 {
        self.moving(tangent, |moved| self.factor.quadratic_form(moved))
    }

    /// Conjugate gradients on `G + λI`. On [`MetricError::DidNotConverge`] `out` holds the best iterate.
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
        let stopping = self.stopping.validate()?;
        let damped = |direction: &[f64], image: &mut [f64]| {
            self.lower(direction, image);
            for (image, d) in image.iter_mut().zip(direction) {
                *image += lambda * d;
            }
        };
        let iterations = stopping.solve(damped, self.preconditioner, gradient, out);
        MetricError::check_finite(Quantity::Direction, out)?;
        let residual = relative_residual(self, lambda, gradient, out);
        stopping.check_residual(residual, iterations)?;
        Ok(Solve {
            relative_residual: residual,
            rank: self.dim(),
            iterations,
        })
    }
}
