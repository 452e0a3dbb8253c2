//! `cargo xtask bench`: times this workspace on problems that other libraries are timed on as well.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use neuromanifold_benches::problem::Source;
use neuromanifold_benches::{BenchError, CASES, Listener, Measurement, Selection, Settings, run};

use crate::measurements;

/// Status where the algorithm of a case fails; 0 where all cases are measured.
const FAILED: u8 = 1;
/// Status where nothing could be measured as it was asked for: as for a wrong argument.
const USAGE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench                          all cases, on generated data
  cargo xtask bench --list                   what there is
  cargo xtask bench p1 P4/p257 --threads 1   some of them, on one thread
  cargo xtask bench p5a/adam                 one optimiser on one training problem
  cargo xtask bench --data DIR --json FILE   on the arrays in DIR, one line of JSON a measurement

The environment variables of the scripts for other libraries are understood:
  PEERS_QUIET_WAIT  seconds to wait for other processes to be idle before a measurement [0]
  PEERS_RETRY       how often to measure again while they are not [0]
  P5_CAP, P5_BUDGET, P5_PROBE, P5_SEEDS
                    training: seconds of a run [8], of all runs of an optimiser on a problem [4], of a setting while it is
                    tuned [1.5]; number of initial vectors [7]

Exit status: 0 if all cases were measured, 1 if the algorithm of one fails, 2 if data, arguments or files are wrong.";

/// Time this workspace on problems that other libraries are timed on as well.
///
/// Every measurement carries a check of its result and how much of this machine's rate of matrix products, or of reading
/// memory, it reached. Progress goes to standard error, a table to standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The cases to measure, by the beginning of their names, a part after a slash; all if none is named.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,

    /// List the cases and what they time, and measure none.
    #[arg(long)]
    list: bool,

    /// Directory with the .npy files of the problems; they are generated if it holds none, or if none is named.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Threads to measure with [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Write one line of JSON a measurement; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn bench(arguments: &Arguments) -> ExitCode {
    match measured(arguments) {
        Ok(code) => code,
        Err(error) => misused(&error.to_string()),
    }
}

fn measured(arguments: &Arguments) -> Result<ExitCode, BenchError> {
    let selection = Selection::new(&arguments.cases)?;
    if arguments.list {
        return Ok(listed(&selection));
    }
    let settings = match settings() {
        Ok(settings) => settings,
        Err(message) => return Ok(misused(&message)),
    };
    let source = match &arguments.data {
        Some(directory) => Source::of(directory)?,
        None => Source::Generated,
    };
    let threads = arguments.threads.map_or_else(processors, usize::from);
    let mut log = Log {
        lines: Lines::open(arguments.json.as_deref())?,
        measurements: Vec::new(),
    };
    log.say(&format!("{}, {threads} threads", origin(&source)));
    run(&selection, &source, settings, threads, &mut log)?;
    // A reader that has closed its end has seen enough.
    let _ = measurements::write(&log.measurements);
    let failed = log.measurements.iter().any(Measurement::is_failure);
    Ok(ExitCode::from(if failed { FAILED } else { 0 }))
}

fn origin(source: &Source) -> String {
    match source {
        Source::Generated => "data generated".to_owned(),
        Source::Directory(path) => format!("data from {}", path.display()),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Tells standard error what goes on, and keeps what was measured.
struct Log {
    lines: Lines,
    measurements: Vec<Measurement>,
}

impl Log {
    fn say(&self, what: &str) {
        // Progress that cannot be shown is no reason to stop.
        let _ = writeln!(io::stderr().lock(), "{what}");
    }
}

impl Listener for Log {
    fn begins(&mut self, what: &str) {
        self.say(what);
    }

    fn measured(&mut self, measurement: &Measurement) -> Result<(), BenchError> {
        self.lines.write(measurement)?;
        self.measurements.push(measurement.clone());
        Ok(())
    }
}

/// Where the lines of JSON go.
enum Lines {
    Nowhere,
    Stdout,
    File(PathBuf, File),
}

impl Lines {
    /// Opens the file before anything is measured.
    fn open(path: Option<&Path>) -> Result<Self, BenchError> {
        match path {
            None => Ok(Self::Nowhere),
            Some(path) if path == Path::new("-") => Ok(Self::Stdout),
            Some(path) => match File::create(path) {
                Ok(file) => Ok(Self::File(path.to_owned(), file)),
                Err(source) => Err(unwritable(path, source)),
            },
        }
    }

    /// A whole line at a time, so that a run that is stopped leaves only whole lines.
    fn write(&mut self, measurement: &Measurement) -> Result<(), BenchError> {
        let line = |path: &Path| match serde_json::to_string(measurement) {
            Ok(text) => Ok(text + "\n"),
            Err(error) => Err(unwritable(path, error.into())),
        };
        match self {
            Self::Nowhere => Ok(()),
            Self::Stdout => {
                let path = Path::new("-");
                let written = io::stdout().lock().write_all(line(path)?.as_bytes());
                written.map_err(|source| unwritable(path, source))
            }
            Self::File(path, file) => {
                let written = file.write_all(line(path)?.as_bytes());
                written.map_err(|source| unwritable(path, source))
            }
        }
    }
}

fn unwritable(path: &Path, source: io::Error) -> BenchError {
    BenchError::Write {
        path: path.to_owned(),
        source,
    }
}

/// The settings, with what the environment says.
fn settings() -> Result<Settings, String> {
    let mut settings = Settings::default();
    for (name, place) in [
        ("PEERS_QUIET_WAIT", &mut settings.quiet_wait),
        ("P5_CAP", &mut settings.cap),
        ("P5_BUDGET", &mut settings.budget),
        ("P5_PROBE", &mut settings.probe),
    ] {
        let seconds = |value: &f64| value.is_finite() && *value >= 0.0;
        if let Some(value) = variable(name, "a number of seconds", seconds)? {
            *place = value;
        }
    }
    if let Some(retries) = variable("PEERS_RETRY", "a whole number", |_: &usize| true)? {
        settings.retries = retries;
    }
    if let Some(starts) = variable("P5_SEEDS", "at least 1", |starts: &usize| *starts > 0)? {
        settings.starts = starts;
    }
    Ok(settings)
}

fn variable<T: std::str::FromStr>(
    name: &str,
    expected: &str,
    valid: impl Fn(&T) -> bool,
) -> Result<Option<T>, String> {
    let Some(text) = std::env::var_os(name) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    match text.parse().ok().filter(valid) {
        Some(value) => Ok(Some(value)),
        None => Err(format!("{name} is `{text}`, expected {expected}")),
    }
}

fn listed(selection: &Selection) -> ExitCode {
    let mut out = io::stdout().lock();
    let widest = CASES.iter().map(|case| case.name.len()).max().unwrap_or(0);
    for case in CASES.iter().filter(|case| selection.includes(case)) {
        let wanted = |optimizer: &&&str| selection.wants(case.name, optimizer);
        let optimizers: Vec<&str> = case.optimizers.iter().filter(wanted).copied().collect();
        let list = match optimizers.as_slice() {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        if writeln!(out, "{:widest$}  {}{list}", case.name, case.what).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

/// The error as that of a wrong argument, with the usage.
fn misused(message: &str) -> ExitCode {
    let mut command = crate::Arguments::command();
    command.build();
    let bench = command.find_subcommand_mut("bench");
    let shown = bench.map(|command| command.error(ErrorKind::InvalidValue, message).print());
    drop(shown);
    ExitCode::from(USAGE)
}
