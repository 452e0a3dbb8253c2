//! What natural gradient does where the Fisher matrix is degenerate.

use neuromanifold_geometry::quotient::{
    Probe, TangentSplit, Tolerance, exact_natural_gradient, reduce,
};
use neuromanifold_geometry::{DenseFisher, GramFisher, Inverse, Metric, RankTolerance};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, Linearization, OutputMap};

use super::fit::log_log_slope;
use super::inflation::gaussians;
use crate::{
    Axis, Claim, Column, Context, Experiment, Figure, HarnessError, Panel, Quantity, Record,
    Series, Source, Table,
};

mod trajectories;

/// `degenerate-fisher`: pseudo-inverse, damping, sample space and reduction at and near a reducible point.
#[derive(Debug)]
pub struct DegenerateFisher;

const INPUTS: usize = 3;
const EXAMPLES: usize = 400;

impl Experiment for DegenerateFisher {
    fn name(&self) -> &'static str {
        "degenerate-fisher"
    }

    fn title(&self) -> &'static str {
        "And if the Fisher matrix is degenerate?"
    }

    fn question(&self) -> &'static str {
        "What is the natural gradient at a point where G has no inverse, and what happens close to one?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "J. van Oostrum, J. Müller, N. Ay",
                2023,
                "Invariance properties of the natural gradient in overparametrised systems",
                "Information Geometry 6, 51–67",
            )
            .arxiv("2206.15273"),
            Source::new(
                "H. Wei, J. Zhang, F. Cousseau, T. Ozeki, S. Amari",
                2008,
                "Dynamics of learning near singularities in layered networks",
                "Neural Computation 20(3), 813–843",
            )
            .doi("10.1162/neco.2007.12-06-414"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let mut record = Record::new();
        let problem = Problem::new(context)?;
        record.paragraph(
            "A tanh network is put on the critical set: two of its units are equal. Plain G^{−1} does not exist there. What does \
             exist is the set of laws nearby, and a step among those. The *function-space step* J δ says how the outputs move; it is \
             what different answers are compared by, since along null directions parameters move without effect.",
        );
        on_the_critical_set(&problem, &mut record)?;
        near_the_critical_set(&problem, context, &mut record)?;
        trajectories::report(context, &mut record)?;
        Ok(record)
    }
}

/// A three-unit network on Gaussian inputs with the outputs of another for targets.
struct Problem {
    net: Mlp,
    inputs: Vec<f64>,
    targets: Vec<f64>,
}

impl Problem {
    fn new(context: &Context) -> Result<Self, HarnessError> {
        let net = Mlp::new(&[INPUTS, 3, 1], Activation::Tanh)?;
        let inputs = gaussians(INPUTS * EXAMPLES, &mut context.rng(0));
        let teacher = gaussians(net.parameters(), &mut context.rng(1));
        let mut targets = vec![0.0; EXAMPLES];
        net.on_slice(&inputs)?.outputs(&teacher, &mut targets)?;
        Ok(Self {
            net,
            inputs,
            targets,
        })
    }

    /// Two units apart by `delta`, and a third.
    fn overlapping(&self, delta: f64) -> Vec<f64> {
        let mut theta = vec![0.9, -0.5, 0.4, 0.9, -0.5 + delta, 0.4, -0.3, 0.8, 1.1];
        theta.extend([0.2, 0.2, -0.4, 0.7, 0.5, -0.6, 0.1]);
        theta
    }

    /// One unit without outgoing weight.
    fn eliminated(&self) -> Vec<f64> {
        let mut theta = self.overlapping(1.3);
        theta[13] = 0.0; // v₂
        theta
    }

    /// `∇l` and, for comparison across parametrisations, whatever step `solve` makes of it, as a change of outputs.
    fn function_step(
        &self,
        net: &Mlp,
        theta: &[f64],
        solve: impl FnOnce(&dyn Linearization, &[f64], &mut [f64]) -> Result<(), HarnessError>,
    ) -> Result<(Vec<f64>, Vec<f64>), HarnessError> {
        let batch = net.on_slice(&self.inputs)?;
        let at = batch.linearize(theta)?;
        let residual: Vec<f64> = (at.outputs().iter().zip(&self.targets))
            .map(|(z, y)| (z - y) / EXAMPLES as f64)
            .collect();
        let mut gradient = vec![0.0; theta.len()];
        at.vjp(&residual, &mut gradient);
        let mut step = vec![0.0; theta.len()];
        solve(at.as_ref(), &gradient, &mut step)?;
        let mut moved = vec![0.0; EXAMPLES];
        at.jvp(&step, &mut moved);
        Ok((step, moved))
    }

    /// The longest step that a threshold or a damping allows: with `g = A w`, `|w|² = (1/N) Σ (z − y)²`, each eigenvalue
    /// contributes `√λ/(λ + …)` times its part of `w`.
    fn bound(&self, theta: &[f64], inverse: Inverse) -> Result<f64, HarnessError> {
        let batch = self.net.on_slice(&self.inputs)?;
        let at = batch.linearize(theta)?;
        let squared: f64 = at
            .outputs()
            .iter()
            .zip(&self.targets)
            .map(|(z, y)| (z - y) * (z - y))
            .sum();
        let whitened = (squared / EXAMPLES as f64).sqrt();
        let largest = DenseFisher::new(at.as_ref(), &Gaussian::UNIT)?
            .spectrum()?
            .largest();
        Ok(match inverse {
            Inverse::Damped { lambda } => whitened / (2.0 * lambda.sqrt()),
            Inverse::Pseudo { tolerance } => whitened / tolerance.threshold(largest).sqrt(),
            _ => f64::INFINITY,
        })
    }

    fn dense_step(
        &self,
        net: &Mlp,
        theta: &[f64],
        inverse: Inverse,
    ) -> Result<(Vec<f64>, Vec<f64>), HarnessError> {
        self.function_step(net, theta, |at, gradient, step| {
            DenseFisher::new(at, &Gaussian::UNIT)?.raise(gradient, inverse, step)?;
            Ok(())
        })
    }
}

fn on_the_critical_set(problem: &Problem, record: &mut Record) -> Result<(), HarnessError> {
    let Problem { net, .. } = problem;
    let theta = problem.overlapping(0.0);
    let pseudo = Inverse::Pseudo {
        tolerance: RankTolerance::Relative(1e-11),
    };
    let (step, minimum_norm) = problem.dense_step(net, &theta, pseudo)?;

    let inputs = faer::MatRef::from_column_major_slice(&problem.inputs, INPUTS, EXAMPLES);
    let probe = Probe {
        inputs,
        likelihood: &Gaussian::UNIT,
    };
    let reduction = reduce(net, &theta, &probe, Tolerance::default())?;
    let (_, reduced) = problem.dense_step(&reduction.net, &reduction.theta, Inverse::Exact)?;
    record.claim(Claim::at_most(
        "overlap: function-space step of G⁺ against that of G^{−1} in the reduced network, relative",
        1e-7,
        relative(&minimum_norm, &reduced),
    ));

    let split = TangentSplit::of(net, &theta, Tolerance::default())?;
    let (vertical, horizontal) = split.split(&step);
    record.claim(Claim::at_most(
        "overlap: part of the minimum-norm step that lies in the null space, relative",
        1e-6,
        norm(&vertical) / norm(&horizontal),
    ));

    let refused = problem.function_step(net, &theta, |at, gradient, step| {
        let metric = DenseFisher::new(at, &Gaussian::UNIT)?;
        exact_natural_gradient(
            &metric,
            gradient,
            (net, &theta),
            &Gaussian::UNIT,
            Tolerance::default(),
            step,
        )?;
        Ok(())
    });
    let named = match refused {
        Err(error) if error.to_string().contains("units 0, 1 overlap") => "units 0, 1 overlap",
        Err(_) => "another error",
        Ok(_) => "a step",
    };
    record.claim(Claim::equal(
        "overlap: plain G^{−1} is refused, and the units that cause it are named",
        "units 0, 1 overlap",
        named,
    ));

    // Elimination: the dead unit's outgoing weight is a direction that the reduced network does not have.
    let dead = problem.eliminated();
    let (_, larger) = problem.dense_step(net, &dead, pseudo)?;
    let smaller = reduce(net, &dead, &probe, Tolerance::default())?;
    let (_, reduced_dead) = problem.dense_step(&smaller.net, &smaller.theta, Inverse::Exact)?;
    record.claim(Claim::at_least(
        "elimination: the same comparison differs, since reviving the dead unit is a step the reduced network cannot make",
        0.01,
        relative(&larger, &reduced_dead),
    ));
    damping(problem, &theta, &minimum_norm, record)
}

/// As λ → 0 the damped steps, in parameter and in sample space, tend to the minimum-norm one.
fn damping(
    problem: &Problem,
    theta: &[f64],
    limit: &[f64],
    record: &mut Record,
) -> Result<(), HarnessError> {
    let lambdas: Vec<f64> = (0..13)
        .map(|k| 10f64.powf(-1.0 - 0.5 * f64::from(k)))
        .collect();
    let (mut dense, mut sample) = (Vec::new(), Vec::new());
    for lambda in &lambdas {
        let inverse = Inverse::damped(*lambda);
        dense.push(relative(
            &problem.dense_step(&problem.net, theta, inverse)?.1,
            limit,
        ));
        let (_, moved) = problem.function_step(&problem.net, theta, |at, gradient, step| {
            GramFisher::new(at, &Gaussian::UNIT)?.raise(gradient, inverse, step)?;
            Ok(())
        })?;
        sample.push(relative(&moved, limit));
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
    record.claim(Claim::at_most(
        "largest difference between solving in parameter and in sample space",
        1e-6,
        dense
            .iter()
            .zip(&sample)
            .map(|(d, s)| (d - s).abs())
            .fold(0.0, f64::max),
    ));
    Ok(())
}

/// Close to the overlap the exact step in parameters grows without bound, while the outputs move by a bounded amount.
fn near_the_critical_set(
    problem: &Problem,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let separations: Vec<f64> = (0..context.pick(9, 13, 25))
        .map(|k| 10f64.powf(-0.25 * f64::from(k)))
        .collect();
    let answers = [
        ("G^{−1}", Inverse::Exact),
        ("G⁺, λ > 10^{−8}λ_{max}", Inverse::pseudo(1e-8)),
        ("(G + 10^{−4}I)^{−1}", Inverse::damped(1e-4)),
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
    for (slot, (label, inverse)) in answers.into_iter().enumerate() {
        let (mut size, mut effect) = (Vec::new(), Vec::new());
        for delta in &separations {
            let theta = problem.overlapping(*delta);
            bounds[slot].push(problem.bound(&theta, inverse)?);
            match problem.dense_step(&problem.net, &theta, inverse) {
                Ok((step, moved)) => {
                    size.push(norm(&step));
                    effect.push(norm(&moved) / (EXAMPLES as f64).sqrt());
                }
                Err(HarnessError::Metric(_)) => {
                    size.push(f64::NAN);
                    effect.push(f64::NAN);
                }
                Err(error) => return Err(error),
            }
        }
        for (row, length) in cells.iter_mut().zip(&size) {
            row.push(shown(*length));
        }
        effects.push(effect.clone());
        let x = || separations.iter().copied();
        lengths = lengths.with(Series::marked_line(label, x(), size.iter().copied()).slot(slot));
        outputs = outputs.with(Series::marked_line(label, x(), effect.iter().copied()).slot(slot));
        if inverse == Inverse::Exact {
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

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn relative(one: &[f64], other: &[f64]) -> f64 {
    let difference: Vec<f64> = one.iter().zip(other).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(other)
}
