//! Figures as data: what is shown against what, on which scale; [`inline`] and [`standalone`] draw it.
//!
//! A [`Figure`] has one [`Panel`] or several small multiples. A panel has two [`Axis`], [`Series`], possibly a [`Map`]
//! below them, and [`Reference`] lines. Series with one label have one colour, dash and marker in all panels of a
//! figure. Values that are not finite are gaps; on a logarithmic axis so are values that are not positive.

mod axis;
mod canvas;
mod colour;
mod curve;
mod gaps;
mod ink;
mod layout;
mod legend;
mod lettering;
mod map;
mod note;
mod panel;
mod plot;
mod scale;
mod series;
mod svg;
mod thin;
mod ticks;

pub use axis::{Axis, AxisScale};
pub use map::Map;
pub use panel::{Panel, Reference};
pub use series::{Series, Shape};
pub use svg::{Setting, inline, inline_style, standalone};

use serde::{Deserialize, Serialize};

use crate::record::csv_text;
use crate::record::number::exact;

/// A figure: a file name, a caption, and one or more panels.
///
/// ```
/// use neuromanifold_harness::{Axis, Figure, Panel, Series};
///
/// let steps = [1.0, 10.0, 100.0];
/// let figure = Figure::new("learning", "Loss against steps.", Axis::log("step"), Axis::log("loss").unit("nats"))
///     .with(Series::band("natural gradient", steps, [1.0, 1e-3, 1e-9], [0.5, 1e-4, 1e-10], [2.0, 1e-2, 1e-8]))
///     .with(Series::line("gradient descent", steps, [1.0, 0.5, 0.3]));
/// assert_eq!(figure.panels.len(), 1);
///
/// let panels = ["digits", "concrete"].map(|data| {
///     Panel::new(data, Axis::linear("step"), Axis::linear("error")).with(Series::line("adam", [0.0, 1.0], [1.0, 0.5]))
/// });
/// let figure = Figure::multiples("errors", "Test errors on two data sets.", panels).share_y();
/// assert_eq!(figure.panels.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// File name within the experiment, without extension.
    pub name: String,
    /// What the figure shows and what to see in it, in the inline markup of [`crate::record::markup`].
    pub caption: String,
    /// The panels, in reading order.
    pub panels: Vec<Panel>,
    /// Whether all panels have the same limits in x.
    pub shares_x: bool,
    /// Whether all panels have the same limits in y.
    pub shares_y: bool,
}

impl Figure {
    /// A figure of one panel.
    ///
    /// # Panics
    /// If the name is empty or has other characters than `a`–`z`, `0`–`9` and `-`.
    #[must_use]
    #[track_caller]
    pub fn new(name: impl Into<String>, caption: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self::multiples(name, caption, [Panel::new("", x, y)])
    }

    /// A figure of several panels.
    ///
    /// # Panics
    /// If the name is empty or has other characters than `a`–`z`, `0`–`9` and `-`.
    #[must_use]
    #[track_caller]
    pub fn multiples(
        name: impl Into<String>,
        caption: impl Into<String>,
        panels: impl IntoIterator<Item = Panel>,
    ) -> Self {
        let name = name.into();
        crate::record::assert_file_name(&name);
        Self {
            name,
            caption: caption.into(),
            panels: panels.into_iter().collect(),
            shares_x: false,
            shares_y: false,
        }
    }

    /// Adds a series to the last panel.
    #[must_use]
    pub fn with(self, series: Series) -> Self {
        self.change(|panel| panel.with(series))
    }

    /// Puts a map below the series of the last panel.
    #[must_use]
    pub fn map(self, map: Map) -> Self {
        self.change(|panel| panel.map(map))
    }

    /// Adds a horizontal line to the last panel.
    #[must_use]
    pub fn horizontal(self, y: f64, label: impl Into<String>) -> Self {
        self.change(|panel| panel.horizontal(y, label))
    }

    /// Adds a vertical line to the last panel.
    #[must_use]
    pub fn vertical(self, x: f64, label: impl Into<String>) -> Self {
        self.change(|panel| panel.vertical(x, label))
    }

    /// Gives all panels the same limits in x.
    #[must_use]
    pub fn share_x(mut self) -> Self {
        self.shares_x = true;
        self
    }

    /// Gives all panels the same limits in y.
    #[must_use]
    pub fn share_y(mut self) -> Self {
        self.shares_y = true;
        self
    }

    /// All the numbers of the figure as CSV, one line a point: panel, series, x, y, the low and high end of a band, and
    /// the value of a map. Gaps are empty fields.
    #[must_use]
    pub fn csv(&self) -> String {
        let field = |value: Option<&f64>| {
            value
                .filter(|value| value.is_finite())
                .map_or(String::new(), |v| exact(*v))
        };
        let header = ["panel", "series", "x", "y", "low", "high", "value"]
            .map(String::from)
            .to_vec();
        let mut lines = vec![header];
        for panel in &self.panels {
            for series in &panel.series {
                lines.extend((0..series.x.len()).map(|index| {
                    let [x, y] = [&series.x, &series.y].map(|values| field(values.get(index)));
                    let [low, high] =
                        [&series.low, &series.high].map(|values| field(values.get(index)));
                    vec![
                        panel.title.clone(),
                        series.label.clone(),
                        x,
                        y,
                        low,
                        high,
                        String::new(),
                    ]
                }));
            }
            if let Some(map) = &panel.map {
                for (row, y) in map.y.iter().enumerate() {
                    for (column, x) in map.x.iter().enumerate() {
                        let value = field(map.values.get(row * map.x.len() + column));
                        let [x, y] = [field(Some(x)), field(Some(y))];
                        let [low, high] = [String::new(), String::new()];
                        lines.push(vec![
                            panel.title.clone(),
                            map.name.clone(),
                            x,
                            y,
                            low,
                            high,
                            value,
                        ]);
                    }
                }
            }
        }
        csv_text(lines.into_iter())
    }

    fn change(mut self, change: impl FnOnce(Panel) -> Panel) -> Self {
        if let Some(panel) = self.panels.pop() {
            self.panels.push(change(panel));
        }
        self
    }
}
