use super::carried::Carried;
use super::partition::Partition;
use super::sides::{Partners, Side, Sides};
use super::strip::Strip;
use super::unit_columns::UnitColumns;
use crate::Blocks;
use crate::MetricError;
use crate::mirror::mirror;
use faer::prelude::ReborrowMut;
use faer::{Accum, Mat, MatMut};
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
    run(
        map,
        partition,
        cotangents,
        strips(partition, matrix.rb_mut()),
    )
    .ok()?;
    for member in partition.members() {
        let own = member.layer.parameters();
        let block = matrix
            .rb_mut()
            .submatrix_mut(own.start, own.start, own.len(), own.len());
        fill_bias_rows(member.layer, block);
    }
    Some(())
}

/// The diagonal blocks alone, in the order of the partition, both triangles.
///
/// # Errors
/// [`MetricError::Magnitude`] where [`assemble`] gives `None`.
pub(crate) fn own_blocks(
    map: &dyn Layerwise,
    partition: &Partition,
    cotangents: Cotangents<'_>,
    blocks: Blocks,
) -> Result<Vec<Mat<f64>>, MetricError> {
    let layers = partition.members().iter().map(|member| member.layer);
    let mut matrices: Vec<Mat<f64>> = match blocks {
        Blocks::Layers => layers.map(|l| square(l.parameters().len())).collect(),
        Blocks::Units => layers
            .flat_map(|l| (0..l.outputs).map(move |_| square(l.fan_in())))
            .collect(),
    };
    let mut strips = Vec::new();
    let mut free = matrices.iter_mut();
    for side in sides(partition) {
        let pair = |partners| Sides {
            rows: side,
            columns: side,
            partners,
        };
        match blocks {
            Blocks::Layers => {
                let own = free.by_ref().take(1);
                for columns in own.map(|matrix| columns_of_units(side.layer, matrix.as_mut())) {
                    cut(pair(Partners::FromItself), columns, &mut strips);
                }
            }
            Blocks::Units => {
                let own = free.by_ref().take(side.layer.outputs).enumerate();
                let columns = own.map(|(unit, matrix)| whole_unit(side.layer, unit, matrix));
                cut(pair(Partners::Itself), columns, &mut strips);
            }
        }
    }
    run(map, partition, cotangents, strips)?;
    if blocks == Blocks::Layers {
        for (member, matrix) in partition.members().iter().zip(&mut matrices) {
            fill_bias_rows(member.layer, matrix.as_mut());
        }
    }
    for matrix in &mut matrices {
        mirror(matrix.as_mut());
    }
    Ok(matrices)
}

fn square(dim: usize) -> Mat<f64> {
    Mat::zeros(dim, dim)
}

/// Loads the examples, as many as are held at a time, and adds them to all strips.
fn run(
    map: &dyn Layerwise,
    partition: &Partition,
    cotangents: Cotangents<'_>,
    mut strips: Vec<Strip<'_>>,
) -> Result<(), MetricError> {
    let examples = cotangents.examples();
    let mut carried = Carried::new(map, partition, cotangents.rank());
    let capacity = carried.capacity();
    for start in (0..examples).step_by(capacity) {
        let range = start..(start + capacity).min(examples);
        carried.load(map, partition, cotangents, range)?;
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
    Ok(())
}

fn sides(partition: &Partition) -> Vec<Side> {
    let members = partition.members().iter().enumerate();
    members
        .map(|(place, member)| Side {
            place,
            layer: member.layer,
        })
        .collect()
}

/// Cuts the lower triangle into strips.
fn strips<'a>(partition: &Partition, matrix: MatMut<'a, f64>) -> Vec<Strip<'a>> {
    let sides = sides(partition);
    let mut strips = Vec::new();
    let mut right = matrix;
    for (place, &columns) in sides.iter().enumerate() {
        let (own, others) = right.split_at_col_mut(columns.layer.parameters().len());
        right = others;
        let (_, mut below) = own.split_at_row_mut(columns.layer.start);
        for &rows in &sides[place..] {
            let (block, others) = below.split_at_row_mut(rows.layer.parameters().len());
            below = others;
            let partners = if rows.place == place {
                Partners::FromItself
            } else {
                Partners::All
            };
            let pair = Sides {
                rows,
                columns,
                partners,
            };
            cut(pair, columns_of_units(columns.layer, block), &mut strips);
        }
    }
    strips
}

/// Gathers the units of a block into strips: consecutive ones up to a number of pairs that keeps their sums in the cache
/// and leaves something for other threads. All of this is a function of sizes only, so that results do not depend on
/// threads.
fn cut<'a>(
    sides: Sides,
    columns: impl Iterator<Item = UnitColumns<'a>>,
    strips: &mut Vec<Strip<'a>>,
) {
    const FEWEST: usize = 16;
    const MOST: usize = 320;
    const SUMS: usize = 1 << 20;
    /// Few strips cut their examples in lanes too, so that all threads have something to do.
    const FEW: usize = 8;
    const LANES: usize = 4;
    let entries = sides.columns.layer.fan_in() * sides.rows.layer.fan_in();
    let total: usize = (0..sides.columns.layer.outputs)
        .map(|unit| sides.partners(unit).len())
        .sum();
    let target = (total / LANES)
        .min(SUMS / entries.max(1))
        .clamp(FEWEST, MOST);
    let lanes = if total / target < FEW { LANES } else { 1 };
    let mut gathered = Vec::new();
    let mut pairs = 0;
    for columns in columns {
        pairs += sides.partners(columns.unit).len();
        gathered.push(columns);
        if pairs >= target {
            strips.push(Strip::new(sides, std::mem::take(&mut gathered), lanes));
            pairs = 0;
        }
    }
    if !gathered.is_empty() {
        strips.push(Strip::new(sides, gathered, lanes));
    }
}

/// The columns of a unit's own block: the weights, then the bias.
fn whole_unit(layer: AffineLayer, unit: usize, matrix: &mut Mat<f64>) -> UnitColumns<'_> {
    let (weights, bias) = matrix.as_mut().split_at_col_mut(layer.inputs);
    UnitColumns {
        unit,
        weights,
        bias: layer.has_bias.then(|| bias.col_mut(0)),
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
