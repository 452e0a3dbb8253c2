//! Laws of the quotient S/R: equivalence, canonical forms, exact reduction, null spaces, compression.

use neuromanifold_geometry::faer::{Mat, MatRef};
use neuromanifold_geometry::quotient::{
    AnalyticNullSpace, CanonicalForm, Cause, Equivalence, Probe, QuotientError, Shallow, Stratum,
    SymmetryGroup, TangentSplit, Tolerance, Verdict, canonicalize, compress, critical_subspaces,
    degeneracy, equivalent, exact_natural_gradient, reduce,
};
use neuromanifold_geometry::{DenseFisher, Inverse, Metric, RankTolerance, kullback_leibler};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood, OutputMap};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const ALL: [Activation; 6] = [
    Activation::Tanh,
    Activation::Erf,
    Activation::Logistic,
    Activation::Relu,
    Activation::Softplus,
    Activation::Identity,
];

fn normals(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| StandardNormal.sample(rng)).collect()
}

fn shallow_net(
    inputs: usize,
    hidden: usize,
    outputs: usize,
    activation: Activation,
    hidden_bias: bool,
    output_bias: bool,
) -> Mlp {
    let mut builder = Mlp::builder(inputs).layer(hidden, activation);
    if !hidden_bias {
        builder = builder.without_bias();
    }
    builder = builder.layer(outputs, Activation::Identity);
    if !output_bias {
        builder = builder.without_bias();
    }
    builder.build().expect("positive widths")
}

/// A unit: `w`, `b`, `v`.
type Unit = (Vec<f64>, f64, Vec<f64>);

/// A network from units; `c` is dropped if there is no output bias.
fn assemble(
    units: &[Unit],
    c: &[f64],
    activation: Activation,
    hidden_bias: bool,
    output_bias: bool,
) -> (Mlp, Vec<f64>) {
    let (inputs, outputs) = (units[0].0.len(), c.len());
    let net = shallow_net(
        inputs,
        units.len(),
        outputs,
        activation,
        hidden_bias,
        output_bias,
    );
    let mut theta: Vec<f64> = units.iter().flat_map(|u| u.0.clone()).collect();
    if hidden_bias {
        theta.extend(units.iter().map(|u| u.1));
    }
    for k in 0..outputs {
        theta.extend(units.iter().map(|u| u.2[k]));
    }
    if output_bias {
        theta.extend(c);
    }
    (net, theta)
}

fn evaluate(net: &Mlp, theta: &[f64], points: &[f64]) -> Vec<f64> {
    let batch = net.on_slice(points).expect("inputs");
    let mut z = vec![0.0; batch.dims().output_len()];
    batch.outputs(theta, &mut z).expect("finite");
    z
}

fn largest_gap(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()))
}

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
    let small = assemble(&units, &c, activation, hidden_bias, true);
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
    let (net, theta) = assemble(&large, &constant, activation, hidden_bias, true);
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
    let scaling = |stratum| matches!(stratum, Stratum::Scaling { .. });
    near.iter().all(|subspace| scaling(subspace.stratum))
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
        let (small, theta) = canonicalize(&case.large.0, &case.large.1, Tolerance::default()).unwrap();
        let points = normals(case.inputs * 30, &mut ChaCha8Rng::seed_from_u64(case.seed ^ 2));
        let scale = case.large.1.iter().fold(1.0, |m: f64, t| m.max(t.abs()));
        let gap = largest_gap(&evaluate(&case.large.0, &case.large.1, &points), &evaluate(&small, &theta, &points));
        prop_assert!(gap <= 1e-12 * scale * scale, "{}", gap);
        let (again, theta_again) = canonicalize(&small, &theta, Tolerance::default()).unwrap();
        prop_assert_eq!(again.parameters(), small.parameters());
        // an affine part is written with rows of an echelon form, whose entries can be large
        let size = theta.iter().fold(scale, |m: f64, t| m.max(t.abs()));
        prop_assert!(largest_gap(&theta, &theta_again) <= 1e-14 * size * size, "{}", largest_gap(&theta, &theta_again));
        // constant on the class: the small network and a random group element of the large one
        let group = SymmetryGroup::of(&case.large.0);
        let turned = group.apply(&group.random(&mut ChaCha8Rng::seed_from_u64(case.seed ^ 3)), &case.large.1).unwrap();
        for (net, other) in [(&case.large.0, &turned), (&case.small.0, &case.small.1)] {
            let (same, theta_same) = canonicalize(net, other, Tolerance::default()).unwrap();
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
        let report = degeneracy(net, theta, &probe, Tolerance::default(), RankTolerance::Relative(1e-14)).unwrap();
        // Theory is a lower bound to rounding. It is sharp where numbers can tell: on one input, or with many units, the
        // spectrum of a regular network itself reaches down to rounding.
        prop_assert!(report.numerical.nullity >= null.nullity(), "{report}");
        if case.inputs > 1 && case.rank <= 3 && well_separated(&case) && kinks_are_seen(&case, &points) {
            prop_assert_eq!(report.verdict, Verdict::Agree, "{}", report);
        }
        let widths = net.layers()[0].outputs();
        if tidy(case.activation) {
            prop_assert_eq!(null.nullity() > 0, widths > case.rank, "{}", report);
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
            prop_assert!(measured.divergence <= budget, "{} of {budget}", measured.divergence);
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

/// A constant unit with `c ≠ 0` is folded into the output bias, not dropped.
#[test]
fn constant_units_are_folded_not_dropped() {
    let a = [1.0, 2.0, 3.0, 1.0, -1.0, 0.0];
    let b = [1.0, 2.0, 3.0, 0.0, 0.0, 0.0];
    let c = [1.0, 2.0, 3.0, -4.0, 4.0, 0.0];
    let units: Vec<Unit> = (0..6).map(|i| (vec![b[i]], c[i], vec![a[i]])).collect();
    for output_bias in [true, false] {
        let (net, theta) = assemble(&units, &[0.0], Activation::Tanh, true, output_bias);
        let (small, canonical) = canonicalize(&net, &theta, Tolerance::EXACT).unwrap();
        assert_eq!(small.layers()[0].outputs(), 3);
        let points = [-3.0, -1.0, 0.0, 0.5, 2.0];
        let gap = largest_gap(
            &evaluate(&net, &theta, &points),
            &evaluate(&small, &canonical, &points),
        );
        assert!(gap < 1e-14, "{gap}");
        let bias = small.bias(&canonical, 1).expect("added if absent")[0];
        assert!((bias + 2.0 * 4f64.tanh()).abs() < 1e-15);
    }
}

#[test]
fn near_duplicates_merge_under_the_default_tolerance_and_it_is_said() {
    let units = [
        (vec![1.0, -0.5], 0.3, vec![2.0]),
        (vec![1.0 + 1e-12, -0.5], 0.3, vec![1.0]),
    ];
    let (net, theta) = assemble(&units, &[0.0], Activation::Tanh, true, true);
    let merged = CanonicalForm::of(&net, &theta, Tolerance::default()).unwrap();
    assert_eq!(merged.rank(), 1);
    assert!(merged.rounded() > 1e-13 && merged.rounded() < 1e-11);
    assert_eq!(
        CanonicalForm::of(&net, &theta, Tolerance::EXACT)
            .unwrap()
            .rank(),
        2
    );
}

#[test]
fn minus_zero_is_zero() {
    let units = [
        (vec![0.0, 1.0], 0.5, vec![1.0]),
        (vec![-0.0, -1.0], -0.5, vec![1.0]),
        (vec![-0.0, -0.0], 0.0, vec![3.0]),
    ];
    let (net, theta) = assemble(&units, &[0.0], Activation::Tanh, true, true);
    let form = CanonicalForm::of(&net, &theta, Tolerance::EXACT).unwrap();
    assert_eq!(form.rank(), 0); // the two cancel, the third is the constant 0
    let (one, other) = ([0.0, -0.0], [-0.0, 0.0]);
    let pair = [(one.to_vec(), 1.0, vec![1.0])];
    let twin = [(other.to_vec(), 1.0, vec![1.0])];
    let (n1, t1) = assemble(&pair, &[0.0], Activation::Tanh, true, true);
    let (n2, t2) = assemble(&twin, &[0.0], Activation::Tanh, true, true);
    assert!(
        equivalent((&n1, &t1), (&n2, &t2), Tolerance::EXACT)
            .unwrap()
            .holds()
    );
}

/// Units with `w₁` of either sign near zero are one unit: no sign rule may tear them apart.
#[test]
fn the_sign_rule_does_not_tear_units_apart() {
    let units = [
        (vec![1e-13, 0.7], 0.2, vec![1.0]),
        (vec![1e-13, -0.7], -0.2, vec![-1.0]),
        (vec![-1e-13, 0.7], 0.2, vec![0.5]),
    ];
    let (net, theta) = assemble(&units, &[0.0], Activation::Erf, true, true);
    let form = CanonicalForm::of(&net, &theta, Tolerance::default()).unwrap();
    assert_eq!(form.rank(), 1);
    assert!((form.terms()[0].outgoing[0].abs() - 2.5).abs() < 1e-12);
}

#[test]
fn cancelling_units_and_the_constant_function() {
    let w = vec![0.4, -0.9];
    for activation in ALL {
        let units = [
            (w.clone(), 0.1, vec![1.5, -2.0]),
            (w.clone(), 0.1, vec![-1.5, 2.0]),
            (vec![1.0, 1.0], 0.3, vec![0.0, 0.0]),
        ];
        let (net, theta) = assemble(&units, &[0.7, -0.2], activation, true, true);
        let form = CanonicalForm::of(&net, &theta, Tolerance::default()).unwrap();
        assert_eq!(form.rank(), 0, "{activation}");
        let points = [0.0, 0.0, 1.0, -2.0, 0.3, 5.0];
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&points, 2, 3),
            likelihood: &Gaussian::UNIT,
        };
        let reduction = reduce(&net, &theta, &probe, Tolerance::default()).unwrap();
        assert_eq!(reduction.widths, [(3, 0)], "{activation}");
        assert!(reduction.difference.largest < 1e-14, "{activation}");
        // canonicalising it once more still gives the constant
        let (again, _) =
            canonicalize(&reduction.net, &reduction.theta, Tolerance::default()).unwrap();
        assert_eq!(again.layers().len(), 1);
    }
}

#[test]
fn outputs_that_cancel_in_part_keep_their_unit() {
    let units = [
        (vec![0.4], 0.1, vec![1.5, 1.0]),
        (vec![0.4], 0.1, vec![-1.5, 2.0]),
    ];
    let (net, theta) = assemble(&units, &[0.0, 0.0], Activation::Tanh, true, true);
    let form = CanonicalForm::of(&net, &theta, Tolerance::EXACT).unwrap();
    assert_eq!(form.rank(), 1);
    assert_eq!(form.terms()[0].outgoing, [0.0, 3.0]);
    // outgoing vectors (1.5, 1) and (−1.5, 2) are independent: only the outgoing weights are redundant
    let null = AnalyticNullSpace::of(&net, &theta, Tolerance::default()).unwrap();
    assert_eq!(null.nullity(), 2);
    assert_eq!(null.causes(), [(Cause::Overlap { units: vec![0, 1] }, 2)]);
}

/// Hand-counted nullities of single strata, `n = 3`, `K = 2`.
#[test]
fn nullities_of_single_strata() {
    let generic = |seed: u64| -> Unit {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (
            normals(3, &mut rng),
            normals(1, &mut rng)[0],
            normals(2, &mut rng),
        )
    };
    let nullity = |units: &[Unit], activation, hidden_bias, output_bias| {
        let (net, theta) = assemble(units, &[0.1, 0.2], activation, hidden_bias, output_bias);
        AnalyticNullSpace::of(&net, &theta, Tolerance::default())
            .unwrap()
            .nullity()
    };
    let tanh = Activation::Tanh;
    let regular = [generic(1), generic(2)];
    assert_eq!(nullity(&regular, tanh, true, true), 0);
    // v = 0: w and b are free
    let mut dead = regular.clone();
    dead[1].2 = vec![0.0, 0.0];
    assert_eq!(nullity(&dead, tanh, true, true), 4);
    assert_eq!(nullity(&dead, tanh, false, true), 3);
    // w = 0 with output bias: v_k against c_k (2), b against c (1)
    let mut flat = regular.clone();
    flat[1].0 = vec![0.0; 3];
    assert_eq!(nullity(&flat, tanh, true, true), 3);
    // without output bias: b against v
    assert_eq!(nullity(&flat, tanh, true, false), 1);
    // overlap with parallel outgoing vectors: 2 outgoing and 4 incoming
    let mut twins = regular.clone();
    twins[1] = (
        twins[0].0.iter().map(|w| -w).collect(),
        -twins[0].1,
        twins[0].2.iter().map(|v| 3.0 * v).collect(),
    );
    assert_eq!(nullity(&twins, tanh, true, true), 6);
    assert_eq!(nullity(&twins, Activation::Logistic, true, true), 6);
    // without an output bias 1 = φ(u) + φ(−u) is not a derivative, so the outgoing weights are not redundant
    assert_eq!(nullity(&twins, Activation::Logistic, true, false), 4);
    // relu: one scaling a unit; opposite rays leave affine functions that nothing else makes
    assert_eq!(nullity(&regular, Activation::Relu, true, true), 2);
    // a linear layer of 2 units between 3 inputs and 2 outputs: GL(2), and the biases
    assert_eq!(nullity(&regular, Activation::Identity, true, true), 4 + 2);
}

#[test]
fn critical_subspaces_are_found_with_their_distances() {
    let units = [
        (vec![1.0, 0.5], 0.2, vec![0.8]),
        (vec![-1.0, -0.5], -0.2 + 0.02, vec![0.5]),
        (vec![0.3, -2.0], 0.7, vec![0.01]),
        (vec![0.0, 0.004], 1.1, vec![0.9]),
    ];
    let (net, theta) = assemble(&units, &[0.0], Activation::Tanh, true, true);
    let points = normals(2 * 200, &mut ChaCha8Rng::seed_from_u64(3));
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&points, 2, 200),
        likelihood: &Gaussian::UNIT,
    };
    let found = critical_subspaces(&net, &theta, &probe, 0.05).unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    for subspace in &found {
        let mut moved = theta.clone();
        for (p, value) in &subspace.nearest {
            moved[*p] = *value;
        }
        // the reported distances are those of the point it reports
        let euclidean = theta
            .iter()
            .zip(&moved)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!((euclidean - subspace.distance).abs() < 1e-14);
        let measured = probe.difference((&net, &theta), (&net, &moved)).unwrap();
        assert!((measured.divergence - subspace.divergence).abs() < 1e-14);
        // and on it the network is reducible
        let form = CanonicalForm::of(&net, &moved, Tolerance::default()).unwrap();
        assert_eq!(form.rank(), 3, "{subspace:?}");
    }
    let overlap = found
        .iter()
        .find(|s| s.leaf.len() == 1 && (s.leaf[0] - 0.3).abs() < 1e-12)
        .expect("v₁ − v₂ = 0.3 is fixed on the leaf");
    assert!((overlap.distance - 0.02 / 2f64.sqrt()).abs() < 1e-12);
}

#[test]
fn deep_networks_are_reduced_layer_by_layer() {
    // The second layer reads two equal units of the first with weights that differ, and has twins of its own.
    let net = Mlp::builder(2)
        .layer(3, Activation::Tanh)
        .layer(3, Activation::Logistic)
        .layer(2, Activation::Identity)
        .build()
        .unwrap();
    let mut theta = normals(net.parameters(), &mut ChaCha8Rng::seed_from_u64(7));
    let first = net.layers()[0].incoming(0);
    let second = net.layers()[0].incoming(1);
    for (from, to) in first.zip(second) {
        theta[to] = -theta[from];
    }
    let bias = net.layers()[0].bias().unwrap();
    theta[bias.start + 1] = -theta[bias.start];
    // after the merge of (0, 1) units 0 and 1 of the second layer agree: w·a₀ + w'·a₁ = (w − w') a₀
    let (u0, u1) = (
        net.layers()[1].incoming(0).start,
        net.layers()[1].incoming(1).start,
    );
    theta[u1] = theta[u0] + 0.7;
    theta[u1 + 1] = theta[u0 + 1] + 0.7;
    theta[u1 + 2] = theta[u0 + 2];
    let bias = net.layers()[1].bias().unwrap();
    theta[bias.start + 1] = theta[bias.start];
    let points = normals(2 * 30, &mut ChaCha8Rng::seed_from_u64(8));
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&points, 2, 30),
        likelihood: &Gaussian::UNIT,
    };
    let reduction = reduce(&net, &theta, &probe, Tolerance::default()).unwrap();
    assert_eq!(reduction.widths, [(3, 2), (3, 2)]);
    assert!(
        reduction.difference.largest < 1e-13,
        "{:?}",
        reduction.difference
    );
}

#[test]
fn the_exact_inverse_names_the_units() {
    let units = [
        (vec![0.6, -0.4], 0.2, vec![0.8]),
        (vec![0.6, -0.4], 0.2, vec![0.5]),
        (vec![0.1, 0.9], -0.5, vec![0.4]),
    ];
    let (net, theta) = assemble(&units, &[0.1], Activation::Tanh, true, true);
    let points = normals(2 * 100, &mut ChaCha8Rng::seed_from_u64(3));
    let batch = net.on_slice(&points).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let metric = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let mut residual = vec![0.0; 100];
    residual[..50].fill(0.1);
    let mut gradient = vec![0.0; theta.len()];
    at.vjp(&residual, &mut gradient);
    let mut step = gradient.clone();
    let network = (&net, &theta[..]);
    let refused =
        exact_natural_gradient(&metric, &gradient, network, Tolerance::default(), &mut step);
    let Err(QuotientError::Critical { nullity: 4, causes }) = refused else {
        panic!("{refused:?}");
    };
    assert!(causes.contains("units 0, 1"), "{causes}");
    // the others give a finite step; the minimum-norm one is horizontal
    metric
        .raise(&gradient, Inverse::damped(1e-8), &mut step)
        .unwrap();
    assert!(step.iter().all(|s| s.is_finite()));
    metric
        .raise(&gradient, Inverse::pseudo(1e-12), &mut step)
        .unwrap();
    let split = TangentSplit::of(&net, &theta, Tolerance::default()).unwrap();
    let (vertical, horizontal) = split.split(&step);
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    assert!(norm(&vertical) <= 1e-6 * norm(&horizontal));
}

#[test]
fn wide_networks_are_analysed_quickly_enough_to_be_tested() {
    // 256 units with twins; the bench has 1024
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut units: Vec<Unit> = (0..255)
        .map(|_| {
            (
                normals(1, &mut rng),
                normals(1, &mut rng)[0],
                normals(1, &mut rng),
            )
        })
        .collect();
    units.push(units[17].clone());
    let (net, theta) = assemble(&units, &[0.0], Activation::Tanh, true, true);
    let null = AnalyticNullSpace::of(&net, &theta, Tolerance::default()).unwrap();
    assert_eq!(null.nullity(), 3);
    assert_eq!(
        CanonicalForm::of(&net, &theta, Tolerance::default())
            .unwrap()
            .rank(),
        255
    );
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let deep = Mlp::new(&[2, 3, 3, 1], Activation::Tanh).unwrap();
    let theta = vec![0.1; deep.parameters()];
    let refused = Shallow::new(&deep, &theta).unwrap_err();
    assert!(refused.to_string().contains("2 hidden layers"), "{refused}");
    let net = Mlp::new(&[2, 3, 1], Activation::Tanh).unwrap();
    assert!(matches!(
        CanonicalForm::of(&net, &[0.0; 3], Tolerance::EXACT),
        Err(QuotientError::Model(_))
    ));
    let theta = vec![0.1; net.parameters()];
    let wide = Mlp::new(&[3, 3, 1], Activation::Tanh).unwrap();
    let other = vec![0.1; wide.parameters()];
    assert!(matches!(
        equivalent((&net, &theta), (&wide, &other), Tolerance::EXACT),
        Err(QuotientError::Signature { .. })
    ));
    let mut poisoned = theta.clone();
    poisoned[4] = f64::NAN;
    assert!(CanonicalForm::of(&net, &poisoned, Tolerance::EXACT).is_err());
    let inputs = Mat::<f64>::zeros(2, 4);
    let probe = Probe {
        inputs: inputs.as_ref(),
        likelihood: &Gaussian::UNIT,
    };
    assert!(matches!(
        compress(&net, &theta, &probe, f64::NAN),
        Err(QuotientError::Budget { .. })
    ));
}
