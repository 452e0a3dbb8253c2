//! A drawing surface in pixels and fractions of them, on top of the SVG backend of `plotters`.
//!
//! The backend knows whole units only, so drawings are made ten times as large as they are shown.

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont as _, RGBColor, ShapeStyle, TextStyle};

use super::ink::{Ink, PLACES, dress};
use super::lettering::{Type, letter};
use super::thin::Point;

/// Units of the drawing in a pixel.
const FINE: f64 = 10.0;

/// Why drawing cannot fail: the backend writes into a string.
const IN_MEMORY: &str = "drawing into memory does not fail";

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The point is its upper left corner.
    TopLeft,
    /// The point is the middle of its upper edge.
    TopMiddle,
    /// The point is its upper right corner.
    TopRight,
    /// The point is the middle of its left edge.
    Left,
    /// The point is the middle of its right edge.
    Right,
}

/// What the drawing is made on; coordinates are pixels from the upper left corner.
pub(super) struct Canvas<'a> {
    backend: SVGBackend<'a>,
}

/// Draws with `draw` and returns the elements of the drawing, without the `svg` element around them, and the view box of
/// that element.
pub(super) fn drawing(
    width: f64,
    height: f64,
    draw: impl FnOnce(&mut Canvas<'_>),
) -> (String, String) {
    let mut text = String::new();
    let (right, bottom) = fine((width, height));
    let size = (right.unsigned_abs(), bottom.unsigned_abs());
    {
        let mut canvas = Canvas {
            backend: SVGBackend::with_string(&mut text, size),
        };
        draw(&mut canvas);
        canvas.backend.present().expect(IN_MEMORY);
    }
    let begin = text.find('>').map_or(0, |end| end + 1);
    let end = text.rfind("</svg>").unwrap_or(text.len());
    (
        letter(&dress(text[begin..end].trim())),
        format!("0 0 {right} {bottom}"),
    )
}

impl Canvas<'_> {
    /// A line through the points.
    pub(super) fn line(&mut self, points: &[Point], ink: Ink, width: f64) {
        let mut path: Vec<_> = points.iter().copied().map(fine).collect();
        path.dedup();
        if path.len() > 1 {
            self.backend
                .draw_path(path, &style(ink, 1.0, width))
                .expect(IN_MEMORY);
        }
    }

    /// The inside of a polygon.
    pub(super) fn area(&mut self, points: &[Point], ink: Ink, opacity: f64) {
        let mut path: Vec<_> = points.iter().copied().map(fine).collect();
        path.dedup();
        if path.len() > 2 {
            self.backend
                .fill_polygon(path, &style(ink, opacity, 0.0))
                .expect(IN_MEMORY);
        }
    }

    /// The inside of a rectangle.
    pub(super) fn block(&mut self, corner: Point, opposite: Point, ink: Ink, opacity: f64) {
        let (one, other) = (fine(corner), fine(opposite));
        let from = (one.0.min(other.0), one.1.min(other.1));
        let to = (one.0.max(other.0), one.1.max(other.1));
        if from.0 < to.0 && from.1 < to.1 {
            self.backend
                .draw_rect(from, to, &style(ink, opacity, 0.0), true)
                .expect(IN_MEMORY);
        }
    }

    /// A disc of the colour of the paper, to set off what is drawn on it.
    pub(super) fn halo(&mut self, at: Point, radius: f64) {
        let radius = (radius * FINE).round() as u32;
        self.backend
            .draw_circle(fine(at), radius, &style(Ink::Paper, 1.0, 0.0), true)
            .expect(IN_MEMORY);
    }

    /// The marker of a place of the palette; `radius` is that of the circle of equal area.
    pub(super) fn marker(&mut self, at: Point, place: usize, radius: f64, opacity: f64) {
        let ink = Ink::Series(place);
        let polygon = |corners: &[Point]| -> Vec<Point> {
            corners
                .iter()
                .map(|corner| (at.0 + radius * corner.0, at.1 + radius * corner.1))
                .collect()
        };
        let corners: &[Point] = match place % PLACES {
            0 => {
                let radius = (radius * FINE).round().max(1.0) as u32;
                self.backend
                    .draw_circle(fine(at), radius, &style(ink, opacity, 0.0), true)
                    .expect(IN_MEMORY);
                return;
            }
            1 => &[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
            2 => &[(0.0, -1.4), (1.25, 0.85), (-1.25, 0.85)],
            3 => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            4 => &[(0.0, 1.4), (1.25, -0.85), (-1.25, -0.85)],
            5 => &[
                (-0.4, -1.2),
                (0.4, -1.2),
                (0.4, -0.4),
                (1.2, -0.4),
                (1.2, 0.4),
                (0.4, 0.4),
                (0.4, 1.2),
                (-0.4, 1.2),
                (-0.4, 0.4),
                (-1.2, 0.4),
                (-1.2, -0.4),
                (-0.4, -0.4),
            ],
            _ => &[(-1.3, -0.6), (1.3, -0.6), (1.3, 0.6), (-1.3, 0.6)],
        };
        self.area(&polygon(corners), ink, opacity);
    }

    /// A text with markup.
    pub(super) fn text(&mut self, text: &str, at: Point, anchor: Anchor, size: Type, ink: Ink) {
        let (horizontal, vertical) = match anchor {
            Anchor::TopLeft => (HPos::Left, VPos::Top),
            Anchor::TopMiddle => (HPos::Center, VPos::Top),
            Anchor::TopRight => (HPos::Right, VPos::Top),
            Anchor::Left => (HPos::Left, VPos::Center),
            Anchor::Right => (HPos::Right, VPos::Center),
        };
        let weight = if size == Type::Title {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        // The backend divides sizes by 1.24.
        let font = ("sans-serif", size.size() * FINE * 1.24, weight).into_font();
        let colour = colour(ink);
        let style = TextStyle::from(font)
            .color(&colour)
            .pos(Pos::new(horizontal, vertical));
        self.backend
            .draw_text(text, &style, fine(at))
            .expect(IN_MEMORY);
    }
}

fn colour(ink: Ink) -> RGBColor {
    let [red, green, blue] = ink.light();
    RGBColor(red, green, blue)
}

fn style(ink: Ink, opacity: f64, width: f64) -> ShapeStyle {
    ShapeStyle {
        color: colour(ink).mix(opacity),
        filled: true,
        stroke_width: (width * FINE).round() as u32,
    }
}

fn fine(point: Point) -> (i32, i32) {
    (
        (point.0 * FINE).round() as i32,
        (point.1 * FINE).round() as i32,
    )
}
