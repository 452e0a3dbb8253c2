//! Whole runs: to the last digit where an exact fit exists, and far below Adam where none does.

#![allow(clippy::unwrap_used)] // a failed assumption of a test is a failure of the test

use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use neuromanifold_optim::{
    Acceleration, Adam, Damping, LevenbergMarquardt, NaturalGradient, Objective, Optimizer,
    Representation, Schedule,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

struct Problem {
    net: Mlp,
    inputs: Vec<f64>,
    targets: Vec<f64>,
}

fn normals(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| StandardNormal.sample(rng)).collect()
}

/// Three tanh units of ten inputs, noiseless, to be learnt by a network of `hidden` units.
fn teacher_student(hidden: usize, examples: usize) -> Problem {
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let inputs = normals(10 * examples, &mut rng);
    let teacher = Mlp::committee(10, 3, Activation::Tanh).unwrap();
    let mut theta = normals(teacher.parameters(), &mut rng);
    for t in &mut theta[..30] {
        *t *= 1.5 / 10f64.sqrt();
    }
    theta[30..].fill(1.0);
    let mut targets = vec![0.0; examples];
    let batch = teacher.on_slice(&inputs).unwrap();
    batch.outputs(&theta, &mut targets).unwrap();
    Problem {
        net: Mlp::new(&[10, hidden, 1], Activation::Tanh).unwrap(),
        inputs,
        targets,
    }
}

/// `x(t+6)` from `x(t−18), x(t−12), x(t−6), x(t)` of the series `ẋ = 0.2 x(t−17)/(1 + x(t−17)¹⁰) − 0.1 x`, by Runge–Kutta
/// with step 0.1 and constant history 1.2.
fn mackey_glass(examples: usize) -> Problem {
    const DELAY: usize = 170;
    let mut x = vec![1.2; DELAY + 1];
    while x.len() < DELAY + 1 + 10 * (examples + 130) {
        let now = x[x.len() - 1];
        let late = [x[x.len() - 1 - DELAY], x[x.len() - DELAY]];
        let slope = |x: f64, late: f64| 0.2 * late / (1.0 + late.powi(10)) - 0.1 * x;
        let between = 0.5 * (late[0] + late[1]);
        let k1 = slope(now, late[0]);
        let k2 = slope(now + 0.05 * k1, between);
        let k3 = slope(now + 0.05 * k2, between);
        let k4 = slope(now + 0.1 * k3, late[1]);
        x.push(now + 0.1 / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4));
    }
    let at = |t: usize| x[DELAY + 10 * t];
    let times = 118..118 + examples;
    Problem {
        net: Mlp::new(&[4, 10, 1], Activation::Tanh).unwrap(),
        inputs: times
            .clone()
            .flat_map(|t| [18, 12, 6, 0].map(|lag| at(t - lag)))
            .collect(),
        targets: times.map(|t| at(t + 6)).collect(),
    }
}

impl Problem {
    fn start(&self, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        self.net
            .initialize_with_biases(Initialization::LeCun, 0.1, &mut rng)
    }

    fn mean_squared_error(&self, theta: &[f64]) -> f64 {
        let batch = self.net.on_slice(&self.inputs).unwrap();
        let mut z = vec![0.0; self.targets.len()];
        batch.outputs(theta, &mut z).unwrap();
        let squares = z.iter().zip(&self.targets).map(|(z, y)| (z - y).powi(2));
        squares.sum::<f64>() / z.len() as f64
    }

    /// The error after at most so many steps, and how many it took to fall below `goal`.
    fn run(
        &self,
        optimizer: &mut dyn Optimizer,
        seed: u64,
        steps: usize,
        goal: f64,
    ) -> (f64, Option<usize>) {
        let batch = self.net.on_slice(&self.inputs).unwrap();
        let objective = Objective::new(&batch, &Gaussian::UNIT, &self.targets).unwrap();
        let mut theta = self.start(seed);
        for step in 1..=steps {
            optimizer.step(&objective, &mut theta).unwrap();
            let error = self.mean_squared_error(&theta);
            if error <= goal {
                return (error, Some(step));
            }
        }
        (self.mean_squared_error(&theta), None)
    }
}

fn levenberg_marquardt(acceleration: Acceleration) -> NaturalGradient {
    let rule = LevenbergMarquardt::default()
        .with_acceleration(acceleration)
        .unwrap();
    NaturalGradient::new(Damping::LevenbergMarquardt(rule)).unwrap()
}

#[test]
fn a_realizable_problem_is_fitted_to_rounding() {
    for hidden in [3, 6] {
        let problem = teacher_student(hidden, 400);
        for seed in 0..6 {
            let mut optimizer = levenberg_marquardt(Acceleration::UpTo(0.75));
            let (error, steps) = problem.run(&mut optimizer, seed, 60, 1e-20);
            assert!(
                steps.is_some(),
                "{hidden} units, seed {seed}: {error:e} after 60 steps"
            );
        }
    }
}

/// More parameters than examples: an exact fit exists, and the metric is singular. In sample space nothing is lost at the
/// small λ that this ends with.
#[test]
fn an_overparametrised_network_interpolates_to_rounding() {
    let problem = teacher_student(30, 64);
    for representation in [Representation::Auto, Representation::Dense] {
        let mut optimizer =
            levenberg_marquardt(Acceleration::UpTo(0.75)).with_representation(representation);
        let (error, steps) = problem.run(&mut optimizer, 1, 25, 1e-28);
        assert!(steps.is_some(), "{representation:?}: {error:e}");
    }
}

#[test]
fn acceleration_halves_the_number_of_steps_in_a_curved_valley() {
    let problem = mackey_glass(500);
    let steps_of = |acceleration: Acceleration| {
        let mut steps: Vec<usize> = (0..5)
            .map(|seed| {
                let mut optimizer = levenberg_marquardt(acceleration);
                problem
                    .run(&mut optimizer, seed, 400, 1e-5)
                    .1
                    .unwrap_or(400)
            })
            .collect();
        steps.sort_unstable();
        steps[2]
    };
    let (bent, straight) = (
        steps_of(Acceleration::UpTo(0.75)),
        steps_of(Acceleration::Off),
    );
    assert!(bent < 100, "{bent}");
    assert!(10 * bent < 6 * straight, "{bent} {straight}");
}

#[test]
fn adam_is_left_behind_on_mackey_glass() {
    let problem = mackey_glass(500);
    let mut adam = Adam::new(Schedule::constant(0.01).unwrap());
    let (stalled, _) = problem.run(&mut adam, 0, 1500, 0.0);
    let mut natural = levenberg_marquardt(Acceleration::UpTo(0.75));
    let (reached, _) = problem.run(&mut natural, 0, 100, 0.0);
    assert!(
        reached < 1e-5 && 20.0 * reached < stalled,
        "{reached:e} against {stalled:e}"
    );
}
