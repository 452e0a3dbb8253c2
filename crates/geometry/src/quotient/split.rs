use super::cause::in_words;
use super::{AnalyticNullSpace, QuotientError, Tolerance};
use crate::{Inverse, Metric, MetricError, Solve};
use faer::{Mat, MatRef};
use neuromanifold_mlp::Mlp;
use neuromanifold_model::Likelihood;

/// The tangent space at a point, split into what stays in the class and what leaves it.
///
/// *Vertical* vectors are Fisher-null: to first order no prediction changes along them. *Horizontal* ones are their Euclidean
/// complement. The metric of the quotient S/R is `G` restricted to the horizontal space, where it is definite, and the natural
/// gradient on the quotient is the horizontal solution, which is the minimum-norm one, `G⁺∇l`.
#[derive(Clone, Debug)]
pub struct TangentSplit {
    vertical: Mat<f64>,
}

impl TangentSplit {
    /// Splits by the analytic null space of a network with one hidden layer.
    ///
    /// # Errors
    /// As [`Shallow::new`](super::Shallow::new).
    pub fn of(net: &Mlp, theta: &[f64], tolerance: Tolerance) -> Result<Self, QuotientError> {
        Ok(Self {
            vertical: AnalyticNullSpace::of(net, theta, tolerance)?.basis(),
        })
    }

    /// Splits by the analytic null space of the Fisher metric of a likelihood, the gauge of a softmax included.
    ///
    /// # Errors
    /// As [`Shallow::new`](super::Shallow::new).
    pub fn of_likelihood(
        net: &Mlp,
        theta: &[f64],
        likelihood: &dyn Likelihood,
        tolerance: Tolerance,
    ) -> Result<Self, QuotientError> {
        Ok(Self {
            vertical: AnalyticNullSpace::of_likelihood(net, theta, likelihood, tolerance)?.basis(),
        })
    }

    /// An orthonormal basis of the vertical space, `P × nullity`.
    #[must_use]
    pub fn vertical_basis(&self) -> MatRef<'_, f64> {
        self.vertical.as_ref()
    }

    /// Splits a tangent vector: `(vertical, horizontal)`, which add up to it.
    ///
    /// # Panics
    /// If the vector does not have length `P`.
    #[must_use]
    pub fn split(&self, tangent: &[f64]) -> (Vec<f64>, Vec<f64>) {
        assert_eq!(
            tangent.len(),
            self.vertical.nrows(),
            "a tangent vector of another network"
        );
        let mut vertical = vec![0.0; tangent.len()];
        for axis in self.vertical.col_iter() {
            let along: f64 = axis.iter().zip(tangent).map(|(a, t)| a * t).sum();
            for (v, a) in vertical.iter_mut().zip(axis.iter()) {
                *v += along * a;
            }
        }
        let horizontal = tangent.iter().zip(&vertical).map(|(t, v)| t - v).collect();
        (vertical, horizontal)
    }
}

/// `G⁻¹ g` where the metric `G` of a network and its likelihood is definite; on the critical set an error that names the units, not
/// a pivot. Under a softmax every point is critical, because of the [gauge](super::Cause::Gauge).
///
/// # Errors
/// [`QuotientError::Critical`] where the analytic null space is not trivial, also if rounding has let a factorisation through;
/// otherwise what [`Metric::raise`] says.
pub fn exact_natural_gradient(
    metric: &dyn Metric,
    gradient: &[f64],
    network: (&Mlp, &[f64]),
    likelihood: &dyn Likelihood,
    tolerance: Tolerance,
    out: &mut [f64],
) -> Result<Solve, QuotientError> {
    let null = AnalyticNullSpace::of_likelihood(network.0, network.1, likelihood, tolerance)?;
    if null.nullity() > 0 {
        return Err(QuotientError::Critical {
            nullity: null.nullity(),
            causes: in_words(&null.causes()),
        });
    }
    metric
        .raise(gradient, Inverse::Exact, out)
        .map_err(|error: MetricError| error.into())
}
