use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::{DataError, Dataset, Task};

/// The extended exclusive-or problem: Gaussian clusters on a checkerboard, neighbours of opposite
/// class.
///
/// Clusters are centred on a `side` × `side` grid around the origin, `spacing` apart; that in row r and
/// column c has class (r + c) mod 2 and isotropic standard deviation `deviation`. For `side` = 2 this
/// is a noisy exclusive or; the default, nine clusters, has five of class 0 (corners and centre) and
/// four of class 1. All clusters have the same number of examples; example i is from cluster i mod
/// `side`², so that every stretch of the data set has all of them.
///
/// With the default deviation of 0.2 spacings the rule "the class of the nearest centre" errs on
/// 1.64 % of new examples.
///
/// The problem is in the spirit of the one with which adaptive natural gradient learning was
/// introduced; the numbers are our own definition, not a reconstruction of that article's.
///
/// # References
/// H. Park, S. Amari and K. Fukumizu, Adaptive natural gradient learning algorithms for various
/// stochastic models, Neural Networks 13 (2000) 755–764, doi:10.1016/S0893-6080(00)00051-4.
///
/// ```
/// use neuromanifold_harness::data::ExtendedXor;
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let data = ExtendedXor::default().generate(&mut ChaCha8Rng::seed_from_u64(1))?;
/// assert_eq!(data.class_counts(), [1000, 800]);
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ExtendedXor {
    /// Clusters along each axis; at least 2.
    pub side: usize,
    /// The distance of neighbouring centres.
    pub spacing: f64,
    /// The standard deviation of a cluster along each axis.
    pub deviation: f64,
    /// The examples of each cluster.
    pub examples_per_cluster: usize,
}

impl Default for ExtendedXor {
    fn default() -> Self {
        ExtendedXor {
            side: 3,
            spacing: 1.0,
            deviation: 0.2,
            examples_per_cluster: 200,
        }
    }
}

impl ExtendedXor {
    /// Draws a data set; two normal variates per example, in the order of the examples.
    ///
    /// # Errors
    /// [`DataError::Parameter`] for fewer than two clusters a side, a spacing that is not positive, a
    /// negative deviation, or no examples.
    pub fn generate<R: Rng + ?Sized>(&self, rng: &mut R) -> Result<Dataset, DataError> {
        self.check()?;
        let clusters = self.side * self.side;
        let examples = clusters * self.examples_per_cluster;
        let (mut inputs, mut labels) = (
            Vec::with_capacity(2 * examples),
            Vec::with_capacity(examples),
        );
        for example in 0..examples {
            let (row, column) = (example % clusters / self.side, example % self.side);
            for place in [column, row] {
                let centre = self.spacing * (place as f64 - (self.side - 1) as f64 / 2.0);
                inputs.push(centre + self.deviation * rng.sample::<f64, _>(StandardNormal));
            }
            labels.push(((row + column) % 2) as f64);
        }
        Dataset::from_columns("extended-xor", Task::Binary, 2, inputs, labels)?
            .with_class_names(["even", "odd"])
    }

    fn check(&self) -> Result<(), DataError> {
        let Self {
            side,
            spacing,
            deviation,
            examples_per_cluster,
        } = *self;
        let positive = spacing > 0.0 && spacing.is_finite();
        let not_negative = deviation >= 0.0 && deviation.is_finite();
        for (parameter, value, holds, requirement) in [
            ("side", side as f64, side >= 2, "at least 2"),
            ("spacing", spacing, positive, "positive and finite"),
            (
                "deviation",
                deviation,
                not_negative,
                "not negative and finite",
            ),
            (
                "examples_per_cluster",
                examples_per_cluster as f64,
                examples_per_cluster > 0,
                "at least 1",
            ),
        ] {
            if !holds {
                let object = "ExtendedXor";
                return Err(DataError::Parameter {
                    object,
                    parameter,
                    value,
                    requirement,
                });
            }
        }
        Ok(())
    }
}
