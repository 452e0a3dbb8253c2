//! Which values an axis is marked at, and how the marks are labelled.

use super::AxisScale;
use super::scale::Scale;
use crate::record::number::{power_of_ten, significant};

/// A mark on an axis; small ones have no label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: Option<String>,
}

/// Marks for the scale, about `wanted` of them with a label.
pub(super) fn ticks(scale: &Scale, wanted: usize) -> Vec<Tick> {
    let wanted = wanted.max(2);
    let ticks = match scale.kind {
        AxisScale::Linear => linear(scale, wanted),
        AxisScale::Log => log(scale, wanted),
    };
    let inside = |tick: &Tick| {
        scale
            .position(tick.value)
            .is_some_and(|at| (-1e-9..=1.0 + 1e-9).contains(&at))
    };
    ticks.into_iter().filter(inside).collect()
}

/// Multiples of the smallest of 1, 2, 5 times a power of ten that gives no more than `wanted` intervals.
fn linear(scale: &Scale, wanted: usize) -> Vec<Tick> {
    let rough = 2.0 * ((0.5 * scale.high - 0.5 * scale.low) / wanted as f64);
    let exponent = floor_log10(rough);
    let step_of = |mantissa: f64, exponent: i32| mantissa * 10.0_f64.powi(exponent);
    let candidates = [
        (1.0, exponent),
        (2.0, exponent),
        (5.0, exponent),
        (1.0, exponent + 1),
    ];
    let (mantissa, exponent) = candidates
        .into_iter()
        .find(|&(mantissa, exponent)| step_of(mantissa, exponent) >= rough * (1.0 - 1e-9))
        .unwrap_or((1.0, exponent + 1));
    let step = step_of(mantissa, exponent);
    if !step.is_normal() {
        return Vec::new();
    }
    let first = (scale.low / step).ceil();
    let size = scale.low.abs().max(scale.high.abs());
    (0..=wanted)
        .map(|index| (first + index as f64) * step)
        .map(|value| Tick {
            value,
            label: Some(linear_label(value, exponent, size)),
        })
        .collect()
}

/// The value with the digits that its step has; with a power of ten common to the axis where that is shorter.
fn linear_label(value: f64, step_exponent: i32, size: f64) -> String {
    let exponent = floor_log10(size);
    let scientific = exponent >= 6 || step_exponent <= -5;
    let (shown, power) = if scientific {
        (value / 10.0_f64.powi(exponent), exponent)
    } else {
        (value, 0)
    };
    let decimals = usize::try_from(power - step_exponent).unwrap_or(0).min(15);
    let digits = format!("{:.decimals$}", shown.abs());
    if digits.chars().all(|digit| matches!(digit, '0' | '.')) {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    let factor = if scientific {
        format!("·{}", power_of_ten(exponent))
    } else {
        String::new()
    };
    format!("{sign}{}{factor}", grouped(&digits))
}

/// Thin spaces between groups of three digits in integers of five digits and more.
fn grouped(digits: &str) -> String {
    if digits.contains('.') || digits.len() < 5 {
        return digits.to_owned();
    }
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{2009}');
        }
        grouped.push(digit);
    }
    grouped
}

/// Powers of ten, every so many; if there are hardly any, one, two and five times them; otherwise as on a linear axis.
fn log(scale: &Scale, wanted: usize) -> Vec<Tick> {
    let (first, last) = (floor_log10(scale.low), floor_log10(scale.high) + 1);
    let decades = scale.high.log10() - scale.low.log10();
    if decades < 0.7 {
        return linear(scale, wanted);
    }
    let labelled: &[u32] = if decades < 2.0 { &[1, 2, 5] } else { &[1] };
    let every = (decades / wanted as f64).ceil().max(1.0) as i32;
    let mut ticks = Vec::new();
    for exponent in first..=last {
        let power = 10.0_f64.powi(exponent);
        if exponent.rem_euclid(every) != 0 || power <= 0.0 {
            continue;
        }
        for factor in 1..10_u32 {
            let value = f64::from(factor) * power;
            let label = labelled.contains(&factor).then(|| match factor {
                1 if labelled.len() == 1 => power_of_ten(exponent),
                _ => significant(value, 1),
            });
            if label.is_some() || every == 1 {
                ticks.push(Tick { value, label });
            }
        }
    }
    ticks
}

fn floor_log10(value: f64) -> i32 {
    if value > 0.0 {
        value.log10().floor() as i32
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(kind: AxisScale, low: f64, high: f64, wanted: usize) -> Vec<String> {
        ticks(&Scale { kind, low, high }, wanted)
            .into_iter()
            .filter_map(|tick| tick.label)
            .collect()
    }

    #[test]
    fn linear_labels() {
        use AxisScale::Linear;
        assert_eq!(
            labels(Linear, 0.0, 1.0, 5),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"].map(|l| if l == "0.0" { "0" } else { l })
        );
        assert_eq!(labels(Linear, -0.5, 0.5, 2), ["−0.5", "0", "0.5"]);
        assert_eq!(
            labels(Linear, 0.0, 40_000.0, 4),
            [
                "0",
                "10\u{2009}000",
                "20\u{2009}000",
                "30\u{2009}000",
                "40\u{2009}000"
            ]
        );
        assert_eq!(
            labels(Linear, 0.0, 3e-6, 3),
            ["0", "1·10⁻⁶", "2·10⁻⁶", "3·10⁻⁶"]
        );
        assert_eq!(labels(Linear, 0.0, 2.5e8, 3), ["0", "1·10⁸", "2·10⁸"]);
    }

    #[test]
    fn logarithmic_labels() {
        use AxisScale::Log;
        assert_eq!(labels(Log, 1e-3, 1.0, 5), ["10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        assert_eq!(
            labels(Log, 1e-12, 1.0, 4),
            ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]
        );
        assert_eq!(labels(Log, 0.9, 12.0, 5), ["1", "2", "5", "10"]);
        assert_eq!(
            labels(Log, 1.0, 1.5, 5),
            ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]
        );
    }

    proptest::proptest! {
        #[test]
        fn never_too_many_and_never_without_end(
            low in -300.0..300.0_f64, ratio in 0.001..600.0_f64, wanted in 0_usize..12, sign in proptest::bool::ANY
        ) {
            let (low, high) = (10.0_f64.powf(low), 10.0_f64.powf((low + ratio).min(308.0)));
            proptest::prop_assume!(low < high);
            let log = ticks(&Scale { kind: AxisScale::Log, low, high }, wanted);
            proptest::prop_assert!(log.iter().filter(|tick| tick.label.is_some()).count() <= 2 * wanted.max(2) + 3);
            let (low, high) = if sign { (low, high) } else { (-high, -low) };
            let linear = ticks(&Scale { kind: AxisScale::Linear, low, high }, wanted);
            proptest::prop_assert!(linear.len() <= wanted.max(2) + 1);
        }
    }
}
