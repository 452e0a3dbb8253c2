use super::Partition;
use super::partition::Member;
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use neuromanifold_model::{AffineLayer, Cotangents, Layerwise};
use rayon::prelude::*;
use std::ops::Range;

/// Second moments of one layer, summed over the examples.
#[derive(Clone, Debug)]
pub(crate) struct Covariances {
    /// `Σ_s ã_s ã_sᵀ` for `ã = [a; 1]`, or `a` where there is no bias.
    pub(crate) inputs: Mat<f64>,
    /// `Σ_s Σ_k δ_{s,k} δ_{s,k}ᵀ`.
    pub(crate) units: Mat<f64>,
}

/// Orthonormal axes for the inputs and the units of one layer, one a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes<'a> {
    pub(crate) inputs: MatRef<'a, f64>,
    pub(crate) units: MatRef<'a, f64>,
}

/// The second moments of every layer, in the order of the partition.
pub(crate) fn covariances(
    map: &dyn Layerwise,
    partition: &Partition,
    cotangents: Cotangents<'_>,
) -> Vec<Covariances> {
    let zero = |member: &Member| Covariances {
        inputs: Mat::zeros(member.layer.fan_in(), member.layer.fan_in()),
        units: Mat::zeros(member.layer.outputs, member.layer.outputs),
    };
    let add = |sum: &mut Covariances, _: usize, seen: Seen<'_>| {
        add_outer(sum.inputs.as_mut(), seen.inputs);
        add_outer(sum.units.as_mut(), seen.deltas);
    };
    let merge = |sum: &mut Covariances, term: &Covariances| {
        sum.inputs += &term.inputs;
        sum.units += &term.units;
    };
    let mut sums = over_examples(map, partition, cotangents, zero, add, merge);
    for sum in &mut sums {
        crate::mirror::mirror(sum.inputs.as_mut());
        crate::mirror::mirror(sum.units.as_mut());
    }
    sums
}

/// `Σ_s Σ_k (u_α·δ_{s,k})² (v_i·ã_s)²` for every layer, `fan-in × units`: the diagonal of its block in the axes `u ⊗ v`, or in
/// the axes of the parameters themselves.
pub(crate) fn squares(
    map: &dyn Layerwise,
    partition: &Partition,
    cotangents: Cotangents<'_>,
    axes: Option<&[Axes<'_>]>,
) -> Vec<Mat<f64>> {
    let zero = |member: &Member| Mat::zeros(member.layer.fan_in(), member.layer.outputs);
    let rank = cotangents.rank();
    let add = |sum: &mut Mat<f64>, place: usize, seen: Seen<'_>| {
        let (inputs, deltas) = match axes {
            None => (
                sums_of_squares(seen.inputs, 1),
                sums_of_squares(seen.deltas, rank),
            ),
            Some(axes) => (
                sums_of_squares(rotated(axes[place].inputs, seen.inputs).as_ref(), 1),
                sums_of_squares(rotated(axes[place].units, seen.deltas).as_ref(), rank),
            ),
        };
        matmul(
            sum.as_mut(),
            Accum::Add,
            &inputs,
            deltas.transpose(),
            1.0,
            Par::Seq,
        );
    };
    let merge = |sum: &mut Mat<f64>, term: &Mat<f64>| *sum += term;
    over_examples(map, partition, cotangents, zero, add, merge)
}

/// What one layer saw of a few examples: `ã`, an example a column, and `δ`, whose `r` columns of an example follow each other.
#[derive(Clone, Copy)]
struct Seen<'a> {
    inputs: MatRef<'a, f64>,
    deltas: MatRef<'a, f64>,
}

/// One sum for each layer, over all examples, in an order that depends on sizes only.
fn over_examples<T: Send>(
    map: &dyn Layerwise,
    partition: &Partition,
    cotangents: Cotangents<'_>,
    zero: impl Fn(&Member) -> T + Sync,
    add: impl Fn(&mut T, usize, Seen<'_>) + Sync,
    merge: impl Fn(&mut T, &T),
) -> Vec<T> {
    /// Sums that are taken side by side; each costs the memory of the result.
    const LANES: usize = 4;
    let examples = cotangents.examples();
    let together = map.panel().clamp(1, 256);
    let panels = examples.div_ceil(together);
    let lanes = LANES.min(panels).max(1);
    let boundary = |lane: usize| (lane * panels / lanes * together).min(examples);
    let sum_of = |lane: usize| {
        let mut sums: Vec<T> = partition.members().iter().map(&zero).collect();
        let mut room = Room::default();
        let end = boundary(lane + 1);
        for start in (boundary(lane)..end).step_by(together) {
            let own = start..(start + together).min(end);
            room.see(map, partition, cotangents, own, |place, seen| {
                add(&mut sums[place], place, seen);
            });
        }
        sums
    };
    let work = map.units().saturating_mul(examples);
    let mut each: Vec<Vec<T>> = if lanes == 1 || work < 1 << 12 {
        (0..lanes).map(sum_of).collect()
    } else {
        (0..lanes).into_par_iter().map(sum_of).collect()
    };
    let others = each.split_off(1);
    let mut total = each.swap_remove(0);
    for other in &others {
        for (total, term) in total.iter_mut().zip(other) {
            merge(total, term);
        }
    }
    total
}

/// Where a few examples are written, again and again: fresh memory costs more than what is done with it.
#[derive(Default)]
struct Room {
    deltas: Vec<f64>,
    read: Vec<f64>,
    inputs: Vec<f64>,
}

impl Room {
    /// Runs over the layers with what they saw of some examples.
    fn see(
        &mut self,
        map: &dyn Layerwise,
        partition: &Partition,
        cotangents: Cotangents<'_>,
        examples: Range<usize>,
        mut each: impl FnMut(usize, Seen<'_>),
    ) {
        let count = examples.len();
        let columns = cotangents.rank() * count;
        self.deltas.resize(map.units() * columns, 0.0);
        map.carry_back(cotangents, examples.clone(), &mut self.deltas);
        for (place, member) in partition.members().iter().enumerate() {
            let layer = member.layer;
            let below: usize = (0..member.index).map(|l| map.layer(l).outputs).sum();
            let own = &self.deltas[below * columns..][..layer.outputs * columns];
            self.read.resize(layer.inputs * count, 0.0);
            map.inputs_of(member.index, examples.clone(), &mut self.read);
            let inputs = with_ones(layer, &self.read, count, &mut self.inputs);
            each(
                place,
                Seen {
                    inputs,
                    deltas: MatRef::from_column_major_slice(own, layer.outputs, columns),
                },
            );
        }
    }
}

/// What was read, with a 1 below each column if the layer has biases.
fn with_ones<'a>(
    layer: AffineLayer,
    read: &'a [f64],
    count: usize,
    room: &'a mut Vec<f64>,
) -> MatRef<'a, f64> {
    if !layer.has_bias {
        return MatRef::from_column_major_slice(read, layer.inputs, count);
    }
    room.clear();
    for example in 0..count {
        room.extend_from_slice(&read[example * layer.inputs..][..layer.inputs]);
        room.push(1.0);
    }
    MatRef::from_column_major_slice(room, layer.fan_in(), count)
}

/// Adds `X Xᵀ` to the lower triangle.
fn add_outer(sum: MatMut<'_, f64>, columns: MatRef<'_, f64>) {
    triangular_matmul(
        sum,
        BlockStructure::TriangularLower,
        Accum::Add,
        columns,
        BlockStructure::Rectangular,
        columns.transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

/// Entry by entry, the squares of `rank` consecutive columns added up.
fn sums_of_squares(columns: MatRef<'_, f64>, rank: usize) -> Mat<f64> {
    let mut sums = Mat::zeros(columns.nrows(), columns.ncols() / rank);
    let (Some(target), Some(columns)) = (
        sums.as_mut().try_as_col_major_mut(),
        columns.try_as_col_major(),
    ) else {
        unreachable!("both store their columns contiguously");
    };
    for (index, sum) in target.col_iter_mut().enumerate() {
        let sum = sum.as_slice_mut();
        for column in index * rank..(index + 1) * rank {
            for (sum, value) in sum.iter_mut().zip(columns.col(column).as_slice()) {
                *sum += value * value;
            }
        }
    }
    sums
}

/// `Uᵀ X`.
fn rotated(axes: MatRef<'_, f64>, columns: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = Mat::zeros(axes.ncols(), columns.ncols());
    matmul(
        product.as_mut(),
        Accum::Replace,
        axes.transpose(),
        columns,
        1.0,
        Par::Seq,
    );
    product
}
