use super::matching;
use super::ray::{largest, separation};
use super::{CanonicalForm, QuotientError, Shallow, Symmetry, Tolerance, Unit};
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
    let closeness = Closeness::of(
        tolerance,
        first.activation,
        first.units.len().max(second.units.len()),
    );
    if same_form(&forms.0, &forms.1, closeness) {
        return Ok(Equivalence::Equal {
            symmetry: matching::symmetry_between(one, other, (&first, &second), closeness),
        });
    }
    Ok(Equivalence::Different {
        witness: witness(one, other, &forms, closeness)?,
    })
}

/// How close two numbers must be, each at its own scale.
#[derive(Clone, Copy)]
pub(crate) struct Closeness {
    /// Of `max(1, |w|)`.
    relative: f64,
    /// Rounding of rays, of `|w|`: where they were divided by a norm.
    rays: f64,
    /// Rounding of sums, of `Σ|terms|`.
    sums: f64,
}

impl Closeness {
    fn of(tolerance: Tolerance, activation: Activation, units: usize) -> Self {
        let scaled = matches!(activation, Activation::Relu | Activation::Identity);
        Self {
            relative: 4.0 * tolerance.relative(),
            rays: if scaled { 16.0 * f64::EPSILON } else { 0.0 },
            sums: (16 + 2 * units) as f64 * f64::EPSILON,
        }
    }

    pub(crate) fn of_ray(self, size: f64) -> f64 {
        self.relative * size.max(1.0) + self.rays * size
    }

    pub(crate) fn of_sum(self, size: f64) -> f64 {
        self.relative * size.max(1.0) + self.sums * size
    }
}

/// Are all terms, the linear parts and the constants the same, within the tolerance?
fn same_form(one: &CanonicalForm, other: &CanonicalForm, closeness: Closeness) -> bool {
    if one.rank() != other.rank() {
        return false;
    }
    let other = oriented_like(other, one, closeness);
    let near = |a: f64, b: f64, size: f64| (a - b).abs() <= closeness.of_sum(size);
    let constants = (0..one.constant.len()).all(|k| {
        let size = one.sizes.constant[k].max(other.sizes.constant[k]);
        near(one.constant[k], other.constant[k], size)
    });
    let entries = (0..one.linear.nrows()).flat_map(|k| (0..one.inputs).map(move |i| (k, i)));
    let mut linear = entries.map(|at| {
        let size = one.sizes.linear[at].max(other.sizes.linear[at]);
        near(one.linear[at], other.linear[at], size)
    });
    constants && linear.all(|near| near) && unmatched(one, &other, closeness).is_empty()
}

/// The same form with every term turned round that is opposite to its partner: the sign rule is discontinuous near
/// `w₁ = 0`, and both of its answers are right there.
fn oriented_like(
    form: &CanonicalForm,
    model: &CanonicalForm,
    closeness: Closeness,
) -> CanonicalForm {
    let mut turned = form.clone();
    for index in 0..turned.terms.len() {
        let ray = turned.terms[index].ray();
        let allowed = closeness.of_ray(largest(&ray));
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
fn unmatched<'a>(
    one: &'a CanonicalForm,
    other: &CanonicalForm,
    closeness: Closeness,
) -> Vec<&'a Unit> {
    let mut free = vec![true; other.terms.len()];
    let mut left = Vec::new();
    let same = |a: usize, b: usize| {
        let (term, partner) = (&one.terms[a], &other.terms[b]);
        let ray = largest(&term.incoming).max(term.bias.abs());
        let mut rays = (term.incoming.iter().zip(&partner.incoming))
            .chain(std::iter::once((&term.bias, &partner.bias)));
        let sizes = one.sizes.outgoing[a].iter().zip(&other.sizes.outgoing[b]);
        let mut outgoing = term.outgoing.iter().zip(&partner.outgoing).zip(sizes);
        rays.all(|(a, b)| (a - b).abs() <= closeness.of_ray(ray))
            && outgoing.all(|((a, b), (s, t))| (a - b).abs() <= closeness.of_sum(s.max(*t)))
    };
    for place in 0..one.terms.len() {
        let partner = |k: &usize| free[*k] && same(place, *k);
        let found = Some(place)
            .filter(|k| *k < other.terms.len())
            .filter(partner)
            .or_else(|| (0..other.terms.len()).find(partner));
        match found {
            Some(k) => free[k] = false,
            None => left.push(&one.terms[place]),
        }
    }
    left
}

/// The input of largest difference among points on the ridges of the terms that differ, and a spread of others.
fn witness(
    one: (&Mlp, &[f64]),
    other: (&Mlp, &[f64]),
    forms: &(CanonicalForm, CanonicalForm),
    closeness: Closeness,
) -> Result<Witness, QuotientError> {
    let inputs = one.0.inputs();
    let mut points = spread(inputs);
    for (own, others) in [(&forms.0, &forms.1), (&forms.1, &forms.0)] {
        for term in unmatched(own, others, closeness).into_iter().take(64) {
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
