use super::gaussian_input::check_finite;
use super::mixture::Mixture;
use super::trapezoid::{trapezoid, trapezoid_unit};
use super::{ClosedFormError, PairLaw, PairMoments, UnitMoments, error_function, rectifier};
use neuromanifold_mlp::Activation;

/// How averages over Gaussian pre-activations are taken for one activation.
///
/// | activation | [`closed_form`](Self::closed_form) | relative error |
/// |---|---|---|
/// | erf | elementary functions and one bivariate normal probability | 1e-14 |
/// | tanh, logistic | mixture of eight erfs | 2e-7 for φ and φ', 1e-5 with φ'' or φ''' (*); exact for the mixture |
/// | relu | arc-cosine kernels | 1e-14; 1e-16/ϑ for units at an angle ϑ |
/// | identity | polynomials | 1e-16 |
/// | softplus | none: [`quadrature`](Self::quadrature) | |
///
/// (*) Of `√(E[φ⁽ⁱ⁾²] E[φ⁽ʲ⁾²])`. The mixture is worst for weights so small that all inputs see one point of it; for `|w| ≈ 1` it has
/// ten digits or more.
///
/// ```
/// use neuromanifold_geometry::closed_form::{Averages, PairLaw};
/// use neuromanifold_mlp::Activation;
///
/// let law = PairLaw::new([0.3, -0.4], [1.0, 0.8], 0.5)?;
/// let mixture = Averages::closed_form(Activation::Tanh)?.pair(&law)?;
/// let quadrature = Averages::quadrature(Activation::Tanh, 1e-12)?.pair(&law)?;
/// assert!((mixture.e11 / quadrature.e11 - 1.0).abs() < 1e-7);
/// # Ok::<(), neuromanifold_geometry::closed_form::ClosedFormError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averages {
    activation: Activation,
    method: Method,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    ClosedForm,
    Trapezoid { tolerance: f64 },
}

impl Averages {
    /// The closed form of the table above.
    ///
    /// # Errors
    /// [`ClosedFormError::NoClosedForm`].
    pub fn closed_form(activation: Activation) -> Result<Self, ClosedFormError> {
        match activation {
            Activation::Erf
            | Activation::Tanh
            | Activation::Logistic
            | Activation::Relu
            | Activation::Identity => Ok(Self {
                activation,
                method: Method::ClosedForm,
            }),
            _ => Err(ClosedFormError::NoClosedForm {
                activation,
                remedy: "Averages::quadrature",
            }),
        }
    }

    /// The [trapezoid rule](fn@super::trapezoid) to a relative `tolerance`, between 1e-14 and 1.
    ///
    /// # Errors
    /// [`ClosedFormError::NotSmooth`] for a rectifier, [`ClosedFormError::Tolerance`].
    pub fn quadrature(activation: Activation, tolerance: f64) -> Result<Self, ClosedFormError> {
        if !(1e-14..1.0).contains(&tolerance) {
            return Err(ClosedFormError::Tolerance { tolerance });
        }
        if activation == Activation::Relu {
            return Err(ClosedFormError::NotSmooth {
                activation,
                remedy: "Averages::closed_form",
            });
        }
        Ok(Self {
            activation,
            method: Method::Trapezoid { tolerance },
        })
    }

    /// The activation φ.
    #[must_use]
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// `E[φ]`, `E[φ']`, `E[φ'']` for `u ~ N(mean, variance)`.
    ///
    /// # Errors
    /// [`ClosedFormError::NotFinite`], [`ClosedFormError::NotPositiveDefinite`] for a mean or variance that is none;
    /// [`ClosedFormError::Quadrature`], but not from a closed form.
    pub fn unit(&self, mean: f64, variance: f64) -> Result<UnitMoments, ClosedFormError> {
        PairLaw::check_unit(mean, variance)?;
        if let Method::Trapezoid { tolerance } = self.method {
            let jet = |u: &[f64], jets: &mut [[f64; 4]]| smooth_jet(self.activation, u, jets);
            return Ok(trapezoid_unit(&jet, mean, variance, tolerance)?.value);
        }
        Ok(match self.activation {
            Activation::Tanh => Mixture::TANH.unit(mean, variance),
            Activation::Logistic => Mixture::LOGISTIC.unit(mean, variance),
            Activation::Relu => rectifier::unit(mean, variance),
            Activation::Identity => UnitMoments {
                e0: mean,
                e1: 1.0,
                e2: 0.0,
            },
            // `closed_form` admits no others
            _ => error_function::unit(mean, variance),
        })
    }

    /// The averages of a pair.
    ///
    /// # Errors
    /// [`ClosedFormError::Quadrature`], but not from a closed form; [`ClosedFormError::NotFinite`] for a law so extreme that averages
    /// leave the range of numbers.
    pub fn pair(&self, law: &PairLaw) -> Result<PairMoments, ClosedFormError> {
        if let Method::Trapezoid { tolerance } = self.method {
            let jet = |u: &[f64], jets: &mut [[f64; 4]]| smooth_jet(self.activation, u, jets);
            return Ok(trapezoid(&jet, law, tolerance)?.value);
        }
        let moments = match self.activation {
            Activation::Tanh => Mixture::TANH.pair(law),
            Activation::Logistic => Mixture::LOGISTIC.pair(law),
            Activation::Relu => rectifier::pair(law),
            Activation::Identity => PairMoments {
                e00: law.means[0] * law.means[1] + law.covariance,
                e01: law.means[0],
                e10: law.means[1],
                e11: 1.0,
                ..PairMoments::default()
            },
            _ => error_function::pair(law),
        };
        for (index, value) in moments.to_array().into_iter().enumerate() {
            check_finite("averages of a pair of units", index, value)?;
        }
        Ok(moments)
    }
}

/// φ and three derivatives of a smooth activation; the higher ones are polynomials in the lower.
fn smooth_jet(activation: Activation, u: &[f64], jets: &mut [[f64; 4]]) {
    let (mut value, mut slope) = (vec![0.0; u.len()], vec![0.0; u.len()]);
    activation.value_and_derivative(u, &mut value, &mut slope);
    for (((jet, u), f), d) in jets.iter_mut().zip(u).zip(value).zip(slope) {
        let (second, third) = match activation {
            Activation::Tanh => (-2.0 * f * d, d * (6.0 * f * f - 2.0)),
            Activation::Erf => (-u * d, (u * u - 1.0) * d),
            Activation::Logistic => (d * (1.0 - 2.0 * f), d * (1.0 - 6.0 * d)),
            Activation::Softplus => {
                let bump = d * (1.0 - d);
                (bump, bump * (1.0 - 2.0 * d))
            }
            // the identity; rectifiers are refused at the door
            _ => (0.0, 0.0),
        };
        *jet = [f, d, second, third];
    }
}
