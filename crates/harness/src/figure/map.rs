//! A quantity over a rectangle, shown by colour.

use serde::{Deserialize, Serialize};

use super::AxisScale;

/// Values on a grid: `values[row * x.len() + column]` belongs to `(x[column], y[row])`, the centre of its cell.
///
/// ```
/// use neuromanifold_harness::figure::Map;
///
/// let map = Map::new("λ_{min}", [0.0, 1.0], [0.0, 1.0, 2.0], |x, y| (x - y).abs()).log();
/// assert_eq!(map.values.len(), 6);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// What is mapped, in the inline markup of [`crate::record::markup`].
    pub name: String,
    /// Its unit; empty for pure numbers.
    pub unit: String,
    /// Whether colours follow the value or its logarithm.
    pub scale: AxisScale,
    /// Abscissae of the centres, increasing.
    pub x: Vec<f64>,
    /// Ordinates of the centres, increasing.
    pub y: Vec<f64>,
    /// The values, row by row; those that are not finite are left blank.
    #[serde(with = "super::gaps")]
    pub values: Vec<f64>,
}

impl Map {
    /// The function on the grid.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        x: impl IntoIterator<Item = f64>,
        y: impl IntoIterator<Item = f64>,
        mut value: impl FnMut(f64, f64) -> f64,
    ) -> Self {
        let (x, y): (Vec<_>, Vec<_>) = (x.into_iter().collect(), y.into_iter().collect());
        let values = y
            .iter()
            .flat_map(|&y| x.iter().map(move |&x| (x, y)))
            .map(|(x, y)| value(x, y))
            .collect();
        Self {
            name: name.into(),
            unit: String::new(),
            scale: AxisScale::Linear,
            x,
            y,
            values,
        }
    }

    /// Values computed before, row by row (one row an ordinate).
    ///
    /// # Panics
    /// If there is not one value a pair of abscissa and ordinate.
    #[must_use]
    #[track_caller]
    pub fn from_values(
        name: impl Into<String>,
        x: impl IntoIterator<Item = f64>,
        y: impl IntoIterator<Item = f64>,
        values: Vec<f64>,
    ) -> Self {
        let map = Self::new(name, x, y, |_, _| 0.0);
        assert_eq!(
            values.len(),
            map.values.len(),
            "values of `{}` against cells",
            map.name
        );
        Self { values, ..map }
    }

    /// Sets the unit.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Lets colours follow the logarithm; values that are not positive are left blank.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.scale = AxisScale::Log;
        self
    }

    /// Name and unit: `λ_{min} / nats`.
    #[must_use]
    pub fn heading(&self) -> String {
        if self.unit.is_empty() {
            self.name.clone()
        } else {
            format!("{} / {}", self.name, self.unit)
        }
    }
}
