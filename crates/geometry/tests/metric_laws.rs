//! What a Fisher metric is, and that every representation is the same one.

mod case;

use case::{Case, normals, smooth_case};
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{
    ConjugateGradients, DenseFisher, FisherOperator, GramFisher, Inverse, Metric, MetricError,
    OutputFactor, RankTolerance, kullback_leibler,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, Linearization, OutputMap};
use proptest::prelude::*;

const STOPPING: ConjugateGradients = ConjugateGradients {
    tolerance: 1e-11,
    max_products: 2000,
};

/// Runs a check on the linearisation of a case.
fn at<T>(case: &Case, check: impl FnOnce(&dyn Linearization) -> T) -> T {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let linearization = batch.linearize(&case.theta).expect("finite outputs");
    check(linearization.as_ref())
}

fn dense(case: &Case) -> DenseFisher {
    at(case, |l| DenseFisher::new(l, case.likelihood.as_ref())).expect("a metric")
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_metric_is_symmetric_and_semidefinite(case in smooth_case()) {
        let fisher = dense(&case);
        let matrix = fisher.matrix();
        for j in 0..fisher.dim() {
            for i in 0..j {
                prop_assert!(matrix[(i, j)].to_bits() == matrix[(j, i)].to_bits());
            }
        }
        let spectrum = fisher.spectrum().unwrap();
        let rounding = RankTolerance::rounding(fisher.dim()).threshold(spectrum.largest());
        prop_assert!(spectrum.eigenvalues()[0] >= -rounding, "{:?}", spectrum.eigenvalues());
        prop_assert!(fisher.norm_squared(&case.direction()) >= -rounding);
        // Rank is at most the number of independent columns.
        let columns = case.inputs.len() / case.net.inputs() * case.likelihood.factor_rank(case.net.outputs());
        prop_assert!(spectrum.rank(RankTolerance::rounding(fisher.dim())) <= columns);
    }

    #[test]
    fn the_metric_is_the_covariance_of_the_score(case in smooth_case()) {
        let direction = case.direction();
        let exact = dense(&case).norm_squared(&direction);
        let law = case.likelihood.as_ref();
        // vᵀ(scores scoresᵀ)v is a mean of squares, so its standard error is measured along with it.
        let batches = 50;
        let mut rng = case.rng();
        let (sum, squares) = at(&case, |l| {
            (0..batches).map(|_| {
                let factor = OutputFactor::monte_carlo(l, law, 200, &mut rng).unwrap();
                FisherOperator::from_factor(l, factor, STOPPING).unwrap().norm_squared(&direction)
            }).fold((0.0, 0.0), |(a, b), v| (a + v, b + v * v))
        });
        let n = f64::from(batches);
        let mean = sum / n;
        let error = ((squares / n - mean * mean).max(0.0) / n).sqrt();
        // Six standard errors estimated from 50 batches; a rare class may appear in none of the 10⁴ draws.
        let rare = 10.0 * (exact / 1e4).min(exact);
        prop_assert!((mean - exact).abs() <= 6.5 * error + rare + 1e-14, "{mean} ± {error} against {exact}");
    }

    #[test]
    fn matrix_free_and_sample_space_products_equal_the_dense_ones(case in smooth_case()) {
        let fisher = dense(&case);
        let law = case.likelihood.as_ref();
        let size = fisher.matrix().norm_max().max(f64::MIN_POSITIVE);
        at(&case, |l| {
            let operator = FisherOperator::new(l, law, STOPPING).unwrap();
            let gram = GramFisher::new(l, law).unwrap();
            for other in [operator.to_dense(), gram.to_dense()] {
                let error = (fisher.matrix() - &other).norm_max();
                prop_assert!(error <= 1e-13 * size, "{error} of {size}");
            }
            let v = case.direction();
            let own = fisher.norm_squared(&v);
            prop_assert!((operator.norm_squared(&v) - own).abs() <= 1e-13 * size);
            prop_assert!((gram.norm_squared(&v) - own).abs() <= 1e-13 * size);
            // G and K share their positive eigenvalues, so also the trace.
            let trace: f64 = (0..gram.columns()).map(|i| gram.gram()[(i, i)]).sum();
            prop_assert!((trace - fisher.trace()).abs() <= 1e-12 * trace);
            Ok(())
        })?;
    }

    #[test]
    fn damped_solves_agree_in_every_representation(case in smooth_case(), exponent in -4.0..1.0) {
        let fisher = dense(&case);
        let law = case.likelihood.as_ref();
        let lambda = 10f64.powf(exponent) * (fisher.trace() / fisher.dim() as f64).max(1e-6);
        let inverse = Inverse::damped(lambda);
        let condition = 1.0 + fisher.trace() / lambda;
        let gradient = normals(fisher.dim(), &mut case.rng());
        let solved = |metric: &dyn Metric| {
            let mut x = vec![0.0; gradient.len()];
            let solve = metric.raise(&gradient, inverse, &mut x).unwrap();
            assert!(solve.relative_residual < 1e-9, "{solve:?}");
            x
        };
        let reference = solved(&fisher);
        at(&case, |l| {
            let dual = solved(&GramFisher::new(l, law).unwrap());
            let iterated = solved(&FisherOperator::new(l, law, STOPPING).unwrap());
            // A direct solve is right to ε times the condition number, an iterated one to its residual times it.
            for (other, residual) in [(dual, 100.0 * f64::EPSILON), (iterated, 10.0 * STOPPING.tolerance)] {
                let error = distance(&reference, &other) / norm(&reference);
                prop_assert!(error <= residual * condition, "{error} at condition {condition}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn raising_by_sample_coordinates_is_raising_the_gradient(case in smooth_case(), exponent in -3.0..1.0) {
        let fisher = dense(&case);
        let law = case.likelihood.as_ref();
        let inverse = Inverse::damped(10f64.powf(exponent) * fisher.trace().max(1e-6));
        at(&case, |l| {
            let gram = GramFisher::new(l, law).unwrap();
            let white = normals(gram.columns(), &mut case.rng());
            // g = (1/N) Σ Jᵀ B w, through a factor without the 1/√N
            let (k, rank) = (case.net.outputs(), law.factor_rank(case.net.outputs()));
            let n = l.dims().examples;
            let mut cotangent = vec![0.0; k * n];
            let mut b = vec![0.0; k * rank];
            for s in 0..n {
                law.factor(&l.outputs()[s * k..][..k], &mut b);
                for j in 0..rank {
                    for i in 0..k {
                        cotangent[s * k + i] += b[j * k + i] * white[s * rank + j] / n as f64;
                    }
                }
            }
            let mut gradient = vec![0.0; fisher.dim()];
            l.vjp(&cotangent, &mut gradient);
            let (mut direct, mut dual) = (gradient.clone(), gradient.clone());
            fisher.raise(&gradient, inverse, &mut direct).unwrap();
            gram.raise_whitened(&white, inverse, &mut dual).unwrap();
            prop_assert!(distance(&direct, &dual) <= 1e-9 * norm(&direct) + 1e-14);

            let pseudo = Inverse::pseudo(1e-9);
            let whitened = gram.raise_whitened(&white, pseudo, &mut dual).unwrap();
            let ordinary = fisher.raise(&gradient, pseudo, &mut direct).unwrap();
            // Both drop the same eigenvalues unless one lies at the threshold itself.
            prop_assume!(whitened.rank == ordinary.rank && fisher.spectrum().unwrap().gap(RankTolerance::Relative(1e-9)) > 1e4);
            prop_assert!(distance(&direct, &dual) <= 1e-6 * norm(&direct) + 1e-14);
            Ok(())
        })?;
    }

    #[test]
    fn the_pseudo_inverse_is_one(case in smooth_case()) {
        let fisher = dense(&case);
        let tolerance = RankTolerance::Relative(1e-10);
        let spectrum = fisher.spectrum().unwrap();
        prop_assume!(spectrum.gap(tolerance) > 1e3 && spectrum.rank(tolerance) > 0);
        let inverse = Inverse::Pseudo { tolerance };
        let v = case.direction();
        // G G⁺ G v = G v, and G⁺ G v is the part of v outside the null space.
        let mut lowered = v.clone();
        fisher.lower(&v, &mut lowered);
        let mut raised = v.clone();
        let solve = fisher.raise(&lowered, inverse, &mut raised).unwrap();
        prop_assert!(solve.rank + spectrum.nullity(tolerance) == fisher.dim());
        let mut again = v.clone();
        fisher.lower(&raised, &mut again);
        // what was dropped, and the rounding of the products
        let dropped = 1.1 * tolerance.threshold(spectrum.largest());
        prop_assert!(distance(&again, &lowered) <= dropped, "{} of {dropped}", distance(&again, &lowered));
        for axis in spectrum.null_space(tolerance).col_iter() {
            let along: f64 = axis.iter().zip(&raised).map(|(n, r)| n * r).sum();
            prop_assert!(along.abs() < 1e-9, "{along}");
        }
        // the same through the examples
        at(&case, |l| {
            let gram = GramFisher::new(l, case.likelihood.as_ref()).unwrap();
            let mut dual = v.clone();
            let through = gram.raise(&lowered, inverse, &mut dual).unwrap();
            prop_assert!(through.rank == solve.rank);
// K has the eigenvalues of G, and its pseudo-inverse is applied twice to Aᵀg, whose rounding ε|A||g| comes
            // back through A multiplied by λ^{-3/2}.
            let smallest = spectrum.eigenvalues()[spectrum.nullity(tolerance)];
            let amplified = (spectrum.largest() / smallest).powf(1.5) * f64::EPSILON;
            prop_assert!(distance(&dual, &raised) <= 20.0 * amplified, "{} {amplified}", distance(&dual, &raised));
            Ok(())
        })?;
    }

    #[test]
    fn equivalent_parameters_are_at_distance_zero(
        inputs in 1..4usize, hidden in 2..6usize, outputs in 1..3usize, erf: bool, seed: u64,
    ) {
        use rand::SeedableRng;
        let activation = if erf { Activation::Erf } else { Activation::Tanh };
        let net = Mlp::new(&[inputs, hidden, outputs], activation).unwrap();
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let theta = normals(net.parameters(), &mut rng);
        let x = normals(7 * inputs, &mut rng);
        // rotate the hidden units by one and flip the sign of the one that comes first
        let (w, b) = (inputs * hidden, hidden);
        let mut moved = theta.clone();
        for unit in 0..hidden {
            let (from, sign) = ((unit + 1) % hidden, if unit == 0 { -1.0 } else { 1.0 });
            for i in 0..inputs {
                moved[unit * inputs + i] = sign * theta[from * inputs + i];
            }
            moved[w + unit] = sign * theta[w + from];
            for k in 0..outputs {
                moved[w + b + k * hidden + unit] = sign * theta[w + b + k * hidden + from];
            }
        }
        let batch = net.on_slice(&x).unwrap();
        let (mut one, mut other) = (vec![0.0; 7 * outputs], vec![0.0; 7 * outputs]);
        batch.outputs(&theta, &mut one).unwrap();
        batch.outputs(&moved, &mut other).unwrap();
        prop_assert!(distance(&one, &other) <= 1e-13 * (1.0 + norm(&one)));
        let divergence = kullback_leibler(&batch, &Gaussian::UNIT, &theta, &moved).unwrap();
        prop_assert!(divergence <= 1e-26 * (1.0 + norm(&one)), "{divergence}");
    }
}

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
fn bad_requests_are_named() {
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
    let batch = net.on_slice(&[-1.0, 0.3, 1.2]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let fisher = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let mut out = [0.0; 7];
    let mut error = |gradient: &[f64], inverse| {
        fisher
            .raise(gradient, inverse, &mut out)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[1.0; 7], Inverse::damped(0.0)),
        "the damping λ is 0; it must be positive and finite"
    );
    assert!(error(&[1.0; 7], Inverse::damped(f64::NAN)).contains("NaN"));
    assert!(error(&[1.0; 7], Inverse::pseudo(-1.0)).contains("-1"));
    let mut poisoned = [1.0; 7];
    poisoned[3] = f64::INFINITY;
    assert_eq!(
        error(&poisoned, Inverse::damped(1.0)),
        "entry 3 of the gradient is inf; it must be finite"
    );
    // one output cannot carry a categorical law
    let refused = DenseFisher::new(at.as_ref(), &neuromanifold_model::Categorical).unwrap_err();
    assert!(
        refused.to_string().contains("at least 2 outputs"),
        "{refused}"
    );
    let lopsided = Mat::from_fn(2, 2, |i, j| (i + 2 * j) as f64);
    assert!(matches!(
        DenseFisher::from_matrix(lopsided.as_ref()),
        Err(MetricError::NotSymmetric { .. })
    ));
    // conjugate gradients that run out of products say so and leave their best
    let hasty = ConjugateGradients {
        tolerance: 1e-12,
        max_products: 1,
    };
    let operator = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, hasty).unwrap();
    let gradient: Vec<f64> = (0..7).map(|i| f64::from(i).sin()).collect();
    let refused = operator.raise(&gradient, Inverse::damped(1e-6), &mut out);
    assert!(matches!(
        refused,
        Err(MetricError::DidNotConverge { iterations: 1, .. })
    ));
    assert!(norm(&out) > 0.0);
}

/// A pivot that is rounding noise is refused, although it is positive.
#[test]
fn a_pivot_of_noise_is_not_inverted() {
    let nearly = Mat::from_fn(2, 2, |i, j| {
        if i == 1 && j == 1 {
            1.0 + f64::EPSILON
        } else {
            1.0
        }
    });
    let refused = neuromanifold_geometry::Cholesky::new(nearly.as_ref(), 0.0);
    assert!(matches!(
        refused,
        Err(MetricError::NotPositiveDefinite { pivot: 1, .. })
    ));
    let clear = Mat::from_fn(2, 2, |i, j| if i == 1 && j == 1 { 1.001 } else { 1.0 });
    assert!(neuromanifold_geometry::Cholesky::new(clear.as_ref(), 0.0).is_ok());
    assert!(neuromanifold_geometry::Cholesky::new(clear.as_ref(), -0.5).is_err());
    assert!(matches!(
        DenseFisher::from_matrix(Mat::<f64>::zeros(0, 0).as_ref()),
        Err(MetricError::Shape { .. })
    ));
}

/// A Jacobian that overflows makes no metric.
#[test]
fn a_metric_that_overflows_is_refused() {
    let net = Mlp::new(&[1, 1, 1], Activation::Tanh).unwrap();
    let theta = [1e-3, 0.0, 1e170, 0.0];
    let batch = net.on_slice(&[0.5, 1.0]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let refused = DenseFisher::new(at.as_ref(), &Gaussian::UNIT);
    assert!(
        matches!(refused, Err(MetricError::NotFinite { .. })),
        "{refused:?}"
    );
    assert!(matches!(
        GramFisher::new(at.as_ref(), &Gaussian::UNIT),
        Err(MetricError::NotFinite { .. })
    ));
}

/// Covectors of any size are raised alike, and a damping lost in rounding is refused in every representation.
#[test]
fn extreme_sizes_are_handled_or_refused() {
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
    let batch = net.on_slice(&[-1.0, 0.3, 1.2]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let dense = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let gram = GramFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let operator = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, STOPPING).unwrap();
    let base: Vec<f64> = (0..7).map(|i| f64::from(i).cos()).collect();
    for metric in [&dense as &dyn Metric, &gram, &operator] {
        let (mut one, mut scaled) = (vec![0.0; 7], vec![0.0; 7]);
        metric.raise(&base, Inverse::damped(0.1), &mut one).unwrap();
        for size in [1e200, 1e-200] {
            let gradient: Vec<f64> = base.iter().map(|g| g * size).collect();
            metric
                .raise(&gradient, Inverse::damped(0.1), &mut scaled)
                .unwrap();
            scaled.iter_mut().for_each(|x| *x /= size);
            assert!(distance(&one, &scaled) < 1e-9 * norm(&one));
        }
        let lost = metric.raise(&base, Inverse::damped(1e-300), &mut one);
        assert!(lost.is_err(), "{lost:?}");
    }
    let nan = ConjugateGradients {
        tolerance: f64::NAN,
        max_products: 10,
    };
    let operator = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, nan).unwrap();
    assert!(
        operator
            .raise(&base, Inverse::damped(0.1), &mut [0.0; 7])
            .is_err()
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
