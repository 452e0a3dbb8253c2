//! A set of points with one label.

use serde::{Deserialize, Serialize};

/// How a [`Series`] is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A line.
    Line,
    /// Markers.
    Points,
    /// A line with a marker on each point.
    MarkedLine,
    /// A line within a shaded band.
    Band,
    /// A thin grey line: what theory says, behind what was measured.
    Guide,
}

/// Points with a label and a shape. Series with one label share their colour, dash and marker in a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The label, in the inline markup of [`crate::record::markup`]; an empty one stays out of the legend.
    pub label: String,
    /// How it is drawn.
    pub shape: Shape,
    /// Abscissae.
    #[serde(with = "super::gaps")]
    pub x: Vec<f64>,
    /// Ordinates, as many as abscissae.
    #[serde(with = "super::gaps")]
    pub y: Vec<f64>,
    /// Lower end of the band or of the error bars, empty without them.
    #[serde(with = "super::gaps")]
    pub low: Vec<f64>,
    /// Upper end of the band or of the error bars, empty without them.
    #[serde(with = "super::gaps")]
    pub high: Vec<f64>,
    /// A fixed place in the palette, where figures are to agree with one another.
    pub slot: Option<usize>,
}

impl Series {
    /// A line through the points.
    ///
    /// # Panics
    /// If there are not as many ordinates as abscissae.
    #[must_use]
    #[track_caller]
    pub fn line(
        label: impl Into<String>,
        x: impl IntoIterator<Item = f64>,
        y: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self::shaped(label, Shape::Line, x, y)
    }

    /// Markers on the points.
    ///
    /// # Panics
    /// If there are not as many ordinates as abscissae.
    #[must_use]
    #[track_caller]
    pub fn points(
        label: impl Into<String>,
        x: impl IntoIterator<Item = f64>,
        y: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self::shaped(label, Shape::Points, x, y)
    }

    /// Markers with bars of the given half lengths: usually means with twice their standard errors.
    ///
    /// # Panics
    /// If the three do not have the same length.
    #[must_use]
    #[track_caller]
    pub fn with_errors(
        label: impl Into<String>,
        x: impl IntoIterator<Item = f64>,
        y: impl IntoIterator<Item = f64>,
        errors: impl IntoIterator<Item = f64>,
    ) -> Self {
        let mut series = Self::points(label, x, y);
        let errors: Vec<f64> = errors.into_iter().collect();
        assert_eq!(
            errors.len(),
            series.y.len(),
            "error bars of `{}` against points",
            series.label
        );
        let ends = |sign: f64| series.y.iter().zip(&errors).map(move |(y, e)| y + sign * e);
        (series.low, series.high) = (ends(-1.0).collect(), ends(1.0).collect());
        series
    }

    /// A line through the points with a marker on each: for few points.
    ///
    /// # Panics
    /// If there are not as many ordinates as abscissae.
    #[must_use]
    #[track_caller]
    pub fn marked_line(
        label: impl Into<String>,
        x: impl IntoIterator<Item = f64>,
        y: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self::shaped(label, Shape::MarkedLine, x, y)
    }

    /// A thin grey line for what theory predicts.
    ///
    /// # Panics
    /// If there are not as many ordinates as abscissae.
    #[must_use]
    #[track_caller]
    pub fn guide(
        label: impl Into<String>,
        x: impl IntoIterator<Item = f64>,
        y: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self::shaped(label, Shape::Guide, x, y)
    }

    /// A line (usually the median over seeds) within a band from `low` to `high` (usually quartiles or extremes).
    ///
    /// # Panics
    /// If the four do not have the same length.
    #[must_use]
    #[track_caller]
    pub fn band(
        label: impl Into<String>,
        x: impl IntoIterator<Item = f64>,
        middle: impl IntoIterator<Item = f64>,
        low: impl IntoIterator<Item = f64>,
        high: impl IntoIterator<Item = f64>,
    ) -> Self {
        let mut series = Self::shaped(label, Shape::Band, x, middle);
        series.low = low.into_iter().collect();
        series.high = high.into_iter().collect();
        let lengths = [series.low.len(), series.high.len()];
        assert_eq!(
            lengths,
            [series.x.len(); 2],
            "ends of the band of `{}` against abscissae",
            series.label
        );
        series
    }

    /// Fixes the place in the palette, so that one thing has one colour in several figures.
    #[must_use]
    pub fn slot(mut self, slot: usize) -> Self {
        self.slot = Some(slot);
        self
    }

    #[track_caller]
    fn shaped(
        label: impl Into<String>,
        shape: Shape,
        x: impl IntoIterator<Item = f64>,
        y: impl IntoIterator<Item = f64>,
    ) -> Self {
        let series = Self {
            label: label.into(),
            shape,
            x: x.into_iter().collect(),
            y: y.into_iter().collect(),
            low: Vec::new(),
            high: Vec::new(),
            slot: None,
        };
        assert_eq!(
            series.y.len(),
            series.x.len(),
            "ordinates of `{}` against abscissae",
            series.label
        );
        series
    }
}
