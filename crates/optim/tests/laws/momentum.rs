//! Memory of the step before, in every representation of the metric.

use crate::models::{case, relative_difference};
use crate::step_control::{natural, steps};
use neuromanifold_geometry::{ConjugateGradients, DenseFisher, Inverse, Metric};
use neuromanifold_model::OutputMap;
use neuromanifold_optim::{Damping, NaturalMomentum, Objective, Representation};
use proptest::prelude::*;

proptest! {
    /// Conjugate gradients that go on to the end, and momentum on top, give what a factorisation gives.
    #[test]
    fn every_representation_takes_the_same_steps(case in case(0..3, 1..12), momentum in 0..3usize) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let momentum = [NaturalMomentum::None, NaturalMomentum::Spring(0.8), NaturalMomentum::Plane][momentum];
        let exact = ConjugateGradients { tolerance: 1e-14, max_products: 500 };
        let run = |representation| {
            let mut optimizer = natural(Damping::Fixed(0.1)).with_momentum(momentum).unwrap()
                .with_representation(representation);
            steps(&mut optimizer, &objective, &case.theta, 2).remove(1).0
        };
        let dense = run(Representation::Dense);
        for other in [Representation::SampleSpace, Representation::MatrixFree(exact), Representation::KroneckerFree(exact)] {
            prop_assert!(relative_difference(&dense, &run(other)) < 1e-8, "{other:?}");
        }
    }

    /// `(G + λI)(δ − μφ) = −∇l − μGφ`.
    #[test]
    fn spring_solves_its_equation(case in case(0..3, 5..20), mu in 0.0..1.0_f64) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), &case.targets).unwrap();
        let lambda = 0.1;
        let mut optimizer = natural(Damping::Fixed(lambda))
            .with_momentum(NaturalMomentum::Spring(mu)).unwrap();
        let mut theta = case.theta.clone();
        let first = steps(&mut optimizer, &objective, &theta, 1).remove(0).0;
        for (t, d) in theta.iter_mut().zip(&first) {
            *t += d;
        }
        let second = steps(&mut optimizer, &objective, &theta, 1).remove(0).0;
        let linearization = batch.linearize(&theta).unwrap();
        let fisher = DenseFisher::new(linearization.as_ref(), case.likelihood.as_ref()).unwrap();
        let dim = theta.len();
        let (mut gradient, mut lowered, mut expected) = (vec![0.0; dim], vec![0.0; dim], vec![0.0; dim]);
        objective.gradient(&theta, &mut gradient).unwrap();
        fisher.lower(&first, &mut lowered);
        for (g, l) in gradient.iter_mut().zip(&lowered) {
            *g = -*g - mu * l;
        }
        fisher.raise(&gradient, Inverse::damped(lambda), &mut expected).unwrap();
        for (e, f) in expected.iter_mut().zip(&first) {
            *e += mu * f;
        }
        prop_assert!(relative_difference(&second, &expected) < 1e-9);
    }
}
