mod construction;

use faer::MatRef;

use super::{DataError, Task};

/// N examples of inputs x ∈ ℝⁿ and their targets.
///
/// Inputs are a column-major n×N matrix without padding: one example is one contiguous column.
/// Targets are one flat slice in the form the likelihoods take: for [`Task::Regression`] a
/// column-major K×N matrix, for labels one class index per example, as `f64`.
///
/// All numbers are finite and all labels below the number of classes: the constructors check. A
/// data set may have no examples (the validation part of a split without one), but never no inputs.
///
/// ```
/// use faer::mat;
/// use neuromanifold_harness::data::{Dataset, Task};
///
/// // Three examples of two inputs.
/// let inputs = mat![[0.0, 1.0, 2.0], [0.5, 0.0, -0.5]];
/// let data = Dataset::classification("toy", inputs.as_ref(), &[0, 2, 1], 3)?;
/// assert_eq!(data.task(), Task::Classification { classes: 3 });
/// assert_eq!(data.targets(), [0.0, 2.0, 1.0]);
/// assert_eq!(data.example(2).input, [2.0, -0.5]);
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    name: String,
    task: Task,
    dimension: usize,
    inputs: Vec<f64>,
    targets: Vec<f64>,
    input_names: Vec<String>,
    target_names: Vec<String>,
    class_names: Vec<String>,
}

/// One example: a column of inputs and its target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Example<'a> {
    /// x, of length n.
    pub input: &'a [f64],
    /// K numbers for regression, one class index for labels.
    pub target: &'a [f64],
}

impl Dataset {
    /// What the data set is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is to be learnt, and so which likelihood the targets are meant for.
    #[must_use]
    pub fn task(&self) -> Task {
        self.task
    }

    /// N, the number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inputs.len() / self.dimension
    }

    /// Whether there are no examples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// n, the number of inputs of one example.
    #[must_use]
    pub fn input_dimension(&self) -> usize {
        self.dimension
    }

    /// K, the number of outputs of a model for this data.
    #[must_use]
    pub fn output_dimension(&self) -> usize {
        self.task.outputs()
    }

    /// X ∈ ℝ^{n×N}, one example a column; column-major and without padding.
    #[must_use]
    pub fn inputs(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.inputs, self.dimension, self.len())
    }

    /// The targets of all examples, one after the other, as the likelihoods take them.
    #[must_use]
    pub fn targets(&self) -> &[f64] {
        &self.targets
    }

    /// The example with this index, without a copy: what on-line learning asks for.
    ///
    /// # Panics
    /// If `index` is not below N.
    #[must_use]
    #[track_caller]
    pub fn example(&self, index: usize) -> Example<'_> {
        let width = self.task.targets_per_example();
        Example {
            input: &self.inputs[index * self.dimension..(index + 1) * self.dimension],
            target: &self.targets[index * width..(index + 1) * width],
        }
    }

    /// The names of the n inputs.
    #[must_use]
    pub fn input_names(&self) -> &[String] {
        &self.input_names
    }

    /// The names of the targets: K for regression, one for labels.
    #[must_use]
    pub fn target_names(&self) -> &[String] {
        &self.target_names
    }

    /// The names of the classes in order of their index; empty for regression.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// How many examples each class has; empty for regression.
    #[must_use]
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_names.len()];
        if !counts.is_empty() {
            for &label in &self.targets {
                counts[label as usize] += 1;
            }
        }
        counts
    }

    /// The examples with these indices, in this order; an index may occur more than once.
    ///
    /// # Panics
    /// If an index is not below N.
    #[must_use]
    #[track_caller]
    pub fn select(&self, indices: &[usize]) -> Dataset {
        let examples = || indices.iter().map(|&index| self.example(index));
        Dataset {
            inputs: examples()
                .flat_map(|example| example.input)
                .copied()
                .collect(),
            targets: examples()
                .flat_map(|example| example.target)
                .copied()
                .collect(),
            ..self.without_examples()
        }
    }

    /// Copies of the flat inputs and targets.
    pub(in crate::data) fn numbers(&self) -> (Vec<f64>, Vec<f64>) {
        (self.inputs.clone(), self.targets.clone())
    }

    /// The same description over other numbers.
    ///
    /// # Errors
    /// [`DataError::NotFinite`] if the numbers are not.
    pub(in crate::data) fn with_numbers(
        &self,
        inputs: Vec<f64>,
        targets: Vec<f64>,
    ) -> Result<Dataset, DataError> {
        debug_assert_eq!(
            inputs.len() * self.task.targets_per_example(),
            targets.len() * self.dimension
        );
        let data = Dataset {
            inputs,
            targets,
            ..self.without_examples()
        };
        data.check_finite()?;
        Ok(data)
    }

    fn without_examples(&self) -> Dataset {
        Dataset {
            name: self.name.clone(),
            task: self.task,
            dimension: self.dimension,
            inputs: Vec::new(),
            targets: Vec::new(),
            input_names: self.input_names.clone(),
            target_names: self.target_names.clone(),
            class_names: self.class_names.clone(),
        }
    }
}
