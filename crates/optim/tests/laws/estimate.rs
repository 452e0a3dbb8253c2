//! How the estimate is kept must not show: when it is written, by how many threads, for how long, with how many digits.

use crate::models::{Case, relative_difference};
use crate::stream::{batches, fisher, inverse, learn};
use faer::linalg::solvers::Llt;
use faer::{Mat, Side};
use neuromanifold_model::{Dims, Gaussian, Linearization, ModelError, OutputMap};
use neuromanifold_optim::{
    AdaptiveNaturalGradient, Objective, OptimError, Optimizer, Rule, Schedule, Storage, WindUp,
};
use proptest::prelude::*;

fn optimizer(rule: Rule, eta: f64, epsilon: f64) -> AdaptiveNaturalGradient {
    let rates = [eta, epsilon].map(|rate| Schedule::constant(rate).unwrap());
    AdaptiveNaturalGradient::new(rule, rates[0], rates[1])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn columns_that_wait_count_as_those_that_are_written(
        outputs in 1..4usize,
        law in 0..3usize,
        size in 1..6usize,
        delay in 2..80usize,
        first_order: bool,
        seed: u64,
    ) {
        let outputs = if law == 2 { outputs + 1 } else { outputs };
        let case = Case::new(&[3, 4, outputs], law, 120, seed);
        // ε = 0.002 keeps the first-order rule far from its limit
        let (rule, epsilon) = if first_order {
            (Rule::FirstOrder, 0.002)
        } else {
            (Rule::ShermanMorrison, 0.02)
        };
        let run = |delay: usize| {
            let mut optimizer = optimizer(rule, 1e-3, epsilon).with_delay(delay);
            let mut theta = case.theta.clone();
            learn(&mut optimizer, &case, &mut theta, size, 150).map(|()| (theta, optimizer.inverse().unwrap()))
        };
        let (theta, estimate) = run(delay).unwrap();
        let (immediate_theta, immediate) = run(1).unwrap();
        prop_assert!(relative_difference(&theta, &immediate_theta) < 1e-12);
        prop_assert!((&estimate - &immediate).norm_max() < 1e-12 * immediate.norm_max());
    }
}

/// 861 parameters: enough for the estimate to be cut into parts.
fn large() -> Case {
    Case::new(&[19, 41, 1], 0, 80, 5)
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let case = large();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut optimizer = optimizer(Rule::ShermanMorrison, 1e-3, 1e-3);
            let mut theta = case.theta.clone();
            learn(&mut optimizer, &case, &mut theta, 1, 70).unwrap();
            let bits: Vec<u64> = theta.iter().map(|t| t.to_bits()).collect();
            (bits, optimizer.inverse().unwrap())
        })
    };
    let alone = run(1);
    for threads in [2, 5] {
        assert!(run(threads) == alone, "{threads} threads");
    }
}

#[test]
fn an_estimate_in_parts_is_the_inverse_of_the_average() {
    let case = large();
    let mut optimizer = optimizer(Rule::ShermanMorrison, 1e-3, 0.02);
    let mut theta = case.theta.clone();
    let mut average: Mat<f64> = Mat::identity(theta.len(), theta.len());
    for (x, y) in batches(&case, 2).take(20) {
        let batch = case.net.on_slice(x).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), y).unwrap();
        average = faer::Scale(0.98) * average
            + faer::Scale(0.02) * fisher(&batch, case.likelihood.as_ref(), &theta);
        optimizer.step(&objective, &mut theta).unwrap();
    }
    let product = &average * optimizer.inverse().unwrap();
    let identity = Mat::<f64>::identity(theta.len(), theta.len());
    assert!((product - identity).norm_max() < 1e-12);
}

/// `z = θ·x`, the cheapest model there is.
struct Inner<'a>(&'a [f64]);
struct InnerAt<'a>(&'a [f64], [f64; 1]);

impl OutputMap for Inner<'_> {
    fn dims(&self) -> Dims {
        Dims {
            parameters: self.0.len(),
            outputs: 1,
            examples: 1,
        }
    }
    fn linearize<'a>(
        &'a self,
        theta: &'a [f64],
    ) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        let z = theta.iter().zip(self.0).map(|(t, x)| t * x).sum();
        Ok(Box::new(InnerAt(self.0, [z])))
    }
}

impl Linearization for InnerAt<'_> {
    fn dims(&self) -> Dims {
        Inner(self.0).dims()
    }
    fn outputs(&self) -> &[f64] {
        &self.1
    }
    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        out[0] = tangent.iter().zip(self.0).map(|(t, x)| t * x).sum();
    }
    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        for (o, x) in out.iter_mut().zip(self.0) {
            *o = cotangent[0] * x;
        }
    }
}

/// Inputs of very different sizes that never repeat.
fn input(t: u32) -> [f64; 7] {
    std::array::from_fn(|i| {
        let phase = f64::from(t) * (2.0 + i as f64).sqrt();
        10f64.powf(-0.5 * i as f64) * (phase - phase.floor() - 0.5)
    })
}

/// A million steps with a condition number of a million: symmetric to the bit, positive definite, and the inverse of the
/// average as on the first day.
#[test]
fn a_million_steps_leave_the_estimate_symmetric_definite_and_right() {
    let mut optimizer = optimizer(Rule::ShermanMorrison, 1e-3, 0.01);
    let mut theta = [0.0; 7];
    let mut average: Mat<f64> = Mat::identity(7, 7);
    for t in 1..=1_000_000 {
        let x = input(t);
        let map = Inner(&x);
        let objective = Objective::new(&map, &Gaussian::UNIT, &[0.3]).unwrap();
        optimizer.step(&objective, &mut theta).unwrap();
        for j in 0..7 {
            for i in 0..7 {
                average[(i, j)] = 0.99 * average[(i, j)] + 0.01 * x[i] * x[j];
            }
        }
        if t % 100_000 == 0 {
            let estimate = optimizer.inverse().unwrap();
            assert!(estimate == estimate.transpose().to_owned());
            assert!(Llt::new(estimate.as_ref(), Side::Lower).is_ok());
            let expected = inverse(average.as_ref());
            let error = (&estimate - &expected).norm_max() / expected.norm_max();
            assert!(error < 1e-9, "{t}: {error}"); // κ·ε = 1e6 · 1e-16, times what 1/ε steps add up
        }
    }
}

/// Measured relative errors, in norm: 6e-8 at condition number 9, 1.5e-7 at 85, 4e-6 at 850, 8e-5 at 9000; the bounds leave a
/// factor of about five for other instruction sets.
#[test]
fn an_estimate_in_single_precision_is_as_good_as_its_storage() {
    let case = Case::new(&[3, 10, 1], 0, 500, 8);
    for (lambda, bound) in [(1.0, 3e-7), (1e-1, 1e-6), (1e-2, 2e-5), (1e-3, 4e-4)] {
        let run = |storage: Storage| {
            let mut optimizer = optimizer(Rule::ShermanMorrison, 1e-3, 0.01)
                .with_storage(storage)
                .with_wind_up(WindUp::Leakage { lambda })
                .unwrap();
            let mut theta = case.theta.clone();
            let mut estimates = Vec::new();
            for _ in 0..4 {
                learn(&mut optimizer, &case, &mut theta, 1, 1000).unwrap();
                estimates.push(optimizer.inverse().unwrap());
            }
            (theta, estimates)
        };
        let (theta, exact) = run(Storage::Double);
        let (single_theta, rounded) = run(Storage::Single);
        for (exact, rounded) in exact.iter().zip(&rounded) {
            let error = (exact - rounded).norm_l2() / exact.norm_l2();
            assert!(error > 1e-10, "not the other storage in disguise");
            assert!(error < bound, "{error}");
            assert!(Llt::new(rounded.as_ref(), Side::Lower).is_ok());
            assert!(rounded == &rounded.transpose().to_owned());
        }
        let error = relative_difference(&theta, &single_theta);
        assert!(error > 0.0 && error < bound, "{error}");
    }
}

/// More digits than `f32` has are asked for: refused by name, with θ as it was.
#[test]
fn an_estimate_too_ill_conditioned_for_its_storage_is_refused() {
    let mut optimizer = optimizer(Rule::ShermanMorrison, 1e-3, 0.3)
        .with_storage(Storage::Single)
        .with_initial_inverse(1.0)
        .unwrap();
    let mut theta = [0.0; 7];
    for t in 1..=20_000 {
        let x = input(t).map(|x| x * x * x); // condition number 1e18, in directions that are no axes
        let mean = x.iter().sum::<f64>() / 7.0;
        let x = x.map(|x| x - 2.0 * mean);
        let map = Inner(&x);
        let objective = Objective::new(&map, &Gaussian::UNIT, &[0.3]).unwrap();
        let before = theta;
        match optimizer.step(&objective, &mut theta) {
            Ok(_) => {}
            Err(OptimError::Indefinite { quadratic_form, .. }) => {
                assert!(quadratic_form < 0.0);
                assert_eq!(before.map(f64::to_bits), theta.map(f64::to_bits));
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("seven orders of magnitude were enough for eighteen");
}
