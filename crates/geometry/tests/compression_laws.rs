//! Lossy compression where signals depend on each other or are more than the examples.

mod units;

use neuromanifold_geometry::faer::MatRef;
use neuromanifold_geometry::quotient::{Absorbed, Probe, compress};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use units::normals;

/// `N` examples pin down at most `N − 1` signals beside their means: all other units cost nothing, and the path goes down to
/// none with finite weights.
#[test]
fn more_units_than_examples_are_free() {
    for layers in [vec![2, 20, 1], vec![2, 12, 10, 1]] {
        let net = Mlp::new(&layers, Activation::Tanh).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let theta = normals(net.parameters(), &mut rng);
        let hidden: usize = layers[1..layers.len() - 1].iter().sum();
        for examples in [1, 2, 5, 10, 20, 21, 100] {
            let inputs = normals(2 * examples, &mut rng);
            let probe = Probe {
                inputs: MatRef::from_column_major_slice(&inputs, 2, examples),
                likelihood: &Gaussian::UNIT,
            };
            let compression = compress(&net, &theta, &probe, 1e-10).unwrap();
            let left: usize = compression.net.layers().iter().map(|l| l.outputs()).sum();
            let bound = (layers.len() - 2) * (examples - 1).max(layers.len() - 3) + 1;
            assert!(left <= bound, "{left} units for {examples} examples");
            assert!(compression.theta.iter().all(|t| t.is_finite()));
            let fewest = if layers.len() == 3 { 0 } else { 2 };
            assert_eq!(compression.path.len(), hidden - fewest);
        }
    }
}

/// Equal inputs, in whatever number: every signal is a constant.
#[test]
fn constant_signals_are_folded() {
    let net = Mlp::new(&[2, 9, 2], Activation::Logistic).unwrap();
    let theta = normals(net.parameters(), &mut ChaCha8Rng::seed_from_u64(4));
    for examples in [1, 3, 50] {
        let inputs = [0.3, -1.7].repeat(examples);
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&inputs, 2, examples),
            likelihood: &Gaussian::UNIT,
        };
        let compression = compress(&net, &theta, &probe, 1e-24).unwrap();
        assert_eq!(compression.taken, 9);
        let folded = |step: &neuromanifold_geometry::quotient::CompressionStep| {
            step.absorbed == Absorbed::Constant && step.difference.divergence < 1e-28
        };
        assert!(
            compression.path.iter().all(folded),
            "{:?}",
            compression.path
        );
    }
}

/// Signals that are functions of few distinct inputs span few dimensions.
#[test]
fn repeated_inputs_need_as_many_units_as_they_have_values() {
    let net = Mlp::new(&[2, 20, 1], Activation::Tanh).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let theta = normals(net.parameters(), &mut rng);
    for distinct in [2, 3, 6] {
        let inputs = normals(2 * distinct, &mut rng).repeat(10);
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&inputs, 2, 10 * distinct),
            likelihood: &Gaussian::UNIT,
        };
        let compression = compress(&net, &theta, &probe, 1e-12).unwrap();
        assert!(
            compression.taken > 20 - distinct,
            "{distinct}: {}",
            compression.taken
        );
        let largest = compression
            .theta
            .iter()
            .fold(0.0, |m: f64, t| m.max(t.abs()));
        assert!(largest < 1e6, "{largest}");
    }
}
