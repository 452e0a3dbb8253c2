use super::ClosedFormError;
use super::product::product;
use faer::{Mat, MatRef, Side};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// The law `N(μ, C)` of the inputs `x ∈ R^n`.
///
/// ```
/// use neuromanifold_geometry::closed_form::GaussianInput;
///
/// let input = GaussianInput::diagonal(&[1.0, 0.25])?.with_mean(&[0.0, 3.0])?;
/// assert_eq!(input.inputs(), 2);
/// assert!(GaussianInput::diagonal(&[1.0, 0.0]).is_err());
/// # Ok::<(), neuromanifold_geometry::closed_form::ClosedFormError>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaussianInput {
    mean: Vec<f64>,
    covariance: Covariance,
}

/// `C = E diag(s²) Eᵀ`.
#[derive(Clone, Debug)]
enum Covariance {
    /// `E = I`, all `s` the same.
    Isotropic { deviation: f64 },
    /// `E = I`.
    Diagonal { deviations: Vec<f64> },
    /// The columns of `axes` are the eigenvectors.
    Full {
        axes: Mat<f64>,
        deviations: Vec<f64>,
    },
}

impl GaussianInput {
    /// `N(0, I)` on `R^n`.
    #[must_use]
    pub fn standard(inputs: usize) -> Self {
        Self {
            mean: vec![0.0; inputs],
            covariance: Covariance::Isotropic { deviation: 1.0 },
        }
    }

    /// `N(0, s² I)` on `R^n`.
    ///
    /// # Errors
    /// [`ClosedFormError::NotPositiveDefinite`], [`ClosedFormError::NotFinite`].
    pub fn isotropic(inputs: usize, variance: f64) -> Result<Self, ClosedFormError> {
        let deviation = deviations(&[variance])?[0];
        Ok(Self {
            mean: vec![0.0; inputs],
            covariance: Covariance::Isotropic { deviation },
        })
    }

    /// Independent inputs of zero mean with these variances.
    ///
    /// # Errors
    /// [`ClosedFormError::NotPositiveDefinite`], [`ClosedFormError::NotFinite`].
    pub fn diagonal(variances: &[f64]) -> Result<Self, ClosedFormError> {
        Ok(Self {
            mean: vec![0.0; variances.len()],
            covariance: Covariance::Diagonal {
                deviations: deviations(variances)?,
            },
        })
    }

    /// Inputs of zero mean with covariance `C`, `n × n`.
    ///
    /// `C` is diagonalised once, in `O(n³)`; every network is then rotated to its axes, which are independent inputs. A
    /// rotation preserves the Euclidean metric of the parameters, so damping means the same before and after.
    ///
    /// # Errors
    /// [`ClosedFormError::Inputs`] for a matrix that is not square, [`ClosedFormError::NotFinite`],
    /// [`ClosedFormError::NotSymmetric`], [`ClosedFormError::NotPositiveDefinite`] to rounding, [`ClosedFormError::Eigen`].
    pub fn full(covariance: MatRef<'_, f64>) -> Result<Self, ClosedFormError> {
        let inputs = covariance.nrows();
        check_symmetric("covariance", covariance, inputs)?;
        let eigen = covariance
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| ClosedFormError::Eigen { dim: inputs })?;
        let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
        let largest = values.iter().fold(0.0, |m: f64, v| m.max(*v));
        let noise = inputs as f64 * f64::EPSILON * largest;
        if let Some(index) = values.iter().position(|v| *v <= noise) {
            return Err(ClosedFormError::NotPositiveDefinite {
                index,
                value: values[index],
                largest,
            });
        }
        Ok(Self {
            mean: vec![0.0; inputs],
            covariance: Covariance::Full {
                axes: eigen.U().to_owned(),
                deviations: deviations(&values)?,
            },
        })
    }

    /// The same law moved to mean `μ`.
    ///
    /// # Errors
    /// [`ClosedFormError::Inputs`], [`ClosedFormError::NotFinite`].
    pub fn with_mean(self, mean: &[f64]) -> Result<Self, ClosedFormError> {
        check_len("mean", self.inputs(), mean.len())?;
        for (index, value) in mean.iter().enumerate() {
            check_finite("mean", index, *value)?;
        }
        Ok(Self {
            mean: mean.to_vec(),
            ..self
        })
    }

    /// `n`.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.mean.len()
    }

    /// `μ`.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance `C`, `n × n`.
    #[must_use]
    pub fn covariance(&self) -> Mat<f64> {
        let n = self.inputs();
        match &self.covariance {
            Covariance::Full { axes, deviations } => {
                let scaled = Mat::from_fn(n, n, |i, j| axes[(i, j)] * deviations[j]);
                product(scaled.as_ref(), scaled.transpose())
            }
            _ => Mat::from_fn(n, n, |i, j| {
                if i == j {
                    self.deviation(i).powi(2)
                } else {
                    0.0
                }
            }),
        }
    }

    /// Draws inputs, `n × N`: for what has no closed form.
    #[must_use]
    pub fn draw(&self, examples: usize, rng: &mut dyn Rng) -> Mat<f64> {
        let axes = Mat::from_fn(self.inputs(), examples, |i, _| {
            let z: f64 = StandardNormal.sample(rng);
            self.deviation(i) * z
        });
        let mut inputs = self.off_axes(axes);
        for column in inputs.col_iter_mut() {
            for (x, mean) in column.iter_mut().zip(&self.mean) {
                *x += mean;
            }
        }
        inputs
    }

    /// The standard deviation along an axis.
    pub(crate) fn deviation(&self, axis: usize) -> f64 {
        match &self.covariance {
            Covariance::Isotropic { deviation } => *deviation,
            Covariance::Diagonal { deviations } | Covariance::Full { deviations, .. } => {
                deviations[axis]
            }
        }
    }

    /// The common standard deviation, if the law is isotropic about its mean.
    pub(crate) fn common_deviation(&self) -> Option<f64> {
        match self.covariance {
            Covariance::Isotropic { deviation } => Some(deviation),
            _ => None,
        }
    }

    /// `target ← Eᵀ source`: to the axes. Columns are vectors of `R^n`.
    pub(crate) fn to_axes(&self, source: MatRef<'_, f64>) -> Mat<f64> {
        match &self.covariance {
            Covariance::Full { axes, .. } => product(axes.transpose(), source),
            _ => source.to_owned(),
        }
    }

    /// `E source`: back from the axes.
    pub(crate) fn off_axes(&self, source: Mat<f64>) -> Mat<f64> {
        match &self.covariance {
            Covariance::Full { axes, .. } => product(axes.as_ref(), source.as_ref()),
            _ => source,
        }
    }
}

fn deviations(variances: &[f64]) -> Result<Vec<f64>, ClosedFormError> {
    let largest = variances.iter().fold(0.0, |m: f64, v| m.max(*v));
    let deviation = |(index, &value): (usize, &f64)| {
        check_finite("covariance", index, value)?;
        if value > 0.0 && value.is_normal() {
            Ok(value.sqrt())
        } else {
            Err(ClosedFormError::NotPositiveDefinite {
                index,
                value,
                largest,
            })
        }
    };
    variances.iter().enumerate().map(deviation).collect()
}

/// Passes if a matrix is `dim × dim`, finite and symmetric to rounding.
pub(crate) fn check_symmetric(
    what: &'static str,
    matrix: MatRef<'_, f64>,
    dim: usize,
) -> Result<(), ClosedFormError> {
    check_len(what, dim, matrix.nrows())?;
    check_len(what, dim, matrix.ncols())?;
    let scale = 1e-12 * matrix.norm_max();
    for column in 0..dim {
        for row in 0..dim {
            let (value, mirror) = (matrix[(row, column)], matrix[(column, row)]);
            check_finite(what, column * dim + row, value)?;
            if (value - mirror).abs() > scale {
                return Err(ClosedFormError::NotSymmetric {
                    what,
                    row,
                    column,
                    value,
                    mirror,
                });
            }
        }
    }
    Ok(())
}

fn check_len(what: &'static str, expected: usize, got: usize) -> Result<(), ClosedFormError> {
    if expected == got {
        Ok(())
    } else {
        Err(ClosedFormError::Inputs {
            what,
            expected,
            got,
        })
    }
}

pub(crate) fn check_finite(
    what: &'static str,
    index: usize,
    value: f64,
) -> Result<(), ClosedFormError> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(ClosedFormError::NotFinite { what, index, value })
    }
}
