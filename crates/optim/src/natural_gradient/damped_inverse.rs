use super::representation::Fisher;
use crate::step::dot;
use neuromanifold_geometry::{Cholesky, MetricError};
use neuromanifold_model::{Cotangents, Linearization};

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
                self.combine(factor.cotangents(), dual, out);
            }
            Fisher::SampleSpace { factor, .. } => {
                let mut moved = vec![0.0; self.linearization.dims().output_len()];
                self.linearization.jvp(gradient, &mut moved);
                let white = whiten(factor.cotangents(), &moved);
                self.combine(factor.cotangents(), white, out);
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
                let white = whiten(factor.cotangents(), output_tangent);
                self.linearization
                    .vjp(&colour(factor.cotangents(), &white), out);
                self.cholesky.solve_in_place(out);
            }
            Fisher::SampleSpace { factor, .. } => {
                let white = whiten(factor.cotangents(), output_tangent);
                self.combine(factor.cotangents(), white, out);
            }
        }
    }

    /// `out ← A (K + λI)⁻¹ white`.
    fn combine(&self, factor: Cotangents<'_>, mut white: Vec<f64>, out: &mut [f64]) {
        self.cholesky.solve_in_place(&mut white);
        self.linearization.vjp(&colour(factor, &white), out);
    }
}

/// `Bᵀu`: one number a column, from one number an output.
fn whiten(factor: Cotangents<'_>, outputs: &[f64]) -> Vec<f64> {
    let width = factor.outputs();
    let examples = factor.values().chunks_exact(width * factor.rank());
    examples
        .zip(outputs.chunks_exact(width))
        .flat_map(|(b, u)| b.chunks_exact(width).map(|column| dot(column, u)))
        .collect()
}

/// `B w`: one number an output, from one number a column.
fn colour(factor: Cotangents<'_>, white: &[f64]) -> Vec<f64> {
    let width = factor.outputs();
    let mut outputs = vec![0.0; factor.examples() * width];
    let examples = factor.values().chunks_exact(width * factor.rank());
    for ((b, w), u) in examples
        .zip(white.chunks_exact(factor.rank()))
        .zip(outputs.chunks_exact_mut(width))
    {
        for (column, w) in b.chunks_exact(width).zip(w) {
            for (u, b) in u.iter_mut().zip(column) {
                *u += w * b;
            }
        }
    }
    outputs
}
