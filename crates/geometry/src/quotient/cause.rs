/// Why a direction of parameter space changes no prediction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Cause {
    /// `v_α = 0`: the unit contributes nothing, so its incoming weights are free.
    Elimination {
        /// The unit.
        unit: usize,
    },
    /// `w_α = 0`: the unit is a constant, which other constants (biases, constant units) can make up for.
    Constant {
        /// All units involved.
        units: Vec<usize>,
    },
    /// `(w_α, b_α) = ±(w_β, b_β)`: only the sum or difference of what the units contribute matters.
    Overlap {
        /// All units on the ray.
        units: Vec<usize>,
    },
    /// A relu unit: `(a w, a b, v/a)` computes the same for every `a > 0`.
    Scaling {
        /// The unit.
        unit: usize,
    },
    /// Units whose affine parts depend on each other: opposite rays of relu or softplus (`φ(u) − φ(−u) = u`), linear
    /// units.
    Affine {
        /// All units involved.
        units: Vec<usize>,
    },
    /// Softmax does not see a shift of all logits, `p(y | z + t·1) = p(y | z)`, so what a unit feeds to all outputs alike is
    /// free.
    Gauge {
        /// The unit; `None` for the output bias.
        unit: Option<usize>,
    },
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Elimination { unit } => write!(f, "unit {unit} has no outgoing weight"),
            Self::Constant { units } if units.len() == 1 => {
                write!(f, "unit {} is constant", units[0])
            }
            Self::Constant { units } => write!(f, "{} are constant", Self::listed(units)),
            Self::Overlap { units } => write!(f, "{} overlap", Self::listed(units)),
            Self::Scaling { unit } => write!(f, "unit {unit} can be rescaled"),
            Self::Affine { units } => {
                write!(f, "{} have dependent affine parts", Self::listed(units))
            }
            Self::Gauge { unit: Some(unit) } => write!(f, "unit {unit} shifts all logits"),
            Self::Gauge { unit: None } => write!(f, "the output bias shifts all logits"),
        }
    }
}

impl Cause {
    /// All units involved, none for the gauge of the output bias.
    #[must_use]
    pub fn units(&self) -> &[usize] {
        match self {
            Self::Elimination { unit }
            | Self::Scaling { unit }
            | Self::Gauge { unit: Some(unit) } => std::slice::from_ref(unit),
            Self::Constant { units } | Self::Overlap { units } | Self::Affine { units } => units,
            Self::Gauge { unit: None } => &[],
        }
    }

    /// `units 0, 1, 2`, or the first eight and how many more.
    pub(crate) fn listed(units: &[usize]) -> String {
        let names: Vec<String> = units.iter().take(8).map(usize::to_string).collect();
        match units.len().checked_sub(8) {
            None if units.len() == 1 => format!("unit {}", names[0]),
            Some(more @ 1..) => format!("units {} and {more} more", names.join(", ")),
            _ => format!("units {}", names.join(", ")),
        }
    }
}

/// Words for a list of causes, for an error message.
pub(crate) fn in_words(causes: &[(Cause, usize)]) -> String {
    let mut words: Vec<String> = causes
        .iter()
        .take(6)
        .map(|(cause, directions)| format!("{cause} ({directions})"))
        .collect();
    if causes.len() > 6 {
        words.push(format!("and {} more causes", causes.len() - 6));
    }
    words.join("; ")
}
