use super::Partition;
use crate::MetricError;
use neuromanifold_model::{Cotangents, Layerwise};
use rayon::prelude::*;
use std::ops::Range;

/// What the layers of a map read on some examples, and the covectors carried back to them.
///
/// Cut into blocks of examples. In a block each input of a layer and each entry of a covector is one column over the
/// examples, contiguous, so that products of two of them are products of vectors.
#[derive(Debug)]
pub(crate) struct Carried {
    storage: Vec<f64>,
    places: Vec<Place>,
    /// Numbers for each example.
    width: usize,
    rank: usize,
    /// Examples of a full block.
    block: usize,
    /// Examples held.
    examples: usize,
}

/// Where the columns of a layer begin, counted in columns.
#[derive(Clone, Copy, Debug)]
struct Place {
    inputs: usize,
    deltas: usize,
    end: usize,
}

/// One block of examples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    values: &'a [f64],
    places: &'a [Place],
    pub(crate) examples: usize,
}

impl<'a> Block<'a> {
    /// `[a; 1]` of a layer, given by its place in the partition.
    pub(crate) fn inputs(&self, layer: usize) -> &'a [f64] {
        let Place { inputs, deltas, .. } = self.places[layer];
        &self.values[inputs * self.examples..deltas * self.examples]
    }

    /// `δ` of a layer: the `r` columns of a unit follow each other.
    pub(crate) fn deltas(&self, layer: usize) -> &'a [f64] {
        let Place { deltas, end, .. } = self.places[layer];
        &self.values[deltas * self.examples..end * self.examples]
    }
}

impl Carried {
    pub(crate) fn new(map: &dyn Layerwise, partition: &Partition, rank: usize) -> Self {
        /// Examples of a block: what a matrix product needs to be efficient, in whole panels of the map.
        const BLOCK: usize = 256;
        let panel = map.panel().clamp(1, BLOCK);
        let mut width = 0;
        let mut places = Vec::with_capacity(partition.members().len());
        for member in partition.members() {
            let (inputs, deltas) = (width, width + member.layer.fan_in());
            width = deltas + member.layer.outputs * rank;
            places.push(Place {
                inputs,
                deltas,
                end: width,
            });
        }
        Self {
            storage: Vec::new(),
            places,
            width,
            rank,
            block: BLOCK.div_ceil(panel) * panel,
            examples: 0,
        }
    }

    /// How many examples are held at a time: 16 MiB of them, in whole blocks.
    pub(crate) fn capacity(&self) -> usize {
        const NUMBERS: usize = 1 << 21;
        (NUMBERS / (self.width * self.block)).max(1) * self.block
    }

    /// Replaces what is held by a range of examples.
    ///
    /// # Errors
    /// [`MetricError::Magnitude`] unless all of it is finite and far from overflow.
    pub(crate) fn load(
        &mut self,
        map: &dyn Layerwise,
        partition: &Partition,
        cotangents: Cotangents<'_>,
        range: Range<usize>,
    ) -> Result<(), MetricError> {
        self.examples = range.len();
        self.storage.resize(self.examples * self.width, 0.0);
        let (block, places) = (self.block, &self.places);
        let load = |(index, values): (usize, &mut [f64])| {
            let start = range.start + index * block;
            let examples = start..(start + block).min(range.end);
            load_block(map, partition, places, cotangents, examples, values);
            let fits = |value: &f64| value.abs() < LARGEST;
            if values.iter().fold(true, |all, value| all & fits(value)) {
                return None;
            }
            values.iter().copied().find(|value| !fits(value))
        };
        let blocks = self.storage.par_chunks_mut(self.width * block);
        let outside = blocks.enumerate().map(load).reduce(|| None, Option::or);
        outside.map_or(Ok(()), |value| {
            Err(MetricError::Magnitude {
                value,
                limit: LARGEST,
            })
        })
    }

    /// The number of blocks held.
    pub(crate) fn blocks(&self) -> usize {
        self.examples.div_ceil(self.block)
    }

    pub(crate) fn block(&self, index: usize) -> Block<'_> {
        let start = index * self.block;
        let examples = self.block.min(self.examples - start);
        Block {
            values: &self.storage[start * self.width..(start + examples) * self.width],
            places: &self.places,
            examples,
        }
    }

    pub(crate) fn rank(&self) -> usize {
        self.rank
    }
}

/// Products of two entries are formed before those of four: beyond this the order would matter.
const LARGEST: f64 = 1e100;

/// Panel after panel, turned so that examples are contiguous.
fn load_block(
    map: &dyn Layerwise,
    partition: &Partition,
    places: &[Place],
    cotangents: Cotangents<'_>,
    examples: Range<usize>,
    values: &mut [f64],
) {
    let (rank, count) = (cotangents.rank(), examples.len());
    let offsets = offsets_of_layers(map);
    let widest = partition.members().iter().map(|m| m.layer.inputs).max();
    let panel = map.panel().clamp(1, count);
    let mut deltas = vec![0.0; map.units() * rank * panel];
    let mut inputs = vec![0.0; widest.unwrap_or(0) * panel];
    let mut start = examples.start;
    while start < examples.end {
        let end = ((start / panel + 1) * panel).min(examples.end);
        let (first, together) = (start - examples.start, end - start);
        let deltas = &mut deltas[..map.units() * rank * together];
        map.carry_back(cotangents, start..end, deltas);
        for (member, place) in partition.members().iter().zip(places) {
            let layer = member.layer;
            let inputs = &mut inputs[..layer.inputs * together];
            map.inputs_of(member.index, start..end, inputs);
            let target = &mut values[place.inputs * count..place.deltas * count];
            for i in 0..layer.inputs {
                let column = &mut target[i * count + first..][..together];
                pick(inputs, i, layer.inputs, column);
            }
            if layer.has_bias {
                target[layer.inputs * count..].fill(1.0);
            }
            let block = &deltas[offsets[member.index] * rank * together..]
                [..layer.outputs * rank * together];
            let target = &mut values[place.deltas * count..place.end * count];
            for column in 0..layer.outputs * rank {
                let (unit, k) = (column / rank, column % rank);
                let target = &mut target[column * count + first..][..together];
                pick(
                    block,
                    k * layer.outputs + unit,
                    layer.outputs * rank,
                    target,
                );
            }
        }
        start = end;
    }
}

/// Every `stride`-th number from the first on.
fn pick(values: &[f64], first: usize, stride: usize, out: &mut [f64]) {
    for (out, value) in out.iter_mut().zip(values[first..].iter().step_by(stride)) {
        *out = *value;
    }
}

/// For each layer, in the map's own order, the units of the layers before it.
fn offsets_of_layers(map: &dyn Layerwise) -> Vec<usize> {
    let mut below = 0;
    (0..map.depth())
        .map(|index| {
            let own = below;
            below += map.layer(index).outputs;
            own
        })
        .collect()
}
