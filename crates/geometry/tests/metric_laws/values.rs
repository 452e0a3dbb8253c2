//! Single cases with known answers.

use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{
    DenseFisher, GramFisher, Inverse, Metric, MetricError, OutputFactor, RankTolerance,
    kullback_leibler,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};

#[test]
fn monte_carlo_metric_converges_as_the_square_root() {
    use rand::SeedableRng;
    let net = Mlp::new(&[2, 3, 3], Activation::Tanh).unwrap();
    let theta: Vec<f64> = (0..net.parameters())
        .map(|i| (1.3 * i as f64).sin())
        .collect();
    let inputs: Vec<f64> = (0..10).map(|i| (0.7 * f64::from(i)).cos()).collect();
    let batch = net.on_slice(&inputs).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let law = neuromanifold_model::Categorical;
    let exact = DenseFisher::new(at.as_ref(), &law).unwrap();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(17);
    let mut error = |draws: usize| {
        let repeats = 40;
        let total: f64 = (0..repeats)
            .map(|_| {
                let factor = OutputFactor::monte_carlo(at.as_ref(), &law, draws, &mut rng).unwrap();
                let sampled = DenseFisher::from_factor(at.as_ref(), &factor).unwrap();
                (sampled.matrix() - exact.matrix()).squared_norm_l2()
            })
            .sum();
        (total / f64::from(repeats)).sqrt()
    };
    let rate = (error(2048) / error(32)).ln() / 64f64.ln();
    // 40 repeats of a sum over 400 entries: the two errors are known to a few per cent each
    assert!((rate + 0.5).abs() < 0.05, "rate {rate}");
}

/// The classical Gaussian case: G = E[∇f ∇fᵀ]/σ², and a quarter of it fails the definition by the divergence.
#[test]
fn normalisation_is_one_over_sigma_squared() {
    let net = Mlp::committee(2, 3, Activation::Erf).unwrap();
    let theta: Vec<f64> = (0..net.parameters())
        .map(|i| (2.1 * i as f64 + 0.4).sin())
        .collect();
    let inputs: Vec<f64> = (0..40).map(|i| (1.9 * f64::from(i)).sin() * 2.0).collect();
    let batch = net.on_slice(&inputs).unwrap();
    let sigma = 0.25;
    let law = Gaussian::new(sigma).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let fisher = DenseFisher::new(at.as_ref(), &law).unwrap();
    let mut mean_square = Mat::<f64>::zeros(net.parameters(), net.parameters());
    let mut slope = vec![0.0; net.parameters()];
    for s in 0..20 {
        let mut unit = vec![0.0; 20];
        unit[s] = 1.0;
        at.vjp(&unit, &mut slope);
        for i in 0..slope.len() {
            for j in 0..slope.len() {
                mean_square[(i, j)] += slope[i] * slope[j] / 20.0;
            }
        }
    }
    let scaled = Mat::from_fn(slope.len(), slope.len(), |i, j| {
        mean_square[(i, j)] / (sigma * sigma)
    });
    assert!((fisher.matrix() - &scaled).norm_max() < 1e-12 * scaled.norm_max());

    let v: Vec<f64> = (0..slope.len()).map(|i| 1e-5 * (i as f64).cos()).collect();
    let moved: Vec<f64> = theta.iter().zip(&v).map(|(t, d)| t + d).collect();
    let divergence = kullback_leibler(&batch, &law, &theta, &moved).unwrap();
    let ratio = divergence / (0.5 * fisher.norm_squared(&v));
    assert!((ratio - 1.0).abs() < 1e-4, "{ratio}");
}

#[test]
fn empirical_fisher_vanishes_at_a_perfect_fit_where_the_metric_does_not() {
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
    let batch = net.on_slice(&[-1.0, 0.3, 1.2]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let targets = at.outputs().to_vec();
    let factor = OutputFactor::empirical(at.as_ref(), &Gaussian::UNIT, &targets).unwrap();
    let empirical = DenseFisher::from_factor(at.as_ref(), &factor).unwrap();
    assert!(empirical.trace() < 1e-300);
    assert!(
        DenseFisher::new(at.as_ref(), &Gaussian::UNIT)
            .unwrap()
            .trace()
            > 0.1
    );
}

/// Two equal hidden units: null directions exist and are found; no inverse is invented.
#[test]
fn a_degenerate_point_is_refused_by_the_exact_inverse_only() {
    let net = Mlp::new(&[2, 2, 1], Activation::Tanh).unwrap();
    // w₁ = w₂, b₁ = b₂: nullity 1 (outgoing) + 3 (incoming and bias difference)
    let theta = [0.6, -0.4, 0.6, -0.4, 0.2, 0.2, 0.8, 0.5, 0.1];
    let inputs: Vec<f64> = (0..60).map(|i| (2.3 * f64::from(i)).sin() * 1.5).collect();
    let batch = net.on_slice(&inputs).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let fisher = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let tolerance = RankTolerance::rounding(9);
    let spectrum = fisher.spectrum().unwrap();
    assert_eq!(spectrum.nullity(tolerance), 4);
    assert!(spectrum.gap(tolerance) > 1e6);
    let gradient = [1.0; 9];
    let mut out = [0.0; 9];
    let refused = fisher.raise(&gradient, Inverse::Exact, &mut out);
    assert!(
        matches!(
            refused,
            Err(MetricError::NotPositiveDefinite { dim: 9, .. })
        ),
        "{refused:?}"
    );
    let gram = GramFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let refused = gram.raise(&gradient, Inverse::Exact, &mut out);
    assert!(
        matches!(
            refused,
            Err(MetricError::Singular {
                rank: 5,
                dim: 9,
                ..
            })
        ),
        "{refused:?}"
    );
    for inverse in [Inverse::damped(1e-6), Inverse::Pseudo { tolerance }] {
        fisher.raise(&gradient, inverse, &mut out).unwrap();
        assert!(out.iter().all(|o| o.is_finite()));
    }
    assert_eq!(
        fisher
            .raise(&gradient, Inverse::Pseudo { tolerance }, &mut out)
            .unwrap()
            .rank,
        5
    );
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let net = Mlp::new(&[8, 40, 2], Activation::Tanh).unwrap();
    let theta: Vec<f64> = (0..net.parameters())
        .map(|i| (0.37 * i as f64).sin())
        .collect();
    let inputs: Vec<f64> = (0..8 * 150).map(|i| (0.11 * f64::from(i)).sin()).collect();
    let gradient: Vec<f64> = (0..net.parameters())
        .map(|i| (0.5 * i as f64).cos())
        .collect();
    let solve_with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let batch = net.on_slice(&inputs).unwrap();
            let at = batch.linearize(&theta).unwrap();
            let (mut primal, mut dual) = (gradient.clone(), gradient.clone());
            let fisher = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
            fisher
                .raise(&gradient, Inverse::damped(1e-3), &mut primal)
                .unwrap();
            let gram = GramFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
            gram.raise(&gradient, Inverse::damped(1e-3), &mut dual)
                .unwrap();
            primal.extend(dual);
            primal.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        })
    };
    let reference = solve_with(1);
    assert!(solve_with(2) == reference && solve_with(8) == reference);
}
