//! What happens to the estimate in directions that no example excites, and what can be done about it.

use neuromanifold_optim::WindUp;
use rayon::prelude::*;

use super::setting::Setting;
use super::silence::{
    AWAKE, FIRST_ORDER, FORGETTING, RATE, Run, SILENT, STRIDE, first_order_growth, silence, trace,
    train,
};
use crate::experiments::spread::Spread;
use crate::{Axis, Claim, Column, Context, Figure, HarnessError, Panel, Record, Series, Table};

/// λ, well below the smallest eigenvalue of G.
const LAMBDA: f64 = 0.01;
/// A bound on `tr Ĝ⁻¹/P`, well above that of `G⁻¹`.
const CAP: f64 = 30.0;

const CURES: [(&str, WindUp); 4] = [
    ("nothing is done", WindUp::Unchecked),
    ("leakage, λ = 0.01", WindUp::Leakage { lambda: LAMBDA }),
    ("directional forgetting, ×P", WindUp::DirectionalForgetting),
    (
        "cap on tr Ĝ^{−1}/P at 30",
        WindUp::Cap {
            mean_eigenvalue: CAP,
        },
    ),
];

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let runs: u64 = context.pick(15, 31, 99);
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
        "The network goes on learning from noisy examples at θ∗ (η = {RATE}, ε = {FORGETTING}, exact rule), and for {SILENT} steps its second input \
         is silent: x_{{2}} = 0. Along the two weights of that input nothing is learnt, but the average forgets there as everywhere: Ĝ \
         shrinks as (1−ε)^{{t}}, and Ĝ^{{−1}} grows as (1−ε)^{{−t}}. When the input is back, the first examples, noise and all, are believed \
         entirely; the loss over all inputs rises before that already, as θ drifts where the remaining examples do not see it. Leakage \
         adds λI to what is averaged, so that the estimate tends to (G + λI)^{{−1}}; a cap stops all forgetting when the mean eigenvalue \
         has reached a bound; directional forgetting forgets only along what comes in.",
    ));
    record.paragraph(
        "Directional forgetting has a limit of its own. It relaxes q = ∇fᵀĜ^{−1}∇f/σ² to one for every single example, where the average \
         makes it P in the mean, and comes to rest where E[∇f∇fᵀ/q] = E[∇f∇fᵀ]. So tr(Ĝ^{−1}G) = 1 in place of P: one direction in P is \
         forgotten at a step, and the memory is P times as long; here it is given P times ε and η, and shown P times as large. But \
         only the trace is right. Its limit is P·G for Gaussian gradients; those of a network are long in some directions and short in \
         others, and the error of the last columns does not go away. It cures wind-up, and is no estimate of G.",
    );
    record.figure(figure(&found));
    record.table(table(&found));
    claims(setting, &found, context, record)
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
        let (from, to) = (silence().end - silence().len() / 3, silence().end - 1);
        (run.largest[to] / run.largest[from]).ln() / ((to - from) * STRIDE) as f64
    };
    record.claim(Claim::close_relative(
        "rate per step at which the largest eigenvalue of Ĝ^{−1} grows over the last third of the silence: −ln(1−ε)",
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
    let looks = AWAKE * 2 / 3 / STRIDE..AWAKE / STRIDE;
    let traces = found[2]
        .iter()
        .map(|run| run.trace[looks.clone()].iter().sum::<f64>() / looks.len() as f64);
    record.claim(Claim::close(
        "directional forgetting: tr(Ĝ^{−1}G) before the silence, median: 1 in place of P (± its square error)",
        1.0,
        Spread::of(traces).median,
        0.1,
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
                Axis::log("E[L − L∗]").unit("nats"),
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
