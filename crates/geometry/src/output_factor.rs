use crate::MetricError;
use neuromanifold_model::{Cotangents, Dims, Likelihood, LikelihoodError, Linearization};

/// The factors `B(z_s) ∈ R^{K×r}` of the output Fisher matrices `H(z_s) = B Bᵀ` of all examples.
///
/// Pulled back through the Jacobian they become the columns of `A ∈ R^{P×rN}` with `G = A Aᵀ/N`. They are scaled by
/// `1/√N` here, so that `G = A Aᵀ` and nobody has to remember the mean.
#[derive(Clone, Debug)]
pub struct OutputFactor {
    values: Vec<f64>,
    outputs: usize,
    rank: usize,
}

impl OutputFactor {
    /// The true Fisher factor at the outputs of a linearisation: needs no targets.
    ///
    /// # Errors
    /// [`MetricError::Empty`], or [`MetricError::Likelihood`] if the law cannot be read off `K` outputs.
    pub fn fisher(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
    ) -> Result<Self, MetricError> {
        let dims = checked_dims(linearization, likelihood)?;
        let rank = likelihood.factor_rank(dims.outputs);
        let mut values = vec![0.0; dims.outputs * rank * dims.examples];
        let columns = values.chunks_exact_mut(dims.outputs * rank);
        for (b, z) in columns.zip(linearization.outputs().chunks_exact(dims.outputs)) {
            likelihood.factor(z, b);
        }
        Ok(Self::scaled(
            values,
            dims.outputs,
            rank,
            1.0 / dims.examples as f64,
        ))
    }

    /// Scores at `draws` targets sampled from the model for each example: the Monte-Carlo estimate of the true Fisher,
    /// unbiased, with errors of order `1/√(N·draws)`.
    ///
    /// # Errors
    /// As [`OutputFactor::fisher`]; [`MetricError::Draws`] for none.
    pub fn monte_carlo(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
        draws: usize,
        rng: &mut dyn rand::Rng,
    ) -> Result<Self, MetricError> {
        let dims = checked_dims(linearization, likelihood)?;
        if draws == 0 {
            return Err(MetricError::Draws { draws, at_least: 1 });
        }
        let mut values = vec![0.0; dims.outputs * draws * dims.examples];
        let mut y = vec![0.0; likelihood.target_len(dims.outputs)];
        let columns = values.chunks_exact_mut(dims.outputs * draws);
        for (b, z) in columns.zip(linearization.outputs().chunks_exact(dims.outputs)) {
            for column in b.chunks_exact_mut(dims.outputs) {
                likelihood.sample(z, rng, &mut y);
                likelihood.score(z, &y, column);
            }
        }
        let weight = 1.0 / (dims.examples * draws) as f64;
        Ok(Self::scaled(values, dims.outputs, draws, weight))
    }

    /// Scores at the observed targets: the *empirical* Fisher.
    ///
    /// This is not the Fisher metric. It agrees only where the model is right and the data many; near a good fit of
    /// regression data its weights are squared residuals, so it vanishes where the metric does not and steps explode.
    ///
    /// # Errors
    /// As [`OutputFactor::fisher`]; [`MetricError::Likelihood`] for targets outside the domain.
    ///
    /// # References
    /// F. Kunstner, L. Balles, P. Hennig, *Limitations of the empirical Fisher approximation for natural gradient
    /// descent*, NeurIPS 2019, arXiv:1905.12558.
    pub fn empirical(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
        targets: &[f64],
    ) -> Result<Self, MetricError> {
        let dims = checked_dims(linearization, likelihood)?;
        likelihood.check_targets(dims.outputs, dims.examples, targets)?;
        let mut values = vec![0.0; dims.output_len()];
        let width = likelihood.target_len(dims.outputs);
        let examples = linearization.outputs().chunks_exact(dims.outputs);
        for ((b, z), y) in values
            .chunks_exact_mut(dims.outputs)
            .zip(examples)
            .zip(targets.chunks_exact(width))
        {
            likelihood.score(z, y, b);
        }
        Ok(Self::scaled(
            values,
            dims.outputs,
            1,
            1.0 / dims.examples as f64,
        ))
    }

    fn scaled(mut values: Vec<f64>, outputs: usize, rank: usize, weight: f64) -> Self {
        let scale = weight.sqrt();
        for v in &mut values {
            *v *= scale;
        }
        Self {
            values,
            outputs,
            rank,
        }
    }

    /// Passes if the factor has the outputs and examples of a map.
    pub(crate) fn check(&self, dims: Dims) -> Result<(), MetricError> {
        let examples = self.values.len() / (self.outputs * self.rank);
        if self.outputs == dims.outputs && examples == dims.examples {
            Ok(())
        } else {
            Err(MetricError::Factor {
                factor_examples: examples,
                factor_outputs: self.outputs,
                dims,
            })
        }
    }

    /// `r`, columns of one example.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The columns, as a linearisation pulls them back.
    #[must_use]
    pub fn cotangents(&self) -> Cotangents<'_> {
        Cotangents::new(&self.values, self.outputs, self.rank)
    }

    /// `white ← Bᵀ u`: one number a column (length `rN`), from one number an output (length `KN`).
    pub fn apply_transpose(&self, cotangent: &[f64], white: &mut [f64]) {
        let examples = self.values.chunks_exact(self.outputs * self.rank);
        for ((b, u), w) in examples
            .zip(cotangent.chunks_exact(self.outputs))
            .zip(white.chunks_exact_mut(self.rank))
        {
            for (w, column) in w.iter_mut().zip(b.chunks_exact(self.outputs)) {
                *w = column.iter().zip(u).map(|(b, u)| b * u).sum();
            }
        }
    }

    /// `cotangent ← B w`: one number an output (length `KN`), from one number a column (length `rN`).
    pub fn apply(&self, white: &[f64], cotangent: &mut [f64]) {
        let examples = self.values.chunks_exact(self.outputs * self.rank);
        for ((b, u), w) in examples
            .zip(cotangent.chunks_exact_mut(self.outputs))
            .zip(white.chunks_exact(self.rank))
        {
            u.fill(0.0);
            for (w, column) in w.iter().zip(b.chunks_exact(self.outputs)) {
                for (u, b) in u.iter_mut().zip(column) {
                    *u += w * b;
                }
            }
        }
    }

    /// `u ← B Bᵀ u` in place: the metric on the outputs, example by example (length `KN`).
    pub fn apply_fisher(&self, cotangent: &mut [f64]) {
        let mut white = vec![0.0; self.rank];
        let examples = self.values.chunks_exact(self.outputs * self.rank);
        for (b, u) in examples.zip(cotangent.chunks_exact_mut(self.outputs)) {
            for (w, column) in white.iter_mut().zip(b.chunks_exact(self.outputs)) {
                *w = column.iter().zip(&*u).map(|(b, u)| b * u).sum();
            }
            u.fill(0.0);
            for (w, column) in white.iter().zip(b.chunks_exact(self.outputs)) {
                for (u, b) in u.iter_mut().zip(column) {
                    *u += w * b;
                }
            }
        }
    }

    /// `|Bᵀ u|²`, summed over the examples.
    pub(crate) fn quadratic_form(&self, cotangent: &[f64]) -> f64 {
        let examples = self.values.chunks_exact(self.outputs * self.rank);
        let mut sum = 0.0;
        for (b, u) in examples.zip(cotangent.chunks_exact(self.outputs)) {
            for column in b.chunks_exact(self.outputs) {
                let white: f64 = column.iter().zip(u).map(|(b, u)| b * u).sum();
                sum += white * white;
            }
        }
        sum
    }
}

fn checked_dims(
    linearization: &dyn Linearization,
    likelihood: &dyn Likelihood,
) -> Result<Dims, MetricError> {
    let dims = linearization.dims();
    if dims.is_empty() {
        return Err(MetricError::Empty { dims });
    }
    likelihood.check_outputs(dims.outputs)?;
    if linearization.outputs().len() != dims.output_len() {
        return Err(MetricError::Likelihood(LikelihoodError::TargetCount {
            examples: dims.examples,
            expected: dims.output_len(),
            got: linearization.outputs().len(),
        }));
    }
    neuromanifold_model::ModelError::check_outputs(linearization.outputs(), dims)?;
    Ok(dims)
}
