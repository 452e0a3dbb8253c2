use super::inverse::InverseEstimate;
use super::rule::{Rule, Update};
use crate::error::Quantity;
use crate::step::{FirstOrder, dot};
use crate::{Objective, OptimError};
use faer::{Mat, MatMut, MatRef};
use neuromanifold_geometry::OutputFactor;
use neuromanifold_model::{Linearization, ModelError};

/// What a step sees of its batch: loss, gradient, the columns to update the estimate with, and the natural gradient by the
/// updated estimate. In buffers that live from step to step; the estimate itself is left alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Observation {
    pub(super) first_order: FirstOrder,
    /// `∇f`, or `A` column after column.
    columns: Vec<f64>,
    /// `X`: what the [`Update`] subtracts, column after column.
    pub(super) raised: Vec<f64>,
    /// `Ĝ_t⁻¹ ∇l`.
    pub(super) natural_gradient: Vec<f64>,
}

impl Observation {
    pub(super) fn look(
        &mut self,
        linearization: &dyn Linearization,
        objective: &Objective<'_>,
        estimate: &InverseEstimate,
        rule: Rule,
        epsilon: f64,
        step: u64,
    ) -> Result<Update, OptimError> {
        let dims = objective.dims();
        self.natural_gradient.resize(dims.parameters, 0.0);
        if dims.output_len() == 1 {
            self.look_at_one(linearization, objective, estimate, rule, epsilon, step)
        } else {
            self.look_at_many(linearization, objective, estimate, rule, epsilon, step)
        }
    }

    /// One output of one example: everything is a multiple of `∇f` and `h = Ĝ⁻¹∇f`, so one product with `Ĝ⁻¹` does.
    fn look_at_one(
        &mut self,
        linearization: &dyn Linearization,
        objective: &Objective<'_>,
        estimate: &InverseEstimate,
        rule: Rule,
        epsilon: f64,
        step: u64,
    ) -> Result<Update, OptimError> {
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
        self.columns.resize(estimate.dim(), 0.0);
        self.raised.resize(estimate.dim(), 0.0);
        linearization.vjp(&[1.0], &mut self.columns);
        let first_order = &mut self.first_order;
        first_order.loss = law.negative_log_likelihood(z, y);
        first_order.gradient.clear();
        (first_order.gradient).extend(self.columns.iter().map(|f| -score * f));
        OptimError::check_finite(Quantity::Loss, step, &[first_order.loss])?;
        first_order.measure(step)?;

        estimate.apply(&self.columns, &mut self.raised);
        let q = factor * factor * dot(&self.columns, &self.raised);
        let update = rule.rank_one(q, epsilon, step)?;
        let along = -score * rule.along(q, epsilon);
        let tangent = self.natural_gradient.iter_mut();
        for (d, h) in tangent.zip(&mut self.raised) {
            *d = along * *h;
            *h *= factor;
        }
        Ok(update)
    }

    /// A mini-batch, or several outputs: `Ĝ_t⁻¹ ∇l = growth·(Ĝ⁻¹∇l − weight·X Xᵀ∇l)`.
    fn look_at_many(
        &mut self,
        linearization: &dyn Linearization,
        objective: &Objective<'_>,
        estimate: &InverseEstimate,
        rule: Rule,
        epsilon: f64,
        step: u64,
    ) -> Result<Update, OptimError> {
        self.first_order.evaluate(objective, linearization, step)?;
        let factor = OutputFactor::fisher(linearization, objective.likelihood())?;
        let (dim, examples) = (estimate.dim(), objective.dims().examples);
        let width = factor.rank() * examples;
        self.columns.resize(dim * width, 0.0);
        self.raised.resize(dim * width, 0.0);
        let out = MatMut::from_column_major_slice_mut(&mut self.columns, dim, width);
        linearization.pullback(factor.cotangents(), 0..examples, out);
        OptimError::check_finite(Quantity::Gradient, step, &self.columns)?;

        let columns = MatRef::from_column_major_slice(&self.columns, dim, width);
        let mut raised = MatMut::from_column_major_slice_mut(&mut self.raised, dim, width);
        estimate.apply_columns(columns, raised.as_mut());
        let inner: Mat<f64> = columns.transpose() * raised.as_ref();
        let update = rule.rank_many(inner.as_ref(), raised, epsilon, step)?;

        let gradient = &self.first_order.gradient;
        estimate.apply(gradient, &mut self.natural_gradient);
        for x in self.raised.chunks_exact(dim) {
            let along = update.weight * dot(x, gradient);
            for (d, x) in self.natural_gradient.iter_mut().zip(x) {
                *d -= along * x;
            }
        }
        for d in &mut self.natural_gradient {
            *d *= update.growth;
        }
        Ok(update)
    }
}
