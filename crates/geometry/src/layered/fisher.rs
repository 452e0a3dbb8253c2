use super::carried::Carried;
use super::partition::Partition;
use super::strip::{Side, Sides, Strip};
use faer::prelude::ReborrowMut;
use faer::{Accum, MatMut};
use neuromanifold_model::{AffineLayer, Cotangents, Layerwise};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::ops::Range;

/// Writes the lower triangle of `Σ_s J_sᵀ c_s c_sᵀ J_s` block by block; what is above it is unspecified.
///
/// `None` if an activation or covector is not finite, or so large that products of pairs could overflow where those of
/// four would not.
pub(crate) fn assemble(
    map: &dyn Layerwise,
    partition: &Partition,
    cotangents: Cotangents<'_>,
    mut matrix: MatMut<'_, f64>,
) -> Option<()> {
    let mut carried = Carried::new(map, partition, cotangents.rank());
    let mut strips = strips(partition, matrix.rb_mut());
    let capacity = carried.capacity();
    for start in (0..cotangents.examples()).step_by(capacity) {
        let range = start..(start + capacity).min(cotangents.examples());
        if !carried.load(map, partition, cotangents, range) {
            return None;
        }
        let accum = if start == 0 {
            Accum::Replace
        } else {
            Accum::Add
        };
        strips
            .par_iter_mut()
            .with_max_len(1)
            .for_each(|strip| strip.add(&carried, accum));
    }
    drop(strips);
    for member in partition.members() {
        let own = member.layer.parameters();
        let block = matrix
            .rb_mut()
            .submatrix_mut(own.start, own.start, own.len(), own.len());
        fill_bias_rows(member.layer, block);
    }
    Some(())
}

/// Cuts the lower triangle into tasks, the longest first. The cut depends on sizes only.
fn strips<'a>(partition: &Partition, matrix: MatMut<'a, f64>) -> Vec<Strip<'a>> {
    let sides: Vec<Side> = partition
        .members()
        .iter()
        .enumerate()
        .map(|(place, member)| Side {
            place,
            layer: member.layer,
        })
        .collect();
    let mut strips = Vec::new();
    let mut right = matrix;
    for (place, &columns) in sides.iter().enumerate() {
        let (own, others) = right.split_at_col_mut(columns.layer.parameters().len());
        right = others;
        let (_, mut below) = own.split_at_row_mut(columns.layer.start);
        for &rows in &sides[place..] {
            let (block, others) = below.split_at_row_mut(rows.layer.parameters().len());
            below = others;
            cut(Sides { rows, columns }, block, &mut strips);
        }
    }
    strips.sort_by_key(|strip| Reverse(strip.work()));
    strips
}

/// Cuts the columns of a block between units.
fn cut<'a>(sides: Sides, block: MatMut<'a, f64>, strips: &mut Vec<Strip<'a>>) {
    let layer = sides.columns.layer;
    let (mut weights, biases) = block.split_at_col_mut(layer.outputs * layer.inputs);
    let mut biases = layer.has_bias.then_some(biases);
    for units in groups(sides) {
        let (own_weights, others) = weights.split_at_col_mut(units.len() * layer.inputs);
        weights = others;
        let own_biases = biases.take().map(|all| {
            let (own, others) = all.split_at_col_mut(units.len());
            biases = Some(others);
            own
        });
        strips.push(Strip {
            sides,
            units,
            weights: own_weights,
            biases: own_biases,
        });
    }
}

/// Consecutive units with about as many partners in each group: at least eight groups if that leaves products of a decent
/// size, more of them where the sums would not stay in the cache.
fn groups(sides: Sides) -> Vec<Range<usize>> {
    const FEWEST: usize = 16;
    const MOST: usize = 256;
    const SUMS: usize = 1 << 20;
    let units = sides.columns.layer.outputs;
    let entries = sides.columns.layer.fan_in() * sides.rows.layer.fan_in();
    let total: usize = (0..units).map(|unit| sides.partners(unit).len()).sum();
    let target = (total / 8).min(SUMS / entries).clamp(FEWEST, MOST);
    let mut groups = Vec::new();
    let (mut start, mut pairs) = (0, 0);
    for unit in 0..units {
        pairs += sides.partners(unit).len();
        if pairs >= target || unit + 1 == units {
            groups.push(start..unit + 1);
            (start, pairs) = (unit + 1, 0);
        }
    }
    groups
}

/// Completes the rows of the biases in a layer's own block.
///
/// They lie below all weights in θ, so the entry of weight `(α,i)` and bias `β` is in the lower triangle for `α > β` too,
/// where strips leave it out. Exchanging the units does not change it.
fn fill_bias_rows(layer: AffineLayer, mut block: MatMut<'_, f64>) {
    if !layer.has_bias {
        return;
    }
    let index = |unit, input| layer.parameter(unit, input) - layer.start;
    for alpha in 0..layer.outputs {
        for i in 0..layer.inputs {
            for beta in 0..alpha {
                block[(index(beta, layer.inputs), index(alpha, i))] =
                    block[(index(alpha, layer.inputs), index(beta, i))];
            }
        }
    }
}
