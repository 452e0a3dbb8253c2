use crate::models::{Case, case};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Bernoulli;
use neuromanifold_optim::{
    Acceleration, Damping, LevenbergMarquardt, NaturalGradient, Objective, OptimError, Optimizer,
    Reason, Stopping, fit,
};
use proptest::prelude::*;
use std::ops::ControlFlow;

proptest! {
    #[test]
    fn a_step_that_is_taken_reduces_the_loss_by_what_it_says(
        case in case(0..3, 5..40),
        straight: bool,
    ) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let acceleration = if straight { Acceleration::Off } else { Acceleration::UpTo(0.75) };
        let rule = LevenbergMarquardt::default().with_acceleration(acceleration).unwrap();
        let mut optimizer = NaturalGradient::new(Damping::LevenbergMarquardt(rule)).unwrap();
        let mut theta = case.theta.clone();
        let mut loss = objective.loss(&theta).unwrap();
        for _ in 0..30 {
            let before = theta.clone();
            let step = optimizer.step(&objective, &mut theta).unwrap();
            prop_assert_eq!(step.accepted, before != theta);
            let after = objective.loss(&theta).unwrap();
            let gain = step.actual_decrease.unwrap();
            prop_assert!(gain >= 0.0 && step.predicted_decrease >= 0.0);
            // the gain is known to more digits than the difference of two losses has
            prop_assert!((loss - after - gain).abs() <= 1e-13 * (loss.abs() + after.abs() + 1.0));
            loss = after;
        }
    }

    /// The quadratic model of the loss is the loss, if the map is linear and the noise Gaussian.
    #[test]
    fn on_a_linear_gaussian_model_the_prediction_comes_true(
        inputs in 1..5usize, straight: bool, seed: u64,
    ) {
        let case = Case::new(&[inputs, 2], 0, 30, seed);
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let acceleration = if straight { Acceleration::Off } else { Acceleration::UpTo(0.75) };
        let rule = LevenbergMarquardt::default()
            .with_acceleration(acceleration).unwrap()
            .with_initial(1.0).unwrap();
        let mut optimizer = NaturalGradient::new(Damping::LevenbergMarquardt(rule)).unwrap();
        let mut theta = case.theta.clone();
        for _ in 0..4 {
            let step = optimizer.step(&objective, &mut theta).unwrap();
            let gain = step.actual_decrease.unwrap();
            prop_assert!((gain - step.predicted_decrease).abs() < 1e-12 * step.loss.abs().max(1.0));
            prop_assert!(gain > 1e-9);
        }
    }

    /// Whatever the start, nothing is left to gain in the end, or θ runs to infinity along a separable direction.
    #[test]
    fn fisher_scoring_solves_logistic_regression(
        inputs in 1..4usize, law in 1..3usize, seed: u64,
    ) {
        let case = Case::new(&[inputs, law], law, 60, seed);
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let mut theta = case.theta.clone();
        let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt()).unwrap();
        let stopping = Stopping::after(60).at_predicted_decrease(1e-22);
        let go_on = |_, _: &_, _: &_| ControlFlow::Continue(());
        let report = fit(&mut optimizer, &objective, &mut theta, &stopping, go_on).unwrap();
        prop_assert!(matches!(report.reason, Reason::PredictedDecrease | Reason::NoDescent));
        // The gain of a step is known to about 1e-17, the rounding of score·Δz, and is of the order of |∇l|².
        prop_assert!(report.gradient_norm < 1e-8, "{:?}", report);
    }
}

#[test]
fn a_minimum_is_reported_and_left_alone() {
    let case = Case::new(&[2, 1], 0, 20, 11);
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
    let mut theta = case.theta.clone();
    let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt()).unwrap();
    let mut stalled = false;
    for _ in 0..40 {
        let before = theta.clone();
        let step = optimizer.step(&objective, &mut theta).unwrap();
        stalled = !step.accepted;
        if stalled {
            assert_eq!(before, theta);
            // the gain of a step is known to about 1e-17, the rounding of score·Δz, and is of the order of |∇l|²
            assert!(step.gradient_norm < 1e-8, "{}", step.gradient_norm);
            break;
        }
    }
    assert!(stalled);
}

#[test]
fn senseless_dampings_are_refused() {
    assert!(matches!(
        NaturalGradient::new(Damping::Fixed(0.0)),
        Err(OptimError::Metric(_))
    ));
    assert!(
        LevenbergMarquardt::default()
            .with_initial(f64::NAN)
            .is_err()
    );
    let negative = Acceleration::UpTo(-1.0);
    assert!(
        LevenbergMarquardt::default()
            .with_acceleration(negative)
            .is_err()
    );
}

/// A saturated and wrong network has no metric left in `f64`: the step must come from the gradient, and stay sane.
#[test]
fn a_metric_that_has_vanished_makes_no_giant_step() {
    let net = Mlp::builder(1)
        .layer(1, Activation::Identity)
        .build()
        .unwrap();
    let batch = net.on_slice(&[1.0]).unwrap();
    let objective = Objective::new(&batch, &Bernoulli, &[1.0]).unwrap();
    let mut theta = [-1000.0, 0.0];
    let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt()).unwrap();
    for _ in 0..30 {
        optimizer.step(&objective, &mut theta).unwrap();
    }
    assert!(objective.loss(&theta).unwrap() < 1e-3);
    assert!(theta.iter().all(|t| t.abs() < 1e5), "{theta:?}");
}
