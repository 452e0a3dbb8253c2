//! How long does an exact natural-gradient step take? `cargo run --release --example closed_form`

use cpu_time::ProcessTime;
use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::faer::linalg::matmul::matmul;
use neuromanifold_geometry::faer::{Accum, Mat, Par};
use neuromanifold_geometry::{ConjugateGradients, Inverse, Metric};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::Gaussian;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// A network and the covariance of its inputs.
#[derive(Clone, Copy)]
struct Shape {
    activation: Activation,
    inputs: usize,
    hidden: usize,
    outputs: usize,
    full: bool,
}

/// Processor time of the fastest of so many, in ms; on one thread (RAYON_NUM_THREADS=1) the time it takes on a machine of its own.
fn fastest(times: usize, mut work: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    for _ in 0..times {
        let start = ProcessTime::now();
        work()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(1e3 * best)
}

type Failure = Box<dyn std::error::Error>;

#[allow(clippy::print_stdout)] // an example prints
fn main() -> Result<(), Failure> {
    let square = Mat::<f64>::from_fn(512, 512, |i, j| ((i * 7 + j) as f64).sin());
    let mut target = Mat::zeros(512, 512);
    let gemm = fastest(20, || {
        matmul(
            target.as_mut(),
            Accum::Replace,
            square.as_ref(),
            square.as_ref(),
            1.0,
            Par::Seq,
        );
        Ok(())
    })?;
    let rate = 2.0 * 512f64.powi(3) / (1e6 * gemm);
    println!("a product of matrices on one thread: {rate:.1} Gflop/s");
    println!(
        "the metric at θ and (G + λI)⁻¹g, λ = 1e-3, directly and by conjugate gradients to 1e-8; processor time in ms"
    );
    println!(
        "{:>8} {:>7} {:>4} {:>3} {:>6} {:>11} {:>7} {:>9} {:>10} {:>9} {:>5}",
        "units",
        "n",
        "m",
        "K",
        "C",
        "parameters",
        "system",
        "metric",
        "and solve",
        "iterated",
        "steps"
    );
    let shape = |activation, inputs, hidden| Shape {
        activation,
        inputs,
        hidden,
        outputs: 1,
        full: false,
    };
    let mut shapes = vec![
        shape(Activation::Erf, 1_000, 5),
        shape(Activation::Erf, 10_000, 5),
        shape(Activation::Tanh, 10_000, 5),
        shape(Activation::Erf, 100_000, 5),
        shape(Activation::Erf, 100_000, 10),
        shape(Activation::Tanh, 1_000, 20),
    ];
    shapes.extend([10, 15, 20, 25, 30, 40, 60].map(|m| shape(Activation::Erf, 1_000, m)));
    for (outputs, full) in [(10, false), (1, true), (10, true)] {
        shapes.push(Shape {
            outputs,
            full,
            ..shape(Activation::Erf, 1_000, 20)
        });
    }
    for shape in shapes {
        measure(shape)?;
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn measure(shape: Shape) -> Result<(), Failure> {
    let Shape {
        activation,
        inputs,
        hidden,
        outputs,
        full,
    } = shape;
    let net = Mlp::new(&[inputs, hidden, outputs], activation)?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let theta = net.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
    let gradient = net.initialize_with_biases(Initialization::LeCun, 1.0, &mut rng);
    let input = if full {
        let covariance = |i: usize, j: usize| 0.9f64.powi(i.abs_diff(j) as i32);
        GaussianInput::full(Mat::from_fn(inputs, inputs, covariance).as_ref())?
    } else {
        GaussianInput::standard(inputs)
    };
    let build = || GaussianInputFisher::new(&net, &theta, &input, &Gaussian::UNIT);
    let mut step = vec![0.0; net.parameters()];
    let times = if hidden > 30 { 3 } else { 20 };
    let metric = fastest(times, || {
        black_box(build()?);
        Ok(())
    })?;
    let damped = Inverse::damped(1e-3);
    let direct = fastest(times, || {
        build()?.raise(&gradient, damped, &mut step)?;
        Ok(())
    })?;
    let stopping = ConjugateGradients {
        tolerance: 1e-8,
        max_products: 1_000,
    };
    let mut steps = 0;
    let iterated = fastest(times, || {
        let fisher = build()?.with_conjugate_gradients(stopping);
        steps = fisher.raise(&gradient, damped, &mut step)?.iterations;
        Ok(())
    })?;
    println!(
        "{:>8} {inputs:>7} {hidden:>4} {outputs:>3} {:>6} {:>11} {:>7} {metric:>9.2} {direct:>10.2} {iterated:>9.2} {steps:>5}",
        activation.to_string(),
        if full { "full" } else { "I" },
        net.parameters(),
        build()?.reduced_dim(),
    );
    Ok(())
}
