//! Where the panels of a figure are.

use super::{Figure, Setting};

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rectangle {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rectangle {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Whether the two have a point in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Whether the point is inside.
    pub(super) fn contains(&self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }
}

/// Room between columns and rows of panels.
const GUTTER: f64 = 26.0;
const BETWEEN_ROWS: f64 = 18.0;

/// The cells of the panels below a legend of this height, and the height of the figure.
pub(super) fn cells(figure: &Figure, setting: Setting, legend: f64) -> (Vec<Rectangle>, f64) {
    let count = figure.panels.len();
    let columns = match (setting, count) {
        (Setting::Narrow, _) | (Setting::Wide, 0 | 1) => 1,
        (Setting::Wide, 2 | 4) => 2,
        (Setting::Wide, _) => 3,
    };
    let width = (setting.width() - (columns - 1) as f64 * GUTTER) / columns as f64;
    let height = match columns {
        1 => (0.56 * width).max(270.0),
        2 => 0.86 * width,
        _ => 1.08 * width,
    };
    let cells: Vec<_> = (0..count)
        .map(|index| {
            let left = (index % columns) as f64 * (width + GUTTER);
            let top = legend + (index / columns) as f64 * (height + BETWEEN_ROWS);
            Rectangle {
                left,
                top,
                right: left + width,
                bottom: top + height,
            }
        })
        .collect();
    let bottom = cells.last().map_or(legend.max(1.0), |cell| cell.bottom);
    (cells, bottom)
}
