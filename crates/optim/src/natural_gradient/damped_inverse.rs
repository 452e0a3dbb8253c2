use super::representation::Fisher;
use neuromanifold_geometry::{
    Cholesky, ConjugateGradients, DampedKronecker, MetricError, OutputFactor, Preconditioner,
};
use neuromanifold_model::Linearization;

/// `(G + λI)⁻¹`, factored once for several right-hand sides, or solved anew by conjugate gradients.
pub(super) struct DampedInverse<'a> {
    fisher: &'a Fisher<'a>,
    linearization: &'a dyn Linearization,
    solver: Solver<'a>,
    lambda: f64,
}

enum Solver<'a> {
    Factored(Cholesky),
    Iterative(ConjugateGradients, Option<DampedKronecker<'a>>),
}

impl<'a> DampedInverse<'a> {
    pub(super) fn new(
        fisher: &'a Fisher<'a>,
        linearization: &'a dyn Linearization,
        lambda: f64,
    ) -> Result<Self, MetricError> {
        let solver = match fisher {
            Fisher::Dense { fisher, .. } => Solver::Factored(fisher.cholesky(lambda)?),
            Fisher::SampleSpace { gram, .. } => {
                Solver::Factored(Cholesky::new(gram.gram(), lambda)?)
            }
            Fisher::Operator {
                stopping,
                kronecker,
                ..
            } => {
                let damped = kronecker.as_ref().map(|kronecker| kronecker.damped(lambda));
                Solver::Iterative(*stopping, damped.transpose()?)
            }
        };
        Ok(Self {
            fisher,
            linearization,
            solver,
            lambda,
        })
    }

    /// `x ← (G + λI)⁻¹ x`, or `(K + λI)⁻¹ x` in sample space.
    fn solve_in_place(&self, x: &mut [f64]) {
        match &self.solver {
            Solver::Factored(cholesky) => cholesky.solve_in_place(x),
            Solver::Iterative(stopping, kronecker) => {
                let product = |v: &[f64], out: &mut [f64]| {
                    self.fisher.lower_by_products(v, out);
                    for (out, v) in out.iter_mut().zip(v) {
                        *out += self.lambda * v;
                    }
                };
                let right = x.to_vec();
                let before = kronecker.as_ref().map(|k| k as &dyn Preconditioner);
                stopping.solve(product, before, &right, x);
            }
        }
    }

    /// `out ← −(G + λI)⁻¹ ∇l`.
    ///
    /// In sample space `A (K + λI)⁻¹ w/√N` from the whitened scores, or `(A (K + λI)⁻¹ Aᵀ∇l − ∇l)/λ` without them.
    pub(super) fn descend(&self, gradient: &[f64], out: &mut [f64]) {
        match self.fisher {
            Fisher::Dense { .. } | Fisher::Operator { .. } => {
                for (o, g) in out.iter_mut().zip(gradient) {
                    *o = -g;
                }
                self.solve_in_place(out);
            }
            Fisher::SampleSpace {
                factor,
                whitened: Some(scores),
                ..
            } => {
                let scale = 1.0 / (self.linearization.dims().examples as f64).sqrt();
                let dual = scores.iter().map(|w| w * scale).collect();
                self.combine(factor, dual, out);
            }
            Fisher::SampleSpace { factor, .. } => {
                let mut moved = vec![0.0; self.linearization.dims().output_len()];
                self.linearization.jvp(gradient, &mut moved);
                let white = whiten(factor, &moved);
                self.combine(factor, white, out);
                for (o, g) in out.iter_mut().zip(gradient) {
                    *o = (*o - g) / self.lambda;
                }
            }
        }
    }

    /// `out ← (G + λI)⁻¹ (1/N) Σ_s J_sᵀ H_s u_s`: the tangent vector that moves the outputs by `u` (length `K·N`) as
    /// well as the damping lets it.
    pub(super) fn pull_back(&self, output_tangent: &[f64], out: &mut [f64]) {
        match self.fisher {
            Fisher::Dense { factor, .. } | Fisher::Operator { factor, .. } => {
                let white = whiten(factor, output_tangent);
                self.linearization.vjp(&colour(factor, &white), out);
                self.solve_in_place(out);
            }
            Fisher::SampleSpace { factor, .. } => {
                let white = whiten(factor, output_tangent);
                self.combine(factor, white, out);
            }
        }
    }

    /// `out ← A (K + λI)⁻¹ white`.
    fn combine(&self, factor: &OutputFactor, mut white: Vec<f64>, out: &mut [f64]) {
        self.solve_in_place(&mut white);
        self.linearization.vjp(&colour(factor, &white), out);
    }
}

/// `Bᵀu`.
fn whiten(factor: &OutputFactor, outputs: &[f64]) -> Vec<f64> {
    let mut white = vec![0.0; factor.cotangents().examples() * factor.rank()];
    factor.apply_transpose(outputs, &mut white);
    white
}

/// `B w`.
fn colour(factor: &OutputFactor, white: &[f64]) -> Vec<f64> {
    let columns = factor.cotangents();
    let mut outputs = vec![0.0; columns.examples() * columns.outputs()];
    factor.apply(white, &mut outputs);
    outputs
}
