//! Drawing one panel into its cell: room for headings and labels, then the plot from the back to the front.

use super::canvas::{Anchor, Canvas};
use super::colour::{ColourBar, edges};
use super::curve;
use super::ink::Ink;
use super::layout::Rectangle;
use super::legend::Legend;
use super::lettering::Type;
use super::note::Notes;
use super::scale::Scale;
use super::thin::Point;
use super::ticks::{Tick, ticks};
use super::{Figure, Panel, Reference};

/// Height of a line of type.
const LINE: f64 = 18.0;
/// Free extent at each end of an axis.
const FREE: f64 = 0.03;
/// Pixels between labels of ticks, roughly.
const BETWEEN_X: f64 = 46.0;
const BETWEEN_Y: f64 = 38.0;

/// A plot with its scales: from values to pixels.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) frame: Rectangle,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Plot {
    /// The pixel at positions along the axes.
    pub(super) fn pixel(&self, (x, y): Point) -> Point {
        (
            self.frame.left + x * self.frame.width(),
            self.frame.bottom - y * self.frame.height(),
        )
    }
}

/// Scales common to all panels of a figure.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    x: Option<Scale>,
    y: Option<Scale>,
}

impl Limits {
    /// The scales that the figure wants all its panels to share: with the kind and limits of the first panel's axes.
    pub(super) fn shared(figure: &Figure) -> Self {
        let panels = || figure.panels.iter();
        let first_x = figure.panels.first().filter(|_| figure.shares_x);
        let first_y = figure.panels.first().filter(|_| figure.shares_y);
        Self {
            x: first_x
                .map(|panel| Scale::fit(&panel.x, panels().flat_map(abscissae), free(panels()))),
            y: first_y
                .map(|panel| Scale::fit(&panel.y, panels().flat_map(ordinates), free(panels()))),
        }
    }
}

/// Maps fill their plot to the edge; series stay clear of it.
fn free<'a>(mut panels: impl Iterator<Item = &'a Panel>) -> f64 {
    if panels.any(|panel| panel.map.is_some()) {
        0.0
    } else {
        FREE
    }
}

fn abscissae(panel: &Panel) -> impl Iterator<Item = f64> {
    let marked = panel
        .references
        .iter()
        .filter_map(|reference| match reference {
            Reference::Vertical { at, .. } => Some(*at),
            Reference::Horizontal { .. } => None,
        });
    let series = panel
        .series
        .iter()
        .flat_map(|series| series.x.iter().copied());
    series.chain(marked).chain(
        panel
            .map
            .iter()
            .flat_map(|map| edges(&map.x, panel.x.scale)),
    )
}

fn ordinates(panel: &Panel) -> impl Iterator<Item = f64> {
    let marked = panel
        .references
        .iter()
        .filter_map(|reference| match reference {
            Reference::Horizontal { at, .. } => Some(*at),
            Reference::Vertical { .. } => None,
        });
    let series = panel.series.iter().flat_map(|series| {
        series
            .y
            .iter()
            .chain(&series.low)
            .chain(&series.high)
            .copied()
    });
    series.chain(marked).chain(
        panel
            .map
            .iter()
            .flat_map(|map| edges(&map.y, panel.y.scale)),
    )
}

/// Draws the panel into the cell.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    panel: &Panel,
    cell: Rectangle,
    legend: &Legend,
    limits: Limits,
) {
    let alone = || std::iter::once(panel);
    let x = limits
        .x
        .unwrap_or_else(|| Scale::fit(&panel.x, abscissae(panel), free(alone())));
    let y = limits
        .y
        .unwrap_or_else(|| Scale::fit(&panel.y, ordinates(panel), free(alone())));
    let bar = panel.map.as_ref().map(ColourBar::of);

    let top = cell.top + headings(canvas, panel, cell, bar.as_ref());
    let bottom = cell.bottom - 2.0 * LINE - 4.0;
    let y_ticks = ticks(&y, ((bottom - top) / BETWEEN_Y) as usize);
    let left = cell.left + widest(&y_ticks) + 9.0;
    let right = cell.right - bar.as_ref().map_or(10.0, ColourBar::width);
    let plot = Plot {
        frame: Rectangle {
            left,
            top,
            right,
            bottom,
        },
        x,
        y,
    };
    let x_ticks = uncrowded(&x, plot.frame.width());

    grid(canvas, &plot, &x_ticks, &y_ticks);
    if let (Some(map), Some(bar)) = (&panel.map, &bar) {
        bar.draw_map(canvas, &plot, map);
        bar.draw(canvas, plot.frame);
    }
    let mut notes = Notes::within(plot.frame);
    for reference in &panel.references {
        notes.reference(canvas, &plot, reference);
    }
    curve::draw(canvas, &plot, panel, legend, &mut notes);
    axes(canvas, &plot, &x_ticks, &y_ticks);
    notes.write(canvas);
    let middle = (0.5 * (left + right), bottom + LINE + 6.0);
    canvas.text(
        &panel.x.heading(),
        middle,
        Anchor::TopMiddle,
        Type::Normal,
        Ink::Text,
    );
}

/// Title, and below it the headings of the vertical axis and of the colour scale; returns the height they take.
fn headings(
    canvas: &mut Canvas<'_>,
    panel: &Panel,
    cell: Rectangle,
    bar: Option<&ColourBar>,
) -> f64 {
    let mut top = 0.0;
    if !panel.title.is_empty() {
        canvas.text(
            &panel.title,
            (cell.left, cell.top),
            Anchor::TopLeft,
            Type::Title,
            Ink::Text,
        );
        top += LINE + 3.0;
    }
    let y_heading = panel.y.heading();
    if let Some(bar) = bar {
        let at = (cell.right, cell.top + top);
        canvas.text(&bar.heading, at, Anchor::TopRight, Type::Normal, Ink::Text);
        let both = Type::Normal.width(&y_heading) + Type::Normal.width(&bar.heading) + 12.0;
        top += if both > cell.width() { LINE } else { 0.0 };
    }
    canvas.text(
        &y_heading,
        (cell.left, cell.top + top),
        Anchor::TopLeft,
        Type::Normal,
        Ink::Text,
    );
    top + LINE + 4.0
}

fn widest(ticks: &[Tick]) -> f64 {
    ticks
        .iter()
        .filter_map(|tick| tick.label.as_ref())
        .map(|label| Type::Small.width(label))
        .fold(0.0, f64::max)
}

/// Marks along the horizontal axis whose labels do not touch.
fn uncrowded(scale: &Scale, width: f64) -> Vec<Tick> {
    let most = ((width / BETWEEN_X) as usize).max(2);
    let chosen = (2..=most)
        .rev()
        .map(|wanted| ticks(scale, wanted))
        .find(|ticks| {
            let labels = ticks
                .iter()
                .filter_map(|tick| Some((scale.position(tick.value)?, tick.label.as_ref()?)));
            let ends: Vec<_> = labels
                .map(|(at, label)| (at * width, 0.5 * Type::Small.width(label) + 3.0))
                .collect();
            ends.windows(2)
                .all(|pair| pair[0].0 + pair[0].1 <= pair[1].0 - pair[1].1)
        });
    chosen.unwrap_or_else(|| ticks(scale, 2))
}

fn grid(canvas: &mut Canvas<'_>, plot: &Plot, x_ticks: &[Tick], y_ticks: &[Tick]) {
    for tick in x_ticks.iter().filter(|tick| tick.label.is_some()) {
        if let Some(at) = plot.x.position(tick.value) {
            canvas.line(
                &[plot.pixel((at, 0.0)), plot.pixel((at, 1.0))],
                Ink::Grid,
                1.0,
            );
        }
    }
    for tick in y_ticks.iter().filter(|tick| tick.label.is_some()) {
        if let Some(at) = plot.y.position(tick.value) {
            canvas.line(
                &[plot.pixel((0.0, at)), plot.pixel((1.0, at))],
                Ink::Grid,
                1.0,
            );
        }
    }
}

fn axes(canvas: &mut Canvas<'_>, plot: &Plot, x_ticks: &[Tick], y_ticks: &[Tick]) {
    let frame = plot.frame;
    let corners = [
        (frame.left, frame.top),
        (frame.left, frame.bottom),
        (frame.right, frame.bottom),
    ];
    canvas.line(&corners, Ink::Edge, 1.0);
    for tick in x_ticks {
        let Some(at) = plot.x.position(tick.value) else {
            continue;
        };
        let (x, y) = plot.pixel((at, 0.0));
        let length = if tick.label.is_some() { 4.0 } else { 2.5 };
        canvas.line(&[(x, y), (x, y + length)], Ink::Edge, 1.0);
        if let Some(label) = &tick.label {
            canvas.text(
                label,
                (x, y + 7.0),
                Anchor::TopMiddle,
                Type::Small,
                Ink::Muted,
            );
        }
    }
    for tick in y_ticks {
        let Some(at) = plot.y.position(tick.value) else {
            continue;
        };
        let (x, y) = plot.pixel((0.0, at));
        let length = if tick.label.is_some() { 4.0 } else { 2.5 };
        canvas.line(&[(x - length, y), (x, y)], Ink::Edge, 1.0);
        if let Some(label) = &tick.label {
            canvas.text(label, (x - 7.0, y), Anchor::Right, Type::Small, Ink::Muted);
        }
    }
}
