//! Close to the critical set: steps in parameters and in outputs.

use neuromanifold_geometry::RankTolerance;
use neuromanifold_geometry::quotient::Solver;

use super::problem::Problem;
use crate::experiments::fit::log_log_slope;
use crate::{
    Axis, Claim, Column, Context, Figure, HarnessError, Panel, Quantity, Record, Series, Table,
};

/// Close to the overlap the exact step in parameters grows without bound, while the outputs move by a bounded amount.
pub(super) fn report(
    problem: &Problem,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let separations: Vec<f64> = (0..context.pick(9, 13, 25))
        .map(|k| 10f64.powf(-0.25 * f64::from(k)))
        .collect();
    let answers = [
        ("G^{−1}", Solver::Exact),
        (
            "G⁺, λ > 10^{−8}λ_{max}",
            Solver::PseudoInverse {
                tolerance: RankTolerance::Relative(1e-8),
            },
        ),
        ("(G + 10^{−4}I)^{−1}", Solver::Damped { lambda: 1e-4 }),
    ];
    let columns = [
        Column::new("separation").digits(3),
        Column::new("|δ| of G^{−1}").digits(3),
        Column::new("|δ| of G⁺").digits(3),
        Column::new("|δ| of (G + λI)^{−1}").digits(3),
        Column::new("rms J δ of G^{−1}").digits(4),
        Column::new("rms J δ of G⁺").digits(4),
        Column::new("rms J δ of (G + λI)^{−1}").digits(4),
    ];
    let mut table = Table::new(
        "near",
        "Lengths of steps in parameters and in outputs (root mean square) near the overlap.",
        columns,
    );
    let mut cells: Vec<Vec<Quantity>> = separations.iter().map(|d| vec![(*d).into()]).collect();
    let mut effects: Vec<Vec<f64>> = Vec::new();
    let (mut lengths, mut outputs) = (
        Panel::new("in parameters", Axis::log("separation"), Axis::log("|δ|")),
        Panel::new(
            "in outputs",
            Axis::log("separation"),
            Axis::log("√⟨(J δ)²⟩"),
        ),
    );
    let mut bounds: [Vec<f64>; 3] = Default::default();
    for (slot, (label, solver)) in answers.into_iter().enumerate() {
        let (mut size, mut effect) = (Vec::new(), Vec::new());
        for delta in &separations {
            let theta = problem.overlapping(*delta);
            bounds[slot].push(problem.bound(&theta, solver)?);
            // refused where rounding has taken all digits
            let comparison = problem.compare(&theta, &[solver])?;
            let step = comparison.step(solver);
            size.push(step.map_or(f64::NAN, |step| step.length));
            effect.push(step.map_or(f64::NAN, |step| step.root_mean_square));
        }
        for (row, length) in cells.iter_mut().zip(&size) {
            row.push(shown(*length));
        }
        effects.push(effect.clone());
        let x = || separations.iter().copied();
        lengths = lengths.with(Series::marked_line(label, x(), size.iter().copied()).slot(slot));
        outputs = outputs.with(Series::marked_line(label, x(), effect.iter().copied()).slot(slot));
        if solver == Solver::Exact {
            let finite = || {
                separations
                    .iter()
                    .copied()
                    .zip(size.iter().copied())
                    .filter(|(_, s)| s.is_finite())
            };
            let small = finite().filter(|(d, _)| *d < 0.2);
            record.claim(Claim::at_most(
                "exponent of |G^{−1}∇l| in the separation: the exact step blows up",
                -1.0,
                log_log_slope(small),
            ));
        } else {
            // δ = f(G) A w with |f(λ)√λ| at most 1/√τ above a threshold τ, and at most 1/(2√λ) with damping λ
            let excess = size
                .iter()
                .zip(&bounds[slot])
                .map(|(size, bound)| size / bound);
            record.claim(Claim::at_most(
                format!(
                    "|δ| of {label} over the bound that its threshold or damping sets, largest"
                ),
                1.0,
                excess.fold(0.0, f64::max),
            ));
        }
    }
    for (k, mut row) in cells.into_iter().enumerate() {
        row.extend(effects.iter().map(|effect| shown(effect[k])));
        table.row(row);
    }
    record.paragraph(
        "Close to the critical set G^{−1} exists, and is useless: the step grows with a power of the distance while the outputs move \
         by a bounded amount, so the linearisation behind it holds nowhere along it. A pseudo-inverse with a stated threshold, or \
         damping, gives a step of bounded length, though just above its threshold the pseudo-inverse still allows long ones; where the two agree with each other in outputs they are both right.",
    );
    record.figure(Figure::multiples(
        "near-the-overlap",
        "Natural-gradient steps as two units approach each other.",
        [lengths, outputs],
    ));
    record.table(table);
    Ok(())
}

/// A length, or the word for a solve that was refused.
fn shown(length: f64) -> Quantity {
    if length.is_finite() {
        length.into()
    } else {
        "refused".into()
    }
}
