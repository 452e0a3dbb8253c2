use super::representation::Fisher;
use neuromanifold_geometry::{Cholesky, MetricError, OutputFactor};
use neuromanifold_model::Linearization;

/// `(G + λI)⁻¹`, factored once for several right-hand sides.
pub(super) struct DampedInverse<'a> {
    fisher: &'a Fisher<'a>,
    linearization: &'a dyn Linearization,
    cholesky: Cholesky,
    lambda: f64,
}

impl<'a> DampedInverse<'a> {
    pub(super) fn new(
        fisher: &'a Fisher<'a>,
        linearization: &'a dyn Linearization,
        lambda: f64,
    ) -> Result<Self, MetricError> {
        let cholesky = match fisher {
            Fisher::Dense { fisher, .. } => fisher.cholesky(lambda)?,
            Fisher::SampleSpace { gram, .. } => Cholesky::new(gram.gram(), lambda)?,
        };
        Ok(Self {
            fisher,
            linearization,
            cholesky,
            lambda,
        })
    }

    /// `out ← −(G + λI)⁻¹ ∇l`.
    ///
    /// In sample space `A (K + λI)⁻¹ w/√N` from the whitened scores, or `(A (K + λI)⁻¹ Aᵀ∇l − ∇l)/λ` without them.
    pub(super) fn descend(&self, gradient: &[f64], out: &mut [f64]) {
        match self.fisher {
            Fisher::Dense { .. } => {
                for (o, g) in out.iter_mut().zip(gradient) {
                    *o = -g;
                }
                self.cholesky.solve_in_place(out);
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
            Fisher::Dense { factor, .. } => {
                let white = whiten(factor, output_tangent);
                self.linearization.vjp(&colour(factor, &white), out);
                self.cholesky.solve_in_place(out);
            }
            Fisher::SampleSpace { factor, .. } => {
                let white = whiten(factor, output_tangent);
                self.combine(factor, white, out);
            }
        }
    }

    /// `out ← A (K + λI)⁻¹ white`.
    fn combine(&self, factor: &OutputFactor, mut white: Vec<f64>, out: &mut [f64]) {
        self.cholesky.solve_in_place(&mut white);
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
