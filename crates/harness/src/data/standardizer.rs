use super::{DataError, Dataset, Task};

/// The affine map that gives each variable mean 0 and standard deviation 1 on the training data.
///
/// z = (x − m)/s with m = 1/N Σ xᵢ and s² = 1/N Σ (xᵢ − m)², both over the examples it was learnt
/// from. Learn it from the training part only: statistics of the test part are information about
/// the test part.
///
/// A variable that is constant there has s = 0; it is given m = its value and s = 1, so that it
/// becomes exactly 0 and a different value in the test part stays finite.
///
/// ```
/// use faer::mat;
/// use neuromanifold_harness::data::{Dataset, Standardizer};
///
/// let inputs = mat![[1.0, 3.0], [7.0, 7.0]];
/// let data = Dataset::regression("two", inputs.as_ref(), mat![[10.0, 30.0]].as_ref())?;
/// let standardizer = Standardizer::inputs_and_targets(&data)?;
/// let standard = standardizer.apply(&data)?;
/// assert_eq!(standard.example(1).input, [1.0, 0.0]);
/// assert_eq!(standard.targets(), [-1.0, 1.0]);
/// // An error of 0.5 on the standardised targets is one of 5 in their own unit.
/// assert_eq!(0.5 * standardizer.target_scales()[0], 5.0);
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Standardizer {
    inputs: Moments,
    targets: Moments,
}

/// Mean and standard deviation of each variable; the identity if there are none.
#[derive(Debug, Clone, PartialEq, Default)]
struct Moments {
    means: Vec<f64>,
    scales: Vec<f64>,
}

impl Standardizer {
    /// Learns to standardise the inputs; targets stay as they are.
    ///
    /// Cost: O(nN).
    ///
    /// # Errors
    /// [`DataError::NoExamples`] for an empty data set; [`DataError::Range`] if a variable's range
    /// overflows.
    pub fn inputs(train: &Dataset) -> Result<Self, DataError> {
        let examples = 0..train.len();
        let columns = examples.map(|index| train.example(index).input);
        let inputs = Moments::of(train, train.input_names(), columns)?;
        Ok(Standardizer {
            inputs,
            targets: Moments::default(),
        })
    }

    /// Learns to standardise the inputs and the targets of a regression.
    ///
    /// Cost: O((n + K)N).
    ///
    /// # Errors
    /// [`DataError::StandardizedLabels`] unless the task is a regression; [`DataError::NoExamples`]
    /// for an empty data set; [`DataError::Range`] if a variable's range overflows.
    pub fn inputs_and_targets(train: &Dataset) -> Result<Self, DataError> {
        let task = train.task();
        if !matches!(task, Task::Regression { .. }) {
            return Err(DataError::StandardizedLabels {
                dataset: train.name().to_owned(),
                task,
            });
        }
        let examples = 0..train.len();
        let columns = examples.map(|index| train.example(index).target);
        let targets = Moments::of(train, train.target_names(), columns)?;
        Ok(Standardizer {
            targets,
            ..Self::inputs(train)?
        })
    }

    /// The means m of the inputs, length n.
    #[must_use]
    pub fn input_means(&self) -> &[f64] {
        &self.inputs.means
    }

    /// The scales s of the inputs, length n: standard deviations, or 1 for constants.
    #[must_use]
    pub fn input_scales(&self) -> &[f64] {
        &self.inputs.scales
    }

    /// The means of the targets, length K; empty if targets are left alone.
    #[must_use]
    pub fn target_means(&self) -> &[f64] {
        &self.targets.means
    }

    /// The scales of the targets, length K; empty if targets are left alone.
    #[must_use]
    pub fn target_scales(&self) -> &[f64] {
        &self.targets.scales
    }

    /// The data with x replaced by (x − m)/s.
    ///
    /// # Errors
    /// [`DataError::Shape`] if the data has other numbers of variables than the training part;
    /// [`DataError::NotFinite`] if a value is so far from the training data that it overflows.
    pub fn apply(&self, data: &Dataset) -> Result<Dataset, DataError> {
        self.map(data, |value, mean, scale| (value - mean) / scale)
    }

    /// The data with z replaced by m + s z: the inverse of [`apply`](Self::apply), up to rounding.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn invert(&self, data: &Dataset) -> Result<Dataset, DataError> {
        self.map(data, |value, mean, scale| mean + scale * value)
    }

    /// Brings predictions for standardised targets back to the unit of the targets, in place.
    ///
    /// `outputs` holds K numbers per example; without standardised targets it is left alone.
    ///
    /// # Panics
    /// If the length is not a multiple of K.
    #[track_caller]
    pub fn invert_outputs(&self, outputs: &mut [f64]) {
        self.targets
            .map(outputs, |value, mean, scale| mean + scale * value);
    }

    fn map(
        &self,
        data: &Dataset,
        affine: impl Fn(f64, f64, f64) -> f64 + Copy,
    ) -> Result<Dataset, DataError> {
        let expected = self.inputs.means.len();
        if data.input_dimension() != expected {
            return Err(data.shape("the number of inputs", expected, data.input_dimension()));
        }
        let expected = self.targets.means.len();
        let found = match data.task() {
            Task::Regression { outputs } => outputs,
            Task::Binary | Task::Classification { .. } => 0,
        };
        if expected != 0 && found != expected {
            return Err(data.shape("the number of real targets", expected, found));
        }
        let (mut inputs, mut targets) = data.numbers();
        self.inputs.map(&mut inputs, affine);
        self.targets.map(&mut targets, affine);
        data.with_numbers(inputs, targets)
    }
}

impl Moments {
    fn of<'a>(
        train: &Dataset,
        names: &[String],
        columns: impl Iterator<Item = &'a [f64]> + Clone,
    ) -> Result<Self, DataError> {
        if train.is_empty() {
            return Err(DataError::NoExamples {
                dataset: train.name().to_owned(),
            });
        }
        let mut moments = Moments::default();
        for (row, name) in names.iter().enumerate() {
            let (mean, scale) = mean_and_scale(columns.clone().map(|column| column[row])).map_err(
                |[least, greatest]| {
                    let (dataset, variable) = (train.name().to_owned(), name.clone());
                    DataError::Range {
                        dataset,
                        variable,
                        least,
                        greatest,
                    }
                },
            )?;
            moments.means.push(mean);
            moments.scales.push(scale);
        }
        Ok(moments)
    }

    #[track_caller]
    fn map(&self, values: &mut [f64], affine: impl Fn(f64, f64, f64) -> f64) {
        if self.means.is_empty() {
            return;
        }
        assert_eq!(
            values.len() % self.means.len(),
            0,
            "not a whole number of examples"
        );
        for column in values.chunks_exact_mut(self.means.len()) {
            for ((value, &mean), &scale) in column.iter_mut().zip(&self.means).zip(&self.scales) {
                *value = affine(*value, mean, scale);
            }
        }
    }
}

/// Mean and standard deviation (1 for a constant), or least and greatest value if their distance
/// overflows.
///
/// Computed on u = (x − least)/range ∈ [0, 1], where neither sums nor squares overflow or underflow.
fn mean_and_scale(values: impl Iterator<Item = f64> + Clone) -> Result<(f64, f64), [f64; 2]> {
    let extend = |(least, greatest): (f64, f64), value| (least.min(value), greatest.max(value));
    let (least, greatest) = values
        .clone()
        .fold((f64::INFINITY, f64::NEG_INFINITY), extend);
    let range = greatest - least;
    if !range.is_finite() {
        return Err([least, greatest]);
    }
    if range <= 0.0 {
        return Ok((least, 1.0));
    }
    let unit = values.map(|value| (value - least) / range);
    let count = unit.clone().count() as f64;
    let mean = unit.clone().sum::<f64>() / count;
    let variance = unit.map(|u| (u - mean) * (u - mean)).sum::<f64>() / count;
    Ok((least + range * mean, range * variance.sqrt()))
}
