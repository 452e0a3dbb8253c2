use crate::models::{Case, Reparametrised, case, normals, product, relative_difference, rng};
use faer::linalg::solvers::{PartialPivLu, Solve};
use faer::{Mat, Side};
use neuromanifold_geometry::{DenseFisher, Metric, MetricError, RankTolerance};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, OutputMap};
use neuromanifold_optim::{
    Damping, NaturalGradient, Objective, OptimError, Optimizer, Representation, Step,
};
use proptest::prelude::*;

fn step_of(
    damping: Damping,
    representation: Representation,
    objective: &Objective<'_>,
    theta: &[f64],
) -> Result<(Vec<f64>, Step), OptimError> {
    let mut moved = theta.to_vec();
    let step = NaturalGradient::new(damping)?
        .with_representation(representation)
        .step(objective, &mut moved)?;
    for (m, t) in moved.iter_mut().zip(theta) {
        *m -= t;
    }
    Ok((moved, step))
}

fn condition(map: &dyn OutputMap, case: &Case) -> f64 {
    let linearization = map.linearize(&case.theta).unwrap();
    let fisher = DenseFisher::new(linearization.as_ref(), case.likelihood.as_ref()).unwrap();
    let eigenvalues = fisher
        .matrix()
        .self_adjoint_eigenvalues(Side::Lower)
        .unwrap();
    eigenvalues[eigenvalues.len() - 1] / eigenvalues[0].max(0.0)
}

proptest! {
    /// Amari's point: the step is a vector on the manifold of laws, not on their parameters. (Not for softmax, where a
    /// shift of all logits is always a null direction.)
    #[test]
    fn an_exact_step_does_not_depend_on_the_parametrisation(case in case(0..2, 40..60)) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        prop_assume!(condition(&batch, &case) < 1e5);
        let dim = case.theta.len();
        let random = normals(dim * dim, &mut rng(case.seed ^ 1));
        let matrix = Mat::from_fn(dim, dim, |i, j| {
            random[i * dim + j] * 0.3 / (dim as f64).sqrt() + if i == j { 1.0 } else { 0.0 }
        });
        let other = Reparametrised { map: &batch, matrix: matrix.as_ref() };
        let phi: Vec<f64> = PartialPivLu::new(matrix.as_ref())
            .solve(faer::ColRef::from_slice(&case.theta)).iter().copied().collect();

        let here = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let there = Objective::new(&other, case.likelihood.as_ref(), &case.targets).unwrap();
        let (delta, step) = step_of(Damping::None, Representation::Dense, &here, &case.theta).unwrap();
        let (delta_phi, step_phi) = step_of(Damping::None, Representation::Dense, &there, &phi).unwrap();
        let pushed = product(matrix.as_ref(), &delta_phi);
        // 1e5 of condition, and as much again from rounding θ = Mφ, leave eight digits
        prop_assert!(relative_difference(&delta, &pushed) < 1e-8);
        let predictions = [step.predicted_decrease, step_phi.predicted_decrease];
        prop_assert!(relative_difference(&predictions[..1], &predictions[1..]) < 1e-8);
        // the plain gradient does depend on it
        let gradient = |objective: &Objective<'_>, at: &[f64]| {
            let mut g = vec![0.0; dim];
            objective.gradient(at, &mut g).unwrap();
            g
        };
        let pushed = product(matrix.as_ref(), &gradient(&there, &phi));
        prop_assert!(relative_difference(&gradient(&here, &case.theta), &pushed) > 1e-4);
    }

    #[test]
    fn parameter_space_and_sample_space_give_the_same_step(
        case in case(0..3, 1..12),
        exponent in -3.0..1.0_f64,
    ) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        for damping in [Damping::Fixed(10f64.powf(exponent)), Damping::levenberg_marquardt()] {
            let (dense, a) = step_of(damping, Representation::Dense, &objective, &case.theta).unwrap();
            let (dual, b) = step_of(damping, Representation::SampleSpace, &objective, &case.theta).unwrap();
            prop_assert!(relative_difference(&dense, &dual) < 1e-10);
            for (a, b) in [(a.predicted_decrease, b.predicted_decrease), (a.damping.unwrap(), b.damping.unwrap())] {
                prop_assert!((a - b).abs() <= 1e-9 * a.abs());
            }
        }
    }

    /// The shortest least-squares step exists in both spaces, whether or not there are more parameters than examples.
    #[test]
    fn the_pseudo_inverse_is_the_same_in_both_spaces(case in case(0..3, 1..12)) {
        let tolerance = RankTolerance::Relative(1e-9);
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let linearization = batch.linearize(&case.theta).unwrap();
        let spectrum = DenseFisher::new(linearization.as_ref(), case.likelihood.as_ref())
            .unwrap().spectrum().unwrap();
        // a clear rank, and eigenvalues whose squares still have digits
        prop_assume!(spectrum.gap(tolerance) > 1e3);
        let rank = spectrum.rank(tolerance);
        prop_assume!(spectrum.largest() < 1e5 * spectrum.eigenvalues()[case.theta.len() - rank]);
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let damping = Damping::Pseudo(tolerance);
        let (dense, _) = step_of(damping, Representation::Dense, &objective, &case.theta).unwrap();
        let (dual, _) = step_of(damping, Representation::SampleSpace, &objective, &case.theta).unwrap();
        prop_assert!(relative_difference(&dense, &dual) < 1e-8);
    }

    #[test]
    fn one_step_solves_a_linear_gaussian_model(
        inputs in 1..5usize, outputs in 1..3usize, seed: u64,
    ) {
        let case = Case::new(&[inputs, outputs], 0, 30, seed);
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let mut theta = case.theta.clone();
        let before = objective.loss(&theta).unwrap();
        let mut optimizer = NaturalGradient::new(Damping::None).unwrap();
        let step = optimizer.step(&objective, &mut theta).unwrap();
        let mut gradient = vec![0.0; theta.len()];
        let after = objective.gradient(&theta, &mut gradient).unwrap();
        prop_assert!(gradient.iter().all(|g| g.abs() < 1e-11 * step.gradient_norm));
        prop_assert!((before - after - step.predicted_decrease).abs() < 1e-12 * before.abs());
        // ½ δᵀGδ is the divergence itself here, and half of what was gained twice over
        let divergence = step.divergence.unwrap();
        prop_assert!((divergence - step.predicted_decrease).abs() < 1e-10 * divergence);
    }
}

#[test]
fn no_damping_on_a_degenerate_metric_is_an_error_that_names_the_pivot() {
    // Two hidden units with the same incoming weights.
    let net = Mlp::committee(1, 2, Activation::Tanh).unwrap();
    let inputs = [-1.0, -0.3, 0.4, 1.1, 2.0];
    let batch = net.on_slice(&inputs).unwrap();
    let objective = Objective::new(&batch, &Gaussian::UNIT, &[0.0; 5]).unwrap();
    let theta = [0.8, 0.8, 1.0, -0.4];
    let error = step_of(Damping::None, Representation::Auto, &objective, &theta).unwrap_err();
    let OptimError::Metric(MetricError::NotPositiveDefinite { pivot, dim: 4, .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(pivot, 1); // w₂ follows w₁
    for damping in [
        Damping::Pseudo(RankTolerance::rounding(4)),
        Damping::Fixed(1e-3),
        Damping::levenberg_marquardt(),
    ] {
        step_of(damping, Representation::Auto, &objective, &theta).unwrap();
    }
}

/// Two classes share all the probability, and the third, of probability 1e-26, is observed: `|w| ≈ 1e13` along columns of
/// order one. Started from the whitened scores, the solve in sample space would put its rounding errors into all others.
#[test]
fn a_confidently_wrong_example_does_not_spoil_the_sample_space() {
    let net = Mlp::new(&[2, 3], Activation::Tanh).unwrap();
    let inputs = [60.0, 1.0, 0.3, -0.2, -0.7, 0.4];
    let batch = net.on_slice(&inputs).unwrap();
    let theta = [0.0, 0.1, 0.0, 0.2, -1.0, 0.3, 0.1, 0.2, 0.0];
    let objective = Objective::new(&batch, &Categorical, &[2.0, 1.0, 0.0]).unwrap();
    for damping in [Damping::Fixed(1e-3), Damping::levenberg_marquardt()] {
        let (dense, _) = step_of(damping, Representation::Dense, &objective, &theta).unwrap();
        let (dual, _) = step_of(damping, Representation::SampleSpace, &objective, &theta).unwrap();
        assert!(
            relative_difference(&dense, &dual) < 1e-10,
            "{dense:?} {dual:?}"
        );
    }
}

/// One logit has one column, so there `|w| ≈ 1e13` does no harm.
#[test]
fn a_confidently_wrong_logit_does_no_harm() {
    let net = Mlp::new(&[2, 1], Activation::Tanh).unwrap();
    for slope in [1.0, 30.0] {
        let inputs = [60.0, 1.0, 0.3, -0.2];
        let batch = net.on_slice(&inputs).unwrap();
        let theta = [slope, 0.3, 0.1];
        let objective = Objective::new(&batch, &Bernoulli, &[0.0, 1.0]).unwrap();
        let damping = Damping::Fixed(1e-3);
        let (dense, _) = step_of(damping, Representation::Dense, &objective, &theta).unwrap();
        let (dual, _) = step_of(damping, Representation::SampleSpace, &objective, &theta).unwrap();
        assert!(
            relative_difference(&dense, &dual) < 1e-11,
            "{dense:?} {dual:?}"
        );
    }
}

#[test]
fn the_metric_of_a_step_is_that_of_the_model() {
    let case = Case::new(&[2, 3, 2], 2, 9, 5);
    let batch = case.net.on_slice(&case.inputs).unwrap();
    let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
    let (delta, step) = step_of(
        Damping::Fixed(0.1),
        Representation::SampleSpace,
        &objective,
        &case.theta,
    )
    .unwrap();
    let linearization = batch.linearize(&case.theta).unwrap();
    let fisher = DenseFisher::new(linearization.as_ref(), case.likelihood.as_ref()).unwrap();
    let expected = 0.5 * fisher.norm_squared(&delta);
    assert!((step.divergence.unwrap() - expected).abs() < 1e-12 * expected);
}
