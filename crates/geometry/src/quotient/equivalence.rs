use super::closeness::Closeness;
use super::form_matching::same_form;
use super::matching::Matching;
use super::witness::Different;
use super::{CanonicalForm, QuotientError, Shallow, Symmetry, Tolerance, Witness, gauge};
use neuromanifold_mlp::Mlp;
use neuromanifold_model::Likelihood;

/// Whether two parameter points compute the same function, or say the same law, and the evidence.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Equivalence {
    /// They do.
    Equal {
        /// A symmetry that takes the first point to the second, flips of units that cancel and the gauge included: an element of
        /// the group [within](super::SymmetryGroup::within) the tolerance, which has been applied and hit its target. There is
        /// none where only a path of reducible parameters joins them (units that were split, removed or made constant), or the
        /// networks have different widths; and none is looked for in the `GL(m)` of a linear layer beyond scalings.
        symmetry: Option<Symmetry>,
    },
    /// They do not, and here is an input that shows it.
    Different {
        /// Where the two functions differ most, of the inputs that were tried.
        witness: Witness,
    },
}

impl Equivalence {
    /// Whether the functions are the same.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self, Self::Equal { .. })
    }
}

/// Decides `θ ≈ θ'` for networks with one hidden layer of any width, with any number of outputs and with or without biases.
///
/// The decision is made on canonical forms, not on samples of the function: terms are matched up to orientation, so that a
/// weight near zero cannot tear two equal units apart. A witness is looked for only once the forms are known to differ.
///
/// Cost: `O(m²)` comparisons of units, most of which end at the first weight; for a witness a few hundred evaluations.
///
/// # Errors
/// As [`Shallow::new`]; [`QuotientError::Signature`], [`QuotientError::Activations`] for networks that cannot be compared.
///
/// ```
/// use neuromanifold_geometry::quotient::{equivalent, Tolerance};
/// use neuromanifold_mlp::{Activation, Mlp};
///
/// let net = Mlp::committee(1, 2, Activation::Tanh)?;
/// let (one, other) = ([0.5, 2.0, 1.0, 3.0], [-2.0, 0.5, -3.0, 1.0]);
/// assert!(equivalent((&net, &one), (&net, &other), Tolerance::default())?.holds());
/// assert!(!equivalent((&net, &one), (&net, &[0.5, 2.0, 1.0, 3.1]), Tolerance::default())?.holds());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn equivalent(
    one: (&Mlp, &[f64]),
    other: (&Mlp, &[f64]),
    tolerance: Tolerance,
) -> Result<Equivalence, QuotientError> {
    compare(one, other, None, tolerance)
}

/// Decides `p(y | x; θ) = p(y | x; θ')` for all `x`: as [`equivalent`], up to a common shift of the outputs under a likelihood that
/// sees none of it, and otherwise (Gaussian, Bernoulli) exactly as for functions.
///
/// # Errors
/// As [`equivalent`]; [`QuotientError::Metric`] for a number of outputs that the likelihood cannot be read off.
///
/// ```
/// use neuromanifold_geometry::quotient::{Tolerance, equivalent, equivalent_laws};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::{Categorical, Gaussian};
///
/// let logits = Mlp::new(&[1, 1, 2], Activation::Tanh)?; // w, b, v₁, v₂, c₁, c₂
/// let one = (&logits, &[0.5, 0.1, 1.0, 2.0, 0.0, 0.3][..]);
/// let other = (&logits, &[0.5, 0.1, 4.0, 5.0, 0.7, 1.0][..]); // all weights 3 more, all biases 0.7
/// assert!(equivalent_laws(one, other, &Categorical, Tolerance::default())?.holds());
/// assert!(!equivalent_laws(one, other, &Gaussian::UNIT, Tolerance::default())?.holds());
/// assert!(!equivalent(one, other, Tolerance::default())?.holds());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn equivalent_laws(
    one: (&Mlp, &[f64]),
    other: (&Mlp, &[f64]),
    likelihood: &dyn Likelihood,
    tolerance: Tolerance,
) -> Result<Equivalence, QuotientError> {
    compare(one, other, Some(likelihood), tolerance)
}

fn compare(
    one: (&Mlp, &[f64]),
    other: (&Mlp, &[f64]),
    law: Option<&dyn Likelihood>,
    tolerance: Tolerance,
) -> Result<Equivalence, QuotientError> {
    let signature = |net: &Mlp| (net.inputs(), net.outputs());
    if signature(one.0) != signature(other.0) {
        return Err(QuotientError::Signature {
            one: signature(one.0),
            other: signature(other.0),
        });
    }
    let gauge = match law {
        Some(law) => gauge::checked(law, one.0.outputs())?,
        None => false,
    };
    let (first, second) = (Shallow::new(one.0, one.1)?, Shallow::new(other.0, other.1)?);
    let form = |shallow: &Shallow| {
        if gauge {
            CanonicalForm::of_law(shallow, tolerance)
        } else {
            CanonicalForm::of_shallow(shallow, tolerance)
        }
    };
    let forms = (form(&first), form(&second));
    let affine = forms.0.rank() == 0 || forms.1.rank() == 0;
    if first.activation != second.activation && !affine {
        return Err(QuotientError::Activations {
            one: first.activation,
            other: second.activation,
        });
    }
    let units = first.units.len().max(second.units.len());
    let closeness = Closeness::of(tolerance, first.activation, units);
    if same_form(&forms.0, &forms.1, closeness) {
        let matching = Matching {
            from: &first,
            to: &second,
            gauge,
            closeness,
        };
        return Ok(Equivalence::Equal {
            symmetry: matching.symmetry(one, other, tolerance),
        });
    }
    let different = Different {
        one,
        other,
        forms: (&forms.0, &forms.1),
        law,
    };
    Ok(Equivalence::Different {
        witness: different.witness(closeness)?,
    })
}
