//! The optimiser that needs no tuning: where it starts from, what it never does to θ, and what it refuses.

use crate::models::{Case, case, normals, rng};
use neuromanifold_geometry::{ConjugateGradients, MetricError};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, LikelihoodError};
use neuromanifold_optim::{
    Damping, Escape, NaturalGradient, Objective, OptimError, Optimizer, Reason, Representation,
    Stopping, fit,
};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// Hops often.
fn restless() -> NaturalGradient {
    let escape = Escape::default().with_patience(2, 0.9).unwrap();
    NaturalGradient::auto().with_escape(escape.with_hops(5))
}

proptest! {
    /// θ waits while other points are looked at: whatever the optimiser explores, the loss at θ only falls.
    #[test]
    fn theta_never_gets_worse(case in case(0..3, 5..30)) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let mut optimizer = restless();
        let mut theta = case.theta.clone();
        let mut loss = objective.loss(&theta).unwrap();
        for _ in 0..60 {
            let before = theta.clone();
            let step = optimizer.step(&objective, &mut theta).unwrap();
            prop_assert_eq!(step.accepted, before != theta);
            prop_assert!(!(step.exploring && step.accepted));
            let after = objective.loss(&theta).unwrap();
            let gain = step.actual_decrease.unwrap();
            prop_assert!(gain >= 0.0);
            prop_assert!((loss - after - gain).abs() <= 1e-12 * (loss.abs() + after.abs() + 1.0));
            loss = after;
        }
    }
}

/// Two minima: a wide one without the second unit and a better one. From a stagnating start only a hop gets there.
#[test]
fn a_hop_leaves_a_minimum_that_is_not_the_best() {
    let net = Mlp::new(&[1, 3, 1], Activation::Tanh).unwrap();
    let inputs: Vec<f64> = (0..60).map(|i| f64::from(i) / 10.0 - 3.0).collect();
    let targets: Vec<f64> = inputs.iter().map(|x| (2.0 * x).sin()).collect();
    let batch = net.on_slice(&inputs).unwrap();
    let objective = Objective::new(&batch, &Gaussian::UNIT, &targets).unwrap();
    let run = |mut optimizer: NaturalGradient, seed| {
        let mut theta = normals(net.parameters(), &mut rng(seed));
        let stopping = Stopping::after(1500);
        let go_on = |_, _: &_, _: &_| ControlFlow::Continue(());
        fit(&mut optimizer, &objective, &mut theta, &stopping, go_on).unwrap()
    };
    let mut improved = 0;
    for seed in 0..12 {
        let plain = run(
            NaturalGradient::new(Damping::levenberg_marquardt()).unwrap(),
            seed,
        );
        let auto = run(NaturalGradient::auto(), seed);
        assert!(auto.loss <= plain.loss + 1e-6, "{auto:?} {plain:?}");
        improved += usize::from(auto.loss < plain.loss - 1e-3);
    }
    assert!(improved >= 2, "{improved}");
}

/// Ten classes and a thousand parameters: neither matrix is worth its price, and the stated costs say K-FAC before three products.
#[test]
fn where_no_matrix_is_worth_it_the_products_are_preconditioned() {
    let case = Case::new(&[20, 32, 10], 2, 60, 5);
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
    let stopping = |max_products| ConjugateGradients {
        tolerance: 0.3,
        max_products,
    };
    let run = |mut optimizer: NaturalGradient| {
        let mut theta = case.theta.clone();
        for _ in 0..3 {
            optimizer.step(&objective, &mut theta).unwrap();
        }
        theta
    };
    let told = |representation| run(NaturalGradient::auto().with_representation(representation));
    let auto = run(NaturalGradient::auto());
    assert_eq!(auto, told(Representation::KroneckerFree(stopping(3))));
    assert_ne!(auto, told(Representation::MatrixFree(stopping(10))));
}

/// A convex problem has nothing to escape to: after its hops the run says that it is at a minimum.
#[test]
fn a_minimum_is_final_in_the_end() {
    let case = Case::new(&[2, 1], 0, 20, 11);
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
    let mut theta = case.theta.clone();
    let go_on = |_, _: &_, _: &_| ControlFlow::Continue(());
    let report = fit(
        &mut restless(),
        &objective,
        &mut theta,
        &Stopping::after(500),
        go_on,
    )
    .unwrap();
    assert_eq!(report.reason, Reason::NoDescent);
    let mut gradient = vec![0.0; theta.len()];
    objective.gradient(&theta, &mut gradient).unwrap();
    // the gain of a step is of the order of |∇l|², and known to about 1e-17
    assert!(gradient.iter().all(|g| g.abs() < 1e-8), "{gradient:?}");
}

/// A student whose units all start equal, at a size where they are saturated, with inputs a hundred times too large: the metric
/// has rank 3 of 13, and the fit is found all the same.
#[test]
fn a_bad_start_and_a_singular_metric_are_recovered_from() {
    let net = Mlp::new(&[1, 4, 1], Activation::Tanh).unwrap();
    let inputs: Vec<f64> = (0..50).map(|i| 4.0 * f64::from(i) - 100.0).collect();
    let targets: Vec<f64> = inputs.iter().map(|x| (0.02 * x).tanh()).collect();
    let batch = net.on_slice(&inputs).unwrap();
    let objective = Objective::new(&batch, &Gaussian::UNIT, &targets).unwrap();
    for size in [1e-8, 1.0, 1e3] {
        let mut theta = vec![size; net.parameters()];
        let best = 0.5 * std::f64::consts::TAU.ln();
        let stopping = Stopping::after(1000).at_loss(best + 1e-5);
        let go_on = |_, _: &_, _: &_| ControlFlow::Continue(());
        let report = fit(
            &mut NaturalGradient::auto(),
            &objective,
            &mut theta,
            &stopping,
            go_on,
        )
        .unwrap();
        assert!(report.loss - best < 1e-3, "{size}: {report:?}");
    }
}

/// 2410 parameters and 9 columns an example: a matrix would cost a thousand times what a product costs.
#[test]
fn what_is_too_large_for_a_matrix_is_fitted_without_one() {
    let net = Mlp::new(&[64, 32, 10], Activation::Tanh).unwrap();
    let inputs = normals(64 * 300, &mut rng(1));
    let targets: Vec<f64> = (0..300).map(|i| f64::from(i % 10)).collect();
    let batch = net.on_slice(&inputs).unwrap();
    let objective = Objective::new(&batch, &Categorical, &targets).unwrap();
    let mut theta = net.initialize(neuromanifold_mlp::Initialization::LeCun, &mut rng(2));
    let go_on = |_, _: &_, _: &_| ControlFlow::Continue(());
    let stopping = Stopping::after(40).at_loss(0.01);
    let report = fit(
        &mut NaturalGradient::auto(),
        &objective,
        &mut theta,
        &stopping,
        go_on,
    )
    .unwrap();
    assert!(report.loss <= 0.01, "{report:?}");
}

#[test]
fn bad_input_is_named() {
    let net = Mlp::new(&[1, 10], Activation::Tanh).unwrap();
    let batch = net.on_slice(&[1.0, 2.0]).unwrap();
    let refused = |error: Result<Objective<'_>, OptimError>| match error {
        Err(OptimError::Likelihood(LikelihoodError::Target { index, value, .. })) => (index, value),
        other => panic!("{other:?}"),
    };
    // there is no class 12 among 10
    let class = refused(Objective::new(&batch, &Categorical, &[3.0, 12.0]));
    assert!(class.0 == 1 && (class.1 - 12.0).abs() < 1e-15);
    let one = Mlp::new(&[1, 1], Activation::Tanh).unwrap();
    let single = one.on_slice(&[1.0, 2.0]).unwrap();
    let coin = refused(Objective::new(&single, &Bernoulli, &[2.0, 1.0]));
    assert!(coin.0 == 0 && (coin.1 - 2.0).abs() < 1e-15);
    // no examples: the batch or the objective says so
    let empty = one.on_slice(&[]);
    let empty = empty
        .as_ref()
        .map(|batch| Objective::new(batch, &Gaussian::UNIT, &[]));
    assert!(matches!(empty, Err(_) | Ok(Err(OptimError::Empty { .. }))));
    assert!(one.on_slice(&[f64::NAN, 1.0]).is_err());

    // G has rank 2 at most; without damping that is an error with the pivot, and θ stays
    let wide = Mlp::new(&[1, 3, 1], Activation::Tanh).unwrap();
    let few = wide.on_slice(&[1.0, 2.0]).unwrap();
    let objective = Objective::new(&few, &Gaussian::UNIT, &[0.0, 1.0]).unwrap();
    let start = normals(wide.parameters(), &mut rng(3));
    for space in [Representation::Dense, Representation::SampleSpace] {
        let mut optimizer = NaturalGradient::new(Damping::None)
            .unwrap()
            .with_representation(space);
        let mut theta = start.clone();
        let error = optimizer.step(&objective, &mut theta).unwrap_err();
        assert!(matches!(error, OptimError::Metric(_)), "{error}");
        assert_eq!(theta, start);
    }
    let products = Representation::MatrixFree(ConjugateGradients {
        tolerance: 0.1,
        max_products: 10,
    });
    let mut optimizer = NaturalGradient::new(Damping::None)
        .unwrap()
        .with_representation(products);
    let error = optimizer.step(&objective, &mut start.clone()).unwrap_err();
    assert!(matches!(
        error,
        OptimError::Metric(MetricError::Unsupported { .. })
    ));
    assert!(Escape::default().with_patience(0, 0.1).is_err());
    assert!(Escape::default().with_patience(5, 1.0).is_err());
    assert!(Escape::default().with_spread(0.0).is_err());
}
