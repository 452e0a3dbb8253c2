//! Critical subspaces: projections, leaves and their null directions.

mod units;

use neuromanifold_geometry::RankTolerance;
use neuromanifold_geometry::faer::MatRef;
use neuromanifold_geometry::quotient::{
    CriticalSubspace, Probe, QuotientError, Stratum, Tolerance, critical_subspaces, degeneracy,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use units::assemble;

const POINTS: [f64; 12] = [
    0.3, -0.2, 1.0, 0.4, -1.3, 0.9, 2.0, -1.1, -0.6, -0.7, 0.0, 1.5,
];

fn strata(net: &Mlp, theta: &[f64], radius: f64) -> Result<Vec<CriticalSubspace>, QuotientError> {
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&POINTS, 2, 6),
        likelihood: &Gaussian::UNIT,
    };
    critical_subspaces(net, theta, &probe, radius)
}

fn outputs(net: &Mlp, theta: &[f64]) -> Vec<f64> {
    let mut z = vec![0.0; 6];
    let batch = net.on_slice(&POINTS).expect("inputs");
    batch.outputs(theta, &mut z).expect("finite");
    z
}

#[test]
fn a_radius_is_not_negative() {
    let (net, theta) = assemble(
        &[(vec![1.0, 0.5], 0.2, vec![0.8])],
        &[0.1],
        Activation::Tanh,
    );
    for radius in [-1.0, f64::NAN] {
        let refused = strata(&net, &theta, radius);
        assert!(
            matches!(refused, Err(QuotientError::Radius { .. })),
            "{radius}"
        );
    }
    assert_eq!(strata(&net, &theta, f64::INFINITY).unwrap().len(), 2);
}

/// No other pair of parallel rays is nearer: in particular not the one that turns the small ray only.
#[test]
fn the_distance_of_relu_rays_is_that_of_the_projection() {
    let (a, b) = ([50.0, 0.0, 0.0], [0.0995, 0.00995, 0.0]);
    let units = [
        (a[..2].to_vec(), a[2], vec![1.0]),
        (b[..2].to_vec(), b[2], vec![1.0]),
    ];
    let (net, theta) = assemble(&units, &[0.0], Activation::Relu);
    let found = strata(&net, &theta, 0.02).unwrap();
    let overlap = found
        .iter()
        .find(|s| matches!(s.stratum, Stratum::Overlap { .. }))
        .expect("turning the small ray costs 0.00995");
    assert!(overlap.distance <= 0.00995 && overlap.distance > 0.0099);
    for step in 0..20_000 {
        let angle = std::f64::consts::TAU * f64::from(step) / 20_000.0;
        let axis = [angle.cos(), angle.sin()];
        let left = |ray: &[f64]| (ray[0] * axis[1] - ray[1] * axis[0]).powi(2);
        assert!((left(&a) + left(&b)).sqrt() >= overlap.distance - 1e-12);
    }
}

/// Moving with what a leaf fixes held fixed changes no output, and the leaf of opposite softplus rays is a point.
#[test]
fn leaves_fix_the_function() {
    let (w, b) = (vec![0.7, -0.4], 0.3);
    let opposite: Vec<f64> = w.iter().map(|w| -w).collect();
    for activation in [
        Activation::Tanh,
        Activation::Logistic,
        Activation::Softplus,
        Activation::Relu,
    ] {
        let at = |v: [f64; 2], c: f64| {
            let units = [
                (w.clone(), b, vec![v[0]]),
                (opposite.clone(), -b, vec![v[1]]),
            ];
            assemble(&units, &[c], activation)
        };
        let (net, theta) = at([0.8, 0.5], 0.1);
        // equal to the last bit: at distance 0
        let found = strata(&net, &theta, 0.0).unwrap();
        let leaf_of = |found: &[CriticalSubspace]| {
            let overlap = |s: &&CriticalSubspace| {
                matches!(
                    s.stratum,
                    Stratum::Overlap { .. } | Stratum::OppositeRays { .. }
                )
            };
            let overlap = found.iter().find(overlap).expect("opposite rays");
            (overlap.leaf.clone(), overlap.null_directions)
        };
        let (leaf, null_directions) = leaf_of(&found);
        // along v_α ± v_β = const, with the output bias to make up for the constant
        let (expected, along) = match activation {
            Activation::Tanh => (vec![0.3], Some(at([1.1, 0.8], 0.1))),
            Activation::Logistic => (vec![0.3, 0.6], Some(at([1.1, 0.8], -0.2))),
            // invariant under scaling
            Activation::Relu => (vec![0.8 * 0.65f64.sqrt(), 0.5 * 0.65f64.sqrt()], None),
            _ => (vec![0.8, 0.5], None),
        };
        assert_eq!(leaf.len(), expected.len(), "{activation}");
        for (entry, value) in leaf.iter().zip(&expected) {
            assert!((entry - value).abs() < 1e-12, "{activation}: {leaf:?}");
        }
        if let Some((_, other)) = along {
            let gap = (outputs(&net, &theta).iter().zip(&outputs(&net, &other)))
                .fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
            assert!(gap < 1e-14, "{activation}: {gap}");
            let (same, _) = leaf_of(&strata(&net, &other, 1e-9).unwrap());
            assert!(same.iter().zip(&leaf).all(|(a, b)| (a - b).abs() < 1e-14));
            // v against v, (w, b) against (w, b)
            assert_eq!(null_directions, 4, "{activation}");
        }
    }
}

#[test]
fn relu_units_lie_on_the_scaling_stratum() {
    let (net, theta) = assemble(
        &[(vec![3.0, 4.0], 0.2, vec![0.8])],
        &[0.1],
        Activation::Relu,
    );
    let found = strata(&net, &theta, 0.0).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].stratum, Stratum::Scaling { unit: 0 });
    assert!((found[0].leaf[0] - 4.0).abs() < 1e-14);
    assert!(found[0].nearest.is_empty());
    assert_eq!(found[0].null_directions, 1);
}

/// A hundred units on one ray are one stratum, not 4950 pairs, whatever their orientation.
#[test]
fn equal_units_are_one_stratum() {
    for activation in [
        Activation::Tanh,
        Activation::Logistic,
        Activation::Softplus,
        Activation::Relu,
    ] {
        for jitter in [0.0, 1e-7] {
            let unit = |k: usize| {
                let turn = if k % 3 == 1 { -1.0 } else { 1.0 };
                let scale = if activation == Activation::Relu {
                    1.0 + k as f64
                } else {
                    1.0
                };
                let shift = jitter * (k as f64).sin();
                let w = vec![turn * scale * (0.6 + shift), turn * scale * -0.4];
                (w, turn * scale * 0.2, vec![0.3 + 0.01 * k as f64])
            };
            let units: Vec<_> = (0..100).map(unit).collect();
            let (net, theta) = assemble(&units, &[0.1], activation);
            let found = strata(&net, &theta, 1e-3).unwrap();
            let shared: Vec<_> = (found.iter())
                .filter(|s| !matches!(s.stratum, Stratum::Scaling { .. }))
                .collect();
            let sizes: Vec<usize> = (shared.iter())
                .map(|s| match &s.stratum {
                    Stratum::Overlap { units, .. } => units.len(),
                    Stratum::OppositeRays { units, opposite } => units.len() + opposite.len(),
                    other => panic!("{other}"),
                })
                .collect();
            let split = matches!(activation, Activation::Softplus | Activation::Relu);
            let mut expected = if split { vec![100, 67, 33] } else { vec![100] };
            let mut sorted = sizes.clone();
            expected.sort_unstable();
            sorted.sort_unstable();
            assert_eq!(sorted, expected, "{activation}");
            for subspace in shared {
                // moving there is the identity up to the jitter, which is what it costs
                let mut there = theta.clone();
                subspace
                    .nearest
                    .iter()
                    .for_each(|(p, value)| there[*p] = *value);
                let squared: f64 = theta
                    .iter()
                    .zip(&there)
                    .map(|(a, b)| (a - b) * (a - b))
                    .sum();
                assert!((squared.sqrt() - subspace.distance).abs() < 1e-12);
                assert!(subspace.distance <= 1e-3 && (jitter > 0.0 || subspace.distance < 1e-13));
            }
        }
    }
}

/// Closeness is not transitive: a chain is cut into groups that each fit into the radius, and the pairs between them are kept.
#[test]
fn chains_are_cut_where_the_radius_says() {
    let units: Vec<_> = (0..6)
        .map(|k| (vec![1.0 + 0.1 * f64::from(k), 0.5], 0.2, vec![1.0]))
        .collect();
    let (net, theta) = assemble(&units, &[0.1], Activation::Tanh);
    let found = strata(&net, &theta, 0.08).unwrap();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for subspace in &found {
        assert!(subspace.distance <= 0.08);
        if let Stratum::Overlap { units, .. } = &subspace.stratum {
            groups.push(units.clone());
        }
    }
    let covered = |pair: [usize; 2]| groups.iter().any(|g| pair.iter().all(|u| g.contains(u)));
    assert!((0..5).all(|k| covered([k, k + 1])), "{groups:?}");
}

/// Near `w₁ = 0` no rule that chooses a sign may keep units apart.
#[test]
fn clusters_live_in_the_quotient_by_the_sign() {
    let units = [
        (vec![1e-9, 0.7], 0.2, vec![1.0]),
        (vec![1e-9, -0.7], -0.2, vec![-1.0]),
        (vec![-1e-9, 0.7], 0.2, vec![0.5]),
    ];
    let (net, theta) = assemble(&units, &[0.1], Activation::Erf);
    let found = strata(&net, &theta, 1e-6).unwrap();
    assert_eq!(found.len(), 1);
    let Stratum::Overlap { units, signs } = &found[0].stratum else {
        panic!("{}", found[0])
    };
    assert_eq!(
        (&units[..], &signs[..]),
        (&[0, 1, 2][..], &[1.0, -1.0, 1.0][..])
    );
    assert!((found[0].leaf[0] - 2.5).abs() < 1e-12);
}

/// Every unit is told with its causes and its nearest stratum, in few lines however many units are equal.
#[test]
fn reports_go_unit_by_unit_in_few_lines() {
    let mut units: Vec<_> = (0..100)
        .map(|k| (vec![0.6, -0.4], 0.2, vec![0.3 + 0.01 * f64::from(k)]))
        .collect();
    units.push((vec![0.0, 0.0], 0.7, vec![1.0]));
    units.extend((0..40).map(|k| (vec![0.1 * f64::from(k), 1.0], -0.3, vec![0.0])));
    units.push((vec![-1.0, 0.9], 0.1, vec![0.01]));
    let (net, theta) = assemble(&units, &[0.1], Activation::Tanh);
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&POINTS, 2, 6),
        likelihood: &Gaussian::UNIT,
    };
    let rank = RankTolerance::Relative(1e-12);
    let report = degeneracy(&net, &theta, &probe, Tolerance::default(), rank).unwrap();
    assert_eq!(report.units.len(), 142);
    let text = report.to_string();
    assert!(text.lines().count() < 35, "{text}");
    assert!(
        text.contains("and 99 more units for the same causes"),
        "{text}"
    );
    for unit in &report.units {
        let near = unit.nearest.as_ref().expect("a stratum");
        match unit.unit {
            0..100 => {
                assert!(matches!(near.stratum, Stratum::Overlap { .. }) && near.distance < 1e-15)
            }
            100 => assert!(
                matches!(near.stratum, Stratum::Constant { unit: 100 }) && near.distance < 1e-15
            ),
            101..141 => assert!(near.distance < 1e-15 && near.divergence < 1e-30),
            _ => {
                assert!(unit.causes.is_empty());
                assert!(matches!(near.stratum, Stratum::Elimination { unit: 141 }));
                assert!((near.distance - 0.01).abs() < 1e-15 && near.divergence > 1e-7);
            }
        }
        let own: usize = unit.causes.iter().map(|c| report.causes[*c].1).sum();
        assert_eq!(own, unit.null_directions);
        assert!(
            unit.causes
                .iter()
                .all(|c| report.causes[*c].0.units().contains(&unit.unit))
        );
    }
    #[cfg(feature = "serde")]
    {
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            json["units"][100]["nearest"]["stratum"]["Constant"]["unit"],
            100
        );
    }
}
