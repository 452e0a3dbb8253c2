use super::components::Components;
use super::{Shallow, Tolerance};
use neuromanifold_mlp::Activation;

/// Units whose pre-activations are the same up to sign (and, for relu, up to a positive factor).
#[derive(Clone, Debug)]
pub(crate) struct Ray {
    /// `(w, b)`, oriented so that the first entry of `w` that counts is positive; of unit `|w|` for relu.
    /// The mean of all members.
    pub(crate) direction: Vec<f64>,
    pub(crate) members: Vec<Member>,
    /// The largest deviation of a member from `direction`: 0 if they agree to the last bit.
    pub(crate) spread: f64,
}

impl Ray {
    /// How large an outgoing weight of 1 makes the output of the ray at inputs of size 1, at least 1: the largest entry of
    /// `(w, b)` for the unbounded activations. An outgoing weight is negligible only times this, since a relu unit far from
    /// the origin has a small `|w|` and so a small outgoing weight, but a large bias.
    pub(crate) fn reach(&self, activation: Activation) -> f64 {
        match activation {
            Activation::Relu | Activation::Softplus => largest(&self.direction).max(1.0),
            _ => 1.0,
        }
    }
}

/// A unit on a ray: its `(w, b)` is `sign · scale · direction`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) unit: usize,
    pub(crate) sign: f64,
    pub(crate) scale: f64,
}

/// All units of a network, sorted by what their pre-activation can be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rays {
    pub(crate) rays: Vec<Ray>,
    /// Units with `w = 0`.
    pub(crate) constants: Vec<usize>,
    /// Units of a linear hidden layer, which are not told apart by rays at all.
    pub(crate) linear: Vec<usize>,
}

impl Rays {
    /// Groups the units: connected components of "equal up to sign, within the tolerance".
    ///
    /// Components do not depend on the order of the units, nor on the orientation of any of them, so near `w₁ = 0`, where
    /// a sign rule is discontinuous, nothing is torn apart. Closeness is not transitive: a component can be wider than the
    /// tolerance, and its `spread` says how wide. Cost: `O(m log m)` comparisons unless many norms coincide.
    pub(crate) fn of(shallow: &Shallow, tolerance: Tolerance) -> Self {
        let mut found = Self::default();
        if shallow.activation == Activation::Identity {
            found.linear = (0..shallow.units.len()).collect();
            return found;
        }
        let mut candidates = Vec::new();
        let relu = shallow.activation == Activation::Relu;
        for (index, unit) in shallow.units.iter().enumerate() {
            let scale = if relu { euclidean(&unit.incoming) } else { 1.0 };
            let direction: Vec<f64> = unit.ray().iter().map(|r| r / scale).collect();
            if is_constant(unit, relu, tolerance) || !direction.iter().all(|d| d.is_finite()) {
                found.constants.push(index);
                continue;
            }
            candidates.push(Candidate {
                unit: index,
                scale,
                norm: euclidean(&direction),
                direction,
            });
        }
        candidates.sort_by(|a, b| a.norm.total_cmp(&b.norm).then(a.unit.cmp(&b.unit)));
        // dividing by a norm rounds, so weights that agreed to the last bit need not any more
        let rounding = if relu { 8.0 * f64::EPSILON } else { 0.0 };
        found.rays = components(&candidates, tolerance.relative() + rounding)
            .into_iter()
            .map(|component| oriented(&candidates, &component, tolerance))
            .collect();
        let noise = 4.0 * tolerance.relative().max(1e-12);
        sort_by_entries(&mut found.rays, |ray| &ray.direction, 0, noise);
        found
    }
}

/// Whether `w` does not matter: for relu beside `b`, since the unit can be scaled; elsewhere as a weight that feeds `v`.
fn is_constant(unit: &super::Unit, relu: bool, tolerance: Tolerance) -> bool {
    let (w, b) = (largest(&unit.incoming), unit.bias.abs());
    if relu {
        w <= tolerance.relative() * b
    } else {
        w * largest(&unit.outgoing).max(1.0) <= tolerance.relative() * b.max(1.0)
    }
}

struct Candidate {
    unit: usize,
    scale: f64,
    norm: f64,
    direction: Vec<f64>,
}

/// Components of the closeness graph; only neighbours in norm can be close.
fn components(candidates: &[Candidate], relative: f64) -> Vec<Vec<usize>> {
    let mut close = Components::new(candidates.len());
    for i in 0..candidates.len() {
        for j in i + 1..candidates.len() {
            let (one, other) = (&candidates[i], &candidates[j]);
            let allowed = relative * largest(&one.direction).max(1.0);
            // norms of close vectors differ by at most √(n+1) times the allowed difference of entries, and rounding
            let window = (one.direction.len() as f64).sqrt() * allowed + 1e-14 * one.norm;
            if other.norm - one.norm > window {
                break;
            }
            if separation(&one.direction, &other.direction).0 <= allowed {
                close.join(i, j);
            }
        }
    }
    close.members()
}

/// The common direction of a component, canonically oriented, and the sign of each member on it.
fn oriented(candidates: &[Candidate], component: &[usize], tolerance: Tolerance) -> Ray {
    let first = &candidates[component[0]].direction;
    let mut signs: Vec<f64> = (component.iter())
        .map(|c| separation(first, &candidates[*c].direction).1)
        .collect();
    let mut direction: Vec<f64> = (0..first.len())
        .map(|entry| {
            let all = component.iter().zip(&signs);
            // exact for equal entries, the mean otherwise
            let drift: f64 = all
                .map(|(c, sign)| sign * candidates[*c].direction[entry] - first[entry])
                .sum();
            first[entry] + drift / component.len() as f64
        })
        .collect();
    // the mean does not depend on the order of the members, so neither does its orientation
    let noise = tolerance.relative() * largest(&direction).max(1.0);
    let weights = &direction[..direction.len() - 1];
    let leading = weights.iter().find(|w| w.abs() > noise);
    if leading.is_some_and(|w| *w < 0.0) {
        signs.iter_mut().for_each(|sign| *sign = -*sign);
        direction.iter_mut().for_each(|d| *d = -*d);
    }
    direction.iter_mut().for_each(|d| *d += 0.0); // −0 into 0
    let aligned = |entry: usize, c: usize, sign: f64| sign * candidates[c].direction[entry];
    let spread = (component.iter().zip(&signs))
        .flat_map(|(c, sign)| (0..first.len()).map(move |entry| (entry, *c, *sign)))
        .map(|(entry, c, sign)| (aligned(entry, c, sign) - direction[entry]).abs())
        .fold(0.0, f64::max);
    let members = (component.iter().zip(&signs))
        .map(|(c, sign)| Member {
            unit: candidates[*c].unit,
            sign: *sign,
            scale: candidates[*c].scale,
        })
        .collect();
    Ray {
        direction,
        members,
        spread,
    }
}

/// `min(|a − b|, |a + b|)` in the largest entry, and the sign for which it is attained.
pub(crate) fn separation(a: &[f64], b: &[f64]) -> (f64, f64) {
    let (mut same, mut opposite) = (0.0f64, 0.0f64);
    for (a, b) in a.iter().zip(b) {
        same = same.max((a - b).abs());
        opposite = opposite.max((a + b).abs());
    }
    if same <= opposite {
        (same, 1.0)
    } else {
        (opposite, -1.0)
    }
}

pub(crate) fn largest(entries: &[f64]) -> f64 {
    entries.iter().fold(0.0, |m: f64, e| m.max(e.abs()))
}

/// Without overflow or underflow of squares.
fn euclidean(entries: &[f64]) -> f64 {
    let size = largest(entries);
    if size > 0.0 {
        let squares: f64 = entries.iter().map(|e| (e / size) * (e / size)).sum();
        (size * squares.sqrt()).min(f64::MAX)
    } else {
        0.0
    }
}

/// Sorts lexicographically, where entries in a run without a gap wider than the noise count as equal: an ulp does not swap
/// neighbours that a later entry tells apart.
pub(crate) fn sort_by_entries<T>(
    items: &mut [T],
    entries: impl Fn(&T) -> &Vec<f64> + Copy,
    from: usize,
    noise: f64,
) {
    if items.len() < 2 || from >= entries(&items[0]).len() {
        return;
    }
    items.sort_by(|a, b| entries(a)[from].total_cmp(&entries(b)[from]));
    let mut start = 0;
    for end in 1..=items.len() {
        let gap = |end: usize| {
            let (below, above) = (entries(&items[end - 1])[from], entries(&items[end])[from]);
            above - below > noise * below.abs().max(1.0)
        };
        if end == items.len() || gap(end) {
            sort_by_entries(&mut items[start..end], entries, from + 1, noise);
            start = end;
        }
    }
}
