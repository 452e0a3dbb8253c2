use crate::exit::{EXIT_STATUS, Exit};
use crate::failure::Failure;
use crate::output::Output;
use crate::{completions, compress, equivalent, fisher, inspect, man, predict, reduce, train};
use clap::{ColorChoice, Parser, Subcommand};
use std::process::ExitCode;

/// What a trained network is: which units are redundant and why, whether two networks are one function, the smallest
/// network that computes the same.
///
/// Networks are safetensors files with the `state_dict` of a PyTorch `nn.Sequential`; data are CSV, npy, npz or idx files.
#[derive(Debug, Parser)]
#[command(
    name = "neuromanifold",
    version,
    propagate_version = true,
    subcommand_required = true,
    after_help = EXIT_STATUS
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Print one JSON object in place of text. Numbers that are not finite are null.
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,

    /// Colours: on a terminal, always or never. NO_COLOR is honoured.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: ColorChoice,

    /// Show no progress.
    #[arg(long, short, global = true, help_heading = "Output")]
    quiet: bool,
}

/// One variant a subcommand; its arguments live in the module of the same name.
#[derive(Debug, Subcommand)]
enum Command {
    Inspect(Box<inspect::Inspect>),
    Equivalent(Box<equivalent::Equivalent>),
    Reduce(Box<reduce::Reduce>),
    Compress(Box<compress::Compress>),
    Fisher(Box<fisher::Fisher>),
    Train(Box<train::Train>),
    Predict(Box<predict::Predict>),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Arguments {
    /// Runs the command.
    pub(crate) fn run(&self) -> ExitCode {
        let output = Output {
            json: self.json,
            color: self.color,
            quiet: self.quiet,
        };
        match self.command.run(&output) {
            Ok(exit) => exit.into(),
            Err(failure) => {
                output.fail(&failure);
                failure.exit().into()
            }
        }
    }
}

impl Command {
    fn run(&self, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Inspect(inspect) => inspect.run(output),
            Self::Equivalent(equivalent) => equivalent.run(output),
            Self::Reduce(reduce) => reduce.run(output),
            Self::Compress(compress) => compress.run(output),
            Self::Fisher(fisher) => fisher.run(output),
            Self::Train(train) => train.run(output),
            Self::Predict(predict) => predict.run(output),
            Self::Completions(completions) => completions.run(output),
            Self::Man(man) => man.run(output),
        }
    }
}
