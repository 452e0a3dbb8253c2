//! Blocks are slices of the dense metric; iterative solves with and without a preconditioner are those of the matrix.

mod case;

use case::{Case, normals, smooth_case};
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{
    BlockFisher, Blocks, ConjugateGradients, DenseFisher, DiagonalFisher, FisherOperator,
    GramFisher, Inverse, KroneckerFisher, Metric, MetricError, OutputFactor,
};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Linearization, OutputMap};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn at<T>(case: &Case, check: impl FnOnce(&dyn Linearization) -> T) -> T {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let linearization = batch.linearize(&case.theta).expect("finite outputs");
    check(linearization.as_ref())
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&differences)
}

/// The dense metric with everything between blocks removed.
fn masked(dense: &DenseFisher, blocks: &BlockFisher) -> Mat<f64> {
    let mut block_of = vec![usize::MAX; dense.dim()];
    for index in 0..blocks.len() {
        for &parameter in blocks.parameters(index) {
            assert_eq!(block_of[parameter], usize::MAX);
            block_of[parameter] = index;
        }
    }
    assert!(block_of.iter().all(|b| *b < blocks.len()));
    Mat::from_fn(dense.dim(), dense.dim(), |i, j| {
        if block_of[i] == block_of[j] {
            dense.matrix()[(i, j)]
        } else {
            0.0
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_are_slices_of_the_dense_metric(case in smooth_case(), units: bool, exponent in -3.0..1.0) {
        let law = case.likelihood.as_ref();
        at(&case, |l| {
            let dense = DenseFisher::new(l, law).unwrap();
            let kind = if units { Blocks::Units } else { Blocks::Layers };
            let blocks = BlockFisher::new(l, law, kind).unwrap();
            let expected = DenseFisher::from_matrix(masked(&dense, &blocks).as_ref()).unwrap();
            let size = dense.matrix().norm_max();
            prop_assert!((blocks.to_dense() - expected.matrix()).norm_max() <= 1e-13 * size);
            prop_assert!((blocks.trace() - dense.trace()).abs() <= 1e-13 * dense.trace());
            let v = case.direction();
            prop_assert!((blocks.norm_squared(&v) - expected.norm_squared(&v)).abs() <= 1e-13 * size);

            let lambda = 10f64.powf(exponent) * dense.trace().max(1e-6);
            let gradient = normals(dense.dim(), &mut case.rng());
            let (mut one, mut other) = (gradient.clone(), gradient.clone());
            blocks.raise(&gradient, Inverse::damped(lambda), &mut one).unwrap();
            expected.raise(&gradient, Inverse::damped(lambda), &mut other).unwrap();
            let allowed = 1e-13 * (1.0 + dense.trace() / lambda) * norm(&other);
            prop_assert!(distance(&one, &other) <= allowed);
            let factor = blocks.cholesky(lambda).unwrap();
            other.copy_from_slice(&gradient);
            factor.solve_in_place(&mut other);
            prop_assert!(one == other);
            let whole = expected.cholesky(lambda).unwrap().log_determinant();
            prop_assert!((factor.log_determinant() - whole).abs() <= 1e-11 * (1.0 + whole.abs()));
            Ok(())
        })?;
    }

    #[test]
    fn a_preconditioner_changes_the_way_not_the_goal(case in smooth_case(), exponent in -4.0..0.0) {
        let law = case.likelihood.as_ref();
        let stopping = ConjugateGradients { tolerance: 1e-11, max_products: 2000 };
        at(&case, |l| {
            let dense = DenseFisher::new(l, law).unwrap();
            let lambda = 10f64.powf(exponent) * (dense.trace() / dense.dim() as f64).max(1e-6);
            let inverse = Inverse::damped(lambda);
            let gradient = normals(dense.dim(), &mut case.rng());
            let (mut direct, mut iterated) = (gradient.clone(), gradient.clone());
            dense.raise(&gradient, inverse, &mut direct).unwrap();
            let blocks = BlockFisher::new(l, law, Blocks::Layers).unwrap().cholesky(lambda).unwrap();
            let operator = FisherOperator::new(l, law, stopping).unwrap().preconditioned(&blocks);
            operator.raise(&gradient, inverse, &mut iterated).unwrap();
            let condition = 1.0 + dense.trace() / lambda;
            prop_assert!(distance(&direct, &iterated) <= 1e-10 * condition * norm(&direct));
            // preconditioned by the matrix itself, it is solved at once
            let exact = dense.cholesky(lambda).unwrap();
            let operator = FisherOperator::new(l, law, stopping).unwrap().preconditioned(&exact);
            let solve = operator.raise(&gradient, inverse, &mut iterated).unwrap();
            prop_assert!(solve.iterations <= 2, "{solve:?}");
            Ok(())
        })?;
    }

    #[test]
    fn several_products_are_one_after_the_other(case in smooth_case(), count in 0..5usize) {
        let law = case.likelihood.as_ref();
        at(&case, |l| {
            let dense = DenseFisher::new(l, law).unwrap();
            let stopping = ConjugateGradients { tolerance: 1e-6, max_products: 1 };
            let operator = FisherOperator::new(l, law, stopping).unwrap();
            let blocks = BlockFisher::new(l, law, Blocks::Units).unwrap();
            let tangents = normals(count * dense.dim(), &mut case.rng());
            for metric in [&dense as &dyn Metric, &operator, &blocks] {
                let mut together = tangents.clone();
                metric.lower_many(&tangents, &mut together);
                let mut alone = tangents.clone();
                for (v, out) in tangents.chunks_exact(dense.dim()).zip(alone.chunks_exact_mut(dense.dim())) {
                    metric.lower(v, out);
                }
                prop_assert!(distance(&together, &alone) <= 1e-13 * (dense.trace() * norm(&tangents)));
            }
            Ok(())
        })?;
    }
}

/// Large enough to be assembled layer by layer in both: the same sums, so the same bits.
#[test]
fn blocks_of_large_networks_are_the_same_bits() {
    let net = Mlp::new(&[9, 24, 17, 5], Activation::Tanh).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let theta = net.initialize_with_biases(Initialization::LeCun, 0.3, &mut rng);
    let inputs = normals(600 * net.inputs(), &mut rng);
    let batch = net.on_slice(&inputs).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let dense = DenseFisher::new(at.as_ref(), &Categorical).unwrap();
    let layers = BlockFisher::new(at.as_ref(), &Categorical, Blocks::Layers).unwrap();
    assert_eq!(layers.len(), 3);
    let expected = masked(&dense, &layers);
    for index in 0..layers.len() {
        for (i, &row) in layers.parameters(index).iter().enumerate() {
            for (j, &column) in layers.parameters(index).iter().enumerate() {
                let own = layers.block(index)[(i, j)];
                assert!(own.to_bits() == expected[(row, column)].to_bits());
            }
        }
    }
    let units = BlockFisher::new(at.as_ref(), &Categorical, Blocks::Units).unwrap();
    assert_eq!(units.len(), 24 + 17 + 5);
    let error = (units.to_dense() - masked(&dense, &units)).norm_max();
    assert!(error <= 1e-14 * dense.matrix().norm_max(), "{error}");
}

/// Conjugate gradients need not come closer with every step; what is left behind is the closest they came.
#[test]
fn the_best_iterate_is_left_behind() {
    let net = Mlp::new(&[2, 6, 1], Activation::Tanh).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let theta = net.initialize_with_biases(Initialization::LeCun, 0.3, &mut rng);
    let inputs = normals(40 * net.inputs(), &mut rng);
    let batch = net.on_slice(&inputs).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let gradient = normals(net.parameters(), &mut rng);
    let mut residuals = Vec::new();
    for max_products in 1..25 {
        let stopping = ConjugateGradients {
            tolerance: 1e-14,
            max_products,
        };
        let operator = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, stopping).unwrap();
        let mut x = gradient.clone();
        match operator.raise(&gradient, Inverse::damped(1e-7), &mut x) {
            Err(MetricError::DidNotConverge {
                residual,
                iterations,
                ..
            }) => {
                assert_eq!(iterations, max_products);
                assert!(x.iter().all(|x| x.is_finite()));
                residuals.push(residual);
            }
            other => panic!("{other:?}"),
        }
    }
    for pair in residuals.windows(2) {
        // recursive and true residual differ by rounding
        assert!(pair[1] <= pair[0] * (1.0 + 1e-6), "{residuals:?}");
    }
}

/// A network of a million parameters and products with its metric: P² would be 8 TB, the Jacobian 6 GB.
#[test]
fn a_million_parameters_need_no_matrix() {
    let net = Mlp::new(&[256, 1024, 720, 10], Activation::Tanh).unwrap();
    assert!(net.parameters() > 1_000_000);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let theta = net.initialize(Initialization::LeCun, &mut rng);
    let inputs = normals(70 * net.inputs(), &mut rng);
    let batch = net.on_slice(&inputs).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let stopping = ConjugateGradients {
        tolerance: 1e-6,
        max_products: 1,
    };
    let operator = FisherOperator::new(at.as_ref(), &Categorical, stopping).unwrap();
    let tangents = normals(2 * net.parameters(), &mut rng);
    let mut lowered = tangents.clone();
    operator.lower_many(&tangents, &mut lowered);
    let (u, v) = tangents.split_at(net.parameters());
    let (gu, gv) = lowered.split_at(net.parameters());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert!((dot(u, gv) - dot(v, gu)).abs() <= 1e-10 * (dot(u, gu) * dot(v, gv)).sqrt());
    assert!((operator.norm_squared(u) - dot(u, gu)).abs() <= 1e-10 * dot(u, gu));
    assert!(dot(u, gu) > 0.0);
}

#[test]
fn blocks_need_layers() {
    struct Line;
    impl Linearization for Line {
        fn dims(&self) -> neuromanifold_model::Dims {
            neuromanifold_model::Dims {
                parameters: 1,
                outputs: 1,
                examples: 1,
            }
        }
        fn outputs(&self) -> &[f64] {
            &[0.5]
        }
        fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
            out.copy_from_slice(tangent);
        }
        fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
            out.copy_from_slice(cotangent);
        }
    }
    let refused = BlockFisher::new(&Line, &Gaussian::UNIT, Blocks::Layers);
    assert!(matches!(refused, Err(MetricError::NoLayers { .. })));
}

/// Every representation refuses columns that belong to other examples or other outputs, and says which.
#[test]
fn a_factor_of_another_batch_is_refused_by_every_representation() {
    let stopping = ConjugateGradients {
        tolerance: 1e-8,
        max_products: 10,
    };
    let factor_of = |outputs: usize, examples: usize| {
        let net = Mlp::new(&[2, 3, outputs], Activation::Tanh).unwrap();
        let theta = vec![0.3; net.parameters()];
        let inputs = vec![0.5; 2 * examples];
        let batch = net.on_slice(&inputs).unwrap();
        OutputFactor::fisher(batch.linearize(&theta).unwrap().as_ref(), &Gaussian::UNIT).unwrap()
    };
    let net = Mlp::new(&[2, 3, 2], Activation::Tanh).unwrap();
    let theta = vec![0.3; net.parameters()];
    let batch = net.on_slice(&[0.5; 8]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let l = at.as_ref();
    // (4, 2) has as many numbers as (2, 4)
    for (outputs, examples) in [(2, 3), (2, 5), (1, 4), (3, 4), (4, 2)] {
        let factor = factor_of(outputs, examples);
        let refusals = [
            FisherOperator::from_factor(l, factor.clone(), stopping).err(),
            DenseFisher::from_factor(l, &factor).err(),
            GramFisher::from_factor(l, factor.clone()).err(),
            DiagonalFisher::from_factor(l, &factor).err(),
            BlockFisher::from_factor(l, &factor, Blocks::Layers).err(),
            KroneckerFisher::kfac_from_factor(l, &factor).err(),
            KroneckerFisher::ekfac_from_factor(l, &factor).err(),
        ];
        for refusal in refusals {
            let Some(MetricError::Factor {
                factor_examples,
                factor_outputs,
                dims,
            }) = refusal
            else {
                panic!("{refusal:?}");
            };
            assert_eq!((factor_outputs, factor_examples), (outputs, examples));
            assert_eq!((dims.outputs, dims.examples), (2, 4));
        }
    }
}

/// Products of large entries leave the range of numbers: the refusal names what is too large, and is not raised below it.
#[test]
fn covectors_too_large_to_multiply_are_named() {
    let net = Mlp::new(&[1, 1], Activation::Identity).unwrap();
    let blocks = |input: f64| {
        let input = [input];
        let batch = net.on_slice(&input).unwrap();
        let at = batch.linearize(&[1e-120, 0.0]).unwrap();
        BlockFisher::new(at.as_ref(), &Gaussian::UNIT, Blocks::Layers)
    };
    assert!(blocks(1e99).is_ok());
    let refusal = blocks(-1e101).unwrap_err();
    let text = refusal.to_string();
    let MetricError::Magnitude { value, limit } = refusal else {
        panic!("{text}");
    };
    assert!((value / -1e101 - 1.0).abs() < 1e-15 && limit < 1e101);
    assert!(
        text.contains("-1e101") && text.contains("DenseFisher"),
        "{text}"
    );
}
