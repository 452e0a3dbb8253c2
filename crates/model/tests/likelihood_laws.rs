//! Laws that tie the pieces of each likelihood together.

use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood, LikelihoodError, check};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The three laws by name, so that one property covers all of them.
fn law(which: usize, sigma: f64) -> Box<dyn Likelihood> {
    match which {
        0 => Box::new(Gaussian::new(sigma).expect("a positive sigma")),
        1 => Box::new(Bernoulli),
        _ => Box::new(Categorical),
    }
}

fn sampled(law: &dyn Likelihood, z: &[f64], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut y = vec![0.0; law.target_len(z.len())];
    law.sample(z, rng, &mut y);
    y
}

/// `H dz` through the factor.
fn output_fisher(law: &dyn Likelihood, z: &[f64], dz: &[f64]) -> Vec<f64> {
    let (outputs, rank) = (z.len(), law.factor_rank(z.len()));
    let mut factor = vec![0.0; outputs * rank];
    law.factor(z, &mut factor);
    let mut image = vec![0.0; outputs];
    for column in factor.chunks_exact(outputs) {
        let weight: f64 = column.iter().zip(dz).map(|(c, d)| c * d).sum();
        for (i, c) in image.iter_mut().zip(column) {
            *i += weight * c;
        }
    }
    image
}

fn outputs() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-6.0..6.0, 2..6)
}

proptest! {
    #[test]
    fn pieces_agree(which in 0..3usize, sigma in 0.2..3.0, z in outputs(), seed: u64) {
        let law = law(which, sigma);
        let y = sampled(law.as_ref(), &z, &mut ChaCha8Rng::seed_from_u64(seed));
        law.check_targets(z.len(), 1, &y).unwrap();
        check::likelihood(law.as_ref(), &z, &y).unwrap();
    }

    #[test]
    fn divergence_is_a_divergence(which in 0..3usize, z in outputs(), scale in -12.0..3.0) {
        let law = law(which, 0.7);
        let moved: Vec<f64> =
            z.iter().enumerate().map(|(k, z)| z + 10f64.powf(scale) * ((3 * k + 1) as f64).sin()).collect();
        prop_assert!(law.divergence(&z, &z).abs() < 1e-300);
        prop_assert!(law.divergence(&z, &moved) >= 0.0);
        prop_assert!(law.divergence(&moved, &z) >= 0.0);
    }

    // D(z:z+dz) = ½dzᵀH dz (1 + O(|dz|)) must hold down to steps whose divergence is 1e-20.
    #[test]
    fn divergence_is_the_quadratic_form_at_every_scale(which in 0..3usize, z in outputs(), exponent in 2..11i32) {
        let law = law(which, 0.7);
        let dz: Vec<f64> = (0..z.len()).map(|k| 10f64.powi(-exponent) * ((5 * k + 2) as f64).cos()).collect();
        let moved: Vec<f64> = z.iter().zip(&dz).map(|(z, d)| z + d).collect();
        // what was really added, after rounding
        let dz: Vec<f64> = moved.iter().zip(&z).map(|(m, z)| m - z).collect();
        let quadratic: f64 = 0.5 * output_fisher(law.as_ref(), &z, &dz).iter().zip(&dz).map(|(h, d)| h * d).sum::<f64>();
        let ratio = law.divergence(&z, &moved) / quadratic;
        // the third-order term is at most max|d| times the second-order one; 1e-11 covers rounding
        prop_assert!((ratio - 1.0).abs() <= 2.0 * 10f64.powi(-exponent) + 1e-11, "ratio {ratio}");
    }

    #[test]
    fn divergence_is_expected_log_ratio(which in 1..3usize, z in outputs(), other in outputs()) {
        // Both discrete laws can be summed over all targets.
        let len = z.len().min(other.len());
        let (z, other) = (&z[..len], &other[..len]);
        let law = law(which, 1.0);
        let expected: f64 = every_target(law.as_ref(), len)
            .iter()
            .map(|y| {
                let own = law.negative_log_likelihood(z, y);
                (-own).exp() * (law.negative_log_likelihood(other, y) - own)
            })
            .sum();
        let divergence = law.divergence(z, other);
        prop_assert!((divergence - expected).abs() <= 1e-12 * (1.0 + expected), "{divergence} {expected}");
    }

    #[test]
    fn factor_is_the_covariance_of_the_score(which in 1..3usize, z in outputs()) {
        let law = law(which, 1.0);
        let probe: Vec<f64> = (0..z.len()).map(|k| ((7 * k + 1) as f64).sin()).collect();
        let mut covariance = vec![0.0; z.len()];
        let mut score = vec![0.0; z.len()];
        for y in every_target(law.as_ref(), z.len()) {
            law.score(&z, &y, &mut score);
            let probability = (-law.negative_log_likelihood(&z, &y)).exp();
            let along: f64 = score.iter().zip(&probe).map(|(s, p)| s * p).sum();
            for (c, s) in covariance.iter_mut().zip(&score) {
                *c += probability * along * s;
            }
        }
        for (c, h) in covariance.iter().zip(output_fisher(law.as_ref(), &z, &probe)) {
            prop_assert!((c - h).abs() < 1e-13, "{c} {h}");
        }
    }
}

fn every_target(law: &dyn Likelihood, outputs: usize) -> Vec<Vec<f64>> {
    if law.target_len(outputs) == 1 {
        return (0..outputs).map(|class| vec![class as f64]).collect();
    }
    (0..1usize << outputs)
        .map(|bits| (0..outputs).map(|k| ((bits >> k) & 1) as f64).collect())
        .collect()
}

#[test]
fn gaussian_score_covariance_by_sampling() {
    let law = Gaussian::new(0.5).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (z, mut y, mut score) = ([0.3], [0.0], [0.0]);
    let draws = 200_000;
    let mut second = 0.0;
    for _ in 0..draws {
        law.sample(&z, &mut rng, &mut y);
        law.score(&z, &y, &mut score);
        second += score[0] * score[0] / f64::from(draws);
    }
    // standard error of the second moment: H √(2/n) = 4 · 0.0032; five of them
    assert!((second - 4.0).abs() < 0.064, "{second}");
}

#[test]
fn sampled_frequencies_match_the_mean() {
    let z = [1.0, -0.5, 0.2];
    let draws = 100_000;
    for which in [1, 2] {
        let law = law(which, 1.0);
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let (mut mean, mut seen) = ([0.0; 3], [0.0; 3]);
        law.mean(&z, &mut mean);
        for _ in 0..draws {
            let y = sampled(law.as_ref(), &z, &mut rng);
            if which == 2 {
                seen[y[0] as usize] += 1.0 / f64::from(draws);
            } else {
                for (s, y) in seen.iter_mut().zip(&y) {
                    *s += y / f64::from(draws);
                }
            }
        }
        for (s, m) in seen.iter().zip(&mean) {
            // five standard errors of a frequency: 5·√(¼/1e5) = 0.0079
            assert!((s - m).abs() < 0.0079, "{s} {m}");
        }
    }
}

#[test]
fn nothing_breaks_at_logits_of_a_thousand() {
    let extremes = [-1000.0, 0.0, 1000.0];
    for which in [1, 2] {
        let law = law(which, 1.0);
        for a in extremes {
            for b in extremes {
                let z = [a, b];
                let rank = law.factor_rank(2);
                let (mut score, mut factor, mut white) =
                    ([0.0; 2], vec![0.0; 2 * rank], vec![0.0; rank]);
                law.factor(&z, &mut factor);
                assert!(factor.iter().all(|f| f.is_finite()));
                for y in every_target(law.as_ref(), 2) {
                    assert!(law.negative_log_likelihood(&z, &y).is_finite());
                    law.score(&z, &y, &mut score);
                    law.whitened_score(&z, &y, &mut white);
                    assert!(
                        score.iter().chain(&white).all(|s| s.is_finite()),
                        "{z:?} {y:?} {white:?}"
                    );
                }
                for c in extremes {
                    for d in extremes {
                        let divergence = law.divergence(&z, &[c, d]);
                        assert!(divergence.is_finite() && divergence >= 0.0);
                    }
                }
            }
        }
    }
    assert!((Bernoulli.divergence(&[-1000.0], &[1000.0]) - 1000.0).abs() < 1e-9);
    assert!((Categorical.divergence(&[1000.0, 0.0], &[0.0, 1000.0]) - 1000.0).abs() < 1e-9);
    // Saturated laws that differ do not coincide: e^{-800} against e^{-100}.
    let far = (-100.0_f64).exp();
    for small in [
        Bernoulli.divergence(&[-800.0], &[-100.0]),
        Categorical.divergence(&[0.0, -800.0], &[0.0, -100.0]),
    ] {
        assert!((small / far - 1.0).abs() < 1e-12, "{small} {far}");
    }
    assert!(Bernoulli.divergence(&[1e308], &[-1e308]).is_infinite());
    // A confident and right prediction keeps its tiny loss: e^{-40}, not 0.
    let tiny = Categorical.negative_log_likelihood(&[40.0, 0.0], &[0.0]);
    assert!((tiny / (-40.0_f64).exp() - 1.0).abs() < 1e-14);
}

#[test]
fn targets_outside_the_domain_are_named() {
    assert!(matches!(
        Categorical.check_targets(10, 2, &[3.0, 12.0]),
        Err(LikelihoodError::Target {
            index: 1,
            example: 1,
            ..
        })
    ));
    let message = Bernoulli
        .check_targets(1, 1, &[2.0])
        .unwrap_err()
        .to_string();
    assert_eq!(message, "target 0 (example 0) is 2; expected 0 or 1");
    assert!(Gaussian::UNIT.check_targets(1, 1, &[f64::NAN]).is_err());
    assert!(Gaussian::UNIT.check_targets(2, 3, &[0.0; 5]).is_err());
    assert!(Categorical.check_targets(1, 1, &[0.0]).is_err());
    assert!(Gaussian::new(0.0).is_err() && Gaussian::new(f64::NAN).is_err());
}

#[test]
fn what_is_no_output_or_target_of_the_law_is_named() {
    use check::CheckError;
    let refused =
        |law: &dyn Likelihood, z: &[f64], y: &[f64]| check::likelihood(law, z, y).unwrap_err();
    let two = [0.1, 0.2];
    assert!(matches!(
        refused(&Categorical, &two, &[]),
        CheckError::Law(LikelihoodError::TargetCount {
            expected: 1,
            got: 0,
            ..
        })
    ));
    assert!(matches!(
        refused(&Categorical, &two, &[2.0]),
        CheckError::Law(LikelihoodError::Target { index: 0, .. })
    ));
    assert!(matches!(
        refused(&Categorical, &[], &[0.0]),
        CheckError::Law(LikelihoodError::Outputs { got: 0, .. })
    ));
    assert!(matches!(
        refused(&Gaussian::UNIT, &[0.1, f64::NAN], &two),
        CheckError::OutputNotFinite { output: 1, value } if value.is_nan()
    ));
}
