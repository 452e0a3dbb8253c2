use super::projection::{Projected, mean_ray, principal_axis};
use super::{AnalyticNullSpace, Probe, QuotientError, Shallow, Tolerance, Unit};
use neuromanifold_mlp::{Activation, Mlp};

/// A stratum of the critical set: what makes a network reducible.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
    /// A relu unit, which is on this stratum wherever it is: `(a w, a b, v/a)` is the same unit for every `a > 0`.
    Scaling {
        /// The unit.
        unit: usize,
    },
}

/// A stratum that a parameter point lies on or near.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CriticalSubspace {
    /// Which one.
    pub stratum: Stratum,
    /// The leaf through the nearest point of the stratum, as what stays fixed on it:
    ///
    /// * overlap: `v_α ± v_β`, length `K` (for relu `|w_α| v_α + |w_β| v_β` on equal rays);
    /// * opposite logistic units: `v_α − v_β` and `c + v_β`, length `2K`, since `φ(−u) = 1 − φ(u)`; without an output bias `v_α` and
    ///   `v_β`, as nothing makes up for the 1;
    /// * opposite rays of softplus and relu: `v_α` and `v_β`, length `2K`: the affine part `v_β u` pins them both, unless other units
    ///   make up for it (which the [analytic null space](super::AnalyticNullSpace) takes into account, and this does not);
    /// * constant unit: `c + v φ(b)`, length `K`, without an output bias `v φ(b)`;
    /// * elimination: nothing, the leaf is all `(w, b)`;
    /// * scaling: `|w| v`, length `K`.
    pub leaf: Vec<f64>,
    /// How many null directions `G` has at the nearest point because of these units: its nullity for the network that consists of
    /// them and the output bias only.
    pub null_directions: usize,
    /// Euclidean distance to the stratum in parameters.
    pub distance: f64,
    /// The nearest point of the stratum, as changes of θ: index and new value.
    pub nearest: Vec<(usize, f64)>,
    /// `D(θ : nearest)` on the probe, in nats: what moving onto the stratum costs.
    pub divergence: f64,
}

/// All strata within a Euclidean distance of θ, nearest in nats first.
///
/// The nearest point is the Euclidean projection: for an overlap both units at their mean ray; for relu, where only the
/// directions have to agree, both rays projected to the principal axis of the two. Distances in
/// nats are measured on the probe from changes of one or two units, without a pass through the network.
///
/// Cost: `O(m² n)` for the distances of all pairs, `O(N (n + K))` for each stratum found.
///
/// # Errors
/// [`QuotientError::Radius`] for a radius that is negative or NaN; as [`Shallow::new`]; those of the [`Probe`].
pub fn critical_subspaces(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    radius: f64,
) -> Result<Vec<CriticalSubspace>, QuotientError> {
    if radius.is_nan() || radius < 0.0 {
        return Err(QuotientError::Radius { radius });
    }
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
        if shallow.activation == Activation::Relu {
            found.extend(finder.scaling(unit)?);
        }
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

impl Moved {
    fn unit(&self) -> Unit {
        Unit {
            incoming: self.incoming.clone(),
            bias: self.bias,
            outgoing: self.outgoing.clone(),
        }
    }
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
        let leaf = (own.outgoing.iter().zip(&self.shallow.constant))
            .map(|(v, c)| c + v * value) // c = 0 without an output bias
            .collect();
        self.stratum(Stratum::Constant { unit }, &[moved], leaf, radius)
    }

    /// A relu unit as it is.
    fn scaling(&self, unit: usize) -> Result<Option<CriticalSubspace>, QuotientError> {
        let own = &self.shallow.units[unit];
        let length = own.incoming.iter().map(|w| w * w).sum::<f64>().sqrt();
        if length <= 0.0 {
            return Ok(None); // a constant
        }
        let moved = Moved {
            unit,
            incoming: own.incoming.clone(),
            bias: own.bias,
            outgoing: own.outgoing.clone(),
        };
        let leaf = own.outgoing.iter().map(|v| length * v).collect();
        self.stratum(Stratum::Scaling { unit }, &[moved], leaf, 0.0)
    }

    fn overlap(
        &self,
        first: usize,
        second: usize,
        radius: f64,
    ) -> Result<Option<CriticalSubspace>, QuotientError> {
        let units = (&self.shallow.units[first], &self.shallow.units[second]);
        let projected = match self.shallow.activation {
            Activation::Identity => None,
            Activation::Relu => principal_axis(units, radius),
            _ => mean_ray(units, radius),
        };
        let Some(Projected { rays, sign }) = projected else {
            return Ok(None);
        };
        let n = self.shallow.inputs;
        let moved = |unit: usize, ray: &[f64]| Moved {
            unit,
            incoming: ray[..n].to_vec(),
            bias: ray[n],
            outgoing: self.shallow.units[unit].outgoing.clone(),
        };
        let both = [moved(first, &rays.0), moved(second, &rays.1)];
        let leaf = self.overlap_leaf(&both, sign);
        let units = (first, second);
        self.stratum(Stratum::Overlap { units, sign }, &both, leaf, radius)
    }

    fn overlap_leaf(&self, both: &[Moved; 2], sign: f64) -> Vec<f64> {
        let [one, other] = both;
        let pinned = || [&one.outgoing[..], &other.outgoing[..]].concat();
        let length = |m: &Moved| match self.shallow.activation {
            Activation::Relu => m.incoming.iter().map(|w| w * w).sum::<f64>().sqrt(),
            _ => 1.0,
        };
        let sums = |turn: f64| -> Vec<f64> {
            let pairs = one.outgoing.iter().zip(&other.outgoing);
            pairs
                .map(|(a, b)| length(one) * a + turn * length(other) * b)
                .collect()
        };
        match self.shallow.activation {
            Activation::Tanh | Activation::Erf => sums(sign),
            _ if sign > 0.0 => sums(1.0),
            Activation::Logistic if self.shallow.output_bias => {
                let constants = self.shallow.constant.iter().zip(&other.outgoing);
                let mut leaf = sums(-1.0);
                leaf.extend(constants.map(|(c, v)| c + v));
                leaf
            }
            _ => pinned(),
        }
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
        let alone = Shallow {
            activation: self.shallow.activation,
            inputs: self.shallow.inputs,
            hidden_bias: self.shallow.hidden_bias,
            output_bias: self.shallow.output_bias,
            units: moved.iter().map(Moved::unit).collect(),
            constant: self.shallow.constant.clone(),
        };
        let (net, theta) = alone.network()?;
        let null = AnalyticNullSpace::of(&net, &theta, Tolerance::default())?;
        Ok(Some(CriticalSubspace {
            null_directions: null.nullity(),
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
