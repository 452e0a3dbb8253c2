//! Critical subspaces: projections, leaves and their null directions.

mod units;

use neuromanifold_geometry::faer::MatRef;
use neuromanifold_geometry::quotient::{
    CriticalSubspace, Probe, QuotientError, Stratum, critical_subspaces,
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
            let overlap = |s: &&CriticalSubspace| matches!(s.stratum, Stratum::Overlap { .. });
            let overlap = found.iter().find(overlap).expect("opposite rays");
            (overlap.leaf.clone(), overlap.null_directions)
        };
        let (leaf, null_directions) = leaf_of(&found);
        // along v_α ± v_β = const, with the output bias to make up for the constant
        let (expected, along) = match activation {
            Activation::Tanh => (vec![0.3], Some(at([1.1, 0.8], 0.1))),
            Activation::Logistic => (vec![0.3, 0.6], Some(at([1.1, 0.8], -0.2))),
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
