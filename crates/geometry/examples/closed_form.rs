//! How long does an exact natural-gradient step take? `cargo run --release --example closed_form`

use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::{Inverse, Metric};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::Gaussian;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::{Duration, Instant};

#[allow(clippy::print_stdout)] // an example prints
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("the metric at θ and (G + λI)⁻¹g, λ = 1e-3, fastest of 20");
    println!(
        "{:>8} {:>7} {:>4} {:>11} {:>8} {:>11} {:>10} {:>9}",
        "units", "n", "m", "parameters", "system", "metric", "with solve", "residual"
    );
    for (activation, inputs, hidden) in [
        (Activation::Erf, 1_000, 5),
        (Activation::Erf, 10_000, 5),
        (Activation::Tanh, 10_000, 5),
        (Activation::Erf, 100_000, 5),
        (Activation::Erf, 100_000, 10),
        (Activation::Erf, 1_000, 20),
        (Activation::Tanh, 1_000, 20),
    ] {
        let net = Mlp::new(&[inputs, hidden, 1], activation)?;
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let theta = net.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
        let gradient = net.initialize_with_biases(Initialization::LeCun, 1.0, &mut rng);
        let input = GaussianInput::standard(inputs);
        let mut step = vec![0.0; net.parameters()];
        let (mut metric, mut both) = (Duration::MAX, Duration::MAX);
        let (mut residual, mut system) = (0.0, 0);
        for _ in 0..20 {
            let start = Instant::now();
            let fisher = GaussianInputFisher::new(&net, &theta, &input, &Gaussian::UNIT)?;
            metric = metric.min(start.elapsed());
            residual = fisher
                .raise(&gradient, Inverse::damped(1e-3), &mut step)?
                .relative_residual;
            both = both.min(start.elapsed());
            system = fisher.reduced_dim();
        }
        println!(
            "{:>8} {inputs:>7} {hidden:>4} {:>11} {system:>8} {:>8.2} ms {:>7.2} ms {residual:>9.1e}",
            activation.to_string(),
            net.parameters(),
            metric.as_secs_f64() * 1e3,
            both.as_secs_f64() * 1e3,
        );
    }
    Ok(())
}
