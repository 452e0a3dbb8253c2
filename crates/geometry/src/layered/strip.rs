use super::carried::{Block, Carried};
use super::pairs::{Pair, products};
use super::sides::Sides;
use super::unit_columns::UnitColumns;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use std::ops::Range;

/// The columns of a block of `G` that belong to some consecutive units, summed together.
///
/// Of a layer's own block, the entries of units `α ≥ β` are computed.
#[derive(Debug)]
pub(crate) struct Strip<'a> {
    sides: Sides,
    units: Vec<UnitColumns<'a>>,
    /// `(α, β)`, unit `β` after unit.
    unit_pairs: Vec<Pair>,
    /// `(i, j)`, `i` running fastest.
    input_pairs: Vec<Pair>,
    form: Form,
    /// Into how many sums the examples are cut.
    lanes: usize,
}

/// Which factors are multiplied out before the matrix product over examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Pairs of inputs against pairs of units: `(a_i a'_j) × (S_{αβ})`, unordered pairs within a layer.
    Pairs,
    /// Pairs of units with an input against the other input: `(S_{αβ} a'_j) × (a_i)`. More to multiply, less to form:
    /// right for few units.
    Triples,
}

/// Columns that are formed together: with a block of examples they fill half of a second-level cache.
const TILE: usize = 240;

impl<'a> Strip<'a> {
    pub(crate) fn new(sides: Sides, units: Vec<UnitColumns<'a>>, lanes: usize) -> Self {
        let unit_pairs: Vec<Pair> = units
            .iter()
            .flat_map(|columns| {
                let partners = sides.partners(columns.unit);
                partners.map(move |partner| (partner, columns.unit))
            })
            .collect();
        let form = sides.cheaper_form(unit_pairs.len());
        Self {
            input_pairs: sides.input_pairs(form),
            sides,
            units,
            unit_pairs,
            form,
            lanes,
        }
    }

    /// Adds the examples held, or replaces by them what was there. They are summed in a few lanes, then lane after lane.
    pub(crate) fn add(&mut self, carried: &Carried, accum: Accum) {
        let blocks = carried.blocks();
        let lanes = self.lanes.min(blocks);
        let sums: Vec<Vec<f64>> = (0..lanes)
            .into_par_iter()
            .map(|lane| self.sum(carried, lane * blocks / lanes..(lane + 1) * blocks / lanes))
            .collect();
        let (sides, form, pairs) = (self.sides, self.form, &self.input_pairs);
        let triples = self.unit_pairs.len() * sides.columns.layer.fan_in();
        let mut first = 0;
        let columns: Vec<_> = self
            .units
            .iter_mut()
            .map(|columns| {
                let own = first;
                first += sides.partners(columns.unit).len();
                (own, columns)
            })
            .collect();
        columns.into_par_iter().for_each(|(first, columns)| {
            let width = sides.columns.layer.fan_in();
            columns.put(sides, pairs, accum, |pair, q, (i, j)| {
                let index = match form {
                    Form::Pairs => (first + pair) * pairs.len() + q,
                    Form::Triples => i * triples + (first + pair) * width + j,
                };
                sums.iter().map(|lane| lane[index]).sum()
            });
        });
    }

    /// The sums over some blocks of examples, for all pairs.
    fn sum(&self, carried: &Carried, blocks: Range<usize>) -> Vec<f64> {
        let mut sums = vec![0.0; self.unit_pairs.len() * self.input_pairs.len()];
        let mut weights = Vec::new();
        let mut formed = Vec::new();
        for block in blocks.map(|index| carried.block(index)) {
            let examples = block.examples;
            weights.resize(self.unit_pairs.len() * examples, 0.0);
            products(
                block.deltas(self.sides.rows.place),
                block.deltas(self.sides.columns.place),
                examples,
                carried.rank(),
                &self.unit_pairs,
                &mut weights,
            );
            formed.resize(TILE * examples, 0.0);
            match self.form {
                Form::Pairs => self.add_pairs(block, &weights, &mut formed, &mut sums),
                Form::Triples => self.add_triples(block, &weights, &mut formed, &mut sums),
            }
        }
        sums
    }

    /// `sums[(i,j), (α,β)] += Σ_s (a_i a'_j)_s (S_{αβ})_s`, some pairs of inputs at a time.
    fn add_pairs(&self, block: Block<'_>, weights: &[f64], formed: &mut [f64], sums: &mut [f64]) {
        let examples = block.examples;
        let mut sums = columns_mut(sums, self.input_pairs.len());
        for (tile, pairs) in self.input_pairs.chunks(TILE).enumerate() {
            let formed = &mut formed[..pairs.len() * examples];
            let left = block.inputs(self.sides.rows.place);
            let right = block.inputs(self.sides.columns.place);
            products(left, right, examples, 1, pairs, formed);
            matmul(
                sums.as_mut().subrows_mut(tile * TILE, pairs.len()),
                Accum::Add,
                columns(formed, examples).transpose(),
                columns(weights, examples),
                1.0,
                Par::Seq,
            );
        }
    }

    /// `sums[((α,β),j), i] += Σ_s (S_{αβ} a'_j)_s (a_i)_s`, some triples at a time.
    fn add_triples(&self, block: Block<'_>, weights: &[f64], formed: &mut [f64], sums: &mut [f64]) {
        let examples = block.examples;
        let width = self.sides.columns.layer.fan_in();
        let triples = self.unit_pairs.len() * width;
        let right = block.inputs(self.sides.columns.place);
        let mut sums = columns_mut(sums, triples);
        for first in (0..triples).step_by(TILE) {
            let count = TILE.min(triples - first);
            let mut pairs = [(0, 0); TILE];
            for (pair, triple) in pairs.iter_mut().zip(first..first + count) {
                *pair = (triple / width, triple % width);
            }
            let formed = &mut formed[..count * examples];
            products(weights, right, examples, 1, &pairs[..count], formed);
            matmul(
                sums.as_mut().subrows_mut(first, count),
                Accum::Add,
                columns(formed, examples).transpose(),
                columns(block.inputs(self.sides.rows.place), examples),
                1.0,
                Par::Seq,
            );
        }
    }
}

fn columns(values: &[f64], height: usize) -> MatRef<'_, f64> {
    MatRef::from_column_major_slice(values, height, values.len() / height)
}

fn columns_mut(values: &mut [f64], height: usize) -> MatMut<'_, f64> {
    let width = values.len() / height;
    MatMut::from_column_major_slice_mut(values, height, width)
}
