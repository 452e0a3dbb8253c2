use super::pairs::Pair;
use super::sides::Sides;
use faer::{Accum, ColMut, MatMut};

/// The columns of a block of `G` that belong to one unit `β`.
#[derive(Debug)]
pub(crate) struct UnitColumns<'a> {
    pub(crate) unit: usize,
    pub(crate) weights: MatMut<'a, f64>,
    pub(crate) bias: Option<ColMut<'a, f64>>,
}

impl UnitColumns<'_> {
    /// Puts sums where they belong: that of `(α, β)` and `(i, j)` into row `(α, i)` and column `(β, j)`; where only `i ≥ j` is
    /// given, also into row `(α, j)` and column `(β, i)`.
    ///
    /// `sum` is asked with the number of the pair of units, counted from the first of this unit, and the number of the pair of
    /// inputs.
    pub(crate) fn put(
        &mut self,
        sides: Sides,
        input_pairs: &[Pair],
        accum: Accum,
        sum: impl Fn(usize, usize, Pair) -> f64,
    ) {
        let rows = sides.rows.layer;
        let inputs = sides.columns.layer.inputs;
        let unordered = input_pairs.len() < rows.fan_in() * sides.columns.layer.fan_in();
        for (pair, alpha) in sides.partners(self.unit).enumerate() {
            let (weight, bias) = sides.rows_of(alpha);
            let row = |i: usize| if i < rows.inputs { weight + i } else { bias };
            let mut put = |i: usize, j: usize, value: f64| {
                let entry = match &mut self.bias {
                    Some(bias) if j == inputs => &mut bias[row(i)],
                    _ => &mut self.weights[(row(i), j)],
                };
                match accum {
                    Accum::Replace => *entry = value,
                    Accum::Add => *entry += value,
                }
            };
            for (q, &(i, j)) in input_pairs.iter().enumerate() {
                let value = sum(pair, q, (i, j));
                put(i, j, value);
                if unordered && i != j {
                    put(j, i, value);
                }
            }
        }
    }
}
