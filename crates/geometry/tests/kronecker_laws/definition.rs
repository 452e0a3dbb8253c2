//! The approximations written out from their definitions, and maps to ask for them.

use crate::case::{Case, normals};
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{DenseFisher, Inverse, Metric, OutputFactor, RankTolerance};
use neuromanifold_model::{Dims, Layerwise, Linearization, OutputMap};
use proptest::prelude::*;

/// Runs a check on the linearisation of a case.
pub(crate) fn at<T>(case: &Case, check: impl FnOnce(&dyn Linearization) -> T) -> T {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let linearization = batch.linearize(&case.theta).expect("finite outputs");
    check(linearization.as_ref())
}

pub(crate) fn inner(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    let columns = a.col_iter().zip(b.col_iter());
    columns
        .map(|(a, b)| a.iter().zip(b.iter()).map(|(a, b)| a * b).sum::<f64>())
        .sum()
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

pub(crate) fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// `G` with everything between layers set to zero.
pub(crate) fn block_diagonal(dense: &DenseFisher, layers: &dyn Layerwise) -> Mat<f64> {
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
pub(crate) fn kfac_by_definition(l: &dyn Linearization, factor: &OutputFactor) -> Mat<f64> {
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
pub(crate) fn same_as_its_matrix(
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
pub(crate) struct Nothing;

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
pub(crate) struct WithoutLayers<'a>(pub(crate) &'a dyn Linearization);

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
