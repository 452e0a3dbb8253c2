//! Drawing maps, and the scale that says which colour is which value.

use super::canvas::{Anchor, Canvas};
use super::ink::{Ink, STEPS};
use super::layout::Rectangle;
use super::lettering::Type;
use super::plot::Plot;
use super::scale::Scale;
use super::ticks::{Tick, ticks};
use super::{Axis, AxisScale, Map};

/// Distance of the scale from the plot, its width, and the distance of its labels.
const APART: f64 = 14.0;
const WIDE: f64 = 12.0;
const BESIDE: f64 = 7.0;

/// The colours of a map with their scale.
#[derive(Debug)]
pub(super) struct ColourBar {
    pub(super) heading: String,
    scale: Scale,
    ticks: Vec<Tick>,
}

impl ColourBar {
    pub(super) fn of(map: &Map) -> Self {
        let axis = match map.scale {
            AxisScale::Linear => Axis::linear(""),
            AxisScale::Log => Axis::log(""),
        };
        let scale = Scale::fit(&axis, map.values.iter().copied(), 0.0);
        Self {
            heading: map.heading(),
            scale,
            ticks: ticks(&scale, 5),
        }
    }

    /// The room that the scale takes beside the plot.
    pub(super) fn width(&self) -> f64 {
        let labels = self.ticks.iter().filter_map(|tick| tick.label.as_ref());
        APART
            + WIDE
            + BESIDE
            + labels
                .map(|label| Type::Small.width(label))
                .fold(0.0, f64::max)
    }

    /// Draws the scale to the right of the plot.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, frame: Rectangle) {
        let left = frame.right + APART;
        let height = |part: f64| frame.bottom - part * frame.height();
        for step in 0..STEPS {
            let [from, to] = [step, step + 1].map(|end| height(end as f64 / STEPS as f64));
            canvas.block((left, from), (left + WIDE, to), Ink::Step(step), 1.0);
        }
        for tick in &self.ticks {
            let (Some(at), Some(label)) = (self.scale.position(tick.value), &tick.label) else {
                continue;
            };
            let y = height(at);
            canvas.line(&[(left + WIDE, y), (left + WIDE + 4.0, y)], Ink::Edge, 1.0);
            canvas.text(
                label,
                (left + WIDE + BESIDE, y),
                Anchor::Left,
                Type::Small,
                Ink::Muted,
            );
        }
    }

    /// Draws the cells of the map, neighbours of one colour in one piece.
    pub(super) fn draw_map(&self, canvas: &mut Canvas<'_>, plot: &Plot, map: &Map) {
        let place = |scale: &Scale, edge: f64| scale.position(edge).map(|at| at.clamp(0.0, 1.0));
        let columns: Vec<_> = edges(&map.x, plot.x.kind)
            .map(|edge| place(&plot.x, edge))
            .collect();
        let rows: Vec<_> = edges(&map.y, plot.y.kind)
            .map(|edge| place(&plot.y, edge))
            .collect();
        for (values, row) in map.values.chunks(map.x.len().max(1)).zip(rows.windows(2)) {
            let [Some(bottom), Some(top)] = row else {
                continue;
            };
            let steps: Vec<_> = values.iter().map(|value| self.step(*value)).collect();
            let mut first = 0;
            for run in steps.chunk_by(PartialEq::eq) {
                let ends = [columns.get(first), columns.get(first + run.len())];
                if let ([Some(Some(left)), Some(Some(right))], Some(step)) = (ends, run[0]) {
                    let (from, to) = (plot.pixel((*left, *bottom)), plot.pixel((*right, *top)));
                    canvas.block(from, to, Ink::Step(step), 1.0);
                }
                first += run.len();
            }
        }
    }

    fn step(&self, value: f64) -> Option<usize> {
        let at = self.scale.position(value)?;
        Some(((at * STEPS as f64) as usize).min(STEPS - 1))
    }
}

/// The edges of cells around these centres: half way between neighbours along the axis, one more than centres. A value
/// that the axis cannot show makes its edges NaN.
pub(super) fn edges(centres: &[f64], kind: AxisScale) -> impl Iterator<Item = f64> {
    let along: Vec<f64> = match kind {
        AxisScale::Linear => centres.to_vec(),
        AxisScale::Log => centres.iter().map(|centre| centre.log10()).collect(),
    };
    let half = |one: usize, other: usize| 0.5 * (along[one] - along[other]);
    let edges: Vec<f64> = match along.len() {
        0 => Vec::new(),
        1 => vec![along[0] - 0.5, along[0] + 0.5],
        count => {
            let first = along[0] - half(1, 0);
            let last = along[count - 1] + half(count - 1, count - 2);
            let between = (1..count).map(|index| 0.5 * along[index] + 0.5 * along[index - 1]);
            std::iter::once(first)
                .chain(between)
                .chain(std::iter::once(last))
                .collect()
        }
    };
    edges.into_iter().map(move |edge| {
        if kind == AxisScale::Log {
            10.0_f64.powf(edge)
        } else {
            edge
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_half_way_along_the_axis() {
        let edges_of = |centres: &[f64], kind| {
            edges(centres, kind)
                .map(|edge| (edge * 1e6).round() / 1e6)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            edges_of(&[0.0, 1.0, 3.0], AxisScale::Linear),
            [-0.5, 0.5, 2.0, 4.0]
        );
        assert_eq!(edges_of(&[1.0, 100.0], AxisScale::Log), [0.1, 10.0, 1000.0]);
        assert_eq!(edges_of(&[2.0], AxisScale::Linear), [1.5, 2.5]);
        assert!(edges_of(&[], AxisScale::Log).is_empty());
    }
}
