//! What is timed, and how many multiplications it should take.

use std::hint::black_box;

use neuromanifold_geometry::{
    ConjugateGradients, DenseFisher, DiagonalFisher, FisherOperator, GramFisher, Metric,
    MetricError,
};
use neuromanifold_model::{Likelihood, Linearization};

use super::shape::Shape;

/// A way to hold the metric, with the work that is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Representation {
    /// `G` as a matrix: all its entries.
    Matrix,
    /// `K = AᵀA`: all its entries.
    SampleSpace,
    /// One product `G v`.
    Operator,
    /// The diagonal of `G`.
    Diagonal,
}

/// Nothing is solved here.
const NEVER: ConjugateGradients = ConjugateGradients {
    tolerance: 1e-8,
    max_products: 0,
};

impl Representation {
    pub(super) const ALL: [Self; 4] = [
        Self::Matrix,
        Self::SampleSpace,
        Self::Operator,
        Self::Diagonal,
    ];

    /// Its name in figures and tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Matrix => "G as a matrix",
            Self::SampleSpace => "K = AᵀA",
            Self::Operator => "a product G v",
            Self::Diagonal => "the diagonal of G",
        }
    }

    /// Its place in the palette.
    pub(super) fn slot(self) -> usize {
        self as usize
    }

    /// Multiplications of the algorithm, to leading order in each size.
    ///
    /// The matrix: the `r` covectors of an example are contracted first, and what remains of the block of two layers is a
    /// product over pairs of units and pairs of inputs, unordered pairs in a layer's own block. Sample space:
    /// `⟨δ ⊗ a, δ' ⊗ a'⟩ = (δ·δ')(a·a')` layer by layer, after `rN` covectors were carried back. The product: a pass
    /// forward with tangents and a pass back, two products with every weight each, and the factor of the likelihood twice.
    /// The diagonal: covectors carried back, and the outer product of the squares.
    pub(super) fn multiplications(self, shape: &Shape) -> f64 {
        let (n, r) = (shape.examples as f64, shape.rank() as f64);
        let columns = r * n;
        match self {
            Self::Matrix => {
                let mut total = 0.0;
                for (index, (a, d)) in shape.layers().enumerate() {
                    total += d * (d + 1.0) / 2.0 * (a * (a + 1.0) / 2.0);
                    let above = shape.layers().skip(index + 1);
                    total += above.map(|(b, e)| a * b * d * e).sum::<f64>();
                }
                n * total
            }
            Self::SampleSpace => {
                let inner = |(a, d): (f64, f64)| n * n * a / 2.0 + columns * columns * d / 2.0;
                shape.layers().map(inner).sum::<f64>() + columns * carried(shape)
            }
            Self::Operator => {
                let factor = 2.0 * r * shape.outputs() as f64;
                n * (4.0 * shape.parameters() + factor)
            }
            Self::Diagonal => columns * carried(shape) + n * shape.parameters(),
        }
    }

    /// The work, ready to be done again and again.
    pub(super) fn work<'a>(
        self,
        at: &'a dyn Linearization,
        likelihood: &'a dyn Likelihood,
    ) -> Result<Box<dyn FnMut() -> Result<(), MetricError> + 'a>, MetricError> {
        Ok(match self {
            Self::Matrix => Box::new(move || {
                black_box(DenseFisher::new(at, likelihood)?);
                Ok(())
            }),
            Self::SampleSpace => Box::new(move || {
                black_box(GramFisher::new(at, likelihood)?);
                Ok(())
            }),
            Self::Diagonal => Box::new(move || {
                black_box(DiagonalFisher::new(at, likelihood)?);
                Ok(())
            }),
            Self::Operator => {
                let operator = FisherOperator::new(at, likelihood, NEVER)?;
                let tangent = vec![1.0; operator.dim()];
                let mut image = tangent.clone();
                Box::new(move || {
                    operator.lower(&tangent, &mut image);
                    black_box(&image);
                    Ok(())
                })
            }
        })
    }
}

/// Multiplications that carry one covector from the outputs back to all layers.
fn carried(shape: &Shape) -> f64 {
    shape.layers().skip(1).map(|(a, d)| a * d).sum()
}

#[cfg(test)]
mod tests {
    use super::{Representation, Shape};

    /// One layer of 2 inputs and 1 unit, three examples: G has 3·4/2 entries, K has 3·4/2.
    #[test]
    fn a_linear_unit_is_counted_by_hand() {
        let shape = Shape {
            widths: vec![2, 1],
            examples: 3,
        };
        let counts = Representation::ALL.map(|r| r.multiplications(&shape));
        // 3 examples · 6 entries; 9/2 (a·a' and δ·δ'); 3 · (4·3 parameters + 2); 3 examples · 3 parameters
        let by_hand = [18.0, 4.5 * 3.0 + 4.5, 42.0, 9.0];
        for (count, by_hand) in counts.iter().zip(by_hand) {
            assert!((count - by_hand).abs() < 1e-12, "{counts:?}");
        }
    }

    /// With one output the contracted matrix needs fewer multiplications than half of P² an example, and never fewer than
    /// a quarter.
    #[test]
    fn the_symmetries_save_at_most_half_of_a_triangle() {
        for widths in [vec![20, 48, 1], vec![3, 5, 4, 1], vec![7, 1]] {
            let shape = Shape {
                widths,
                examples: 1,
            };
            let p = shape.parameters();
            let triangle = p * (p + 1.0) / 2.0;
            let count = Representation::Matrix.multiplications(&shape);
            assert!(count <= triangle && count >= 0.5 * triangle, "{shape:?}");
        }
    }
}
