use crate::Dims;

/// Why a map could not be evaluated at a point.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// θ has the wrong length.
    #[error("θ has {got} entries, the model has {expected} parameters")]
    ParameterCount {
        /// `P` of the model.
        expected: usize,
        /// Length of the slice that came.
        got: usize,
    },
    /// A parameter is NaN or infinite.
    #[error("parameter {index} of θ is {value}; every parameter must be finite")]
    NonFiniteParameter {
        /// Index in θ.
        index: usize,
        /// The value found there.
        value: f64,
    },
    /// An output is NaN or infinite.
    #[error("output {output} of example {example} is {value}; every output must be finite")]
    NonFiniteOutput {
        /// Which example of the batch.
        example: usize,
        /// Which of its `K` outputs.
        output: usize,
        /// The value found there.
        value: f64,
    },
    /// A user's own map failed for a reason of its own.
    #[error("the model failed: {0}")]
    User(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ModelError {
    /// Passes if θ has `dims.parameters` finite entries.
    ///
    /// # Errors
    /// [`ModelError::ParameterCount`], [`ModelError::NonFiniteParameter`].
    pub fn check_parameters(theta: &[f64], dims: Dims) -> Result<(), Self> {
        if theta.len() != dims.parameters {
            return Err(Self::ParameterCount {
                expected: dims.parameters,
                got: theta.len(),
            });
        }
        match first_non_finite(theta) {
            Some(index) => Err(Self::NonFiniteParameter {
                index,
                value: theta[index],
            }),
            None => Ok(()),
        }
    }

    /// Passes if all outputs of a batch are finite.
    ///
    /// # Errors
    /// [`ModelError::NonFiniteOutput`] for the first that is not.
    pub fn check_outputs(outputs: &[f64], dims: Dims) -> Result<(), Self> {
        match first_non_finite(outputs) {
            Some(index) => Err(Self::NonFiniteOutput {
                example: index / dims.outputs,
                output: index % dims.outputs,
                value: outputs[index],
            }),
            None => Ok(()),
        }
    }
}

/// Where the first NaN or infinity is. Looks at all values without a branch first, since there is hardly ever one.
fn first_non_finite(values: &[f64]) -> Option<usize> {
    if values.iter().fold(true, |all, v| all & v.is_finite()) {
        return None;
    }
    values.iter().position(|v| !v.is_finite())
}

/// Why a likelihood, or a batch of targets for it, was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LikelihoodError {
    /// The noise level is not a positive number.
    #[error("the noise level σ is {sigma}; it must be positive and finite")]
    Sigma {
        /// The value that came.
        sigma: f64,
    },
    /// The likelihood cannot be read off that many outputs.
    #[error("{likelihood} needs at least {at_least} outputs, the model has {got}")]
    Outputs {
        /// Name of the likelihood.
        likelihood: &'static str,
        /// The smallest `K` that makes sense.
        at_least: usize,
        /// `K` of the model.
        got: usize,
    },
    /// The number of targets does not fit the number of examples.
    #[error("{got} target values for {examples} examples; expected {expected}")]
    TargetCount {
        /// `N` of the batch.
        examples: usize,
        /// Values expected in all.
        expected: usize,
        /// Values that came.
        got: usize,
    },
    /// A target lies outside the domain of the likelihood.
    #[error("target {index} (example {example}) is {value}; expected {expected}")]
    Target {
        /// Index in the flat slice of targets.
        index: usize,
        /// Which example of the batch.
        example: usize,
        /// The value found there.
        value: f64,
        /// What would have been right.
        expected: TargetDomain,
    },
}

/// The set in which the targets of a likelihood must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetDomain {
    /// Any finite number.
    Finite,
    /// 0 or 1.
    Binary,
    /// A class index `0, …, classes − 1`.
    Class {
        /// The number of classes.
        classes: usize,
    },
}

impl TargetDomain {
    /// Whether a value lies in the domain.
    #[must_use]
    #[allow(clippy::float_cmp)] // class labels are small integers, exact in f64
    pub fn contains(self, value: f64) -> bool {
        match self {
            Self::Finite => value.is_finite(),
            Self::Binary => value == 0.0 || value == 1.0,
            Self::Class { classes } => {
                value >= 0.0 && value < classes as f64 && value.trunc() == value
            }
        }
    }
}

impl std::fmt::Display for TargetDomain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finite => write!(f, "a finite number"),
            Self::Binary => write!(f, "0 or 1"),
            Self::Class { classes } => write!(f, "a class index from 0 to {}", classes - 1),
        }
    }
}
