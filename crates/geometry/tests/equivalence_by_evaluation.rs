//! `equivalent` against evaluation at many points, on networks with small integer weights, among which coincidences abound: opposite
//! and repeated rays, sums that cancel, constant and dead units, affine parts that depend on each other.

mod units;

use neuromanifold_geometry::quotient::{
    CanonicalForm, Equivalence, SymmetryGroup, Tolerance, equivalent, equivalent_laws,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Categorical;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use units::{ALL, Unit, assemble_with, evaluate, largest_gap, normals};

/// Pairs that are tried for each activation.
const PAIRS: u64 = 1500;

fn integer(bound: i32, rng: &mut ChaCha8Rng) -> f64 {
    f64::from(rng.random_range(-bound..=bound))
}

fn integers(len: usize, bound: i32, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| integer(bound, rng)).collect()
}

/// A network with few units and weights among −2, …, 2.
fn small_network(
    activation: Activation,
    [inputs, outputs]: [usize; 2],
    rng: &mut ChaCha8Rng,
) -> (Mlp, Vec<f64>) {
    let (hidden_bias, output_bias) = (rng.random::<bool>(), rng.random::<bool>());
    let bound = rng.random_range(1..=2);
    let count = rng.random_range(1..=4);
    let units: Vec<Unit> = (0..count)
        .map(|_| {
            let b = if hidden_bias { integer(1, rng) } else { 0.0 };
            (integers(inputs, bound, rng), b, integers(outputs, 1, rng))
        })
        .collect();
    let c = integers(outputs, 1, rng);
    assemble_with(&units, &c, activation, hidden_bias, output_bias)
}

/// A small change that may or may not change the function: one weight, the sign of one unit or of several, two units exchanged.
fn variation(net: &Mlp, theta: &[f64], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut other = theta.to_vec();
    let (hidden, output) = (&net.layers()[0], &net.layers()[1]);
    for _ in 0..rng.random_range(1..=3) {
        let unit = rng.random_range(0..hidden.outputs());
        match rng.random_range(0..5) {
            0 => {
                let p = rng.random_range(0..other.len());
                other[p] = integer(1, rng);
            }
            kind @ 1..=3 => {
                let bias = hidden.bias().map(|bias| bias.start + unit);
                let incoming: Vec<usize> = hidden.incoming(unit).chain(bias).collect();
                incoming.iter().for_each(|p| other[*p] = -other[*p]);
                for k in 0..output.outputs() {
                    let p = output.incoming(k).start + unit;
                    let v = other[p];
                    if kind == 2 {
                        other[p] = -v;
                    }
                    if let (3, Some(bias)) = (kind, output.bias()) {
                        other[bias.start + k] += v * incoming.last().map_or(0.0, |p| -other[*p]);
                    }
                }
            }
            _ => {
                let twin = rng.random_range(0..hidden.outputs());
                for (a, b) in hidden.incoming(unit).zip(hidden.incoming(twin)) {
                    other.swap(a, b);
                }
                if let Some(bias) = hidden.bias() {
                    other.swap(bias.start + unit, bias.start + twin);
                }
                for k in 0..output.outputs() {
                    let row = output.incoming(k).start;
                    other.swap(row + unit, row + twin);
                }
            }
        }
    }
    other
}

fn referred(mut z: Vec<f64>, outputs: usize) -> Vec<f64> {
    for z in z.chunks_exact_mut(outputs) {
        let last = z[outputs - 1];
        z.iter_mut().for_each(|z| *z -= last);
    }
    z
}

/// Checks one pair, and says whether it was equal.
fn agrees(one: (&Mlp, &[f64]), other: (&Mlp, &[f64]), law: bool, points: &[f64]) -> bool {
    let (z, z_other) = (
        evaluate(one.0, one.1, points),
        evaluate(other.0, other.1, points),
    );
    let outputs = one.0.outputs();
    let gap = if law {
        largest_gap(&referred(z, outputs), &referred(z_other, outputs))
    } else {
        largest_gap(&z, &z_other)
    };
    let describe = || {
        format!(
            "{law}: {:?} {:?}\n{:?} {:?}\ngap {gap}",
            one.0, one.1, other.0, other.1
        )
    };
    let verdict = if law {
        equivalent_laws(one, other, &Categorical, Tolerance::EXACT).expect("a comparable pair")
    } else {
        equivalent(one, other, Tolerance::EXACT).expect("a comparable pair")
    };
    // integers up to 2 and a few hundred points: functions that differ, differ visibly; others by rounding
    assert!(!(1e-10..1e-4).contains(&gap), "undecided: {}", describe());
    assert_eq!(verdict.holds(), gap < 1e-10, "{verdict:?}: {}", describe());
    let form = |(net, theta): (&Mlp, &[f64])| {
        if law {
            CanonicalForm::of_likelihood(net, theta, &Categorical, Tolerance::EXACT)
                .expect("a comparable pair")
        } else {
            CanonicalForm::of(net, theta, Tolerance::EXACT).expect("a comparable pair")
        }
    };
    let (first, second) = (form(one), form(other));
    let (net, theta) = first.network().expect("a comparable pair");
    let (net_other, theta_other) = second.network().expect("a comparable pair");
    let same = net == net_other && largest_gap(&theta, &theta_other) < 1e-10;
    assert_eq!(
        same,
        verdict.holds(),
        "{theta:?} {theta_other:?}: {}",
        describe()
    );
    let hidden = &one.0.layers()[0];
    let irreducible =
        first.rank() == hidden.outputs() && hidden.activation() != Activation::Identity;
    match verdict {
        Equivalence::Equal { symmetry } => {
            // irreducible points with one function are related by an element: that is the theorem
            assert!(
                symmetry.is_some() || !irreducible || one.0 != other.0,
                "{}",
                describe()
            );
            if let Some(element) = symmetry {
                let group = if law {
                    SymmetryGroup::of_likelihood(one.0, &Categorical).expect("a comparable pair")
                } else {
                    SymmetryGroup::of(one.0)
                };
                let image = group.apply(&element, one.1).expect("a comparable pair");
                assert!(
                    largest_gap(&image, other.1) < 1e-13,
                    "{element:?}: {}",
                    describe()
                );
            }
            true
        }
        Equivalence::Different { witness } => {
            let at = |(net, theta)| evaluate(net, theta, &witness.input);
            // one point or many, sums round differently
            assert!(largest_gap(&at(one), &witness.one) <= 1e-13 * witness.difference.max(1.0));
            assert!(largest_gap(&at(other), &witness.other) <= 1e-13 * witness.difference.max(1.0));
            assert!(witness.difference > 1e-4, "{witness:?}: {}", describe());
            assert!(
                !law || witness.divergence.is_some_and(|nats| nats > 0.0),
                "{witness:?}"
            );
            false
        }
        _ => unreachable!("a third verdict"),
    }
}

#[test]
fn equivalent_says_what_evaluation_says() {
    for activation in ALL {
        let mut rng = ChaCha8Rng::seed_from_u64(activation as u64);
        let mut equal = [0u64; 2];
        for pair in 0..PAIRS {
            let [inputs, outputs] = [rng.random_range(1..=2), rng.random_range(1..=2)];
            let (net, theta) = small_network(activation, [inputs, outputs], &mut rng);
            let points: Vec<f64> = normals(inputs * 200, &mut rng)
                .iter()
                .map(|x| 3.0 * x)
                .collect();
            let law = outputs > 1 && rng.random::<bool>();
            let same = if pair % 2 == 0 {
                let other = variation(&net, &theta, &mut rng);
                agrees((&net, &theta), (&net, &other), law, &points)
            } else {
                let other = small_network(activation, [inputs, outputs], &mut rng);
                agrees((&net, &theta), (&other.0, &other.1), law, &points)
            };
            equal[usize::try_from(pair % 2).unwrap()] += u64::from(same);
        }
        // the test means something: both verdicts occur among variations, and coincidences among unrelated networks
        assert!(
            equal[0] > PAIRS / 20 && equal[0] < PAIRS / 2,
            "{activation}: {equal:?}"
        );
        assert!(
            equal[1] > 0 && equal[1] < PAIRS / 10,
            "{activation}: {equal:?}"
        );
    }
}
