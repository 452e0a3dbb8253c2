//! From values to positions along an axis.

use super::{Axis, AxisScale};

/// An axis with limits: maps a value to a position, 0 at the lower and 1 at the upper limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) kind: AxisScale,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Scale {
    /// The scale that shows the values, with so much of their extent left free on each side; what cannot be shown is
    /// left out of account. Limits of the axis's own come first.
    pub(super) fn fit(axis: &Axis, values: impl Iterator<Item = f64>, free: f64) -> Self {
        let kind = axis.scale;
        if let Some((low, high)) = axis.limits {
            return Self { kind, low, high };
        }
        let shown =
            values.filter(|value| value.is_finite() && (kind == AxisScale::Linear || *value > 0.0));
        let extent = shown.fold(None, |extent, value| {
            let (low, high) = extent.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        });
        let (low, high) = match (kind, extent) {
            (AxisScale::Linear, None) => (0.0, 1.0),
            (AxisScale::Log, None) => (1.0, 10.0),
            (AxisScale::Linear, Some((low, high))) => padded_linear(low, high, free),
            (AxisScale::Log, Some((low, high))) => padded_log(low, high, free),
        };
        Self { kind, low, high }
    }

    /// The position of the value, outside 0..=1 if it is outside the limits; none if the scale cannot show it.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        let position = match self.kind {
            // Halves, so that the distance between the largest numbers does not overflow.
            AxisScale::Linear => {
                (0.5 * value - 0.5 * self.low) / (0.5 * self.high - 0.5 * self.low)
            }
            AxisScale::Log if value > 0.0 => {
                (value.log10() - self.low.log10()) / (self.high.log10() - self.low.log10())
            }
            AxisScale::Log => return None,
        };
        position.is_finite().then_some(position)
    }

    /// As [`Self::position`], within 0..=1; what a logarithmic scale cannot show because it is not positive is at 0.
    pub(super) fn clamped(&self, value: f64) -> Option<f64> {
        if self.kind == AxisScale::Log && value <= 0.0 {
            return Some(0.0);
        }
        self.position(value)
            .map(|position| position.clamp(0.0, 1.0))
    }
}

fn padded_linear(low: f64, high: f64, free: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if 0.5 * high - 0.5 * low <= 1e-12 * size {
        let around = if size > 0.0 {
            (0.1 * size).max(f64::MIN_POSITIVE)
        } else {
            1.0
        };
        return ((low - around).max(f64::MIN), (high + around).min(f64::MAX));
    }
    let margin = 2.0 * free * (0.5 * high - 0.5 * low);
    let padded_low = (low - margin).max(f64::MIN);
    // Room below zero would show values that a quantity that is never negative cannot have.
    let padded_low = if low >= 0.0 && padded_low < 0.0 {
        0.0
    } else {
        padded_low
    };
    (padded_low, (high + margin).min(f64::MAX))
}

fn padded_log(low: f64, high: f64, free: f64) -> (f64, f64) {
    let decades = high.log10() - low.log10();
    let margin = if decades < 1e-9 { 0.5 } else { free * decades };
    let factor = 10.0_f64.powf(margin);
    let low = (low / factor).max(f64::MIN_POSITIVE);
    (low, (high * factor).clamp(2.0 * low, f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(axis: &Axis, values: &[f64]) -> Scale {
        Scale::fit(axis, values.iter().copied(), 0.0)
    }

    #[test]
    fn any_values_give_increasing_finite_limits() {
        let tiny = f64::MIN_POSITIVE;
        let sets: [&[f64]; 12] = [
            &[],
            &[f64::NAN, f64::INFINITY],
            &[0.0],
            &[-3.0, -3.0],
            &[1.0, 1.0 + f64::EPSILON],
            &[f64::MIN, f64::MAX],
            &[f64::MAX],
            &[5e-324],
            &[tiny, f64::MAX],
            &[-1.0, 0.0],
            &[1e-300, 2e-300],
            &[1e300, 1e300],
        ];
        for values in sets {
            for axis in [Axis::linear(""), Axis::log("")] {
                let scale = Scale::fit(&axis, values.iter().copied(), 0.05);
                assert!(
                    scale.low.is_finite() && scale.high.is_finite() && scale.low < scale.high,
                    "{values:?} {scale:?}"
                );
                assert!(scale.kind == AxisScale::Linear || scale.low > 0.0);
                for value in values
                    .iter()
                    .filter(|value| value.is_finite() && **value >= tiny)
                {
                    let position = scale.position(*value).unwrap();
                    assert!(
                        (-1e-9..=1.0 + 1e-9).contains(&position),
                        "{values:?} {scale:?} {position}"
                    );
                }
            }
        }
    }

    #[test]
    fn positions_follow_differences_or_ratios() {
        let close =
            |position: Option<f64>, expected: f64| (position.unwrap() - expected).abs() < 1e-12;
        let linear = fit(&Axis::linear(""), &[10.0, 20.0]);
        assert!(close(linear.position(12.5), 0.25));
        let log = fit(&Axis::log(""), &[1e-4, 1.0, -5.0, 0.0]);
        assert!(close(log.position(1e-3), 0.25) && close(log.clamped(-1.0), 0.0));
        assert_eq!(log.position(0.0), None);
        assert_eq!(linear.position(f64::NAN), None);
        assert!(close(linear.clamped(30.0), 1.0));
    }

    #[test]
    fn limits_of_the_axis_come_first() {
        let scale = fit(&Axis::linear("").limits(-1.0, 1.0), &[5.0]);
        assert_eq!((scale.low, scale.high), (-1.0, 1.0));
        for ignored in [
            Axis::linear("").limits(1.0, 1.0),
            Axis::log("").limits(0.0, 1.0),
            Axis::linear("").limits(f64::NAN, 1.0),
        ] {
            assert_eq!(ignored.limits, None);
        }
    }
}
