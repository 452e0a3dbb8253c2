use rand::Rng;
use rand::seq::SliceRandom;

use super::{DataError, Dataset};

/// The fractions of the examples set aside for validation and test; the rest is for training.
///
/// ```
/// use neuromanifold_harness::data::Fractions;
///
/// let fractions = Fractions::new(0.1, 0.2)?;
/// assert_eq!(fractions.counts(50)?, [35, 5, 10]);
/// assert!(Fractions::new(0.5, 0.5).is_err());
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fractions {
    validation: f64,
    test: f64,
}

impl Fractions {
    /// Sets aside these fractions; either may be zero.
    ///
    /// # Errors
    /// [`DataError::Parameter`] unless both are at least 0 and their sum is below 1.
    pub fn new(validation: f64, test: f64) -> Result<Self, DataError> {
        let at_least_0 = "at least 0 and below 1";
        let cases = [
            (
                "validation",
                validation,
                (0.0..1.0).contains(&validation),
                at_least_0,
            ),
            ("test", test, (0.0..1.0).contains(&test), at_least_0),
            (
                "validation + test",
                validation + test,
                validation + test < 1.0,
                "below 1",
            ),
        ];
        match cases.into_iter().find(|&(_, _, holds, _)| !holds) {
            None => Ok(Fractions { validation, test }),
            Some((parameter, value, _, requirement)) => Err(DataError::Parameter {
                object: "Fractions",
                parameter,
                value,
                requirement,
            }),
        }
    }

    /// The numbers of training, validation and test examples out of `examples`.
    ///
    /// Validation and test counts are rounded to the nearest integer, half away from zero; training
    /// takes what is left.
    ///
    /// # Errors
    /// [`DataError::EmptyPart`] if the training part, or one whose fraction is positive, would have
    /// no examples.
    pub fn counts(self, examples: usize) -> Result<[usize; 3], DataError> {
        let share = |fraction: f64| (fraction * examples as f64).round() as usize;
        let (validation, test) = (share(self.validation), share(self.test));
        let training = examples.saturating_sub(validation + test);
        for (part, count, wanted) in [
            ("training", training, true),
            ("validation", validation, self.validation > 0.0),
            ("test", test, self.test > 0.0),
        ] {
            if wanted && count == 0 {
                return Err(DataError::EmptyPart { part, examples });
            }
        }
        Ok([training, validation, test])
    }
}

/// Which examples are for training, which for validation and which for test.
///
/// A partition: each index 0 … N−1 is in exactly one part. Validation chooses learning rates and the
/// like; the test part is looked at once.
///
/// ```
/// use neuromanifold_harness::data::{Fractions, Split};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(3);
/// let split = Split::random(10, Fractions::new(0.2, 0.3)?, &mut rng)?;
/// assert_eq!((split.train().len(), split.validation().len(), split.test().len()), (5, 2, 3));
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    order: Vec<usize>,
    training: usize,
    validation: usize,
}

/// The three data sets of a [`Split`].
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// To fit θ (and a [`Standardizer`](super::Standardizer)) on.
    pub train: Dataset,
    /// To choose settings on; empty if its fraction was zero.
    pub validation: Dataset,
    /// To report on; empty if its fraction was zero.
    pub test: Dataset,
}

impl Split {
    /// A split in which every partition with these counts is equally likely.
    ///
    /// Each part keeps its examples in random order. Cost: O(N).
    ///
    /// # Errors
    /// [`DataError::EmptyPart`] if there are too few examples.
    pub fn random<R: Rng + ?Sized>(
        examples: usize,
        fractions: Fractions,
        rng: &mut R,
    ) -> Result<Self, DataError> {
        let mut split = Self::chronological(examples, fractions)?;
        split.order.shuffle(rng);
        Ok(split)
    }

    /// A split in the given order, as a time series needs it: the first examples are for training,
    /// the next for validation, the last for test, so that nothing from the future is learnt from.
    ///
    /// # Errors
    /// [`DataError::EmptyPart`] if there are too few examples.
    pub fn chronological(examples: usize, fractions: Fractions) -> Result<Self, DataError> {
        let [training, validation, _] = fractions.counts(examples)?;
        Ok(Split {
            order: (0..examples).collect(),
            training,
            validation,
        })
    }

    /// N, the number of examples split.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.order.len()
    }

    /// The indices of the training examples.
    #[must_use]
    pub fn train(&self) -> &[usize] {
        &self.order[..self.training]
    }

    /// The indices of the validation examples.
    #[must_use]
    pub fn validation(&self) -> &[usize] {
        &self.order[self.training..self.training + self.validation]
    }

    /// The indices of the test examples.
    #[must_use]
    pub fn test(&self) -> &[usize] {
        &self.order[self.training + self.validation..]
    }

    /// Copies the examples of a data set into three.
    ///
    /// # Panics
    /// If the data set does not have N examples.
    #[must_use]
    #[track_caller]
    pub fn apply(&self, data: &Dataset) -> Parts {
        assert_eq!(
            data.len(),
            self.examples(),
            "a split of another number of examples"
        );
        Parts {
            train: data.select(self.train()),
            validation: data.select(self.validation()),
            test: data.select(self.test()),
        }
    }
}
