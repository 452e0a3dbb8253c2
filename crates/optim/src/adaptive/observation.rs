use super::inverse::InverseEstimate;
use super::rule::Blend;
use crate::error::Quantity;
use crate::step::{FirstOrder, dot, norm};
use crate::{Objective, OptimError, Step};
use faer::{Mat, MatMut, MatRef};
use neuromanifold_geometry::OutputFactor;
use neuromanifold_model::{Linearization, ModelError};

/// What a step sees of its batch: loss, gradient, the columns to update the estimate with, and the natural gradient by the
/// updated estimate. In buffers that live from step to step; the value of the estimate itself is left alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Observation {
    first_order: FirstOrder,
    /// `∇f`; or `A` column after column, and `∇l`.
    vectors: Vec<f64>,
    /// `X` column after column; behind it there may be `Ĝ⁻¹∇l`.
    pub(super) raised: Vec<f64>,
    /// One number for each column of `X`.
    pub(super) weights: Vec<f64>,
    pub(super) growth: f64,
    /// `Ĝ_t⁻¹ ∇l`, then the step.
    pub(super) tangent: Vec<f64>,
    /// `∇lᵀ Ĝ_t⁻¹ ∇l`.
    length_squared: f64,
}

impl Observation {
    pub(super) fn look(
        &mut self,
        linearization: &dyn Linearization,
        objective: &Objective<'_>,
        estimate: &mut InverseEstimate,
        blend: &Blend,
    ) -> Result<(), OptimError> {
        let dims = objective.dims();
        self.tangent.resize(dims.parameters, 0.0);
        if dims.output_len() == 1 {
            self.look_at_one(linearization, objective, estimate, blend)
        } else {
            self.look_at_many(linearization, objective, estimate, blend)
        }
    }

    /// One output of one example: everything is a multiple of `∇f` and `h = Ĝ⁻¹∇f`, so one product with `Ĝ⁻¹` does.
    fn look_at_one(
        &mut self,
        linearization: &dyn Linearization,
        objective: &Objective<'_>,
        estimate: &mut InverseEstimate,
        blend: &Blend,
    ) -> Result<(), OptimError> {
        let (law, z, y) = (
            objective.likelihood(),
            linearization.outputs(),
            objective.targets(),
        );
        ModelError::check_outputs(z, objective.dims())?;
        let (mut score, mut factor) = ([0.0], [0.0]);
        law.score(z, y, &mut score);
        law.factor(z, &mut factor);
        let ([score], [factor]) = (score, factor);
        self.vectors.resize(estimate.dim(), 0.0);
        self.raised.resize(estimate.dim(), 0.0);
        linearization.vjp(&[1.0], &mut self.vectors);
        self.first_order.loss = law.negative_log_likelihood(z, y);
        OptimError::check_finite(Quantity::Loss, blend.step, &[self.first_order.loss])?;
        // Finite only if every entry is.
        self.first_order.gradient_norm = score.abs() * norm(&self.vectors);
        if !self.first_order.gradient_norm.is_finite() {
            OptimError::check_finite(Quantity::Gradient, blend.step, &self.vectors)?;
            let size = [self.first_order.gradient_norm];
            OptimError::check_finite(Quantity::Gradient, blend.step, &size)?;
        }

        estimate.apply(&self.vectors, &mut self.raised);
        let form = dot(&self.vectors, &self.raised);
        let q = factor * factor * form;
        let (growth, weight) = blend.rank_one(q)?;
        let along = -score * blend.along(q);
        for (d, h) in self.tangent.iter_mut().zip(&mut self.raised) {
            *d = along * *h;
            *h *= factor;
        }
        self.length_squared = -score * along * form;
        self.growth = growth;
        self.weights.clear();
        self.weights.push(weight);
        Ok(())
    }

    /// A mini-batch, or several outputs: `Ĝ_t⁻¹ ∇l = growth·(Ĝ⁻¹∇l − X diag(weights) Xᵀ∇l)`.
    fn look_at_many(
        &mut self,
        linearization: &dyn Linearization,
        objective: &Objective<'_>,
        estimate: &mut InverseEstimate,
        blend: &Blend,
    ) -> Result<(), OptimError> {
        self.first_order
            .evaluate(objective, linearization, blend.step)?;
        let factor = OutputFactor::fisher(linearization, objective.likelihood())?;
        let (dim, examples) = (estimate.dim(), objective.dims().examples);
        let width = factor.rank() * examples;
        self.vectors.resize(dim * (width + 1), 0.0);
        self.raised.resize(dim * (width + 1), 0.0);
        let (columns, gradient) = self.vectors.split_at_mut(dim * width);
        let out = MatMut::from_column_major_slice_mut(columns, dim, width);
        linearization.pullback(factor.cotangents(), 0..examples, out);
        OptimError::check_finite(Quantity::Gradient, blend.step, columns)?;
        gradient.copy_from_slice(&self.first_order.gradient);

        estimate.apply(&self.vectors, &mut self.raised);
        let (columns, gradient) = self.vectors.split_at(dim * width);
        let columns = MatRef::from_column_major_slice(columns, dim, width);
        let (raised, natural) = self.raised.split_at_mut(dim * width);
        let mut raised = MatMut::from_column_major_slice_mut(raised, dim, width);
        let inner: Mat<f64> = columns.transpose() * raised.as_ref();
        self.growth = blend.rank_many(inner.as_ref(), raised.as_mut(), &mut self.weights)?;

        self.tangent.copy_from_slice(natural);
        for (x, weight) in self.raised.chunks_exact(dim).zip(&self.weights) {
            let along = weight * dot(x, gradient);
            for (d, x) in self.tangent.iter_mut().zip(x) {
                *d -= along * x;
            }
        }
        for d in &mut self.tangent {
            *d *= self.growth;
        }
        self.length_squared = dot(gradient, &self.tangent);
        Ok(())
    }

    /// Takes a smaller growth than the one that was found: the natural gradient becomes smaller in proportion.
    pub(super) fn limit_growth(&mut self, growth: f64) {
        let ratio = growth / self.growth;
        self.growth = growth;
        self.length_squared *= ratio;
        for d in &mut self.tangent {
            *d *= ratio;
        }
    }

    /// Makes the natural gradient a step down along it.
    pub(super) fn scale_step(&mut self, rate: f64) {
        for d in &mut self.tangent {
            *d *= -rate;
        }
    }

    /// The report on a step of that rate by a metric which is `weight` times the inverse of the estimate.
    pub(super) fn report(&self, rate: f64, weight: f64) -> Step {
        let length = weight * self.length_squared;
        Step {
            loss: self.first_order.loss,
            gradient_norm: self.first_order.gradient_norm,
            step_norm: norm(&self.tangent),
            predicted_decrease: rate * length * (1.0 - 0.5 * rate),
            actual_decrease: None,
            divergence: Some(0.5 * rate * rate * length),
            damping: None,
            learning_rate: rate,
            evaluations: 1,
            accepted: true,
            exploring: false,
        }
    }
}
