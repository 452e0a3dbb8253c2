//! Words within a plot, put where they cover least.

use super::Reference;
use super::canvas::{Anchor, Canvas};
use super::ink::Ink;
use super::layout::Rectangle;
use super::lettering::Type;
use super::plot::Plot;
use super::thin::Point;

/// Distance between a line and the words beside it.
const CLEAR: f64 = 4.0;

/// Words to be written, and what they should not cover.
#[derive(Debug)]
pub(super) struct Notes {
    frame: Rectangle,
    waiting: Vec<(String, Vec<Rectangle>)>,
    obstacles: Vec<Point>,
}

impl Notes {
    pub(super) fn within(frame: Rectangle) -> Self {
        Self {
            frame,
            waiting: Vec::new(),
            obstacles: Vec::new(),
        }
    }

    /// Something is drawn at this pixel.
    pub(super) fn avoid(&mut self, at: Point) {
        self.obstacles.push(at);
    }

    /// A line is drawn through these pixels.
    pub(super) fn avoid_line(&mut self, points: &[Point]) {
        self.obstacles.extend(points.last());
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let steps = ((to.0 - from.0).hypot(to.1 - from.1) / 4.0)
                .ceil()
                .clamp(1.0, 1e3);
            self.obstacles.extend((0..steps as usize).map(|step| {
                let part = step as f64 / steps;
                (
                    from.0 + part * (to.0 - from.0),
                    from.1 + part * (to.1 - from.1),
                )
            }));
        }
    }

    /// Draws a reference line and remembers its label.
    pub(super) fn reference(
        &mut self,
        canvas: &mut Canvas<'_>,
        plot: &Plot,
        reference: &Reference,
    ) {
        let visible = |at: &f64| (0.0..=1.0).contains(at);
        let (ends, label) = match reference {
            Reference::Horizontal { at, label } => {
                let Some(y) = plot.y.position(*at).filter(visible) else {
                    return;
                };
                ([(0.0, y), (1.0, y)], label)
            }
            Reference::Vertical { at, label } => {
                let Some(x) = plot.x.position(*at).filter(visible) else {
                    return;
                };
                ([(x, 0.0), (x, 1.0)], label)
            }
        };
        let [from, to] = ends.map(|end| plot.pixel(end));
        canvas.line(&[from, to], Ink::Guide, 1.2);
        if label.is_empty() {
            return;
        }
        let places = match reference {
            Reference::Horizontal { .. } => self.beside_horizontal(from.1, label),
            Reference::Vertical { .. } => self.beside_vertical(from.0, label),
        };
        self.waiting.push((label.clone(), places));
    }

    /// Writes each label at the place of its own that covers least.
    pub(super) fn write(&self, canvas: &mut Canvas<'_>) {
        let mut written: Vec<Rectangle> = Vec::new();
        for (label, places) in &self.waiting {
            let cost = |place: &Rectangle| {
                let drawn = self
                    .obstacles
                    .iter()
                    .filter(|at| place.contains(**at))
                    .count();
                let words = written.iter().filter(|other| other.meets(place)).count();
                let (left, right) = (self.frame.left - place.left, place.right - self.frame.right);
                let (above, below) = (self.frame.top - place.top, place.bottom - self.frame.bottom);
                let outside = [left, right, above, below]
                    .iter()
                    .filter(|excess| **excess > 0.5)
                    .count();
                drawn + 200 * words + 500 * outside
            };
            if let Some(place) = places.iter().min_by_key(|place| cost(place)) {
                canvas.text(
                    label,
                    (place.left, place.top),
                    Anchor::TopLeft,
                    Type::Small,
                    Ink::Note,
                );
                written.push(*place);
            }
        }
    }

    /// Places for a label along a horizontal line, the best first.
    fn beside_horizontal(&self, y: f64, label: &str) -> Vec<Rectangle> {
        let (width, height) = extent(label);
        let room = self.frame.width() - width - 2.0 * CLEAR;
        let across = [1.0, 0.0, 0.5, 0.75, 0.25].map(|part| self.frame.left + CLEAR + part * room);
        let upright = [y - height - 2.0, y + 3.0];
        upright
            .iter()
            .flat_map(|top| across.map(|left| boxed(left, *top, width, height)))
            .collect()
    }

    /// Places for a label along an upright line, the best first.
    fn beside_vertical(&self, x: f64, label: &str) -> Vec<Rectangle> {
        let (width, height) = extent(label);
        let room = self.frame.height() - height - 2.0 * CLEAR;
        let upright = [0.0, 1.0, 0.5, 0.25, 0.75].map(|part| self.frame.top + CLEAR + part * room);
        let across = [x + CLEAR, x - width - CLEAR];
        across
            .iter()
            .flat_map(|left| upright.map(|top| boxed(*left, top, width, height)))
            .collect()
    }
}

fn extent(label: &str) -> (f64, f64) {
    (Type::Small.width(label), 1.2 * Type::Small.size())
}

fn boxed(left: f64, top: f64, width: f64, height: f64) -> Rectangle {
    Rectangle {
        left,
        top,
        right: left + width,
        bottom: top + height,
    }
}
