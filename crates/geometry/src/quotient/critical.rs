use super::ray::separation;
use super::{Probe, QuotientError, Shallow};
use neuromanifold_mlp::{Activation, Mlp};

/// A stratum of the critical set: what makes a network reducible.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Stratum {
    /// `v_α = 0`.
    Elimination {
        /// The unit.
        unit: usize,
    },
    /// `w_α = 0`.
    Constant {
        /// The unit.
        unit: usize,
    },
    /// `(w_α, b_α) = ±(w_β, b_β)`; for relu, equal up to a positive factor and the sign.
    Overlap {
        /// The two units, the smaller index first.
        units: (usize, usize),
        /// +1 or −1. Opposite rays of relu and softplus are critical only together with others, since
        /// `φ(−u) = φ(u) − u` leaves an affine part.
        sign: f64,
    },
}

/// A stratum that a parameter point lies on or near.
#[derive(Clone, Debug)]
pub struct CriticalSubspace {
    /// Which one.
    pub stratum: Stratum,
    /// The leaf through the nearest point of the stratum, as what stays fixed on it: for an overlap `v_α ± v_β`, for a
    /// constant unit `v φ(b)`, both of length `K`; for an elimination nothing (the leaf is all `(w, b)`).
    pub leaf: Vec<f64>,
    /// Euclidean distance to the stratum in parameters.
    pub distance: f64,
    /// The nearest point of the stratum, as changes of θ: index and new value.
    pub nearest: Vec<(usize, f64)>,
    /// `D(θ : nearest)` on the probe, in nats: what moving onto the stratum costs.
    pub divergence: f64,
}

/// All strata within a Euclidean distance of θ, nearest in nats first.
///
/// The nearest point of an overlap has both units at their mean ray, which is where the Euclidean projection is. Distances in
/// nats are measured on the probe from changes of one or two units, without a pass through the network.
///
/// Cost: `O(m² n)` for the distances of all pairs, `O(N (n + K))` for each stratum found.
///
/// # Errors
/// As [`Shallow::new`]; those of the [`Probe`].
pub fn critical_subspaces(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    radius: f64,
) -> Result<Vec<CriticalSubspace>, QuotientError> {
    let shallow = Shallow::new(net, theta)?;
    if net.layers().len() == 1 {
        return Ok(Vec::new());
    }
    let finder = Finder {
        net,
        shallow: &shallow,
        probe,
        outputs: probe.outputs((net, theta))?,
    };
    let mut found = Vec::new();
    for unit in 0..shallow.units.len() {
        found.extend(finder.elimination(unit, radius)?);
        found.extend(finder.constant(unit, radius)?);
    }
    for first in 0..shallow.units.len() {
        for second in first + 1..shallow.units.len() {
            found.extend(finder.overlap(first, second, radius)?);
        }
    }
    found.sort_by(|a, b| a.divergence.total_cmp(&b.divergence));
    Ok(found)
}

struct Finder<'a> {
    net: &'a Mlp,
    shallow: &'a Shallow,
    probe: &'a Probe<'a>,
    outputs: Vec<f64>,
}

/// A unit with other weights.
struct Moved {
    unit: usize,
    incoming: Vec<f64>,
    bias: f64,
    outgoing: Vec<f64>,
}

impl Finder<'_> {
    fn elimination(
        &self,
        unit: usize,
        radius: f64,
    ) -> Result<Option<CriticalSubspace>, QuotientError> {
        let own = &self.shallow.units[unit];
        let moved = Moved {
            unit,
            incoming: own.incoming.clone(),
            bias: own.bias,
            outgoing: vec![0.0; own.outgoing.len()],
        };
        self.stratum(Stratum::Elimination { unit }, &[moved], Vec::new(), radius)
    }

    fn constant(
        &self,
        unit: usize,
        radius: f64,
    ) -> Result<Option<CriticalSubspace>, QuotientError> {
        if self.shallow.activation == Activation::Identity {
            return Ok(None);
        }
        let own = &self.shallow.units[unit];
        let moved = Moved {
            unit,
            incoming: vec![0.0; own.incoming.len()],
            bias: own.bias,
            outgoing: own.outgoing.clone(),
        };
        let value = self.shallow.value(own.bias);
        let leaf = own.outgoing.iter().map(|v| v * value).collect();
        self.stratum(Stratum::Constant { unit }, &[moved], leaf, radius)
    }

    fn overlap(
        &self,
        first: usize,
        second: usize,
        radius: f64,
    ) -> Result<Option<CriticalSubspace>, QuotientError> {
        let (one, other) = (&self.shallow.units[first], &self.shallow.units[second]);
        if self.shallow.activation == Activation::Identity {
            return Ok(None);
        }
        let (mut a, mut b) = (one.ray(), other.ray());
        let (mut sizes, relu) = ((1.0, 1.0), self.shallow.activation == Activation::Relu);
        if relu {
            let norm = |w: &[f64]| w.iter().map(|w| w * w).sum::<f64>().sqrt();
            sizes = (norm(&one.incoming), norm(&other.incoming));
            if sizes.0 * sizes.1 <= 0.0 {
                return Ok(None);
            }
            a.iter_mut().for_each(|a| *a /= sizes.0);
            b.iter_mut().for_each(|b| *b /= sizes.1);
        }
        let (gap, sign) = separation(&a, &b);
        // cheap exclusion before anything is allocated: the largest entry bounds the Euclidean distance from below
        if gap * sizes.0.min(sizes.1) / std::f64::consts::SQRT_2 > radius {
            return Ok(None);
        }
        // The projection onto a a' = ±b b' with |·|-weights: the mean ray (for relu on the unit sphere, rescaled).
        let mean: Vec<f64> = a
            .iter()
            .zip(&b)
            .map(|(a, b)| 0.5 * (a + sign * b))
            .collect();
        let n = one.incoming.len();
        let moved = |unit: usize, factor: f64, outgoing: &[f64]| Moved {
            unit,
            incoming: mean[..n].iter().map(|m| factor * m).collect(),
            bias: factor * mean[n],
            outgoing: outgoing.to_vec(),
        };
        let both = [
            moved(first, sizes.0, &one.outgoing),
            moved(second, sign * sizes.1, &other.outgoing),
        ];
        let odd = super::canonical::is_odd(self.shallow.activation);
        let turn = if odd { sign } else { 1.0 };
        let leaf = (one.outgoing.iter().zip(&other.outgoing))
            .map(|(v, v_other)| sizes.0 * v + turn * sizes.1 * v_other)
            .collect();
        let units = (first, second);
        self.stratum(Stratum::Overlap { units, sign }, &both, leaf, radius)
    }

    fn stratum(
        &self,
        stratum: Stratum,
        moved: &[Moved],
        leaf: Vec<f64>,
        radius: f64,
    ) -> Result<Option<CriticalSubspace>, QuotientError> {
        let mut squared = 0.0;
        for m in moved {
            let own = &self.shallow.units[m.unit];
            let pairs = own.incoming.iter().zip(&m.incoming);
            let pairs = pairs.chain(own.outgoing.iter().zip(&m.outgoing));
            squared += pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            squared += (own.bias - m.bias) * (own.bias - m.bias);
        }
        let distance = squared.sqrt();
        if distance > radius {
            return Ok(None);
        }
        let divergence = self.divergence(moved)?;
        Ok(Some(CriticalSubspace {
            stratum,
            leaf,
            distance,
            nearest: moved.iter().flat_map(|m| self.changes(m)).collect(),
            divergence,
        }))
    }

    /// `D` between the network and the one with some units moved: only their contributions change.
    fn divergence(&self, moved: &[Moved]) -> Result<f64, QuotientError> {
        let outputs = self.shallow.outputs();
        let mut changed = self.outputs.clone();
        for m in moved {
            let own = &self.shallow.units[m.unit];
            let before = self.signal(&own.incoming, own.bias);
            let after = self.signal(&m.incoming, m.bias);
            for (z, (before, after)) in changed
                .chunks_exact_mut(outputs)
                .zip(before.iter().zip(&after))
            {
                for (z, (old, new)) in z.iter_mut().zip(own.outgoing.iter().zip(&m.outgoing)) {
                    *z += new * after - old * before;
                }
            }
        }
        Ok(self
            .probe
            .compare(&self.outputs, &changed, outputs)?
            .divergence)
    }

    /// `φ(w·x_s + b)` for all examples.
    fn signal(&self, incoming: &[f64], bias: f64) -> Vec<f64> {
        let pre: Vec<f64> = (self.probe.inputs.col_iter())
            .map(|x| bias + x.iter().zip(incoming).map(|(x, w)| x * w).sum::<f64>())
            .collect();
        let mut value = vec![0.0; pre.len()];
        self.shallow.activation.value(&pre, &mut value);
        value
    }

    /// The entries of θ that differ at the moved unit.
    fn changes(&self, m: &Moved) -> Vec<(usize, f64)> {
        let (hidden, output) = (&self.net.layers()[0], &self.net.layers()[1]);
        let own = &self.shallow.units[m.unit];
        let incoming = hidden
            .incoming(m.unit)
            .zip(own.incoming.iter().zip(&m.incoming));
        let bias = hidden
            .bias()
            .map(|b| (b.start + m.unit, (&own.bias, &m.bias)));
        let outgoing = (0..own.outgoing.len())
            .map(|k| output.incoming(k).start + m.unit)
            .zip(own.outgoing.iter().zip(&m.outgoing));
        (incoming.chain(bias).chain(outgoing))
            .filter(|(_, (old, new))| old.to_bits() != new.to_bits())
            .map(|(p, (_, new))| (p, *new))
            .collect()
    }
}
