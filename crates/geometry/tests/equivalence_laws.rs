//! Equivalence and canonical forms where scales differ, sums cancel and signs are undecided.

mod units;

use neuromanifold_geometry::quotient::{
    AnalyticNullSpace, CanonicalForm, Equivalence, LayerSymmetry, Symmetry, SymmetryGroup,
    Tolerance, equivalent,
};
use neuromanifold_mlp::{Activation, Mlp};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use units::{Unit, assemble, normals, representative};

/// One large weight is no excuse for another: each is compared at its own scale.
#[test]
fn large_weights_do_not_hide_small_differences() {
    let tanh = Activation::Tanh;
    for large in [1e3, 1e6, 1e8] {
        let with = |w: f64, c: f64| assemble(&[(vec![w], 0.0, vec![1.0])], &[c], tanh);
        let (one, other) = (with(0.30, large), with(0.33, large));
        let verdict = equivalent((&one.0, &one.1), (&other.0, &other.1), Tolerance::default());
        assert!(!verdict.unwrap().holds(), "constant {large}");
        let with = |w: f64| {
            let units = [(vec![w], 0.0, vec![1.0]), (vec![large], 0.5, vec![1.0])];
            assemble(&units, &[0.0], tanh)
        };
        let (one, other) = (with(0.30), with(0.33));
        let verdict = equivalent((&one.0, &one.1), (&other.0, &other.1), Tolerance::default());
        assert!(!verdict.unwrap().holds(), "incoming {large}");
    }
}

/// Rescaled units are recognised at any size of the weights, and to the last bit but the rounding of the scaling itself.
#[test]
fn scalings_are_recognised_at_every_scale_and_tolerance() {
    for activation in [Activation::Relu, Activation::Identity] {
        for scale in [1e-8, 1.0, 1e8] {
            for seed in 0..60 {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let net = Mlp::new(&[3, 5, 2], activation).unwrap();
                let theta: Vec<f64> = normals(net.parameters(), &mut rng)
                    .iter()
                    .map(|t| scale * t)
                    .collect();
                let group = SymmetryGroup::of(&net);
                let image = group.apply(&group.random(&mut rng), &theta).unwrap();
                for tolerance in [Tolerance::default(), Tolerance::EXACT] {
                    let verdict = equivalent((&net, &theta), (&net, &image), tolerance).unwrap();
                    let Equivalence::Equal {
                        symmetry: Some(found),
                    } = verdict
                    else {
                        panic!("{activation} at {scale}, {tolerance}: {verdict:?}");
                    };
                    assert!(group.apply(&found, &theta).is_ok());
                }
            }
        }
    }
}

/// A symmetry that comes back can be applied: flipping both units leaves −1 + 1 = 0, which takes no bias; and networks must be the
/// same.
#[test]
fn symmetries_that_come_back_apply() {
    let net = Mlp::builder(1)
        .layer(2, Activation::Logistic)
        .layer(1, Activation::Identity)
        .without_bias()
        .build()
        .unwrap();
    // −φ(2x) + φ(2x) against φ(−2x) − φ(−2x): both are 0
    let (one, other) = (
        [2.0, 2.0, 0.0, 0.0, -1.0, 1.0],
        [-2.0, -2.0, 0.0, 0.0, 1.0, -1.0],
    );
    match equivalent((&net, &one), (&net, &other), Tolerance::EXACT).unwrap() {
        Equivalence::Equal {
            symmetry: Some(found),
        } => {
            let image = SymmetryGroup::of(&net).apply(&found, &one).unwrap();
            assert_eq!(image, other);
        }
        verdict => panic!("{verdict:?}"),
    }
    let biased = Mlp::new(&[1, 2, 1], Activation::Logistic).unwrap();
    let with_bias: Vec<f64> = one.iter().copied().chain([0.0]).collect();
    match equivalent((&net, &one), (&biased, &with_bias), Tolerance::default()).unwrap() {
        Equivalence::Equal { symmetry: None } => {}
        verdict => panic!("{verdict:?}"),
    }
}

/// A small incoming weight is not zero where a large outgoing one waits behind it.
#[test]
fn small_weights_with_large_effects_are_not_constants() {
    for activation in [Activation::Tanh, Activation::Softplus, Activation::Relu] {
        let units = [(vec![1e-11], 0.0, vec![1e11]), (vec![0.7], 0.2, vec![1.0])];
        let (net, theta) = assemble(&units, &[0.0], activation);
        let form = CanonicalForm::of(&net, &theta, Tolerance::default()).unwrap();
        assert_eq!(form.rank(), 2, "{activation}");
    }
}

#[test]
fn relu_rays_survive_extreme_scales() {
    let units = [
        (vec![0.8, 0.3], 0.1, vec![2.0]),
        (vec![0.7, -1.0], 0.2, vec![1.0]),
    ];
    let (net, theta) = assemble(&units, &[0.0], Activation::Relu);
    for factor in [1e-300, 1e-170, 1e-11, 1e11, 1e170, 1e300] {
        let element = Symmetry::of_layers(vec![LayerSymmetry {
            permutation: vec![0, 1],
            factors: vec![factor, 1.0],
        }]);
        let image = SymmetryGroup::of(&net).apply(&element, &theta).unwrap();
        let verdict = equivalent((&net, &theta), (&net, &image), Tolerance::default()).unwrap();
        assert!(verdict.holds(), "{factor}");
        let null = AnalyticNullSpace::of(&net, &image, Tolerance::default()).unwrap();
        assert_eq!(null.nullity(), 2, "{factor}");
    }
}

/// The mean of a component decides its orientation, so the order of its members does not.
#[test]
fn orientation_does_not_depend_on_order() {
    let with = |first: [f64; 4]| {
        let units: Vec<Unit> = first
            .iter()
            .map(|x| (vec![*x, 0.7], 0.2, vec![1.0]))
            .collect();
        let (net, theta) = assemble(&units, &[0.0], Activation::Tanh);
        representative(&net, &theta, Tolerance::default())
            .unwrap()
            .1
    };
    let one = with([1.2e-10, 0.4e-10, -0.4e-10, -1.2e-10]);
    let other = with([-1.2e-10, -0.4e-10, 0.4e-10, 1.2e-10]);
    let gap = one.iter().zip(&other).map(|(a, b)| (a - b).abs());
    assert!(gap.fold(0.0, f64::max) < 1e-14, "{one:?} {other:?}");
}

/// Units around another: the mean of the ring is what lies in the middle, and merging goes on until nothing changes.
#[test]
fn merging_reaches_a_fixed_point() {
    let tolerance = Tolerance::new(1e-3).unwrap();
    let on_ring = |i: usize| {
        let angle = std::f64::consts::TAU * i as f64 / 30.0;
        (
            vec![0.5 + 3e-3 * angle.cos(), 0.5 + 3e-3 * angle.sin()],
            0.1,
            vec![1.0],
        )
    };
    let mut units: Vec<Unit> = (0..30).map(on_ring).collect();
    units.push((vec![0.5, 0.5], 0.1, vec![1.0]));
    let (net, theta) = assemble(&units, &[0.0], Activation::Tanh);
    let form = CanonicalForm::of(&net, &theta, tolerance).unwrap();
    assert_eq!(form.rank(), 1);
    let (small, canonical) = form.network().unwrap();
    let (again, _) = representative(&small, &canonical, tolerance).unwrap();
    assert_eq!(again.parameters(), small.parameters());
}

/// The affine parts of three softplus units whose weighted rays add up to zero cancel; what is left is rounding.
#[test]
fn affine_parts_that_cancel_leave_nothing() {
    let rays = [vec![0.1, 0.7], vec![0.2, -0.4], vec![0.1 + 0.2, 0.7 - 0.4]];
    let oriented = |sign: f64| {
        let units: Vec<Unit> = (rays.iter().zip([1.0, 1.0, -1.0]))
            .map(|(w, v)| (w.iter().map(|w| sign * w).collect(), 0.0, vec![v]))
            .collect();
        assemble(&units, &[0.0], Activation::Softplus)
    };
    // φ(−u) = φ(u) − u, and u₁ + u₂ − u₃ = 0
    let (one, other) = (oriented(-1.0), oriented(1.0));
    let verdict = equivalent((&one.0, &one.1), (&other.0, &other.1), Tolerance::EXACT);
    assert!(verdict.unwrap().holds());
    for (net, theta) in [&one, &other] {
        let (small, _) = representative(net, theta, Tolerance::EXACT).unwrap();
        assert_eq!(small.layers()[0].outputs(), 3);
    }
}

/// An ulp in `w/|w|` does not change the order of the terms.
#[test]
fn the_order_of_terms_does_not_depend_on_rounding() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let grid = |rng: &mut ChaCha8Rng| normals(1, rng)[0].round();
        let units: Vec<Unit> = (0..6)
            .map(|_| {
                (
                    (0..3).map(|_| grid(&mut rng)).collect(),
                    0.0,
                    normals(2, &mut rng),
                )
            })
            .collect();
        let (net, theta) = assemble(&units, &[0.1, 0.2], Activation::Relu);
        let group = SymmetryGroup::of(&net);
        let image = group.apply(&group.random(&mut rng), &theta).unwrap();
        let (one, a) = representative(&net, &theta, Tolerance::default()).unwrap();
        let (other, b) = representative(&net, &image, Tolerance::default()).unwrap();
        assert_eq!(one, other);
        let gap = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
        assert!(gap.fold(0.0, f64::max) < 1e-12, "seed {seed}: {a:?} {b:?}");
    }
}

/// `v φ(u) + v' φ(−u)` has one kink, of strength `v + v'`, and the rest is affine: pairs of opposite relu or softplus rays are equal
/// exactly if `v + v'` and what is left of the affine parts agree, together with other units or not.
#[test]
fn opposite_rays_are_equal_up_to_affine_parts() {
    for activation in [Activation::Relu, Activation::Softplus] {
        let ray = |s: f64, v: f64| (vec![s * 0.8, -s * 0.5], s * 0.3, vec![v]);
        let same = |one: &[Unit], other: &[Unit]| {
            let (one, other) = (
                assemble(one, &[0.2], activation),
                assemble(other, &[0.2], activation),
            );
            let verdict = equivalent((&one.0, &one.1), (&other.0, &other.1), Tolerance::default());
            match verdict.unwrap() {
                Equivalence::Different { witness } => {
                    assert!(witness.difference > 0.01, "{witness:?}");
                    false
                }
                _ => true,
            }
        };
        let pair = [ray(1.0, 2.0), ray(-1.0, 0.5)];
        // 2 φ(u) + ½ φ(−u) = 2½ φ(u) − ½ u, and no other pair on the ray has both
        assert!(same(&pair, &[ray(-1.0, 0.5), ray(1.0, 2.0)]));
        assert!(!same(&pair, &[ray(1.0, 0.5), ray(-1.0, 2.0)]));
        assert!(!same(&pair, &[ray(1.0, 2.5), ray(-1.0, 0.0)]));
        // split into three and four
        assert!(same(&pair, &[ray(1.0, 1.5), ray(-1.0, 0.5), ray(1.0, 0.5)]));
        // −½ u, and a linear function made by another ray: ψ(t) − ψ(−t) = t for t = ½ u
        let half = |s: f64, v: f64| (vec![s * 0.4, -s * 0.25], s * 0.15, vec![v]);
        let one = [ray(1.0, 2.5), half(-1.0, 1.0), half(1.0, -1.0)];
        assert!(same(&pair, &one));
        assert!(!same(
            &pair,
            &[ray(1.0, 2.5), half(-1.0, 1.0), half(1.0, -0.99)]
        ));
    }
}

/// Near-duplicates are equal to their sum under the default tolerance, and different to the last bit.
#[test]
fn near_duplicates_are_equivalent_under_a_tolerance_only() {
    for activation in [Activation::Tanh, Activation::Softplus, Activation::Relu] {
        let near = [
            (vec![1.0, -0.5], 0.3, vec![2.0]),
            (vec![1.0 + 1e-12, -0.5], 0.3, vec![1.0]),
        ];
        let one = assemble(&near, &[0.0], activation);
        let other = assemble(&[(vec![1.0, -0.5], 0.3, vec![3.0])], &[0.0], activation);
        let verdict =
            |tolerance| equivalent((&one.0, &one.1), (&other.0, &other.1), tolerance).unwrap();
        assert!(verdict(Tolerance::default()).holds(), "{activation}");
        match verdict(Tolerance::EXACT) {
            Equivalence::Different { witness } => {
                assert!(witness.difference > 0.0 && witness.difference < 1e-10);
            }
            equal => panic!("{activation}: {equal:?}"),
        }
    }
}

/// Weights of any size have a witness where one can be evaluated, and no error.
#[test]
fn witnesses_are_found_at_every_scale() {
    for size in [1e-300, 1e-160, 1e-20, 1.0, 1e20, 1e150] {
        for activation in Activation::ALL {
            let net = Mlp::new(&[2, 2, 1], activation).unwrap();
            let mut rng = ChaCha8Rng::seed_from_u64(4);
            let theta = normals(net.parameters(), &mut rng);
            let mut other = theta.clone();
            other[0] = size;
            let verdict = equivalent((&net, &theta), (&net, &other), Tolerance::default());
            match verdict.unwrap() {
                Equivalence::Different { witness } => assert!(witness.difference > 1e-3),
                equal => panic!("{activation} at {size}: {equal:?}"),
            }
        }
    }
}
