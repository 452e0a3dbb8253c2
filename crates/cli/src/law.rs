use crate::failure::Failure;
use clap::{Args, ValueEnum};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood};
use serde::Serialize;

/// Which law p(y|z) the outputs are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LawName {
    /// Real targets with Gaussian noise.
    Gaussian,
    /// Targets 0 and 1; outputs are logits.
    Bernoulli,
    /// Class labels; outputs are logits of a softmax.
    Categorical,
}

/// The arguments that choose a law.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Likelihood")]
pub(crate) struct LawOptions {
    /// The law that the outputs are parameters of; from the network's file, or gaussian if it does not say.
    #[arg(long, value_name = "LAW")]
    pub(crate) likelihood: Option<LawName>,

    /// Variance σ² of Gaussian noise on each output [default: 1].
    #[arg(long, value_name = "VARIANCE")]
    pub(crate) noise: Option<f64>,
}

/// A law, and where it was said.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Law {
    /// Its name.
    pub(crate) name: LawName,
    /// σ² of a Gaussian.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) noise_variance: Option<f64>,
    /// Who said so.
    pub(crate) origin: Origin,
}

/// Who said which law is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// The arguments.
    Arguments,
    /// The metadata of the file.
    File,
    /// Nobody.
    Assumed,
    /// Nobody; the file has a noise for each output, and this law has one for all.
    UnequalNoise,
}

impl LawOptions {
    /// The law of these arguments, then that of the file, then Gaussian noise of variance 1.
    pub(crate) fn choose(&self, file: Option<(LawName, Option<f64>)>) -> Result<Law, Failure> {
        let (name, origin, variance) = match (self.likelihood, file) {
            (Some(name), Some((same, variance))) if same == name => {
                (name, Origin::Arguments, variance)
            }
            (Some(name), _) => (name, Origin::Arguments, None),
            (None, Some((name, variance))) => (name, Origin::File, variance),
            (None, None) if self.noise.is_some() => (LawName::Gaussian, Origin::Arguments, None),
            (None, None) => (LawName::Gaussian, Origin::Assumed, None),
        };
        let noise_variance = match (name, self.noise) {
            (LawName::Gaussian, noise) => Some(noise.or(variance).unwrap_or(1.0)),
            (_, None) => None,
            (_, Some(_)) => return Err(Failure::NoiseWithoutGaussian { law: name }),
        };
        if let Some(variance) = noise_variance {
            Gaussian::new(variance.sqrt()).map_err(|_| Failure::Noise { variance })?;
        }
        Ok(Law {
            name,
            noise_variance,
            origin,
        })
    }
}

impl Law {
    /// The law itself.
    pub(crate) fn likelihood(&self) -> Box<dyn Likelihood> {
        match self.name {
            LawName::Gaussian => Box::new(self.gaussian().unwrap_or(Gaussian::UNIT)),
            LawName::Bernoulli => Box::new(Bernoulli),
            LawName::Categorical => Box::new(Categorical),
        }
    }

    /// The noise, if that is what it is.
    pub(crate) fn gaussian(&self) -> Option<Gaussian> {
        let variance = self.noise_variance?;
        Gaussian::new(variance.sqrt()).ok()
    }
}

impl std::fmt::Display for Law {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.name, self.noise_variance) {
            (LawName::Gaussian, Some(variance)) => write!(f, "gaussian, σ² = {variance}")?,
            (LawName::Gaussian, None) => write!(f, "gaussian")?,
            (LawName::Bernoulli, _) => write!(f, "bernoulli")?,
            (LawName::Categorical, _) => write!(f, "categorical")?,
        }
        match self.origin {
            Origin::Assumed => write!(f, " (assumed; --likelihood says otherwise)"),
            Origin::UnequalNoise => write!(
                f,
                " (assumed; the file has another for each output, --noise takes one for all)"
            ),
            Origin::File => write!(f, " (as the file says)"),
            Origin::Arguments => Ok(()),
        }
    }
}
