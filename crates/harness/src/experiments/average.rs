//! A mean and how well it is known.

/// The mean of independent values and its standard error, the root of their variance over their number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Average {
    pub(super) mean: f64,
    pub(super) error: f64,
}

impl Average {
    /// Of at least two values; the error is NaN for fewer.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Self {
            mean,
            error: (squares / (n - 1.0) / n).sqrt(),
        }
    }

    /// The same in other units.
    pub(super) fn scaled(self, factor: f64) -> Self {
        Self {
            mean: factor * self.mean,
            error: factor.abs() * self.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Average;

    #[test]
    fn mean_and_error_of_three_values() {
        let average = Average::of([1.0, 2.0, 6.0]);
        assert!((average.mean - 3.0).abs() < 1e-15);
        assert!((average.error - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((average.scaled(-2.0).error - 2.0 * average.error).abs() < 1e-15);
        assert!(Average::of([1.0]).error.is_nan());
    }
}
