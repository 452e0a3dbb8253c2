//! Exactly on the critical set: which answers exist, and what they agree on.

use neuromanifold_geometry::RankTolerance;
use neuromanifold_geometry::quotient::{
    QuotientError, SolveComparison, Solver, SolverAnswer, TangentSplit, Tolerance,
};

use super::problem::Problem;
use crate::experiments::fit::log_log_slope;
use crate::{Axis, Claim, Column, Figure, HarnessError, Record, Series, Table};

const PSEUDO: Solver = Solver::PseudoInverse {
    tolerance: RankTolerance::Relative(1e-11),
};

const SOLVERS: [Solver; 7] = [
    Solver::Exact,
    PSEUDO,
    Solver::Horizontal,
    Solver::Reduced,
    Solver::Damped { lambda: 1e-2 },
    Solver::Damped { lambda: 1e-6 },
    Solver::SampleSpace { lambda: 1e-6 },
];

pub(super) fn report(problem: &Problem, record: &mut Record) -> Result<(), HarnessError> {
    let theta = problem.overlapping(0.0);
    let comparison = problem.compare(&theta, &SOLVERS)?;
    record.table(answers("overlap", "Two equal units", &comparison));
    record.claim(Claim::at_most(
        "overlap: function-space step of G⁺ against that of G^{−1} in the reduced network, relative",
        1e-7,
        difference(&comparison, PSEUDO, Solver::Reduced),
    ));
    record.claim(Claim::at_most(
        "overlap: G⁺ with the rank that numbers decide against the rank that theory decides, relative",
        1e-7,
        difference(&comparison, PSEUDO, Solver::Horizontal),
    ));
    let split = TangentSplit::of(&problem.net, &theta, Tolerance::default())?;
    let vertical = comparison.step(PSEUDO).map_or(f64::NAN, |step| {
        let (vertical, horizontal) = split.split(&step.tangent);
        norm(&vertical) / norm(&horizontal)
    });
    record.claim(Claim::at_most(
        "overlap: part of the minimum-norm step that lies in the null space, relative",
        1e-6,
        vertical,
    ));
    let named = match comparison.refusal(Solver::Exact) {
        Some(QuotientError::Critical { causes, .. }) if causes.contains("units 0, 1 overlap") => {
            "units 0, 1 overlap"
        }
        Some(_) => "another error",
        None => "a step",
    };
    record.claim(Claim::equal(
        "overlap: plain G^{−1} is refused, and the units that cause it are named",
        "units 0, 1 overlap",
        named,
    ));
    // Elimination: the dead unit's outgoing weight is a direction that the reduced network does not have.
    let dead = problem.compare(&problem.eliminated(), &SOLVERS)?;
    record.table(answers(
        "elimination",
        "A unit without outgoing weight",
        &dead,
    ));
    record.claim(Claim::at_least(
        "elimination: the same comparison differs, since reviving the dead unit is a step the reduced network cannot make",
        // how much the dead unit could help is up to the targets; a thousand times what counts as equal above is not rounding
        1e-4,
        difference(&dead, PSEUDO, Solver::Reduced),
    ));
    damping(problem, &theta, record)
}

/// All answers at one point.
fn answers(id: &str, what: &str, comparison: &SolveComparison) -> Table {
    let columns = [
        Column::text("answer"),
        Column::new("|δ|").digits(4),
        Column::new("rms J δ").digits(4),
        Column::new("½ δᵀGδ").unit("nats").digits(4),
        Column::new("D(θ : θ − δ)").unit("nats").digits(4),
        Column::new("difference from the reduced network").digits(2),
    ];
    let caption = format!("{what}: what the answers do in parameters, in outputs and in nats.");
    let mut table = Table::new(format!("answers-{id}"), caption, columns);
    for answer in comparison.answers() {
        table.row(match answer {
            SolverAnswer::Step(step) => [
                step.solver.to_string().into(),
                step.length.into(),
                step.root_mean_square.into(),
                step.predicted.into(),
                step.divergence.into(),
                difference(comparison, step.solver, Solver::Reduced).into(),
            ],
            SolverAnswer::Refused { solver, .. } => [
                solver.to_string().into(),
                "refused".into(),
                "–".into(),
                "–".into(),
                "–".into(),
                "–".into(),
            ],
        });
    }
    table
}

/// As λ → 0 the damped steps, in parameter and in sample space, tend to the minimum-norm one.
fn damping(problem: &Problem, theta: &[f64], record: &mut Record) -> Result<(), HarnessError> {
    let lambdas: Vec<f64> = (0..13)
        .map(|k| 10f64.powf(-1.0 - 0.5 * f64::from(k)))
        .collect();
    let (mut dense, mut sample) = (Vec::new(), Vec::new());
    for lambda in lambdas.iter().copied() {
        let solvers = [
            Solver::Horizontal,
            Solver::Damped { lambda },
            Solver::SampleSpace { lambda },
        ];
        let comparison = problem.compare(theta, &solvers)?;
        dense.push(difference(&comparison, solvers[1], solvers[0]));
        sample.push(difference(&comparison, solvers[2], solvers[0]));
    }
    record.figure(
        Figure::new(
            "damping",
            "On the critical set: how far the function-space step of (G + λI)^{−1} is from that of G⁺. Both ways of solving tend to \
             it in proportion to λ, until the smallest positive eigenvalue is reached from above.",
            Axis::log("damping λ").unit("nats"),
            Axis::log("relative difference of J δ"),
        )
        .with(Series::marked_line("in parameter space", lambdas.iter().copied(), dense.iter().copied()))
        .with(Series::marked_line("in sample space", lambdas.iter().copied(), sample.iter().copied())),
    );
    let tail = lambdas.iter().copied().zip(dense.iter().copied()).skip(8);
    record.claim(Claim::close(
        "order in λ at which the damped function-space step tends to that of G⁺",
        1.0,
        log_log_slope(tail),
        0.1,
    ));
    let gap = dense.iter().zip(&sample).map(|(d, s)| (d - s).abs());
    record.claim(Claim::at_most(
        "largest difference between solving in parameter and in sample space",
        1e-6,
        gap.fold(0.0, f64::max),
    ));
    Ok(())
}

/// NaN where one of them has no step.
fn difference(comparison: &SolveComparison, one: Solver, other: Solver) -> f64 {
    comparison.difference(one, other).unwrap_or(f64::NAN)
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}
