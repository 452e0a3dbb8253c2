//! Adaptive natural gradient as a filter, and its covariance as error bars.

use crate::models::{Case, product, relative_difference};
use crate::stream::{batches, fisher, inverse, learn};
use faer::Mat;
use neuromanifold_model::OutputMap;
use neuromanifold_optim::{
    AdaptiveNaturalGradient, ExtendedKalmanFilter, Objective, OptimError, Optimizer, Rule, Schedule,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_filter_takes_the_steps_of_adaptive_natural_gradient(
        outputs in 1..4usize,
        law in 0..3usize,
        prior in 0.1..10.0,
        seed: u64,
    ) {
        let outputs = if law == 2 { outputs + 1 } else { outputs };
        let case = Case::new(&[2, 3, outputs], law, 150, seed);
        let rate = Schedule::inverse_time(1.0, 1.0).unwrap();
        let mut adaptive = AdaptiveNaturalGradient::new(Rule::ShermanMorrison, rate, rate)
            .with_initial_inverse(prior).unwrap();
        let mut filter = ExtendedKalmanFilter::new(prior).unwrap();
        let (mut one, mut other) = (case.theta.clone(), case.theta.clone());
        for (t, (x, y)) in (1..=150).zip(batches(&case, 1)) {
            let batch = case.net.on_slice(x).unwrap();
            let objective = Objective::new(&batch, case.likelihood.as_ref(), y).unwrap();
            let a = adaptive.step(&objective, &mut one).unwrap();
            let b = filter.step(&objective, &mut other).unwrap();
            prop_assert!(relative_difference(&one, &other) < 1e-12);
            // What a curved model makes of a difference in the last digit is not the question.
            other.copy_from_slice(&one);
            let covariance = filter.covariance().unwrap();
            let scaled = faer::Scale(1.0 / (f64::from(t) + 1.0)) * adaptive.inverse().unwrap();
            prop_assert!((&covariance - &scaled).norm_max() < 1e-12 * scaled.norm_max());
            prop_assert!((a.learning_rate - b.learning_rate).abs() < 1e-12);
            for (a, b) in [(a.divergence, b.divergence), (Some(a.predicted_decrease), Some(b.predicted_decrease))] {
                let (a, b) = (a.unwrap(), b.unwrap());
                prop_assert!((a - b).abs() <= 1e-9 * a.abs().max(1e-12));
            }
        }
    }

    /// Information adds up: `P⁻¹ ← φ P⁻¹ + Σ_s J_sᵀ H_s J_s`, for batches of any size and any law.
    #[test]
    fn each_example_adds_its_information(
        law in 0..3usize,
        size in 1..5usize,
        fading in 0.8..1.0,
        seed: u64,
    ) {
        let case = Case::new(&[2, 3, 2], law, 100, seed);
        let mut filter = ExtendedKalmanFilter::new(2.0).unwrap().with_fading(fading).unwrap();
        let mut theta = case.theta.clone();
        let dim = theta.len();
        let mut information = Mat::from_fn(dim, dim, |i, j| if i == j { 0.5 } else { 0.0 });
        for (x, y) in batches(&case, size).take(40) {
            let batch = case.net.on_slice(x).unwrap();
            let objective = Objective::new(&batch, case.likelihood.as_ref(), y).unwrap();
            information = faer::Scale(fading) * information
                + faer::Scale(size as f64) * fisher(&batch, case.likelihood.as_ref(), &theta);
            let expected = inverse(information.as_ref());
            let mut gradient = vec![0.0; dim];
            objective.gradient(&theta, &mut gradient).unwrap();
            let step = product(expected.as_ref(), &gradient);
            let next: Vec<f64> = theta.iter().zip(&step).map(|(t, d)| t - size as f64 * d).collect();
            filter.step(&objective, &mut theta).unwrap();
            prop_assert!(relative_difference(&theta, &next) < 1e-10);
            let covariance = filter.covariance().unwrap();
            prop_assert!((&covariance - &expected).norm_max() < 1e-10 * expected.norm_max());
        }
    }

    /// And on any model, the extended Kalman filter.
    #[test]
    fn on_a_curved_model_it_is_the_extended_kalman_filter(seed: u64) {
        let case = Case::new(&[2, 2, 1], 0, 100, seed);
        let dim = case.theta.len();
        let rate = Schedule::inverse_time(1.0, 2.0).unwrap();
        let mut optimizer = AdaptiveNaturalGradient::new(Rule::ShermanMorrison, rate, rate);
        let mut theta = case.theta.clone();
        let mut filter = case.theta.clone();
        let mut covariance = Mat::from_fn(dim, dim, |i, j| if i == j { 0.5 } else { 0.0 });
        for (x, y) in batches(&case, 1).take(100) {
            let batch = case.net.on_slice(x).unwrap();
            let mut row = vec![0.0; dim];
            let predicted = {
                let linearization = batch.linearize(&filter).unwrap();
                linearization.vjp(&[1.0], &mut row);
                linearization.outputs()[0]
            };
            let raised = product(covariance.as_ref(), &row);
            let spread = row.iter().zip(&raised).map(|(r, p)| r * p).sum::<f64>() + 0.7 * 0.7;
            for i in 0..dim {
                filter[i] += raised[i] / spread * (y[0] - predicted);
                for j in 0..dim {
                    covariance[(i, j)] -= raised[i] * raised[j] / spread;
                }
            }
            let objective = Objective::new(&batch, case.likelihood.as_ref(), y).unwrap();
            optimizer.step(&objective, &mut theta).unwrap();
            prop_assert!(relative_difference(&theta, &filter) < 1e-10);
        }
    }
}

/// From a weak prior, the error bars of a linear model are those of its regression, `σ² xᵀ(XᵀX)⁻¹x`.
#[test]
fn on_a_linear_model_the_band_is_that_of_the_regression() {
    let case = Case::new(&[3, 1], 0, 60, 2);
    let mut filter = ExtendedKalmanFilter::new(1e8).unwrap();
    let mut theta = vec![0.0; 4];
    learn(&mut filter, &case, &mut theta, 3, 20).unwrap();
    let rows: Vec<[f64; 4]> = case
        .inputs
        .chunks_exact(3)
        .map(|x| [x[0], x[1], x[2], 1.0])
        .collect();
    let normal = Mat::from_fn(4, 4, |i, j| rows.iter().map(|r| r[i] * r[j]).sum::<f64>());
    let covariance = faer::Scale(0.7 * 0.7) * inverse(normal.as_ref());
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let posterior = filter.posterior().unwrap();
    let band = posterior
        .band(batch.linearize(&theta).unwrap().as_ref())
        .unwrap();
    for (row, deviation) in rows.iter().zip(band.deviations()) {
        let spread = product(covariance.as_ref(), row);
        let variance: f64 = row.iter().zip(&spread).map(|(r, s)| r * s).sum();
        assert!((deviation / variance.sqrt() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn a_filter_is_checked_at_the_door_and_keeps_to_its_model() {
    for bad in [0.0, f64::NAN, f64::INFINITY] {
        assert!(ExtendedKalmanFilter::new(bad).is_err());
    }
    let filter = ExtendedKalmanFilter::new(1.0).unwrap();
    assert!(filter.posterior().is_none());
    for bad in [0.0, 1.5, f64::NAN] {
        assert!(filter.clone().with_fading(bad).is_err());
    }
    let mut filter = filter;
    for (widths, ok) in [([2, 1], true), ([3, 1], false), ([2, 1], true)] {
        let case = Case::new(&widths, 0, 3, 1);
        let mut theta = case.theta.clone();
        let outcome = learn(&mut filter, &case, &mut theta, 1, 1);
        assert_eq!(outcome.is_ok(), ok);
        if let Err(error) = outcome {
            assert!(matches!(
                error,
                OptimError::Dimension {
                    expected: 3,
                    got: 4
                }
            ));
            assert_eq!(theta, case.theta);
        }
    }
}
