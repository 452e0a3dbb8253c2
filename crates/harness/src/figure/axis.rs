//! What a coordinate means.

use serde::{Deserialize, Serialize};

/// How values are laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AxisScale {
    /// Equal distances for equal differences.
    Linear,
    /// Equal distances for equal ratios.
    Log,
}

/// A named axis with its unit, scale, and limits if they are not those of the data.
///
/// ```
/// use neuromanifold_harness::Axis;
///
/// let axis = Axis::log("loss").unit("nats").limits(1e-12, 10.0);
/// assert_eq!(axis.heading(), "loss / nats");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The name, in the inline markup of [`crate::record::markup`].
    pub name: String,
    /// The unit; empty for pure numbers.
    pub unit: String,
    /// The scale.
    pub scale: AxisScale,
    /// Lower and upper limit; what lies outside is cut off.
    pub limits: Option<(f64, f64)>,
}

impl Axis {
    /// A linear axis.
    #[must_use]
    pub fn linear(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            unit: String::new(),
            scale: AxisScale::Linear,
            limits: None,
        }
    }

    /// A logarithmic axis.
    #[must_use]
    pub fn log(name: impl Into<String>) -> Self {
        Self {
            scale: AxisScale::Log,
            ..Self::linear(name)
        }
    }

    /// Sets the unit.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Sets the limits. Limits that are not finite, not increasing, or not positive on a logarithmic axis are ignored.
    #[must_use]
    pub fn limits(mut self, low: f64, high: f64) -> Self {
        let drawable = low.is_finite() && high.is_finite() && low < high;
        let positive = self.scale == AxisScale::Linear || low > 0.0;
        self.limits = (drawable && positive).then_some((low, high));
        self
    }

    /// Name and unit: `loss / nats`.
    #[must_use]
    pub fn heading(&self) -> String {
        if self.unit.is_empty() {
            self.name.clone()
        } else {
            format!("{} / {}", self.name, self.unit)
        }
    }
}
