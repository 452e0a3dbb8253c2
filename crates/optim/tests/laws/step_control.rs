//! Damping, scaling, step length and momentum: what each promises, alone and together.

use crate::models::{Case, Reparametrised, case, normals, product, relative_difference, rng};
use faer::Mat;
use faer::linalg::solvers::{PartialPivLu, Solve};
use neuromanifold_geometry::{DenseFisher, Metric};
use neuromanifold_model::{Dims, Gaussian, Linearization, ModelError, OutputMap};
use neuromanifold_optim::{
    Acceleration, Damping, GainRule, LevenbergMarquardt, NaturalGradient, NaturalMomentum,
    Objective, OptimError, Optimizer, Representation, Scaling, Step, StepLength,
};
use proptest::prelude::*;

fn lengths() -> [StepLength; 4] {
    [
        StepLength::FULL,
        StepLength::trust_region(1e6).unwrap(),
        StepLength::armijo(1e-4, 0.5).unwrap(),
        StepLength::geometric_grid(0.5, 31).unwrap(),
    ]
}

pub(crate) fn natural(damping: Damping) -> NaturalGradient {
    NaturalGradient::new(damping).unwrap()
}

fn straight(rule: GainRule) -> Damping {
    let straight = LevenbergMarquardt::default().with_acceleration(Acceleration::Off);
    Damping::LevenbergMarquardt(straight.unwrap().with_rule(rule).unwrap())
}

/// Steps from θ; the differences between the points visited.
pub(crate) fn steps(
    optimizer: &mut NaturalGradient,
    objective: &Objective<'_>,
    theta: &[f64],
    count: usize,
) -> Vec<(Vec<f64>, Step)> {
    let mut at = theta.to_vec();
    let one = |_| {
        let before = at.clone();
        let step = optimizer.step(objective, &mut at).unwrap();
        (at.iter().zip(&before).map(|(a, b)| a - b).collect(), step)
    };
    (0..count).map(one).collect()
}

proptest! {
    /// The quadratic model of a linear Gaussian model is the loss, so the full natural gradient ends at the minimum, and no
    /// rule for its length or memory may get in its way.
    #[test]
    fn one_step_solves_a_linear_model(inputs in 1..5usize, outputs in 1..3usize, seed: u64) {
        let case = Case::new(&[inputs, outputs], 0, 40, seed);
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let mut gradient = vec![0.0; case.theta.len()];
        for length in lengths() {
            let mut optimizer = natural(Damping::None).with_step_length(length)
                .with_momentum(NaturalMomentum::Plane).unwrap();
            let mut theta = case.theta.clone();
            optimizer.step(&objective, &mut theta).unwrap();
            objective.gradient(&theta, &mut gradient).unwrap();
            let worst = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
            prop_assert!(worst < 1e-11, "{length:?}: {worst:e}");
        }
    }

    #[test]
    fn no_step_leaves_the_trust_region(
        case in case(0..3, 5..40), exponent in -8.0..1.0_f64, kind in 0..3usize,
    ) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let nats = 10f64.powf(exponent);
        let damping = match kind {
            0 => Damping::Fixed(1e-6),
            1 => Damping::levenberg_marquardt(),
            _ => straight(GainRule::Martens { omega: 0.95, period: 5 }),
        };
        let momentum = if kind == 0 { NaturalMomentum::Spring(0.9) } else { NaturalMomentum::None };
        let mut optimizer = natural(damping).with_momentum(momentum).unwrap()
            .with_step_length(StepLength::trust_region(nats).unwrap());
        let mut theta = case.theta.clone();
        for _ in 0..4 {
            let before = theta.clone();
            let linearization = batch.linearize(&before).unwrap();
            let fisher = DenseFisher::new(linearization.as_ref(), case.likelihood.as_ref()).unwrap();
            let step = optimizer.step(&objective, &mut theta).unwrap();
            let tangent: Vec<f64> = theta.iter().zip(&before).map(|(a, b)| a - b).collect();
            prop_assert!(step.divergence.unwrap() <= nats);
            // the form is summed with an error ε tr G |δ|² on either side; and θ + δ − θ is off by e, |e| ≤ ε|θ|, which
            // changes it by at most 2√(δᵀGδ)√(eᵀGe) + eᵀGe
            let size = theta.iter().chain(&before).map(|t| t * t).sum::<f64>().sqrt();
            let rounding = f64::EPSILON * size * fisher.trace().sqrt();
            let summed = 4.0 * f64::EPSILON * fisher.trace() * step.step_norm.powi(2);
            let excess = 0.5 * fisher.norm_squared(&tangent) - nats * (1.0 + 1e-9);
            prop_assert!(excess <= 2.0 * rounding * (2.0 * nats).sqrt() + rounding * rounding + summed);
        }
    }

    /// What is accepted keeps the promise of its rule, and what is not leaves θ alone.
    #[test]
    fn line_searches_keep_their_promise(case in case(0..3, 5..40), armijo: bool, adaptive: bool) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let c = 0.1;
        let length = if armijo { StepLength::armijo(c, 0.5) } else { StepLength::geometric_grid(0.5, 12) };
        let damping = if adaptive { Damping::levenberg_marquardt() } else { Damping::Fixed(1e-4) };
        let mut optimizer = natural(damping).with_step_length(length.unwrap());
        let mut theta = case.theta.clone();
        for _ in 0..5 {
            let before = theta.clone();
            let mut gradient = vec![0.0; theta.len()];
            let loss = objective.gradient(&before, &mut gradient).unwrap();
            let step = optimizer.step(&objective, &mut theta).unwrap();
            prop_assert_eq!(step.accepted, before != theta);
            let after = objective.loss(&theta).unwrap();
            prop_assert!(after <= loss + 1e-13 * (loss.abs() + 1.0));
            if armijo && !adaptive && step.accepted {
                let slope: f64 = gradient.iter().zip(theta.iter().zip(&before))
                    .map(|(g, (a, b))| g * (b - a)).sum();
                prop_assert!(loss - after >= c * slope - 1e-13 * (loss.abs() + 1.0));
            }
        }
    }

    /// An exact direction cut to a length in nats is a vector on the manifold of laws, in whatever parameters.
    #[test]
    fn a_trust_region_in_nats_does_not_depend_on_the_parametrisation(seed: u64, exponent in -6.0..0.0_f64) {
        let case = Case::new(&[2, 3], 0, 40, seed);
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let dim = case.theta.len();
        let random = normals(dim * dim, &mut rng(seed ^ 1));
        let matrix = Mat::from_fn(dim, dim, |i, j| {
            random[i * dim + j] * 0.2 / (dim as f64).sqrt() + if i == j { 1.0 } else { 0.0 }
        });
        let other = Reparametrised { map: &batch, matrix: matrix.as_ref() };
        let phi: Vec<f64> = PartialPivLu::new(matrix.as_ref())
            .solve(faer::ColRef::from_slice(&case.theta)).iter().copied().collect();
        let length = StepLength::trust_region(10f64.powf(exponent)).unwrap();
        let step = |map: &dyn OutputMap, at: &[f64]| {
            let objective = Objective::new(map, case.likelihood.as_ref(), &case.targets).unwrap();
            let mut optimizer = natural(Damping::None).with_step_length(length);
            steps(&mut optimizer, &objective, at, 1).remove(0).0
        };
        let pushed = product(matrix.as_ref(), &step(&other, &phi));
        // θ + δ − θ loses the digits by which δ is shorter than θ: three at the smallest radius
        prop_assert!(relative_difference(&step(&batch, &case.theta), &pushed) < 1e-8);
    }

    /// Marquardt's frame: measuring a parameter in other units changes nothing, for any of the representations.
    #[test]
    fn diagonal_scaling_does_not_see_units(case in case(0..2, 3..20), sample_space: bool) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let dim = case.theta.len();
        let units: Vec<f64> = (0..dim).map(|i| 10f64.powi(i as i32 % 5 - 2)).collect();
        let matrix = Mat::from_fn(dim, dim, |i, j| if i == j { units[i] } else { 0.0 });
        let other = Reparametrised { map: &batch, matrix: matrix.as_ref() };
        let phi: Vec<f64> = case.theta.iter().zip(&units).map(|(t, u)| t / u).collect();
        let space = if sample_space { Representation::SampleSpace } else { Representation::Dense };
        let run = |map: &dyn OutputMap, at: &[f64]| {
            let objective = Objective::new(map, case.likelihood.as_ref(), &case.targets).unwrap();
            let mut optimizer = natural(Damping::Fixed(0.1)).with_representation(space)
                .with_scaling(Scaling::Diagonal { floor: 1e-30 }).unwrap();
            steps(&mut optimizer, &objective, at, 1).remove(0).0
        };
        let pushed = product(matrix.as_ref(), &run(&other, &phi));
        prop_assert!(relative_difference(&run(&batch, &case.theta), &pushed) < 1e-7);
    }
}

/// ρ > ¾ multiplies λ by ω^T: on a linear model every prediction comes true.
#[test]
fn the_rule_of_martens_lowers_the_damping_by_its_factor() {
    let case = Case::new(&[3, 2], 0, 30, 5);
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
    let rule = GainRule::Martens {
        omega: 0.95,
        period: 5,
    };
    let mut optimizer = natural(straight(rule));
    let lambdas: Vec<f64> = steps(&mut optimizer, &objective, &case.theta, 4)
        .iter()
        .map(|(_, step)| step.damping.unwrap())
        .collect();
    for pair in lambdas.windows(2) {
        assert!((pair[1] / pair[0] - 0.95_f64.powi(5)).abs() < 1e-12);
    }
}

/// On a curved valley, a grid of lengths finds at least the gain of a full step.
#[test]
fn a_grid_is_no_worse_than_any_of_its_points() {
    let case = Case::new(&[2, 4, 1], 0, 30, 9);
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
    let damping = Damping::Fixed(1e-7);
    let direction = steps(&mut natural(damping), &objective, &case.theta, 1)
        .remove(0)
        .0;
    let grid = StepLength::geometric_grid(0.5, 20).unwrap();
    let mut optimizer = natural(damping).with_step_length(grid);
    let chosen = steps(&mut optimizer, &objective, &case.theta, 1)
        .remove(0)
        .1;
    let start = objective.loss(&case.theta).unwrap();
    for k in 0..20 {
        let point: Vec<f64> = (case.theta.iter().zip(&direction))
            .map(|(t, d)| t + 0.5_f64.powi(k) * d)
            .collect();
        if let Ok(loss) = objective.loss(&point) {
            assert!(
                chosen.actual_decrease.unwrap() >= start - loss - 1e-12,
                "{k}"
            );
        }
    }
}

/// `z = log θ`: not defined for θ ≤ 0, where the first steps from θ = 3 towards `z = −3` would land.
struct Logarithm;

struct LogarithmAt([f64; 1], f64);

impl OutputMap for Logarithm {
    fn dims(&self) -> Dims {
        Dims {
            parameters: 1,
            outputs: 1,
            examples: 1,
        }
    }
    fn linearize<'a>(
        &'a self,
        theta: &'a [f64],
    ) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        Ok(Box::new(LogarithmAt([theta[0].ln()], theta[0])))
    }
}

impl Linearization for LogarithmAt {
    fn dims(&self) -> Dims {
        Logarithm.dims()
    }
    fn outputs(&self) -> &[f64] {
        &self.0
    }
    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        out[0] = tangent[0] / self.1;
    }
    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        out[0] = cotangent[0] / self.1;
    }
}

/// A model that answers NaN beyond its domain: the trial is refused, λ rises (or the length falls), the fit goes on.
#[test]
fn nan_at_a_trial_point_is_recovered_from() {
    let objective = Objective::new(&Logarithm, &Gaussian::UNIT, &[-3.0]).unwrap();
    let armijo = StepLength::armijo(1e-4, 0.5).unwrap();
    let mut optimizers = [
        natural(straight(GainRule::Nielsen)),
        natural(Damping::levenberg_marquardt()),
        natural(Damping::None).with_step_length(armijo),
    ];
    for optimizer in &mut optimizers {
        let mut theta = [3.0];
        let first = optimizer.step(&objective, &mut theta).unwrap();
        assert!(first.accepted && theta[0] > 0.0 && first.evaluations > 2);
        for _ in 0..60 {
            optimizer.step(&objective, &mut theta).unwrap();
        }
        assert!((theta[0].ln() + 3.0).abs() < 1e-12, "{theta:?}");
    }
    // without a look, the step lands there, and the next one says so and leaves θ alone
    let mut blind = natural(Damping::None);
    let mut theta = [3.0];
    blind.step(&objective, &mut theta).unwrap();
    let landed = theta[0].to_bits();
    assert!(matches!(
        blind.step(&objective, &mut theta),
        Err(OptimError::Model(_))
    ));
    assert_eq!(landed, theta[0].to_bits());
}

#[test]
fn senseless_rules_are_refused() {
    let refused = |result: Result<StepLength, OptimError>| {
        assert!(matches!(result, Err(OptimError::Setting { .. })))
    };
    refused(StepLength::trust_region(0.0));
    refused(StepLength::trust_region(f64::NAN));
    refused(StepLength::armijo(1.0, 0.5));
    refused(StepLength::armijo(1e-4, 1.0));
    refused(StepLength::geometric_grid(2.0, 31));
    refused(StepLength::geometric_grid(0.5, 0));
    let spring = NaturalMomentum::Spring;
    assert!(
        natural(Damping::Fixed(0.1))
            .with_momentum(spring(1.5))
            .is_err()
    );
    assert!(natural(Damping::None).with_momentum(spring(0.5)).is_err());
    assert!(
        natural(Damping::None)
            .with_scaling(Scaling::Diagonal { floor: 0.0 })
            .is_err()
    );
    let martens = |omega, period| {
        LevenbergMarquardt::default().with_rule(GainRule::Martens { omega, period })
    };
    assert!(martens(1.0, 5).is_err() && martens(0.95, 0).is_err());
}
