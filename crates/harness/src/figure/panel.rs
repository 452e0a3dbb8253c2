//! One coordinate system with what is drawn in it.

use serde::{Deserialize, Serialize};

use super::{Axis, Map, Series};

/// A line across a panel at one value, with a label beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "direction", rename_all = "kebab-case")]
pub enum Reference {
    /// Across, at one ordinate.
    Horizontal {
        /// The ordinate.
        at: f64,
        /// What it is.
        label: String,
    },
    /// Upright, at one abscissa.
    Vertical {
        /// The abscissa.
        at: f64,
        /// What it is.
        label: String,
    },
}

/// A coordinate system with series, perhaps a map below them, and reference lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// The title, empty for none.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The series, drawn in this order.
    pub series: Vec<Series>,
    /// A map below the series.
    pub map: Option<Map>,
    /// Reference lines.
    pub references: Vec<Reference>,
}

impl Panel {
    /// An empty panel.
    #[must_use]
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            x,
            y,
            series: Vec::new(),
            map: None,
            references: Vec::new(),
        }
    }

    /// Adds a series.
    #[must_use]
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Puts a map below the series.
    #[must_use]
    pub fn map(mut self, map: Map) -> Self {
        self.map = Some(map);
        self
    }

    /// Adds a horizontal line; one at a value that is not finite is left out.
    #[must_use]
    pub fn horizontal(mut self, y: f64, label: impl Into<String>) -> Self {
        let label = label.into();
        self.references.extend(
            y.is_finite()
                .then_some(Reference::Horizontal { at: y, label }),
        );
        self
    }

    /// Adds a vertical line; one at a value that is not finite is left out.
    #[must_use]
    pub fn vertical(mut self, x: f64, label: impl Into<String>) -> Self {
        let label = label.into();
        self.references.extend(
            x.is_finite()
                .then_some(Reference::Vertical { at: x, label }),
        );
        self
    }
}
