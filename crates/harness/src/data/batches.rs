use faer::MatRef;
use rand::Rng;
use rand::seq::SliceRandom;

use super::{DataError, Dataset};

/// Mini-batches of a data set, gathered into a buffer that is used again for each.
///
/// An epoch visits every example exactly once, b at a time; the last batch is smaller if b does not
/// divide N. [`shuffle`](Self::shuffle) starts an epoch in random order,
/// [`in_order`](Self::in_order) one in the order of the data set, which is also where a new `Batches`
/// stands.
///
/// A batch borrows the buffer, so this is no [`Iterator`]: loop with `while let`.
///
/// ```
/// use neuromanifold_harness::data::{Batches, diabetes};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let data = diabetes()?;
/// let mut rng = ChaCha8Rng::seed_from_u64(5);
/// let mut batches = Batches::new(&data, 32)?;
/// for _epoch in 0..2 {
///     batches.shuffle(&mut rng);
///     while let Some(batch) = batches.next_batch() {
///         assert_eq!(batch.inputs.ncols(), batch.targets.len());
///     }
/// }
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    data: &'a Dataset,
    size: usize,
    order: Vec<usize>,
    position: usize,
    inputs: Vec<f64>,
    targets: Vec<f64>,
}

/// One mini-batch of b examples.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The inputs, n×b.
    pub inputs: MatRef<'a, f64>,
    /// The targets, flat, as [`Dataset::targets`].
    pub targets: &'a [f64],
    /// Which examples of the data set these are.
    pub examples: &'a [usize],
}

impl<'a> Batches<'a> {
    /// Batches of `size` examples, in the order of the data set.
    ///
    /// A size above N gives one batch of all.
    ///
    /// # Errors
    /// [`DataError::Parameter`] if the size is zero; [`DataError::NoExamples`] if the data set is
    /// empty.
    pub fn new(data: &'a Dataset, size: usize) -> Result<Self, DataError> {
        if data.is_empty() {
            return Err(DataError::NoExamples {
                dataset: data.name().to_owned(),
            });
        }
        if size == 0 {
            let (object, parameter, requirement) = ("Batches", "size", "at least 1");
            return Err(DataError::Parameter {
                object,
                parameter,
                value: 0.0,
                requirement,
            });
        }
        let size = size.min(data.len());
        Ok(Batches {
            data,
            size,
            order: (0..data.len()).collect(),
            position: 0,
            inputs: Vec::with_capacity(size * data.input_dimension()),
            targets: Vec::with_capacity(size * data.task().targets_per_example()),
        })
    }

    /// The number of batches of an epoch, ⌈N/b⌉.
    #[must_use]
    pub fn per_epoch(&self) -> usize {
        self.data.len().div_ceil(self.size)
    }

    /// Starts an epoch in random order, every order equally likely.
    ///
    /// The order depends on the state of `rng` alone and not on earlier epochs, so that a run can
    /// resume at any epoch.
    pub fn shuffle<R: Rng + ?Sized>(&mut self, rng: &mut R) {
        self.in_order();
        self.order.shuffle(rng);
    }

    /// Starts an epoch in the order of the data set.
    pub fn in_order(&mut self) {
        self.position = 0;
        for (index, example) in self.order.iter_mut().enumerate() {
            *example = index;
        }
    }

    /// The next batch of the epoch, or `None` at its end.
    ///
    /// Cost: a copy of b columns; no allocation.
    pub fn next_batch(&mut self) -> Option<Batch<'_>> {
        let end = (self.position + self.size).min(self.order.len());
        let examples = &self.order[self.position..end];
        if examples.is_empty() {
            return None;
        }
        self.position = end;
        self.inputs.clear();
        self.targets.clear();
        for &index in examples {
            let example = self.data.example(index);
            self.inputs.extend_from_slice(example.input);
            self.targets.extend_from_slice(example.target);
        }
        let dimension = self.data.input_dimension();
        let inputs = MatRef::from_column_major_slice(&self.inputs, dimension, examples.len());
        Some(Batch {
            inputs,
            targets: &self.targets,
            examples,
        })
    }
}
