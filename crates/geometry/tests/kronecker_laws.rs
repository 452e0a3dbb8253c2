//! The diagonal and the Kronecker-factored metrics against the dense one: equal where they claim it, and nearest where not.

mod case;

use case::{Case, normals, smooth_case};
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{
    DenseFisher, DiagonalFisher, Inverse, KroneckerFisher, Metric, MetricError, OutputFactor,
    RankTolerance,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Categorical, Dims, Gaussian, Layerwise, Linearization, OutputMap};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Runs a check on the linearisation of a case.
fn at<T>(case: &Case, check: impl FnOnce(&dyn Linearization) -> T) -> T {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let linearization = batch.linearize(&case.theta).expect("finite outputs");
    check(linearization.as_ref())
}

fn inner(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    let columns = a.col_iter().zip(b.col_iter());
    columns
        .map(|(a, b)| a.iter().zip(b.iter()).map(|(a, b)| a * b).sum::<f64>())
        .sum()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// `G` with everything between layers set to zero.
fn block_diagonal(dense: &DenseFisher, layers: &dyn Layerwise) -> Mat<f64> {
    let mut blocks = Mat::zeros(dense.dim(), dense.dim());
    for l in 0..layers.depth() {
        let own = layers.layer(l).parameters();
        for i in own.clone() {
            for j in own.clone() {
                blocks[(i, j)] = dense.matrix()[(i, j)];
            }
        }
    }
    blocks
}

/// `S ⊗ A` for each layer, written out from the definition.
fn kfac_by_definition(l: &dyn Linearization, factor: &OutputFactor) -> Mat<f64> {
    let layers = l.layers().expect("a perceptron has layers");
    let Dims {
        parameters,
        examples,
        ..
    } = l.dims();
    let rank = factor.rank();
    let mut deltas = vec![0.0; layers.units() * rank * examples];
    layers.carry_back(factor.cotangents(), 0..examples, &mut deltas);
    let mut whole = Mat::zeros(parameters, parameters);
    let mut below = 0;
    for index in 0..layers.depth() {
        let layer = layers.layer(index);
        let (n, m) = (layer.inputs, layer.outputs);
        let mut read = vec![0.0; n * examples];
        layers.inputs_of(index, 0..examples, &mut read);
        let delta = &deltas[below..][..m * rank * examples];
        below += delta.len();
        let a = |s: usize, i: usize| if i == n { 1.0 } else { read[s * n + i] };
        let moment = |i: usize, j: usize| {
            (0..examples).map(|s| a(s, i) * a(s, j)).sum::<f64>() / examples as f64
        };
        let units = |alpha: usize, beta: usize| {
            delta
                .chunks_exact(m)
                .map(|d| d[alpha] * d[beta])
                .sum::<f64>()
        };
        for alpha in 0..m {
            for beta in 0..m {
                let s = units(alpha, beta);
                for i in 0..layer.fan_in() {
                    for j in 0..layer.fan_in() {
                        let (row, column) = (layer.parameter(alpha, i), layer.parameter(beta, j));
                        whole[(row, column)] = s * moment(i, j);
                    }
                }
            }
        }
    }
    whole
}

/// All that a metric can be asked, against the same matrix taken densely.
fn same_as_its_matrix(
    metric: &dyn Metric,
    case: &Case,
    exponent: f64,
) -> Result<DenseFisher, TestCaseError> {
    let matrix = metric.to_dense();
    let dim = metric.dim();
    let mirrored = Mat::from_fn(dim, dim, |i, j| 0.5 * (matrix[(i, j)] + matrix[(j, i)]));
    let size = matrix.norm_max().max(f64::MIN_POSITIVE);
    prop_assert!((&matrix - &mirrored).norm_max() <= 1e-13 * size);
    let dense = DenseFisher::from_matrix(mirrored.as_ref()).expect("symmetric");
    let v = case.direction();
    let (mut own, mut other) = (v.clone(), v.clone());
    metric.lower(&v, &mut own);
    dense.lower(&v, &mut other);
    prop_assert!(distance(&own, &other) <= 1e-12 * size * dim as f64);
    let difference = metric.norm_squared(&v) - dense.norm_squared(&v);
    prop_assert!(difference.abs() <= 1e-12 * size * dim as f64);

    let gradient = normals(dim, &mut case.rng());
    let lambda = 10f64.powf(exponent) * (dense.trace() / dim as f64).max(1e-6);
    let inverse = Inverse::damped(lambda);
    let solve = metric
        .raise(&gradient, inverse, &mut own)
        .expect("a solution");
    prop_assert!(
        solve.relative_residual < 1e-9 && solve.rank == dim,
        "{solve:?}"
    );
    dense
        .raise(&gradient, inverse, &mut other)
        .expect("a solution");
    let condition = 1.0 + dense.trace() / lambda;
    let error = distance(&own, &other) / norm(&other);
    prop_assert!(
        error <= 1e3 * f64::EPSILON * condition,
        "{error} at condition {condition}"
    );

    let tolerance = RankTolerance::Relative(1e-7);
    let spectrum = dense.spectrum().expect("eigenvalues");
    if spectrum.gap(tolerance) > 1e4 && spectrum.rank(tolerance) > 0 {
        let inverse = Inverse::Pseudo { tolerance };
        let solve = metric
            .raise(&gradient, inverse, &mut own)
            .expect("a solution");
        prop_assert_eq!(solve.rank, spectrum.rank(tolerance));
        dense
            .raise(&gradient, inverse, &mut other)
            .expect("a solution");
        let smallest = spectrum.eigenvalues()[spectrum.nullity(tolerance)];
        let error = distance(&own, &other) / norm(&other);
        // a pseudo-inverse is known to ε λ_max/λ_min of each of the two computations
        let bound = 1e3 * f64::EPSILON * spectrum.largest() / smallest;
        prop_assert!(error <= bound, "{error} of {bound}");
    }
    Ok(dense)
}

/// A batch without examples.
struct Nothing;

impl Linearization for Nothing {
    fn dims(&self) -> Dims {
        Dims {
            parameters: 2,
            outputs: 1,
            examples: 0,
        }
    }
    fn outputs(&self) -> &[f64] {
        &[]
    }
    fn jvp(&self, _: &[f64], _: &mut [f64]) {}
    fn vjp(&self, _: &[f64], out: &mut [f64]) {
        out.fill(0.0);
    }
}

/// A map that keeps quiet about its layers.
struct WithoutLayers<'a>(&'a dyn Linearization);

impl Linearization for WithoutLayers<'_> {
    fn dims(&self) -> Dims {
        self.0.dims()
    }
    fn outputs(&self) -> &[f64] {
        self.0.outputs()
    }
    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        self.0.jvp(tangent, out);
    }
    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        self.0.vjp(cotangent, out);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_diagonal_is_that_of_the_metric(case in smooth_case(), exponent in -4.0..1.0) {
        at(&case, |l| {
            let law = case.likelihood.as_ref();
            let dense = DenseFisher::new(l, law).unwrap();
            let size = dense.matrix().norm_max();
            let layered = DiagonalFisher::new(l, law).unwrap();
            let pulled_back = DiagonalFisher::new(&WithoutLayers(l), law).unwrap();
            for diagonal in [&layered, &pulled_back] {
                for (p, value) in diagonal.diagonal().iter().enumerate() {
                    prop_assert!((value - dense.matrix()[(p, p)]).abs() <= 1e-13 * size);
                }
                prop_assert!((diagonal.trace() - dense.trace()).abs() <= 1e-12 * dense.trace());
                same_as_its_matrix(diagonal, &case, exponent)?;
            }
            Ok(())
        })?;
    }

    #[test]
    fn kfac_is_the_product_of_second_moments(case in smooth_case(), exponent in -4.0..1.0) {
        at(&case, |l| {
            let factor = OutputFactor::fisher(l, case.likelihood.as_ref()).unwrap();
            let kfac = KroneckerFisher::kfac_from_factor(l, &factor).unwrap();
            let dense = same_as_its_matrix(&kfac, &case, exponent)?;
            let expected = kfac_by_definition(l, &factor);
            let size = expected.norm_max();
            prop_assert!((dense.matrix() - &expected).norm_max() <= 1e-12 * size);
            prop_assert!((kfac.trace() - dense.trace()).abs() <= 1e-12 * dense.trace());
            for (p, value) in kfac.diagonal().iter().enumerate() {
                prop_assert!((value - expected[(p, p)]).abs() <= 1e-12 * size);
            }
            Ok(())
        })?;
    }

    #[test]
    fn ekfac_is_the_nearest_in_its_axes(case in smooth_case(), exponent in -4.0..1.0) {
        at(&case, |l| {
            let law = case.likelihood.as_ref();
            let metric = DenseFisher::new(l, law).unwrap();
            let blocks = block_diagonal(&metric, l.layers().unwrap());
            let (kfac, ekfac) = (KroneckerFisher::kfac(l, law).unwrap(), KroneckerFisher::ekfac(l, law).unwrap());
            same_as_its_matrix(&ekfac, &case, exponent)?;
            let (product, corrected) = (kfac.to_dense(), ekfac.to_dense());
            let rounding = 1e-12 * inner(&blocks, &blocks);
            // A projection: what is left is orthogonal to everything that is diagonal in the same axes.
            let left = &blocks - &corrected;
            prop_assert!(inner(&left, &corrected).abs() <= rounding);
            prop_assert!(inner(&left, &product).abs() <= rounding);
            let missed = &blocks - &product;
            prop_assert!(inner(&left, &left) <= inner(&missed, &missed) + rounding);
            // as a whole, too, since both leave out the same
            let (far, near) = (metric.matrix() - &product, metric.matrix() - &corrected);
            prop_assert!(inner(&near, &near) <= inner(&far, &far) + rounding);
            prop_assert!((ekfac.trace() - metric.trace()).abs() <= 1e-12 * metric.trace());
            let diagonal = ekfac.diagonal();
            for (p, value) in diagonal.iter().enumerate() {
                prop_assert!((value - corrected[(p, p)]).abs() <= 1e-12 * corrected.norm_max());
            }
            Ok(())
        })?;
    }

    #[test]
    fn kronecker_factors_are_exact_on_one_example(case in smooth_case()) {
        // whatever the likelihood and the number of outputs: S has rank r, A has rank 1
        let mut single = case;
        single.inputs.truncate(single.net.inputs());
        at(&single, |l| {
            let law = single.likelihood.as_ref();
            let metric = DenseFisher::new(l, law).unwrap();
            let blocks = block_diagonal(&metric, l.layers().unwrap());
            for fisher in [KroneckerFisher::kfac(l, law).unwrap(), KroneckerFisher::ekfac(l, law).unwrap()] {
                let error = (fisher.to_dense() - &blocks).norm_max();
                prop_assert!(error <= 1e-12 * blocks.norm_max(), "{error}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn kronecker_factors_are_exact_in_deep_linear_networks_with_gaussian_noise(
        widths in prop::collection::vec(1..5usize, 2..5), examples in 1..20usize, sigma in 0.3..2.0, seed: u64,
    ) {
        let net = Mlp::new(&widths, Activation::Identity).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let theta = normals(net.parameters(), &mut rng);
        let inputs = normals(examples * widths[0], &mut rng);
        let batch = net.on_slice(&inputs).unwrap();
        let l = batch.linearize(&theta).unwrap();
        let law = Gaussian::new(sigma).unwrap();
        let metric = DenseFisher::new(l.as_ref(), &law).unwrap();
        let blocks = block_diagonal(&metric, l.layers().unwrap());
        for fisher in [KroneckerFisher::kfac(l.as_ref(), &law).unwrap(), KroneckerFisher::ekfac(l.as_ref(), &law).unwrap()] {
            let error = (fisher.to_dense() - &blocks).norm_max();
            prop_assert!(error <= 1e-12 * blocks.norm_max(), "{error}");
        }
    }

    #[test]
    fn the_last_layer_is_exact_with_gaussian_noise(case in smooth_case()) {
        let law = Gaussian::new(0.7).unwrap();
        at(&case, |l| {
            let metric = DenseFisher::new(l, &law).unwrap();
            let layers = l.layers().unwrap();
            let own = layers.layer(layers.depth() - 1).parameters();
            let kfac = KroneckerFisher::kfac(l, &law).unwrap().to_dense();
            let size = metric.matrix().norm_max();
            for i in own.clone() {
                for j in own.clone() {
                    prop_assert!((kfac[(i, j)] - metric.matrix()[(i, j)]).abs() <= 1e-12 * size);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn factored_damping_damps_each_factor(case in smooth_case(), exponent in -4.0..1.0) {
        at(&case, |l| {
            let kfac = KroneckerFisher::kfac(l, case.likelihood.as_ref()).unwrap();
            let lambda = 10f64.powf(exponent) * (kfac.trace() / kfac.dim() as f64).max(1e-6);
            let gradient = normals(kfac.dim(), &mut case.rng());
            let (mut x, mut y) = (gradient.clone(), gradient.clone());
            let solve = kfac.raise_factored(&gradient, lambda, &mut x).unwrap();
            prop_assert!(solve.relative_residual < 1e-10, "{solve:?}");
            // (S + √λ/π) ⊗ (A + π√λ), written out and solved densely
            let mut whole = Mat::zeros(kfac.dim(), kfac.dim());
            for block in kfac.blocks() {
                let layer = block.layer();
                let (a, s) = (block.input_moment(), block.unit_moment());
                let mean = |m: neuromanifold_geometry::faer::MatRef<'_, f64>| {
                    (0..m.nrows()).map(|i| m[(i, i)]).sum::<f64>() / m.nrows() as f64
                };
                let ratio = mean(a) / mean(s);
                let pi = if ratio > 0.0 && ratio.is_finite() { ratio.sqrt() } else { 1.0 };
                for alpha in 0..layer.outputs { for beta in 0..layer.outputs {
                    let unit = s[(alpha, beta)] + if alpha == beta { lambda.sqrt() / pi } else { 0.0 };
                    for i in 0..layer.fan_in() { for j in 0..layer.fan_in() {
                        let input = a[(i, j)] + if i == j { pi * lambda.sqrt() } else { 0.0 };
                        whole[(layer.parameter(alpha, i), layer.parameter(beta, j))] = unit * input;
                    } }
                } }
            }
            let dense = DenseFisher::from_matrix(whole.as_ref()).unwrap();
            dense.raise(&gradient, Inverse::Exact, &mut y).unwrap();
            let spectrum = dense.spectrum().unwrap();
            let condition = spectrum.largest() / spectrum.eigenvalues()[0];
            let error = distance(&x, &y) / norm(&y);
            prop_assert!(error <= 1e3 * f64::EPSILON * condition, "{error} at {condition}");
            Ok(())
        })?;
    }
}

/// With softmax outputs the output Fisher matrix depends on the example, so linear layers alone do not make K-FAC exact.
#[test]
fn linear_networks_with_another_likelihood_are_not_exact() {
    let net = Mlp::new(&[2, 3, 3], Activation::Identity).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let theta = normals(net.parameters(), &mut rng);
    let inputs = normals(2 * 30, &mut rng);
    let batch = net.on_slice(&inputs).unwrap();
    let l = batch.linearize(&theta).unwrap();
    let metric = DenseFisher::new(l.as_ref(), &Categorical).unwrap();
    let blocks = block_diagonal(&metric, l.layers().unwrap());
    let miss = |fisher: KroneckerFisher| {
        let left = fisher.to_dense() - &blocks;
        (inner(&left, &left) / inner(&blocks, &blocks)).sqrt()
    };
    let kfac = miss(KroneckerFisher::kfac(l.as_ref(), &Categorical).unwrap());
    let ekfac = miss(KroneckerFisher::ekfac(l.as_ref(), &Categorical).unwrap());
    assert!(ekfac > 0.01 && kfac > 1.05 * ekfac, "{kfac} {ekfac}");
}

/// An average over many draws of the factor is K-FAC of the true metric; the empirical one is not, and vanishes at a perfect
/// fit.
#[test]
fn sampled_and_empirical_factors_have_their_own_names() {
    let net = Mlp::new(&[2, 3, 2], Activation::Tanh).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let theta = normals(net.parameters(), &mut rng);
    let inputs = normals(2 * 10, &mut rng);
    let batch = net.on_slice(&inputs).unwrap();
    let l = batch.linearize(&theta).unwrap();
    let exact = KroneckerFisher::kfac(l.as_ref(), &Gaussian::UNIT).unwrap();
    let factor = OutputFactor::monte_carlo(l.as_ref(), &Gaussian::UNIT, 20_000, &mut rng).unwrap();
    let sampled = KroneckerFisher::kfac_from_factor(l.as_ref(), &factor).unwrap();
    let (exact_matrix, sampled_matrix) = (exact.to_dense(), sampled.to_dense());
    // 2·10⁵ draws: entries are known to a few thousandths
    let error = (&exact_matrix - &sampled_matrix).norm_max() / exact_matrix.norm_max();
    assert!(error < 0.02, "{error}");
    let fit = l.outputs().to_vec();
    let factor = OutputFactor::empirical(l.as_ref(), &Gaussian::UNIT, &fit).unwrap();
    let empirical = KroneckerFisher::ekfac_from_factor(l.as_ref(), &factor).unwrap();
    assert!(empirical.trace() < 1e-20 && exact.trace() > 1.0);
}

#[test]
fn requests_that_make_no_sense_are_refused_with_a_remedy() {
    let net = Mlp::new(&[2, 3, 1], Activation::Tanh).unwrap();
    let theta: Vec<f64> = (0..net.parameters()).map(|i| (i as f64).sin()).collect();
    let inputs = [0.3, -1.0];
    let batch = net.on_slice(&inputs).unwrap();
    let l = batch.linearize(&theta).unwrap();
    let hidden = WithoutLayers(l.as_ref());
    let refused = KroneckerFisher::kfac(&hidden, &Gaussian::UNIT).unwrap_err();
    assert!(matches!(refused, MetricError::NoLayers { .. }));
    assert!(refused.to_string().contains("DiagonalFisher"), "{refused}");
    assert!(KroneckerFisher::ekfac(&hidden, &Gaussian::UNIT).is_err());

    // one example: both factors are singular
    let kfac = KroneckerFisher::kfac(l.as_ref(), &Gaussian::UNIT).unwrap();
    let ekfac = KroneckerFisher::ekfac(l.as_ref(), &Gaussian::UNIT).unwrap();
    let diagonal = DiagonalFisher::new(l.as_ref(), &Gaussian::UNIT).unwrap();
    let gradient = vec![1.0; net.parameters()];
    let mut out = gradient.clone();
    for fisher in [&kfac, &ekfac] {
        match fisher.raise(&gradient, Inverse::Exact, &mut out) {
            Err(MetricError::Singular { rank, dim, .. }) => assert_eq!((rank, dim), (2, 13)),
            other => panic!("{other:?}"),
        }
    }
    for metric in [&kfac as &dyn Metric, &ekfac, &diagonal] {
        for lambda in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refused = metric.raise(&gradient, Inverse::damped(lambda), &mut out);
            assert!(matches!(refused, Err(MetricError::Damping { .. })));
        }
        let refused = metric.raise(&gradient, Inverse::pseudo(f64::NAN), &mut out);
        assert!(matches!(refused, Err(MetricError::Tolerance { .. })));
        let infinite = vec![f64::INFINITY; gradient.len()];
        let refused = metric.raise(&infinite, Inverse::damped(1.0), &mut out);
        assert!(matches!(refused, Err(MetricError::NotFinite { .. })));
    }
    assert!(matches!(
        ekfac.raise_factored(&gradient, 0.1, &mut out),
        Err(MetricError::Unsupported { .. })
    ));
    assert!(kfac.raise_factored(&gradient, 0.0, &mut out).is_err());
    for refused in [
        KroneckerFisher::kfac(&Nothing, &Gaussian::UNIT).err(),
        DiagonalFisher::new(&Nothing, &Gaussian::UNIT).err(),
    ] {
        assert!(matches!(refused, Some(MetricError::Empty { .. })));
    }
}

/// A parameter that no example uses, and one that all do.
#[test]
fn a_diagonal_with_a_zero_has_no_exact_inverse() {
    let net = Mlp::new(&[2, 1], Activation::Identity).unwrap();
    let batch = net.on_slice(&[1.0, 0.0, -2.0, 0.0]).unwrap();
    let l = batch.linearize(&[0.1, 0.2, 0.3]).unwrap();
    let diagonal = DiagonalFisher::new(l.as_ref(), &Gaussian::UNIT).unwrap();
    let mut out = [0.0; 3];
    let refused = diagonal.raise(&[1.0; 3], Inverse::Exact, &mut out);
    assert!(matches!(
        refused,
        Err(MetricError::Singular {
            rank: 2,
            dim: 3,
            ..
        })
    ));
    let solve = diagonal
        .raise(&[1.0; 3], Inverse::pseudo(1e-12), &mut out)
        .unwrap();
    assert_eq!(solve.rank, 2);
    assert!(
        (out[0] - 1.0 / 2.5).abs() < 1e-15 && out[1].abs() < 1e-300 && (out[2] - 1.0).abs() < 1e-15
    );
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let net = Mlp::new(&[150, 140, 3], Activation::Tanh).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let theta = normals(net.parameters(), &mut rng);
    let inputs = normals(150 * 300, &mut rng);
    let gradient = normals(net.parameters(), &mut rng);
    let compute = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let batch = net.on_slice(&inputs).unwrap();
            let l = batch.linearize(&theta).unwrap();
            let kfac = KroneckerFisher::kfac(l.as_ref(), &Categorical).unwrap();
            let ekfac = KroneckerFisher::ekfac(l.as_ref(), &Categorical).unwrap();
            let diagonal = DiagonalFisher::new(l.as_ref(), &Categorical).unwrap();
            let mut bits = Vec::new();
            for metric in [&kfac as &dyn Metric, &ekfac, &diagonal] {
                let mut out = gradient.clone();
                metric
                    .raise(&gradient, Inverse::damped(1e-3), &mut out)
                    .unwrap();
                bits.extend(out.iter().map(|x| x.to_bits()));
            }
            bits.extend(ekfac.diagonal().iter().map(|x| x.to_bits()));
            bits
        })
    };
    let reference = compute(1);
    assert!(compute(2) == reference && compute(8) == reference);
}
