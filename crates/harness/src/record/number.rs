//! How numbers are written for a reader, and for another program.

/// Significant digits shown where nobody says otherwise.
pub const DIGITS: usize = 4;

/// Decimal exponents from which on, and up to which, a number is written without a power of ten.
const PLAIN: std::ops::RangeInclusive<i32> = -3..=5;

/// The number with so many significant digits (at least one), for a reader: a true minus sign, and a power of ten where
/// the number is small or large. Digits that the number does not have are not invented: 0.5 stays 0.5.
///
/// ```
/// use neuromanifold_harness::record::number::significant;
///
/// assert_eq!(significant(0.5, 4), "0.5");
/// assert_eq!(significant(0.999_96, 4), "1.000");
/// assert_eq!(significant(-1.2349e-7, 3), "−1.23·10⁻⁷");
/// assert_eq!(significant(1e-10, 4), "10⁻¹⁰");
/// assert_eq!(significant(1797.0, 2), "1797");
/// assert_eq!(significant(f64::NAN, 4), "NaN");
/// ```
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    if value.is_infinite() {
        return format!("{sign}∞");
    }
    let size = value.abs();
    if size < 1e7 && size.fract() <= 0.0 {
        return format!("{}{size}", if size > 0.0 { sign } else { "" });
    }
    let shortest = format!("{size:e}");
    let rounded = format!("{size:.*e}", digits.max(1) - 1);
    let chosen = if shortest.len() <= rounded.len() {
        shortest
    } else {
        rounded
    };
    let (mantissa, exponent) = chosen.split_once('e').unwrap_or((&chosen, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if PLAIN.contains(&exponent) {
        let after_point = mantissa.len().saturating_sub(2);
        let decimals =
            usize::try_from(i64::try_from(after_point).unwrap_or(0) - i64::from(exponent))
                .unwrap_or(0);
        format!("{sign}{size:.decimals$}")
    } else if mantissa == "1" {
        format!("{sign}{}", power_of_ten(exponent))
    } else {
        format!("{sign}{mantissa}·{}", power_of_ten(exponent))
    }
}

/// 10 with a raised exponent: `10⁻³`.
#[must_use]
pub fn power_of_ten(exponent: i32) -> String {
    let digits = exponent.to_string();
    let raised = digits
        .chars()
        .map(|digit| superscript(digit).unwrap_or(digit));
    "10".chars().chain(raised).collect()
}

/// A fraction in per cent, to three digits: `1 %`.
#[must_use]
pub fn percentage(fraction: f64) -> String {
    let rounded: f64 = format!("{:.2e}", 100.0 * fraction)
        .parse()
        .unwrap_or(f64::NAN);
    format!("{} %", significant(rounded, 3))
}

/// A duration for a reader: `0.42 s`, `3 min 05 s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 99.95 {
        let decimals = if seconds < 9.995 { 2 } else { 1 };
        return format!("{seconds:.decimals$} s");
    }
    let minutes = (seconds / 60.0).floor();
    let (minutes, rest) = match (seconds - 60.0 * minutes).round() {
        rest if rest >= 60.0 => (minutes + 1.0, 0.0),
        rest => (minutes, rest),
    };
    format!("{minutes} min {rest:02} s")
}

/// The number with all its digits, in ASCII, so that reading it back gives the same bits.
#[must_use]
pub(crate) fn exact(value: f64) -> String {
    let plain = value.abs() < f64::MIN_POSITIVE || (1e-5..1e16).contains(&value.abs());
    if plain {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

/// Digits and signs in their raised form, and what they are.
const RAISED: [(char, char); 12] = [
    ('⁰', '0'),
    ('¹', '1'),
    ('²', '2'),
    ('³', '3'),
    ('⁴', '4'),
    ('⁵', '5'),
    ('⁶', '6'),
    ('⁷', '7'),
    ('⁸', '8'),
    ('⁹', '9'),
    ('⁻', '−'),
    ('⁺', '+'),
];

/// What a raised digit or sign is.
pub(crate) fn lowered(character: char) -> Option<char> {
    RAISED
        .iter()
        .find(|(raised, _)| *raised == character)
        .map(|(_, plain)| *plain)
}

/// The raised form of a digit, sign or letter.
pub(crate) fn superscript(character: char) -> Option<char> {
    let known = RAISED
        .iter()
        .find(|(raised, plain)| character == *plain || character == *raised);
    if let Some((raised, _)) = known {
        return Some(*raised);
    }
    Some(match character {
        '-' => '⁻',
        'n' => 'ⁿ',
        'i' => 'ⁱ',
        'T' => 'ᵀ',
        _ => return None,
    })
}

/// The lowered form of a digit, sign or letter.
pub(crate) fn subscript(character: char) -> Option<char> {
    Some(match character {
        '0' => '₀',
        '1' => '₁',
        '2' => '₂',
        '3' => '₃',
        '4' => '₄',
        '5' => '₅',
        '6' => '₆',
        '7' => '₇',
        '8' => '₈',
        '9' => '₉',
        '-' | '−' => '₋',
        '+' => '₊',
        'i' => 'ᵢ',
        'j' => 'ⱼ',
        't' => 'ₜ',
        'k' => 'ₖ',
        'n' => 'ₙ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_would_write_them() {
        for (value, digits, expected) in [
            (0.0, 4, "0"),
            (-0.0, 4, "0"),
            (-2.0, 4, "−2"),
            (1e-3, 4, "0.001"),
            (123.456, 4, "123.5"),
            (123_456.7, 3, "123457"),
            (9.9999e-4, 2, "0.0010"),
            (9.999e-4, 4, "9.999·10⁻⁴"),
            (1.5e-5, 4, "1.5·10⁻⁵"),
            (2.5e9, 4, "2.5·10⁹"),
            (f64::INFINITY, 4, "∞"),
            (f64::MIN_POSITIVE, 3, "2.23·10⁻³⁰⁸"),
            (std::f64::consts::PI, 0, "3"),
        ] {
            assert_eq!(significant(value, digits), expected, "{value:e}");
        }
    }

    #[test]
    fn exact_numbers_read_back_to_the_same_bits() {
        for value in [0.1 + 0.2, 1e-300, -2.5e17, 5e-324, f64::MAX, 0.0, 3.0] {
            assert_eq!(
                exact(value).parse::<f64>().unwrap().to_bits(),
                f64::to_bits(value)
            );
        }
    }

    #[test]
    fn durations_and_percentages() {
        assert_eq!(duration(0.416), "0.42 s");
        assert_eq!(duration(42.04), "42.0 s");
        assert_eq!(duration(185.2), "3 min 05 s");
        assert_eq!(duration(119.9), "2 min 00 s");
        assert_eq!(percentage(0.07), "7 %");
        assert_eq!(percentage(0.0025), "0.25 %");
    }
}
