use crate::models::{Case, relative_difference};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;
use neuromanifold_optim::{
    Adam, Damping, Momentum, NaturalGradient, Objective, OptimError, Optimizer, Schedule, Sgd, Step,
};

/// `l(θ) = ½ mean (θ₀x + θ₁ − y)²` at two points, so that gradients can be written down.
fn two_points<T>(run: impl FnOnce(&Objective<'_>) -> T) -> T {
    let net = Mlp::new(&[1, 1], Activation::Tanh).unwrap();
    let batch = net.on_slice(&[1.0, -1.0]).unwrap();
    run(&Objective::new(&batch, &Gaussian::UNIT, &[2.0, -2.0]).unwrap())
}

/// Its gradient: `(θ₀ − 2, θ₁)`.
fn gradient(theta: [f64; 2]) -> [f64; 2] {
    [theta[0] - 2.0, theta[1]]
}

fn trajectory(optimizer: &mut dyn Optimizer, steps: usize) -> (Vec<[f64; 2]>, Vec<Step>) {
    two_points(|objective| {
        let mut theta = [0.5, 1.0];
        let mut path = vec![theta];
        let mut reports = Vec::new();
        for _ in 0..steps {
            reports.push(optimizer.step(objective, &mut theta).unwrap());
            path.push(theta);
        }
        (path, reports)
    })
}

#[test]
fn plain_descent_follows_its_schedule() {
    let rate = Schedule::inverse_time(1.0, 4.0).unwrap();
    let (path, steps) = trajectory(&mut Sgd::new(rate), 6);
    let mut theta = [0.5, 1.0];
    for (t, (got, step)) in path[1..].iter().zip(&steps).enumerate() {
        let g = gradient(theta);
        let eta = 1.0 / (t as f64 + 5.0);
        theta = [theta[0] - eta * g[0], theta[1] - eta * g[1]];
        assert!(relative_difference(got, &theta) < 1e-15);
        let squared = g[0] * g[0] + g[1] * g[1];
        assert!((step.gradient_norm - squared.sqrt()).abs() < 1e-15);
        assert!((step.step_norm - eta * squared.sqrt()).abs() < 1e-15);
        assert!((step.predicted_decrease - eta * squared).abs() < 1e-15);
        assert!((step.learning_rate - eta).abs() < 1e-16);
        assert!(step.accepted && step.divergence.is_none());
    }
}

#[test]
fn momentum_follows_its_recursion() {
    let (eta, mu) = (0.1, 0.8);
    for nesterov in [false, true] {
        let momentum = if nesterov {
            Momentum::Nesterov(mu)
        } else {
            Momentum::HeavyBall(mu)
        };
        let mut sgd = Sgd::new(Schedule::constant(eta).unwrap())
            .with_momentum(momentum)
            .unwrap();
        let (path, _) = trajectory(&mut sgd, 8);
        let (mut theta, mut v) = ([0.5, 1.0], [0.0, 0.0]);
        for got in &path[1..] {
            let g = gradient(theta);
            for k in 0..2 {
                v[k] = mu * v[k] - eta * g[k];
                theta[k] += if nesterov {
                    mu * v[k] - eta * g[k]
                } else {
                    v[k]
                };
            }
            assert!(relative_difference(got, &theta) < 1e-14);
        }
    }
    let sgd = Sgd::new(Schedule::ONE);
    assert!(matches!(
        sgd.with_momentum(Momentum::HeavyBall(1.0)),
        Err(OptimError::Setting { .. })
    ));
}

#[test]
fn adam_takes_the_steps_of_the_paper() {
    let mut adam = Adam::new(Schedule::constant(0.1).unwrap());
    let (path, _) = trajectory(&mut adam, 3);
    // The first step is η g/(|g| + ε) whatever the size of the gradient: m̂ = g and v̂ = g².
    let first = [0.5 + 0.1 * 1.5 / (1.5 + 1e-8), 1.0 - 0.1 / (1.0 + 1e-8)];
    assert!(relative_difference(&path[1], &first) < 1e-15);
    // The second by hand, from g₁ = (−1.5, 1) and g₂ = gradient(first).
    let (g1, g2) = ([-1.5, 1.0], gradient(first));
    let mut second = first;
    for k in 0..2 {
        let m = (0.9 * 0.1 * g1[k] + 0.1 * g2[k]) / (1.0 - 0.81);
        let v = (0.999 * 0.001 * g1[k] * g1[k] + 0.001 * g2[k] * g2[k]) / (1.0 - 0.999 * 0.999);
        second[k] -= 0.1 * m / (v.sqrt() + 1e-8);
    }
    assert!(relative_difference(&path[2], &second) < 1e-13); // 1 − β₂² has lost three digits
    assert!(Adam::new(Schedule::ONE).with_decay(0.9, 1.0).is_err());
    assert!(Adam::new(Schedule::ONE).with_epsilon(0.0).is_err());
}

#[test]
fn an_optimiser_that_remembers_one_model_refuses_another() {
    let rate = Schedule::constant(0.1).unwrap();
    let mut optimizers: [Box<dyn Optimizer>; 3] = [
        Box::new(Sgd::new(rate)),
        Box::new(Adam::new(rate)),
        Box::new(neuromanifold_optim::AdaptiveNaturalGradient::new(
            neuromanifold_optim::Rule::ShermanMorrison,
            rate,
            rate,
        )),
    ];
    let case = Case::new(&[3, 2, 1], 0, 4, 1);
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let other = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
    for optimizer in &mut optimizers {
        trajectory(optimizer.as_mut(), 2);
        let mut theta = case.theta.clone();
        let error = optimizer.step(&other, &mut theta).unwrap_err();
        assert!(
            matches!(
                error,
                OptimError::Dimension {
                    expected: 2,
                    got: 11
                }
            ),
            "{error}"
        );
        assert_eq!(theta, case.theta);
        trajectory(optimizer.as_mut(), 1); // and goes on with its own
    }
    // one that remembers nothing does not mind
    let mut natural = NaturalGradient::new(Damping::Fixed(0.1)).unwrap();
    trajectory(&mut natural, 2);
    natural.step(&other, &mut case.theta.clone()).unwrap();
}
