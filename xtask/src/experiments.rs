//! `cargo xtask experiments`: runs experiments and shows what became of their claims.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use neuromanifold_harness::experiment::{self, Options};
use neuromanifold_harness::experiments;
use neuromanifold_harness::{Effort, Experiment, HarnessError, Interrupt, Progress, UserData};

use crate::verdicts;

/// Status where a claim fails or an experiment stops with an error; 0 where all claims hold.
const FAILED: u8 = 1;
/// Status where nothing could be run as it was asked for: as for a wrong argument.
const USAGE: u8 = 2;
/// Status after Ctrl-C: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

const EXAMPLES: &str = "\
Examples:
  cargo xtask experiments                     all experiments, then open target/experiments/index.html
  cargo xtask experiments --list              what there is
  cargo xtask experiments kl-metric --quick   one of them, in seconds
  cargo xtask experiments --full --resume     the careful answer; what is done already is not done again
  cargo xtask experiments real-data --data houses.csv --target price

Exit status: 0 if every claim holds, 1 if a claim fails or an experiment stops with an error,
2 if nothing could be run as asked, 130 after Ctrl-C. What was found before is kept in each case.";

/// Check the claims of the theory by experiment, and write a report.
///
/// Each experiment puts predicted beside measured values, judges them, and leaves figures and tables. The report is one
/// HTML page; beside it are summary.json with all claims and, for each experiment, JSON, CSV and SVG files.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The experiments to run; all if none is named.
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// List the experiments and their questions, and run none.
    #[arg(long)]
    list: bool,

    /// Do as little work as shows that everything runs: seconds.
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// Do as much work as a careful answer takes: many minutes.
    #[arg(long)]
    full: bool,

    /// Seed of all random numbers; the same seed gives the same results.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Directory for the results [default: target/experiments in the workspace].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Do not run again what is in DIR already with the same seed, effort, version and data.
    #[arg(long)]
    resume: bool,

    /// A CSV file of your own with a header line, for the experiments that take one (see --list).
    #[arg(long, value_name = "FILE.csv", requires = "target")]
    data: Option<PathBuf>,

    /// The column of FILE.csv that is to be predicted.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    target: Option<String>,
}

/// Runs the command.
pub(crate) fn experiments(arguments: &Arguments) -> ExitCode {
    let chosen = match experiments::chosen(&arguments.names) {
        Ok(chosen) => chosen,
        Err(error) => return misused(&error),
    };
    if arguments.list {
        return listed(&chosen);
    }
    let interrupt = Interrupt::new();
    listen(&interrupt);
    let options = arguments.options();
    match experiment::run(&chosen, &options, &Progress::stderr(), &interrupt) {
        Ok(session) => {
            // A reader that has closed its end has seen enough.
            let _ = verdicts::write(&session);
            match (session.interrupted, session.holds()) {
                (true, _) => ExitCode::from(INTERRUPTED),
                (false, true) => ExitCode::SUCCESS,
                (false, false) => ExitCode::from(FAILED),
            }
        }
        Err(error @ HarnessError::DataNotTaken { .. }) => misused(&error),
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "error: {error}");
            ExitCode::from(USAGE)
        }
    }
}

impl Arguments {
    fn options(&self) -> Options {
        let effort = match (self.quick, self.full) {
            (true, _) => Effort::Quick,
            (false, true) => Effort::Full,
            (false, false) => Effort::Default,
        };
        let data = self.data.clone().zip(self.target.clone());
        Options {
            seed: self.seed,
            effort,
            out: self.out.clone().unwrap_or_else(default_directory),
            resume: self.resume,
            data: data.map(|(path, target)| UserData { path, target }),
        }
    }
}

/// `target/experiments` of the workspace, shortened where that is below the current directory.
fn default_directory() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."));
    let directory = workspace.join("target").join("experiments");
    let here = std::env::current_dir().ok();
    here.and_then(|here| directory.strip_prefix(here).map(Path::to_owned).ok())
        .unwrap_or(directory)
}

fn listed(experiments: &[Box<dyn Experiment>]) -> ExitCode {
    let mut out = io::stdout().lock();
    let widest = experiments
        .iter()
        .map(|experiment| experiment.name().len())
        .max()
        .unwrap_or(0);
    for experiment in experiments {
        let data = if experiment.takes_data() {
            "  (takes --data)"
        } else {
            ""
        };
        let written = writeln!(
            out,
            "{:widest$}  {}{data}",
            experiment.name(),
            experiment.title()
        );
        if written.is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

/// The error as that of a wrong argument, with the usage.
fn misused(error: &HarnessError) -> ExitCode {
    let mut command = crate::Arguments::command();
    command.build();
    let experiments = command.find_subcommand_mut("experiments");
    let shown = experiments.map(|command| command.error(ErrorKind::InvalidValue, error).print());
    drop(shown);
    ExitCode::from(USAGE)
}

/// The first Ctrl-C lets the experiment stop where it can, the second stops the program at once.
fn listen(interrupt: &Interrupt) {
    let interrupt = interrupt.clone();
    // Without a handler Ctrl-C stops the program at once, which loses no more than the experiment that is running.
    let _ = ctrlc::set_handler(move || {
        if interrupt.raise() {
            std::process::exit(i32::from(INTERRUPTED));
        }
        let _ = writeln!(io::stderr().lock(), "\nstopping; once more to stop at once");
    });
}
