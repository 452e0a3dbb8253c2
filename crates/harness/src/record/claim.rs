//! A statement of the theory beside its measurement, judged.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{Quantity, number};

/// A statement, what theory predicts, what was measured, how far apart the two may be, and whether the claim holds.
///
/// The verdict is decided once, by the constructor. A measurement that is not finite never holds, and neither does a
/// comparison with a bound or tolerance that is not finite.
///
/// ```
/// use neuromanifold_harness::Claim;
///
/// assert!(Claim::close("ratio of divergence to ½dθᵀGdθ", 1.0, 1.0004, 1e-3).holds);
/// assert!(Claim::at_least("order of the remainder", 2.9, 2.98).holds);
/// assert!(!Claim::at_most("final loss / nats", 1e-6, f64::NAN).holds);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed, in the inline markup of [`super::markup`]; names the unit where there is one.
    pub statement: String,
    /// The predicted value or bound.
    pub predicted: Quantity,
    /// The measured value.
    pub measured: Quantity,
    /// How far the measurement may be from the prediction: a number is an absolute distance, 0 for bounds.
    pub tolerance: Quantity,
    /// The verdict.
    pub holds: bool,
}

impl Claim {
    /// |measured − predicted| ≤ tolerance.
    #[must_use]
    pub fn close(
        statement: impl Into<String>,
        predicted: f64,
        measured: f64,
        tolerance: f64,
    ) -> Self {
        let holds = (measured - predicted).abs() <= tolerance;
        Self::judged(
            statement,
            predicted,
            measured,
            tolerance,
            holds,
            &[predicted, measured, tolerance],
        )
    }

    /// |measured − predicted| ≤ fraction·|predicted|.
    #[must_use]
    pub fn close_relative(
        statement: impl Into<String>,
        predicted: f64,
        measured: f64,
        fraction: f64,
    ) -> Self {
        let holds = (measured - predicted).abs() <= fraction * predicted.abs();
        let tolerance = format!("{} of predicted", number::percentage(fraction));
        Self::judged(
            statement,
            predicted,
            measured,
            tolerance,
            holds,
            &[predicted, measured, fraction],
        )
    }

    /// measured ≥ bound.
    #[must_use]
    pub fn at_least(statement: impl Into<String>, bound: f64, measured: f64) -> Self {
        let predicted = format!("≥ {}", number::significant(bound, number::DIGITS));
        Self::judged(
            statement,
            predicted,
            measured,
            0.0,
            measured >= bound,
            &[bound, measured],
        )
    }

    /// measured ≤ bound.
    #[must_use]
    pub fn at_most(statement: impl Into<String>, bound: f64, measured: f64) -> Self {
        let predicted = format!("≤ {}", number::significant(bound, number::DIGITS));
        Self::judged(
            statement,
            predicted,
            measured,
            0.0,
            measured <= bound,
            &[bound, measured],
        )
    }

    /// measured ∈ [low, high].
    #[must_use]
    pub fn within(statement: impl Into<String>, range: RangeInclusive<f64>, measured: f64) -> Self {
        let (low, high) = (*range.start(), *range.end());
        let end = |value| number::significant(value, number::DIGITS);
        let predicted = format!("{} … {}", end(low), end(high));
        Self::judged(
            statement,
            predicted,
            measured,
            0.0,
            range.contains(&measured),
            &[low, high, measured],
        )
    }

    /// measured = expected, for counts, ranks and words.
    ///
    /// ```
    /// use neuromanifold_harness::Claim;
    ///
    /// assert!(Claim::equal("nullity of G", 3_usize, 3_usize).holds);
    /// assert!(!Claim::equal("likelihoods that agree", "all", "two of three").holds);
    /// ```
    #[must_use]
    pub fn equal<T: PartialEq + Into<Quantity>>(
        statement: impl Into<String>,
        expected: T,
        measured: T,
    ) -> Self {
        let holds = expected == measured;
        Self::that(statement, expected, measured, "exact", holds)
    }

    /// A claim that the experiment judges itself, with everything in words or numbers of its own.
    ///
    /// Use it only where no other constructor says what is compared. A measured number that is not finite makes the
    /// claim fail whatever `holds` says.
    #[must_use]
    pub fn that(
        statement: impl Into<String>,
        predicted: impl Into<Quantity>,
        measured: impl Into<Quantity>,
        tolerance: impl Into<Quantity>,
        holds: bool,
    ) -> Self {
        let measured = measured.into();
        Self {
            statement: statement.into(),
            predicted: predicted.into(),
            holds: holds && !measured.is_non_finite(),
            measured,
            tolerance: tolerance.into(),
        }
    }

    /// The tolerance for a reader: `± 0.001`, words as they are, a dash where there is none.
    #[must_use]
    pub fn tolerance_shown(&self) -> String {
        match self.tolerance.number() {
            Some(distance) if distance > 0.0 => {
                format!("± {}", number::significant(distance, number::DIGITS))
            }
            Some(_) => "–".to_owned(),
            None => self.tolerance.to_string(),
        }
    }

    fn judged(
        statement: impl Into<String>,
        predicted: impl Into<Quantity>,
        measured: f64,
        tolerance: impl Into<Quantity>,
        holds: bool,
        finite: &[f64],
    ) -> Self {
        let holds = holds && finite.iter().all(|value| value.is_finite());
        Self::that(statement, predicted, measured, tolerance, holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_what_holds() {
        assert!(Claim::close("", 1.0, 1.5, 0.5).holds);
        assert!(!Claim::close("", 1.0, 1.500_001, 0.5).holds);
        assert!(Claim::close_relative("", -100.0, -101.0, 0.01).holds);
        assert!(!Claim::close_relative("", -100.0, -101.1, 0.01).holds);
        assert!(Claim::at_least("", 2.9, 2.9).holds && !Claim::at_least("", 2.9, 2.899).holds);
        assert!(Claim::at_most("", 2.9, 2.9).holds && !Claim::at_most("", 2.9, 2.901).holds);
        assert!(
            Claim::within("", 0.0..=1.0, 1.0).holds && !Claim::within("", 0.0..=1.0, 1.1).holds
        );
        assert!(
            Claim::equal("", 3_usize, 3_usize).holds && !Claim::equal("", 3_usize, 4_usize).holds
        );
    }

    #[test]
    fn what_is_not_finite_never_holds() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let claims = [
                Claim::close("", 1.0, bad, f64::INFINITY),
                Claim::close("", bad, bad, 1.0),
                Claim::close("", 1.0, 1.0, bad),
                Claim::close_relative("", 1.0, bad, 1e300),
                Claim::close_relative("", bad, 1.0, 0.1),
                Claim::at_least("", f64::NEG_INFINITY, bad),
                Claim::at_least("", bad, 1.0),
                Claim::at_most("", f64::INFINITY, bad),
                Claim::at_most("", bad, 1.0),
                Claim::within("", f64::NEG_INFINITY..=f64::INFINITY, bad),
                Claim::equal("", bad, bad),
                Claim::that("", "anything", bad, "any", true),
            ];
            for claim in claims {
                assert!(!claim.holds, "{claim:?}");
            }
        }
    }

    #[test]
    fn json_has_exactly_the_five_fields() {
        let json = serde_json::to_value(Claim::close("ratio", 4.0, 3.99, 0.05)).unwrap();
        let expected = serde_json::json!({
            "statement": "ratio", "predicted": 4.0, "measured": 3.99, "tolerance": 0.05, "holds": true
        });
        assert_eq!(json, expected);
    }
}
