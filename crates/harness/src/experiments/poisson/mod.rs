//! `poisson`: differential equations solved by natural gradient, without the library knowing of them.

mod collocation;
mod problem;
mod run;

pub use self::collocation::{Collocation, Condition, Operator};

use std::time::Duration;

use self::problem::Problem;
use self::run::{Contender, End, Run, run};
use super::spread::Spread;
use crate::figure::Map;
use crate::{
    Axis, Claim, Column, Context, Experiment, Figure, HarnessError, Panel, Record, Series, Source,
    Table,
};

/// `poisson`: −Δu = f and the heat equation with a network of 64 tanh units, by natural gradient, L-BFGS and Adam.
///
/// The residuals at collocation points are an output map like any other. Natural gradient takes a fixed number of steps, the
/// others the time that it took; with full effort everybody has 20 seconds.
#[derive(Debug)]
pub struct Poisson;

/// The runs of one seed, in the order of [`Contender::ALL`].
type Runs = Vec<Run>;

impl Experiment for Poisson {
    fn name(&self) -> &'static str {
        "poisson"
    }

    fn title(&self) -> &'static str {
        "Differential equations as statistical models"
    }

    fn question(&self) -> &'static str {
        "How precisely do natural gradient, L-BFGS and Adam solve a differential equation with the same network in the same \
         time?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "J. Müller, M. Zeinhofer",
                2023,
                "Achieving high accuracy with PINNs via energy natural gradients",
                "ICML 2023",
            )
            .arxiv("2302.13163"),
            Source::new(
                "M. Raissi, P. Perdikaris, G. E. Karniadakis",
                2019,
                "Physics-informed neural networks",
                "Journal of Computational Physics 378, 686–707",
            )
            .doi("10.1016/j.jcp.2018.10.045"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let seeds = context.pick(1, 2, 10);
        let end = context.pick(
            End::Steps(70),
            End::Steps(200),
            End::Time(Duration::from_secs(20)),
        );
        let mut record = Record::new();
        record.paragraph(
            "The residuals of an equation at 900 points inside the square and 30 a side are the outputs of a map θ ↦ Z(θ), with \
             closed derivatives; their mean square is the loss. That is all the optimisers see. Errors are relative, in L², \
             against the exact solution.",
        );
        let problems = [Problem::poisson()?, Problem::heat()?];
        let work = problems.len() * seeds * Contender::ALL.len();
        context.progress().begin("solving", work);
        for (stream, problem) in problems.iter().enumerate() {
            let mut all = Vec::new();
            for seed in 0..seeds {
                let mut rng = context.rng((100 * stream + seed) as u64);
                let place = format!("{} {seed}", problem.name);
                all.push(compare(
                    problem,
                    &place,
                    &problem.start(&mut rng),
                    end,
                    context,
                )?);
            }
            report(problem, &all, &mut record)?;
            claims(problem, &all, context, &mut record);
        }
        Ok(record)
    }
}

fn compare(
    problem: &Problem,
    place: &str,
    start: &[f64],
    end: End,
    context: &Context,
) -> Result<Runs, HarnessError> {
    let mut runs: Runs = Vec::new();
    for contender in Contender::ALL {
        let end = match (runs.first(), end) {
            (Some(natural), End::Steps(_)) => End::Time(Duration::from_secs_f64(natural.total())),
            _ => end,
        };
        runs.push(context.unit(format!("{place} {contender:?}"), || {
            run(contender, problem, start, end, context)
        })?);
        context.progress().advance(1);
    }
    Ok(runs)
}

fn claims(problem: &Problem, all: &[Runs], context: &Context, record: &mut Record) {
    let errors = |contender: usize| all.iter().map(move |runs| runs[contender].error());
    let natural = Spread::of(errors(0));
    let rivals = errors(1).chain(errors(2)).fold(f64::INFINITY, f64::min);
    let name = problem.title;
    let goal = context.pick(1e-3, 1e-5, 1e-6);
    if problem.name == "poisson" {
        let goal = context.pick(1e-4, 1e-6, 1e-6);
        let reached = errors(0).filter(|error| *error <= goal).count();
        let wanted = all.len() - all.len() / 10;
        record.claim(Claim::at_least(
            format!(
                "{name}: starts of {} from which natural gradient ends below {goal:e}",
                all.len()
            ),
            wanted as f64,
            reached as f64,
        ));
        if context.pick(false, false, true) {
            record.claim(Claim::at_most(
                format!("{name}: smallest relative error of natural gradient (6.1e-8 is the published one)"),
                6e-8,
                natural.low,
            ));
        }
    } else {
        record.claim(Claim::at_most(
            format!("{name}: median relative error of natural gradient"),
            goal,
            natural.median,
        ));
    }
    record.claim(Claim::at_most(
        format!(
            "{name}: worst error of natural gradient over the best of the others in the same time"
        ),
        0.1,
        natural.high / rivals,
    ));
}

fn report(problem: &Problem, all: &[Runs], record: &mut Record) -> Result<(), HarnessError> {
    record.heading(problem.title);
    let mut figure = Figure::new(
        format!("{}-error", problem.name),
        format!(
            "{}: relative error against the time spent on steps, from {} starts.",
            problem.title,
            all.len()
        ),
        Axis::log("time").unit("s"),
        Axis::log("relative error in L^{2}"),
    );
    let columns = [
        Column::text("optimiser"),
        Column::new("steps").digits(3),
        Column::new("time").unit("s").digits(3),
        Column::new("median error").digits(2),
        Column::new("best error").digits(2),
        Column::new("worst error").digits(2),
        Column::new("median time to 10⁻⁶").unit("s").digits(2),
    ];
    let caption = format!("{}, from {} starts.", problem.title, all.len());
    let mut table = Table::new(problem.name, caption, columns);
    for (slot, contender) in Contender::ALL.into_iter().enumerate() {
        let of =
            |value: &dyn Fn(&Run) -> f64| Spread::of(all.iter().map(|runs| value(&runs[slot])));
        let error = of(&Run::error);
        let reached = of(&|run| run.seconds_to(1e-6)).median;
        table.row([
            contender.name().into(),
            of(&|run| run.steps as f64).median.into(),
            of(&Run::total).median.into(),
            error.median.into(),
            error.low.into(),
            error.high.into(),
            if reached.is_finite() {
                reached.into()
            } else {
                "–".into()
            },
        ]);
        for (number, runs) in all.iter().enumerate() {
            let run = &runs[slot];
            let label = if number == 0 { contender.name() } else { "" };
            let x = run.seconds[1..].iter().copied();
            let y = run.errors[1..].iter().copied();
            figure = figure.with(Series::line(label, x, y).slot(slot));
        }
    }
    record.figure(figure);
    record.table(table);
    if let Some(run) = all.first().and_then(|runs| runs.first()) {
        record.figure(maps(problem, run)?);
    }
    Ok(())
}

/// The solution that natural gradient has found from the first start, and its error.
fn maps(problem: &Problem, run: &Run) -> Result<Figure, HarnessError> {
    const CELLS: usize = 41;
    let (u, error) = problem.on_grid(&run.theta, CELLS)?;
    let grid = || (0..CELLS).map(|i| i as f64 / (CELLS - 1) as f64);
    let panel = |title: &str, values: Vec<f64>| {
        let [x, y] = problem.axes;
        Panel::new(title, Axis::linear(x), Axis::linear(y)).map(Map::from_values(
            title,
            grid(),
            grid(),
            values,
        ))
    };
    Ok(Figure::multiples(
        format!("{}-solution", problem.name),
        format!(
            "{}: what natural gradient has found from the first start, and how far it is from the solution.",
            problem.title
        ),
        [panel("u", u), panel("u − u*", error)],
    ))
}
