use super::carried::{Block, Carried};
use super::pairs::{Pair, products};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use neuromanifold_model::AffineLayer;
use std::ops::Range;

/// The two layers of a block of `G`: rows are the parameters of one, columns those of the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides {
    pub(crate) rows: Side,
    pub(crate) columns: Side,
}

/// A layer and its place in the partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) place: usize,
    pub(crate) layer: AffineLayer,
}

impl Sides {
    pub(crate) fn is_own(&self) -> bool {
        self.rows.place == self.columns.place
    }

    /// The units `α` that are paired with unit `β` of the columns.
    pub(crate) fn partners(&self, unit: usize) -> Range<usize> {
        let first = if self.is_own() { unit } else { 0 };
        first..self.rows.layer.outputs
    }
}

/// The columns of a block of `G` that belong to some units: one task, with accumulators of its own.
///
/// Of a layer's own block, the entries of units `α ≥ β` are computed.
#[derive(Debug)]
pub(crate) struct Strip<'a> {
    pub(crate) sides: Sides,
    /// The units `β` of the column side.
    pub(crate) units: Range<usize>,
    /// Columns of their weights, unit after unit.
    pub(crate) weights: MatMut<'a, f64>,
    /// Columns of their biases.
    pub(crate) biases: Option<MatMut<'a, f64>>,
}

/// Which factors are multiplied out before the matrix product over examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Pairs of units against pairs of inputs: `(S_{αβ}) × (a_i a'_j)`, unordered pairs within a layer.
    Pairs,
    /// Pairs of units with an input against the other input: `(S_{αβ} a'_j) × (a_i)`. More to multiply, less to form:
    /// right for few units.
    Triples,
}

/// Columns that are formed together: with a block of examples they fill about half of a second-level cache.
const TILE: usize = 256;

impl Strip<'_> {
    /// Multiply-adds for each example, with what it takes to form the factors.
    pub(crate) fn work(&self) -> usize {
        self.work_of(self.form())
    }

    fn form(&self) -> Form {
        if self.work_of(Form::Triples) < self.work_of(Form::Pairs) {
            Form::Triples
        } else {
            Form::Pairs
        }
    }

    fn work_of(&self, form: Form) -> usize {
        /// A number formed and stored takes as long as that many multiply-adds of a matrix product.
        const FORMED: usize = 4;
        let (n, other) = (
            self.sides.rows.layer.fan_in(),
            self.sides.columns.layer.fan_in(),
        );
        let pairs: usize = self
            .units
            .clone()
            .map(|u| self.sides.partners(u).len())
            .sum();
        match form {
            Form::Pairs => {
                let inputs = if self.sides.is_own() {
                    n * (n + 1) / 2
                } else {
                    n * other
                };
                pairs * inputs + FORMED * (pairs + inputs)
            }
            Form::Triples => pairs * n * other + FORMED * (pairs + pairs * other),
        }
    }

    /// Adds the examples held to the strip, or replaces it by them.
    pub(crate) fn add(&mut self, carried: &Carried, accum: Accum) {
        let unit_pairs: Vec<Pair> = self
            .units
            .clone()
            .flat_map(|unit| {
                self.sides
                    .partners(unit)
                    .map(move |partner| (partner, unit))
            })
            .collect();
        let form = self.form();
        let input_pairs = self.input_pairs(form);
        let mut sums = vec![0.0; unit_pairs.len() * input_pairs.len()];
        let mut weights = Vec::new();
        let mut formed = Vec::new();
        for block in carried.blocks() {
            let examples = block.examples;
            weights.resize(unit_pairs.len() * examples, 0.0);
            products(
                block.deltas(self.sides.rows.place),
                block.deltas(self.sides.columns.place),
                examples,
                carried.rank(),
                &unit_pairs,
                &mut weights,
            );
            formed.resize(TILE * examples, 0.0);
            match form {
                Form::Pairs => {
                    self.add_pairs(block, &weights, &input_pairs, &mut formed, &mut sums)
                }
                Form::Triples => self.add_triples(block, &weights, &mut formed, &mut sums),
            }
        }
        self.put_in_place(&unit_pairs, &input_pairs, &sums, accum);
    }

    /// `sums[(i,j), (α,β)] += Σ_s (a_i a'_j)_s (S_{αβ})_s`, some pairs of inputs at a time.
    fn add_pairs(
        &self,
        block: Block<'_>,
        weights: &[f64],
        input_pairs: &[Pair],
        formed: &mut [f64],
        sums: &mut [f64],
    ) {
        let examples = block.examples;
        let weights = columns(weights, examples);
        let mut sums = columns_mut(sums, input_pairs.len());
        for (tile, pairs) in input_pairs.chunks(TILE).enumerate() {
            let formed = &mut formed[..pairs.len() * examples];
            products(
                block.inputs(self.sides.rows.place),
                block.inputs(self.sides.columns.place),
                examples,
                1,
                pairs,
                formed,
            );
            matmul(
                sums.as_mut().subrows_mut(tile * TILE, pairs.len()),
                Accum::Add,
                columns(formed, examples).transpose(),
                weights,
                1.0,
                Par::Seq,
            );
        }
    }

    /// `sums[i, (j,(α,β))] += Σ_s (a_i)_s (S_{αβ} a'_j)_s`: the same entries in the same places.
    fn add_triples(&self, block: Block<'_>, weights: &[f64], formed: &mut [f64], sums: &mut [f64]) {
        let examples = block.examples;
        let (n, other) = (
            self.sides.rows.layer.fan_in(),
            self.sides.columns.layer.fan_in(),
        );
        let inputs = columns(block.inputs(self.sides.rows.place), examples);
        let triples = weights.len() / examples * other;
        let mut sums = columns_mut(sums, n);
        for first in (0..triples).step_by(TILE) {
            let count = TILE.min(triples - first);
            let mut pairs = [(0, 0); TILE];
            for (pair, triple) in pairs.iter_mut().zip(first..first + count) {
                *pair = (triple / other, triple % other);
            }
            let formed = &mut formed[..count * examples];
            let right = block.inputs(self.sides.columns.place);
            products(weights, right, examples, 1, &pairs[..count], formed);
            matmul(
                sums.as_mut().subcols_mut(first, count),
                Accum::Add,
                inputs.transpose(),
                columns(formed, examples),
                1.0,
                Par::Seq,
            );
        }
    }

    /// `(i, j)`, `i` running fastest; for pairs within a layer only `i ≥ j`.
    fn input_pairs(&self, form: Form) -> Vec<Pair> {
        let (n, other) = (
            self.sides.rows.layer.fan_in(),
            self.sides.columns.layer.fan_in(),
        );
        let unordered = self.sides.is_own() && form == Form::Pairs;
        (0..other)
            .flat_map(|j| (if unordered { j } else { 0 }..n).map(move |i| (i, j)))
            .collect()
    }

    fn put_in_place(
        &mut self,
        unit_pairs: &[Pair],
        input_pairs: &[Pair],
        sums: &[f64],
        accum: Accum,
    ) {
        let (rows, own) = (self.sides.rows.layer, self.sides.is_own());
        let inputs = self.sides.columns.layer.inputs;
        for (&(alpha, beta), sums) in unit_pairs.iter().zip(sums.chunks_exact(input_pairs.len())) {
            let unit = beta - self.units.start;
            let mut put = |i: usize, j: usize, value: f64| {
                let row = rows.parameter(alpha, i) - rows.start;
                let entry = match &mut self.biases {
                    Some(biases) if j == inputs => &mut biases[(row, unit)],
                    _ => &mut self.weights[(row, unit * inputs + j)],
                };
                match accum {
                    Accum::Replace => *entry = value,
                    Accum::Add => *entry += value,
                }
            };
            for (&(i, j), &value) in input_pairs.iter().zip(sums) {
                put(i, j, value);
            }
            if own && input_pairs.len() < rows.fan_in() * rows.fan_in() {
                for (&(i, j), &value) in input_pairs.iter().zip(sums) {
                    if i != j {
                        put(j, i, value);
                    }
                }
            }
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
