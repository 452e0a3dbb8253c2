//! Traps of the quotient S/R by name: what a naive implementation gets wrong.

mod units;

use neuromanifold_geometry::faer::{Mat, MatRef};
use neuromanifold_geometry::quotient::{
    AnalyticNullSpace, CanonicalForm, Cause, Probe, QuotientError, Shallow, TangentSplit,
    Tolerance, compress, critical_subspaces, equivalent, exact_natural_gradient, reduce,
};
use neuromanifold_geometry::{DenseFisher, Inverse, Metric};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use units::{ALL, Unit, assemble_with, evaluate, largest_gap, normals, representative};

/// A constant unit with `c ≠ 0` is folded into the output bias, not dropped.
#[test]
fn constant_units_are_folded_not_dropped() {
    let a = [1.0, 2.0, 3.0, 1.0, -1.0, 0.0];
    let b = [1.0, 2.0, 3.0, 0.0, 0.0, 0.0];
    let c = [1.0, 2.0, 3.0, -4.0, 4.0, 0.0];
    let units: Vec<Unit> = (0..6).map(|i| (vec![b[i]], c[i], vec![a[i]])).collect();
    for output_bias in [true, false] {
        let (net, theta) = assemble_with(&units, &[0.0], Activation::Tanh, true, output_bias);
        let (small, canonical) = representative(&net, &theta, Tolerance::EXACT).unwrap();
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
    let (net, theta) = assemble_with(&units, &[0.0], Activation::Tanh, true, true);
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
    let (net, theta) = assemble_with(&units, &[0.0], Activation::Tanh, true, true);
    let form = CanonicalForm::of(&net, &theta, Tolerance::EXACT).unwrap();
    assert_eq!(form.rank(), 0); // the two cancel, the third is the constant 0
    let (one, other) = ([0.0, -0.0], [-0.0, 0.0]);
    let pair = [(one.to_vec(), 1.0, vec![1.0])];
    let twin = [(other.to_vec(), 1.0, vec![1.0])];
    let (n1, t1) = assemble_with(&pair, &[0.0], Activation::Tanh, true, true);
    let (n2, t2) = assemble_with(&twin, &[0.0], Activation::Tanh, true, true);
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
    let (net, theta) = assemble_with(&units, &[0.0], Activation::Erf, true, true);
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
        let (net, theta) = assemble_with(&units, &[0.7, -0.2], activation, true, true);
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
            representative(&reduction.net, &reduction.theta, Tolerance::default()).unwrap();
        assert_eq!(again.layers().len(), 1);
    }
}

#[test]
fn outputs_that_cancel_in_part_keep_their_unit() {
    let units = [
        (vec![0.4], 0.1, vec![1.5, 1.0]),
        (vec![0.4], 0.1, vec![-1.5, 2.0]),
    ];
    let (net, theta) = assemble_with(&units, &[0.0, 0.0], Activation::Tanh, true, true);
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
        let (net, theta) = assemble_with(units, &[0.1, 0.2], activation, hidden_bias, output_bias);
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
    let (net, theta) = assemble_with(&units, &[0.0], Activation::Tanh, true, true);
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
    let (net, theta) = assemble_with(&units, &[0.1], Activation::Tanh, true, true);
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
    let refused = exact_natural_gradient(
        &metric,
        &gradient,
        network,
        &Gaussian::UNIT,
        Tolerance::default(),
        &mut step,
    );
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
    let (net, theta) = assemble_with(&units, &[0.0], Activation::Tanh, true, true);
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

/// By how much rewriting changes the outputs, relative to their size: canonical form and reduction.
fn rewriting_gaps(units: &[Unit], c: &[f64], activation: Activation, by: Tolerance) -> (f64, f64) {
    let (net, theta) = assemble_with(units, c, activation, true, false);
    let inputs = units[0].0.len();
    let points = normals(16 * inputs, &mut ChaCha8Rng::seed_from_u64(1235));
    let outputs = evaluate(&net, &theta, &points);
    let size = outputs.iter().fold(1.0, |m: f64, z| m.max(z.abs()));
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&points, inputs, 16),
        likelihood: &Gaussian::UNIT,
    };
    let (canonical, there) = representative(&net, &theta, by).expect("one hidden layer");
    let gap = largest_gap(&outputs, &evaluate(&canonical, &there, &points));
    let reduction = reduce(&net, &theta, &probe, by).expect("one hidden layer");
    (gap / size, reduction.difference.largest / size)
}

/// A relu unit with `|b|/|w| = 1e9` counts although its outgoing weight per unit of `|w|` is 1e-12.
#[test]
fn a_large_bias_keeps_a_relu_unit_alive() {
    let units = [
        (vec![-1.0, 1e-12], -2.0, vec![-0.0]),
        (vec![-1.0, 1000.0], 1e-12, vec![1.000000000001]),
        (vec![0.0, -2.0], 1e-6, vec![1e-12]),
        (vec![1e-6, -0.0], 1000.0, vec![1e-6]),
        (vec![0.0, 1000.0], 1000.0, vec![0.5]),
    ];
    let (canonical, reduced) =
        rewriting_gaps(&units, &[0.0], Activation::Relu, Tolerance::default());
    assert!(canonical <= 1e-10, "{canonical:e}");
    assert!(reduced <= 1e-10, "{reduced:e}");
}

/// The first column of the linear part is 1e-12 of the others: a pivot that would cost all digits.
#[test]
fn a_tiny_leading_column_costs_no_digits_of_the_linear_part() {
    let units = [
        (
            vec![1e-12, -0.0, 1.000000000001],
            -1.0,
            vec![1.000000000001, 1.0],
        ),
        (
            vec![1.5821908229170276, -1.314361204103978, 1.000000000001],
            -2.0,
            vec![-2.0, 1e-12],
        ),
    ];
    for (by, bound) in [(Tolerance::EXACT, 1e-12), (Tolerance::default(), 1e-10)] {
        let (canonical, reduced) = rewriting_gaps(&units, &[0.0; 2], Activation::Identity, by);
        assert!(canonical <= bound, "{by}: {canonical:e}");
        assert!(reduced <= bound, "{by}: {reduced:e}");
    }
}
