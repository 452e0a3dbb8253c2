use super::canonical::is_odd;
use super::ray::{largest, separation};
use super::{CanonicalForm, LayerSymmetry, QuotientError, Shallow, Symmetry, Tolerance, Unit};
use neuromanifold_mlp::{Activation, Mlp};

/// Whether two parameter points compute the same function, and the evidence.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Equivalence {
    /// They do.
    Equal {
        /// A symmetry that takes the first point to the second. There is none where only a path of reducible parameters
        /// joins them (units that were split, removed or made constant), or the networks have different widths.
        symmetry: Option<Symmetry>,
    },
    /// They do not, and here is an input that shows it.
    Different {
        /// Where the two functions differ most, of the inputs that were tried.
        witness: Witness,
    },
}

/// An input at which two functions differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The input.
    pub input: Vec<f64>,
    /// Outputs of the first network there.
    pub one: Vec<f64>,
    /// Outputs of the second.
    pub other: Vec<f64>,
    /// The largest difference of an output. Zero where the forms differ by less than the rounding of the outputs.
    pub difference: f64,
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
    let signature = |net: &Mlp| (net.inputs(), net.outputs());
    if signature(one.0) != signature(other.0) {
        return Err(QuotientError::Signature {
            one: signature(one.0),
            other: signature(other.0),
        });
    }
    let (first, second) = (Shallow::new(one.0, one.1)?, Shallow::new(other.0, other.1)?);
    let forms = (
        CanonicalForm::of_shallow(&first, tolerance),
        CanonicalForm::of_shallow(&second, tolerance),
    );
    let affine = forms.0.rank() == 0 || forms.1.rank() == 0;
    if first.activation != second.activation && !affine {
        return Err(QuotientError::Activations {
            one: first.activation,
            other: second.activation,
        });
    }
    if same_form(&forms.0, &forms.1) {
        return Ok(Equivalence::Equal {
            symmetry: symmetry_between(&first, &second, tolerance),
        });
    }
    Ok(Equivalence::Different {
        witness: witness(one, other, &forms)?,
    })
}

/// Are all terms, the linear parts and the constants the same, within the tolerance?
fn same_form(one: &CanonicalForm, other: &CanonicalForm) -> bool {
    let scale = one.scale().max(other.scale());
    // each coefficient is a sum over merged units, so a few roundings of the largest weight are always allowed
    let allowed = 4.0 * (one.tolerance.relative() + 4.0 * f64::EPSILON) * scale;
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= allowed);
    if one.rank() != other.rank() {
        return false;
    }
    let other = oriented_like(other, one, allowed);
    unmatched(&one.terms, &other.terms, allowed).is_empty()
        && close(&one.constant, &other.constant)
        && (&one.linear - &other.linear).norm_max() <= allowed * scale
}

/// The same form with every term turned round that is opposite to its partner: the sign rule is discontinuous near
/// `w₁ = 0`, and both of its answers are right there.
fn oriented_like(form: &CanonicalForm, model: &CanonicalForm, allowed: f64) -> CanonicalForm {
    let mut turned = form.clone();
    for index in 0..turned.terms.len() {
        let ray = turned.terms[index].ray();
        let opposite = |term: &Unit| {
            let (distance, sign) = separation(&term.ray(), &ray);
            distance <= allowed && sign < 0.0
        };
        if model.terms.iter().any(opposite) {
            turned.turn(index);
        }
    }
    turned
}

/// Terms of `one` that have no partner in `other` with the same ray and the same coefficients.
///
/// Both lists are sorted by their rays, so partners are looked for by position first and everywhere only then.
fn unmatched<'a>(one: &'a [Unit], other: &[Unit], allowed: f64) -> Vec<&'a Unit> {
    let mut free = vec![true; other.len()];
    let mut left = Vec::new();
    for (place, term) in one.iter().enumerate() {
        let partner = |k: &usize| free[*k] && same_term(term, &other[*k], allowed);
        let found = Some(place)
            .filter(|k| *k < other.len())
            .filter(partner)
            .or_else(|| (0..other.len()).find(partner));
        match found {
            Some(k) => free[k] = false,
            None => left.push(term),
        }
    }
    left
}

fn same_term(a: &Unit, b: &Unit, allowed: f64) -> bool {
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= allowed);
    close(&a.incoming, &b.incoming)
        && (a.bias - b.bias).abs() <= allowed
        && close(&a.outgoing, &b.outgoing)
}

/// A permutation and factors that take every unit of one network to one of the other.
fn symmetry_between(one: &Shallow, other: &Shallow, tolerance: Tolerance) -> Option<Symmetry> {
    if one.units.len() != other.units.len() || one.units.is_empty() {
        return None;
    }
    let scale = one.scale().max(other.scale());
    let allowed = 4.0 * (tolerance.relative() + 4.0 * f64::EPSILON) * scale;
    let mut free = vec![true; one.units.len()];
    let (mut permutation, mut factors) = (Vec::new(), Vec::new());
    for target in &other.units {
        let candidate = |from: usize| {
            let factor = factor_between(&one.units[from], target, one.activation, allowed)?;
            free[from].then_some((from, factor))
        };
        let (from, factor) = (0..one.units.len()).find_map(candidate)?;
        free[from] = false;
        permutation.push(from);
        factors.push(factor);
    }
    Some(Symmetry {
        layers: vec![LayerSymmetry {
            permutation,
            factors,
        }],
    })
}

/// The factor `s` with `s (w, b) = (w', b')` and the outgoing weights to match, if the activation allows one.
fn factor_between(unit: &Unit, target: &Unit, activation: Activation, allowed: f64) -> Option<f64> {
    let (from, to) = (unit.ray(), target.ray());
    // a unit with (w, b) = 0 shows its factor in the outgoing weights only
    let ratio = || {
        let incoming = largest(&to) / largest(&from);
        let outgoing = largest(&unit.outgoing) / largest(&target.outgoing);
        [incoming, outgoing]
            .into_iter()
            .find(|r| r.is_finite() && *r > 0.0)
    };
    let candidates: Vec<f64> = match activation {
        Activation::Tanh | Activation::Erf | Activation::Logistic => vec![1.0, -1.0],
        Activation::Relu => std::iter::once(1.0).chain(ratio()).collect(),
        Activation::Identity => {
            let both = ratio().into_iter().flat_map(|r| [r, -r]);
            std::iter::once(1.0).chain(both).collect()
        }
        Activation::Softplus => vec![1.0],
        _ => vec![1.0],
    };
    candidates.into_iter().find(|factor| {
        let outgoing = if is_odd(activation) {
            *factor
        } else {
            1.0 / factor
        };
        let close = |a: &[f64], b: &[f64], f: f64| {
            a.iter()
                .zip(b)
                .all(|(a, b)| (f * a - b).abs() <= allowed * f.abs().max(1.0))
        };
        close(&from, &to, *factor) && close(&unit.outgoing, &target.outgoing, outgoing)
    })
}

/// The input of largest difference among points on the ridges of the terms that differ, and a spread of others.
fn witness(
    one: (&Mlp, &[f64]),
    other: (&Mlp, &[f64]),
    forms: &(CanonicalForm, CanonicalForm),
) -> Result<Witness, QuotientError> {
    let inputs = one.0.inputs();
    let mut points = spread(inputs);
    for (own, others) in [(&forms.0, &forms.1), (&forms.1, &forms.0)] {
        for term in unmatched(&own.terms, &others.terms, 1e-9)
            .into_iter()
            .take(64)
        {
            let squared: f64 = term.incoming.iter().map(|w| w * w).sum();
            for pre_activation in [-3.0, -1.0, -0.3, 0.3, 1.0, 3.0] {
                // the point nearest the origin with this pre-activation
                let along = (pre_activation - term.bias) / squared;
                points.extend(term.incoming.iter().map(|w| along * w));
            }
        }
    }
    let columns = faer::MatRef::from_column_major_slice(&points, inputs, points.len() / inputs);
    let (first, second) = (
        one.0.predict(one.1, columns)?,
        other.0.predict(other.1, columns)?,
    );
    let gap = |s: usize| {
        let both = first.col(s).iter().zip(second.col(s).iter());
        both.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let best = (0..columns.ncols())
        .max_by(|a, b| gap(*a).total_cmp(&gap(*b)))
        .unwrap_or(0);
    Ok(Witness {
        input: columns.col(best).iter().copied().collect(),
        one: first.col(best).iter().copied().collect(),
        other: second.col(best).iter().copied().collect(),
        difference: gap(best),
    })
}

/// The origin and 128 points in a cube, at two scales; equidistributed along the generalised golden ratio.
fn spread(inputs: usize) -> Vec<f64> {
    let mut root: f64 = 1.5; // of x^{n+1} = x + 1
    for _ in 0..60 {
        root = (1.0 + root).powf(1.0 / (inputs as f64 + 1.0));
    }
    let mut points = vec![0.0; inputs];
    for s in 1..=128u32 {
        let scale = if s % 2 == 0 { 6.0 } else { 1.5 };
        points.extend((1..=inputs).map(|i| {
            let position = (0.5 + f64::from(s) * root.powi(-(i.min(1000) as i32))).fract();
            scale * (2.0 * position - 1.0)
        }));
    }
    points
}
