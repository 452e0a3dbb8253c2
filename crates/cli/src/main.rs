//! The `neuromanifold` command: what a trained network is, without writing Rust.

mod command;
mod completions;
mod compress;
mod data;
mod equivalent;
mod exit;
mod failure;
mod fisher;
mod inspect;
mod law;
mod man;
mod memory;
mod network;
mod output;
mod page;
mod place;
mod predict;
mod progress;
mod reduce;
mod smaller;
mod train;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match command::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A reader that has closed its end has seen enough.
            let _ = error.print();
            let code = u8::try_from(error.exit_code()).unwrap_or(exit::Exit::Usage as u8);
            return ExitCode::from(code);
        }
    };
    arguments.run()
}
