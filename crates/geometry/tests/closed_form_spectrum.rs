//! Laws of the structured spectrum and of the pseudo-inverse, against the full matrix.

mod gaussian_case;

use gaussian_case::{Case, Shape, gaussian_case, input, network};
use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::{Inverse, Metric, MetricError, RankTolerance, Spectrum};
use neuromanifold_mlp::Activation;
use neuromanifold_model::Gaussian;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const TOLERANCE: RankTolerance = RankTolerance::Relative(1e-9);

/// θ with units that do nothing, or nothing of their own: without outgoing weights, without incoming ones, a copy, a mirror image.
fn degenerate(case: &Case, fault: usize) -> Case {
    let mut case = case.clone();
    let (layers, m) = (case.net.layers().to_vec(), case.net.layers()[0].outputs());
    let last = m - 1;
    let sign = if fault == 3 { -1.0 } else { 1.0 };
    match fault {
        0 => {
            for k in 0..case.net.outputs() {
                case.theta[layers[1].weights().start + k * m + last] = 0.0;
            }
        }
        1 => case.theta[layers[0].incoming(last)].fill(0.0),
        _ => {
            let first: Vec<f64> = case.theta[layers[0].incoming(0)].to_vec();
            for (w, other) in case.theta[layers[0].incoming(last)].iter_mut().zip(first) {
                *w = sign * other;
            }
            if let Some(bias) = layers[0].bias() {
                case.theta[bias.start + last] = sign * case.theta[bias.start];
            }
        }
    }
    case
}

/// Where the rank is beyond doubt: no eigenvalue within three digits of the tolerance.
fn clear(spectrum: &Spectrum) -> bool {
    let near = |value: &f64| (1e-12..1e-6).contains(&(value / spectrum.largest()));
    !spectrum.eigenvalues().iter().any(near)
}

fn largest_gap(a: &[f64], b: &[f64]) -> f64 {
    let size = b.iter().fold(0.0, |m: f64, b| m.max(b.abs()));
    let gap = a
        .iter()
        .zip(b)
        .fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
    gap / size
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn eigenvalues_are_those_of_the_matrix(case in gaussian_case(9), fault in 0..5usize) {
        let case = if fault < 4 { degenerate(&case, fault) } else { case };
        let fisher = case.fisher();
        let dense = Spectrum::new(fisher.to_dense().as_ref()).unwrap();
        let found = match fisher.spectrum() {
            Ok(found) => found,
            Err(error) => {
                prop_assert!(matches!(error, MetricError::Unsupported { .. }), "{error:?}");
                prop_assert!(error.to_string().contains("whitened_spectrum"));
                prop_assert!(fisher.rank() < case.net.inputs());
                return Ok(());
            }
        };
        let all: Vec<f64> = found.eigenvalues().into_iter().flat_map(|(value, times)| vec![value; times]).collect();
        prop_assert_eq!(all.len(), case.theta.len());
        prop_assert!(largest_gap(&all, dense.eigenvalues()) < 1e-12);
        prop_assert!((found.trace() / dense.trace() - 1.0).abs() < 1e-12);
        for gamma in [1e-4, 1e-1] {
            let (one, other) = (found.log_determinant(gamma).unwrap(), dense.log_determinant(gamma).unwrap());
            prop_assert!((one - other).abs() < 1e-8 * all.len() as f64, "{one} {other}");
            let (one, other) = (found.effective_dimension(gamma).unwrap(), dense.effective_dimension(gamma).unwrap());
            prop_assert!((one - other).abs() < 1e-8 * all.len() as f64, "{one} {other}");
        }
        if clear(&dense) {
            prop_assert_eq!(found.nullity(TOLERANCE), dense.nullity(TOLERANCE));
        }
    }

    /// The natural gradient on the quotient, for inputs of one variance and of many.
    #[test]
    fn pseudo_inverse_is_that_of_the_matrix(case in gaussian_case(9), fault in 0..5usize) {
        let case = if fault < 4 { degenerate(&case, fault) } else { case };
        let fisher = case.fisher();
        let dense = Spectrum::new(fisher.to_dense().as_ref()).unwrap();
        prop_assume!(clear(&dense));
        let gradient = case.direction();
        let (mut expected, mut found) = (vec![0.0; gradient.len()], vec![0.0; gradient.len()]);
        let rank = dense.pseudo_inverse(&gradient, TOLERANCE, &mut expected);
        let inverse = Inverse::Pseudo { tolerance: TOLERANCE };
        let solve = fisher.raise(&gradient, inverse, &mut found).unwrap();
        prop_assert_eq!(solve.rank, rank);
        prop_assert!(solve.relative_residual < 1e-8, "{}", solve.relative_residual);
        // eigenvalues down to 1e-6 of the largest: that much of rounding is in either
        prop_assert!(largest_gap(&found, &expected) < 1e-8, "{}", largest_gap(&found, &expected));
        prop_assert_eq!(fisher.whitened_spectrum().unwrap().rank(TOLERANCE), rank);
    }
}

/// What theory says is null: n + 1 directions of an idle unit, n + 2 (with K outputs, n + 1 + K) of a pair that overlaps.
#[test]
fn nullities_in_a_thousand_inputs() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let n = 1000;
    for (outputs, shape) in [(1, Shape::Isotropic), (2, Shape::Diagonal)] {
        let (net, theta) = network([n, 3, outputs], Activation::Erf, [true, true], &mut rng);
        let case = Case {
            input: input(n, shape, true, &mut rng),
            noise: Gaussian::UNIT,
            net,
            theta,
            seed: 0,
        };
        for (fault, nullity) in [
            (0, n + 1),
            (2, if outputs == 1 { n + 2 } else { outputs }),
            (4, 0),
        ] {
            let case = if fault < 4 {
                degenerate(&case, fault)
            } else {
                case.clone()
            };
            let fisher = case.fisher();
            let spectrum = fisher.whitened_spectrum().unwrap();
            assert_eq!(
                spectrum.nullity(TOLERANCE),
                nullity,
                "fault {fault}, {outputs} outputs"
            );
            let gradient = case.direction();
            let mut step = vec![0.0; gradient.len()];
            let solve = fisher
                .raise(
                    &gradient,
                    Inverse::Pseudo {
                        tolerance: TOLERANCE,
                    },
                    &mut step,
                )
                .unwrap();
            assert_eq!(solve.rank, case.theta.len() - nullity);
            assert!(
                solve.relative_residual < 1e-10,
                "{}",
                solve.relative_residual
            );
        }
    }
}

#[test]
fn bad_tolerances_and_shifts_are_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (net, theta) = network([3, 1, 1], Activation::Erf, [true, true], &mut rng);
    let fisher =
        GaussianInputFisher::new(&net, &theta, &GaussianInput::standard(3), &Gaussian::UNIT)
            .unwrap();
    let mut out = vec![0.0; theta.len()];
    for fraction in [-1.0, f64::NAN] {
        let refused = fisher.raise(&theta, Inverse::pseudo(fraction), &mut out);
        assert!(
            matches!(refused, Err(MetricError::Tolerance { .. })),
            "{refused:?}"
        );
    }
    let spectrum = fisher.spectrum().unwrap();
    assert!(matches!(
        spectrum.effective_dimension(0.0),
        Err(MetricError::Damping { .. })
    ));
    assert!(matches!(
        spectrum.log_determinant(-1.0),
        Err(MetricError::Damping { .. })
    ));
}
