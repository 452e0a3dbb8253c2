//! D(θ:θ') is a divergence, and the Fisher metric is its second-order part.

mod case;

use case::{Case, smooth_case};
use neuromanifold_geometry::{DenseFisher, Metric, kullback_leibler, kullback_leibler_monte_carlo};
use neuromanifold_model::OutputMap;
use proptest::prelude::*;

fn divergence(case: &Case, step: &[f64]) -> f64 {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let moved: Vec<f64> = case.theta.iter().zip(step).map(|(t, d)| t + d).collect();
    kullback_leibler(&batch, case.likelihood.as_ref(), &case.theta, &moved).expect("finite laws")
}

fn fisher(case: &Case) -> DenseFisher {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let linearization = batch.linearize(&case.theta).expect("finite outputs");
    DenseFisher::new(linearization.as_ref(), case.likelihood.as_ref()).expect("a metric")
}

/// `max |z| / rms |J v|`: how much the rounding of an output weighs in its change along a direction.
fn output_speed(case: &Case, direction: &[f64]) -> f64 {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let linearization = batch.linearize(&case.theta).expect("finite outputs");
    let z = linearization.outputs();
    let mut dz = vec![0.0; z.len()];
    linearization.jvp(direction, &mut dz);
    let speed = (dz.iter().map(|d| d * d).sum::<f64>() / dz.len() as f64).sqrt();
    z.iter().fold(1.0, |m: f64, z| m.max(z.abs())) / speed.max(f64::MIN_POSITIVE)
}

/// Least-squares slope of log y against log x.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let (mx, my) = logs
        .iter()
        .fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / logs.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn divergence_is_half_the_squared_length_up_to_third_order(case in smooth_case()) {
        let metric = fisher(&case);
        let direction = case.direction();
        let length = metric.norm_squared(&direction);
        // Root mean square over ±v of |D − ½h²|v|²| at h = 10^{-1.5}, …, 10^{-4}: with both signs the third and fourth
        // orders add up and cannot cancel. Kept while it stands clear of the rounding of D, which is about ε/h
        // relative because θ + h v rounds, or what z ± dz
        // loses of dz.
        let weight = output_speed(&case, &direction);
        let mut remainders = Vec::new();
        for k in 0..11 {
            let h = 10f64.powf(-1.5 - 0.25 * f64::from(k));
            let quadratic = 0.5 * h * h * length;
            let remainder = |sign: f64| {
                let step: Vec<f64> = direction.iter().map(|d| sign * h * d).collect();
                divergence(&case, &step) - quadratic
            };
            let both = remainder(1.0).hypot(remainder(-1.0));
            if both > 300.0 * f64::EPSILON / h * (1.0 + weight) * quadratic {
                remainders.push((h, both));
            }
        }
        if remainders.len() >= 5 {
            let order = slope(&remainders);
            prop_assert!(order >= 2.9, "order {order} from {remainders:?}");
        } else {
            // A linear map with Gaussian noise, or a direction that changes nothing: no third order to see.
            let h: f64 = 1e-2;
            let step: Vec<f64> = direction.iter().map(|d| h * d).collect();
            let difference = (divergence(&case, &step) - 0.5 * h * h * length).abs();
            prop_assert!(difference <= 1e-3 * h * h * length + 1e-28, "{difference}");
        }
    }

    #[test]
    fn divergence_is_never_negative_and_zero_at_home(case in smooth_case(), size in -8.0..1.0) {
        let nowhere = vec![0.0; case.theta.len()];
        prop_assert!(divergence(&case, &nowhere).abs() < 1e-300);
        let step: Vec<f64> = case.direction().iter().map(|d| 10f64.powf(size) * d).collect();
        prop_assert!(divergence(&case, &step) >= 0.0);
    }

    #[test]
    fn monte_carlo_finds_the_closed_form(case in smooth_case()) {
        let batch = case.net.on_slice(&case.inputs).unwrap();
        let other: Vec<f64> = case.theta.iter().zip(case.direction()).map(|(t, d)| t + 0.3 * d).collect();
        let law = case.likelihood.as_ref();
        let exact = kullback_leibler(&batch, law, &case.theta, &other).unwrap();
        let estimate =
            kullback_leibler_monte_carlo(&batch, law, &case.theta, &other, 4000, &mut case.rng()).unwrap();
        // Six standard errors: one false alarm in 10^8 for a normal mean; 1e-14 for laws that coincide. Rare classes
        // make the sample's own spread unreliable, so a floor of a few single events is added.
        let rare = 6.0 * exact.sqrt() / 4000.0;
        let allowed = 6.0 * estimate.standard_error + rare + 1e-14;
        prop_assert!((estimate.mean - exact).abs() <= allowed, "{estimate:?} against {exact}");
    }
}

#[test]
fn monte_carlo_error_falls_as_the_square_root() {
    use neuromanifold_mlp::{Activation, Mlp};
    use rand::SeedableRng;
    let net = Mlp::new(&[1, 3, 1], Activation::Tanh).unwrap();
    let inputs = [-1.5, -0.2, 0.4, 1.0];
    let batch = net.on_slice(&inputs).unwrap();
    let theta: Vec<f64> = (0..net.parameters()).map(|i| (i as f64).sin()).collect();
    let other: Vec<f64> = theta.iter().map(|t| t + 0.2).collect();
    let law = neuromanifold_model::Gaussian::new(0.5).unwrap();
    let exact = kullback_leibler(&batch, &law, &theta, &other).unwrap();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let mut mean_error = |draws: usize| {
        let repeats = 200;
        let square: f64 = (0..repeats)
            .map(|_| {
                let estimate =
                    kullback_leibler_monte_carlo(&batch, &law, &theta, &other, draws, &mut rng);
                (estimate.unwrap().mean - exact).powi(2)
            })
            .sum();
        (square / f64::from(repeats)).sqrt()
    };
    let points: Vec<(f64, f64)> = [16, 64, 256, 1024]
        .into_iter()
        .map(|draws| (draws as f64, mean_error(draws)))
        .collect();
    let rate = slope(&points);
    // 200 repeats give each root mean square 5 %, the slope over a factor 64 about 0.02.
    assert!((rate + 0.5).abs() < 0.08, "rate {rate}");
}
