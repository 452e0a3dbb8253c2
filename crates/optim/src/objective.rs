use crate::OptimError;
use crate::error::Quantity;
use neuromanifold_model::{Dims, Likelihood, Linearization, ModelError, OutputMap};

/// What an optimiser makes small: the mean negative log-likelihood `l(θ) = −(1/N) Σ_s log p(y_s | x_s; θ)`, in nats.
///
/// It borrows its three parts and costs one look at the targets to make, so every mini-batch can have its own.
///
/// ```
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
/// use neuromanifold_optim::Objective;
///
/// let line = Mlp::new(&[1, 1], Activation::Identity)?; // z = θ₀ x + θ₁
/// let batch = line.on_slice(&[1.0, 0.0])?;
/// let objective = Objective::new(&batch, &Gaussian::UNIT, &[3.0, 1.0])?;
/// let mut gradient = [0.0; 2];
/// let loss = objective.gradient(&[0.0, 0.0], &mut gradient)?;
/// assert!((loss - 2.5 - 0.5 * std::f64::consts::TAU.ln()).abs() < 1e-15); // ½ mean (3², 1²) + log √(2π)
/// assert_eq!(gradient, [-1.5, -2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Objective<'a> {
    map: &'a dyn OutputMap,
    likelihood: &'a dyn Likelihood,
    targets: &'a [f64],
}

impl<'a> Objective<'a> {
    /// A model on a batch, the law of its targets, and the targets, one example after the other.
    ///
    /// # Errors
    /// [`OptimError::Empty`] for a map without parameters, outputs or examples; [`OptimError::Likelihood`] for targets
    /// that are too many, too few or outside the domain of the law.
    pub fn new(
        map: &'a dyn OutputMap,
        likelihood: &'a dyn Likelihood,
        targets: &'a [f64],
    ) -> Result<Self, OptimError> {
        let dims = map.dims();
        if dims.is_empty() {
            return Err(OptimError::Empty { dims });
        }
        likelihood.check_targets(dims.outputs, dims.examples, targets)?;
        Ok(Self {
            map,
            likelihood,
            targets,
        })
    }

    /// `P`, `K`, `N`.
    #[must_use]
    pub fn dims(&self) -> Dims {
        self.map.dims()
    }

    /// The model on its batch.
    #[must_use]
    pub fn map(&self) -> &'a dyn OutputMap {
        self.map
    }

    /// The law of a target given the outputs.
    #[must_use]
    pub fn likelihood(&self) -> &'a dyn Likelihood {
        self.likelihood
    }

    /// What was observed, one example after the other.
    #[must_use]
    pub fn targets(&self) -> &'a [f64] {
        self.targets
    }

    /// `l(θ)` in nats.
    ///
    /// # Errors
    /// [`OptimError::Model`] if θ cannot be evaluated, [`OptimError::NonFinite`] if the loss overflows.
    pub fn loss(&self, theta: &[f64]) -> Result<f64, OptimError> {
        let dims = self.dims();
        ModelError::check_parameters(theta, dims)?;
        let mut outputs = vec![0.0; dims.output_len()];
        self.map.outputs(theta, &mut outputs)?;
        ModelError::check_outputs(&outputs, dims)?;
        let loss = self.loss_at(&outputs);
        OptimError::check_finite(Quantity::Loss, 0, &[loss])?;
        Ok(loss)
    }

    /// `l(θ)` in nats, and `out ← ∇l(θ)`, length `P`.
    ///
    /// # Errors
    /// As [`loss`](Self::loss); also for a gradient that is not finite.
    ///
    /// # Panics
    /// If `out` does not have length `P`.
    pub fn gradient(&self, theta: &[f64], out: &mut [f64]) -> Result<f64, OptimError> {
        let dims = self.dims();
        ModelError::check_parameters(theta, dims)?;
        let linearization = self.map.linearize(theta)?;
        let mut cotangent = vec![0.0; dims.output_len()];
        let loss = self.gradient_at(linearization.as_ref(), &mut cotangent, out)?;
        OptimError::check_finite(Quantity::Loss, 0, &[loss])?;
        OptimError::check_finite(Quantity::Gradient, 0, out)?;
        Ok(loss)
    }

    /// The loss at outputs that were computed before, `K·N` numbers. May be NaN or infinite if they are.
    ///
    /// # Panics
    /// If `outputs` does not have length `K·N`.
    #[track_caller]
    #[must_use]
    pub fn loss_at(&self, outputs: &[f64]) -> f64 {
        let total: f64 = self
            .examples(outputs)
            .map(|(z, y)| self.likelihood.negative_log_likelihood(z, y))
            .sum();
        total / self.dims().examples as f64
    }

    /// Loss and gradient at a linearisation: `cotangent ← ∂l/∂Z = −score/N`, `gradient ← Jᵀ cotangent`.
    ///
    /// # Errors
    /// [`OptimError::Model`] if the outputs are not finite.
    pub(crate) fn gradient_at(
        &self,
        linearization: &dyn Linearization,
        cotangent: &mut [f64],
        gradient: &mut [f64],
    ) -> Result<f64, OptimError> {
        let dims = self.dims();
        let outputs = linearization.outputs();
        ModelError::check_outputs(outputs, dims)?;
        let weight = -1.0 / dims.examples as f64;
        let columns = cotangent.chunks_exact_mut(dims.outputs);
        let mut total = 0.0;
        for ((z, y), u) in self.examples(outputs).zip(columns) {
            total += self.likelihood.negative_log_likelihood(z, y);
            self.likelihood.score(z, y, u);
            for u in u {
                *u *= weight;
            }
        }
        linearization.vjp(cotangent, gradient);
        Ok(total / dims.examples as f64)
    }

    /// How much the loss falls from outputs `from` to outputs `to`, with digits left where the two losses agree to
    /// rounding.
    ///
    /// For an exponential family with natural parameter `z`, which all laws of this workspace are, the two sides of
    ///
    /// ```text
    /// log p(y|z') − log p(y|z) = ∇_z log p(y|z)·(z' − z) − D(z : z')
    /// ```
    ///
    /// are equal, and the right one does not subtract nearly equal numbers. It is taken where the left one has lost half
    /// its digits; for any other law it is then right to second order in a step that is tiny.
    ///
    /// # Panics
    /// If a slice does not have length `K·N`.
    #[track_caller]
    #[must_use]
    pub fn decrease(&self, from: &[f64], to: &[f64]) -> f64 {
        let dims = self.dims();
        let (mut difference, mut size) = (0.0, 0.0);
        for ((z, y), (other, _)) in self.examples(from).zip(self.examples(to)) {
            let before = self.likelihood.negative_log_likelihood(z, y);
            let after = self.likelihood.negative_log_likelihood(other, y);
            difference += before - after;
            size += before.abs() + after.abs();
        }
        if difference.abs() < f64::EPSILON.sqrt() * size {
            let mut score = vec![0.0; dims.outputs];
            difference = 0.0;
            for ((z, y), (other, _)) in self.examples(from).zip(self.examples(to)) {
                self.likelihood.score(z, y, &mut score);
                let moved = score.iter().zip(z).zip(other);
                difference += moved.map(|((s, z), other)| s * (other - z)).sum::<f64>()
                    - self.likelihood.divergence(z, other);
            }
        }
        difference / dims.examples as f64
    }

    /// Outputs and target of one example after the other.
    #[track_caller]
    pub(crate) fn examples<'o>(
        &self,
        outputs: &'o [f64],
    ) -> impl Iterator<Item = (&'o [f64], &'a [f64])> + use<'o, 'a> {
        let dims = self.dims();
        assert!(
            outputs.len() == dims.output_len(),
            "{} outputs for {} examples of {}",
            outputs.len(),
            dims.examples,
            dims.outputs
        );
        let width = self.likelihood.target_len(dims.outputs);
        outputs
            .chunks_exact(dims.outputs)
            .zip(self.targets.chunks_exact(width))
    }
}

impl std::fmt::Debug for Objective<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objective")
            .field("dims", &self.dims())
            .field("likelihood", &self.likelihood)
            .finish_non_exhaustive()
    }
}
