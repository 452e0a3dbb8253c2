//! Which series look how, and the rows above a figure that say so.

use super::canvas::{Anchor, Canvas};
use super::ink::{Ink, PLACES};
use super::lettering::Type;
use super::{Figure, Series, Shape};

/// Width of the sample beside a label: of a line, and of a marker.
const LINE: f64 = 28.0;
const MARKER: f64 = 10.0;
/// Room between sample and label, and between entries.
const GAP: f64 = 6.0;
const BETWEEN: f64 = 18.0;
/// Height of a row.
const ROW: f64 = 20.0;

/// The places in the palette of the labels of a figure, in the order of their first appearance.
#[derive(Debug)]
pub(super) struct Legend {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    label: String,
    shape: Shape,
    place: usize,
}

impl Entry {
    fn sample(&self) -> f64 {
        if self.shape == Shape::Points {
            MARKER
        } else {
            LINE
        }
    }
}

impl Legend {
    pub(super) fn of(figure: &Figure) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for series in figure.panels.iter().flat_map(|panel| &panel.series) {
            if entries.iter().any(|entry| {
                entry.label == series.label
                    && (entry.shape == Shape::Guide) == (series.shape == Shape::Guide)
            }) {
                continue;
            }
            let taken = entries
                .iter()
                .filter(|entry| entry.shape != Shape::Guide)
                .count();
            entries.push(Entry {
                label: series.label.clone(),
                shape: series.shape,
                place: series.slot.unwrap_or(taken) % PLACES,
            });
        }
        Self { entries }
    }

    /// The place in the palette of a series of the figure.
    pub(super) fn place(&self, series: &Series) -> usize {
        let same = |entry: &&Entry| entry.label == series.label && entry.shape != Shape::Guide;
        series
            .slot
            .map(|slot| slot % PLACES)
            .or_else(|| self.entries.iter().find(same).map(|entry| entry.place))
            .unwrap_or(0)
    }

    /// The height that the legend takes in a figure of this width.
    pub(super) fn height(&self, width: f64) -> f64 {
        self.rows(width)
            .last()
            .map_or(0.0, |(_, _, row)| (row + 1) as f64 * ROW + 10.0)
    }

    /// Draws the legend from the upper left corner.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, width: f64) {
        for (entry, x, row) in self.rows(width) {
            let y = (row as f64 + 0.5) * ROW;
            let ink = Ink::Series(entry.place);
            let sample = entry.sample();
            let line = [(x, y), (x + sample, y)];
            match entry.shape {
                Shape::Guide => canvas.line(&line, Ink::Guide, 1.4),
                Shape::Points => canvas.marker((x + 0.5 * sample, y), entry.place, 4.0, 1.0),
                Shape::Line => canvas.line(&line, ink, 2.0),
                Shape::MarkedLine => {
                    canvas.line(&line, ink, 1.8);
                    canvas.marker((x + 0.5 * sample, y), entry.place, 3.6, 1.0);
                }
                Shape::Band => {
                    canvas.block((x, y - 6.0), (x + sample, y + 6.0), ink, 0.2);
                    canvas.line(&line, ink, 2.0);
                }
            }
            canvas.text(
                &entry.label,
                (x + sample + GAP, y),
                Anchor::Left,
                Type::Normal,
                Ink::Text,
            );
        }
    }

    /// Entries with their left edge and row.
    fn rows(&self, width: f64) -> Vec<(&Entry, f64, usize)> {
        let (mut x, mut row) = (0.0, 0);
        let mut placed = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.label.is_empty()) {
            let needed = entry.sample() + GAP + Type::Normal.width(&entry.label);
            if x > 0.0 && x + needed > width {
                (x, row) = (0.0, row + 1);
            }
            placed.push((entry, x, row));
            x += needed + BETWEEN;
        }
        placed
    }
}
