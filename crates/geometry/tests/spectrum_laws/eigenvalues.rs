//! Eigenvalues, a few or all: both tell the same story.

use crate::case::{Case, smooth_case};
use crate::known::with_eigenvalues;
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{
    Copies, DenseFisher, End, Inverse, Lanczos, Metric, MetricError, RankTolerance, Solve,
    SpectralDensity, Spectrum,
};
use neuromanifold_model::OutputMap;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn dense(case: &Case) -> DenseFisher {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let linearization = batch.linearize(&case.theta).expect("finite outputs");
    DenseFisher::new(linearization.as_ref(), case.likelihood.as_ref()).expect("a metric")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lanczos_finds_the_extreme_eigenvalues(
        case in smooth_case(), pairs in 1..6usize, smallest: bool, slack in 3..12usize,
    ) {
        let fisher = dense(&case);
        let dim = fisher.dim();
        let pairs = pairs.min(dim);
        let spectrum = fisher.spectrum().unwrap();
        let end = if smallest { End::Smallest } else { End::Largest };
        let tolerance = 1e-9;
        // The small end piles up at zero, where restarts would throw away what little there is to tell values apart.
        let basis = if smallest { dim } else { pairs + slack };
        let iteration = Lanczos {
            end, copies: Copies::All, tolerance, basis, max_products: 100_000, ..Lanczos::largest(pairs)
        };
        let found = iteration.run(&fisher, &mut case.rng()).unwrap();
        // Rayleigh: no direction is longer or shorter than the extreme ones
        let quotient = fisher.norm_squared(&case.direction());
        let beyond = if smallest { found.eigenvalues[0] - quotient } else { quotient - found.eigenvalues[0] };
        prop_assert!(beyond <= tolerance * spectrum.largest(), "{beyond}");
        for i in 0..pairs {
            let exact = spectrum.eigenvalues()[if smallest { i } else { dim - 1 - i }];
            let error = (found.eigenvalues[i] - exact).abs();
            // the pair's own residual, that of those it was kept apart from, and what a confirmation lets pass
            prop_assert!(error <= 4.0 * tolerance * spectrum.largest(), "{i}: {error}");
            // the bound is a bound, and what was asked for
            let residual = found.residuals[i];
            prop_assert!(residual <= 2.0 * tolerance * spectrum.largest());
            let nearest = spectrum.eigenvalues().iter().map(|v| (v - found.eigenvalues[i]).abs());
            prop_assert!(nearest.fold(f64::INFINITY, f64::min) <= residual + 1e-14 * spectrum.largest());
            for j in 0..=i {
                let inner: f64 = found.eigenvectors.col(i).iter().zip(found.eigenvectors.col(j).iter())
                    .map(|(a, b)| a * b).sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                prop_assert!((inner - expected).abs() < 1e-12, "{inner}");
            }
        }
    }

    #[test]
    fn determinant_and_effective_dimension_are_those_of_the_matrix(case in smooth_case(), exponent in -6.0..1.0) {
        let fisher = dense(&case);
        let lambda = 10f64.powf(exponent) * fisher.trace().max(1e-6);
        let spectrum = fisher.spectrum().unwrap();
        let cholesky = fisher.cholesky(lambda).unwrap().log_determinant();
        let eigen = spectrum.log_determinant(lambda).unwrap();
        let condition = 1.0 + fisher.trace() / lambda;
        let rounding = (fisher.dim() as f64).powi(2) * f64::EPSILON * condition;
        prop_assert!((cholesky - eigen).abs() <= rounding + 1e-13 * eigen.abs(), "{cholesky} {eigen}");
        // tr G(G+γ)⁻¹ by solves
        let mut trace = 0.0;
        let (mut column, mut solved) = (vec![0.0; fisher.dim()], vec![0.0; fisher.dim()]);
        for j in 0..fisher.dim() {
            for (c, g) in column.iter_mut().zip(fisher.matrix().col(j).iter()) { *c = *g; }
            fisher.raise(&column, Inverse::damped(lambda), &mut solved).unwrap();
            trace += solved[j];
        }
        let seen = spectrum.effective_dimension(lambda).unwrap();
        prop_assert!((trace - seen).abs() <= 10.0 * rounding + 1e-12, "{trace} {seen}");
    }
}

/// One Krylov space holds one vector of each eigenspace: all copies are found by searching the complement.
#[test]
fn eigenvalues_are_found_as_often_as_they_occur() {
    let mut eigenvalues = vec![0.0; 40];
    eigenvalues[0..3].fill(5.0);
    eigenvalues[3..5].fill(2.0);
    for (i, value) in eigenvalues[5..].iter_mut().enumerate() {
        *value = 1.0 / (i + 1) as f64;
    }
    let metric = with_eigenvalues(&eigenvalues, 3);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let all = Lanczos {
        copies: Copies::All,
        ..Lanczos::largest(6)
    };
    let found = all.run(&metric, &mut rng).unwrap();
    for (value, expected) in found.eigenvalues.iter().zip([5.0, 5.0, 5.0, 2.0, 2.0, 1.0]) {
        assert!((value - expected).abs() < 1e-12, "{found:?}");
    }
    // Two eigenspaces: each random vector brings one more of either, until one of them is exhausted.
    let mut two = [0.0; 8];
    two[..2].fill(33.0);
    let metric = with_eigenvalues(&two, 6);
    let smallest = Lanczos::smallest(4).run(&metric, &mut rng).unwrap();
    assert!(
        smallest.eigenvalues.iter().all(|v| v.abs() < 1e-12),
        "{smallest:?}"
    );
    // The identity: every step meets an invariant space.
    let identity = with_eigenvalues(&[1.0; 12], 4);
    let found = all.run(&identity, &mut rng).unwrap();
    assert!(found.eigenvalues.iter().all(|v| (v - 1.0).abs() < 1e-13));
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let metric = with_eigenvalues(&[3.0, 2.0, 1.0, 0.5, 0.25, 0.1], 1);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut run = |iteration: Lanczos| iteration.run(&metric, &mut rng);
    for pairs in [0, 7] {
        let refused = run(Lanczos::largest(pairs));
        assert!(
            matches!(refused, Err(MetricError::Eigenpairs { asked, dim: 6 }) if asked == pairs)
        );
    }
    let narrow = Lanczos {
        basis: 3,
        ..Lanczos::largest(2)
    };
    assert!(matches!(
        run(narrow),
        Err(MetricError::Basis { at_least: 4, .. })
    ));
    for tolerance in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = run(Lanczos {
            tolerance,
            ..Lanczos::largest(1)
        });
        assert!(matches!(refused, Err(MetricError::StoppingRule { .. })));
    }
    let hasty = Lanczos {
        max_products: 3,
        ..Lanczos::largest(2)
    };
    match run(hasty) {
        Err(MetricError::EigenpairsDidNotConverge { best, wanted, .. }) => {
            assert_eq!((best.eigenvalues.len(), best.products, wanted), (2, 3, 2));
            assert!(best.residuals[1] > 1e-8 && best.eigenvalues[0] < 3.0 + 1e-12);
        }
        other => panic!("{other:?}"),
    }
    let spectrum = metric.spectrum().unwrap();
    assert!(spectrum.log_determinant(-1.0).is_err() && spectrum.log_determinant(0.0).is_ok());
    assert!(spectrum.effective_dimension(0.0).is_err());
    let singular = with_eigenvalues(&[1.0, 0.0, 2.0], 1).spectrum().unwrap();
    assert!(matches!(
        singular.log_determinant(1e-18),
        Err(MetricError::NotPositiveDefinite { dim: 3, .. })
    ));
}

#[test]
#[should_panic(expected = "rank tolerance is NaN")]
fn a_rank_by_nan_is_a_callers_bug() {
    let spectrum = with_eigenvalues(&[1.0, 2.0], 1).spectrum().unwrap();
    let _ = spectrum.rank(RankTolerance::Relative(f64::NAN));
}

#[test]
#[should_panic(expected = "rank tolerance is -1")]
fn a_null_space_by_a_negative_tolerance_is_a_callers_bug() {
    let spectrum = with_eigenvalues(&[1.0, 2.0], 1).spectrum().unwrap();
    let _ = spectrum.null_space(RankTolerance::Absolute(-1.0));
}

/// A metric whose products are not finite.
#[derive(Debug)]
struct Broken;

impl Metric for Broken {
    fn dim(&self) -> usize {
        3
    }
    fn lower(&self, _: &[f64], out: &mut [f64]) {
        out.fill(f64::NAN);
    }
    fn raise(&self, _: &[f64], _: Inverse, _: &mut [f64]) -> Result<Solve, MetricError> {
        unreachable!("never raised")
    }
}

#[test]
fn products_that_are_not_finite_are_errors() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let lanczos = Lanczos::largest(1).run(&Broken, &mut rng);
    assert!(matches!(lanczos, Err(MetricError::NotFinite { .. })));
    let density = SpectralDensity::estimate(&Broken, 2, 2, &mut rng);
    assert!(matches!(density, Err(MetricError::NotFinite { .. })));
}

#[test]
fn spectra_do_not_depend_on_the_number_of_threads() {
    // large enough for several threads in every stage
    let dim = 420;
    let matrix = Mat::from_fn(dim, dim, |i, j| {
        let (i, j) = (i.min(j) as f64, i.max(j) as f64);
        (-(j - i) / 40.0).exp() + if i.to_bits() == j.to_bits() { 0.1 } else { 0.0 }
    });
    let metric = DenseFisher::from_matrix(matrix.as_ref()).unwrap();
    let compute = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let spectrum = Spectrum::new(matrix.as_ref()).unwrap();
            let mut bits: Vec<u64> = spectrum.eigenvalues().iter().map(|v| v.to_bits()).collect();
            let vectors = spectrum.eigenvectors();
            bits.extend((0..dim).flat_map(|j| vectors.col(j).iter().map(|v| v.to_bits())));
            let values = Spectrum::eigenvalues_of(matrix.as_ref()).unwrap();
            bits.extend(values.iter().map(|v| v.to_bits()));
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            let top = Lanczos::largest(5).run(&metric, &mut rng).unwrap();
            bits.extend(top.eigenvalues.iter().map(|v| v.to_bits()));
            bits.extend((0..5).flat_map(|j| top.eigenvectors.col(j).iter().map(|v| v.to_bits())));
            bits
        })
    };
    let reference = compute(1);
    assert!(compute(2) == reference && compute(8) == reference);
}

/// Rows are cut at 2048: a space longer than that, and no multiple of it.
#[derive(Debug)]
struct Diagonal(Vec<f64>);

impl Metric for Diagonal {
    fn dim(&self) -> usize {
        self.0.len()
    }
    fn lower(&self, v: &[f64], out: &mut [f64]) {
        for ((o, v), d) in out.iter_mut().zip(v).zip(&self.0) {
            *o = d * v;
        }
    }
    fn raise(&self, _: &[f64], _: Inverse, _: &mut [f64]) -> Result<Solve, MetricError> {
        unreachable!("never raised")
    }
}

#[test]
fn long_vectors_are_orthogonalised_in_the_same_order_with_any_number_of_threads() {
    let metric = Diagonal((0..5000).map(|i| 1.0 / f64::from(i + 1)).collect());
    let compute = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            Lanczos::largest(4).run(&metric, &mut rng).unwrap()
        })
    };
    let reference = compute(1);
    for (i, value) in reference.eigenvalues.iter().enumerate() {
        assert!((value - 1.0 / (i + 1) as f64).abs() < 1e-13, "{value}");
    }
    for threads in [2, 8] {
        let other = compute(threads);
        assert!(other.eigenvectors == reference.eigenvectors);
    }
}

/// The units of a metric are anyone's choice: the same relative answers at both ends of the range of numbers.
#[test]
fn the_scale_of_a_metric_changes_no_digit_of_its_spectrum() {
    let dim = 50;
    for scale in [1e-300, 1e-170, 1.0, 1e160, 1e300] {
        let square = |i: usize| ((i + 1) * (i + 1)) as f64;
        let matrix = Mat::from_fn(
            dim,
            dim,
            |i, j| if i == j { scale / square(i) } else { 0.0 },
        );
        let metric = DenseFisher::from_matrix(matrix.as_ref()).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for copies in [Copies::AsFound, Copies::All] {
            let iteration = Lanczos {
                copies,
                ..Lanczos::largest(3)
            };
            let found = iteration.run(&metric, &mut rng).unwrap();
            for (i, (value, residual)) in found.eigenvalues.iter().zip(&found.residuals).enumerate()
            {
                assert!(
                    (value / scale - 1.0 / square(i)).abs() < 1e-10,
                    "{scale:e}: {value:e}"
                );
                assert!(residual / scale < 1e-8, "{scale:e}: {residual:e}");
            }
        }
    }
}
