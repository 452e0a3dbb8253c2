//! A value of a claim or a table cell: a finite number, or words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number;

/// A finite number, or text. A number that is not finite becomes text (`NaN`, `∞`, `−∞`), since JSON has no word for it
/// and no reader should mistake it for a value.
///
/// ```
/// use neuromanifold_harness::Quantity;
///
/// assert_eq!(Quantity::from(0.25).number(), Some(0.25));
/// assert_eq!(Quantity::from(f64::NAN).number(), None);
/// assert_eq!(Quantity::from(f64::NEG_INFINITY).to_string(), "−∞");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// A finite number.
    Number(f64),
    /// Words, in the inline markup of [`super::markup`].
    Text(String),
}

impl Quantity {
    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Text(_) => None,
        }
    }

    /// Whether this is what a number that is not finite becomes.
    pub(crate) fn is_non_finite(&self) -> bool {
        matches!(self, Self::Text(text) if matches!(text.as_str(), "NaN" | "∞" | "−∞"))
    }

    /// The value for a human reader, numbers with so many significant digits.
    #[must_use]
    pub fn display(&self, digits: usize) -> String {
        match self {
            Self::Number(value) => number::significant(*value, digits),
            Self::Text(text) => text.clone(),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.display(number::DIGITS))
    }
}

impl From<f64> for Quantity {
    fn from(value: f64) -> Self {
        if value.is_finite() {
            Self::Number(value)
        } else {
            Self::Text(number::significant(value, number::DIGITS))
        }
    }
}

impl From<usize> for Quantity {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of examples and parameters are far below 2^53"
    )]
    fn from(value: usize) -> Self {
        Self::Number(value as f64)
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Quantity {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
