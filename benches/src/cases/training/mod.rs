//! P5: wall time and steps until the loss is small.

mod contender;
mod run;
mod stopwatch;

use neuromanifold_optim::OptimError;
use serde_json::Value;

use self::contender::Contender;
use self::run::{Run, Training, train};
use self::stopwatch::{Hit, Stopwatch};
use crate::measurement::rounded;
use crate::problem::{
    DIABETES, DIGITS, Law, MACKEY_GLASS, Problem, Specification, TEACHER_STUDENT,
};
use crate::{Bench, BenchError, Measurement, Noise, Timing};

/// Names of the optimisers.
pub(super) const CONTENDERS: [&str; Contender::ALL.len()] = Contender::NAMES;

pub(super) fn teacher_student(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, TEACHER_STUDENT, &[1e-3, 1e-6, 1e-10])
}

pub(super) fn mackey_glass(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, MACKEY_GLASS, &[1e-4, 1e-5, 5e-6])
}

pub(super) fn diabetes(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, DIABETES, &[0.45, 0.35, 0.25])
}

pub(super) fn digits(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, DIGITS, &[0.1, 0.01])
}

/// All wanted optimisers on one problem. Targets are mean square errors, or nats for classes.
fn measure(
    case: &'static str,
    bench: &mut Bench<'_>,
    of: Specification,
    targets: &[f64],
) -> Result<(), BenchError> {
    let problem = Problem::load(of, bench.source)?;
    let training = Training::new(&problem, targets)?;
    for contender in Contender::ALL {
        if !bench.selection.wants(case, contender.name()) {
            continue;
        }
        bench
            .listener
            .begins(&format!("{case}/{}", contender.name()));
        let lines = match race(contender, &training, bench) {
            Ok(race) => race.lines(case, contender, &training, bench),
            Err(error) => vec![
                Measurement::failure(case, error.to_string(), bench.threads)
                    .with("optimizer", contender.name()),
            ],
        };
        for line in &lines {
            bench.emit(line)?;
        }
    }
    Ok(())
}

/// Runs of one optimiser from several initial vectors.
struct Race {
    setting: Option<f64>,
    runs: Vec<Run>,
    other_cpu: Option<f64>,
}

fn race(
    contender: Contender,
    training: &Training<'_>,
    bench: &Bench<'_>,
) -> Result<Race, OptimError> {
    let setting = tuned(contender, training, bench)?;
    let noise = Noise::begin();
    let mut runs: Vec<Run> = Vec::new();
    for start in training.starts().iter().take(bench.settings.starts) {
        let watch = Stopwatch::new(training.targets(), bench.settings.cap);
        runs.push(train(contender, setting, training, start, watch)?);
        let spent: f64 = runs.iter().map(|run| run.watch.seconds()).sum();
        if spent > bench.settings.budget {
            break;
        }
    }
    Ok(Race {
        setting,
        runs,
        other_cpu: noise.other(),
    })
}

/// The value of the grid that reaches the last target first from the first start, or else the most targets, or else the
/// least loss. Not on the clock.
fn tuned(
    contender: Contender,
    training: &Training<'_>,
    bench: &Bench<'_>,
) -> Result<Option<f64>, OptimError> {
    let mut best: Option<((usize, f64), f64)> = None;
    for &value in contender.grid() {
        let watch = Stopwatch::new(training.targets(), bench.settings.probe);
        let run = train(
            contender,
            Some(value),
            training,
            &training.starts()[0],
            watch,
        )?;
        let key = run.watch.standing();
        let better =
            best.is_none_or(|((hits, cost), _)| key.0 > hits || (key.0 == hits && key.1 < cost));
        if better {
            best = Some((key, value));
        }
    }
    Ok(best.map(|(_, value)| value))
}

impl Race {
    fn lines(
        &self,
        case: &str,
        contender: Contender,
        training: &Training<'_>,
        bench: &Bench<'_>,
    ) -> Vec<Measurement> {
        let runs = self.runs.len();
        let named = |line: Measurement| {
            let line = line.with("optimizer", contender.name());
            let setting = self.setting.map(|value| (contender.setting(), value));
            setting
                .into_iter()
                .fold(line, |line, (key, value)| line.with(key, value))
        };
        let mut lines = Vec::new();
        for (index, target) in training.targets().iter().enumerate() {
            let hits: Vec<Hit> = self
                .runs
                .iter()
                .filter_map(|run| run.watch.hit(index))
                .collect();
            let metric = format!("time_to_{}", python(*target));
            let timing = Timing::of(hits.iter().map(|hit| hit.seconds).collect(), None);
            let line = Measurement::new(case, &metric, timing.median, "s", runs, bench.threads);
            let line = if hits.is_empty() {
                let (best, steps, spent) = self.effort();
                line.with("best_loss", rounded(best, 3))
                    .with("iters", steps)
                    .with("spent_s", rounded(spent, 4))
            } else {
                let step = hits
                    .iter()
                    .map(|hit| 1e6 * hit.seconds / hit.steps.max(1) as f64);
                let steps = hits.iter().map(|hit| hit.steps as f64).collect();
                line.with("min", rounded(timing.min, 4))
                    .with("iters", Timing::of(steps, None).median as u64)
                    .with(
                        "us_per_iter",
                        Timing::of(step.collect(), None).median as u64,
                    )
            };
            let line = line
                .with("reached", format!("{}/{runs}", hits.len()))
                .with("other_cpu", self.other_cpu)
                .with("cap_s", bench.settings.cap);
            lines.push(named(line));
        }
        let tests: Vec<f64> = self.runs.iter().filter_map(|run| run.test_error).collect();
        if !tests.is_empty() {
            let metric = match training.law() {
                Law::Number => "test_nrmse_at_end",
                Law::Class => "test_error_at_end",
            };
            let test = Timing::of(tests, None).median;
            let train = Timing::of(self.runs.iter().map(|run| run.loss).collect(), None).median;
            let line = Measurement::new(case, metric, test, "", runs, bench.threads)
                .with("train_loss", rounded(train, 3))
                .with("cap_s", bench.settings.cap);
            lines.push(named(line));
        }
        lines
    }

    /// The least loss of all runs, the most steps, the most seconds.
    fn effort(&self) -> (f64, u64, f64) {
        self.runs
            .iter()
            .fold((f64::INFINITY, 0, 0.0), |(best, steps, spent), run| {
                (
                    best.min(run.watch.best()),
                    steps.max(run.watch.steps()),
                    spent.max(run.watch.seconds()),
                )
            })
    }
}

/// A target as Python's `%g` writes it: `0.001`, `1e-06`.
fn python(target: f64) -> String {
    if target >= 1e-4 {
        return Value::from(target).to_string();
    }
    let text = format!("{target:e}");
    match text.split_once("e-") {
        Some((mantissa, exponent)) => format!("{mantissa}e-{exponent:0>2}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::python;

    #[test]
    fn targets_are_written_as_python_does() {
        let written = [0.45, 1e-3, 1e-4, 1e-5, 5e-6, 1e-10].map(python);
        assert_eq!(
            written,
            ["0.45", "0.001", "0.0001", "1e-05", "5e-06", "1e-10"]
        );
    }
}
