//! Drawing series: bands at the back, then guides, lines, and markers.

use super::canvas::Canvas;
use super::ink::Ink;
use super::legend::Legend;
use super::note::Notes;
use super::plot::Plot;
use super::thin::{Point, clip, thin};
use super::{Panel, Series, Shape};

/// Draws the series of a panel and tells the notes where they are.
///
/// On a map, lines get an edge of the colour of the paper: no colour stands out from all of a colour scale.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    plot: &Plot,
    panel: &Panel,
    legend: &Legend,
    notes: &mut Notes,
) {
    let series = &panel.series;
    let edged = panel.map.is_some();
    for series in series.iter().filter(|series| series.shape == Shape::Band) {
        band(canvas, plot, series, legend.place(series));
    }
    let (guides, measured): (Vec<_>, Vec<_>) = series
        .iter()
        .partition(|series| series.shape == Shape::Guide);
    for series in guides {
        line(canvas, plot, series, Ink::Guide, 1.4, notes);
    }
    for series in &measured {
        let place = legend.place(series);
        if edged && series.shape != Shape::Points {
            line(canvas, plot, series, Ink::Paper, 4.5, notes);
        }
        match series.shape {
            Shape::Line | Shape::Band => line(canvas, plot, series, Ink::Series(place), 2.0, notes),
            Shape::MarkedLine => line(canvas, plot, series, Ink::Series(place), 1.8, notes),
            Shape::Points => bars(canvas, plot, series, place, notes),
            Shape::Guide => {}
        }
    }
    for series in &measured {
        if matches!(series.shape, Shape::Points | Shape::MarkedLine) {
            markers(canvas, plot, series, legend.place(series), edged, notes);
        }
    }
}

fn positions(plot: &Plot, series: &Series) -> Vec<Option<Point>> {
    let pairs = series.x.iter().zip(&series.y);
    pairs
        .map(|(x, y)| Some((plot.x.position(*x)?, plot.y.position(*y)?)))
        .collect()
}

fn line(
    canvas: &mut Canvas<'_>,
    plot: &Plot,
    series: &Series,
    ink: Ink,
    width: f64,
    notes: &mut Notes,
) {
    for part in clip(&positions(plot, series)) {
        let part = thin(part.into_iter().map(|at| plot.pixel(at)).collect());
        if let [(x, y)] = part[..] {
            // A value between gaps would be invisible.
            canvas.line(&[(x - width, y), (x + width, y)], ink, 2.0 * width);
        }
        canvas.line(&part, ink, width);
        notes.avoid_line(&part);
    }
}

/// From the lower to the upper ends; filled, since a stroke would have the dash of the series.
fn bars(canvas: &mut Canvas<'_>, plot: &Plot, series: &Series, place: usize, notes: &mut Notes) {
    for ((x, low), high) in series.x.iter().zip(&series.low).zip(&series.high) {
        let at = plot.x.position(*x).filter(|x| (0.0..=1.0).contains(x));
        let ends = (at, plot.y.clamped(*low), plot.y.clamped(*high));
        if let (Some(x), Some(low), Some(high)) = ends {
            let (from, to) = (plot.pixel((x, low)), plot.pixel((x, high)));
            let (corner, opposite) = ((from.0 - 0.7, from.1), (to.0 + 0.7, to.1));
            canvas.block(corner, opposite, Ink::Series(place), 0.9);
            notes.avoid_line(&[from, to]);
        }
    }
}

fn band(canvas: &mut Canvas<'_>, plot: &Plot, series: &Series, place: usize) {
    let ends: Vec<Option<(Point, Point)>> = (0..series.x.len())
        .map(|index| {
            let x = plot
                .x
                .position(series.x[index])
                .filter(|x| (0.0..=1.0).contains(x))?;
            let low = plot.y.clamped(*series.low.get(index)?)?;
            let high = plot.y.clamped(*series.high.get(index)?)?;
            Some((plot.pixel((x, low)), plot.pixel((x, high))))
        })
        .collect();
    for run in ends.split(Option::is_none) {
        let (low, high): (Vec<_>, Vec<_>) = run.iter().copied().flatten().unzip();
        let mut outline = thin(high);
        outline.extend(thin(low).into_iter().rev());
        canvas.area(&outline, Ink::Series(place), 0.2);
    }
}

fn markers(
    canvas: &mut Canvas<'_>,
    plot: &Plot,
    series: &Series,
    place: usize,
    edged: bool,
    notes: &mut Notes,
) {
    let inside = |at: &Point| [at.0, at.1].iter().all(|at| (0.0..=1.0).contains(at));
    let shown: Vec<_> = positions(plot, series)
        .into_iter()
        .flatten()
        .filter(inside)
        .collect();
    let (radius, opacity) = match (series.shape, shown.len()) {
        (Shape::MarkedLine, _) => (3.6, 1.0),
        (_, 0..=60) => (4.0, 1.0),
        (_, 61..=300) => (3.0, 0.8),
        _ => (2.0, 0.6),
    };
    for at in shown {
        let at = plot.pixel(at);
        if edged {
            canvas.halo(at, radius + 1.5);
        }
        canvas.marker(at, place, radius, opacity);
        notes.avoid(at);
    }
}
