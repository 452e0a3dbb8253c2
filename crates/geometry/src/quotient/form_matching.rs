use super::closeness::Closeness;
use super::ray::{largest, separation};
use super::{CanonicalForm, Unit};

/// Are all terms, the linear parts and the constants the same, within the tolerance?
pub(crate) fn same_form(one: &CanonicalForm, other: &CanonicalForm, closeness: Closeness) -> bool {
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
    let rays: Vec<Vec<f64>> = model.terms.iter().map(Unit::ray).collect();
    let mut turned = form.clone();
    for index in 0..turned.terms.len() {
        let ray = turned.terms[index].ray();
        let allowed = closeness.of_ray(largest(&ray));
        let opposite = |other: &Vec<f64>| {
            // most pairs differ in the first entry already
            let mut sums = other.iter().zip(&ray).map(|(a, b)| (a + b).abs());
            sums.all(|sum| sum <= allowed) && separation(other, &ray).1 < 0.0
        };
        if rays.iter().any(opposite) {
            turned.turn(index);
        }
    }
    turned
}

/// Terms of `one` that have no partner in `other` with the same ray and the same coefficients.
///
/// Both lists are sorted by their rays, so partners are looked for by position first and everywhere only then.
pub(crate) fn unmatched<'a>(
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
