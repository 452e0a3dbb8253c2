//! Laws of the null space on strata where rounding, width or the likelihood could hide them.

mod units;

use neuromanifold_geometry::RankTolerance;
use neuromanifold_geometry::faer::MatRef;
use neuromanifold_geometry::quotient::{
    AnalyticNullSpace, Cause, LayerSymmetry, Probe, QuotientError, Symmetry, SymmetryGroup,
    Tolerance, Verdict, degeneracy, numerical_null_space,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Categorical, Gaussian};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use units::{Unit, assemble, normals};

fn nullity(units: &[Unit], c: &[f64], activation: Activation) -> usize {
    let (net, theta) = assemble(units, c, activation);
    let null = AnalyticNullSpace::of(&net, &theta, Tolerance::default()).expect("shallow");
    null.nullity()
}

/// Equal softplus units leave no affine part, whatever the sign of their weights: a remainder of `Σ v z` that is rounding must
/// not count as an independent function.
#[test]
fn copies_with_negative_weights_are_counted_like_those_with_positive_ones() {
    for copies in 2..30 {
        for outputs in 1..4 {
            for sign in [1.0, -1.0] {
                let mut rng = ChaCha8Rng::seed_from_u64(copies as u64);
                let unit = |rng: &mut ChaCha8Rng| -> Unit {
                    (vec![0.6 * sign, 0.3], 0.1, normals(outputs, rng))
                };
                let units: Vec<Unit> = (0..copies).map(|_| unit(&mut rng)).collect();
                let c = vec![0.0; outputs];
                let dependent = copies - copies.min(outputs);
                let expected = (copies - 1) * outputs + dependent * 3;
                assert_eq!(nullity(&units, &c, Activation::Softplus), expected);
                let scalings = copies.min(outputs);
                assert_eq!(nullity(&units, &c, Activation::Relu), expected + scalings);
            }
        }
    }
}

/// 1024 coinciding units: as many columns as parameters, but never more pivots than shared atoms.
#[test]
fn wide_coincidences_are_counted() {
    let (m, n, k) = (1024, 4, 2);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let c = vec![0.0; k];
    let linear: Vec<Unit> = (0..m)
        .map(|_| (normals(n, &mut rng), 0.3, normals(k, &mut rng)))
        .collect();
    let parameters = m * (n + 1 + k) + k;
    // affine maps have K (n + 1) parameters
    assert_eq!(
        nullity(&linear, &c, Activation::Identity),
        parameters - k * (n + 1)
    );
    let constant: Vec<Unit> = (0..m)
        .map(|_| (vec![0.0; n], normals(1, &mut rng)[0], normals(k, &mut rng)))
        .collect();
    // ∂f/∂w are the linear functions and ∂f/∂b, ∂f/∂v, ∂f/∂c the constants
    assert_eq!(
        nullity(&constant, &c, Activation::Tanh),
        parameters - k * (n + 1)
    );
    let equal: Vec<Unit> = (0..m)
        .map(|_| (linear[0].0.clone(), 0.3, normals(k, &mut rng)))
        .collect();
    // ∂f/∂(w, b) of K independent outgoing vectors, ∂f/∂c; ∂f/∂v is one of the former
    assert_eq!(
        nullity(&equal, &c, Activation::Relu),
        parameters - k * (n + 1) - k
    );
}

#[test]
fn causes_name_the_units_of_each_relation() {
    let (net, theta) = assemble(
        &[
            (vec![0.0, 0.0], 0.4, vec![1.0]),
            (vec![0.0, 0.0], 0.7, vec![0.0]),
            (vec![0.5, -0.2], 0.3, vec![0.8]),
            (vec![-0.5, 0.2], -0.3, vec![0.4]),
        ],
        &[0.1],
        Activation::Logistic,
    );
    let null = AnalyticNullSpace::of(&net, &theta, Tolerance::default()).unwrap();
    let mut causes = null.causes();
    causes.sort_by_key(|(cause, _)| format!("{cause:?}"));
    assert_eq!(
        causes,
        [
            // v against c and b against c
            (Cause::Constant { units: vec![0] }, 2),
            // v against c
            (Cause::Constant { units: vec![1] }, 1),
            (Cause::Elimination { unit: 1 }, 3),
            (Cause::Overlap { units: vec![2, 3] }, 4),
        ]
    );
}

/// Shifting all logits changes no probability; a unit that feeds all of them alike is one without effect.
#[test]
fn the_gauge_of_softmax_is_part_of_the_null_space() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut units: Vec<Unit> = (0..3)
        .map(|_| {
            (
                normals(2, &mut rng),
                normals(1, &mut rng)[0],
                normals(3, &mut rng),
            )
        })
        .collect();
    let points: Vec<f64> = normals(2 * 400, &mut rng);
    for (equal, eliminated) in [(false, 0), (true, 3)] {
        if equal {
            units[1].2 = vec![0.7; 3];
        }
        let (net, theta) = assemble(&units, &[0.1, 0.2, -0.3], Activation::Tanh);
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&points, 2, 400),
            likelihood: &Categorical,
        };
        let rank = RankTolerance::Relative(1e-12);
        let report = degeneracy(&net, &theta, &probe, Tolerance::default(), rank).unwrap();
        assert_eq!(report.verdict, Verdict::Agree, "{report}");
        assert_eq!(report.analytic.nullity(), 4 + eliminated, "{report}");
        assert!(report.numerical.analytic_residual < 1e-12, "{report}");
        let gauge = Cause::Gauge { unit: Some(2) };
        assert!(report.analytic.causes().contains(&(gauge, 1)));
        let gaussian = Probe {
            likelihood: &Gaussian::UNIT,
            ..probe
        };
        let report = degeneracy(&net, &theta, &gaussian, Tolerance::default(), rank).unwrap();
        assert_eq!(report.analytic.nullity(), 0, "{report}");
    }
}

/// The null spaces of theory and numbers are one space, every direction of it has been checked, and the report says whether the
/// tolerance on weights was needed.
#[test]
fn the_report_shows_both_null_spaces_and_the_use_of_the_tolerance() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let unit: Unit = (vec![0.9, -0.4], 0.3, vec![0.5]);
    let points: Vec<f64> = normals(2 * 300, &mut rng);
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&points, 2, 300),
        likelihood: &Gaussian::UNIT,
    };
    for (shift, words) in [(0.0, "was not needed"), (1e-12, "was used")] {
        let mut twin = unit.clone();
        twin.0[0] += shift;
        let other: Unit = (vec![-0.2, 1.3], -0.6, vec![0.8]);
        let (net, theta) = assemble(&[unit.clone(), twin, other], &[0.1], Activation::Tanh);
        let rank = RankTolerance::Relative(1e-12);
        let report = degeneracy(&net, &theta, &probe, Tolerance::default(), rank).unwrap();
        assert_eq!(report.verdict, Verdict::Agree, "{report}");
        assert_eq!(report.numerical.checked, 4);
        assert!(report.to_string().contains(words), "{report}");
        let basis = numerical_null_space(&net, &theta, &probe, rank).unwrap();
        let angles = report.analytic.basis().transpose() * &basis;
        assert!((angles.squared_norm_l2() - 4.0).abs() < 1e-6);
        #[cfg(feature = "serde")]
        {
            let json = serde_json::to_value(&report).unwrap();
            assert_eq!(
                json["analytic"]["directions"][0]["cause"]["Overlap"]["units"][1],
                1
            );
            assert_eq!(json["activation"], "tanh");
            assert_eq!(json["rank_tolerance"]["relative"], 1e-12);
        }
    }
}

/// Points of another network and factors that would take weights out of range are refused, not mangled.
#[test]
fn symmetries_refuse_what_they_cannot_keep() {
    let net = Mlp::new(&[1, 1, 1], Activation::Relu).unwrap();
    let group = SymmetryGroup::of(&net);
    for theta in [vec![1.0; 3], vec![1.0, 1.0, f64::NAN, 0.0]] {
        assert!(matches!(
            group.generators(&theta),
            Err(QuotientError::Model(_))
        ));
    }
    for factor in [1e-308, 1e308] {
        let layer = LayerSymmetry {
            permutation: vec![0],
            factors: vec![factor],
        };
        let element = Symmetry::of_layers(vec![layer]);
        let refused = group.apply(&element, &[0.01, 100.0, 0.01, 0.0]);
        assert!(matches!(refused, Err(QuotientError::ElementRange { .. })));
    }
}
