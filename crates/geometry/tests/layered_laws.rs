//! Matrices assembled layer by layer are those of the Jacobian, and of any number of threads.

#![allow(clippy::unwrap_used)] // clippy exempts tests from this lint, but not what they call

use neuromanifold_geometry::faer::{Mat, MatMut};
use neuromanifold_geometry::{DenseFisher, DiagonalFisher, MetricError, OutputFactor};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{
    AffineLayer, Bernoulli, Categorical, Cotangents, Dims, Gaussian, Layerwise, Likelihood,
    Linearization, OutputMap,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::ops::Range;

/// A linearisation that keeps its layers to itself, or claims others.
struct Disguised<'a> {
    map: &'a dyn Linearization,
    layers: Option<&'a dyn Layerwise>,
}

impl Linearization for Disguised<'_> {
    fn dims(&self) -> Dims {
        self.map.dims()
    }
    fn outputs(&self) -> &[f64] {
        self.map.outputs()
    }
    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        self.map.jvp(tangent, out);
    }
    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        self.map.vjp(cotangent, out);
    }
    fn pullback(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: MatMut<'_, f64>) {
        self.map.pullback(cotangents, examples, out);
    }
    fn layers(&self) -> Option<&dyn Layerwise> {
        self.layers
    }
}

/// Layers that begin one parameter too late.
struct Shifted<'a>(&'a dyn Layerwise);

impl Layerwise for Shifted<'_> {
    fn depth(&self) -> usize {
        self.0.depth()
    }
    fn layer(&self, index: usize) -> AffineLayer {
        let layer = self.0.layer(index);
        AffineLayer {
            start: layer.start + index,
            ..layer
        }
    }
    fn panel(&self) -> usize {
        self.0.panel()
    }
    fn inputs_of(&self, index: usize, examples: Range<usize>, out: &mut [f64]) {
        self.0.inputs_of(index, examples, out);
    }
    fn carry_back(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: &mut [f64]) {
        self.0.carry_back(cotangents, examples, out);
    }
}

/// One layer after those of a map.
struct Longer<'a>(&'a dyn Layerwise, AffineLayer);

impl Layerwise for Longer<'_> {
    fn depth(&self) -> usize {
        self.0.depth() + 1
    }
    fn layer(&self, index: usize) -> AffineLayer {
        if index < self.0.depth() {
            self.0.layer(index)
        } else {
            self.1
        }
    }
    fn panel(&self) -> usize {
        self.0.panel()
    }
    fn inputs_of(&self, index: usize, examples: Range<usize>, out: &mut [f64]) {
        self.0.inputs_of(index, examples, out);
    }
    fn carry_back(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: &mut [f64]) {
        self.0.carry_back(cotangents, examples, out);
    }
}

fn normals(length: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    StandardNormal.sample_iter(rng).take(length).collect()
}

fn linear_or(activation: Activation, last: bool) -> Activation {
    if last {
        Activation::Identity
    } else {
        activation
    }
}

prop_compose! {
    /// One to four layers, some without biases.
    fn network()(
        inputs in 1..8usize,
        hidden in prop::collection::vec((1..12usize, 0..Activation::ALL.len(), any::<bool>()), 0..4),
        outputs in 1..4usize,
        bias: bool,
    ) -> Mlp {
        let mut builder = Mlp::builder(inputs);
        let last = hidden.len();
        let layers = hidden.into_iter().chain([(outputs, 0, bias)]);
        for (index, (width, activation, bias)) in layers.enumerate() {
            builder = builder.layer(width, linear_or(Activation::ALL[activation], index == last));
            if !bias {
                builder = builder.without_bias();
            }
        }
        builder.build().unwrap()
    }
}

/// Enough examples for the layers to be looked at one by one.
fn examples_for(net: &Mlp) -> usize {
    let parameters = net.parameters();
    ((1 << 25) / (parameters * parameters) + 1).clamp(1, 30_000)
}

fn law(net: &Mlp, which: usize) -> Box<dyn Likelihood> {
    match which {
        0 => Box::new(Gaussian::new(0.7).unwrap()),
        1 => Box::new(Bernoulli),
        _ if net.outputs() > 1 => Box::new(Categorical),
        _ => Box::new(Gaussian::UNIT),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn layer_by_layer_is_the_product_of_columns(net in network(), which in 0..3usize, extra in 0..300usize, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let theta = net.initialize_with_biases(Initialization::LeCun, 0.3, &mut rng);
        let inputs = normals((examples_for(&net) + extra) * net.inputs(), &mut rng);
        let batch = net.on_slice(&inputs).unwrap();
        let at = batch.linearize(&theta).unwrap();
        let law = law(&net, which);
        let layered = DenseFisher::new(at.as_ref(), law.as_ref()).unwrap();
        let hidden = Disguised { map: at.as_ref(), layers: None };
        let columns = DenseFisher::new(&hidden, law.as_ref()).unwrap();
        let (a, b) = (layered.matrix(), columns.matrix());
        for j in 0..net.parameters() {
            for i in 0..net.parameters() {
                prop_assert!(a[(i, j)].to_bits() == a[(j, i)].to_bits(), "({i}, {j})");
                // Each entry is a sum of products bounded by those of its diagonal entries (Cauchy–Schwarz).
                let scale = (b[(i, i)] * b[(j, j)]).sqrt();
                prop_assert!((a[(i, j)] - b[(i, j)]).abs() <= 1e-13 * scale + f64::MIN_POSITIVE, "({i}, {j}) of {net}");
            }
        }
    }
}

/// More examples than are held at a time.
#[test]
fn long_batches_are_added_up() {
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let theta: Vec<f64> = (0..7).map(|i| (1.0 + f64::from(i)).sin()).collect();
    let inputs: Vec<f64> = (0..1_000_000)
        .map(|s| (0.37 * f64::from(s)).sin())
        .collect();
    let batch = net.on_slice(&inputs).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let layered = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let hidden = Disguised {
        map: at.as_ref(),
        layers: None,
    };
    let columns = DenseFisher::new(&hidden, &Gaussian::UNIT).unwrap();
    let error = (layered.matrix() - columns.matrix()).norm_max();
    // 10⁶ terms of one sign, added in different orders
    assert!(error <= 1e-12 * columns.matrix().norm_max(), "{error}");
}

#[test]
fn threads_change_no_bit() {
    let cases = [
        (&[20, 48, 1][..], 700, &Gaussian::UNIT as &dyn Likelihood),
        (&[9, 24, 17, 5][..], 600, &Categorical),
    ];
    for (widths, examples, law) in cases {
        let net = Mlp::new(widths, Activation::Tanh).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let theta = net.initialize_with_biases(Initialization::LeCun, 0.3, &mut rng);
        let inputs = normals(examples * net.inputs(), &mut rng);
        let bits = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let batch = net.on_slice(&inputs).unwrap();
                let at = batch.linearize(&theta).unwrap();
                let fisher = DenseFisher::new(at.as_ref(), law).unwrap();
                let columns = fisher.matrix().col_iter();
                columns
                    .flat_map(|c| c.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
                    .collect::<Vec<u64>>()
            })
        };
        let alone = bits(1);
        assert!(alone == bits(2) && alone == bits(8), "{net}");
    }
}

/// Entries whose squares overflow or vanish are left to the columns, which multiply in the other order.
#[test]
fn extreme_covectors_are_multiplied_in_the_safe_order() {
    let net = Mlp::builder(40)
        .layer(40, Activation::Identity)
        .without_bias()
        .build()
        .unwrap();
    let theta = vec![0.0; net.parameters()];
    let inputs = Mat::from_fn(40, 20, |i, s| 1e-170 * (1.0 + (i * 20 + s) as f64).sin());
    let batch = net.on(inputs.as_ref()).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let targets = vec![1e170; 800];
    let factor = OutputFactor::empirical(at.as_ref(), &Gaussian::UNIT, &targets).unwrap();
    let fisher = DenseFisher::from_factor(at.as_ref(), &factor).unwrap();
    assert!(fisher.trace() > 1.0 && fisher.trace().is_finite());
}

#[test]
fn layers_that_do_not_make_up_the_parameters_are_refused() {
    let net = Mlp::new(&[20, 48, 1], Activation::Tanh).unwrap();
    let theta = vec![0.1; net.parameters()];
    let inputs = Mat::from_fn(20, 50, |i, s| (i + s) as f64 * 0.01);
    let batch = net.on(inputs.as_ref()).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let shifted = Shifted(at.layers().unwrap());
    let wrong = Disguised {
        map: at.as_ref(),
        layers: Some(&shifted),
    };
    let refused = DenseFisher::new(&wrong, &Gaussian::UNIT);
    assert!(
        matches!(
            refused,
            Err(MetricError::Layers {
                parameter: 1008,
                parameters: 1057
            })
        ),
        "{refused:?}"
    );
}

/// Neither a division by an empty layer nor a size that overflows is met on the way to the error.
#[test]
fn layers_without_parameters_or_of_impossible_sizes_are_refused() {
    let net = Mlp::new(&[3, 8, 1], Activation::Tanh).unwrap();
    let theta = vec![0.1; net.parameters()];
    let batch = net.on_slice(&[0.2; 15]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    for (inputs, outputs, has_bias, start) in [
        (0, 3, false, 41),
        (2, 0, true, 41),
        (2, usize::MAX, true, 41),
        (usize::MAX, 1, true, 41),
        (2, 2, true, usize::MAX),
    ] {
        let extra = AffineLayer {
            inputs,
            outputs,
            has_bias,
            start,
        };
        let longer = Longer(at.layers().unwrap(), extra);
        let wrong = Disguised {
            map: at.as_ref(),
            layers: Some(&longer),
        };
        let refused = DiagonalFisher::new(&wrong, &Gaussian::UNIT);
        assert!(
            matches!(refused, Err(MetricError::Layers { parameter: 41, .. })),
            "{extra:?}: {refused:?}"
        );
    }
}
