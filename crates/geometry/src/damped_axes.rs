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

#[cfg(test)]
mod tests {
    use crate::{DiagonalFisher, Inverse, KroneckerFisher, Metric, Preconditioner};
    use neuromanifold_mlp::{Activation, Mlp};
    use neuromanifold_model::{Gaussian, OutputMap};

    /// What a preconditioner does is what the metric's own damped inverse does.
    #[test]
    fn damped_inverses_are_those_of_raise() {
        let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
        let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
        let batch = net
            .on_slice(&[-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5])
            .unwrap();
        let at = batch.linearize(&theta).unwrap();
        let diagonal = DiagonalFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
        let kronecker = KroneckerFisher::ekfac(at.as_ref(), &Gaussian::UNIT).unwrap();
        let g = [1.0, -0.5, 0.3, 2.0, 0.1, -1.0, 0.7];
        let cases: [(&dyn Metric, &dyn Preconditioner); 2] = [
            (&diagonal, &diagonal.damped(1e-2).unwrap()),
            (&kronecker, &kronecker.damped(1e-2).unwrap()),
        ];
        for (metric, inverse) in cases {
            let (mut expected, mut found) = ([0.0; 7], [0.0; 7]);
            metric
                .raise(&g, Inverse::damped(1e-2), &mut expected)
                .unwrap();
            inverse.precondition(&g, &mut found);
            for (a, b) in expected.iter().zip(found) {
                assert!((a - b).abs() <= 1e-14 * a.abs(), "{a} {b}");
            }
        }
        assert!(diagonal.damped(0.0).is_err() && kronecker.damped(f64::NAN).is_err());
    }
}
