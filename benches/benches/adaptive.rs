//! Adaptive natural gradient, one example at a time, against the rate at which this machine reads memory.
//!
//! A step is what a learner on line does with one example: forward pass, gradient, `Ĝ⁻¹∇f`, the update of the estimate, the
//! step of θ. Medians of interleaved runs; the read rate is measured in between, by as many threads as there are cores, each
//! summing its part of an array four times as large as the estimate of the largest network.
#![allow(clippy::print_stdout)]

use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use neuromanifold_optim::{AdaptiveNaturalGradient, Objective, Optimizer, Rule, Schedule, Storage};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::hint::black_box;
use std::time::Instant;

/// Widths, and steps in a run.
const CASES: [([usize; 3], usize); 3] = [([14, 16, 1], 256), ([20, 48, 1], 64), ([62, 64, 1], 32)];
const RUNS: usize = 40;

fn main() {
    let numbers: Vec<f64> = (0..1 << 25).map(|k| f64::from(k % 3)).collect();
    let mut rates = Vec::new();
    let mut learners: Vec<Learner> = CASES
        .into_iter()
        .flat_map(|(widths, steps)| {
            [Storage::Double, Storage::Single].map(|s| Learner::new(widths, steps, s))
        })
        .collect();
    for _ in 0..RUNS {
        rates.push(read_rate(&numbers));
        for learner in &mut learners {
            learner.run();
        }
    }
    let rate = median(&mut rates);
    println!("memory is read at {rate:.1} GB/s");
    for learner in &mut learners {
        let time = median(&mut learner.times);
        let parameters = learner.net.parameters() as f64;
        let bytes = match learner.storage {
            Storage::Single => 2.0,
            _ => 4.0,
        } * parameters
            * parameters;
        println!(
            "P = {parameters:5}  {:?}: {:9.2} µs a step (least {:.2}), {:6.1} GB/s, {:4.0} % of the read rate; linearisation alone {:.2} µs",
            learner.storage,
            1e6 * time,
            1e6 * learner.times[0],
            1e-9 * bytes / time,
            1e-7 * bytes / time / rate,
            1e6 * median(&mut learner.linearizations),
        );
    }
}

struct Learner {
    net: Mlp,
    storage: Storage,
    optimizer: AdaptiveNaturalGradient,
    theta: Vec<f64>,
    inputs: Vec<f64>,
    targets: Vec<f64>,
    times: Vec<f64>,
    linearizations: Vec<f64>,
}

impl Learner {
    fn new(widths: [usize; 3], steps: usize, storage: Storage) -> Self {
        let net = Mlp::new(&widths, Activation::Tanh).expect("positive widths");
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let theta = net.initialize_with_biases(Initialization::LeCun, 0.1, &mut rng);
        let teacher = net.initialize_with_biases(Initialization::LeCun, 0.1, &mut rng);
        let inputs: Vec<f64> = (0..steps * widths[0])
            .map(|_| StandardNormal.sample(&mut rng))
            .collect();
        let mut targets = vec![0.0; steps];
        let batch = net.on_slice(&inputs).expect("whole examples");
        batch.outputs(&teacher, &mut targets).expect("finite");
        let rate = Schedule::constant(1e-3).expect("positive");
        let optimizer =
            AdaptiveNaturalGradient::new(Rule::ShermanMorrison, rate, rate).with_storage(storage);
        Self {
            storage,
            optimizer,
            theta,
            inputs,
            targets,
            times: Vec::new(),
            linearizations: Vec::new(),
            net,
        }
    }

    fn run(&mut self) {
        let width = self.net.inputs();
        let examples = || {
            self.inputs
                .chunks_exact(width)
                .zip(self.targets.chunks_exact(1))
        };
        let start = Instant::now();
        for (x, y) in examples() {
            let batch = self.net.on_slice(x).expect("one example");
            let objective = Objective::new(&batch, &Gaussian::UNIT, y).expect("a number");
            self.optimizer
                .step(&objective, &mut self.theta)
                .expect("a step");
        }
        self.times
            .push(start.elapsed().as_secs_f64() / self.targets.len() as f64);
        let mut gradient = vec![0.0; self.theta.len()];
        let start = Instant::now();
        for (x, y) in examples() {
            let batch = self.net.on_slice(x).expect("one example");
            let objective = Objective::new(&batch, &Gaussian::UNIT, y).expect("a number");
            let at = objective.map().linearize(&self.theta).expect("finite");
            at.vjp(&[1.0], black_box(&mut gradient));
        }
        self.linearizations
            .push(start.elapsed().as_secs_f64() / self.targets.len() as f64);
    }
}

/// GB/s.
fn read_rate(numbers: &[f64]) -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = numbers.len().div_ceil(threads);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for part in numbers.chunks(part) {
            scope.spawn(move || black_box(sum(part)));
        }
    });
    1e-9 * size_of_val(numbers) as f64 / start.elapsed().as_secs_f64()
}

fn sum(numbers: &[f64]) -> f64 {
    let mut sums = [0.0; 32];
    for chunk in numbers.as_chunks::<32>().0 {
        for (s, v) in sums.iter_mut().zip(chunk) {
            *s += v;
        }
    }
    sums.iter().sum()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
