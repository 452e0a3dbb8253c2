//! Lossy compression where signals depend on each other or are more than the examples.

mod units;

use neuromanifold_geometry::faer::linalg::solvers::DenseSolveCore;
use neuromanifold_geometry::faer::{Mat, MatRef};
use neuromanifold_geometry::quotient::{Absorbed, Probe, compress};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Likelihood};
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

/// Two units a distance δ apart, with parallel outgoing vectors, meet between each other, at a cost of `O(δ⁴)` nats: leaving one of them out costs `O(δ²)`.
#[test]
fn near_twins_are_merged_between_each_other() {
    let points = normals(2 * 200, &mut ChaCha8Rng::seed_from_u64(6));
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&points, 2, 200),
        likelihood: &Gaussian::UNIT,
    };
    for (activation, sign) in [
        (Activation::Tanh, 1.0),
        (Activation::Tanh, -1.0),
        (Activation::Logistic, -1.0),
        (Activation::Softplus, 1.0),
    ] {
        let nats: Vec<f64> = [0.08, 0.04, 0.02]
            .into_iter()
            .map(|delta| {
                let twin = vec![sign * (0.9 + delta), sign * (-0.4 + delta)];
                let units = [
                    (vec![0.9, -0.4], 0.3, vec![0.7, 1.0]),
                    (twin, sign * 0.3, vec![sign * 1.05, sign * 1.5]),
                    (vec![-0.5, 1.2], -0.2, vec![1.5, -0.7]),
                ];
                let (net, theta) = units::assemble(&units, &[0.1, 0.2], activation);
                let compression = compress(&net, &theta, &probe, 0.0).unwrap();
                assert_eq!(compression.taken, 0);
                assert_eq!(compression.path[0].absorbed, Absorbed::Merged(0));
                compression.path[0].difference.divergence
            })
            .collect();
        for pair in nats.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!(order > 3.8, "{activation}: {nats:?}");
        }
    }
}

/// The order is that of the outputs, not of the layer: a softmax that is sure of a class does not see what a unit adds to it.
#[test]
fn the_first_to_go_is_the_one_that_costs_fewest_nats() {
    let points = normals(2 * 150, &mut ChaCha8Rng::seed_from_u64(7));
    let inputs = MatRef::from_column_major_slice(&points, 2, 150);
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for (layers, outputs) in [(vec![2, 5, 3], 3), (vec![2, 4, 4, 3], 3)] {
            let net = Mlp::new(&layers, Activation::Tanh).unwrap();
            let mut theta = normals(net.parameters(), &mut rng);
            theta.iter_mut().for_each(|t| *t *= 1.5);
            let probe = Probe {
                inputs,
                likelihood: &Categorical,
            };
            let first = &compress(&net, &theta, &probe, 0.0).unwrap().path[0];
            // every unit cut out, with a constant in its place, is dearer
            let hidden = layers.len() - 2;
            for layer in 0..hidden {
                for unit in 0..layers[layer + 1] {
                    let mut cut = theta.clone();
                    let signal = signals(&net, &theta, &points, layer, unit);
                    let mean = signal.iter().sum::<f64>() / signal.len() as f64;
                    let next = layers[layer + 2];
                    for k in 0..next {
                        let v = net.layers()[layer + 1].incoming(k).start + unit;
                        net.bias_mut(&mut cut, layer + 1).unwrap()[k] += theta[v] * mean;
                        cut[v] = 0.0;
                    }
                    let dearer = probe.difference((&net, &theta), (&net, &cut)).unwrap();
                    assert!(first.difference.divergence <= dearer.divergence * (1.0 + 1e-9));
                }
            }
            assert_eq!(net.outputs(), outputs);
        }
    }
}

/// Signals of one hidden unit of a tanh network.
fn signals(net: &Mlp, theta: &[f64], points: &[f64], layer: usize, unit: usize) -> Vec<f64> {
    let example = |x: &[f64]| {
        let mut signal = x.to_vec();
        for l in 0..=layer {
            let weights = net.weights(theta, l);
            let bias = net.bias(theta, l).expect("it has one");
            let pre = |u: usize| {
                let row = weights.row(u);
                row.iter().zip(&signal).map(|(w, a)| w * a).sum::<f64>() + bias[u]
            };
            signal = (0..weights.nrows()).map(|u| pre(u).tanh()).collect();
        }
        signal[unit]
    };
    points.chunks_exact(net.inputs()).map(example).collect()
}

/// With Gaussian noise and one hidden layer the divergence of a removal is `|v_j|² / (2σ² (S⁻¹)_jj)`: no other single unit, with
/// all weights refitted, can go for less.
#[test]
fn removals_follow_the_closed_form() {
    let points = normals(2 * 300, &mut ChaCha8Rng::seed_from_u64(8));
    let inputs = MatRef::from_column_major_slice(&points, 2, 300);
    for seed in 0..10 {
        let net = Mlp::new(&[2, 4, 2], Activation::Erf).unwrap();
        let theta = normals(net.parameters(), &mut ChaCha8Rng::seed_from_u64(seed));
        let noise = Gaussian::new(0.5).unwrap();
        let probe = Probe {
            inputs,
            likelihood: &noise,
        };
        let rows: Vec<Vec<f64>> = (0..4)
            .map(|u| {
                let weights = net.weights(&theta, 0);
                let bias = net.bias(&theta, 0).unwrap()[u];
                let pre = points
                    .chunks_exact(2)
                    .map(|x| weights[(u, 0)] * x[0] + weights[(u, 1)] * x[1] + bias);
                let pre: Vec<f64> = pre.collect();
                let mut value = vec![0.0; 300];
                Activation::Erf.value(&pre, &mut value);
                let mean = value.iter().sum::<f64>() / 300.0;
                value.iter().map(|a| a - mean).collect()
            })
            .collect();
        let covariance = Mat::from_fn(4, 4, |i, j| {
            rows[i]
                .iter()
                .zip(&rows[j])
                .map(|(a, b)| a * b)
                .sum::<f64>()
                / 300.0
        });
        let inverse = covariance.partial_piv_lu().inverse();
        let price = |j: usize| {
            let v = net.weights(&theta, 1).col(j).squared_norm_l2();
            v / (2.0 * 0.25 * inverse[(j, j)])
        };
        let least = (0..4).map(price).fold(f64::INFINITY, f64::min);
        let step = &compress(&net, &theta, &probe, 0.0).unwrap().path[0];
        let nats = step.difference.divergence;
        if matches!(step.absorbed, Absorbed::Merged(_)) {
            assert!(nats < least);
        } else {
            assert!((nats / least - 1.0).abs() < 1e-9, "{nats} {least}");
            assert!((price(step.unit) / least - 1.0).abs() < 1e-9);
        }
    }
}

/// Without a budget exact reductions are taken, and only those.
#[test]
fn a_budget_of_zero_allows_what_is_exact() {
    let points = normals(2 * 50, &mut ChaCha8Rng::seed_from_u64(9));
    let inputs = MatRef::from_column_major_slice(&points, 2, 50);
    for shift in [0.0, 1e-6] {
        let units = [
            (vec![0.3, -0.7], 0.3, vec![0.7, 1.3]),
            (vec![-0.3 - shift, 0.7], -0.3, vec![1.1, -0.3]),
            (vec![0.0, shift], 0.9, vec![1.5, -0.7]),
            (vec![1.1, 0.2], 0.1, vec![0.9, 0.3]),
        ];
        let (net, theta) = units::assemble(&units, &[0.1, 0.2], Activation::Tanh);
        let laws: [&dyn Likelihood; 2] = [&Gaussian::UNIT, &Categorical];
        for likelihood in laws {
            let compression = compress(&net, &theta, &Probe { inputs, likelihood }, 0.0).unwrap();
            let left = compression.net.layers()[0].outputs();
            assert_eq!(left, if shift > 0.0 { 4 } else { 2 });
            assert!(compression.difference.divergence <= compression.rounding);
            assert!(compression.rounding > 0.0 && compression.rounding < 1e-26);
        }
    }
}
