//! Does the metric of Gaussian inputs precondition that of real ones?

mod claims;
mod conditioner;
mod problem;
mod report;

use neuromanifold_geometry::DiagonalFisher;
use neuromanifold_model::OutputMap as _;

use self::conditioner::{Conditioner, System, Trial};
use self::problem::{Point, Problem};
use crate::{Context, Experiment, HarnessError, Record, Source};

/// `preconditioner`: conjugate gradients on the metric of concrete, Mackey–Glass and digits, with what helps them.
///
/// Counts of iterations are claimed, as they do not depend on the machine; times are reported.
#[derive(Debug)]
pub struct Preconditioners;

impl Experiment for Preconditioners {
    fn name(&self) -> &'static str {
        "preconditioner"
    }

    fn title(&self) -> &'static str {
        "Gaussian inputs as a preconditioner"
    }

    fn question(&self) -> &'static str {
        "Real inputs are not Gaussian. Does the metric that they would have if they were precondition the one they have, and when \
         does it pay?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "H. H. Yang, S. Amari",
                1998,
                "Complexity issues in natural gradient descent method for training multilayer perceptrons",
                "Neural Computation 10, 2137–2157",
            )
            .doi("10.1162/089976698300017007"),
            Source::new(
                "O. Ledoit, M. Wolf",
                2004,
                "A well-conditioned estimator for large-dimensional covariance matrices",
                "J. Multivariate Analysis 88, 365–411",
            )
            .doi("10.1016/S0047-259X(03)00096-4"),
            Source::new(
                "J. Martens, R. Grosse",
                2015,
                "Optimizing neural networks with Kronecker-factored approximate curvature",
                "ICML 2015",
            )
            .arxiv("1503.05671"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        // one thread, so that times compare
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .map_err(|source| HarnessError::Thread { source })?;
        let problems = Problem::all(context)?;
        let measured = pool.install(|| {
            context
                .progress()
                .begin("solving", 3 * problems.len() * dampings(context).len());
            let each = problems.iter().zip(0..);
            each.map(|(problem, place)| measure(problem, place, context))
                .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(report::record(&problems, &measured))
    }
}

/// The damping in units of the mean eigenvalue of the metric, `tr G/P`.
fn dampings(context: &Context) -> Vec<f64> {
    let smallest = context.pick(-2, -3, -6);
    (smallest..=0)
        .rev()
        .map(|exponent| 10f64.powi(exponent))
        .collect()
}

/// All solves at one point of training.
struct Measured {
    point: Point,
    rows: Vec<Row>,
}

/// All solves with one damping.
struct Row {
    /// In units of the mean eigenvalue.
    damping: f64,
    /// In the order of [`Conditioner::ALL`].
    trials: Vec<Trial>,
    /// Gaussian inputs on inputs that are.
    twin: Trial,
}

impl Row {
    fn trial(&self, conditioner: Conditioner) -> &Trial {
        &self.trials[conditioner as usize]
    }
}

fn measure(
    problem: &Problem,
    place: u64,
    context: &Context,
) -> Result<Vec<Measured>, HarnessError> {
    let twin = Problem {
        inputs: problem.twin(place, context),
        ..problem.clone()
    };
    let points = problem.points(place, context)?;
    let at_each = points.into_iter().map(|point| {
        Ok(Measured {
            rows: solve(problem, &twin, &point, context)?,
            point,
        })
    });
    at_each.collect()
}

/// All solves at one point, with each damping.
fn solve(
    problem: &Problem,
    twin: &Problem,
    point: &Point,
    context: &Context,
) -> Result<Vec<Row>, HarnessError> {
    let batch = problem.net.on(problem.inputs.as_ref())?;
    let at = batch.linearize(&point.theta)?;
    let drawn = problem.net.on(twin.inputs.as_ref())?;
    let there = drawn.linearize(&point.theta)?;
    let trace = DiagonalFisher::new(at.as_ref(), problem.likelihood)?.trace();
    let mut rows = Vec::new();
    for damping in dampings(context) {
        context.check()?;
        let system = System {
            problem,
            theta: &point.theta,
            at: at.as_ref(),
            gradient: &point.gradient,
            lambda: damping * trace / point.theta.len() as f64,
        };
        let trials = Conditioner::ALL.map(|conditioner| fastest(conditioner, system, context));
        let on_twin = System {
            problem: twin,
            at: there.as_ref(),
            ..system
        };
        rows.push(Row {
            damping,
            trials: trials.into_iter().collect::<Result<_, _>>()?,
            twin: Conditioner::GaussianInputs.solve(on_twin)?,
        });
        context.progress().advance(1);
    }
    Ok(rows)
}

/// The same solve several times if it is short, the least time of each part.
fn fastest(
    conditioner: Conditioner,
    system: System<'_>,
    context: &Context,
) -> Result<Trial, HarnessError> {
    /// Seconds from which on one solve is enough.
    const LONG: f64 = 0.05;
    let mut best = conditioner.solve(system)?;
    for _ in 1..context.pick(1, 3, 5) {
        if best.seconds() > LONG {
            break;
        }
        let again = conditioner.solve(system)?;
        best.build = best.build.min(again.build);
        best.solve = best.solve.min(again.solve);
    }
    Ok(best)
}
