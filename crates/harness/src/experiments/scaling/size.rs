//! Which size is varied, and the networks it is varied on.

use super::representation::Representation;
use super::shape::Shape;
use crate::Effort;

/// Widths and N from one value.
type Family = fn(usize) -> (Vec<usize>, usize);

/// A size that costs depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// P, through the width of one hidden layer.
    Parameters,
    /// N.
    Examples,
    /// r = K − 1, the rank of the output Fisher matrix of K classes.
    Rank,
    /// The number of hidden layers of one width.
    Depth,
}

impl Size {
    pub(super) const ALL: [Self; 4] = [Self::Parameters, Self::Examples, Self::Rank, Self::Depth];

    /// The name of the axis.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Parameters => "parameters P",
            Self::Examples => "examples N",
            Self::Rank => "rank r = K − 1 of K classes",
            Self::Depth => "hidden layers",
        }
    }

    /// The symbol in tables and claims.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Parameters => "P",
            Self::Examples => "N",
            Self::Rank => "r",
            Self::Depth => "depth",
        }
    }

    /// Its value.
    pub(super) fn of(self, shape: &Shape) -> f64 {
        match self {
            Self::Parameters => shape.parameters(),
            Self::Examples => shape.examples as f64,
            Self::Rank => shape.rank() as f64,
            Self::Depth => (shape.widths.len() - 2) as f64,
        }
    }

    /// The exponent as this size alone becomes large. Widths grow with P, and P grows with the depth; with more classes
    /// only the last layer grows, and its covectors.
    pub(super) fn asymptotic(self, representation: Representation) -> f64 {
        match (self, representation) {
            (_, Representation::Operator | Representation::Diagonal) if self != Self::Rank => 1.0,
            (Self::Parameters | Self::Depth | Self::Rank, Representation::Matrix) => 2.0,
            (Self::Examples, Representation::Matrix) => 1.0,
            (Self::Examples, Representation::SampleSpace) => 2.0,
            (Self::Rank, Representation::SampleSpace) => 3.0,
            (_, Representation::SampleSpace) => 1.0,
            (_, Representation::Operator | Representation::Diagonal) => 2.0,
        }
    }

    /// Networks on which the size takes several values, and everything else is large enough for the leading term.
    pub(super) fn shapes(self, representation: Representation, effort: Effort) -> Vec<Shape> {
        use Representation::{Diagonal, Matrix, Operator, SampleSpace};
        let (values, shape): (&[usize], Family) = match (self, representation) {
            (Self::Parameters, Matrix) => (&[16, 24, 32, 48, 64], |m| (vec![16, m, 1], 2048)),
            (Self::Parameters, SampleSpace) => {
                (&[128, 256, 512, 1024, 2048], |m| (vec![16, m, 1], 256))
            }
            (Self::Parameters, Operator | Diagonal) => {
                (&[64, 128, 256, 512, 1024], |m| (vec![16, m, 1], 512))
            }
            (Self::Examples, Matrix) => (&[256, 512, 1024, 2048, 4096], |n| (vec![16, 24, 1], n)),
            (Self::Examples, SampleSpace) => {
                (&[128, 192, 256, 384, 512], |n| (vec![16, 256, 1], n))
            }
            (Self::Examples, Operator | Diagonal) => {
                (&[512, 1024, 2048, 4096, 8192], |n| (vec![16, 64, 1], n))
            }
            (Self::Rank, Matrix) => (&[2, 4, 6, 8, 12], |r| (vec![32, 24, r + 1], 512)),
            (Self::Rank, SampleSpace) => (&[2, 4, 6, 8, 12], |r| (vec![8, 128, r + 1], 64)),
            (Self::Rank, Operator | Diagonal) => {
                (&[2, 4, 8, 16, 32], |r| (vec![2, 512, r + 1], 256))
            }
            (Self::Depth, Matrix) => (&[1, 2, 3, 4, 6], |l| (deep(12, l), 1024)),
            (Self::Depth, _) => (&[2, 4, 6, 8, 12], |l| (deep(64, l), 256)),
        };
        let every = effort.pick(2, 1, 1);
        values
            .iter()
            .step_by(every)
            .map(|&value| {
                let (widths, examples) = shape(value);
                Shape { widths, examples }
            })
            .collect()
    }
}

fn deep(width: usize, layers: usize) -> Vec<usize> {
    let mut widths = vec![width; layers + 1];
    widths.push(1);
    widths
}
