//! Second moments of activations and covectors whose squares are no numbers though their products are.

use neuromanifold_geometry::faer::{Mat, MatRef, Scale};
use neuromanifold_geometry::{DiagonalFisher, KroneckerFisher, Metric, MetricError};
use neuromanifold_model::{
    AffineLayer, Cotangents, Dims, Gaussian, Layerwise, Likelihood, Linearization,
};
use proptest::prelude::*;
use std::ops::Range;

/// One affine layer of which what it reads and what is carried back to it are given: `n × N` and `m × rN`.
#[derive(Clone, Debug)]
struct OneLayer {
    inputs: usize,
    units: usize,
    rank: usize,
    has_bias: bool,
    /// Examples that are answered together.
    panel: usize,
    read: Vec<f64>,
    deltas: Vec<f64>,
    outputs: Vec<f64>,
}

impl OneLayer {
    fn examples(&self) -> usize {
        self.read.len() / self.inputs
    }

    /// Entry `i` of `ã_s`.
    fn input(&self, i: usize, s: usize) -> f64 {
        if i == self.inputs {
            1.0
        } else {
            self.read[s * self.inputs + i]
        }
    }

    /// `ã_i δ_α` for all examples and covectors, by exponents and mantissas.
    fn products(&self, i: usize, unit: usize) -> impl Iterator<Item = Wide> {
        (0..self.examples() * self.rank).map(move |k| {
            let input = Wide::from(self.input(i, k / self.rank));
            input.times(Wide::from(self.deltas[k * self.units + unit]))
        })
    }
}

impl Linearization for OneLayer {
    fn dims(&self) -> Dims {
        Dims {
            parameters: self.layer(0).parameters().len(),
            outputs: self.rank,
            examples: self.examples(),
        }
    }
    fn outputs(&self) -> &[f64] {
        &self.outputs
    }
    fn jvp(&self, _: &[f64], _: &mut [f64]) {
        unreachable!("the layers are asked");
    }
    fn vjp(&self, _: &[f64], _: &mut [f64]) {
        unreachable!("the layers are asked");
    }
    fn layers(&self) -> Option<&dyn Layerwise> {
        Some(self)
    }
}

impl Layerwise for OneLayer {
    fn depth(&self) -> usize {
        1
    }
    fn layer(&self, _: usize) -> AffineLayer {
        AffineLayer {
            inputs: self.inputs,
            outputs: self.units,
            has_bias: self.has_bias,
            start: 0,
        }
    }
    fn panel(&self) -> usize {
        self.panel
    }
    fn inputs_of(&self, _: usize, examples: Range<usize>, out: &mut [f64]) {
        out.copy_from_slice(&self.read[examples.start * self.inputs..][..out.len()]);
    }
    fn carry_back(&self, _: Cotangents<'_>, examples: Range<usize>, out: &mut [f64]) {
        out.copy_from_slice(&self.deltas[examples.start * self.rank * self.units..][..out.len()]);
    }
}

/// `mantissa · 2^exponent` with a mantissa in `[1, 2)`, or 0.
#[derive(Clone, Copy, Debug)]
struct Wide {
    mantissa: f64,
    exponent: i32,
}

impl Wide {
    fn from(value: f64) -> Self {
        if value.abs() > 0.0 {
            let exponent = value.abs().log2().floor() as i32;
            let half = exponent / 2; // 2^exponent alone may be no number
            let mantissa = value * f64::from(-half).exp2() * f64::from(half - exponent).exp2();
            Self { mantissa, exponent }
        } else {
            Self {
                mantissa: 0.0,
                exponent: 0,
            }
        }
    }

    fn times(self, other: Self) -> Self {
        Self {
            mantissa: self.mantissa * other.mantissa,
            exponent: self.exponent + other.exponent,
        }
    }

    /// `Σ x²`, in units of `2^2·exponent`.
    fn sum_of_squares(all: &[Self], exponent: i32) -> f64 {
        let terms = all
            .iter()
            .map(|x| x.mantissa * f64::from(x.exponent - exponent).exp2());
        terms.map(|x| x * x).sum()
    }
}

/// A number of about `10^exponent`, and now and then 0.
fn number(exponent: f64, mantissa: f64) -> f64 {
    if mantissa.abs() < 0.1 {
        0.0
    } else {
        mantissa * 10f64.powf(exponent)
    }
}

/// Exponents between −180 and 180, in any mixture for which no product exceeds `10^140`.
fn layer_of_any_size() -> impl Strategy<Value = OneLayer> {
    let sizes = (1..4usize, 1..4usize, 1..3usize, 1..6usize, 1..4usize);
    let entries = |count: usize, below: f64| prop::collection::vec((0.0..below, -1.0..1.0), count);
    let whole = move |(inputs, units, rank, examples, panel)| {
        (
            Just((inputs, units, rank, panel)),
            any::<(bool, bool)>(),
            prop::collection::vec(-180.0..180.0, examples),
            entries(inputs * examples, 200.0),
            entries(units * rank * examples, 300.0),
        )
    };
    sizes.prop_flat_map(whole).prop_map(
        |((inputs, units, rank, panel), (has_bias, even), of_examples, of_inputs, of_units)| {
            // with a bias, each covector is multiplied by 1 as well
            let size = |s: usize| {
                let size: f64 = of_examples[if even { 0 } else { s }];
                if has_bias { size.max(0.0) } else { size }
            };
            let spread = if even { 0.01 } else { 1.0 };
            let read = of_inputs.iter().enumerate().map(|(k, (below, mantissa))| {
                number((size(k / inputs) - spread * below).max(-180.0), *mantissa)
            });
            let deltas = of_units.iter().enumerate().map(|(k, (below, mantissa))| {
                let largest = 140.0 - size(k / (units * rank));
                number((largest - spread * below).clamp(-180.0, 180.0), *mantissa)
            });
            OneLayer {
                inputs,
                units,
                rank,
                has_bias,
                panel,
                read: read.collect(),
                deltas: deltas.collect(),
                outputs: vec![0.0; rank * of_examples.len()],
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Each entry to rounding: at most ten positive terms, each rounded a few times.
    #[test]
    fn the_diagonal_is_exact_whatever_the_sizes(layer in layer_of_any_size()) {
        let fisher = DiagonalFisher::new(&layer, &Gaussian::UNIT).unwrap();
        for unit in 0..layer.units {
            for i in 0..layer.layer(0).fan_in() {
                let got = fisher.diagonal()[layer.layer(0).parameter(unit, i)];
                let terms: Vec<Wide> =
                    layer.products(i, unit).filter(|x| x.mantissa.abs() > 0.0).collect();
                let Some(exponent) = terms.iter().map(|x| x.exponent).max() else {
                    prop_assert!(got.abs() <= 0.0);
                    continue;
                };
                let expected = Wide::sum_of_squares(&terms, exponent);
                if exponent < -500 {
                    // too small for a number with all its digits
                    prop_assert!((0.0..1e-298).contains(&got));
                } else {
                    let got = got * f64::from(-exponent).exp2() * f64::from(-exponent).exp2();
                    prop_assert!((got / expected - 1.0).abs() < 1e-14, "{got} {expected}");
                }
            }
        }
    }

    /// The trace of EK-FAC is that of the metric; and both approximations grow with the activations and covectors as they
    /// should, in every axis.
    #[test]
    fn kronecker_factors_know_no_size(
        (inputs, units, rank) in (1..4usize, 1..4usize, 1..3usize),
        examples in 1..8usize,
        panel in 1..4usize,
        numbers in prop::collection::vec((0.2..1.0, -40..40_i32), 64),
        (large, less) in (-600..600_i32, -400..400_i32),
    ) {
        let bring = |at: usize, power: i32| {
            let (mantissa, exponent) = numbers[at];
            mantissa * f64::from(exponent + power).exp2()
        };
        let layer = |powers: (i32, i32)| OneLayer {
            inputs, units, rank, panel,
            has_bias: false,
            read: (0..inputs * examples).map(|k| bring(k, powers.0)).collect(),
            deltas: (0..units * rank * examples).map(|k| bring(63 - k % 40, powers.1)).collect(),
            outputs: vec![0.0; rank * examples],
        };
        let small = (less - large).clamp(-600, 600);
        let back = f64::from(-(large + small)).exp2();
        let (plain, extreme) = (layer((0, 0)), layer((large, small)));
        type Door = fn(&dyn Linearization, &dyn Likelihood) -> Result<KroneckerFisher, MetricError>;
        for door in [KroneckerFisher::kfac as Door, KroneckerFisher::ekfac] {
            let plain = door(&plain, &Gaussian::UNIT).unwrap();
            let extreme = door(&extreme, &Gaussian::UNIT).unwrap();
            let scale = plain.trace();
            prop_assert!((extreme.trace() * back * back / scale - 1.0).abs() < 1e-12);
            let difference = plain.to_dense() - scaled(back * back, &extreme);
            prop_assert!(difference.norm_max() < 1e-12 * scale);
            // A and S share a power of two, so that S ⊗ A is the block
            let block = &extreme.blocks()[0];
            let product = trace(block.input_moment()) * trace(block.unit_moment());
            let expected = trace(plain.blocks()[0].input_moment()) * trace(plain.blocks()[0].unit_moment());
            prop_assert!((product * back * back / expected - 1.0).abs() < 1e-12);
        }
        let ekfac = KroneckerFisher::ekfac(&extreme, &Gaussian::UNIT).unwrap();
        let diagonal = DiagonalFisher::new(&extreme, &Gaussian::UNIT).unwrap();
        prop_assert!((ekfac.trace() / diagonal.trace() - 1.0).abs() < 1e-12);
    }
}

fn trace(matrix: MatRef<'_, f64>) -> f64 {
    matrix.diagonal().column_vector().iter().sum()
}

fn scaled(factor: f64, metric: &dyn Metric) -> Mat<f64> {
    Scale(factor) * metric.to_dense()
}

/// Products that are no numbers themselves.
#[test]
fn moments_that_overflow_are_errors() {
    let huge = OneLayer {
        inputs: 1,
        units: 1,
        rank: 1,
        has_bias: false,
        panel: 1,
        read: vec![1e200],
        deltas: vec![1.0],
        outputs: vec![0.0],
    };
    let not_a_number = OneLayer {
        read: vec![f64::NAN],
        ..huge.clone()
    };
    let infinite = OneLayer {
        deltas: vec![f64::NEG_INFINITY],
        ..huge.clone()
    };
    for layer in [huge, not_a_number, infinite] {
        let outcomes = [
            KroneckerFisher::kfac(&layer, &Gaussian::UNIT).map(drop),
            KroneckerFisher::ekfac(&layer, &Gaussian::UNIT).map(drop),
            DiagonalFisher::new(&layer, &Gaussian::UNIT).map(drop),
        ];
        for outcome in outcomes {
            assert!(
                matches!(outcome, Err(MetricError::NotFinite { .. })),
                "{layer:?} {outcome:?}"
            );
        }
    }
}
