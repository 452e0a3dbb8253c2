//! Why learning stands still, and what following the geometry changes about it.

mod agreement;
mod committee;
mod escapes;
mod learner;
mod simulation;
mod start;
mod theory;

use rayon::prelude::*;

use self::learner::Learner;
use self::simulation::{Simulated, learn};
use self::start::Start;
use super::spread::Spread;
use crate::{
    Axis, Claim, Column, Context, Experiment, Figure, HarnessError, Panel, Record, Series, Source,
    Table,
};

/// `plateau`: a two-unit student learns a two-unit teacher on line, from an almost symmetric start.
#[derive(Debug)]
pub struct Plateau;

/// Learning is over the plateau when the generalisation error is below this.
const ESCAPED: f64 = 1e-3;
/// `r₀`: how far the start is from perfect symmetry.
const ASYMMETRY: f64 = 1e-2;

const GRADIENT: Learner = Learner::Gradient { eta: 1.5 };
const SLOW: Learner = Learner::Natural { eta: 0.1 };
const FAST: Learner = Learner::Natural { eta: 0.3 };
const TOO_FAST: Learner = Learner::Natural { eta: 1.0 };
const ADAPTIVE: Learner = Learner::Adaptive {
    eta: 0.1,
    epsilon: 0.2,
};
const LEARNERS: [Learner; 5] = [GRADIENT, SLOW, FAST, TOO_FAST, ADAPTIVE];

impl Experiment for Plateau {
    fn name(&self) -> &'static str {
        "plateau"
    }

    fn title(&self) -> &'static str {
        "Plateaus: learning near a symmetric start"
    }

    fn question(&self) -> &'static str {
        "Does natural gradient remove the plateau on which gradient descent lingers while its hidden units are still alike?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "D. Saad, S. A. Solla",
                1995,
                "On-line learning in soft committee machines",
                "Physical Review E 52, 4225–4243",
            )
            .doi("10.1103/PhysRevE.52.4225"),
            Source::new(
                "M. Rattray, D. Saad, S. Amari",
                1998,
                "Natural gradient descent for on-line learning",
                "Physical Review Letters 81, 5461–5464",
            )
            .doi("10.1103/PhysRevLett.81.5461"),
            Source::new(
                "S. Amari, H. Park, K. Fukumizu",
                2000,
                "Adaptive method of realizing natural gradient learning for multilayer perceptrons",
                "Neural Computation 12(6), 1399–1409",
            )
            .doi("10.1162/089976600300015420"),
            Source::new(
                "M. Inoue, H. Park, M. Okada",
                2003,
                "On-line learning theory of soft committee machines with correlated hidden units",
                "Journal of the Physical Society of Japan 72, 805–810",
            )
            .arxiv("cond-mat/0212006"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let dimension = context.pick(30, 100, 300);
        let seeds: u64 = context.pick(3, 5, 9);
        let start = Start::near_symmetric(ASYMMETRY)?;
        let alpha_max = context.pick(220, 250, 300);
        let jobs: Vec<(Learner, u64)> = (LEARNERS.into_iter())
            .flat_map(|learner| (0..seeds).map(move |seed| (learner, seed)))
            .collect();
        context.progress().begin("on-line learning", jobs.len());
        // Every learner sees the same examples for the same seed.
        let runs: Vec<Simulated> = jobs
            .par_iter()
            .map(|(learner, seed)| {
                let run = context.unit(format!("{learner:?} {seed}"), || {
                    let mut rng = context.rng(*seed);
                    learn(*learner, &start, dimension, alpha_max, context, &mut rng)
                });
                context.progress().advance(1);
                run
            })
            .collect::<Result<_, _>>()?;
        let runs: Vec<(Learner, &[Simulated])> = LEARNERS
            .into_iter()
            .zip(runs.chunks_exact(seeds as usize))
            .collect();

        let mut record = Record::new();
        record.paragraph(format!(
            "Teacher and student are soft committee machines f(x) = Σ_{{i}} erf(w_{{i}}·x/√2) of two units each, on inputs \
             x ~ N(0, I_{{n}}), n = {dimension}, without noise; every step sees one new example and the time is α = steps/n. \
             The student starts with overlaps of order {ASYMMETRY} with either teacher unit: each of its units could still \
             become either. While they have not decided, the error stands still. All learners see the same examples. The adaptive \
             learner keeps a matrix of (2n)² numbers, which is why n is no larger here."
        ));
        record.figure(learning_curves(&runs));
        record.paragraph(
            "The order parameters show what the curves hide. R_{ij} = w_{i}·b_{j} is the overlap of a student unit with a \
             teacher unit. On the plateau all four agree; escaping it means that two grow to 1 and two fall to 0. Either rule \
             has to wait for a small difference to grow. Natural gradient moves in the metric of the laws, where units that are \
             alike are close together, so the difference grows faster; its rate is bounded by the noise of the single examples.",
        );
        record.figure(order_parameters(&runs));
        record.table(escape_times(&runs));
        claims(&mut record, &runs, alpha_max as f64);
        escapes::report(&mut record, context)?;
        agreement::report(&mut record, context)?;
        Ok(record)
    }
}

fn learning_curves(runs: &[(Learner, &[Simulated])]) -> Figure {
    let mut figure = Figure::new(
        "learning-curves",
        "Generalisation error against time: median over seeds, band from the smallest to the largest. The line at \
         10^{−3} is where a run counts as escaped.",
        Axis::linear("α = steps / n"),
        Axis::log("generalisation error ε_{g}").limits(1e-7, 1.0),
    )
    .horizontal(ESCAPED, "escaped");
    for (slot, (learner, trajectories)) in runs.iter().enumerate() {
        let at = |k: usize| Spread::of(trajectories.iter().map(|t| t.error[k]));
        let spreads: Vec<Spread> = (0..trajectories[0].alpha.len()).map(at).collect();
        figure = figure.with(
            Series::band(
                learner.label(),
                trajectories[0].alpha.iter().copied(),
                spreads.iter().map(|s| s.median),
                spreads.iter().map(|s| s.low),
                spreads.iter().map(|s| s.high),
            )
            .slot(slot),
        );
    }
    figure
}

fn order_parameters(runs: &[(Learner, &[Simulated])]) -> Figure {
    let shown = [GRADIENT, SLOW, ADAPTIVE];
    let panels = runs
        .iter()
        .filter(|(learner, _)| shown.contains(learner))
        .map(|(learner, trajectories)| {
            let run = &trajectories[0];
            let series = |label: &str, value: &dyn Fn(usize) -> f64| {
                Series::line(
                    label,
                    run.alpha.iter().copied(),
                    (0..run.alpha.len()).map(value),
                )
            };
            let mut panel = Panel::new(
                learner.label(),
                Axis::linear("α = steps / n"),
                Axis::linear("overlap"),
            );
            for (k, name) in ["R_{11}", "R_{12}", "R_{21}", "R_{22}"]
                .into_iter()
                .enumerate()
            {
                panel = panel.with(series(name, &|t| run.at[t].teacher[k]));
            }
            for (k, name) in ["Q_{11}", "Q_{12}", "Q_{22}"].into_iter().enumerate() {
                panel = panel.with(series(name, &|t| run.at[t].student[k]));
            }
            panel
        });
    Figure::multiples(
        "order-parameters",
        "Overlaps of the student with the teacher (R) and with itself (Q) in one run of three learners.",
        panels,
    )
    .share_y()
    .share_x()
}

fn escape_times(runs: &[(Learner, &[Simulated])]) -> Table {
    let columns = [
        Column::text("learner"),
        Column::new("runs"),
        Column::new("escaped"),
        Column::new("α at escape, median").digits(3),
        Column::new("α at escape, smallest").digits(3),
        Column::new("α at escape, largest").digits(3),
        Column::new("final ε_{g}, median").digits(2),
    ];
    let mut table = Table::new(
        "escape-times",
        "Time until the generalisation error falls below 10^{−3}; ∞ for runs that never get there.",
        columns,
    );
    for (learner, trajectories) in runs {
        let escapes: Vec<f64> = trajectories.iter().map(|t| t.escape(ESCAPED)).collect();
        let spread = Spread::of(escapes.iter().copied());
        let last = Spread::of(trajectories.iter().filter_map(|t| t.error.last().copied()));
        table.row([
            learner.label().into(),
            trajectories.len().into(),
            escapes.iter().filter(|t| t.is_finite()).count().into(),
            spread.median.into(),
            spread.low.into(),
            spread.high.into(),
            last.median.into(),
        ]);
    }
    table
}

fn claims(record: &mut Record, runs: &[(Learner, &[Simulated])], alpha_max: f64) {
    let escape = |wanted: Learner| {
        let found = runs.iter().find(|(learner, _)| *learner == wanted);
        found.map_or(Spread::of([f64::NAN]), |(_, trajectories)| {
            Spread::of(trajectories.iter().map(|t| t.escape(ESCAPED)))
        })
    };
    let gradient = escape(GRADIENT).median;
    record.claim(Claim::within(
        "α at which gradient descent (η = 1.5) escapes, median",
        50.0..=150.0,
        gradient,
    ));
    for learner in [SLOW, FAST] {
        record.claim(Claim::at_most(
            format!(
                "α at which {} escapes, over that of gradient descent",
                learner.label()
            ),
            0.95,
            escape(learner).median / gradient,
        ));
    }
    record.claim(Claim::at_most(
        format!(
            "α at which the {} learner escapes, over that of gradient descent",
            ADAPTIVE.label()
        ),
        1.0,
        escape(ADAPTIVE).median / gradient,
    ));
    let stuck = runs.iter().find(|(learner, _)| *learner == TOO_FAST);
    let escaped = stuck.map_or(0, |(_, t)| {
        t.iter().filter(|t| t.escape(ESCAPED).is_finite()).count()
    });
    record.claim(Claim::equal(
        format!("runs of {} that escape by α = {alpha_max}: “no plateau” is a statement about small steps", TOO_FAST.label()),
        0_usize,
        escaped,
    ));
}
