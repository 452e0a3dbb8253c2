//! `−Δu = f` on the unit square, `u = 0` on its edge, solved by a network of 64 tanh units.
//!
//! The residuals of the equation at 900 points inside and 120 on the edge are an output map like any other
//! ([`Collocation`]), so the natural gradient of the library solves it without knowing what a differential equation is. For
//! another equation, put another [`Operator`], right-hand side and edge. Run it with
//! `cargo run --release --example poisson -p neuromanifold-harness`.

#![allow(clippy::print_stdout)] // an example has a reader

use neuromanifold_harness::experiments::{Collocation, Condition, Operator};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Gaussian, OutputMap, check};
use neuromanifold_optim::{NaturalGradient, Objective, Stopping, fit};
use rand::SeedableRng;
use std::error::Error;
use std::f64::consts::PI;
use std::ops::ControlFlow;

fn solution(x: [f64; 2]) -> f64 {
    (PI * x[0]).sin() * (PI * x[1]).sin()
}

/// A grid of 30 × 30 points inside, and 30 points on each side; the squares of all residuals add up to integrals over the
/// square and along its edge.
fn poisson(units: usize) -> Collocation {
    const SIDE: usize = 30;
    let number = (SIDE * SIDE + 4 * SIDE) as f64;
    let inside = (number / (SIDE * SIDE) as f64).sqrt();
    let edge = (number / SIDE as f64).sqrt();
    let place = |i: usize| (i as f64 + 0.5) / SIDE as f64;
    let mut conditions = Vec::new();
    for i in 0..SIDE {
        for j in 0..SIDE {
            let at = [place(i), place(j)];
            conditions.push(Condition {
                at,
                operator: Operator::MINUS_LAPLACIAN,
                right: 2.0 * PI * PI * solution(at),
                weight: inside,
            });
        }
        let t = place(i);
        for at in [[t, 0.0], [t, 1.0], [0.0, t], [1.0, t]] {
            conditions.push(Condition {
                at,
                operator: Operator::IDENTITY,
                right: 0.0,
                weight: edge,
            });
        }
    }
    Collocation::new(units, conditions)
}

/// `|u − u*|/|u*|` in L², on a grid that shares no point with the conditions.
fn relative_error(net: &Mlp, theta: &[f64]) -> Result<f64, Box<dyn Error>> {
    const SIDE: usize = 101;
    let place = |i: usize| i as f64 / (SIDE - 1) as f64;
    let points: Vec<f64> = (0..SIDE * SIDE)
        .flat_map(|k| [place(k / SIDE), place(k % SIDE)])
        .collect();
    let mut u = vec![0.0; SIDE * SIDE];
    net.on_slice(&points)?.outputs(theta, &mut u)?;
    let exact = points.chunks_exact(2).map(|x| solution([x[0], x[1]]));
    let (mut error, mut size) = (0.0, 0.0);
    for (u, exact) in u.iter().zip(exact) {
        error += (u - exact).powi(2);
        size += exact * exact;
    }
    Ok((error / size).sqrt())
}

fn main() -> Result<(), Box<dyn Error>> {
    let net = Mlp::new(&[2, 64, 1], Activation::Tanh)?;
    let equation = poisson(64);
    let targets = equation.targets();
    let objective = Objective::new(&equation, &Gaussian::UNIT, &targets)?;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut theta = net.initialize_with_biases(Initialization::LeCun, 1.0, &mut rng);

    let derivative = check::finite_difference(&equation, &theta)?;
    println!("derivatives agree to {:.1e}", derivative.relative_error);

    let mut optimizer = NaturalGradient::auto();
    let stopping = Stopping::after(1000).at_predicted_decrease(1e-17);
    let started = std::time::Instant::now();
    let report = fit(
        &mut optimizer,
        &objective,
        &mut theta,
        &stopping,
        |t, _, theta| {
            if t % 50 == 0 {
                let seconds = started.elapsed().as_secs_f64();
                let error = relative_error(&net, theta).unwrap_or(f64::NAN);
                println!("step {t}, {seconds:.1} s: relative error {error:.1e}");
            }
            ControlFlow::Continue(())
        },
    )?;
    println!(
        "stopped by {:?} after {} steps: relative error {:.2e}",
        report.reason,
        report.steps,
        relative_error(&net, &theta)?
    );
    Ok(())
}
