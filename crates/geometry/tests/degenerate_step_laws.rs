//! What natural gradient is where the Fisher matrix is singular: laws over random reducible networks.

mod units;

use neuromanifold_geometry::faer::MatRef;
use neuromanifold_geometry::quotient::{
    DegenerateStep, Probe, QuotientError, SolveComparison, Solver, Tolerance, Verdict, degeneracy,
};
use neuromanifold_geometry::{MetricError, Quantity, RankTolerance};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Likelihood};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use units::{Unit, assemble, assemble_with, normals};

const EXAMPLES: usize = 150;

const PSEUDO: Solver = Solver::PseudoInverse {
    tolerance: RankTolerance::Relative(1e-11),
};

/// A reducible network, its probe and a covector on its outputs that is the derivative of some loss.
#[derive(Debug)]
struct Critical {
    net: Mlp,
    theta: Vec<f64>,
    inputs: Vec<f64>,
    likelihood: Box<dyn Likelihood>,
    cotangent: Vec<f64>,
}

impl Critical {
    fn probe(&self) -> Probe<'_> {
        Probe {
            inputs: MatRef::from_column_major_slice(&self.inputs, self.net.inputs(), EXAMPLES),
            likelihood: self.likelihood.as_ref(),
        }
    }

    /// Whether the reduced metric is definite beyond rounding: solves through `G` lose as many digits as its condition has.
    fn is_clear(&self) -> bool {
        let network = (&self.net, &self.theta[..]);
        let rank = RankTolerance::Relative(1e-11);
        let report = degeneracy(
            network.0,
            network.1,
            &self.probe(),
            Tolerance::default(),
            rank,
        );
        let report = report.expect("one hidden layer");
        let numbers = &report.numerical;
        report.verdict == Verdict::Agree && numbers.smallest > 1e-8 * numbers.largest
    }

    fn step(&self, solver: Solver) -> DegenerateStep {
        self.step_for(&self.cotangent, solver)
    }

    fn step_for(&self, cotangent: &[f64], solver: Solver) -> DegenerateStep {
        let network = (&self.net, &self.theta[..]);
        let probe = self.probe();
        DegenerateStep::new(network, &probe, cotangent, solver, Tolerance::default())
            .expect("a metric that is clear of rounding")
    }
}

/// One to three units that stay clear of each other and of zero, so that the reduced metric is definite beyond rounding, and one to
/// three more: parts of a unit with parallel outgoing vectors, or else anything that makes a network reducible.
fn critical(
    which: usize,
    shape: (usize, usize, usize),
    parallel: bool,
    categorical: bool,
    seed: u64,
) -> Critical {
    let activation = [Activation::Tanh, Activation::Erf, Activation::Logistic][which];
    let (inputs, rank, outputs) = shape;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut units: Vec<Unit> = Vec::new();
    while units.len() < rank {
        let w: Vec<f64> = normals(inputs, &mut rng).iter().map(|w| 1.2 * w).collect();
        let b = 0.7 * normals(1, &mut rng)[0];
        let v: Vec<f64> = (0..outputs)
            .map(|k| {
                let sign = if (k + units.len()).is_multiple_of(2) {
                    1.0
                } else {
                    -1.0
                };
                sign * rng.random_range(0.5..1.5)
            })
            .collect();
        let gap = |other: &Unit, sign: f64| {
            let pairs = other
                .0
                .iter()
                .zip(&w)
                .map(|(a, b)| (a - sign * b).powi(2))
                .sum::<f64>();
            (pairs + (other.1 - sign * b).powi(2)).sqrt()
        };
        let apart = units.iter().all(|o| gap(o, 1.0).min(gap(o, -1.0)) > 0.8);
        if apart && w.iter().map(|w| w * w).sum::<f64>() > 0.6 {
            units.push((w, b, v));
        }
    }
    for _ in 0..rng.random_range(1..=3) {
        match if parallel { 0 } else { rng.random_range(0..4) } {
            0 => {
                let at = rng.random_range(0..units.len());
                let share = rng.random_range(0.2..0.8);
                let mut part = units[at].clone();
                units[at].2.iter_mut().for_each(|v| *v *= share);
                part.2.iter_mut().for_each(|v| *v *= 1.0 - share);
                if rng.random() && activation != Activation::Logistic {
                    part.0.iter_mut().for_each(|w| *w = -*w);
                    part.1 = -part.1;
                    part.2.iter_mut().for_each(|v| *v = -*v);
                }
                units.push(part);
            }
            1 => {
                // an overlap of any outgoing vectors
                let mut twin = units[rng.random_range(0..rank)].clone();
                twin.2 = normals(outputs, &mut rng);
                units.push(twin);
            }
            2 => units.push((
                normals(inputs, &mut rng),
                normals(1, &mut rng)[0],
                vec![0.0; outputs],
            )),
            _ => units.push((
                vec![0.0; inputs],
                normals(1, &mut rng)[0],
                normals(outputs, &mut rng),
            )),
        }
    }
    let (net, theta) = assemble(&units, &normals(outputs, &mut rng), activation);
    let points: Vec<f64> = normals(inputs * EXAMPLES, &mut rng)
        .iter()
        .map(|x| 1.5 * x)
        .collect();
    let likelihood: Box<dyn Likelihood> = if categorical {
        Box::new(Categorical)
    } else {
        Box::new(Gaussian::new(0.7).expect("positive"))
    };
    let mut cotangent = normals(outputs * EXAMPLES, &mut rng);
    for c in cotangent.chunks_exact_mut(outputs) {
        let mean = c.iter().sum::<f64>() / outputs as f64;
        let gauge = if categorical { mean } else { 0.0 }; // scores of a softmax sum to zero
        c.iter_mut()
            .for_each(|c| *c = (*c - gauge) / EXAMPLES as f64);
    }
    Critical {
        net,
        theta,
        inputs: points,
        likelihood,
        cotangent,
    }
}

prop_compose! {
    fn reducible(parallel: bool)(
        which in 0..3usize, inputs in 1..4usize, rank in 1..4usize, outputs in 1..4usize, categorical: bool, seed: u64,
    ) -> Critical {
        let outputs = if categorical { outputs + 1 } else { outputs };
        critical(which, (inputs, rank, outputs), parallel, categorical, seed)
    }
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let gap: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&gap) / norm(a).max(norm(b))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Parts of a unit whose outgoing vectors are parallel: the step of `G⁺` is that of the reduced network, in function space and, lifted,
    /// in parameters. Solves lose digits with the condition of `G`, which is kept below 1e8.
    #[test]
    fn the_step_of_the_pseudo_inverse_is_that_of_the_reduced_network(case in reducible(true)) {
        prop_assume!(case.is_clear());
        let (pseudo, reduced) = (case.step(PSEUDO), case.step(Solver::Reduced));
        prop_assert!(pseudo.difference(&reduced) < 1e-5, "{}", pseudo.difference(&reduced));
        let horizontal = case.step(Solver::Horizontal);
        prop_assert!(horizontal.difference(&reduced) < 1e-6, "{}", horizontal.difference(&reduced));
        prop_assert!(difference(&horizontal.tangent, &reduced.tangent) < 1e-5);
        prop_assert!(difference(&pseudo.tangent, &reduced.tangent) < 1e-4);
    }

    /// Whatever makes the network reducible: the reduced network's step is the projection of the step of `G⁺` on what it can do.
    #[test]
    fn the_step_of_the_reduced_network_is_a_projection(case in reducible(false)) {
        prop_assume!(case.is_clear());
        let (horizontal, reduced) = (case.step(Solver::Horizontal), case.step(Solver::Reduced));
        prop_assert!(reduced.predicted <= horizontal.predicted * (1.0 + 1e-6));
        let inner: f64 = horizontal.law.iter().zip(&reduced.law).map(|(a, b)| a * b).sum();
        prop_assert!((inner - 2.0 * reduced.predicted).abs() <= 1e-6 * 2.0 * horizontal.predicted);
        let pseudo = case.step(PSEUDO);
        prop_assert!(pseudo.difference(&horizontal) < 1e-5, "{}", pseudo.difference(&horizontal));
    }

    /// Damping, in whichever space, is an approximation of `G⁺` from below, the better the smaller it is.
    #[test]
    fn damped_steps_are_finite_and_tend_to_the_pseudo_inverse(case in reducible(false)) {
        prop_assume!(case.is_clear());
        let pseudo = case.step(Solver::Horizontal);
        let mut last = f64::INFINITY;
        for lambda in [1e-1, 1e-3, 1e-5, 1e-7] {
            let damped = case.step(Solver::Damped { lambda });
            let sample = case.step(Solver::SampleSpace { lambda });
            prop_assert!(damped.difference(&sample) < 1e-5, "{lambda}: {}", damped.difference(&sample));
            prop_assert!(damped.length <= pseudo.length * (1.0 + 1e-6));
            let difference = damped.difference(&pseudo);
            prop_assert!(difference <= last, "{lambda}: {difference} after {last}");
            last = difference;
        }
    }

    /// Exactly on the critical set the plain inverse is refused with the units by name; all others give a finite step.
    #[test]
    fn only_the_plain_inverse_is_refused(case in reducible(false)) {
        prop_assume!(case.is_clear());
        let solvers = [Solver::Exact, PSEUDO, Solver::Damped { lambda: 1e-3 }, Solver::SampleSpace { lambda: 1e-3 }, Solver::Horizontal, Solver::Reduced];
        let network = (&case.net, &case.theta[..]);
        let comparison = SolveComparison::new(network, &case.probe(), &case.cotangent, &solvers, Tolerance::default()).unwrap();
        let Some(QuotientError::Critical { causes, .. }) = comparison.refusal(Solver::Exact) else {
            return Err(TestCaseError::fail("a step"));
        };
        prop_assert!(causes.contains("unit"), "{causes}");
        for solver in &solvers[1..] {
            let step = comparison.step(*solver).expect("a step");
            prop_assert!(step.length.is_finite() && step.length > 0.0 && step.divergence.is_finite());
            // what the law sees of a step is its predicted cost
            let squared: f64 = step.law.iter().map(|l| l * l).sum();
            prop_assert!((squared - 2.0 * step.predicted).abs() <= 1e-12 * squared);
        }
        prop_assert_eq!(comparison.to_string().lines().count(), 7);
    }
}

/// Near the overlap the exact step grows without bound, the damped one does not, and the law moves by about as much.
#[test]
fn near_the_critical_set_the_exact_step_is_long_and_moves_little() {
    let lengths: Vec<[f64; 3]> = [0.2, 0.1, 0.05]
        .into_iter()
        .map(|delta| {
            let unit = |shift: f64| -> Unit { (vec![0.9 + shift, -0.5], 0.2, vec![0.6]) };
            let other: Unit = (vec![-0.3, 0.8], -0.4, vec![0.7]);
            let (net, theta) = assemble(&[unit(0.0), unit(delta), other], &[0.1], Activation::Tanh);
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let case = Critical {
                net,
                theta,
                inputs: normals(2 * EXAMPLES, &mut rng),
                likelihood: Box::new(Gaussian::UNIT),
                cotangent: normals(EXAMPLES, &mut rng)
                    .iter()
                    .map(|c| c / EXAMPLES as f64)
                    .collect(),
            };
            let (exact, damped) = (
                case.step(Solver::Exact),
                case.step(Solver::Damped { lambda: 1e-4 }),
            );
            [
                exact.length,
                damped.length,
                exact.root_mean_square / damped.root_mean_square,
            ]
        })
        .collect();
    for pair in lengths.windows(2) {
        // the smallest eigenvalue falls with δ⁶, its singular vector brings back δ³
        assert!((pair[1][0] / pair[0][0]).log2() > 2.0, "{lengths:?}");
        assert!(pair[1][1] < 1.5 * pair[0][1]);
        assert!(pair[1][2] < 2.0 && pair[1][2] > 0.5);
    }
}

/// Where no parameter moves the law, every solver but the exact one answers with the step of length 0.
#[test]
fn no_step_moves_a_law_of_rank_zero() {
    let units: [Unit; 2] = [(vec![0.0], 0.0, vec![0.0]), (vec![0.0], 0.0, vec![0.0])];
    let (net, theta) = assemble_with(&units, &[0.0], Activation::Relu, false, false);
    let inputs = [-1.0, 0.5, 2.0];
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&inputs, 1, 3),
        likelihood: &Gaussian::UNIT,
    };
    let network = (&net, &theta[..]);
    for solver in [
        PSEUDO,
        Solver::Damped { lambda: 1e-3 },
        Solver::SampleSpace { lambda: 1e-3 },
        Solver::Horizontal,
        Solver::Reduced,
    ] {
        let step =
            DegenerateStep::new(network, &probe, &[0.3; 3], solver, Tolerance::default()).unwrap();
        assert!(step.length <= 0.0, "{solver}");
    }
    let exact = DegenerateStep::new(
        network,
        &probe,
        &[0.3; 3],
        Solver::Exact,
        Tolerance::default(),
    );
    assert!(matches!(exact, Err(QuotientError::Critical { .. })));
}

/// A covector that is not a number is no question, on the critical set no more than off it.
#[test]
fn a_covector_of_nan_is_refused_before_the_critical_set_is_named() {
    let units: [Unit; 2] = [(vec![1.0], 0.5, vec![0.0]), (vec![-2.0], 0.0, vec![1.0])];
    let (net, theta) = assemble(&units, &[0.0], Activation::Tanh);
    let inputs = [-1.0, 0.5, 2.0];
    let probe = Probe {
        inputs: MatRef::from_column_major_slice(&inputs, 1, 3),
        likelihood: &Gaussian::UNIT,
    };
    for solver in [Solver::Exact, Solver::Horizontal, Solver::Reduced, PSEUDO] {
        let step = DegenerateStep::new(
            (&net, &theta),
            &probe,
            &[f64::NAN; 3],
            solver,
            Tolerance::default(),
        );
        let not_finite = matches!(
            step,
            Err(QuotientError::Metric(MetricError::NotFinite {
                what: Quantity::Gradient,
                ..
            }))
        );
        assert!(not_finite, "{solver}: {step:?}");
    }
}
