//! What happens to the estimate in directions that no example excites, and what can be done about it.

use faer::{Mat, MatRef};
use neuromanifold_geometry::Spectrum;
use neuromanifold_optim::{AdaptiveNaturalGradient, OptimError, Rule, Schedule, WindUp};
use rayon::prelude::*;

use super::setting::{Setting, axes, estimate, inverse, observer};
use crate::experiments::regression::Regression;
use crate::experiments::spread::Spread;
use crate::{Axis, Claim, Column, Context, Figure, HarnessError, Panel, Record, Series, Table};

/// ε and η.
const FORGETTING: f64 = 0.005;
const RATE: f64 = 0.002;
/// Steps before the second input falls silent, and after it is back.
const AWAKE: usize = 1500;
/// Steps for which it is silent.
const SILENT: usize = 2000;
const STRIDE: usize = 20;
/// The weights of the second input: what its silence leaves unexcited.
const UNEXCITED: [usize; 2] = [1, 3];
/// λ, well below the smallest eigenvalue of G.
const LAMBDA: f64 = 0.01;
/// A bound on `tr Ĝ⁻¹/P`, well above that of `G⁻¹`.
const CAP: f64 = 30.0;

const CURES: [(&str, WindUp); 4] = [
    ("nothing is done", WindUp::Unchecked),
    ("leakage, λ = 0.01", WindUp::Leakage { lambda: LAMBDA }),
    ("directional forgetting", WindUp::DirectionalForgetting),
    (
        "cap on tr Ĝ^{−1}/P at 30",
        WindUp::Cap {
            mean_eigenvalue: CAP,
        },
    ),
];

/// One run, seen at every stride.
struct Run {
    /// `λ_max(Ĝ⁻¹)`.
    largest: Vec<f64>,
    /// In nats.
    excess: Vec<f64>,
    /// `|Ĝ⁻¹G − I|/√P`.
    error: Vec<f64>,
    /// `Ĝ` among the unexcited parameters, when silence begins and ends.
    block: [Mat<f64>; 2],
}

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let runs: u64 = context.pick(9, 25, 99);
    let jobs: Vec<(WindUp, u64)> = CURES
        .into_iter()
        .flat_map(|(_, cure)| (0..runs).map(move |run| (cure, run)))
        .collect();
    context.progress().begin("wind-up", jobs.len());
    let found: Vec<Run> = jobs
        .par_iter()
        .map(|(cure, run)| {
            // the same examples for every cure
            let found = train(setting, *cure, 3_000_000_000 + run, context);
            context.progress().advance(1);
            found
        })
        .collect::<Result<_, _>>()?;
    let found: Vec<&[Run]> = found.chunks_exact(jobs.len() / CURES.len()).collect();

    record.heading("Wind-up, and its cures");
    record.paragraph(format!(
        "The network goes on learning from noisy examples at θ* (η = {RATE}, ε = {FORGETTING}, exact rule), and for {SILENT} steps its second input \
         is silent: x_{{2}} = 0. Along the two weights of that input nothing is learnt, but the average forgets there as everywhere: Ĝ \
         shrinks as (1−ε)^{{t}}, and Ĝ^{{−1}} grows as (1−ε)^{{−t}}. When the input is back, the first examples, noise and all, are believed \
         entirely. Leakage adds λI to what is averaged, so that the estimate tends to (G + λI)^{{−1}}; directional forgetting forgets \
         only along what comes in; a cap stops all forgetting when the mean eigenvalue has reached a bound.",
    ));
    record.figure(figure(&found));
    record.table(table(&found));
    claims(setting, &found, context, record)
}

fn silence() -> std::ops::Range<usize> {
    AWAKE / STRIDE..(AWAKE + SILENT) / STRIDE
}

fn claims(
    setting: &Setting,
    found: &[&[Run]],
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let rate = |run: &Run| (trace(&run.block[0]) / trace(&run.block[1])).ln() / SILENT as f64;
    let worst = |of: &dyn Fn(&Run) -> f64, runs: &[Run], expected: f64| {
        let far = runs
            .iter()
            .map(of)
            .max_by(|a, b| (a - expected).abs().total_cmp(&(b - expected).abs()));
        far.unwrap_or(f64::NAN)
    };
    let expected = -(-FORGETTING).ln_1p();
    record.claim(Claim::close_relative(
        "rate per step at which Ĝ shrinks along unexcited parameters, exact rule: −ln(1−ε)",
        expected,
        worst(&rate, found[0], expected),
        1e-6,
    ));
    // fitted once what couples to the other directions is forgotten
    let slope = |run: &Run| {
        let (from, to) = (silence().end - silence().len() / 2, silence().end - 1);
        (run.largest[to] / run.largest[from]).ln() / ((to - from) * STRIDE) as f64
    };
    record.claim(Claim::close_relative(
        "rate per step at which the largest eigenvalue of Ĝ^{−1} grows over the second half of the silence: −ln(1−ε)",
        expected,
        worst(&slope, found[0], expected),
        0.02,
    ));
    let growth = first_order_growth(setting, context)?;
    record.claim(Claim::close_relative(
        "rate per step at which Ĝ^{−1} grows along a parameter that was never excited, first-order rule: ln(1+ε)",
        FIRST_ORDER.ln_1p(),
        growth,
        1e-6,
    ));
    let kept = found[2]
        .iter()
        .map(|run| (&run.block[1] - &run.block[0]).norm_max() / run.block[0].norm_max());
    record.claim(Claim::at_most(
        "directional forgetting: relative change of Ĝ along unexcited parameters over the silence",
        1e-6,
        kept.fold(0.0, f64::max),
    ));
    let highest = |runs: &[Run]| {
        runs.iter()
            .map(|run| run.largest[silence().end - 1])
            .fold(0.0, f64::max)
    };
    let dim = setting.regression.dim() as f64;
    let leak =
        ((1.0 - FORGETTING).powf(-dim) - 1.0) * (1.0 - FORGETTING) / (FORGETTING * dim * LAMBDA);
    record.claim(Claim::at_most(
        "leakage: largest eigenvalue of Ĝ^{−1} at the end of the silence, against ((1−ε)^{−P}−1)(1−ε)/(εPλ)",
        leak,
        highest(found[1]),
    ));
    record.claim(Claim::at_most(
        "cap: the same, against P times the bound on the mean",
        dim * CAP,
        highest(found[3]),
    ));
    let peak = |runs: &[Run]| Spread::of(runs.iter().map(Run::peak)).median;
    for (k, (name, _)) in CURES.into_iter().enumerate().skip(1) {
        record.claim(Claim::at_most(
            format!("{name}: largest excess loss after the silence, over that when nothing is done (medians)"),
            0.5,
            peak(found[k]) / peak(found[0]),
        ));
    }
    Ok(())
}

fn trace(matrix: &Mat<f64>) -> f64 {
    matrix.diagonal().column_vector().iter().sum()
}

impl Run {
    fn peak(&self) -> f64 {
        self.excess[silence().end..]
            .iter()
            .copied()
            .fold(0.0, f64::max)
    }
}

fn figure(found: &[&[Run]]) -> Figure {
    let steps: Vec<f64> = (0..found[0][0].largest.len())
        .map(|look| (look * STRIDE) as f64)
        .collect();
    let panel = |title: &str, axis: Axis, of: &dyn Fn(&Run, usize) -> f64| {
        let mut panel = Panel::new(title, Axis::linear("step"), axis)
            .vertical(AWAKE as f64, "silent")
            .vertical((AWAKE + SILENT) as f64, "back");
        for (slot, ((name, _), runs)) in CURES.into_iter().zip(found).enumerate() {
            let at = |look: usize| Spread::of(runs.iter().map(|run| of(run, look))).median;
            panel = panel.with(
                Series::line(name, steps.iter().copied(), (0..steps.len()).map(at)).slot(slot),
            );
        }
        panel
    };
    let mut largest = panel(
        "largest eigenvalue",
        Axis::log("λ_{max}(Ĝ^{−1})"),
        &|run, look| run.largest[look],
    );
    let start = Spread::of(found[0].iter().map(|run| run.largest[silence().end - 1])).median;
    largest = largest.with(Series::guide(
        "(1−ε)^{−t}",
        silence().map(|look| steps[look]),
        silence().map(|look| {
            start * (1.0 - FORGETTING).powf(((silence().end - 1 - look) * STRIDE) as f64)
        }),
    ));
    Figure::multiples(
        "wind-up",
        "The largest eigenvalue of the estimate and the excess loss while the second input is silent and after; medians over runs.",
        [
            largest,
            panel(
                "excess loss",
                Axis::log("E[L − L*]").unit("nats"),
                &|run, look| run.excess[look],
            ),
        ],
    )
}

fn table(found: &[&[Run]]) -> Table {
    let columns = [
        Column::text("wind-up"),
        Column::new("λ_{max} before").digits(3),
        Column::new("λ_{max} at the end of silence").digits(3),
        Column::new("excess loss before").unit("nats").digits(2),
        Column::new("largest after").unit("nats").digits(2),
        Column::new("|Ĝ^{−1}G − I|/√P before").digits(2),
        Column::new("at the end").digits(2),
    ];
    let mut table = Table::new("wind-up-cures", "Medians over the runs.", columns);
    for ((name, _), runs) in CURES.into_iter().zip(found) {
        let median = |of: &dyn Fn(&Run) -> f64| Spread::of(runs.iter().map(of)).median;
        let before = silence().start;
        table.row([
            name.into(),
            median(&|run| run.largest[before]).into(),
            median(&|run| run.largest[silence().end - 1]).into(),
            median(&|run| run.excess[before]).into(),
            median(&|run| run.peak()).into(),
            median(&|run| run.error[before]).into(),
            median(&|run| run.error[run.error.len() - 1]).into(),
        ]);
    }
    table
}

fn train(
    setting: &Setting,
    cure: WindUp,
    stream: u64,
    context: &Context,
) -> Result<Run, HarnessError> {
    let mut rng = context.rng(stream);
    let regression = &setting.regression;
    let mut learner = AdaptiveNaturalGradient::new(
        Rule::ShermanMorrison,
        Schedule::constant(RATE)?,
        Schedule::constant(FORGETTING)?,
    )
    .with_wind_up(cure)?;
    let mut theta = regression.truth().to_vec();
    let mut run = Run {
        largest: Vec::new(),
        excess: Vec::new(),
        error: Vec::new(),
        block: [Mat::zeros(2, 2), Mat::zeros(2, 2)],
    };
    for step in 0..=2 * AWAKE + SILENT {
        let (mut x, mut y) = regression.draw(&mut rng)?;
        if (AWAKE..AWAKE + SILENT).contains(&step) {
            // the same noise, another answer
            y -= regression.answer(&x)?;
            x[1] = 0.0;
            y += regression.answer(&x)?;
        }
        if step == AWAKE {
            run.block[0] = unexcited(estimate(&learner).as_ref());
        } else if step == AWAKE + SILENT {
            run.block[1] = unexcited(estimate(&learner).as_ref());
        }
        setting.learn(&mut learner, (&x, y), &mut theta)?;
        if step % STRIDE == 0 {
            context.check()?;
            let mine = estimate(&learner);
            let eigenvalues = Spectrum::eigenvalues_of(mine.as_ref())?;
            run.largest.push(eigenvalues[eigenvalues.len() - 1]);
            run.excess.push(regression.excess_loss(&theta)?);
            run.error
                .push(axes(regression, &theta)?.relative_error(mine.as_ref()));
        }
    }
    Ok(run)
}

/// The part of Ĝ that belongs to the weights of the second input.
fn unexcited(estimate: MatRef<'_, f64>) -> Mat<f64> {
    let metric = inverse(estimate);
    Mat::from_fn(2, 2, |i, j| metric[(UNEXCITED[i], UNEXCITED[j])])
}

/// ε for the first-order rule, small enough for it to survive.
const FIRST_ORDER: f64 = 0.002;

/// The rate at which the largest eigenvalue grows while the second input has never spoken.
fn first_order_growth(setting: &Setting, context: &Context) -> Result<f64, HarnessError> {
    const STEPS: usize = 4000;
    let mut rng = context.rng(3_500_000_000);
    let regression = &setting.regression;
    let smallest = 1.0 / setting.axes.eigenvalues()[regression.dim() - 1];
    let mut learner = observer(Rule::FirstOrder, Schedule::constant(FIRST_ORDER)?)?
        .with_initial_inverse(smallest)?;
    let mut theta = regression.truth().to_vec();
    let mut steps = 0;
    while steps < STEPS {
        let mut x = Regression::input(&mut rng);
        x[1] = 0.0;
        let y = regression.answer(&x)?;
        match setting.learn(&mut learner, (&x, y), &mut theta) {
            Ok(()) => steps += 1,
            // a rare example: what was seen until then is as good
            Err(HarnessError::Optim(OptimError::PositiveDefinitenessLost { .. })) => break,
            Err(other) => return Err(other),
        }
    }
    let estimate = estimate(&learner);
    Ok((estimate[(UNEXCITED[0], UNEXCITED[0])] / smallest).ln() / steps as f64)
}
