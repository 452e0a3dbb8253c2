//! The workspace's commands: `cargo xtask experiments`, `cargo xtask bench`.

mod bench;
mod experiments;
mod measurements;
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
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Experiments(arguments) => experiments::experiments(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
    }
}
