use crate::{DiagonalFisher, KroneckerFisher, MetricError, Preconditioner};

/// `G + λI` of a [`DiagonalFisher`], ready for any number of solves: a multiplication each.
#[derive(Clone, Debug)]
pub struct DampedDiagonal {
    reciprocals: Vec<f64>,
}

/// `G + λI` of a [`KroneckerFisher`], ready for any number of solves in its eigenvectors.
#[derive(Clone, Copy, Debug)]
pub struct DampedKronecker<'a> {
    fisher: &'a KroneckerFisher,
    lambda: f64,
}

impl DiagonalFisher {
    /// With damping, as a preconditioner.
    ///
    /// # Errors
    /// [`MetricError::Damping`] unless λ is positive and finite.
    pub fn damped(&self, lambda: f64) -> Result<DampedDiagonal, MetricError> {
        MetricError::check_damping(lambda)?;
        let reciprocals = self.diagonal().iter().map(|d| 1.0 / (d + lambda));
        Ok(DampedDiagonal {
            reciprocals: reciprocals.collect(),
        })
    }
}

impl KroneckerFisher {
    /// With damping, as a preconditioner. A solve costs what [`raise`](crate::Metric::raise) does, without its look at the residual.
    ///
    /// # Errors
    /// [`MetricError::Damping`] unless λ is positive and finite.
    pub fn damped(&self, lambda: f64) -> Result<DampedKronecker<'_>, MetricError> {
        MetricError::check_damping(lambda)?;
        Ok(DampedKronecker {
            fisher: self,
            lambda,
        })
    }
}

impl Preconditioner for DampedDiagonal {
    fn precondition(&self, residual: &[f64], out: &mut [f64]) {
        for ((out, r), d) in out.iter_mut().zip(residual).zip(&self.reciprocals) {
            *out = d * r;
        }
    }
}

impl Preconditioner for DampedKronecker<'_> {
    fn precondition(&self, residual: &[f64], out: &mut [f64]) {
        self.fisher.transform(residual, out, |place, i, unit| {
            1.0 / (self.fisher.eigenvalue(place, i, unit) + self.lambda)
        });
    }
}
