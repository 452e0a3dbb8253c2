//! Laws of the symmetry groupoid: flips that cancel, the gauge of softmax, composition and inverse.

mod units;

use neuromanifold_geometry::quotient::{
    Equivalence, Gauge, LayerSymmetry, QuotientError, Symmetry, SymmetryGroup, Tolerance,
    equivalent, equivalent_laws,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood, OutputMap};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use units::{ALL, Unit, assemble_with, evaluate, largest_gap, normals};

/// A random network, with units arranged so that flips of some of them cancel: a set whose last member takes `Σ v ⊗ w = 0`, opposite
/// rays, a dead unit.
#[derive(Debug)]
struct Arranged {
    net: Mlp,
    theta: Vec<f64>,
    /// Units of the set that cancels.
    set: Vec<usize>,
    seed: u64,
}

prop_compose! {
    fn arranged()(
        which in 0..6usize, inputs in 1..4usize, outputs in 1..4usize, hidden_bias: bool, output_bias: bool,
        others in 0..4usize, pairs in 0..3usize, seed: u64,
    ) -> Arranged {
        arrange(ALL[which], [inputs, outputs, others, pairs], (hidden_bias, output_bias), seed)
    }
}

fn arrange(
    activation: Activation,
    [inputs, outputs, others, pairs]: [usize; 4],
    (hidden_bias, output_bias): (bool, bool),
    seed: u64,
) -> Arranged {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let bias = |rng: &mut ChaCha8Rng| {
        if hidden_bias { normals(1, rng)[0] } else { 0.0 }
    };
    // one outgoing direction, and rays with weights that add up to zero
    let direction = normals(outputs, rng);
    let mut sum = vec![0.0; inputs + 1];
    let mut total = 0.0;
    let mut units: Vec<Unit> = Vec::new();
    for _ in 0..2 {
        let (w, b, s) = (normals(inputs, rng), bias(rng), rng.random_range(0.5..2.0));
        for (sum, r) in sum.iter_mut().zip(w.iter().chain([&b])) {
            *sum += s * r;
        }
        total += s;
        units.push((w, b, direction.iter().map(|v| s * v).collect()));
    }
    // the last has the negative of what is left, split between its weights; logistic units need Σ v = 0 instead
    let s = if activation == Activation::Logistic {
        -total
    } else {
        1.5
    };
    let w: Vec<f64> = sum.iter().map(|r| -r / s).collect();
    units.push((
        w[..inputs].to_vec(),
        w[inputs],
        direction.iter().map(|v| s * v).collect(),
    ));
    for _ in 0..pairs {
        let (w, b, v) = (normals(inputs, rng), bias(rng), normals(outputs, rng));
        let s = if activation == Activation::Relu {
            rng.random_range(0.5..2.0)
        } else {
            1.0
        };
        units.push((
            w.iter().map(|w| -w * s).collect(),
            -b * s,
            v.iter().map(|v| v / s).collect(),
        ));
        units.push((w, b, v));
    }
    for i in 0..others {
        let v = if i == 0 {
            vec![0.0; outputs]
        } else {
            normals(outputs, rng)
        };
        units.push((normals(inputs, rng), bias(rng), v));
    }
    let (net, theta) = assemble_with(
        &units,
        &normals(outputs, rng),
        activation,
        hidden_bias,
        output_bias,
    );
    Arranged {
        net,
        theta,
        set: vec![0, 1, 2],
        seed,
    }
}

fn flip(units: usize, set: &[usize]) -> Symmetry {
    let mut layer = LayerSymmetry::identity(units);
    set.iter().for_each(|unit| layer.factors[*unit] = -1.0);
    Symmetry::of_layers(vec![layer])
}

fn size(theta: &[f64]) -> f64 {
    theta.iter().fold(1.0, |m: f64, t| m.max(t.abs()))
}

/// Outputs relative to the last.
fn referred(mut z: Vec<f64>, outputs: usize) -> Vec<f64> {
    for z in z.chunks_exact_mut(outputs) {
        let last = z[outputs - 1];
        z.iter_mut().for_each(|z| *z -= last);
    }
    z
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    // equivalent(θ, g·θ), with an element that maps θ to g·θ, for every activation, all biases, and g with flips that cancel.
    #[test]
    fn equivalence_finds_flips_that_cancel(case in arranged()) {
        let Arranged { net, theta, set, seed } = &case;
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 1);
        let group = SymmetryGroup::of(net);
        let units = net.layers()[0].outputs();
        let points = normals(net.inputs() * 50, &mut rng);
        let before = evaluate(net, theta, &points);
        let flips = &group.cancelling_flips(theta).unwrap()[0];
        prop_assert!(flips.complete || net.inputs() * net.outputs() < units, "{:?}", flips);
        // what was arranged is found
        for unit in set {
            let known = flips.alone.contains(unit)
                || !flips.complete
                || flips.together.iter().any(|other| other == set);
            prop_assert!(known, "{:?}", flips);
        }
        let chosen = group.random_at(theta, &mut rng).unwrap();
        for element in [chosen, flip(units, set)] {
            let image = group.apply(&element, theta).unwrap();
            let scale = size(theta) * size(&image);
            let after = evaluate(net, &image, &points);
            prop_assert!(largest_gap(&before, &after) <= 1e-12 * scale, "{}", largest_gap(&before, &after));
            for tolerance in [Tolerance::default(), Tolerance::EXACT] {
                let verdict = equivalent((net, theta), (net, &image), tolerance).unwrap();
                let Equivalence::Equal { symmetry: Some(found) } = &verdict else {
                    return Err(TestCaseError::fail(format!("{element:?} at {tolerance}: {verdict:?}")));
                };
                let reached = group.clone().within(tolerance).apply(found, theta).unwrap();
                prop_assert!(largest_gap(&reached, &image) <= 1e-13 * scale, "{}", largest_gap(&reached, &image));
            }
        }
        // never for an unrelated point
        let other = normals(theta.len(), &mut rng);
        match equivalent((net, theta), (net, &other), Tolerance::default()).unwrap() {
            Equivalence::Different { witness } => {
                let (one, two) = (evaluate(net, theta, &witness.input), evaluate(net, &other, &witness.input));
                prop_assert!((largest_gap(&one, &two) - witness.difference).abs() <= 1e-9 * witness.difference);
                prop_assert!(witness.difference > 1e-6, "{}", witness.difference);
                prop_assert!(witness.divergence.is_none());
            }
            equal => return Err(TestCaseError::fail(format!("{equal:?}"))),
        }
    }

    // (g h)·θ = g·(h·θ) and g⁻¹·(g·θ) = θ, gauge and flips included, wherever they are defined.
    #[test]
    fn elements_compose_and_invert(case in arranged(), categorical: bool) {
        let Arranged { net, theta, seed, .. } = &case;
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 2);
        let law: &dyn Likelihood = if categorical && net.outputs() > 1 { &Categorical } else { &Gaussian::UNIT };
        let group = SymmetryGroup::of_likelihood(net, law).unwrap();
        let inner = group.random_at(theta, &mut rng).unwrap();
        let between = group.apply(&inner, theta).unwrap();
        let outer = group.random_at(&between, &mut rng).unwrap();
        let image = group.apply(&outer, &between).unwrap();
        let scale = size(theta) * size(&between) * size(&image);
        let composed = group.compose(&outer, &inner).unwrap();
        let direct = group.apply(&composed, theta).unwrap();
        prop_assert!(largest_gap(&direct, &image) <= 1e-13 * scale, "{}", largest_gap(&direct, &image));
        let back = group.apply(&group.inverse(&outer).unwrap(), &image).unwrap();
        prop_assert!(largest_gap(&back, &between) <= 1e-13 * scale, "{}", largest_gap(&back, &between));
        let home = group.apply(&group.inverse(&composed).unwrap(), &image).unwrap();
        prop_assert!(largest_gap(&home, theta) <= 1e-13 * scale, "{}", largest_gap(&home, theta));
    }

    // Under a softmax the gauge, and flips that leave the same for all classes, change the function but not the law.
    #[test]
    fn laws_are_equivalent_up_to_the_gauge(case in arranged(), shared: bool) {
        let Arranged { net, theta, seed, .. } = &case;
        if net.outputs() < 2 {
            return Ok(()); // no softmax
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 3);
        let outputs = net.outputs();
        let mut theta = theta.clone();
        if shared {
            // every unit feeds the first two classes alike: for two classes that is no law at all
            let (one, two) = (net.layers()[1].incoming(0), net.layers()[1].incoming(1));
            theta.copy_within(one, two.start);
        }
        let theta = &theta;
        let group = SymmetryGroup::of_likelihood(net, &Categorical).unwrap();
        let element = group.random_at(theta, &mut rng).unwrap();
        prop_assert!(element.gauge.is_some());
        let image = group.apply(&element, theta).unwrap();
        let scale = size(theta) * size(&image);
        let points = normals(net.inputs() * 40, &mut rng);
        let (before, after) = (evaluate(net, theta, &points), evaluate(net, &image, &points));
        let gap = largest_gap(&referred(before.clone(), outputs), &referred(after.clone(), outputs));
        prop_assert!(gap <= 1e-12 * scale, "{}", gap);
        prop_assert!(largest_gap(&before, &after) > 1e-6);
        for tolerance in [Tolerance::default(), Tolerance::EXACT] {
            let verdict = equivalent_laws((net, theta), (net, &image), &Categorical, tolerance).unwrap();
            let Equivalence::Equal { symmetry: Some(found) } = &verdict else {
                return Err(TestCaseError::fail(format!("{element:?} at {tolerance}: {verdict:?}")));
            };
            let reached = group.clone().within(tolerance).apply(found, theta).unwrap();
            prop_assert!(largest_gap(&reached, &image) <= 1e-12 * scale, "{}", largest_gap(&reached, &image));
            // other laws tell the outputs apart, and the witness has nats
            let laws: [&dyn Likelihood; 2] = [&Gaussian::UNIT, &Bernoulli];
            for law in laws {
                match equivalent_laws((net, theta), (net, &image), law, tolerance).unwrap() {
                    Equivalence::Different { witness } => {
                        prop_assert!(witness.difference > 1e-6);
                        prop_assert!(witness.divergence.is_some_and(|nats| nats > 0.0), "{:?}", witness);
                    }
                    equal => return Err(TestCaseError::fail(format!("{law:?}: {equal:?}"))),
                }
            }
        }
        let other = normals(theta.len(), &mut rng);
        match equivalent_laws((net, theta), (net, &other), &Categorical, Tolerance::default()).unwrap() {
            Equivalence::Different { witness } => {
                prop_assert!(witness.difference > 1e-6);
                prop_assert!(witness.divergence.is_some_and(|nats| nats > 0.0), "{:?}", witness);
            }
            equal => return Err(TestCaseError::fail(format!("{equal:?}"))),
        }
        // the generators of the gauge change no difference of outputs
        let batch = net.on_slice(&points).unwrap();
        let at = batch.linearize(theta).unwrap();
        let mut moved = vec![0.0; before.len()];
        for generator in group.generators(theta).unwrap().col_iter() {
            let tangent: Vec<f64> = generator.iter().copied().collect();
            at.jvp(&tangent, &mut moved);
            prop_assert!(referred(moved.clone(), outputs).iter().all(|m| m.abs() <= 1e-11 * scale));
        }
    }
}

/// `φ(u) − φ(−u) = u` on three softplus units of which no two are on one ray: a symmetry where the affine parts cancel, and nowhere
/// near.
#[test]
fn flips_are_refused_where_they_leave_something() {
    for activation in [Activation::Softplus, Activation::Relu] {
        let units = |last: f64| -> Vec<Unit> {
            vec![
                (vec![1.0, 0.5], 0.25, vec![2.0]),
                (vec![-0.5, 1.0], -1.0, vec![1.0]),
                (vec![1.5, 2.0], 0.75, vec![last]),
            ]
        };
        let (net, theta) = assemble_with(&units(-1.0), &[0.0], activation, true, true);
        let group = SymmetryGroup::of(&net);
        let flips = &group.cancelling_flips(&theta).unwrap()[0];
        assert_eq!(flips.together, [[0, 1, 2]]);
        assert!(flips.alone.is_empty() && flips.complete);
        let image = group.apply(&flip(3, &[0, 1, 2]), &theta).unwrap();
        // 2·0.25 − 1 − 0.75 to the output bias
        assert!((image[image.len() - 1] + 1.25).abs() < 1e-15);
        for set in [&[0][..], &[0, 1], &[0, 2]] {
            let refused = group.apply(&flip(3, set), &theta);
            let Err(QuotientError::ElementFlips { flipped, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(flipped, set.len());
        }
        let (_, near) = assemble_with(&units(-1.0 - 1e-12), &[0.0], activation, true, true);
        let refused = group.apply(&flip(3, &[0, 1, 2]), &near);
        assert!(matches!(
            refused,
            Err(QuotientError::ElementFlips {
                input: Some(0),
                output: 0,
                ..
            })
        ));
        let lenient = group.clone().within(Tolerance::default());
        assert!(lenient.apply(&flip(3, &[0, 1, 2]), &near).is_ok());
        // without an output bias the constants would have to cancel, too
        let (net, theta) = assemble_with(&units(-1.0), &[0.0], activation, true, false);
        let group = SymmetryGroup::of(&net);
        let refused = group.apply(&flip(3, &[0, 1, 2]), &theta);
        assert!(matches!(
            refused,
            Err(QuotientError::ElementFlips { input: None, .. })
        ));
        assert!(
            group.cancelling_flips(&theta).unwrap()[0]
                .together
                .is_empty()
        );
    }
}

/// What flips leave may be the same for all classes of a softmax, which is no reason to refuse them there.
#[test]
fn flips_that_leave_the_same_for_all_classes_are_gauge() {
    let units: Vec<Unit> = vec![
        (vec![1.0, 0.5], 0.25, vec![2.0, 1.0]),
        (vec![-1.0, -0.5], 0.5, vec![1.0, 0.0]),
    ];
    let (net, theta) = assemble_with(&units, &[0.0, 0.0], Activation::Softplus, true, true);
    let element = flip(2, &[0, 1]);
    assert!(matches!(
        SymmetryGroup::of(&net).apply(&element, &theta),
        Err(QuotientError::ElementFlips { .. })
    ));
    let group = SymmetryGroup::of_likelihood(&net, &Categorical).unwrap();
    let image = group.apply(&element, &theta).unwrap();
    let points = [0.3, -0.2, 1.0, 2.0, -3.0, 0.1];
    let of = |theta: &[f64]| referred(evaluate(&net, theta, &points), 2);
    assert!(largest_gap(&of(&theta), &of(&image)) < 1e-14);
    let verdict = equivalent_laws(
        (&net, &theta),
        (&net, &image),
        &Categorical,
        Tolerance::EXACT,
    );
    assert!(matches!(
        verdict.unwrap(),
        Equivalence::Equal { symmetry: Some(_) }
    ));
    assert!(
        !equivalent((&net, &theta), (&net, &image), Tolerance::EXACT)
            .unwrap()
            .holds()
    );
}

#[test]
fn shifts_belong_to_the_group_of_a_softmax_only() {
    let net = Mlp::new(&[1, 2, 2], Activation::Tanh).unwrap();
    let theta = vec![0.3; net.parameters()];
    let with = |weights: Vec<f64>, bias: f64| Symmetry {
        layers: vec![LayerSymmetry::identity(2)],
        gauge: Some(Gauge { weights, bias }),
    };
    let softmax = SymmetryGroup::of_likelihood(&net, &Categorical).unwrap();
    let element = with(vec![1.0, 2.0], 3.0);
    assert!(softmax.apply(&element, &theta).is_ok());
    for (group, element) in [
        (SymmetryGroup::of(&net), &element),
        (
            SymmetryGroup::of_likelihood(&net, &Bernoulli).unwrap(),
            &element,
        ),
        (softmax.clone(), &with(vec![1.0], 0.0)),
        (softmax.clone(), &with(vec![1.0, f64::NAN], 0.0)),
    ] {
        let refused = group.apply(element, &theta);
        assert!(
            matches!(refused, Err(QuotientError::ElementGauge { .. })),
            "{refused:?}"
        );
    }
    let single = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    assert!(SymmetryGroup::of_likelihood(&single, &Categorical).is_err());
    // an affine map has a gauge and nothing else
    let affine = Mlp::builder(3)
        .layer(2, Activation::Identity)
        .build()
        .unwrap();
    let theta = normals(8, &mut ChaCha8Rng::seed_from_u64(1));
    let group = SymmetryGroup::of_likelihood(&affine, &Categorical).unwrap();
    let image = group
        .apply(&group.random(&mut ChaCha8Rng::seed_from_u64(2)), &theta)
        .unwrap();
    let verdict = equivalent_laws(
        (&affine, &theta),
        (&affine, &image),
        &Categorical,
        Tolerance::EXACT,
    );
    let Equivalence::Equal {
        symmetry: Some(found),
    } = verdict.unwrap()
    else {
        panic!("an affine map and its shift");
    };
    assert!(largest_gap(&group.apply(&found, &theta).unwrap(), &image) < 1e-14);
}

/// Flips that cancel in a hidden layer of a deep network.
#[test]
fn deep_networks_have_flips_that_cancel() {
    for seed in 0..50 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let net = Mlp::new(&[2, 4, 3, 2], Activation::Softplus).unwrap();
        let mut theta = normals(net.parameters(), &mut rng);
        // opposite weights of units 0 and 1 that feed the next layer alike
        for (to, from) in net.layers()[0].incoming(1).zip(net.layers()[0].incoming(0)) {
            theta[to] = -theta[from];
        }
        for k in 0..3 {
            let row = net.layers()[1].incoming(k).start;
            theta[row + 1] = theta[row];
        }
        let group = SymmetryGroup::of(&net);
        let flips = group.cancelling_flips(&theta).unwrap();
        assert_eq!(flips[0].together, [[0, 1]]);
        assert!(flips[1].together.is_empty());
        let element = Symmetry::of_layers(vec![
            flip(4, &[0, 1]).layers.remove(0),
            LayerSymmetry::identity(3),
        ]);
        let image = group.apply(&element, &theta).unwrap();
        let points = normals(60, &mut rng);
        let gap = largest_gap(
            &evaluate(&net, &theta, &points),
            &evaluate(&net, &image, &points),
        );
        assert!(gap < 1e-12, "{gap}");
    }
}

/// Where the outputs differ most both laws are certain of the same class; the witness is an input where the laws differ.
#[test]
fn witnesses_of_laws_have_nats() {
    let with = |v: f64| {
        let units = [
            (vec![1.0], 0.0, vec![0.0, v]),
            (vec![1.0], 0.5, vec![0.0, 1.0]),
        ];
        assemble_with(&units, &[0.0, 0.0], Activation::Relu, true, true)
    };
    let (one, other) = (with(500.0), with(600.0));
    let verdict = equivalent_laws(
        (&one.0, &one.1),
        (&other.0, &other.1),
        &Categorical,
        Tolerance::EXACT,
    );
    let Equivalence::Different { witness } = verdict.unwrap() else {
        panic!("different slopes");
    };
    assert!(
        witness.divergence.is_some_and(|nats| nats > 1e-12),
        "{witness:?}"
    );
}
