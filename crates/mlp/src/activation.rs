use crate::{MlpError, elementary};
use std::fmt;
use std::str::FromStr;

/// The function φ that a layer applies to each preactivation.
///
/// | name | φ(z) | φ'(z) |
/// |---|---|---|
/// | `tanh` | tanh z | 1 − tanh² z |
/// | `erf` | erf(z/√2) | √(2/π) exp(−z²/2) |
/// | `logistic` | 1/(1 + e^{−z}) | φ(z) φ(−z) |
/// | `relu` | max(z, 0) | 1 for z > 0, else 0 |
/// | `softplus` | ln(1 + e^z) | logistic(z) |
/// | `identity` | z | 1 |
///
/// NaN in gives NaN out for each of them, ReLU included. Values and derivatives are accurate to a few units in the last
/// place over the whole range; see [`elementary`](crate::elementary).
///
/// ```
/// use neuromanifold_mlp::Activation;
///
/// let activation: Activation = "relu".parse()?;
/// let (mut value, mut derivative) = ([0.0; 3], [0.0; 3]);
/// activation.value_and_derivative(&[-2.0, 0.0, 3.0], &mut value, &mut derivative);
/// assert_eq!(value, [0.0, 0.0, 3.0]);
/// assert_eq!(derivative, [0.0, 0.0, 1.0]);
/// # Ok::<(), neuromanifold_mlp::MlpError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activation {
    /// The hyperbolic tangent.
    Tanh,
    /// `erf(z/√2)`: the sigmoid for which averages over Gaussian inputs have closed forms.
    Erf,
    /// The logistic function, `(1 + tanh(z/2))/2`.
    Logistic,
    /// The rectifier. At the kink the derivative is taken to be 0.
    Relu,
    /// The smooth rectifier `ln(1 + e^z)`.
    Softplus,
    /// No nonlinearity.
    Identity,
}

impl Activation {
    /// All activations, in the order of the table above.
    pub const ALL: [Self; 6] = [
        Self::Tanh,
        Self::Erf,
        Self::Logistic,
        Self::Relu,
        Self::Softplus,
        Self::Identity,
    ];

    /// The name that [`Display`](fmt::Display) prints and [`FromStr`] reads.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tanh => "tanh",
            Self::Erf => "erf",
            Self::Logistic => "logistic",
            Self::Relu => "relu",
            Self::Softplus => "softplus",
            Self::Identity => "identity",
        }
    }

    /// `outᵢ = φ(zᵢ)`.
    ///
    /// # Panics
    /// If the slices differ in length.
    #[track_caller]
    pub fn value(self, z: &[f64], out: &mut [f64]) {
        match self {
            Self::Tanh => elementary::tanh(z, out),
            Self::Erf => elementary::erf_scaled(z, out),
            Self::Logistic => elementary::logistic(z, out),
            Self::Softplus => elementary::softplus(z, out),
            Self::Identity => out.copy_from_slice(z),
            Self::Relu => {
                assert_eq!(z.len(), out.len(), "slices differ in length");
                for (z, out) in z.iter().zip(out) {
                    *out = rectify(*z);
                }
            }
        }
    }

    /// `valueᵢ = φ(zᵢ)` and `derivativeᵢ = φ'(zᵢ)`; the values have the same bits as those of [`value`](Self::value).
    ///
    /// # Panics
    /// If the slices differ in length.
    #[track_caller]
    pub fn value_and_derivative(self, z: &[f64], value: &mut [f64], derivative: &mut [f64]) {
        match self {
            Self::Tanh => elementary::tanh_with_derivative(z, value, derivative),
            Self::Erf => elementary::erf_scaled_with_derivative(z, value, derivative),
            Self::Logistic => elementary::logistic_with_derivative(z, value, derivative),
            Self::Softplus => elementary::softplus_with_derivative(z, value, derivative),
            Self::Identity => {
                assert_eq!(z.len(), derivative.len(), "slices differ in length");
                value.copy_from_slice(z);
                derivative.fill(1.0);
            }
            Self::Relu => {
                self.value(z, value);
                assert_eq!(z.len(), derivative.len(), "slices differ in length");
                for (z, derivative) in z.iter().zip(derivative) {
                    *derivative = if *z > 0.0 { 1.0 } else { 0.0 };
                }
            }
        }
    }
}

/// `max(z, 0)`, except that NaN stays NaN.
fn rectify(z: f64) -> f64 {
    if z < 0.0 { 0.0 } else { z }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Activation {
    type Err = MlpError;

    fn from_str(name: &str) -> Result<Self, MlpError> {
        Self::ALL
            .into_iter()
            .find(|activation| activation.name() == name)
            .ok_or_else(|| MlpError::UnknownActivation {
                name: name.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(activation: Activation, z: f64) -> (f64, f64) {
        let (mut value, mut derivative) = ([f64::NAN], [f64::NAN]);
        activation.value_and_derivative(&[z], &mut value, &mut derivative);
        (value[0], derivative[0])
    }

    #[test]
    fn names_are_read_back() {
        for activation in Activation::ALL {
            assert_eq!(
                activation.to_string().parse::<Activation>().unwrap(),
                activation
            );
        }
    }

    #[test]
    fn values_at_one() {
        let expected = [
            (Activation::Tanh, 0.761_594_155_955_764_9),
            (Activation::Erf, 0.682_689_492_137_085_9),
            (Activation::Logistic, 0.731_058_578_630_004_9),
            (Activation::Relu, 1.0),
            (Activation::Softplus, 1.313_261_687_518_222_8),
            (Activation::Identity, 1.0),
        ];
        for (activation, expected) in expected {
            let value = evaluate(activation, 1.0).0;
            assert!(
                (value - expected).abs() <= 2.0 * f64::EPSILON,
                "{activation}: {value}"
            );
        }
    }

    /// Fourth-order differences: truncation and rounding leave about 1e-12.
    #[test]
    fn derivatives_are_those_of_the_values() {
        let step = 1e-3;
        for activation in Activation::ALL {
            for z in [-3.1, -0.7, 0.3, 1.9] {
                let at = |offset: f64| evaluate(activation, z + offset * step).0;
                let difference =
                    (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step);
                let derivative = evaluate(activation, z).1;
                assert!(
                    (derivative - difference).abs() < 1e-11,
                    "{activation} at {z}"
                );
            }
        }
    }

    #[test]
    fn values_do_not_depend_on_whether_derivatives_are_wanted() {
        let z: Vec<f64> = (-40..=40).map(|i| f64::from(i) * 0.37).collect();
        let [mut alone, mut value, mut derivative] = [(); 3].map(|()| vec![0.0; z.len()]);
        for activation in Activation::ALL {
            activation.value(&z, &mut alone);
            activation.value_and_derivative(&z, &mut value, &mut derivative);
            assert_eq!(alone, value, "{activation}");
        }
    }

    #[test]
    fn nan_stays_nan() {
        for activation in Activation::ALL {
            assert!(evaluate(activation, f64::NAN).0.is_nan(), "{activation}");
        }
    }
}
