use super::Shallow;
use super::projection::{Projected, onto_axis, onto_mean};
use super::ray::separation;
use neuromanifold_mlp::Activation;
use std::collections::BTreeSet;

/// Units near one ray, in either orientation, and where the ray is.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    /// Units, ascending, each with its orientation beside the first.
    pub(crate) members: Vec<(usize, f64)>,
    /// `(w, b)` of each moved to the common ray.
    pub(crate) rays: Vec<Vec<f64>>,
    distance: f64,
}

/// Another unit near one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) other: usize,
    pub(crate) sign: f64,
    pub(crate) distance: f64,
}

/// How far two units are from overlapping, and in which orientation. `None` if further than the radius, or if they cannot.
pub(crate) fn pair(shallow: &Shallow, one: usize, other: usize, radius: f64) -> Option<Pair> {
    let (a, b) = (&shallow.units[one], &shallow.units[other]);
    if shallow.activation == Activation::Relu {
        let Projected { sign, distance, .. } = super::projection::principal_axis((a, b), radius)?;
        return (distance <= radius).then_some(Pair {
            other,
            sign,
            distance,
        });
    }
    let (a, b) = (a.ray(), b.ray());
    let (gap, sign) = separation(&a, &b);
    // the largest entry bounds the Euclidean distance from below
    if gap / std::f64::consts::SQRT_2 > radius {
        return None;
    }
    let squared: f64 = a
        .iter()
        .zip(&b)
        .map(|(a, b)| (a - sign * b) * (a - sign * b))
        .sum();
    let distance = (0.5 * squared).sqrt();
    (distance <= radius).then_some(Pair {
        other,
        sign,
        distance,
    })
}

/// Groups of units within a distance of overlapping, and the nearest pairs between groups.
pub(crate) fn clusters(shallow: &Shallow, radius: f64) -> Vec<Cluster> {
    let units = shallow.units.len();
    let mut edges: Vec<(usize, Pair)> = Vec::new();
    if shallow.activation != Activation::Identity {
        for one in 0..units {
            let others = (one + 1..units).filter_map(|other| pair(shallow, one, other, radius));
            edges.extend(others.map(|pair| (one, pair)));
        }
    }
    edges.sort_by(|(a, p), (b, q)| {
        let by_distance = p.distance.total_cmp(&q.distance);
        by_distance.then((a, p.other).cmp(&(b, q.other)))
    });
    let mut place: Vec<usize> = (0..units).collect();
    let mut groups: Vec<Option<Cluster>> = (0..units)
        .map(|u| Some(Cluster::single(shallow, u)))
        .collect();
    let mut apart: Vec<(usize, Pair)> = Vec::new();
    for (one, near) in edges {
        let (a, b) = (place[one], place[near.other]);
        if a == b {
            continue;
        }
        let turned = near.sign < 0.0 && shallow.splits_affine_part();
        let joined = match (&groups[a], &groups[b]) {
            (Some(first), Some(second)) if !turned => {
                let turn = near.sign * first.sign_of(one) * second.sign_of(near.other);
                Some(first.joined(second, turn, shallow))
            }
            _ => None,
        };
        match joined.filter(|cluster| cluster.distance <= radius) {
            Some(cluster) => {
                cluster.members.iter().for_each(|(u, _)| place[*u] = a);
                (groups[a], groups[b]) = (Some(cluster), None);
            }
            None => apart.push((one, near)),
        }
    }
    let mut found: Vec<Cluster> = Vec::new();
    let mut seen = BTreeSet::new();
    for (one, near) in apart {
        let (a, b) = (place[one], place[near.other]);
        if a == b || !seen.insert((a.min(b), a.max(b))) {
            continue;
        }
        // opposite rays were not joined: all of both groups, if that is near enough
        let all = match (&groups[a], &groups[b]) {
            (Some(first), Some(second)) => {
                let turn = near.sign * first.sign_of(one) * second.sign_of(near.other);
                Some(first.joined(second, turn, shallow)).filter(|c| c.distance <= radius)
            }
            _ => None,
        };
        found.push(all.unwrap_or_else(|| Cluster::of_pair(shallow, (one, near.other), near.sign)));
    }
    let groups = groups
        .into_iter()
        .flatten()
        .filter(|group| group.members.len() > 1);
    found.extend(groups);
    found
}

impl Cluster {
    fn single(shallow: &Shallow, unit: usize) -> Self {
        Self {
            members: vec![(unit, 1.0)],
            rays: vec![shallow.units[unit].ray()],
            distance: 0.0,
        }
    }

    pub(crate) fn of_pair(shallow: &Shallow, units: (usize, usize), sign: f64) -> Self {
        Self::single(shallow, units.0).joined(&Self::single(shallow, units.1), sign, shallow)
    }

    fn sign_of(&self, unit: usize) -> f64 {
        let member = self.members.iter().find(|(u, _)| *u == unit);
        member.map_or(1.0, |(_, sign)| *sign)
    }

    /// Both together, the second turned around by −1, projected to the nearest common ray.
    fn joined(&self, other: &Self, turn: f64, shallow: &Shallow) -> Self {
        let turned = other
            .members
            .iter()
            .map(|(unit, sign)| (*unit, turn * sign));
        let mut members: Vec<(usize, f64)> = self.members.iter().copied().chain(turned).collect();
        members.sort_unstable_by_key(|(unit, _)| *unit);
        let first = members[0].1;
        members.iter_mut().for_each(|(_, sign)| *sign *= first);
        let rays: Vec<Vec<f64>> = members
            .iter()
            .map(|(unit, _)| shallow.units[*unit].ray())
            .collect();
        let signs: Vec<f64> = members.iter().map(|(_, sign)| *sign).collect();
        let rays_there = if shallow.activation == Activation::Relu {
            onto_axis(&rays, &signs)
        } else {
            onto_mean(&rays, &signs)
        };
        let squared: f64 = (rays.iter().flatten().zip(rays_there.iter().flatten()))
            .map(|(a, b)| (a - b) * (a - b))
            .sum();
        Self {
            members,
            distance: squared.sqrt(),
            rays: rays_there,
        }
    }
}

impl Shallow {
    /// Whether opposite rays leave an affine part behind, `φ(−u) = φ(u) − u`, so that orientations are told apart.
    pub(crate) fn splits_affine_part(&self) -> bool {
        matches!(self.activation, Activation::Relu | Activation::Softplus)
    }
}
