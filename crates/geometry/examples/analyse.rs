//! Why is the Fisher metric of this network singular? `cargo run --release --example analyse [UNITS [COPIES]]`

use neuromanifold_geometry::RankTolerance;
use neuromanifold_geometry::faer::MatRef;
use neuromanifold_geometry::quotient::{
    Probe, Tolerance, compress, critical_subspaces, degeneracy, reduce,
};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::Gaussian;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

#[allow(clippy::print_stdout)] // an example prints
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let units: usize = match std::env::args().nth(1) {
        Some(word) => word.parse()?,
        None => 64,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let net = Mlp::new(&[4, units.max(4), 2], Activation::Tanh)?;
    let mut theta = net.initialize(Initialization::LeCun, &mut rng);
    // unit 1 is unit 0 with the opposite sign, unit 2 is constant, unit 3 contributes nothing
    for i in 0..4 {
        net.weights_mut(&mut theta, 0)[(1, i)] = -net.weights(&theta.clone(), 0)[(0, i)];
        net.weights_mut(&mut theta, 0)[(2, i)] = 0.0;
    }
    for k in 0..2 {
        net.weights_mut(&mut theta, 1)[(k, 3)] = 0.0;
    }
    // more copies of unit 0 from the end
    let copies: usize = std::env::args().nth(2).map_or(Ok(0), |word| word.parse())?;
    let first: Vec<f64> = theta[..4].to_vec();
    for unit in (4..units.max(4)).rev().take(copies) {
        theta[4 * unit..4 * (unit + 1)].copy_from_slice(&first);
    }
    let points: Vec<f64> = (0..4 * 1000)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect();
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&points, 4, 1000),
        likelihood: &Gaussian::UNIT,
    };

    let tolerance = Tolerance::default();
    let report = degeneracy(
        &net,
        &theta,
        &probe,
        tolerance,
        RankTolerance::Relative(1e-13),
    )?;
    println!("{report}\n");
    for subspace in critical_subspaces(&net, &theta, &probe, 1e-6)? {
        println!("{subspace}");
    }
    let reduction = reduce(&net, &theta, &probe, tolerance)?;
    let (before, after) = reduction.widths[0];
    let gap = reduction.difference.largest;
    println!("\n{before} units compute what {after} do; outputs differ by at most {gap:.1e}");
    if units <= 128 {
        let small = compress(&net, &theta, &probe, 0.01)?;
        let left = small.net.layers()[0].outputs();
        println!(
            "{left} units are within {:.4} nats",
            small.difference.divergence
        );
    }
    Ok(())
}
