use super::Partition;
use super::partition::Member;
use crate::binary_unit::{Extent, unit_of_squares};
use crate::mirror::mirror;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use neuromanifold_model::{AffineLayer, Cotangents, Layerwise};
use rayon::prelude::*;
use std::ops::Range;

/// Second moments of one layer, summed over the examples.
#[derive(Clone, Debug)]
pub(crate) struct Covariances {
    /// `Σ_s ã_s ã_sᵀ` for `ã = [a; 1]`, or `a` where there is no bias.
    pub(crate) inputs: Moment,
    /// `Σ_s Σ_k δ_{s,k} δ_{s,k}ᵀ`.
    pub(crate) units: Moment,
}

/// `Σ x xᵀ`, as `unit²` times a matrix whose entries are numbers though those of the sum may not be.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) matrix: Mat<f64>,
    /// A power of two, and 1 wherever that will do; 0 for a sum of zeros.
    unit: f64,
}

impl Moment {
    fn zero(dim: usize) -> Self {
        Self {
            matrix: Mat::zeros(dim, dim),
            unit: 0.0,
        }
    }

    /// The unit of the matrix.
    pub(crate) fn unit(&self) -> f64 {
        if self.unit > 0.0 { self.unit } else { 1.0 }
    }

    /// Adds `X Xᵀ` to the lower triangle, given the largest size among the entries of `X`.
    fn add(&mut self, columns: MatRef<'_, f64>, largest: f64) {
        if largest > 0.0 {
            self.count_in(unit_of_squares(largest));
        }
        if (self.unit() - 1.0).abs() > 0.0 {
            let scaled = faer::Scale(1.0 / self.unit) * columns;
            add_outer(self.matrix.as_mut(), scaled.as_ref());
        } else {
            add_outer(self.matrix.as_mut(), columns);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count_in(other.unit);
        let ratio = if other.unit > 0.0 {
            other.unit / self.unit
        } else {
            0.0
        };
        self.matrix += faer::Scale(ratio * ratio) * &other.matrix;
    }

    /// Makes the unit at least so large.
    fn count_in(&mut self, unit: f64) {
        if unit > self.unit {
            let ratio = self.unit / unit;
            self.matrix *= faer::Scale(ratio * ratio);
            self.unit = unit;
        }
    }
}

/// The second moments of every layer, in the order of the partition.
pub(crate) fn covariances(
    map: &dyn Layerwise,
    partition: &Partition,
    cotangents: Cotangents<'_>,
) -> Vec<Covariances> {
    let zero = |member: &Member| Covariances {
        inputs: Moment::zero(member.layer.fan_in()),
        units: Moment::zero(member.layer.outputs),
    };
    let add = |sum: &mut Covariances, _: usize, seen: Seen<'_>| {
        sum.inputs.add(seen.inputs, seen.input_extent.largest());
        sum.units.add(seen.deltas, seen.delta_extent.largest());
    };
    let merge = |sum: &mut Covariances, term: &Covariances| {
        sum.inputs.merge(&term.inputs);
        sum.units.merge(&term.units);
    };
    let mut sums = over_examples(map, partition, cotangents, zero, add, merge);
    for sum in &mut sums {
        mirror(sum.inputs.matrix.as_mut());
        mirror(sum.units.matrix.as_mut());
    }
    sums
}

/// What one layer saw of a few examples: `ã`, an example a column, and `δ`, whose `r` columns of an example follow each other.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) inputs: MatRef<'a, f64>,
    pub(super) deltas: MatRef<'a, f64>,
    pub(super) input_extent: Extent,
    pub(super) delta_extent: Extent,
}

/// One sum for each layer, over all examples, in an order that depends on sizes only.
pub(super) fn over_examples<T: Send>(
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
                    inputs: MatRef::from_column_major_slice(inputs, layer.fan_in(), count),
                    input_extent: Extent::of(inputs),
                    delta_extent: Extent::of(own),
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
) -> &'a [f64] {
    if !layer.has_bias {
        return read;
    }
    room.clear();
    for example in 0..count {
        room.extend_from_slice(&read[example * layer.inputs..][..layer.inputs]);
        room.push(1.0);
    }
    room
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
