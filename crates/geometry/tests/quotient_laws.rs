//! Laws of the quotient S/R: equivalence, canonical forms, exact reduction, null spaces, compression.

mod units;

use neuromanifold_geometry::faer::{Mat, MatRef};
use neuromanifold_geometry::quotient::{
    AnalyticNullSpace, CanonicalForm, Equivalence, Probe, Shallow, Stratum, SymmetryGroup,
    TangentSplit, Tolerance, Verdict, compress, critical_subspaces, degeneracy, equivalent, reduce,
};
use neuromanifold_geometry::{RankTolerance, kullback_leibler};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood, OutputMap};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use units::{ALL, Unit, assemble_with, evaluate, largest_gap, normals, representative};

/// A random irreducible network and an inflated one that computes the same function, with `extra` more units.
#[derive(Debug)]
struct Inflated {
    activation: Activation,
    inputs: usize,
    rank: usize,
    small: (Mlp, Vec<f64>),
    large: (Mlp, Vec<f64>),
    seed: u64,
}

prop_compose! {
    fn inflated()(
        which in 0..5usize, inputs in 1..5usize, rank in 1..6usize, outputs in 1..4usize,
        hidden_bias: bool, extra in 0..6usize, seed: u64,
    ) -> Inflated {
        inflate(ALL[which], inputs, rank, outputs, hidden_bias, extra, seed)
    }
}

/// Splits, dead units, constant units, duplicates, flips and a permutation, all exactly equal.
fn inflate(
    activation: Activation,
    inputs: usize,
    rank: usize,
    outputs: usize,
    hidden_bias: bool,
    extra: usize,
    seed: u64,
) -> Inflated {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // on one input and without biases all relu units lie on one ray
    let hidden_bias = hidden_bias || (activation == Activation::Relu && inputs == 1);
    let bias = |rng: &mut ChaCha8Rng| {
        if hidden_bias { normals(1, rng)[0] } else { 0.0 }
    };
    let units: Vec<Unit> = (0..rank)
        .map(|_| {
            (
                normals(inputs, &mut rng),
                bias(&mut rng),
                normals(outputs, &mut rng),
            )
        })
        .collect();
    let c = normals(outputs, &mut rng);
    let small = assemble_with(&units, &c, activation, hidden_bias, true);
    let (mut large, mut constant) = (units, c);
    for _ in 0..extra {
        match rng.random_range(0..3) {
            0 => {
                // split one unit, v = λ v + (1 − λ) v
                let unit = large[rng.random_range(0..large.len())].clone();
                let at = large.iter().position(|u| *u == unit).expect("it is there");
                let share = rng.random_range(-1.0..2.0f64);
                large[at].2.iter_mut().for_each(|v| *v *= share);
                let rest = unit.2.iter().map(|v| v * (1.0 - share)).collect();
                large.push((unit.0, unit.1, rest));
            }
            1 => large.push((
                normals(inputs, &mut rng),
                bias(&mut rng),
                vec![0.0; outputs],
            )),
            _ => {
                let (b, v) = (bias(&mut rng), normals(outputs, &mut rng));
                let mut value = [0.0];
                activation.value(&[b], &mut value);
                for (c, v) in constant.iter_mut().zip(&v) {
                    *c -= v * value[0];
                }
                large.push((vec![0.0; inputs], b, v));
            }
        }
    }
    let (net, theta) = assemble_with(&large, &constant, activation, hidden_bias, true);
    let group = SymmetryGroup::of(&net);
    let theta = group
        .apply(&group.random(&mut rng), &theta)
        .expect("its own group");
    Inflated {
        activation,
        inputs,
        rank,
        small,
        large: (net, theta),
        seed,
    }
}

/// Whether the identities of an activation leave no affine part, so that ranks are minimal widths.
fn tidy(activation: Activation) -> bool {
    matches!(
        activation,
        Activation::Tanh | Activation::Erf | Activation::Logistic
    )
}

/// Eigenvalues up to the square of rounding are zero.
const ROUNDING: RankTolerance = RankTolerance::Relative(1e-23);

/// Whether the irreducible network stays clear of every stratum: near an overlap the smallest eigenvalue falls with the sixth
/// power of the separation, and no arithmetic tells it from zero.
fn well_separated(case: &Inflated) -> bool {
    let probe_inputs = Mat::<f64>::zeros(case.inputs, 1);
    let probe = Probe {
        inputs: probe_inputs.as_ref(),
        likelihood: &Gaussian::UNIT,
    };
    let near = critical_subspaces(&case.small.0, &case.small.1, &probe, 0.3);
    let near = near.expect("one hidden layer");
    // every relu unit can be rescaled
    let scaling = |stratum: &Stratum| matches!(stratum, Stratum::Scaling { .. });
    near.iter().all(|subspace| scaling(&subspace.stratum))
}

/// A relu unit whose kink lies outside the inputs is an affine function on them, and numbers cannot know better.
fn kinks_are_seen(case: &Inflated, points: &[f64]) -> bool {
    if case.activation != Activation::Relu {
        return true;
    }
    let shallow = Shallow::new(&case.large.0, &case.large.1).expect("one hidden layer");
    shallow.units().iter().all(|unit| {
        let active = |x: &[f64]| {
            unit.bias + unit.incoming.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() > 0.0
        };
        let examples = points.len() / case.inputs;
        let count = points
            .chunks_exact(case.inputs)
            .filter(|x| active(x))
            .count();
        let constant = unit.incoming.iter().all(|w| w.abs() < 1e-300);
        constant || (count > case.inputs + 2 && examples - count > case.inputs + 2)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn inflation_is_undone(case in inflated()) {
        let form = CanonicalForm::of(&case.large.0, &case.large.1, Tolerance::default()).unwrap();
        prop_assert_eq!(form.rank(), case.rank);
        let mut rng = ChaCha8Rng::seed_from_u64(case.seed ^ 1);
        let points = normals(case.inputs * 50, &mut rng);
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&points, case.inputs, 50),
            likelihood: &Gaussian::UNIT,
        };
        let reduction = reduce(&case.large.0, &case.large.1, &probe, Tolerance::default()).unwrap();
        let scale = case.large.1.iter().fold(1.0, |m: f64, t| m.max(t.abs()));
        prop_assert!(reduction.difference.largest <= 1e-12 * scale * scale, "{:?}", reduction.difference);
        prop_assert_eq!(reduction.widths[0].1, case.rank);
        prop_assert!(reduction.difference.divergence <= 1e-20 * scale.powi(4));
    }

    #[test]
    fn canonical_forms_are_idempotent_and_invariant(case in inflated()) {
        let (small, theta) = representative(&case.large.0, &case.large.1, Tolerance::default()).unwrap();
        let points = normals(case.inputs * 30, &mut ChaCha8Rng::seed_from_u64(case.seed ^ 2));
        let scale = case.large.1.iter().fold(1.0, |m: f64, t| m.max(t.abs()));
        let gap = largest_gap(&evaluate(&case.large.0, &case.large.1, &points), &evaluate(&small, &theta, &points));
        prop_assert!(gap <= 1e-12 * scale * scale, "{}", gap);
        let (again, theta_again) = representative(&small, &theta, Tolerance::default()).unwrap();
        prop_assert_eq!(again.parameters(), small.parameters());
        // an affine part is written with rows of an echelon form, whose entries can be large
        let size = theta.iter().fold(scale, |m: f64, t| m.max(t.abs()));
        prop_assert!(largest_gap(&theta, &theta_again) <= 1e-14 * size * size, "{}", largest_gap(&theta, &theta_again));
        // constant on the class: the small network and a random group element of the large one
        let group = SymmetryGroup::of(&case.large.0);
        let turned = group.apply(&group.random(&mut ChaCha8Rng::seed_from_u64(case.seed ^ 3)), &case.large.1).unwrap();
        for (net, other) in [(&case.large.0, &turned), (&case.small.0, &case.small.1)] {
            let (same, theta_same) = representative(net, other, Tolerance::default()).unwrap();
            prop_assert_eq!(same.parameters(), small.parameters());
            let gap = largest_gap(&theta, &theta_same);
            prop_assert!(gap <= 1e-12 * size * size, "{}", gap);
        }
    }

    #[test]
    fn equivalence_is_recognised(case in inflated()) {
        let (large, small) = ((&case.large.0, &case.large.1[..]), (&case.small.0, &case.small.1[..]));
        prop_assert!(equivalent(large, small, Tolerance::default()).unwrap().holds());
        let group = SymmetryGroup::of(&case.large.0);
        let element = group.random(&mut ChaCha8Rng::seed_from_u64(case.seed ^ 4));
        let turned = group.apply(&element, &case.large.1).unwrap();
        let verdict = equivalent(large, (&case.large.0, &turned), Tolerance::default()).unwrap();
        let Equivalence::Equal { symmetry: Some(found) } = verdict else {
            return Err(TestCaseError::fail(format!("{verdict:?}")));
        };
        let image = group.apply(&found, &case.large.1).unwrap();
        prop_assert!(largest_gap(&image, &turned) <= 1e-8, "{}", largest_gap(&image, &turned));
        // a random other point is never equivalent, and the witness shows it
        let other = normals(case.small.1.len(), &mut ChaCha8Rng::seed_from_u64(case.seed ^ 5));
        match equivalent(large, (&case.small.0, &other), Tolerance::default()).unwrap() {
            Equivalence::Different { witness } => {
                let one = evaluate(large.0, large.1, &witness.input);
                let two = evaluate(&case.small.0, &other, &witness.input);
                prop_assert!((largest_gap(&one, &two) - witness.difference).abs() <= 1e-9);
                prop_assert!(witness.difference > 1e-6, "{}", witness.difference);
            }
            equal => return Err(TestCaseError::fail(format!("{equal:?}"))),
        }
    }

    #[test]
    fn symmetries_and_generators_change_nothing(
        which in 0..6usize, deep: bool, outputs in 1..3usize, hidden_bias: bool, seed: u64,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut builder = Mlp::builder(2).layer(4, ALL[which]);
        if !hidden_bias { builder = builder.without_bias(); }
        if deep { builder = builder.layer(3, ALL[(which + 3) % 6]); }
        let net = builder.layer(outputs, Activation::Identity).build().unwrap();
        let theta = normals(net.parameters(), &mut rng);
        let points = normals(2 * 40, &mut rng);
        let group = SymmetryGroup::of(&net);
        let turned = group.apply(&group.random(&mut rng), &theta).unwrap();
        let (before, after) = (evaluate(&net, &theta, &points), evaluate(&net, &turned, &points));
        let scale = before.iter().fold(1.0, |m: f64, z| m.max(z.abs()));
        prop_assert!(largest_gap(&before, &after) <= 1e-12 * scale, "{}", largest_gap(&before, &after));
        // nor does the divergence see a difference, for any likelihood
        let batch = net.on_slice(&points).unwrap();
        let laws: [&dyn Likelihood; 3] = [&Gaussian::UNIT, &Bernoulli, &Categorical];
        for law in laws.iter().take(if outputs > 1 { 3 } else { 2 }) {
            let divergence = kullback_leibler(&batch, *law, &theta, &turned).unwrap();
            prop_assert!(divergence <= 1e-22 * scale * scale, "{law:?}: {divergence}");
        }
        // generators are null directions of the Jacobian
        let at = batch.linearize(&theta).unwrap();
        let mut moved = vec![0.0; before.len()];
        for generator in group.generators(&theta).unwrap().col_iter() {
            let tangent: Vec<f64> = generator.iter().copied().collect();
            at.jvp(&tangent, &mut moved);
            prop_assert!(moved.iter().all(|m| m.abs() <= 1e-11 * scale), "{moved:?}");
        }
    }

    // Fukumizu: with an output bias, G is singular exactly if the network is reducible; and the null space is what theory says.
    #[test]
    fn the_null_space_is_the_analytic_one(case in inflated()) {
        let (net, theta) = (&case.large.0, &case.large.1);
        let null = AnalyticNullSpace::of(net, theta, Tolerance::default()).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(case.seed ^ 6);
        let examples = 3000; // so many that some input lies between any two kinks and on any slope
        let points: Vec<f64> = normals(case.inputs * examples, &mut rng).iter().map(|x| 2.0 * x).collect();
        let batch = net.on_slice(&points).unwrap();
        let at = batch.linearize(theta).unwrap();
        let mut moved = vec![0.0; at.outputs().len()];
        let scale = theta.iter().fold(1.0, |m: f64, t| m.max(t.abs()));
        for direction in null.directions() {
            let mut tangent = vec![0.0; theta.len()];
            for (p, value) in &direction.entries { tangent[*p] += value; }
            let size = tangent.iter().map(|t| t * t).sum::<f64>().sqrt();
            at.jvp(&tangent, &mut moved);
            let image = moved.iter().fold(0.0, |m: f64, z| m.max(z.abs()));
            prop_assert!(image <= 1e-10 * size * scale * scale, "{:?}: {}", direction, image / size);
        }
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&points, case.inputs, examples),
            likelihood: &Gaussian::UNIT,
        };
        let report = degeneracy(net, theta, &probe, Tolerance::default(), ROUNDING).unwrap();
        // Theory is a lower bound to rounding. It is sharp where numbers can tell.
        prop_assert!(report.numerical.nullity >= null.nullity(), "{report}");
        if well_separated(&case) && kinks_are_seen(&case, &points) {
            prop_assert_eq!(report.verdict, Verdict::Agree, "{}", report);
        }
        let widths = net.layers()[0].outputs();
        if tidy(case.activation) {
            prop_assert_eq!(null.nullity() > 0, widths > case.rank, "{}", report);
        }
    }

    // With an output bias, G is singular exactly if the network is reducible: in theory for every point, in numbers for every reducible
    // point and for each irreducible one that numbers can tell from a reducible one.
    #[test]
    fn g_is_singular_if_and_only_if_the_network_is_reducible(
        erf: bool, inputs in 1..4usize, rank in 1..6usize, outputs in 1..4usize, extra in 0..3usize, seed: u64,
    ) {
        let activation = if erf { Activation::Erf } else { Activation::Tanh };
        let case = inflate(activation, inputs, rank, outputs, true, extra, seed);
        let (net, theta) = (&case.large.0, &case.large.1);
        let points = normals(inputs * 1000, &mut ChaCha8Rng::seed_from_u64(seed ^ 9));
        let points: Vec<f64> = points.iter().map(|x| 1.5 * x).collect();
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&points, inputs, 1000),
            likelihood: &Gaussian::UNIT,
        };
        let report = degeneracy(net, theta, &probe, Tolerance::default(), ROUNDING).unwrap();
        let reducible = extra > 0;
        prop_assert_eq!(report.is_critical(), reducible);
        prop_assert_eq!(CanonicalForm::of(net, theta, Tolerance::default()).unwrap().rank() < rank + extra, reducible);
        if reducible {
            prop_assert!(report.numerical.nullity > 0, "{report}");
        } else if well_separated(&case) {
            prop_assert_eq!(report.numerical.nullity, 0, "{}", report);
        }
    }

    #[test]
    fn compression_keeps_its_budget_and_is_monotone(
        hidden in 2..9usize, outputs in 1..4usize, which in 0..5usize, deep: bool, categorical: bool, seed: u64,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let outputs = if categorical { outputs + 1 } else { outputs };
        let mut builder = Mlp::builder(2).layer(hidden, ALL[which]);
        if deep { builder = builder.layer(3, Activation::Tanh); }
        let net = builder.layer(outputs, Activation::Identity).build().unwrap();
        let theta = normals(net.parameters(), &mut rng);
        let points = normals(2 * 60, &mut rng);
        let inputs = MatRef::from_column_major_slice(&points, 2, 60);
        let probe = if categorical {
            Probe { inputs, likelihood: &Categorical }
        } else {
            Probe { inputs, likelihood: &Gaussian::UNIT }
        };
        let mut last = usize::MAX;
        for budget in [0.0, 1e-8, 1e-4, 1e-2, 0.3, 100.0] {
            let compression = compress(&net, &theta, &probe, budget).unwrap();
            let measured = probe.difference((&net, &theta), (&compression.net, &compression.theta)).unwrap();
            prop_assert!(measured.divergence <= budget.max(compression.rounding), "{} of {budget}", measured.divergence);
            prop_assert!(compression.rounding < 1e-20);
            let layers = compression.net.layers();
            let units: usize = layers[..layers.len() - 1].iter().map(|layer| layer.outputs()).sum();
            prop_assert!(units <= last, "{units} hidden units at {budget}, {last} before");
            last = units;
        }
    }

    #[test]
    fn tangents_split_into_null_and_complement(case in inflated()) {
        let (net, theta) = (&case.large.0, &case.large.1);
        let split = TangentSplit::of(net, theta, Tolerance::default()).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(case.seed ^ 8);
        let tangent = normals(theta.len(), &mut rng);
        let (vertical, horizontal) = split.split(&tangent);
        let sum: Vec<f64> = vertical.iter().zip(&horizontal).map(|(v, h)| v + h).collect();
        prop_assert!(largest_gap(&sum, &tangent) <= 1e-13);
        let inner: f64 = vertical.iter().zip(&horizontal).map(|(v, h)| v * h).sum();
        prop_assert!(inner.abs() <= 1e-11 * theta.len() as f64);
        let points = normals(case.inputs * 20, &mut rng);
        let batch = net.on_slice(&points).unwrap();
        let at = batch.linearize(theta).unwrap();
        let mut moved = vec![0.0; at.outputs().len()];
        at.jvp(&vertical, &mut moved);
        let scale = theta.iter().fold(1.0, |m: f64, t| m.max(t.abs()));
        prop_assert!(moved.iter().all(|m| m.abs() <= 1e-9 * scale * scale), "{moved:?}");
    }
}
