//! Directions that no example excites.

use crate::models::{Case, product, relative_difference};
use crate::stream::{batches, fisher, inverse, largest_eigenvalue, learn, smallest_eigenvalue};
use faer::Mat;
use faer::linalg::solvers::{Llt, Solve};
use neuromanifold_optim::{
    AdaptiveNaturalGradient, Objective, OptimError, Optimizer, Rule, Schedule, WindUp,
};
use proptest::prelude::*;

fn optimizer(rule: Rule, epsilon: f64, wind_up: WindUp) -> AdaptiveNaturalGradient {
    let rates = [1e-4, epsilon].map(|rate| Schedule::constant(rate).unwrap());
    AdaptiveNaturalGradient::new(rule, rates[0], rates[1])
        .with_wind_up(wind_up)
        .unwrap()
}

/// A stream on which the third input is always zero, so that one parameter is never excited.
fn unexcited(outputs: usize) -> Case {
    let mut case = Case::new(&[3, outputs], 0, 200, 6);
    for x in case.inputs.chunks_exact_mut(3) {
        x[2] = 0.0;
    }
    case
}

#[test]
fn without_a_cure_the_estimate_winds_up_until_the_run_ends_with_an_error() {
    let case = unexcited(1);
    let mut optimizer = optimizer(Rule::ShermanMorrison, 0.05, WindUp::Unchecked);
    let mut theta = case.theta.clone();
    learn(&mut optimizer, &case, &mut theta, 1, 1000).unwrap();
    let largest = largest_eigenvalue(optimizer.inverse().unwrap().as_ref());
    assert!((largest.ln() / (-1000.0 * 0.95_f64.ln()) - 1.0).abs() < 1e-9);
    let end = learn(&mut optimizer, &case, &mut theta, 1, 20_000);
    assert!(matches!(end, Err(OptimError::NonFinite { .. })), "{end:?}");
    assert!(theta.iter().all(|t| t.is_finite()));
}

#[test]
fn each_cure_keeps_a_long_run_within_its_bound() {
    let (lambda, mean_eigenvalue) = (0.1, 30.0);
    let dim = 4.0;
    // ε = 0.05 would take the first-order rule over its limit
    for (rule, epsilon) in [(Rule::ShermanMorrison, 0.05), (Rule::FirstOrder, 0.01)] {
        let leaked =
            ((1.0_f64 - epsilon).powf(-dim) - 1.0) * (1.0 - epsilon) / (epsilon * dim * lambda);
        let cures = [
            (WindUp::Leakage { lambda }, leaked),
            (WindUp::DirectionalForgetting, 20.0),
            (WindUp::Cap { mean_eigenvalue }, dim * mean_eigenvalue),
        ];
        let case = unexcited(1);
        for (cure, bound) in cures {
            let mut optimizer = optimizer(rule, epsilon, cure);
            let mut theta = case.theta.clone();
            for _ in 0..8 {
                learn(&mut optimizer, &case, &mut theta, 1, 2500).unwrap();
                let estimate = optimizer.inverse().unwrap();
                let largest = largest_eigenvalue(estimate.as_ref());
                assert!(largest < bound * (1.0 + 1e-9), "{cure:?} {largest}");
                assert!(smallest_eigenvalue(estimate.as_ref()) > 0.0, "{cure:?}");
            }
        }
    }
}

#[test]
fn a_direction_that_is_not_excited_is_not_forgotten_directionally() {
    for (outputs, size) in [(1, 1), (2, 3)] {
        let case = unexcited(outputs);
        let mut optimizer = optimizer(Rule::ShermanMorrison, 0.05, WindUp::DirectionalForgetting);
        let mut theta = case.theta.clone();
        learn(&mut optimizer, &case, &mut theta, size, 5000).unwrap();
        let estimate = optimizer.inverse().unwrap();
        assert!(
            (estimate[(2, 2)] - 1.0).abs() < 1e-10,
            "{}",
            estimate[(2, 2)]
        );
    }
}

/// `Ĝ⁻¹ → (G + λI)⁻¹`, up to the fluctuations of an average over `1/ε` examples and what is forgotten in a round.
#[test]
fn leakage_damps_the_metric() {
    let case = unexcited(1);
    let lambda = 0.2;
    let mut optimizer = optimizer(Rule::ShermanMorrison, 1e-4, WindUp::Leakage { lambda });
    let mut theta = case.theta.clone();
    learn(&mut optimizer, &case, &mut theta, 1, 100_000).unwrap();
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let metric = fisher(&batch, case.likelihood.as_ref(), &theta);
    let damped = Mat::from_fn(4, 4, |i, j| {
        metric[(i, j)] + if i == j { lambda } else { 0.0 }
    });
    let expected = inverse(damped.as_ref());
    let error = (optimizer.inverse().unwrap() - &expected).norm_max() / expected.norm_max();
    assert!(error < 0.02, "{error}");
}

#[test]
fn a_cap_that_is_not_reached_changes_nothing() {
    let case = Case::new(&[2, 3, 2], 1, 300, 4);
    let run = |wind_up: WindUp| {
        let mut optimizer = optimizer(Rule::ShermanMorrison, 0.01, wind_up);
        let mut theta = case.theta.clone();
        learn(&mut optimizer, &case, &mut theta, 2, 150).unwrap();
        (theta, optimizer.inverse().unwrap())
    };
    let far = WindUp::Cap {
        mean_eigenvalue: 1e9,
    };
    assert!(run(far) == run(WindUp::Unchecked));
}

#[test]
fn a_cure_with_a_senseless_number_is_refused() {
    let rate = Schedule::constant(0.1).unwrap();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for cure in [
            WindUp::Leakage { lambda: bad },
            WindUp::Cap {
                mean_eigenvalue: bad,
            },
        ] {
            let optimizer = AdaptiveNaturalGradient::new(Rule::FirstOrder, rate, rate);
            let refused = optimizer.with_wind_up(cure);
            assert!(matches!(refused, Err(OptimError::Setting { .. })));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// `Ĝ ← Ĝ + ε A (I − (AᵀĜ⁻¹A)⁻¹) Aᵀ`, and θ moves by the inverse of that.
    #[test]
    fn directional_forgetting_is_its_formula(
        outputs in 1..3usize,
        law in 0..2usize,
        size in 1..3usize,
        epsilon in 0.01..0.5,
        seed: u64,
    ) {
        let case = Case::new(&[4, outputs], law, 120, seed);
        let mut optimizer = optimizer(Rule::ShermanMorrison, epsilon, WindUp::DirectionalForgetting);
        let mut theta = case.theta.clone();
        let dim = theta.len();
        let mut metric: Mat<f64> = Mat::identity(dim, dim);
        for (x, y) in batches(&case, size).take(60) {
            let batch = case.net.on_slice(x).unwrap();
            let objective = Objective::new(&batch, case.likelihood.as_ref(), y).unwrap();
            let new = fisher(&batch, case.likelihood.as_ref(), &theta); // A Aᵀ
            let spectrum = new.self_adjoint_eigen(faer::Side::Lower).unwrap();
            let values = spectrum.S().column_vector();
            let kept: Vec<usize> = (0..dim).filter(|k| values[*k] > 1e-12 * values[dim - 1]).collect();
            let a = Mat::from_fn(dim, kept.len(), |i, k| values[kept[k]].sqrt() * spectrum.U()[(i, kept[k])]);
            let inner = a.transpose() * Llt::new(metric.as_ref(), faer::Side::Lower).unwrap().solve(&a);
            let forgotten = &a * inverse(inner.as_ref()) * a.transpose();
            metric += faer::Scale(epsilon) * (&new - forgotten);
            let before = theta.clone();
            let mut gradient = vec![0.0; dim];
            objective.gradient(&theta, &mut gradient).unwrap();
            optimizer.step(&objective, &mut theta).unwrap();
            let expected = inverse(metric.as_ref());
            let got = optimizer.inverse().unwrap();
            prop_assert!((&got - &expected).norm_max() < 1e-8 * expected.norm_max());
            let natural: Vec<f64> = product(expected.as_ref(), &gradient).iter().map(|d| 1e-4 * d).collect();
            let moved: Vec<f64> = before.iter().zip(&theta).map(|(a, b)| a - b).collect();
            prop_assert!(relative_difference(&moved, &natural) < 1e-7);
        }
    }

    /// `Ĝ ← (1−ε)Ĝ + ε A Aᵀ + ελP e_i e_iᵀ` with `i` in turn.
    #[test]
    fn leakage_is_its_formula(
        outputs in 1..3usize,
        size in 1..3usize,
        epsilon in 0.01..0.5,
        lambda in 0.01..1.0,
        seed: u64,
    ) {
        let case = Case::new(&[4, outputs], 1, 120, seed);
        let mut optimizer = optimizer(Rule::ShermanMorrison, epsilon, WindUp::Leakage { lambda });
        let mut theta = case.theta.clone();
        let dim = theta.len();
        let mut metric: Mat<f64> = Mat::identity(dim, dim);
        for (t, (x, y)) in batches(&case, size).take(60).enumerate() {
            let batch = case.net.on_slice(x).unwrap();
            let objective = Objective::new(&batch, case.likelihood.as_ref(), y).unwrap();
            metric = faer::Scale(1.0 - epsilon) * metric
                + faer::Scale(epsilon) * fisher(&batch, case.likelihood.as_ref(), &theta);
            metric[(t % dim, t % dim)] += epsilon * lambda * dim as f64;
            optimizer.step(&objective, &mut theta).unwrap();
            let expected = inverse(metric.as_ref());
            let got = optimizer.inverse().unwrap();
            prop_assert!((&got - &expected).norm_max() < 1e-10 * expected.norm_max());
        }
    }

    /// The first step of θ is the same: along what is seen, a cure forgets as the average does.
    #[test]
    fn directional_forgetting_moves_theta_as_forgetting_everywhere(seed: u64, outputs in 1..3usize) {
        let case = Case::new(&[3, 4, outputs], 1, 20, seed);
        let step = |wind_up: WindUp| {
            let mut theta = case.theta.clone();
            learn(&mut optimizer(Rule::ShermanMorrison, 0.3, wind_up), &case, &mut theta, 2, 1).unwrap();
            theta.iter().zip(&case.theta).map(|(a, b)| a - b).collect::<Vec<f64>>()
        };
        let everywhere = step(WindUp::Unchecked);
        prop_assert!(relative_difference(&everywhere, &step(WindUp::DirectionalForgetting)) < 1e-9);
    }
}
