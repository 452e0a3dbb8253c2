use super::carried::Carried;
use super::partition::Partition;
use super::sides::{Side, Sides};
use super::strip::Strip;
use super::unit_columns::UnitColumns;
use faer::prelude::ReborrowMut;
use faer::{Accum, MatMut};
use neuromanifold_model::{AffineLayer, Cotangents, Layerwise};
use rayon::prelude::*;

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
    let examples = cotangents.examples();
    let mut carried = Carried::new(map, partition, cotangents.rank());
    let capacity = carried.capacity();
    let mut strips = strips(partition, matrix.rb_mut());
    let lanes = if strips.len() < MANY { LANES } else { 1 };
    for start in (0..examples).step_by(capacity) {
        let range = start..(start + capacity).min(examples);
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
            .for_each(|strip| strip.add(&carried, lanes, accum));
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

/// Into how many sums the examples are cut if there are few strips. All of these are functions of sizes only, so that
/// results do not depend on threads.
const LANES: usize = 4;
/// How many strips are enough to keep threads busy.
const MANY: usize = 16;

/// Cuts the lower triangle into strips.
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
    strips
}

/// Cuts the columns of a block between units: consecutive ones share a strip up to a number of pairs that keeps their
/// sums in the cache and leaves something for other threads.
fn cut<'a>(sides: Sides, block: MatMut<'a, f64>, strips: &mut Vec<Strip<'a>>) {
    const FEWEST: usize = 16;
    const MOST: usize = 320;
    const PARTS: usize = 4;
    const SUMS: usize = 1 << 20;
    let layer = sides.columns.layer;
    let entries = layer.fan_in() * sides.rows.layer.fan_in();
    let total: usize = (0..layer.outputs)
        .map(|unit| sides.partners(unit).len())
        .sum();
    let target = (total / PARTS)
        .min(SUMS / entries.max(1))
        .clamp(FEWEST, MOST);
    let mut gathered = Vec::new();
    let mut pairs = 0;
    for columns in columns_of_units(layer, block) {
        pairs += sides.partners(columns.unit).len();
        gathered.push(columns);
        if pairs >= target {
            strips.push(Strip::new(sides, std::mem::take(&mut gathered)));
            pairs = 0;
        }
    }
    if !gathered.is_empty() {
        strips.push(Strip::new(sides, gathered));
    }
}

/// The columns of a block, unit by unit: first come all weights, then the biases.
fn columns_of_units<'a>(
    layer: AffineLayer,
    block: MatMut<'a, f64>,
) -> impl Iterator<Item = UnitColumns<'a>> {
    let (weights, biases) = block.split_at_col_mut(layer.outputs * layer.inputs);
    let (mut weights, mut biases) = (Some(weights), layer.has_bias.then_some(biases));
    (0..layer.outputs).filter_map(move |unit| {
        let (own, others) = weights.take()?.split_at_col_mut(layer.inputs);
        weights = Some(others);
        let bias = biases.take().map(|all| {
            let (own, others) = all.split_at_col_mut(1);
            biases = Some(others);
            own.col_mut(0)
        });
        Some(UnitColumns {
            unit,
            weights: own,
            bias,
        })
    })
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
