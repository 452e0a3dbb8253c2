use crate::{Cholesky, MetricError};
use std::fmt::Debug;

/// When conjugate gradients stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConjugateGradients {
    /// Relative residual `|g − (G+λI)x|/|g|` to reach.
    pub tolerance: f64,
    /// The most products with `G` to spend.
    pub max_products: usize,
}

/// An approximate inverse `M⁻¹ ≈ (G + λI)⁻¹`, symmetric and positive definite, for conjugate gradients to work with.
///
/// The number of products needed grows with `√κ` of `M⁻¹(G + λI)` instead of `G + λI`; the solution is the same. A
/// [`Cholesky`] of an older or smaller metric will do, a [`BlockCholesky`](crate::BlockCholesky), a
/// [`DampedKronecker`](crate::DampedKronecker), a [`DampedDiagonal`](crate::DampedDiagonal), or for one hidden layer the metric that
/// Gaussian inputs would have ([`GaussianInputCholesky`](crate::closed_form::GaussianInputCholesky)).
pub trait Preconditioner: Debug + Sync {
    /// `out ← M⁻¹ r`. Both slices have length `P`.
    fn precondition(&self, residual: &[f64], out: &mut [f64]);
}

impl Preconditioner for Cholesky {
    fn precondition(&self, residual: &[f64], out: &mut [f64]) {
        out.copy_from_slice(residual);
        self.solve_in_place(out);
    }
}

impl ConjugateGradients {
    /// Passes if the tolerance can be reached.
    pub(crate) fn validate(self) -> Result<Self, MetricError> {
        let tolerance = self.tolerance;
        if tolerance.is_nan() || tolerance <= 0.0 || tolerance.is_infinite() {
            return Err(MetricError::StoppingRule { tolerance });
        }
        Ok(self)
    }

    /// Passes if a solve came as far as was asked: the recursive residual can run ahead of the true one, and ten times is still the
    /// accuracy asked for.
    pub(crate) fn check_residual(
        self,
        residual: f64,
        iterations: usize,
    ) -> Result<(), MetricError> {
        let tolerance = self.tolerance;
        let reached = residual <= 10.0 * tolerance; // false for NaN
        if reached {
            Ok(())
        } else {
            Err(MetricError::DidNotConverge {
                iterations,
                residual,
                tolerance,
            })
        }
    }

    /// Solves `A x = b` for a positive definite `A` given by its products, `product(v, out)` with `out ← A v`; returns how many
    /// were made.
    ///
    /// `x` receives the iterate with the smallest residual, by the recursion; its true residual is the caller's to measure. Every
    /// iterate has a smaller `½xᵀA x − xᵀb` than zero has, so that one found long before the equation is solved is a direction of
    /// descent all the same. Where products are not finite, or `b` is not, `x` may be left zero.
    ///
    /// ```
    /// use neuromanifold_geometry::ConjugateGradients;
    ///
    /// let product = |v: &[f64], out: &mut [f64]| out.copy_from_slice(&[4.0 * v[0] + v[1], v[0] + 3.0 * v[1]]);
    /// let mut x = [0.0; 2];
    /// let stopping = ConjugateGradients { tolerance: 1e-12, max_products: 10 };
    /// assert_eq!(stopping.solve(product, None, &[1.0, 2.0], &mut x), 2); // as many as unknowns
    /// assert!((x[0] - 1.0 / 11.0).abs() < 1e-12 && (x[1] - 7.0 / 11.0).abs() < 1e-12);
    /// ```
    ///
    /// # References
    /// M. R. Hestenes, E. Stiefel, *Methods of conjugate gradients for solving linear systems*, J. Res. Nat. Bur. Standards 49
    /// (1952) 409–436, doi:10.6028/jres.049.044.
    pub fn solve(
        self,
        mut product: impl FnMut(&[f64], &mut [f64]),
        preconditioner: Option<&dyn Preconditioner>,
        b: &[f64],
        x: &mut [f64],
    ) -> usize {
        x.fill(0.0);
        // in units of the largest entry, so that squares neither over- nor underflow
        let unit = b.iter().fold(0.0, |m: f64, b| m.max(b.abs()));
        if unit <= 0.0 {
            return 0;
        }
        let mut iterate = vec![0.0; x.len()];
        let mut residual: Vec<f64> = b.iter().map(|b| b / unit).collect();
        let mut descent = residual.clone();
        let condition = |residual: &[f64], descent: &mut [f64]| match preconditioner {
            Some(inverse) => inverse.precondition(residual, descent),
            None => descent.copy_from_slice(residual),
        };
        condition(&residual, &mut descent);
        let mut direction = descent.clone();
        let mut image = vec![0.0; x.len()];
        let mut along = dot(&residual, &descent);
        let mut squared = dot(&residual, &residual);
        let mut best = f64::INFINITY; // zero, where it starts, is no answer
        let goal = self.tolerance * self.tolerance * squared;
        let mut products = 0;
        while squared > goal && products < self.max_products {
            product(&direction, &mut image);
            products += 1;
            let step = along / dot(&direction, &image);
            for (x, d) in iterate.iter_mut().zip(&direction) {
                *x += step * d;
            }
            for (r, image) in residual.iter_mut().zip(&image) {
                *r -= step * image;
            }
            squared = dot(&residual, &residual); // NaN ends the loop, and is never the best
            if squared < best {
                best = squared;
                x.copy_from_slice(&iterate);
            }
            condition(&residual, &mut descent);
            let next = dot(&residual, &descent);
            for (d, r) in direction.iter_mut().zip(&descent) {
                *d = r + next / along * *d;
            }
            along = next;
        }
        for x in x.iter_mut() {
            *x *= unit;
        }
        products
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
