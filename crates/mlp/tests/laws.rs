//! Laws of the linearisation, over random architectures, points, batches and covectors.

#![allow(clippy::unwrap_used)] // clippy exempts tests from this lint, but not what they call

use faer::{Mat, MatRef};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Cotangents, Linearization, OutputMap, check};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use std::ops::Range;

/// A random perceptron, a point, a batch, and where its further random numbers come from.
#[derive(Clone, Debug)]
struct Case {
    mlp: Mlp,
    theta: Vec<f64>,
    inputs: Mat<f64>,
    seed: u64,
}

impl Case {
    fn normals(&self, length: usize, stream: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(stream));
        StandardNormal.sample_iter(&mut rng).take(length).collect()
    }
}

/// 1–4 layers of any activation, with or without biases, 1–3 outputs, 1–9 examples.
fn any_case() -> impl Strategy<Value = Case> {
    case(0..4, &Activation::ALL, 1..10)
}

/// With hidden layers of the given number and activations. The output is mostly linear.
fn case(
    hidden: Range<usize>,
    activations: &[Activation],
    examples: Range<usize>,
) -> impl Strategy<Value = Case> {
    let activation = proptest::sample::select(activations.to_vec());
    let hidden = proptest::collection::vec((1..7_usize, activation.clone(), any::<bool>()), hidden);
    let output = prop_oneof![4 => Just(Activation::Identity), 1 => activation];
    let output = (1..4_usize, output, any::<bool>());
    (1..6_usize, hidden, output, examples, any::<u64>()).prop_map(
        |(inputs, hidden, output, examples, seed)| {
            let mut builder = Mlp::builder(inputs);
            for (width, activation, bias) in hidden.into_iter().chain([output]) {
                builder = builder.layer(width, activation);
                if !bias {
                    builder = builder.without_bias();
                }
            }
            let mlp = builder.build().expect("widths are positive");
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let theta = mlp.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
            let inputs = Mat::from_fn(inputs, examples, |_, _| StandardNormal.sample(&mut rng));
            Case {
                mlp,
                theta,
                inputs,
                seed,
            }
        },
    )
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The largest difference, relative to the largest entry or to one, the size of nearly everything here.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest =
        |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |m: f64, x| m.max(x.abs()));
    let scale = largest(&mut a.iter().chain(b).copied());
    largest(&mut a.iter().zip(b).map(|(a, b)| a - b)) / scale.max(1.0)
}

fn flat(matrix: MatRef<'_, f64>) -> Vec<f64> {
    (0..matrix.ncols())
        .flat_map(|j| (0..matrix.nrows()).map(move |i| matrix[(i, j)]))
        .collect()
}

/// Sums of a few dozen terms of order one, taken in another order.
const ROUNDING: f64 = 1e-13;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// ⟨u, Jv⟩ = ⟨Jᵀu, v⟩.
    #[test]
    fn jvp_and_vjp_are_adjoint(case in any_case()) {
        let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
        let dims = batch.dims();
        let at = batch.linearize(&case.theta).unwrap();
        let (v, u) = (case.normals(dims.parameters, 1), case.normals(dims.output_len(), 2));
        let (mut jv, mut ju) = (vec![0.0; u.len()], vec![0.0; v.len()]);
        at.jvp(&v, &mut jv);
        at.vjp(&u, &mut ju);
        let norm = |x: &[f64]| dot(x, x).sqrt();
        let scale = norm(&u) * norm(&jv) + norm(&ju) * norm(&v);
        prop_assert!((dot(&u, &jv) - dot(&ju, &v)).abs() <= ROUNDING * scale);
    }

    /// `Jv` is the derivative of the outputs, and outputs with and without a record agree.
    #[test]
    fn jvp_is_the_derivative(case in any_case()) {
        prop_assume!(is_smooth_and_moves(&case));
        let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
        let report = check::finite_difference(&batch, &case.theta);
        prop_assert!(report.is_ok(), "{}: {report:?}", case.mlp);
    }

    /// The columns of the pull-back are vector–Jacobian products, whatever the range of examples.
    #[test]
    fn pullback_stacks_vjps(case in any_case(), rank in 1..4_usize, cut in (0.0..1.0, 0.0..1.0)) {
        let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
        let dims = batch.dims();
        let at = batch.linearize(&case.theta).unwrap();
        let values = case.normals(dims.output_len() * rank, 3);
        let cotangents = Cotangents::new(&values, dims.outputs, rank);
        let first = (cut.0 * dims.examples as f64) as usize;
        let range = first..first + (cut.1 * (dims.examples - first + 1) as f64) as usize;
        let mut pulled = Mat::zeros(dims.parameters, rank * range.len());
        at.pullback(cotangents, range.clone(), pulled.as_mut());
        let mut expected = vec![0.0; dims.parameters];
        for (s, example) in range.enumerate() {
            for j in 0..rank {
                let mut u = vec![0.0; dims.output_len()];
                u[example * dims.outputs..][..dims.outputs].copy_from_slice(cotangents.column(example, j));
                at.vjp(&u, &mut expected);
                let column = flat(pulled.as_ref().subcols(s * rank + j, 1));
                prop_assert!(distance(&column, &expected) <= ROUNDING, "example {example}, column {j}");
            }
        }
    }

    /// Layer by layer, what is pulled back is `δ ⊗ [a; 1]`, whatever the range of examples.
    #[test]
    fn layers_are_outer_products(case in any_case(), rank in 1..4_usize, cut in (0.0..1.0, 0.0..1.0)) {
        let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
        let at = batch.linearize(&case.theta).unwrap();
        let report = check::layerwise(at.as_ref());
        prop_assert!(report.is_ok_and(|report| report.relative_error < ROUNDING), "{}", case.mlp);
        let values = case.normals(batch.dims().output_len() * rank, 3);
        let examples = batch.dims().examples;
        let first = (cut.0 * examples as f64) as usize;
        let range = first..first + (cut.1 * (examples - first + 1) as f64) as usize;
        prop_assert!(layers_differ(at.as_ref(), &values, rank, range) <= ROUNDING);
    }

    /// The inner products computed layer by layer are those of the pulled-back columns.
    #[test]
    fn gram_is_the_product_of_pullbacks(case in any_case(), rank in 1..4_usize) {
        let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
        let dims = batch.dims();
        let at = batch.linearize(&case.theta).unwrap();
        let values = case.normals(dims.output_len() * rank, 4);
        let cotangents = Cotangents::new(&values, dims.outputs, rank);
        let columns = rank * dims.examples;
        let (mut pulled, mut gram) = (Mat::zeros(dims.parameters, columns), Mat::zeros(columns, columns));
        at.pullback(cotangents, 0..dims.examples, pulled.as_mut());
        at.gram(cotangents, gram.as_mut());
        prop_assert!(distance(&flat(gram.as_ref()), &flat((pulled.transpose() * &pulled).as_ref())) <= ROUNDING);
        prop_assert_eq!(&gram, &gram.transpose().to_owned());
    }

    /// A batch is its examples one at a time; in particular the loops for a single example agree with the products.
    #[test]
    fn batch_is_one_example_at_a_time(case in any_case()) {
        let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
        let dims = batch.dims();
        let at = batch.linearize(&case.theta).unwrap();
        let (v, u) = (case.normals(dims.parameters, 5), case.normals(dims.output_len(), 6));
        let (mut jv, mut ju) = (vec![0.0; u.len()], vec![0.0; v.len()]);
        at.jvp(&v, &mut jv);
        at.vjp(&u, &mut ju);

        let (mut outputs, mut moved, mut pulled) = (Vec::new(), Vec::new(), vec![0.0; v.len()]);
        for example in 0..dims.examples {
            let single = case.mlp.on(case.inputs.as_ref().subcols(example, 1)).unwrap();
            let at = single.linearize(&case.theta).unwrap();
            let (mut part, mut gradient) = (vec![0.0; dims.outputs], vec![0.0; v.len()]);
            outputs.extend_from_slice(at.outputs());
            at.jvp(&v, &mut part);
            moved.extend_from_slice(&part);
            at.vjp(&u[example * dims.outputs..][..dims.outputs], &mut gradient);
            pulled.iter_mut().zip(&gradient).for_each(|(sum, g)| *sum += g);
        }
        prop_assert!(distance(at.outputs(), &outputs) <= ROUNDING);
        prop_assert!(distance(&jv, &moved) <= ROUNDING);
        prop_assert!(distance(&ju, &pulled) <= ROUNDING);
    }

    /// The layout of the inputs in memory does not matter.
    #[test]
    fn strides_of_inputs_and_targets_do_not_matter(case in any_case()) {
        let rows = case.inputs.transpose().to_owned();
        let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
        let transposed = case.mlp.on(rows.transpose()).unwrap();
        let slice = flat(case.inputs.as_ref());
        let sliced = case.mlp.on_slice(&slice).unwrap();
        let dims = batch.dims();
        let at = batch.linearize(&case.theta).unwrap();
        for other in [&transposed, &sliced] {
            let other = other.linearize(&case.theta).unwrap();
            prop_assert!(distance(at.outputs(), other.outputs()) <= ROUNDING);
        }

        let ones = vec![1.0; dims.output_len()];
        let cotangents = Cotangents::new(&ones, dims.outputs, 1);
        let (n, p) = (dims.examples, dims.parameters);
        let (mut columns, mut rows) = (Mat::zeros(p, n), Mat::zeros(n, p));
        at.pullback(cotangents, 0..n, columns.as_mut());
        at.pullback(cotangents, 0..n, rows.as_mut().transpose_mut());
        prop_assert_eq!(&columns, &rows.transpose().to_owned());
        let [mut gram, mut row_major, mut reversed] = [(); 3].map(|()| Mat::zeros(n, n));
        at.gram(cotangents, gram.as_mut());
        at.gram(cotangents, row_major.as_mut().transpose_mut());
        at.gram(cotangents, reversed.as_mut().reverse_rows_mut());
        prop_assert_eq!(&gram, &row_major);
        prop_assert_eq!(&gram, &reversed.reverse_rows().to_owned());
    }

    /// Renumbering the units of a hidden layer changes no output.
    #[test]
    fn permuting_hidden_units_changes_nothing(
        case in case(1..4, &Activation::ALL, 1..10),
        layer in 0..3_usize,
        shift in 1..6_usize,
    ) {
        let layer = layer % (case.mlp.layers().len() - 1);
        let mut theta = case.theta.clone();
        let width = case.mlp.layers()[layer].outputs();
        let source = |unit: usize| (unit + shift) % width;
        for unit in 0..width {
            for input in 0..case.mlp.layers()[layer].inputs() {
                case.mlp.weights_mut(&mut theta, layer)[(unit, input)] =
                    case.mlp.weights(&case.theta, layer)[(source(unit), input)];
            }
            if let Some(bias) = case.mlp.bias_mut(&mut theta, layer) {
                bias[unit] = case.mlp.bias(&case.theta, layer).unwrap()[source(unit)];
            }
            for output in 0..case.mlp.layers()[layer + 1].outputs() {
                case.mlp.weights_mut(&mut theta, layer + 1)[(output, unit)] =
                    case.mlp.weights(&case.theta, layer + 1)[(output, source(unit))];
            }
        }
        let (before, after) = (predict(&case, &case.theta), predict(&case, &theta));
        prop_assert!(distance(&before, &after) <= ROUNDING);
    }

    /// Odd activations: negating what enters and what leaves a unit changes no output.
    #[test]
    fn flipping_odd_units_changes_nothing(
        case in case(1..4, &[Activation::Tanh, Activation::Erf, Activation::Identity], 1..10),
        layer in 0..3_usize,
        unit in 0..6_usize,
    ) {
        let layer = layer % (case.mlp.layers().len() - 1);
        let unit = unit % case.mlp.layers()[layer].outputs();
        let mut theta = case.theta.clone();
        for weight in &mut theta[case.mlp.layers()[layer].incoming(unit)] {
            *weight = -*weight;
        }
        if let Some(bias) = case.mlp.bias_mut(&mut theta, layer) {
            bias[unit] = -bias[unit];
        }
        for output in 0..case.mlp.layers()[layer + 1].outputs() {
            let mut weights = case.mlp.weights_mut(&mut theta, layer + 1);
            weights[(output, unit)] = -weights[(output, unit)];
        }
        let (before, after) = (predict(&case, &case.theta), predict(&case, &theta));
        prop_assert!(distance(&before, &after) <= ROUNDING);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A batch that is worked through in several parts is the same as two batches after each other.
    #[test]
    fn long_batches_are_cut_without_a_trace(case in case(0..4, &Activation::ALL, 200..600), cut in 0.1..0.9, rank in 1..3_usize) {
        let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
        let dims = batch.dims();
        let at = batch.linearize(&case.theta).unwrap();
        let first = (cut * dims.examples as f64) as usize;
        let halves = [0..first, first..dims.examples]
            .map(|range| case.mlp.on(case.inputs.as_ref().subcols(range.start, range.len())).unwrap());
        let [left, right] = [0, 1].map(|half: usize| halves[half].linearize(&case.theta).unwrap());
        let border = first * dims.outputs;

        let (v, u) = (case.normals(dims.parameters, 7), case.normals(dims.output_len(), 8));
        let (mut whole, mut parts) = (vec![0.0; u.len()], vec![0.0; u.len()]);
        at.jvp(&v, &mut whole);
        left.jvp(&v, &mut parts[..border]);
        right.jvp(&v, &mut parts[border..]);
        prop_assert!(distance(&whole, &parts) <= ROUNDING);
        prop_assert!(distance(at.outputs(), &[left.outputs(), right.outputs()].concat()) <= ROUNDING);
        batch.outputs(&case.theta, &mut whole).unwrap();
        prop_assert!(distance(at.outputs(), &whole) <= ROUNDING);

        let [mut sum, mut one, mut other] = [(); 3].map(|()| vec![0.0; v.len()]);
        at.vjp(&u, &mut sum);
        left.vjp(&u[..border], &mut one);
        right.vjp(&u[border..], &mut other);
        one.iter_mut().zip(&other).for_each(|(a, b)| *a += b);
        let scale = 1.0 + dims.examples as f64;
        prop_assert!(distance(&sum, &one) <= scale * ROUNDING);

        let values = case.normals(dims.output_len() * rank, 9);
        let cotangents = Cotangents::new(&values, dims.outputs, rank);
        let (p, columns) = (dims.parameters, rank * dims.examples);
        let [mut pulled, mut pieces] = [(); 2].map(|()| Mat::zeros(p, columns));
        at.pullback(cotangents, 0..dims.examples, pulled.as_mut());
        let (before, after) = pieces.as_mut().split_at_col_mut(rank * first);
        at.pullback(cotangents, 0..first, before);
        at.pullback(cotangents, first..dims.examples, after);
        prop_assert!(distance(&flat(pulled.as_ref()), &flat(pieces.as_ref())) <= ROUNDING);
        let mut summed = vec![0.0; p];
        at.vjp(&(0..dims.output_len()).map(|i| {
            let (example, k) = (i / dims.outputs, i % dims.outputs);
            (0..rank).map(|j| cotangents.column(example, j)[k]).sum()
        }).collect::<Vec<f64>>(), &mut summed);
        let row_sums: Vec<f64> = (0..p).map(|i| (0..columns).map(|j| pulled[(i, j)]).sum()).collect();
        prop_assert!(distance(&row_sums, &summed) <= scale * ROUNDING);

        prop_assert!(layers_differ(at.as_ref(), &values, rank, first / 2..dims.examples) <= ROUNDING);

        let mut gram = Mat::zeros(columns, columns);
        at.gram(cotangents, gram.as_mut());
        let product = pulled.transpose() * &pulled;
        prop_assert!(distance(&flat(gram.as_ref()), &flat(product.as_ref())) <= ROUNDING);
        prop_assert_eq!(&gram, &gram.transpose().to_owned());
    }
}

/// How far the outer products of the layers are from the pull-back of the same covectors.
fn layers_differ(at: &dyn Linearization, values: &[f64], rank: usize, range: Range<usize>) -> f64 {
    let dims = at.dims();
    let layers = at.layers().unwrap();
    let cotangents = Cotangents::new(values, dims.outputs, rank);
    let columns = rank * range.len();
    let mut pulled = Mat::zeros(dims.parameters, columns);
    at.pullback(cotangents, range.clone(), pulled.as_mut());
    let mut deltas = vec![0.0; layers.units() * columns];
    layers.carry_back(cotangents, range.clone(), &mut deltas);
    let mut outer = Mat::zeros(dims.parameters, columns);
    let mut below = 0;
    for index in 0..layers.depth() {
        let layer = layers.layer(index);
        let mut inputs = vec![0.0; layer.inputs * range.len()];
        layers.inputs_of(index, range.clone(), &mut inputs);
        for column in 0..columns {
            let a = &inputs[column / rank * layer.inputs..][..layer.inputs];
            for unit in 0..layer.outputs {
                let delta = deltas[below * columns + column * layer.outputs + unit];
                for i in 0..layer.fan_in() {
                    outer[(layer.parameter(unit, i), column)] = delta * a.get(i).unwrap_or(&1.0);
                }
            }
        }
        below += layer.outputs;
    }
    distance(&flat(pulled.as_ref()), &flat(outer.as_ref()))
}

fn predict(case: &Case, theta: &[f64]) -> Vec<f64> {
    flat(
        case.mlp
            .predict(theta, case.inputs.as_ref())
            .unwrap()
            .as_ref(),
    )
}

/// Whether differences can tell the derivative: no ReLU near its kink, and not all units dead or saturated.
fn is_smooth_and_moves(case: &Case) -> bool {
    let batch = case.mlp.on(case.inputs.as_ref()).unwrap();
    let dims = batch.dims();
    let mut gradient = vec![0.0; dims.parameters];
    let at = batch.linearize(&case.theta).unwrap();
    let cotangent = case.normals(dims.output_len(), 10);
    at.vjp(&cotangent, &mut gradient);
    let moves = dot(&gradient, &gradient) > 1e-2;

    let mut activations = case.inputs.clone();
    let mut smooth = true;
    for (index, layer) in case.mlp.layers().iter().enumerate() {
        let mut z = case.mlp.weights(&case.theta, index) * &activations;
        if let Some(bias) = case.mlp.bias(&case.theta, index) {
            z = Mat::from_fn(z.nrows(), z.ncols(), |i, j| z[(i, j)] + bias[i]);
        }
        activations = Mat::zeros(z.nrows(), z.ncols());
        for example in 0..z.ncols() {
            let column = z.col_as_slice(example);
            smooth &=
                layer.activation() != Activation::Relu || column.iter().all(|z| z.abs() > 0.1);
            layer
                .activation()
                .value(column, activations.col_as_slice_mut(example));
        }
    }
    smooth && moves
}
