use super::pairs::Pair;
use super::strip::Form;
use neuromanifold_model::AffineLayer;
use std::ops::Range;

/// The two layers of a block of `G`: rows are the parameters of one, columns those of the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides {
    pub(crate) rows: Side,
    pub(crate) columns: Side,
    pub(crate) partners: Partners,
}

/// With which units `α` of the rows unit `β` of the columns is paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partners {
    /// Another layer: with all of them.
    All,
    /// The same layer: with those from itself on; units and inputs may be exchanged.
    FromItself,
    /// The same layer: with itself alone.
    Itself,
}

/// A layer and its place in the partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) place: usize,
    pub(crate) layer: AffineLayer,
}

impl Sides {
    /// The units `α` that are paired with unit `β` of the columns.
    pub(crate) fn partners(&self, unit: usize) -> Range<usize> {
        match self.partners {
            Partners::All => 0..self.rows.layer.outputs,
            Partners::FromItself => unit..self.rows.layer.outputs,
            Partners::Itself => unit..unit + 1,
        }
    }

    /// Where the parameters of a unit lie among the rows: the first weight, and the bias.
    pub(crate) fn rows_of(&self, unit: usize) -> (usize, usize) {
        let layer = self.rows.layer;
        match self.partners {
            Partners::Itself => (0, layer.inputs),
            _ => (unit * layer.inputs, layer.outputs * layer.inputs + unit),
        }
    }

    /// Whether both sides are the same layer, so that `(i, j)` and `(j, i)` have the same sum.
    fn is_own(&self) -> bool {
        self.partners != Partners::All
    }

    /// The pairs of inputs that are summed, `i` running fastest: for unordered pairs only `i ≥ j`.
    pub(crate) fn input_pairs(&self, form: Form) -> Vec<Pair> {
        let unordered = self.is_own() && form == Form::Pairs;
        let rows = self.rows.layer.fan_in();
        (0..self.columns.layer.fan_in())
            .flat_map(|j| (if unordered { j } else { 0 }..rows).map(move |i| (i, j)))
            .collect()
    }

    pub(crate) fn cheaper_form(&self, unit_pairs: usize) -> Form {
        if self.work(Form::Triples, unit_pairs) < self.work(Form::Pairs, unit_pairs) {
            Form::Triples
        } else {
            Form::Pairs
        }
    }

    /// Multiply-adds for each example, with what it takes to form the factors.
    pub(crate) fn work(&self, form: Form, unit_pairs: usize) -> usize {
        /// To form and store a number takes as long as that many multiply-adds of a matrix product.
        const FORMED: usize = 4;
        let (rows, columns) = (self.rows.layer.fan_in(), self.columns.layer.fan_in());
        match form {
            Form::Pairs => {
                let inputs = if self.is_own() {
                    rows * (rows + 1) / 2
                } else {
                    rows * columns
                };
                unit_pairs * inputs + FORMED * (unit_pairs + inputs)
            }
            Form::Triples => {
                unit_pairs * rows * columns + FORMED * (unit_pairs + unit_pairs * columns)
            }
        }
    }
}
