use super::{DataError, Dataset, MackeyGlass, Task};

/// Prediction of a time series from its past: inputs s(t − lag) for each lag, target s(t + horizon).
///
/// Example i is at the time t = `first` + i, so examples are in the order of time; split them with
/// [`Split::chronological`](super::Split::chronological). The default value is the benchmark set-up
/// on the Mackey–Glass series: s(t−18), s(t−12), s(t−6), s(t) predict s(t+6), at t = 118, …, 1117.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelayEmbedding {
    /// How far back each input is; inputs come in this order.
    pub lags: Vec<usize>,
    /// How far ahead the target is.
    pub horizon: usize,
    /// The time t of the first example.
    pub first: usize,
    /// N, the number of examples.
    pub examples: usize,
}

impl Default for DelayEmbedding {
    fn default() -> Self {
        DelayEmbedding {
            lags: vec![18, 12, 6, 0],
            horizon: 6,
            first: 118,
            examples: 1000,
        }
    }
}

impl DelayEmbedding {
    /// The last time of the series that is needed.
    #[must_use]
    pub fn last(&self) -> usize {
        (self.first + self.horizon + self.examples).saturating_sub(1)
    }

    /// The regression data set of a series s(0), s(1), ….
    ///
    /// # Errors
    /// [`DataError::ShortSeries`] if the series ends before [`last`](Self::last);
    /// [`DataError::Parameter`] if a lag reaches before s(0); [`DataError::Shape`] without lags;
    /// [`DataError::NotFinite`] if the series is not finite.
    pub fn dataset(&self, name: impl Into<String>, series: &[f64]) -> Result<Dataset, DataError> {
        if series.len() <= self.last() {
            let (available, needed) = (series.len(), self.last() + 1);
            return Err(DataError::ShortSeries { available, needed });
        }
        if let Some(&lag) = self.lags.iter().find(|&&lag| lag > self.first) {
            let (object, parameter, requirement) = ("DelayEmbedding", "lag", "at most `first`");
            return Err(DataError::Parameter {
                object,
                parameter,
                value: lag as f64,
                requirement,
            });
        }
        let times = self.first..self.first + self.examples;
        let inputs = times
            .clone()
            .flat_map(|t| self.lags.iter().map(move |lag| series[t - lag]));
        let targets = times.map(|t| series[t + self.horizon]);
        let task = Task::Regression { outputs: 1 };
        let (inputs, targets) = (inputs.collect(), targets.collect());
        Dataset::from_columns(name, task, self.lags.len(), inputs, targets)?
            .with_input_names(self.lags.iter().map(|lag| match lag {
                0 => "s(t)".to_owned(),
                lag => format!("s(t-{lag})"),
            }))?
            .with_target_names([format!("s(t+{})", self.horizon)])
    }
}

/// The benchmark of predicting the Mackey–Glass series: 4 inputs, 1 target, 1000 examples in order of
/// time, the first 500 for training and the last 500 for test.
///
/// The default [`MackeyGlass`] under the default [`DelayEmbedding`], without scaling.
///
/// ```
/// use neuromanifold_harness::data::{Fractions, Split, mackey_glass};
///
/// let data = mackey_glass()?;
/// let parts = Split::chronological(data.len(), Fractions::new(0.0, 0.5)?)?.apply(&data);
/// assert_eq!((parts.train.len(), parts.test.len()), (500, 500));
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
///
/// # Errors
/// None in practice; the signature is that of the steps it is made of.
pub fn mackey_glass() -> Result<Dataset, DataError> {
    let embedding = DelayEmbedding::default();
    let series = MackeyGlass::default().series(embedding.last())?;
    embedding.dataset("mackey-glass", &series)
}
