use crate::backward::backpropagate;
use crate::linearization::{Linearized, assert_fits};
use crate::mirror::mirror;
use crate::panel::Examples;
use crate::product::{Columns, ColumnsMut, columns};
use crate::schedule::Schedule;
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::prelude::{Reborrow, ReborrowMut};
use faer::{Accum, Mat, MatMut, Par};
use neuromanifold_model::{Cotangents, Linearization};
use pulp::{Arch, Simd, WithSimd};

/// `AᵀA` for `A = [J_sᵀ c_{s,j}] ∈ R^{P×rN}`, without `A`.
///
/// A column of `A` is `δ ⊗ [a; 1]` layer by layer, so the inner product of two of them is
/// `Σ_l (a_s·a_t + 1)(δ_{s,i}·δ_{t,j})`: for each layer two products of small matrices and one entry by entry. That
/// costs `(rN)² Σ_l m_l` and `N² Σ_l m_l` instead of `(rN)² P`.
#[track_caller]
pub(crate) fn gram(at: &Linearized<'_>, cotangents: Cotangents<'_>, mut out: MatMut<'_, f64>) {
    let dims = at.dims();
    let size = dims.examples * cotangents.rank();
    assert_fits(cotangents, dims);
    assert!(
        (out.nrows(), out.ncols()) == (size, size),
        "inner products of {size} columns into a {}×{} matrix",
        out.nrows(),
        out.ncols()
    );
    // The result is symmetric, so a row-major target is as good as a column-major one.
    if out.rb().try_as_col_major().is_none() {
        out = out.transpose_mut();
    }
    match out.rb_mut().try_as_col_major_mut() {
        Some(target) => into_columns(at, cotangents, target),
        None => {
            let mut contiguous = Mat::zeros(size, size);
            gram(at, cotangents, contiguous.as_mut());
            out.copy_from(contiguous);
        }
    }
}

fn into_columns(at: &Linearized<'_>, cotangents: Cotangents<'_>, mut out: ColumnsMut<'_>) {
    let units = at.batch.mlp().units();
    let rank = cotangents.rank();
    let size = out.ncols();
    let schedule = Schedule::for_products(size.saturating_mul(size).saturating_mul(units));
    let mut deltas = at.batch.scratch.take(units * size);
    let blocks = carry_back(at, cotangents, &mut deltas, schedule);

    let mut strips = Vec::with_capacity(blocks.len());
    let mut rest = out.rb_mut();
    for (index, block) in blocks.iter().enumerate() {
        let (own, others) = rest.split_at_col_mut(block.columns());
        rest = others;
        strips.push((&blocks[index..], own));
    }
    schedule.run(strips.into_iter(), |(blocks, mut strip)| {
        let right = blocks[0];
        for left in blocks {
            let first = left.examples.position * rank;
            let target = strip.rb_mut().subrows_mut(first, left.columns());
            inner_products(at, *left, right, target);
        }
    });
    mirror(out.as_dyn_stride_mut(), schedule);
}

/// Some examples, with their covectors carried back to the preactivations: a block of `deltas` for each layer.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    examples: Examples<'a>,
    deltas: &'a [f64],
    rank: usize,
}

impl<'a> Block<'a> {
    fn columns(&self) -> usize {
        self.rank * self.examples.count()
    }

    fn delta_of(&self, layer: usize) -> Columns<'a> {
        let mlp = self.examples.mlp;
        let height = mlp.layers()[layer].outputs();
        let start = mlp.units_below(layer) * self.columns();
        columns(&self.deltas[start..][..height * self.columns()], height)
    }
}

/// Cuts the batch into blocks whose products stay in the cache.
fn carry_back<'a>(
    at: &'a Linearized<'_>,
    cotangents: Cotangents<'_>,
    deltas: &'a mut [f64],
    schedule: Schedule,
) -> Vec<Block<'a>> {
    const COLUMNS: usize = 256;
    let rank = cotangents.rank();
    let units = at.batch.mlp().units();
    let length = rank * cotangents.outputs();
    let mut blocks = Vec::new();
    let mut rest = deltas;
    for examples in at.pieces(0..at.dims().examples, (COLUMNS / rank).max(1)) {
        let (own, others) = rest.split_at_mut(units * rank * examples.count());
        rest = others;
        blocks.push((examples, own));
    }
    schedule.run(blocks.iter_mut(), |(examples, deltas)| {
        let own = &cotangents.values()[examples.position * length..][..examples.count() * length];
        backpropagate(examples, at.theta, own, rank, deltas, Par::Seq);
    });
    blocks
        .into_iter()
        .map(|(examples, deltas)| Block {
            examples,
            deltas,
            rank,
        })
        .collect()
}

/// One block of `AᵀA`; on the diagonal its lower triangle only.
fn inner_products(at: &Linearized<'_>, left: Block<'_>, right: Block<'_>, mut out: ColumnsMut<'_>) {
    let structure = if left.examples.position == right.examples.position {
        BlockStructure::TriangularLower
    } else {
        BlockStructure::Rectangular
    };
    let covectors = left.columns() * right.columns();
    let activations = left.examples.count() * right.examples.count();
    let length = covectors + activations + left.columns();
    let mut scratch = at.batch.scratch.take(length);
    let (covectors, scratch) = scratch.split_at_mut(covectors);
    let (activations, expanded) = scratch.split_at_mut(activations);
    for (index, layer) in left.examples.mlp.layers().iter().enumerate() {
        transposed_product(
            left.delta_of(index),
            right.delta_of(index),
            covectors,
            structure,
        );
        transposed_product(
            left.examples.input_of(index),
            right.examples.input_of(index),
            activations,
            structure,
        );
        Arch::new().dispatch(AddLayer {
            covectors,
            activations,
            expanded,
            bias: if layer.has_bias() { 1.0 } else { 0.0 },
            rank: left.rank,
            accum: if index == 0 {
                Accum::Replace
            } else {
                Accum::Add
            },
            out: out.rb_mut(),
        });
    }
}

fn transposed_product(
    left: Columns<'_>,
    right: Columns<'_>,
    out: &mut [f64],
    structure: BlockStructure,
) {
    matmul(
        MatMut::from_column_major_slice_mut(out, left.ncols(), right.ncols()),
        structure,
        Accum::Replace,
        left.transpose(),
        BlockStructure::Rectangular,
        right,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

/// `out ← (a_s·a_t + bias)(δ_{s,i}·δ_{t,j})`, or adds it.
struct AddLayer<'a> {
    covectors: &'a [f64],
    activations: &'a [f64],
    /// Room for one column of `activations`, each entry repeated `rank` times.
    expanded: &'a mut [f64],
    bias: f64,
    rank: usize,
    accum: Accum,
    out: ColumnsMut<'a>,
}

impl WithSimd for AddLayer<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            covectors,
            activations,
            expanded,
            bias,
            rank,
            accum,
            mut out,
        } = self;
        let rows = out.nrows();
        let activations = activations.chunks_exact(rows / rank);
        let covectors = covectors.chunks_exact(rows * rank);
        for (example, (activations, covectors)) in activations.zip(covectors).enumerate() {
            if rank == 1 {
                for (factor, activation) in expanded.iter_mut().zip(activations) {
                    *factor = activation + bias;
                }
            } else {
                for (group, activation) in expanded.chunks_exact_mut(rank).zip(activations) {
                    group.fill(activation + bias);
                }
            }
            for (j, covectors) in covectors.chunks_exact(rows).enumerate() {
                let column = out.rb_mut().col_mut(example * rank + j).as_slice_mut();
                let factors = expanded.iter().zip(covectors);
                match accum {
                    Accum::Add => {
                        for (out, (a, d)) in column.iter_mut().zip(factors) {
                            *out += a * d;
                        }
                    }
                    Accum::Replace => {
                        for (out, (a, d)) in column.iter_mut().zip(factors) {
                            *out = a * d;
                        }
                    }
                }
            }
        }
    }
}
