//! A batch is cut into panels of examples, each small enough to stay in the cache from the inputs to the outputs.
//!
//! Panels are the unit of parallel work too. Their size depends on the architecture only, and sums over panels are
//! taken in a fixed order, so that results do not depend on the number of threads.

use crate::product::{Columns, columns};
use crate::{Activation, Layer, Mlp};
use std::ops::Range;

/// Where the record of a panel keeps what the forward pass leaves of one layer, in numbers for each example.
///
/// A record holds, layer after layer, the activations (of the last layer they are the outputs, kept elsewhere) and the
/// derivatives `φ'(Z)` (unless φ is the identity), each a contiguous block with one example a column.
#[derive(Clone, Copy, Debug)]
struct Slot {
    activation: usize,
    derivative: Option<usize>,
}

impl Mlp {
    /// All layers but the last.
    pub(crate) fn hidden(&self) -> &[Layer] {
        &self.layers()[..self.layers().len() - 1]
    }

    /// `Σ_l m_l`: the covectors of one example, carried back to all preactivations.
    pub(crate) fn units(&self) -> usize {
        self.units_below(self.layers().len())
    }

    /// The units in the layers below one, without the inputs.
    pub(crate) fn units_below(&self, layer: usize) -> usize {
        self.layers()[..layer].iter().map(Layer::outputs).sum()
    }

    /// The largest `m_l`.
    pub(crate) fn widest(&self) -> usize {
        self.layers().iter().map(Layer::outputs).max().unwrap_or(0)
    }

    /// Numbers in a record for each example; at least one, so that records can be told apart.
    pub(crate) fn record_width(&self) -> usize {
        let hidden: usize = self.hidden().iter().map(Layer::outputs).sum();
        let curved = self.layers().iter().filter(|l| is_curved(l.activation()));
        let derivatives: usize = curved.map(Layer::outputs).sum();
        (hidden + derivatives).max(1)
    }

    /// Examples in a panel: what fits into an eighth of a megabyte, but enough for products to be efficient.
    pub(crate) fn panel(&self) -> usize {
        const NUMBERS: usize = 1 << 14;
        let per_example = self.inputs() + self.record_width() + self.outputs();
        (NUMBERS / per_example).clamp(64, 256) / 8 * 8
    }

    fn slot(&self, layer: usize) -> Slot {
        let blocks = |layer: &Layer| 1 + usize::from(is_curved(layer.activation()));
        let below = self.layers()[..layer].iter();
        let start = below.map(|l| blocks(l) * l.outputs()).sum();
        let own = &self.layers()[layer];
        let is_last = layer + 1 == self.layers().len();
        let activations = if is_last { 0 } else { own.outputs() };
        Slot {
            activation: start,
            derivative: is_curved(own.activation()).then_some(start + activations),
        }
    }
}

/// Whether φ' has to be remembered.
pub(crate) fn is_curved(activation: Activation) -> bool {
    activation != Activation::Identity
}

/// Some consecutive examples of one panel, with what the forward pass left of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Examples<'a> {
    pub(crate) mlp: &'a Mlp,
    /// The inputs of these examples.
    pub(crate) inputs: Columns<'a>,
    /// The record of the whole panel.
    pub(crate) record: &'a [f64],
    /// Examples in the whole panel.
    pub(crate) panel: usize,
    /// The first of these examples, counted from the beginning of the panel.
    pub(crate) first: usize,
    /// Position of the first of these examples in the batch.
    pub(crate) position: usize,
}

impl<'a> Examples<'a> {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.inputs.ncols()
    }

    /// What the layer reads: the inputs, or the activations of the layer below.
    pub(crate) fn input_of(&self, layer: usize) -> Columns<'a> {
        if layer == 0 {
            return self.inputs;
        }
        let below = layer - 1;
        let block = self.block(self.mlp.slot(below).activation, below);
        columns(block, self.mlp.layers()[below].outputs())
    }

    /// `φ'(Z)` of a layer; `None` stands for ones.
    pub(crate) fn derivative_of(&self, layer: usize) -> Option<&'a [f64]> {
        let slot = self.mlp.slot(layer);
        slot.derivative.map(|offset| self.block(offset, layer))
    }

    fn block(&self, offset: usize, layer: usize) -> &'a [f64] {
        let height = self.mlp.layers()[layer].outputs();
        let start = offset * self.panel + self.first * height;
        &self.record[start..start + self.count() * height]
    }
}

/// Cuts a range of examples at the boundaries of panels and after at most `limit` examples.
pub(crate) fn pieces(
    range: Range<usize>,
    panel: usize,
    limit: usize,
) -> impl Iterator<Item = Range<usize>> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        (start < range.end).then(|| {
            let boundary = (start / panel + 1) * panel;
            let end = range.end.min(boundary).min(start.saturating_add(limit));
            let piece = start..end;
            start = end;
            piece
        })
    })
}
