use super::Cause;
use super::elimination::Sparse;
use super::null_space::NullDirection;
use std::collections::BTreeMap;

/// A relation that holds on its own ray; what it leaves in the shared atoms has to cancel against the others.
pub(crate) struct Relation {
    pub(crate) cause: Cause,
    /// The ray it belongs to, by its first unit; `None` for constants, linear units and the output bias.
    pub(crate) ray: Option<usize>,
    pub(crate) entries: Vec<(usize, f64)>,
    /// Coefficients of the shared atoms, by index.
    pub(crate) shared: Vec<(usize, f64)>,
}

/// Adds up entries with the same index, and drops those that cancel to rounding.
pub(crate) fn summed(entries: &[(usize, f64)]) -> Sparse {
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (index, value) in entries {
        let (sum, terms) = sums.entry(*index).or_default();
        *sum += value;
        *terms += value.abs();
    }
    let rounding = 16.0 * (entries.len() + 1) as f64 * f64::EPSILON;
    (sums.into_iter())
        .filter(|(_, (sum, terms))| sum.abs() > rounding * terms)
        .map(|(index, (sum, _))| (index, sum))
        .collect()
}

/// A combination of relations as one direction, whose cause names all units that take part.
pub(crate) fn combine(relations: &[Relation], combination: &Sparse) -> NullDirection {
    let mut entries = Sparse::new();
    let mut members: Vec<&Relation> = Vec::new();
    for (index, weight) in combination {
        let relation = &relations[*index];
        for (p, value) in &relation.entries {
            *entries.entry(*p).or_default() += weight * value;
        }
        if relation.cause != (Cause::Constant { units: Vec::new() }) {
            members.push(relation);
        }
    }
    NullDirection {
        cause: common_cause(&members),
        entries: entries.into_iter().filter(|(_, v)| v.abs() > 0.0).collect(),
    }
}

/// The cause of a combination of relations; the output bias, with which anything constant combines, is not among them.
fn common_cause(members: &[&Relation]) -> Cause {
    let Some((first, rest)) = members.split_first() else {
        return Cause::Constant { units: Vec::new() };
    };
    if rest.iter().all(|r| r.cause == first.cause) {
        return first.cause.clone();
    }
    let mut units: Vec<usize> = Vec::new();
    for relation in members {
        match &relation.cause {
            Cause::Constant { units: own }
            | Cause::Overlap { units: own }
            | Cause::Affine { units: own } => units.extend(own),
            Cause::Elimination { unit } | Cause::Scaling { unit } => units.push(*unit),
            Cause::Gauge { unit } => units.extend(unit),
        }
    }
    units.sort_unstable();
    units.dedup();
    let constant = |r: &&Relation| matches!(r.cause, Cause::Constant { .. });
    if members.iter().all(constant) {
        Cause::Constant { units }
    } else if first.ray.is_some() && rest.iter().all(|r| r.ray == first.ray) {
        Cause::Overlap { units }
    } else {
        Cause::Affine { units }
    }
}
