use std::fmt;
use std::str::FromStr;

use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood};

/// The law of the targets given the outputs of a network, as it is named in a file or on a command line.
///
/// | text | law |
/// |---|---|
/// | `gaussian:0.1` | [`Gaussian`] with noise level σ = 0.1; `gaussian` alone means σ = 1 |
/// | `bernoulli` | [`Bernoulli`]: the output is a logit |
/// | `categorical` | [`Categorical`]: the outputs are logits of a softmax |
///
/// ```
/// use neuromanifold_io::LikelihoodKind;
///
/// let kind: LikelihoodKind = "gaussian:0.5".parse()?;
/// assert_eq!(kind.to_string(), "gaussian:0.5");
/// assert_eq!(kind.likelihood().divergence(&[1.0], &[0.0]), 2.0);
/// # Ok::<(), neuromanifold_io::UnknownLikelihood>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LikelihoodKind {
    /// Gaussian noise of a known level.
    Gaussian(Gaussian),
    /// One yes or no, its logit the output.
    Bernoulli,
    /// One class of several, their logits the outputs.
    Categorical,
}

impl LikelihoodKind {
    /// The law itself.
    #[must_use]
    pub fn likelihood(&self) -> &dyn Likelihood {
        match self {
            Self::Gaussian(gaussian) => gaussian,
            Self::Bernoulli => &Bernoulli,
            Self::Categorical => &Categorical,
        }
    }
}

/// The text is no likelihood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown likelihood {text:?}; expected gaussian, gaussian:SIGMA with a positive number, bernoulli or categorical"
)]
pub struct UnknownLikelihood {
    /// The text that came.
    pub text: String,
}

/// The text of the table above; σ in the shortest form that reads back to the same bits.
impl fmt::Display for LikelihoodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gaussian(gaussian) => write!(f, "gaussian:{}", gaussian.sigma()),
            Self::Bernoulli => f.write_str("bernoulli"),
            Self::Categorical => f.write_str("categorical"),
        }
    }
}

impl FromStr for LikelihoodKind {
    type Err = UnknownLikelihood;

    fn from_str(text: &str) -> Result<Self, UnknownLikelihood> {
        let unknown = || UnknownLikelihood {
            text: text.to_owned(),
        };
        match text {
            "gaussian" => Ok(Self::Gaussian(Gaussian::UNIT)),
            "bernoulli" => Ok(Self::Bernoulli),
            "categorical" => Ok(Self::Categorical),
            _ => {
                let sigma = text.strip_prefix("gaussian:").ok_or_else(unknown)?;
                let sigma = sigma.parse().map_err(|_| unknown())?;
                Gaussian::new(sigma)
                    .map(Self::Gaussian)
                    .map_err(|_| unknown())
            }
        }
    }
}
