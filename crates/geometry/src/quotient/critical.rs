use super::cluster::{Cluster, clusters, pair};
use super::displacement::Moved;
use super::stratum::{CriticalSubspace, Stratum};
use super::{Probe, QuotientError, Shallow};
use neuromanifold_mlp::{Activation, Mlp};

/// All strata within a Euclidean distance of θ, nearest in nats first.
///
/// Units that overlap, or nearly, are told as one stratum, not pair by pair: greedily, nearest pairs first, as long as the distance of
/// *all* of them from their common ray stays within the radius. Closeness is not transitive, so two such groups can still be near each
/// other; the nearest pair between them is then a stratum besides. Rays are compared up to sign, which no rule for choosing a sign
/// could tear apart.
///
/// The nearest point is the Euclidean projection: for an overlap all units at their mean ray; for relu, where only the
/// directions have to agree, all rays projected to their principal axis. Distances in nats are measured on the probe from
/// changes of the units involved, without a pass through the network.
///
/// Cost: `O(m² n)` for the distances of all pairs, sorting those within the radius, `O(N (n + K))` for each unit of each stratum
/// found.
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
    let finder = Finder::new(net, theta, &shallow, probe)?;
    let mut found = Vec::new();
    for unit in 0..shallow.units.len() {
        found.extend(finder.elimination(unit, radius)?);
        found.extend(finder.constant(unit, radius)?);
        if shallow.activation == Activation::Relu {
            found.extend(finder.scaling(unit)?);
        }
    }
    for cluster in clusters(&shallow, radius) {
        found.extend(finder.overlap(&cluster, radius)?);
    }
    found.sort_by(|a, b| a.divergence.total_cmp(&b.divergence));
    Ok(found)
}

/// For each hidden unit its strata of each kind, at whatever distance: its elimination, its being constant, and the overlap (or
/// opposite ray) with its nearest other unit.
///
/// What [`degeneracy`](super::degeneracy()) tells unit by unit, for networks whose metric is too large for a numerical rank.
///
/// Cost: `O(m² n)` for the distances of all pairs, `O(N (n + K))` for each stratum.
///
/// # Errors
/// As [`Shallow::new`]; those of the [`Probe`].
pub fn nearest_subspaces(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
) -> Result<Vec<Vec<CriticalSubspace>>, QuotientError> {
    let shallow = Shallow::new(net, theta)?;
    if net.layers().len() == 1 {
        return Ok(Vec::new());
    }
    let finder = Finder::new(net, theta, &shallow, probe)?;
    (0..shallow.units.len())
        .map(|unit| finder.around(unit))
        .collect()
}

pub(crate) struct Finder<'a> {
    pub(crate) net: &'a Mlp,
    pub(crate) shallow: &'a Shallow,
    pub(crate) probe: &'a Probe<'a>,
    pub(crate) outputs: Vec<f64>,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(
        net: &'a Mlp,
        theta: &[f64],
        shallow: &'a Shallow,
        probe: &'a Probe<'a>,
    ) -> Result<Self, QuotientError> {
        Ok(Self {
            net,
            shallow,
            probe,
            outputs: probe.outputs((net, theta))?,
        })
    }

    fn around(&self, unit: usize) -> Result<Vec<CriticalSubspace>, QuotientError> {
        let far = f64::INFINITY;
        let others = (0..self.shallow.units.len()).filter(|other| *other != unit);
        let nearest = others
            .filter_map(|other| pair(self.shallow, unit, other, far))
            .min_by(|a, b| a.distance.total_cmp(&b.distance));
        let mut found: Vec<CriticalSubspace> = Vec::new();
        found.extend(self.elimination(unit, far)?);
        found.extend(self.constant(unit, far)?);
        if let Some(near) = nearest {
            let cluster = Cluster::of_pair(self.shallow, (unit, near.other), near.sign);
            found.extend(self.overlap(&cluster, far)?);
        }
        Ok(found)
    }

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
        cluster: &Cluster,
        radius: f64,
    ) -> Result<Option<CriticalSubspace>, QuotientError> {
        let n = self.shallow.inputs;
        let moved: Vec<Moved> = (cluster.members.iter().zip(&cluster.rays))
            .map(|((unit, _), ray)| Moved {
                unit: *unit,
                incoming: ray[..n].to_vec(),
                bias: ray[n],
                outgoing: self.shallow.units[*unit].outgoing.clone(),
            })
            .collect();
        let signs: Vec<f64> = cluster.members.iter().map(|(_, sign)| *sign).collect();
        let of_sign = |turn: f64| {
            let own = cluster.members.iter().filter(move |(_, s)| s * turn > 0.0);
            own.map(|(unit, _)| *unit).collect::<Vec<usize>>()
        };
        let mixed = signs.iter().any(|s| *s < 0.0);
        let stratum = if mixed && self.shallow.splits_affine_part() {
            Stratum::OppositeRays {
                units: of_sign(1.0),
                opposite: of_sign(-1.0),
            }
        } else {
            Stratum::Overlap {
                units: cluster.members.iter().map(|(unit, _)| *unit).collect(),
                signs: signs.clone(),
            }
        };
        let leaf = self.overlap_leaf(&moved, &signs);
        self.stratum(stratum, &moved, leaf, radius)
    }

    fn overlap_leaf(&self, moved: &[Moved], signs: &[f64]) -> Vec<f64> {
        let length = |m: &Moved| match self.shallow.activation {
            Activation::Relu => m.incoming.iter().map(|w| w * w).sum::<f64>().sqrt(),
            _ => 1.0,
        };
        // Σ v_α, those of each orientation weighted
        let sum = |positive: f64, negative: f64| -> Vec<f64> {
            let mut sum = vec![0.0; self.shallow.outputs()];
            for (m, sign) in moved.iter().zip(signs) {
                let weight = length(m) * if *sign > 0.0 { positive } else { negative };
                for (s, v) in sum.iter_mut().zip(&m.outgoing) {
                    *s += weight * v;
                }
            }
            sum
        };
        let mixed = signs.iter().any(|s| *s < 0.0);
        match self.shallow.activation {
            Activation::Tanh | Activation::Erf => sum(1.0, -1.0),
            _ if !mixed => sum(1.0, 1.0),
            Activation::Logistic if self.shallow.output_bias => {
                let constants = self.shallow.constant.iter().zip(sum(0.0, 1.0));
                let constants: Vec<f64> = constants.map(|(c, v)| c + v).collect();
                [sum(1.0, -1.0), constants].concat()
            }
            _ => [sum(1.0, 0.0), sum(0.0, 1.0)].concat(),
        }
    }
}
