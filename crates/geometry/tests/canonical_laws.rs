//! Laws of canonical forms, for functions and for laws: idempotent, constant on classes, and they change nothing.

mod units;

use neuromanifold_geometry::DenseFisher;
use neuromanifold_geometry::faer::{Mat, MatRef};
use neuromanifold_geometry::quotient::{
    AnalyticNullSpace, CanonicalForm, Canonicalization, Probe, QuotientError, SymmetryGroup,
    TangentSplit, Tolerance, canonicalize, canonicalize_law, equivalent, equivalent_laws,
    exact_natural_gradient,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Likelihood, OutputMap};
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use units::{ALL, Unit, assemble_with, evaluate, largest_gap, normals};

/// Two ways of writing one function: the second has the units of the first in another order, and whatever is redundant besides.
#[derive(Debug)]
struct Twice {
    one: (Mlp, Vec<f64>),
    other: (Mlp, Vec<f64>),
    inputs: usize,
    seed: u64,
}

prop_compose! {
    fn twice()(
        which in 0..6usize, inputs in 1..4usize, rank in 0..5usize, outputs in 1..4usize,
        hidden_bias: bool, output_bias: bool, extra in 1..7usize, seed: u64,
    ) -> Twice {
        written_twice(ALL[which], [inputs, rank, outputs, extra], (hidden_bias, output_bias), seed)
    }
}

fn written_twice(
    activation: Activation,
    [inputs, rank, outputs, extra]: [usize; 4],
    (hidden_bias, output_bias): (bool, bool),
    seed: u64,
) -> Twice {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let bias = |rng: &mut ChaCha8Rng| if hidden_bias { normals(1, rng)[0] } else { 0.0 };
    let unit = |rng: &mut ChaCha8Rng| (normals(inputs, rng), bias(rng), normals(outputs, rng));
    let mut units: Vec<Unit> = (0..rank).map(|_| unit(rng)).collect();
    let mut constant = if output_bias {
        normals(outputs, rng)
    } else {
        vec![0.0; outputs]
    };
    let dead = (normals(inputs, rng), bias(rng), vec![0.0; outputs]);
    let one = {
        // a network has at least one unit
        let mut units = units.clone();
        units.push(dead);
        assemble_with(&units, &constant, activation, hidden_bias, output_bias)
    };
    for _ in 0..extra {
        let v = normals(outputs, rng);
        let negated = |v: &[f64]| v.iter().map(|v| -v).collect::<Vec<f64>>();
        match rng.random_range(0..6) {
            0 => units.push((normals(inputs, rng), bias(rng), vec![-0.0; outputs])),
            // a constant unit, made up for by another or by the output bias
            1 => {
                let b = bias(rng);
                let signed = rng.random::<bool>();
                let zero = if signed { -0.0 } else { 0.0 };
                units.push((vec![zero; inputs], b, v.clone()));
                if output_bias {
                    let mut value = [0.0];
                    activation.value(&[b], &mut value);
                    constant
                        .iter_mut()
                        .zip(&v)
                        .for_each(|(c, v)| *c -= v * value[0]);
                } else {
                    units.push((vec![0.0; inputs], b, negated(&v)));
                }
            }
            // two that cancel, one of them with −0.0
            2 => {
                let (mut w, b) = (normals(inputs, rng), bias(rng));
                w[0] = 0.0;
                units.push((w.clone(), b, v.clone()));
                w[0] = -0.0;
                units.push((w, b, negated(&v)));
            }
            // a split, in shares that differ from output to output, so that some outputs cancel in part
            3 if !units.is_empty() => {
                let from = rng.random_range(0..units.len());
                let (w, b, v) = units[from].clone();
                let share: Vec<f64> = (0..outputs)
                    .map(|_| [0.0, 1.0, 0.5, -2.0][rng.random_range(0..4)])
                    .collect();
                units[from].2 = v.iter().zip(&share).map(|(v, s)| v * s).collect();
                let rest = v.iter().zip(&share).map(|(v, s)| v * (1.0 - s)).collect();
                units.push((w, b, rest));
            }
            // two that cancel in all outputs but not one by one: v, v' and −(v + v')
            4 => {
                let (w, b, u) = (normals(inputs, rng), bias(rng), normals(outputs, rng));
                let sum: Vec<f64> = v.iter().zip(&u).map(|(v, u)| v + u).collect();
                for v in [v, u, negated(&sum)] {
                    units.push((w.clone(), b, v));
                }
            }
            // φ(u) − φ(−u) − φ(½u) + … = 0 for three rays that add up to zero: u₁ + u₂ + u₃ = 0
            _ => {
                if matches!(activation, Activation::Relu | Activation::Softplus) {
                    let rays = [
                        normals(inputs + 1, rng),
                        normals(inputs + 1, rng),
                        vec![0.0; inputs + 1],
                    ];
                    let third: Vec<f64> = rays[0]
                        .iter()
                        .zip(&rays[1])
                        .map(|(a, b)| -(a + b))
                        .collect();
                    for ray in [&rays[0], &rays[1], &third] {
                        let (w, b) = ray.split_at(inputs);
                        let b = if hidden_bias { b[0] } else { 0.0 };
                        units.push((w.to_vec(), b, v.clone()));
                        units.push((negated(w), -b, negated(&v)));
                    }
                }
            }
        }
    }
    if units.is_empty() {
        units.push((normals(inputs, rng), bias(rng), vec![0.0; outputs]));
    }
    units.shuffle(rng);
    let (net, theta) = assemble_with(&units, &constant, activation, hidden_bias, output_bias);
    let group = SymmetryGroup::of(&net);
    let element = group.random_at(&theta, rng).expect("a point of its own");
    let theta = group.apply(&element, &theta).expect("defined there");
    Twice {
        one,
        other: (net, theta),
        inputs,
        seed,
    }
}

fn size(theta: &[f64]) -> f64 {
    theta.iter().fold(1.0, |m: f64, t| m.max(t.abs()))
}

type Written = Box<dyn Fn((&Mlp, &[f64])) -> Result<Canonicalization, QuotientError>>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn representatives_are_idempotent_and_constant_on_classes(case in twice(), law: bool) {
        let (one, other) = ((&case.one.0, &case.one.1[..]), (&case.other.0, &case.other.1[..]));
        let law = law && one.0.outputs() > 1;
        let points = normals(case.inputs * 40, &mut ChaCha8Rng::seed_from_u64(case.seed ^ 1));
        let inputs = case.inputs;
        let canonical: Written = Box::new(move |(net, theta)| {
            let inputs = MatRef::from_column_major_slice(&points, inputs, 40);
            if law {
                canonicalize_law(net, theta, &Probe { inputs, likelihood: &Categorical }, Tolerance::default())
            } else {
                canonicalize(net, theta, &Probe { inputs, likelihood: &Gaussian::UNIT }, Tolerance::default())
            }
        });
        let first = canonical(one).unwrap();
        // an affine part is written with rows of an echelon form, whose entries can be large
        let scale = size(one.1) * size(other.1) * size(&first.theta).powi(2);
        prop_assert!(first.difference.largest <= 1e-12 * scale, "{:?}", first.difference);
        prop_assert!(first.difference.root_mean_square <= 1e-12 * scale * (one.0.outputs() as f64).sqrt());
        prop_assert!(first.difference.divergence <= 1e-22 * scale * scale, "{:?}", first.difference);
        let second = canonical(other).unwrap();
        prop_assert!(second.difference.largest <= 1e-12 * scale, "{:?}", second.difference);
        prop_assert_eq!(&first.net, &second.net);
        let gap = largest_gap(&first.theta, &second.theta);
        prop_assert!(gap <= 1e-12 * scale, "{gap}: {:?} {:?}", first.theta, second.theta);
        let again = canonical((&second.net, &second.theta)).unwrap();
        prop_assert_eq!(&again.net, &second.net);
        let gap = largest_gap(&again.theta, &second.theta);
        prop_assert!(gap <= 1e-13 * scale, "{gap}: {:?} {:?}", again.theta, second.theta);
        prop_assert!(!again.theta.iter().any(|t| t.to_bits() == (-0.0f64).to_bits()), "{:?}", again.theta);
        // and equivalence says the same of networks of different widths
        prop_assert!(equivalent(one, other, Tolerance::default()).unwrap().holds());
        if law {
            prop_assert!(equivalent_laws(one, other, &Categorical, Tolerance::default()).unwrap().holds());
            let shifted = SymmetryGroup::of_likelihood(other.0, &Categorical).unwrap();
            let element = shifted.random(&mut ChaCha8Rng::seed_from_u64(case.seed ^ 2));
            let image = shifted.apply(&element, other.1).unwrap();
            let third = canonical((other.0, &image)).unwrap();
            prop_assert!(third.difference.largest <= 1e-12 * scale * size(&image), "{:?}", third.difference);
            prop_assert_eq!(&third.net, &second.net);
            prop_assert!(largest_gap(&third.theta, &second.theta) <= 1e-12 * scale * size(&image));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    // Block by block or all at once: an orthonormal basis of the span of the directions.
    #[test]
    fn bases_of_null_spaces_are_orthonormal_and_span_them(case in twice(), law: bool) {
        let (net, theta) = (&case.other.0, &case.other.1);
        let likelihood: &dyn Likelihood = if law && net.outputs() > 1 { &Categorical } else { &Gaussian::UNIT };
        let null = AnalyticNullSpace::of_likelihood(net, theta, likelihood, Tolerance::default()).unwrap();
        let basis = null.basis();
        let gram = basis.transpose() * &basis;
        for i in 0..gram.nrows() {
            for j in 0..gram.ncols() {
                let expected = f64::from(u8::from(i == j));
                prop_assert!((gram[(i, j)] - expected).abs() < 1e-13, "{i} {j}: {}", gram[(i, j)]);
            }
        }
        for direction in null.directions() {
            let mut tangent = Mat::<f64>::zeros(theta.len(), 1);
            for (p, value) in &direction.entries { tangent[(*p, 0)] += value; }
            let rest = &tangent - &basis * (basis.transpose() * &tangent);
            prop_assert!(rest.norm_max() <= 1e-12 * tangent.norm_max(), "{}", rest.norm_max());
        }
    }
}

/// The measured difference is that of the two networks, also where the tolerance was used.
#[test]
fn canonicalize_measures_what_the_tolerance_did() {
    let units = [
        (vec![1.0, -0.5], 0.3, vec![2.0]),
        (vec![1.0 + 1e-7, -0.5], 0.3, vec![1.0]),
    ];
    let (net, theta) = assemble_with(&units, &[0.5], Activation::Tanh, true, true);
    let points = [0.1, 0.2, -1.0, 0.4, 0.7, -0.3];
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&points, 2, 3),
        likelihood: &Gaussian::UNIT,
    };
    let merged = canonicalize(&net, &theta, &probe, Tolerance::new(1e-6).unwrap()).unwrap();
    assert_eq!(merged.form.rank(), 1);
    let gap = largest_gap(
        &evaluate(&net, &theta, &points),
        &evaluate(&merged.net, &merged.theta, &points),
    );
    assert!((gap - merged.difference.largest).abs() <= 1e-15);
    assert!(gap > 1e-9 && gap <= merged.form.rounded() * 2.0, "{gap}");
    assert!(merged.difference.divergence > 0.0);
}

/// A constant, a function of no unit at all, and networks with and without biases have one representative.
#[test]
fn constant_functions_have_one_representative() {
    for activation in ALL {
        let dead = assemble_with(
            &[(vec![0.4, 1.0], 0.0, vec![0.0])],
            &[0.0],
            activation,
            true,
            true,
        );
        let bare = assemble_with(
            &[(vec![-2.0, 0.1], 0.0, vec![0.0])],
            &[0.0],
            activation,
            false,
            false,
        );
        let pair = [
            (vec![1.0, 2.0], 0.3, vec![1.5]),
            (vec![1.0, 2.0], 0.3, vec![-1.5]),
        ];
        let cancelling = assemble_with(&pair, &[0.0], activation, true, false);
        let forms: Vec<_> = [&dead, &bare, &cancelling]
            .iter()
            .map(|(net, theta)| {
                CanonicalForm::of(net, theta, Tolerance::EXACT)
                    .unwrap()
                    .network()
                    .unwrap()
            })
            .collect();
        assert_eq!(forms[0], forms[1], "{activation}");
        assert_eq!(forms[0], forms[2], "{activation}");
        let verdict = equivalent(
            (&dead.0, &dead.1),
            (&cancelling.0, &cancelling.1),
            Tolerance::EXACT,
        );
        assert!(verdict.unwrap().holds());
    }
}

/// Under a softmax no metric is definite, and the gauge is named; the split knows it, too.
#[test]
fn the_gauge_is_vertical_and_named() {
    let net = Mlp::new(&[2, 3, 3], Activation::Tanh).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let theta = normals(net.parameters(), &mut rng);
    let points = normals(2 * 100, &mut rng);
    let batch = net.on_slice(&points).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let metric = DenseFisher::new(at.as_ref(), &Categorical).unwrap();
    let gradient = vec![0.0; theta.len()];
    let mut step = gradient.clone();
    let mut refused = |likelihood: &dyn Likelihood| {
        let network = (&net, &theta[..]);
        let tolerance = Tolerance::default();
        exact_natural_gradient(
            &metric, &gradient, network, likelihood, tolerance, &mut step,
        )
    };
    let Err(QuotientError::Critical { nullity: 4, causes }) = refused(&Categorical) else {
        panic!("the gauge has a dimension for each unit and one for the biases");
    };
    assert!(causes.contains("shifts all logits"), "{causes}");
    let plain = TangentSplit::of(&net, &theta, Tolerance::default()).unwrap();
    assert_eq!(plain.vertical_basis().ncols(), 0);
    let split = TangentSplit::of_likelihood(&net, &theta, &Categorical, Tolerance::default());
    let split = split.unwrap();
    assert_eq!(split.vertical_basis().ncols(), 4);
    let tangent = normals(theta.len(), &mut rng);
    let (vertical, horizontal) = split.split(&tangent);
    let mut moved = vec![0.0; 3 * 100];
    at.jvp(&vertical, &mut moved);
    for z in moved.chunks_exact(3) {
        assert!((z[0] - z[2]).abs() < 1e-13 && (z[1] - z[2]).abs() < 1e-13);
    }
    // what is horizontal shifts nothing: for each unit its weights to the three classes add up to zero
    let output = &net.layers()[1];
    for unit in 0..3 {
        let sum: f64 = (0..3)
            .map(|k| horizontal[output.incoming(k).start + unit])
            .sum();
        assert!(sum.abs() < 1e-14);
    }
}

#[cfg(feature = "serde")]
#[test]
fn evidence_is_serialisable() {
    let net = Mlp::new(&[1, 1, 2], Activation::Softplus).unwrap();
    let (one, other) = (
        [0.5, 0.1, 1.0, 2.0, 0.0, 0.3],
        [0.5, 0.1, 4.0, 5.0, 0.7, 1.0],
    );
    let verdict = equivalent_laws(
        (&net, &one),
        (&net, &other),
        &Categorical,
        Tolerance::default(),
    )
    .unwrap();
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["Equal"]["symmetry"]["layers"][0]["permutation"][0], 0);
    assert_eq!(json["Equal"]["symmetry"]["gauge"]["weights"][0], 3.0);
    let verdict = equivalent((&net, &one), (&net, &other), Tolerance::default()).unwrap();
    let json = serde_json::to_value(&verdict).unwrap();
    assert!(json["Different"]["witness"]["difference"].as_f64().unwrap() > 1.0);
    let form = CanonicalForm::of(&net, &one, Tolerance::default()).unwrap();
    let json = serde_json::to_value(&form).unwrap();
    assert_eq!(json["activation"], "softplus");
    assert_eq!(json["terms"][0]["incoming"][0], 0.5);
    assert_eq!(json["linear"][1][0], 0.0);
    assert_eq!(json["tolerance"], 1e-10);
    let flips = SymmetryGroup::of(&net).cancelling_flips(&one).unwrap();
    assert_eq!(serde_json::to_value(&flips).unwrap()[0]["complete"], true);
}
