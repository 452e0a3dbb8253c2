use crate::case::{normals, smooth_case};
use crate::definition::{
    at, block_diagonal, distance, inner, kfac_by_definition, norm, same_as_its_matrix,
};
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{DenseFisher, Inverse, KroneckerFisher, Metric, OutputFactor};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Categorical, Gaussian, OutputMap};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

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
