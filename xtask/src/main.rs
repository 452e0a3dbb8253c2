//! The workspace's commands: `cargo xtask experiments`.

mod experiments;
mod verdicts;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The workspace's commands.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    subcommand_required = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Experiments(experiments::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Experiments(arguments) => experiments::experiments(&arguments),
    }
}
