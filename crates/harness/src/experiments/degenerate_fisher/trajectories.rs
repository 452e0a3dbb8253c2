//! Gradient flow near the overlap of two units, in the coordinates in which it is nearly one-dimensional.

use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use neuromanifold_optim::{Damping, NaturalGradient, Objective, Optimizer};

use crate::{Axis, Claim, Column, Context, Figure, HarnessError, Record, Series, Table};

/// Starts `(z₀, u₀)` and the end of time for each.
const STARTS: [(f64, f64); 5] = [
    (0.3, 0.05),
    (-0.5, 0.05),
    (0.7, 0.03),
    (1.8, 0.05),
    (2.5, 0.1),
];

/// Equally likely inputs: quantiles of the standard normal.
const EXAMPLES: usize = 60;

/// A student of two tanh units on one input, and a teacher that it cannot reach with one unit.
struct Flow {
    net: Mlp,
    inputs: Vec<f64>,
    targets: Vec<f64>,
}

/// A point in the coordinates of the overlap.
#[derive(Clone, Copy)]
struct Point {
    /// `J₂ − J₁`.
    u: f64,
    /// `(w₁ − w₂)/(w₁ + w₂)`.
    z: f64,
    /// `w₁ + w₂`.
    w: f64,
}

impl Point {
    fn of(theta: &[f64]) -> Self {
        let (j1, j2, w1, w2) = (theta[0], theta[1], theta[2], theta[3]);
        Self {
            u: j2 - j1,
            z: (w1 - w2) / (w1 + w2),
            w: w1 + w2,
        }
    }

    /// `C = u²/2 − (2w²/3) log((z²+3)²/|z|)`, constant along the flow to lowest order in `u`.
    fn invariant(self) -> f64 {
        let Self { u, z, w } = self;
        0.5 * u * u - 2.0 * w * w / 3.0 * ((z * z + 3.0).powi(2) / z.abs()).ln()
    }
}

impl Flow {
    fn new() -> Result<Self, HarnessError> {
        let inputs: Vec<f64> = (0..EXAMPLES)
            .map(|k| normal_quantile((k as f64 + 0.5) / EXAMPLES as f64))
            .collect();
        let targets = inputs
            .iter()
            .map(|x| 0.7 * (0.5 * x).tanh() + 0.6 * (2.5 * x).tanh())
            .collect();
        Ok(Self {
            net: Mlp::committee(1, 2, Activation::Tanh)?,
            inputs,
            targets,
        })
    }

    /// The best network of a single unit, `(v*, w*)`: where the two units overlap.
    fn best_single(&self) -> Result<[f64; 2], HarnessError> {
        let net = Mlp::committee(1, 1, Activation::Tanh)?;
        let batch = net.on_slice(&self.inputs)?;
        let objective = Objective::new(&batch, &Gaussian::UNIT, &self.targets)?;
        let mut theta = [1.0, 1.0];
        let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt())?;
        for _ in 0..60 {
            optimizer.step(&objective, &mut theta)?;
        }
        Ok(theta)
    }

    fn gradient(&self, theta: &[f64], out: &mut [f64]) -> Result<(), HarnessError> {
        let batch = self.net.on_slice(&self.inputs)?;
        let at = batch.linearize(theta)?;
        let residual: Vec<f64> = (at.outputs().iter().zip(&self.targets))
            .map(|(z, y)| (z - y) / EXAMPLES as f64)
            .collect();
        at.vjp(&residual, out);
        Ok(())
    }

    /// Midpoint rule on `θ' = −∇l`, recording every `stride` steps.
    fn run(
        &self,
        start: [f64; 4],
        steps: usize,
        stride: usize,
        context: &Context,
    ) -> Result<Vec<Point>, HarnessError> {
        const STEP: f64 = 0.1;
        let mut theta = start;
        let (mut g, mut middle, mut seen) = ([0.0; 4], start, Vec::new());
        for k in 0..steps {
            if k % stride == 0 {
                context.check()?;
                seen.push(Point::of(&theta));
            }
            self.gradient(&theta, &mut g)?;
            for (m, (t, g)) in middle.iter_mut().zip(theta.iter().zip(&g)) {
                *m = t - 0.5 * STEP * g;
            }
            self.gradient(&middle, &mut g)?;
            for (t, g) in theta.iter_mut().zip(&g) {
                *t -= STEP * g;
            }
        }
        Ok(seen)
    }
}

pub(super) fn report(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let flow = Flow::new()?;
    let [v, w] = flow.best_single()?;
    let steps = context.pick(20_000, 100_000, 400_000);
    context
        .progress()
        .begin("gradient flow near the overlap", STARTS.len());
    let mut figure = Figure::new(
        "trajectories",
        "Gradient flow near the overlap of two units, from five starts. Grey: the level lines of C = u²/2 − (2w²/3) \
         log((z²+3)²/|z|), which theory keeps constant as long as the units are close to each other (drawn up to u = 0.3). For |z| < 1 the overlap u = 0 repels, for |z| > 1 it attracts: there learning \
         runs *into* the singularity and stays on a reducible network.",
        Axis::linear("imbalance z = (w_{1} − w_{2}) / (w_{1} + w_{2})"),
        Axis::linear("separation u = J_{2} − J_{1}"),
    );
    let columns = [
        Column::new("z at the start"),
        Column::new("u at the start"),
        Column::new("u at the end").digits(3),
        Column::new("z at the end").digits(4),
        Column::new("drift of C").digits(2),
    ];
    let mut table = Table::new("flow", "Five trajectories of gradient flow.", columns);
    for (slot, (z0, u0)) in STARTS.into_iter().enumerate() {
        let start = [
            v - 0.5 * (1.0 - z0) * u0,
            v + 0.5 * (1.0 + z0) * u0,
            0.5 * w * (1.0 + z0),
            0.5 * w * (1.0 - z0),
        ];
        let points = flow.run(start, steps, steps / 400, context)?;
        let constant = points[0].invariant();
        // the statement is local: as long as the units are close to each other
        let local: Vec<Point> = points
            .iter()
            .copied()
            .take_while(|p| p.u.abs() < 0.3)
            .collect();
        let drift = local
            .iter()
            .map(|p| (p.invariant() - constant).abs())
            .fold(0.0, f64::max);
        let end = points[points.len() - 1];
        table.row([
            z0.into(),
            u0.into(),
            end.u.into(),
            end.z.into(),
            drift.into(),
        ]);
        figure = figure
            .with(Series::guide(
                if slot == 0 { "C constant" } else { "" },
                local.iter().map(|p| p.z),
                local.iter().map(|p| {
                    let potential =
                        2.0 * p.w * p.w / 3.0 * ((p.z * p.z + 3.0).powi(2) / p.z.abs()).ln();
                    (2.0 * (constant + potential)).max(0.0).sqrt()
                }),
            ))
            .with(
                Series::line(
                    format!("z = {z0}, u = {u0}"),
                    points.iter().map(|p| p.z),
                    points.iter().map(|p| p.u),
                )
                .slot(slot),
            );
        record.claim(Claim::at_most(
            format!("drift of C from z = {z0}, u = {u0}, relative to (2w²/3), while |u| < 0.3"),
            0.09, // the statement is of lowest order in u: what it leaves out is of order u²
            drift / (2.0 * w * w / 3.0),
        ));
        if z0.abs() > 1.0 {
            record.claim(Claim::at_most(
                format!(
                    "|u| at the end from z = {z0}: attracted to the overlap, relative to the start"
                ),
                0.9,
                end.u.abs() / u0,
            ));
        } else {
            record.claim(Claim::at_least(
                format!(
                    "|u| at the end from z = {z0}: repelled from the overlap, relative to the start"
                ),
                1.1,
                end.u.abs() / u0,
            ));
        }
        context.progress().advance(1);
    }
    record.heading("Trajectories near the overlap");
    record.figure(figure);
    record.table(table);
    Ok(())
}

/// The quantile function of the standard normal, by bisection on the error function's series; 1e-12 is enough for inputs.
fn normal_quantile(p: f64) -> f64 {
    let cdf = |x: f64| {
        let mut value = [0.0];
        Activation::Erf.value(&[x], &mut value);
        0.5 * (1.0 + value[0])
    };
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if cdf(middle) < p {
            low = middle
        } else {
            high = middle
        }
    }
    0.5 * (low + high)
}
