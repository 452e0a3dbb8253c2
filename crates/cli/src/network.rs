use crate::failure::Failure;
use crate::law::{Law, LawName, LawOptions, Origin};
use crate::train::saved::NOISE;
use clap::Args;
use neuromanifold_geometry::quotient::Tolerance;
use neuromanifold_io::{LikelihoodKind, Network, Precision, ReadOptions};
use neuromanifold_mlp::{Activation, Mlp};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The arguments that say what a file does not: a `state_dict` holds weights, not activations.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkOptions {
    /// Widths from inputs to outputs, as 20,48,1; checked against the file.
    #[arg(long, value_name = "WIDTH,…", value_delimiter = ',')]
    pub(crate) layers: Vec<usize>,

    /// Activation of the hidden layers: tanh, relu, logistic, erf, softplus or identity. Needed where the file does not say.
    #[arg(long, value_name = "NAME")]
    pub(crate) activation: Option<Activation>,

    /// What the names of the network's tensors have before the layer, as `model` in `model.0.weight`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,

    /// Names of the layers from inputs to outputs, as fc_in,fc_out, where neither numbers nor shapes tell the order.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) modules: Vec<String>,
}

/// The argument that says when weights count as equal.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct ToleranceOption {
    /// Weights that differ by less than this fraction of max(1, |w|) count as equal [default: 1e-10; for f32 1e-6].
    #[arg(long, value_name = "FRACTION")]
    pub(crate) tolerance: Option<f64>,
}

/// A network from a file.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The file.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) network: Network,
}

/// What a network is, for reports.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Architecture {
    /// The file.
    pub(crate) file: String,
    /// In short, as `20-48-1 tanh`.
    pub(crate) architecture: String,
    /// n.
    pub(crate) inputs: usize,
    /// K.
    pub(crate) outputs: usize,
    /// P.
    pub(crate) parameters: usize,
    /// The format of its numbers in the file.
    pub(crate) precision: &'static str,
    /// Layer by layer.
    pub(crate) layers: Vec<LayerShape>,
}

/// One affine layer with its activation.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LayerShape {
    /// Fan-in.
    pub(crate) inputs: usize,
    /// Units.
    pub(crate) outputs: usize,
    /// What is applied to them.
    pub(crate) activation: &'static str,
    /// Whether they have biases.
    pub(crate) bias: bool,
}

impl NetworkOptions {
    /// Reads a network.
    pub(crate) fn read(&self, path: &Path) -> Result<Loaded, Failure> {
        let mut options = ReadOptions::new();
        if !self.layers.is_empty() {
            options = options.layers(self.layers.clone());
        }
        if let Some(activation) = self.activation {
            options = options.activation(activation);
        }
        if let Some(prefix) = &self.prefix {
            options = options.prefix(prefix);
        }
        if !self.modules.is_empty() {
            options = options.modules(&self.modules);
        }
        Ok(Loaded {
            path: path.to_owned(),
            network: Network::read(path, &options)?,
        })
    }
}

impl Loaded {
    /// The architecture.
    pub(crate) fn mlp(&self) -> &Mlp {
        &self.network.mlp
    }

    /// θ.
    pub(crate) fn theta(&self) -> &[f64] {
        &self.network.theta
    }

    /// Both.
    pub(crate) fn pair(&self) -> (&Mlp, &[f64]) {
        (self.mlp(), self.theta())
    }

    /// The law of the arguments, or that of the file; checked against the number of outputs.
    pub(crate) fn law(&self, options: &LawOptions) -> Result<Law, Failure> {
        let mut law = options.choose(self.law_of_file())?;
        if law.origin == Origin::Assumed && self.network.metadata.contains_key(NOISE) {
            law.origin = Origin::UnequalNoise;
        }
        (law.likelihood().check_outputs(self.mlp().outputs())).map_err(|source| {
            Failure::LawOfOutputs {
                path: self.path.clone(),
                source,
            }
        })?;
        Ok(law)
    }

    fn law_of_file(&self) -> Option<(LawName, Option<f64>)> {
        match self.network.likelihood? {
            LikelihoodKind::Gaussian(noise) => {
                Some((LawName::Gaussian, Some(noise.sigma() * noise.sigma())))
            }
            LikelihoodKind::Bernoulli => Some((LawName::Bernoulli, None)),
            LikelihoodKind::Categorical => Some((LawName::Categorical, None)),
            _ => None,
        }
    }

    /// When weights count as equal: by default a few units in the last place of the file's numbers.
    pub(crate) fn tolerance(&self, option: ToleranceOption) -> Result<Tolerance, Failure> {
        let fraction = match (option.tolerance, self.network.precision) {
            (Some(fraction), _) => fraction,
            (None, Precision::F32) => 1e-6,
            (None, Precision::F64) => return Ok(Tolerance::default()),
        };
        Ok(Tolerance::new(fraction)?)
    }

    /// What it is.
    pub(crate) fn architecture(&self) -> Architecture {
        Architecture::of(&self.path, self.mlp(), self.network.precision)
    }
}

impl Architecture {
    /// What a network in a file is.
    pub(crate) fn of(path: &Path, mlp: &Mlp, precision: Precision) -> Self {
        let layers = mlp.layers().iter().map(|layer| LayerShape {
            inputs: layer.inputs(),
            outputs: layer.outputs(),
            activation: layer.activation().name(),
            bias: layer.has_bias(),
        });
        Self {
            file: path.display().to_string(),
            architecture: mlp.to_string(),
            inputs: mlp.inputs(),
            outputs: mlp.outputs(),
            parameters: mlp.parameters(),
            precision: match precision {
                Precision::F32 => "f32",
                Precision::F64 => "f64",
            },
            layers: layers.collect(),
        }
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({} parameters, {})",
            self.architecture, self.parameters, self.precision
        )
    }
}
