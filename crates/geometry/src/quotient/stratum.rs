use super::Cause;
use std::fmt;

/// A stratum of the critical set: what makes a network reducible.
#[derive(Clone, Debug, PartialEq)]
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
    /// `(w_α, b_α) = ±(w_β, b_β)`, of two or more units; for relu equal up to a positive factor.
    Overlap {
        /// The units, ascending.
        units: Vec<usize>,
        /// +1 or −1 for each: its orientation beside the first.
        signs: Vec<f64>,
    },
    /// `(w_α, b_α) = −s (w_β, b_β)` with `s > 0` for relu, `s = 1` for softplus. Critical only together with others, since
    /// `φ(−u) = φ(u) − u` leaves an affine part: two such pairs, whose affine parts cancel, or three on a plane.
    OppositeRays {
        /// The units of one orientation, ascending.
        units: Vec<usize>,
        /// Those of the other.
        opposite: Vec<usize>,
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
    /// * overlap: `Σ ± v_α`, length `K` (for relu `Σ |w_α| v_α`);
    /// * overlap of logistic units of both orientations: `Σ ± v_α` and `c + Σ_{−} v_α`, length `2K`, since `φ(−u) = 1 − φ(u)`; without
    ///   an output bias the sums of both orientations, as nothing makes up for the 1;
    /// * opposite rays: the sums of both orientations (for relu `Σ |w_α| v_α`), length `2K`: the affine part `u Σ_{−} v_α` pins them both, unless other units
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

impl fmt::Display for Stratum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elimination { unit } => write!(f, "elimination of unit {unit}"),
            Self::Constant { unit } => write!(f, "unit {unit} constant"),
            Self::Overlap { units, .. } => write!(f, "overlap of {}", Cause::listed(units)),
            Self::OppositeRays { units, opposite } => {
                let (one, other) = (Cause::listed(units), Cause::listed(opposite));
                write!(f, "opposite rays of {one} and {other}")
            }
            Self::Scaling { unit } => write!(f, "scaling of unit {unit}"),
        }
    }
}

impl fmt::Display for CriticalSubspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stratum,
            distance,
            divergence,
            null_directions,
            ..
        } = self;
        write!(
            f,
            "{stratum}: {distance:.1e} away, {divergence:.1e} nats, {null_directions} null directions there"
        )
    }
}
