use super::gaussian_input::check_finite;
use super::product::product;
use super::{ClosedFormError, GaussianInput};
use faer::{Mat, MatRef};

/// How the covariance of a sample is drawn towards a multiple of the identity, `C = (1 − α) S + α (tr S/n) I`.
///
/// The covariance `S` of few examples has eigenvalues that are too large and others that are too small, and of fewer than `n`, or
/// of inputs that never vary, it is singular; any `α > 0` makes it positive definite. The trace stays what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Shrinkage {
    /// `α = 0`: the covariance of the sample.
    None,
    /// A weight `α` between 0 and 1.
    Weight(f64),
    /// The α that minimises `E|C − C*|²` for the true covariance `C*`, estimated from the sample: `O(1/N)`, and 1 where the sample
    /// does not tell directions apart. Of two examples it is 0, so take three. (Ledoit, Wolf 2004)
    LedoitWolf,
}

impl GaussianInput {
    /// The normal law with the mean of a sample, `n × N`, and its covariance (a sum over `N`, not `N − 1`), shrunk.
    ///
    /// Real inputs are not Gaussian. What is fitted is the law whose metric can be had in closed form; how close it is to the
    /// metric of the sample is to be measured.
    ///
    /// Cost: `n²N`, and the eigenvalues of `C`.
    ///
    /// ```
    /// use neuromanifold_geometry::closed_form::{GaussianInput, Shrinkage};
    /// use neuromanifold_geometry::faer::mat;
    ///
    /// let sample = mat![[1.0, -1.0, 0.0, 2.0], [3.0, 3.0, 3.0, 3.0]]; // the second input never varies
    /// assert!(GaussianInput::of_sample(sample.as_ref(), Shrinkage::None).is_err());
    /// let input = GaussianInput::of_sample(sample.as_ref(), Shrinkage::Weight(0.1))?;
    /// assert!((input.mean()[0] - 0.5).abs() < 1e-15 && (input.mean()[1] - 3.0).abs() < 1e-15);
    /// # Ok::<(), neuromanifold_geometry::closed_form::ClosedFormError>(())
    /// ```
    ///
    /// # Errors
    /// [`ClosedFormError::EmptySample`], [`ClosedFormError::NotFinite`], [`ClosedFormError::OutOfRange`] for a weight;
    /// [`ClosedFormError::NotPositiveDefinite`] if no input varies or, without shrinkage, a combination of them does not.
    ///
    /// # References
    /// O. Ledoit, M. Wolf, *A well-conditioned estimator for large-dimensional covariance matrices*, J. Multivariate Analysis 88
    /// (2004) 365–411, doi:10.1016/S0047-259X(03)00096-4.
    pub fn of_sample(
        sample: MatRef<'_, f64>,
        shrinkage: Shrinkage,
    ) -> Result<Self, ClosedFormError> {
        let moments = Moments::of(sample)?;
        let weight = moments.weight(shrinkage)?;
        let mut covariance = (1.0 - weight) * &moments.covariance;
        for i in 0..sample.nrows() {
            covariance[(i, i)] += weight * moments.variance();
        }
        Self::full(covariance.as_ref())?.with_mean(&moments.mean)
    }
}

impl Shrinkage {
    /// The weight α for a sample, `n × N`.
    ///
    /// # Errors
    /// [`ClosedFormError::EmptySample`], [`ClosedFormError::NotFinite`], [`ClosedFormError::OutOfRange`].
    pub fn weight(self, sample: MatRef<'_, f64>) -> Result<f64, ClosedFormError> {
        Moments::of(sample)?.weight(self)
    }
}

/// Mean and covariance of a sample, with the sample moved to zero mean.
struct Moments {
    mean: Vec<f64>,
    centred: Mat<f64>,
    covariance: Mat<f64>,
}

impl Moments {
    fn of(sample: MatRef<'_, f64>) -> Result<Self, ClosedFormError> {
        let (inputs, examples) = (sample.nrows(), sample.ncols());
        if examples == 0 || inputs == 0 {
            return Err(ClosedFormError::EmptySample);
        }
        for (example, column) in sample.col_iter().enumerate() {
            for (i, value) in column.iter().enumerate() {
                check_finite("sample", example * inputs + i, *value)?;
            }
        }
        let share = 1.0 / examples as f64;
        // an input that never varies keeps its value exactly: nothing is left of it once it is centred
        let mean: Vec<f64> = sample
            .row_iter()
            .map(|row| row[0] + row.iter().map(|x| share * (x - row[0])).sum::<f64>())
            .collect();
        let centred = Mat::from_fn(inputs, examples, |i, s| sample[(i, s)] - mean[i]);
        let covariance = product(centred.as_ref(), centred.transpose()) * share;
        Ok(Self {
            mean,
            centred,
            covariance,
        })
    }

    /// `tr S/n`.
    fn variance(&self) -> f64 {
        let inputs = self.mean.len();
        (0..inputs).map(|i| self.covariance[(i, i)]).sum::<f64>() / inputs as f64
    }

    fn weight(&self, shrinkage: Shrinkage) -> Result<f64, ClosedFormError> {
        match shrinkage {
            Shrinkage::None => Ok(0.0),
            Shrinkage::Weight(value) if (0.0..=1.0).contains(&value) => Ok(value),
            Shrinkage::Weight(value) => Err(ClosedFormError::OutOfRange {
                what: "weight of the shrinkage",
                value,
            }),
            Shrinkage::LedoitWolf => Ok(self.ledoit_wolf()),
        }
    }

    /// `b²/d²`: the mean squared error of `S`, `(1/N²) Σ |x xᵀ − S|²`, over its squared distance from `(tr S/n) I`.
    fn ledoit_wolf(&self) -> f64 {
        let examples = self.centred.ncols() as f64;
        let square = self.covariance.squared_norm_l2();
        let fourth: f64 = self
            .centred
            .col_iter()
            .map(|x| x.squared_norm_l2().powi(2))
            .sum();
        let error = (fourth / examples - square) / examples;
        let distance = square - self.mean.len() as f64 * self.variance().powi(2);
        if distance > error {
            error / distance
        } else {
            1.0
        }
    }
}
