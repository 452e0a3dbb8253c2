use super::canonical_terms::Sizes;
use super::echelon::factored;
use super::{QuotientError, Shallow, Tolerance, Unit, gauge};
use faer::Mat;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Likelihood;

/// What a network with one hidden layer computes, written in the one way that all equivalent parameters share:
/// `f(x) = c + L x + Σ_j a_j φ(w_j·x + b_j)` with distinct rays `(w_j, b_j)`, none constant, all `a_j ≠ 0`.
///
/// The affine part is where the identities of the activations put what they split off:
///
/// | φ | identity | goes to |
/// |---|---|---|
/// | tanh, erf | `φ(−u) = −φ(u)` | |
/// | logistic | `φ(−u) = 1 − φ(u)` | `c` |
/// | softplus, relu | `φ(−u) = φ(u) − u` | `L` and `c` |
/// | relu | `φ(au) = a φ(u)`, `a > 0` | |
/// | identity | everything | `L` and `c` |
///
/// Two parameters compute the same function exactly if their forms agree: for tanh and logistic units by Sussmann's
/// theorem, in general by the linear independence of `1`, `x_i` and the `φ(w_j·x + b_j)` on distinct rays.
///
/// # References
/// H. Sussmann, *Uniqueness of the weights for minimal feedforward nets with a given input–output map*, Neural Networks 5
/// (1992) 589–593, doi:10.1016/S0893-6080(05)80037-1. M. Farrugia-Roberts, *Functional equivalence and path connectivity
/// of reducible hyperbolic tangent networks*, NeurIPS 2023, arXiv:2305.05089.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CanonicalForm {
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::notation::as_text"))]
    pub(crate) activation: Activation,
    pub(crate) inputs: usize,
    pub(crate) terms: Vec<Unit>,
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::notation::rows"))]
    pub(crate) linear: Mat<f64>,
    pub(crate) constant: Vec<f64>,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) hidden_bias: bool,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) output_bias: bool,
    pub(crate) tolerance: Tolerance,
    /// What the tolerance moved or dropped, at most.
    pub(crate) rounded: f64,
    /// `Σ |terms|` beside each coefficient that is a sum: outgoing weights by term, the linear part and the constants.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) sizes: Sizes,
}

impl CanonicalForm {
    /// The form of a parameter point.
    ///
    /// Constant units (`w = 0`) are added to `c`, not dropped; units on one ray are merged before those whose sum vanishes
    /// are removed. Where merging has moved rays closer together they are merged again, until nothing changes. Cost: `O(m log m)`
    /// comparisons of rays.
    ///
    /// # Errors
    /// As [`Shallow::new`].
    pub fn of(net: &Mlp, theta: &[f64], tolerance: Tolerance) -> Result<Self, QuotientError> {
        Ok(Self::of_shallow(&Shallow::new(net, theta)?, tolerance))
    }

    /// The form of the law `p(y | x; θ)`, the same for all parameters with the same law.
    ///
    /// Where the likelihood sees no common shift of the outputs, they are taken relative to the last one, `z_k − z_K`, whose
    /// coefficients become 0. For other likelihoods the law tells the whole function, and this is [`of`](Self::of).
    ///
    /// # Errors
    /// As [`Shallow::new`]; [`QuotientError::Metric`] for a number of outputs that the likelihood cannot be read off.
    pub fn of_likelihood(
        net: &Mlp,
        theta: &[f64],
        likelihood: &dyn Likelihood,
        tolerance: Tolerance,
    ) -> Result<Self, QuotientError> {
        let shallow = Shallow::new(net, theta)?;
        if gauge::checked(likelihood, shallow.outputs())? {
            Ok(Self::of_law(&shallow, tolerance))
        } else {
            Ok(Self::of_shallow(&shallow, tolerance))
        }
    }

    pub(crate) fn of_shallow(shallow: &Shallow, tolerance: Tolerance) -> Self {
        Self::merge(shallow, Sizes::of(shallow), tolerance)
    }

    /// The form of the differences to the last output, which remembers what they are differences of.
    pub(crate) fn of_law(shallow: &Shallow, tolerance: Tolerance) -> Self {
        Self::merge(
            &gauge::fixed(shallow),
            Sizes::of_differences(shallow),
            tolerance,
        )
    }

    /// The number of terms `a_j φ(w_j·x + b_j)`: the rank of a network with odd units, 0 for an affine function.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.terms.len()
    }

    /// The terms, sorted by their rays.
    #[must_use]
    pub fn terms(&self) -> &[Unit] {
        &self.terms
    }

    /// `L`, `K × n`: zero unless φ is relu, softplus or the identity.
    #[must_use]
    pub fn linear(&self) -> faer::MatRef<'_, f64> {
        self.linear.as_ref()
    }

    /// `c`, length `K`.
    #[must_use]
    pub fn constant(&self) -> &[f64] {
        &self.constant
    }

    /// What the tolerance was used for, at most: the change of an incoming weight or bias times the outgoing weight behind it (at
    /// least 1), or an outgoing weight, linear coefficient or constant that was dropped. In units of the outputs per unit of an
    /// input; 0 if nothing was merged or dropped that was not equal to the last bit, up to the rounding of sums and norms.
    #[must_use]
    pub fn rounded(&self) -> f64 {
        self.rounded
    }

    /// The tolerance behind the form.
    #[must_use]
    pub fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    /// The units of a network that computes the form: one unit a term and, where there is a linear part, one unit (identity) or two
    /// (softplus, relu: `u = φ(u) − φ(−u)`) for each of its dimensions: the rows of its reduced echelon form, or, where these would
    /// lose digits of it, its rows relative to columns chosen by complete pivoting. An output bias is added if `c ≠ 0`.
    #[must_use]
    pub fn shallow(&self) -> Shallow {
        let mut units = self.terms.clone();
        for (outgoing, incoming) in factored(&self.linear, self.tolerance) {
            let scaled = |v: &[f64], sign: f64| {
                v.iter().map(|v| sign * v + 0.0).collect::<Vec<_>>() // −0 into 0
            };
            if self.activation != Activation::Identity {
                units.push(Unit {
                    incoming: scaled(&incoming, -1.0),
                    bias: 0.0,
                    outgoing: scaled(&outgoing, -1.0),
                });
            }
            units.push(Unit {
                incoming: scaled(&incoming, 1.0),
                bias: 0.0,
                outgoing: scaled(&outgoing, 1.0),
            });
        }
        Shallow {
            activation: self.activation,
            inputs: self.inputs,
            hidden_bias: self.hidden_bias,
            output_bias: self.output_bias || self.constant.iter().any(|c| c.abs() > 0.0),
            units,
            constant: self.constant.iter().map(|c| c + 0.0).collect(),
        }
    }

    /// As [`shallow`](Self::shallow), as a network: the same for all equivalent parameters, up to the rounding of sums.
    ///
    /// So that its architecture, too, tells nothing but the function, it has biases only where one of them is not 0.
    ///
    /// # Errors
    /// [`QuotientError::Mlp`].
    pub fn network(&self) -> Result<(Mlp, Vec<f64>), QuotientError> {
        let mut shallow = self.shallow();
        shallow.hidden_bias = shallow.units.iter().any(|unit| unit.bias.abs() > 0.0);
        shallow.output_bias = shallow.constant.iter().any(|c| c.abs() > 0.0);
        shallow.network()
    }
}

/// Odd up to a constant: turning the ray changes the sign of the outgoing weights.
pub(crate) fn is_odd(activation: Activation) -> bool {
    matches!(
        activation,
        Activation::Tanh | Activation::Erf | Activation::Logistic
    )
}
