use crate::models::{Case, Fault, Faulty};
use neuromanifold_geometry::ConjugateGradients;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Gaussian, LikelihoodError, ModelError};
use neuromanifold_optim::{
    Adam, AdaptiveNaturalGradient, Damping, Momentum, NaturalGradient, NaturalMomentum, Objective,
    OptimError, Optimizer, Reason, Representation, Rule, Scaling, Schedule, Sgd, StepLength,
    Stopping, fit,
};
use std::cell::Cell;
use std::ops::ControlFlow;

fn every_optimizer() -> Vec<(&'static str, Box<dyn Optimizer>)> {
    let rate = Schedule::constant(0.01).unwrap();
    let momentum = Momentum::Nesterov(0.9);
    let natural = |damping| NaturalGradient::new(damping).unwrap();
    let dual = Representation::SampleSpace;
    vec![
        (
            "sgd",
            Box::new(Sgd::new(rate).with_momentum(momentum).unwrap()),
        ),
        ("adam", Box::new(Adam::new(rate))),
        ("damped", Box::new(natural(Damping::Fixed(0.1)))),
        (
            "dual",
            Box::new(natural(Damping::Fixed(0.1)).with_representation(dual)),
        ),
        ("lm", Box::new(natural(Damping::levenberg_marquardt()))),
        ("auto", Box::new(NaturalGradient::auto())),
        (
            "spring in a trust region",
            Box::new(
                natural(Damping::Fixed(0.1))
                    .with_momentum(NaturalMomentum::Spring(0.9))
                    .unwrap()
                    .with_step_length(StepLength::trust_region(0.1).unwrap())
                    .with_scaling(Scaling::Diagonal { floor: 1e-6 })
                    .unwrap(),
            ),
        ),
        (
            "products",
            Box::new(
                natural(Damping::levenberg_marquardt())
                    .with_momentum(NaturalMomentum::Plane)
                    .unwrap()
                    .with_representation(Representation::MatrixFree(ConjugateGradients {
                        tolerance: 0.1,
                        max_products: 10,
                    })),
            ),
        ),
        (
            "lm dual",
            Box::new(natural(Damping::levenberg_marquardt()).with_representation(dual)),
        ),
        (
            "first",
            Box::new(AdaptiveNaturalGradient::new(Rule::FirstOrder, rate, rate)),
        ),
        (
            "exact",
            Box::new(AdaptiveNaturalGradient::new(
                Rule::ShermanMorrison,
                rate,
                rate,
            )),
        ),
    ]
}

/// Good steps, with `faults` in between; returns the bits of θ after each good one.
fn run(name: &str, optimizer: &mut dyn Optimizer, case: &Case, faults: &[Fault]) -> Vec<Vec<u64>> {
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let map = Faulty {
        map: &batch,
        fault: Cell::new(Fault::None),
    };
    let objective = Objective::new(&map, case.likelihood.as_ref(), &case.targets).unwrap();
    let bits = |theta: &[f64]| theta.iter().map(|t| t.to_bits()).collect::<Vec<_>>();
    let mut theta = case.theta.clone();
    let mut path = Vec::new();
    for _ in 0..4 {
        for fault in faults {
            let before = bits(&theta);
            map.fault.set(*fault);
            let error = optimizer.step(&objective, &mut theta);
            assert!(
                error.is_err(),
                "{name}: {fault:?} went unnoticed: {error:?}"
            );
            assert_eq!(before, bits(&theta), "{name}: θ after {fault:?}");
        }
        map.fault.set(Fault::None);
        optimizer.step(&objective, &mut theta).unwrap();
        path.push(bits(&theta));
    }
    path
}

/// The error leaves θ as it was, and the optimiser too: the run goes on as if nothing had happened.
#[test]
fn nonsense_from_the_model_changes_nothing() {
    let faults = [Fault::Gradient, Fault::Outputs, Fault::Slope];
    for examples in [1, 6] {
        for law in 0..2 {
            let case = Case::new(&[2, 2, 1], law, examples, 17);
            for ((name, mut clean), (_, mut disturbed)) in
                every_optimizer().into_iter().zip(every_optimizer())
            {
                let expected = run(name, clean.as_mut(), &case, &[]);
                let got = run(name, disturbed.as_mut(), &case, &faults);
                assert_eq!(expected, got, "{name}");
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let case = Case::new(&[3, 4, 2], 0, 30, 23);
    for ((name, mut a), (_, mut b)) in every_optimizer().into_iter().zip(every_optimizer()) {
        let (a, b) = (
            run(name, a.as_mut(), &case, &[]),
            run(name, b.as_mut(), &case, &[]),
        );
        assert_eq!(a, b, "{name}");
    }
}

#[test]
fn what_comes_from_outside_is_checked_at_the_door() {
    let net = Mlp::new(&[1, 1], Activation::Tanh).unwrap();
    let batch = net.on_slice(&[1.0, 2.0]).unwrap();
    let refused = |error: Result<Objective<'_>, OptimError>| match error {
        Err(OptimError::Likelihood(error)) => error,
        other => panic!("{other:?}"),
    };
    let few = refused(Objective::new(&batch, &Gaussian::UNIT, &[1.0]));
    assert!(matches!(
        few,
        LikelihoodError::TargetCount {
            expected: 2,
            got: 1,
            ..
        }
    ));
    let nan = refused(Objective::new(&batch, &Gaussian::UNIT, &[1.0, f64::NAN]));
    assert!(matches!(nan, LikelihoodError::Target { index: 1, .. }));
    let half = refused(Objective::new(&batch, &Bernoulli, &[1.0, 0.5]));
    assert!(matches!(half, LikelihoodError::Target { index: 1, .. }));

    let objective = Objective::new(&batch, &Gaussian::UNIT, &[1.0, 2.0]).unwrap();
    for (name, mut optimizer) in every_optimizer() {
        let short = optimizer.step(&objective, &mut [0.0]).unwrap_err();
        let count = ModelError::ParameterCount {
            expected: 2,
            got: 1,
        };
        assert_eq!(short.to_string(), count.to_string(), "{name}");
        let nan = optimizer
            .step(&objective, &mut [0.0, f64::NAN])
            .unwrap_err();
        assert!(
            matches!(
                nan,
                OptimError::Model(ModelError::NonFiniteParameter { index: 1, .. })
            ),
            "{name}: {nan}"
        );
    }
    assert!(objective.loss(&[0.0]).is_err());
    // squares overflow: no loss, rather than an infinite one
    let error = objective.loss(&[1e200, 0.0]).unwrap_err();
    assert!(
        matches!(error, OptimError::NonFinite { step: 0, .. }),
        "{error}"
    );
}

/// At residuals of 1e-9 the losses, near ½ log 2π, agree in all their digits.
#[test]
fn a_decrease_below_the_rounding_of_the_loss_is_still_seen() {
    let net = Mlp::new(&[1, 1], Activation::Tanh).unwrap();
    let batch = net.on_slice(&[1.0, 2.0]).unwrap();
    let objective = Objective::new(&batch, &Gaussian::UNIT, &[0.0, 0.0]).unwrap();
    let (from, to) = ([3e-9, -2e-9], [1e-9, -5e-9]);
    let exact = 0.25 * ((9.0 + 4.0) - (1.0 + 25.0)) * 1e-18;
    assert!((objective.decrease(&from, &to) - exact).abs() < 1e-15 * exact.abs());
    assert!((objective.loss_at(&from) - objective.loss_at(&to)).abs() < 1e-17);
    // and a large one is the difference of the losses
    let (from, to) = ([3.0, -2.0], [0.5, 0.0]);
    let difference = objective.loss_at(&from) - objective.loss_at(&to);
    assert!((objective.decrease(&from, &to) - difference).abs() < 1e-15);
}

#[test]
fn a_run_says_why_it_stopped() {
    let case = Case::new(&[2, 1], 0, 20, 4);
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
    let start = objective.loss(&case.theta).unwrap();
    let run = |stopping: Stopping, limit: u64| {
        let mut theta = case.theta.clone();
        let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt()).unwrap();
        let observe = |t: u64, _: &_, _: &_| match t < limit {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        let report = fit(&mut optimizer, &objective, &mut theta, &stopping, observe).unwrap();
        assert!(report.loss < start && report.steps > 0);
        assert!((report.loss - objective.loss(&theta).unwrap()).abs() < 1e-16);
        report.reason
    };
    let long = Stopping::after(100);
    assert_eq!(run(Stopping::after(2), 100), Reason::Steps);
    assert_eq!(run(long, 3), Reason::Caller);
    assert_eq!(run(long, 100), Reason::NoDescent);
    assert_eq!(run(long.at_loss(start), 100), Reason::Loss);
    assert_eq!(run(long.at_gradient_norm(1e-6), 100), Reason::GradientNorm);
    assert_eq!(
        run(long.at_predicted_decrease(1e-9), 100),
        Reason::PredictedDecrease
    );
    assert_eq!(
        run(long.at_relative_decrease(1e-9), 100),
        Reason::RelativeDecrease
    );
}
