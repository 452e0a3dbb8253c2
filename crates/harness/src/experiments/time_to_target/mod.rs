//! `time-to-target`: how long each optimiser takes to losses that are worth reaching.

mod problem;
mod run;

use std::time::Duration;

use self::problem::Problem;
use self::run::{Contender, Run, run};
use super::spread::Spread;
use crate::{
    Axis, Claim, Column, Context, Experiment, Figure, HarnessError, Record, Series, Source, Table,
};

/// `time-to-target`: teacher and student, Mackey–Glass, diabetes and digits; wall time and steps to given losses.
///
/// Natural gradient has a fixed number of steps, with the same settings everywhere, and claims to reach every goal from every
/// start within it: a statement about the algorithm that no load of the machine changes. The others have five times the time it
/// took. Times are reported, not claimed.
#[derive(Debug)]
pub struct TimeToTarget;

impl Experiment for TimeToTarget {
    fn name(&self) -> &'static str {
        "time-to-target"
    }

    fn title(&self) -> &'static str {
        "Time to a target"
    }

    fn question(&self) -> &'static str {
        "How long do natural gradient, L-BFGS, Adam and gradient descent take to losses that are worth reaching, and from how \
         many starts do they get there?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "M. K. Transtrum, J. P. Sethna",
                2012,
                "Improvements to the Levenberg–Marquardt algorithm for nonlinear least-squares minimization",
                "preprint",
            )
            .arxiv("1201.5885"),
            Source::new(
                "J. Martens",
                2010,
                "Deep learning via Hessian-free optimization",
                "ICML 2010",
            ),
            Source::new(
                "D. J. Wales, J. P. K. Doye",
                1997,
                "Global optimization by basin-hopping",
                "J. Phys. Chem. A 101, 5111–5116",
            )
            .doi("10.1021/jp970984n"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let starts = context.pick(2, 4, 11);
        let mut record = Record::new();
        record.paragraph(
            "Losses are mean square errors, for digits nats. Only steps are on the clock, not the look at the loss. Adam has a rate \
             of 0.03, gradient descent one of 0.05 with Nesterov's momentum 0.9, L-BFGS a memory of 50; natural gradient is used \
             as it comes. Where an optimiser did not reach a goal from all starts, the median is over those from which it did.",
        );
        let problems = Problem::all(context)?;
        let work = problems.len() * starts * Contender::ALL.len();
        context.progress().begin("fitting", work);
        for (number, problem) in problems.iter().enumerate() {
            let mut all = Vec::new();
            for start in 0..starts {
                let mut rng = context.rng((100 * number + start) as u64);
                let place = format!("{} {start}", problem.file);
                all.push(compare(problem, &place, &problem.start(&mut rng), context)?);
            }
            report(problem, &all, &mut record);
        }
        Ok(record)
    }
}

/// All optimisers from one start, in the order of [`Contender::ALL`].
fn compare(
    problem: &Problem,
    place: &str,
    start: &[f64],
    context: &Context,
) -> Result<Vec<Run>, HarnessError> {
    let mut runs: Vec<Run> = Vec::new();
    for contender in Contender::ALL {
        let time = runs
            .first()
            .map(|natural| Duration::from_secs_f64(5.0 * natural.seconds));
        runs.push(context.unit(format!("{place} {contender:?}"), || {
            run(contender, problem, start, time, context)
        })?);
        context.progress().advance(1);
    }
    Ok(runs)
}

fn report(problem: &Problem, all: &[Vec<Run>], record: &mut Record) {
    let columns = [
        Column::text("optimiser"),
        Column::new("loss to reach").digits(2),
        Column::text("reached from"),
        Column::new("median time").unit("s").digits(2),
        Column::new("longest time").unit("s").digits(2),
        Column::new("median steps").digits(3),
    ];
    let caption = format!("{}: time and steps to a loss.", problem.name);
    let mut table = Table::new(problem.file, caption, columns);
    let mut figure = Figure::new(
        format!("{}-loss", problem.file),
        format!(
            "{}: loss against the time spent on steps, from each start.",
            problem.name
        ),
        Axis::log("time").unit("s"),
        Axis::log("loss"),
    );
    for (slot, contender) in Contender::ALL.into_iter().enumerate() {
        for (number, goal) in problem.goals.iter().enumerate() {
            let reached: Vec<(f64, u64)> = all
                .iter()
                .filter_map(|runs| runs[slot].reached[number])
                .collect();
            let time = Spread::of(reached.iter().map(|(seconds, _)| *seconds));
            let steps = Spread::of(reached.iter().map(|(_, steps)| *steps as f64));
            let shown = |value: f64| {
                if value.is_finite() {
                    value.into()
                } else {
                    "–".into()
                }
            };
            table.row([
                contender.name().into(),
                (*goal).into(),
                format!("{} of {}", reached.len(), all.len()).into(),
                shown(time.median),
                shown(time.high),
                shown(steps.median),
            ]);
            if contender == Contender::Natural {
                record.claim(Claim::equal(
                    format!(
                        "{}: starts of {} from which natural gradient reaches {goal:e} in {} steps",
                        problem.name,
                        all.len(),
                        problem.steps
                    ),
                    all.len(),
                    reached.len(),
                ));
            }
        }
        for (number, runs) in all.iter().enumerate() {
            let label = if number == 0 { contender.name() } else { "" };
            let (x, y): (Vec<f64>, Vec<f64>) = runs[slot].curve.iter().copied().unzip();
            figure = figure.with(Series::line(label, x, y).slot(slot));
        }
    }
    record.heading(problem.name);
    record.figure(figure);
    record.table(table);
}
