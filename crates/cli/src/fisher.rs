use crate::data::DataOptions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::law::{Law, LawOptions};
use crate::memory::{self, size};
use crate::network::{Architecture, NetworkOptions};
use crate::output::{Output, Report};
use crate::page::{line, number, remark};
use crate::place;
use crate::progress::Progress;
use clap::{Args, ValueEnum};
use neuromanifold_geometry::{BlockFisher, Blocks, DenseFisher, DiagonalFisher};
use neuromanifold_io::{Array, Precision, npy, npz};
use neuromanifold_model::OutputMap as _;
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuromanifold fisher net.safetensors --activation tanh --data train.csv --target y -o G.npy
  neuromanifold fisher net.safetensors --activation tanh --data x.npy \\
      --representation blocks -o G.npz

G = E[J' H J], a mean over the examples, in nats per unit of each parameter squared; parameters in the order of PyTorch's
state_dict: 0.weight row by row, 0.bias, 2.weight, …. In numpy: G = numpy.load('G.npy').";

/// Write the Fisher metric on data as a numpy array.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Fisher {
    /// The network, a safetensors file.
    #[arg(value_name = "NET")]
    network: PathBuf,

    /// Where to: .npy for a matrix or its diagonal, .npz for blocks, named layer_0, layer_1, ….
    #[arg(short, long, value_name = "G.npy")]
    output: PathBuf,

    /// What to write of it.
    #[arg(long, value_name = "WHAT", default_value = "dense")]
    representation: Representation,

    #[command(flatten)]
    options: NetworkOptions,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    law: LawOptions,
}

/// What to write of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Representation {
    /// All of it, P × P.
    Dense,
    /// The block of each layer.
    Blocks,
    /// The diagonal, P numbers.
    Diagonal,
}

/// What was written.
#[derive(Debug, Serialize)]
struct WrittenMetric {
    network: Architecture,
    likelihood: Law,
    inputs: String,
    examples: usize,
    representation: Representation,
    file: String,
    /// The shape of the array, or of each block.
    shapes: Vec<Vec<usize>>,
    trace: f64,
    bytes: u64,
}

impl Fisher {
    /// Computes and writes.
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        let read = [&*self.network]
            .into_iter()
            .chain(self.data.data.as_deref());
        place::apart([&*self.output], read)?;
        let expected = match self.representation {
            Representation::Dense | Representation::Diagonal => "npy",
            Representation::Blocks => "npz",
        };
        if (self.output.extension()).is_some_and(|found| !found.eq_ignore_ascii_case(expected)) {
            return Err(Failure::Extension {
                path: self.output.clone(),
                expected,
            });
        }
        let progress = Progress::new(output);
        progress.begin("reading");
        let net = self.options.read(&self.network)?;
        let law = net.law(&self.law)?;
        let parameters = net.mlp().parameters();
        let squares = |sizes: &mut dyn Iterator<Item = usize>| -> u128 {
            // once as a matrix, once as the bytes of the file, once in between
            sizes.map(|size| 3 * 8 * (size as u128).pow(2)).sum()
        };
        match self.representation {
            Representation::Dense => memory::require(
                "the dense metric",
                squares(&mut std::iter::once(parameters)),
                "use --representation blocks or diagonal; `inspect` finds the spectrum without the matrix",
            )?,
            Representation::Blocks => memory::require(
                "the blocks of the metric",
                squares(&mut net.mlp().layers().iter().map(|l| l.parameters().len())),
                "use --representation diagonal; `inspect` finds the spectrum without the matrix",
            )?,
            Representation::Diagonal => {}
        }
        let inputs = self.data.required(&self.network, net.mlp().inputs())?;
        let batch = net.mlp().on(inputs.matrix())?;
        let at = batch.linearize(net.theta())?;
        let likelihood = law.likelihood();
        progress.begin("metric");
        let (bytes, shapes, trace) = match self.representation {
            Representation::Dense => {
                let metric = DenseFisher::new(at.as_ref(), likelihood.as_ref())?;
                let array = Array::from_matrix(metric.matrix())?;
                (
                    npy::to_bytes(&array, Precision::F64),
                    vec![array.shape().to_vec()],
                    metric.trace(),
                )
            }
            Representation::Blocks => {
                let metric = BlockFisher::new(at.as_ref(), likelihood.as_ref(), Blocks::Layers)?;
                let arrays = (0..metric.len())
                    .map(|index| {
                        Ok((
                            format!("layer_{index}"),
                            Array::from_matrix(metric.block(index))?,
                        ))
                    })
                    .collect::<Result<Vec<_>, Failure>>()?;
                let named: Vec<(&str, &Array)> =
                    arrays.iter().map(|(n, a)| (n.as_str(), a)).collect();
                let shapes = arrays.iter().map(|(_, a)| a.shape().to_vec()).collect();
                (
                    npz::to_bytes(&named, Precision::F64),
                    shapes,
                    metric.trace(),
                )
            }
            Representation::Diagonal => {
                let metric = DiagonalFisher::new(at.as_ref(), likelihood.as_ref())?;
                let array = Array::new(vec![parameters], metric.diagonal().to_vec())?;
                (
                    npy::to_bytes(&array, Precision::F64),
                    vec![vec![parameters]],
                    metric.trace(),
                )
            }
        };
        progress.begin("writing");
        neuromanifold_io::atomic::write(&self.output, &bytes)?;
        drop(progress);
        output.show(
            "fisher",
            &WrittenMetric {
                network: net.architecture(),
                likelihood: law,
                inputs: inputs.source.clone(),
                examples: inputs.len(),
                representation: self.representation,
                file: self.output.display().to_string(),
                shapes,
                trace,
                bytes: bytes.len() as u64,
            },
        )?;
        Ok(Exit::Success)
    }
}

impl Report for WrittenMetric {
    fn write(&self, page: &mut dyn Write) -> io::Result<()> {
        line(
            page,
            "network",
            format!("{}: {}", self.network.file, self.network),
        )?;
        line(page, "likelihood", self.likelihood)?;
        line(
            page,
            "inputs",
            format!("{} examples from {}", self.examples, self.inputs),
        )?;
        let shapes: Vec<String> = (self.shapes.iter())
            .map(|shape| {
                shape
                    .iter()
                    .map(usize::to_string)
                    .collect::<Vec<_>>()
                    .join(" × ")
            })
            .collect();
        line(
            page,
            "written",
            format!("{}: {}", self.file, shapes.join(", ")),
        )?;
        line(page, "trace", format!("{} nats", number(self.trace)))?;
        remark(page, format!("{} of f64", size(u128::from(self.bytes))))
    }
}
