//! Running experiments one after another and keeping what they find.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use super::{
    Context, Effort, Experiment, Fingerprint, Interrupt, Outcome, Progress, Run, Store, Units,
    UserData,
};
use crate::record::number::duration;
use crate::{HarnessError, Record, report};

/// How experiments are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of every experiment.
    pub seed: u64,
    /// How much work they do.
    pub effort: Effort,
    /// The output directory.
    pub out: PathBuf,
    /// Whether experiments whose record is there already, with the same settings, are not run again, and those that were
    /// stopped go on with what they had done.
    pub resume: bool,
    /// Data of the user's own, for the experiments that take them.
    pub data: Option<UserData>,
}

/// What came of running several experiments.
#[derive(Debug, Clone)]
pub struct Session {
    /// The runs, in order; those that an interruption kept from beginning are not among them.
    pub runs: Vec<Run>,
    /// Whether the user stopped the session.
    pub interrupted: bool,
    /// The report.
    pub index: PathBuf,
}

impl Session {
    /// Whether every experiment came to its end and every claim holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.interrupted && self.runs.iter().all(Run::holds)
    }
}

/// Runs the experiments in order. After each one its files, `summary.json` and `index.html` are written, so that a
/// session that ends early leaves what it has found. An experiment that fails or panics does not keep the others from
/// running.
///
/// # Errors
/// [`HarnessError::DataNotTaken`] if there are data and no experiment takes them; [`HarnessError::Read`] if they cannot
/// be read; [`HarnessError::Write`] or [`HarnessError::Encode`] if the results cannot be kept. Errors of the experiments
/// themselves are in their [`Run`].
pub fn run(
    experiments: &[Box<dyn Experiment>],
    options: &Options,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Session, HarnessError> {
    // Decompositions that are not told how many threads to use give other last digits with another number of them.
    faer::set_global_parallelism(faer::Par::Seq);
    let fingerprint = fingerprint(experiments, options)?;
    let store = Store::create(&options.out)?;
    let mut session = Session {
        runs: Vec::new(),
        interrupted: false,
        index: store.path("index.html"),
    };
    for (place, experiment) in experiments.iter().enumerate() {
        if interrupt.raised() {
            session.interrupted = true;
            break;
        }
        let experiment = experiment.as_ref();
        let data = fingerprint.as_ref().filter(|_| experiment.takes_data());
        progress.open(experiment.name(), place + 1, experiments.len());
        let kept = store.kept(experiment.name()).filter(|_| options.resume);
        let run = match kept.filter(|run| run.answers(options.seed, options.effort, data)) {
            Some(run) => {
                progress.close(&format!("{}, kept from before", verdict(&run)));
                // Tables and figures anew, in case some were deleted.
                store.keep(&run)?;
                run
            }
            None => {
                let (seed, effort) = (options.seed, options.effort);
                let units = Units::new(&store, experiment.name(), seed, effort, data);
                if !options.resume {
                    units.forget()?;
                }
                let run = attempt(experiment, options, data, &units, progress, interrupt);
                progress.close(&format!("{}  {}", verdict(&run), duration(run.seconds)));
                if run.outcome == Outcome::Interrupted {
                    session.interrupted = true;
                } else {
                    store.keep(&run)?;
                }
                if run.record().is_some() {
                    units.forget()?;
                }
                run
            }
        };
        session.runs.push(run);
        write_report(&store, &session)?;
    }
    write_report(&store, &session)?;
    Ok(session)
}

fn fingerprint(
    experiments: &[Box<dyn Experiment>],
    options: &Options,
) -> Result<Option<Fingerprint>, HarnessError> {
    let Some(data) = &options.data else {
        return Ok(None);
    };
    let mut takers = experiments
        .iter()
        .filter(|experiment| experiment.takes_data())
        .peekable();
    if takers.peek().is_some() {
        let fingerprint = Fingerprint::of(data)?;
        takers.try_for_each(|experiment| experiment.check_data(data))?;
        return Ok(Some(fingerprint));
    }
    let all = crate::experiments::all();
    let takers = all.iter().filter(|experiment| experiment.takes_data());
    Err(HarnessError::DataNotTaken {
        takers: takers
            .map(|experiment| experiment.name().to_owned())
            .collect(),
    })
}

fn write_report(store: &Store, session: &Session) -> Result<(), HarnessError> {
    store.write_json("summary.json", &report::summary(&session.runs))?;
    store
        .write("index.html", report::page(&session.runs))
        .map(drop)
}

fn attempt(
    experiment: &dyn Experiment,
    options: &Options,
    data: Option<&Fingerprint>,
    units: &Units,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Run {
    let user_data = data.map(|fingerprint| fingerprint.data.clone());
    let context = Context::new(
        options.seed,
        options.effort,
        progress.clone(),
        interrupt.clone(),
        user_data,
    )
    .with_units(units.clone());
    let begin = Instant::now();
    // Nothing of a panicked experiment is looked at afterwards, so no broken invariant can be seen.
    let result = catch_unwind(AssertUnwindSafe(|| experiment.run(&context)));
    Run {
        experiment: experiment.name().to_owned(),
        title: experiment.title().to_owned(),
        question: experiment.question().to_owned(),
        sources: experiment.sources(),
        seed: options.seed,
        effort: options.effort,
        data: data.cloned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seconds: begin.elapsed().as_secs_f64(),
        outcome: outcome(result),
    }
}

fn outcome(result: std::thread::Result<Result<Record, HarnessError>>) -> Outcome {
    match result {
        Ok(Ok(record)) => Outcome::Complete(record),
        Ok(Err(HarnessError::Interrupted)) => Outcome::Interrupted,
        Ok(Err(error)) => Outcome::Failed {
            error: with_causes(&error),
        },
        Err(panic) => {
            let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
            let message = message.unwrap_or_else(|| "without a message".to_owned());
            Outcome::Failed {
                error: format!("panicked: {message}"),
            }
        }
    }
}

/// The error and what caused it, unless it says so itself.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

fn verdict(run: &Run) -> String {
    match &run.outcome {
        Outcome::Complete(record) => {
            let holding = record.claims.iter().filter(|claim| claim.holds).count();
            let mark = if record.holds() { '✓' } else { '✗' };
            format!("{mark} {holding} of {} claims hold", record.claims.len())
        }
        Outcome::Failed { error } => format!("✗ failed: {error}"),
        Outcome::Interrupted => "interrupted".to_owned(),
    }
}
