//! A sample of runs in three numbers.

/// Median, smallest and largest of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Spread {
    /// NaN counts as worse than infinity; all three are NaN for an empty sample.
    pub(super) fn of(sample: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = sample.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let Some((low, high)) = values.first().zip(values.last()) else {
            return Self {
                median: f64::NAN,
                low: f64::NAN,
                high: f64::NAN,
            };
        };
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Self {
            median,
            low: *low,
            high: *high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn medians_of_odd_even_and_unfinished_samples() {
        assert_eq!(
            Spread::of([3.0, 1.0, 2.0]),
            Spread {
                median: 2.0,
                low: 1.0,
                high: 3.0
            }
        );
        assert!((Spread::of([4.0, 1.0]).median - 2.5).abs() < 1e-15);
        assert!(Spread::of([1.0, f64::INFINITY, 2.0]).high.is_infinite());
        assert!(Spread::of([]).median.is_nan());
    }
}
