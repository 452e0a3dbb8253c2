use crate::backward::backpropagate;
use crate::linearization::{Linearized, assert_fits};
use crate::panel::Examples;
use crate::product::ColumnsMut;
use crate::rows::outer_rows;
use crate::schedule::Schedule;
use faer::prelude::ReborrowMut;
use faer::{Mat, MatMut, Par};
use neuromanifold_model::{Cotangents, Linearization};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Pulls back `r` covectors of each example in a range: column `(s − start)·r + j` of `out` becomes `J_sᵀ c_{s,j}`.
///
/// Layer by layer that is `δ ⊗ [a; 1]`, so once the covectors have been carried back, `out` is only written, once and
/// in order.
#[track_caller]
pub(crate) fn pullback(
    at: &Linearized<'_>,
    cotangents: Cotangents<'_>,
    examples: Range<usize>,
    mut out: MatMut<'_, f64>,
) {
    let dims = at.dims();
    let rank = cotangents.rank();
    assert_fits(cotangents, dims);
    assert!(
        examples.end <= dims.examples
            && (out.nrows(), out.ncols()) == (dims.parameters, examples.len() * rank),
        "pulling back {} covectors of {} parameters into a {}×{} matrix",
        examples.len() * rank,
        dims.parameters,
        out.nrows(),
        out.ncols()
    );
    match out.rb_mut().try_as_col_major_mut() {
        Some(columns) => into_columns(at, cotangents, examples, columns),
        None => {
            let mut columns = Mat::zeros(out.nrows(), out.ncols());
            pullback(at, cotangents, examples, columns.as_mut());
            out.copy_from(columns);
        }
    }
}

fn into_columns(
    at: &Linearized<'_>,
    cotangents: Cotangents<'_>,
    range: Range<usize>,
    out: ColumnsMut<'_>,
) {
    /// Columns carried back together: enough for matrix products, few enough for the cache.
    const TOGETHER: usize = 64;
    let rank = cotangents.rank();
    let length = rank * cotangents.outputs();
    let schedule = Schedule::for_entries(out.nrows().saturating_mul(out.ncols()));
    let mut rest = Some(out);
    let tasks = at
        .pieces(range, (TOGETHER / rank).max(1))
        .filter_map(|examples| {
            let (own, others) = rest.take()?.split_at_col_mut(rank * examples.count());
            rest = Some(others);
            Some((examples, own))
        });
    schedule.run(tasks, |(examples, out)| {
        let own = &cotangents.values()[examples.position * length..][..examples.count() * length];
        let mut deltas = at.batch.scratch.take(examples.mlp.units() * out.ncols());
        backpropagate(&examples, at.theta, own, rank, &mut deltas, Par::Seq);
        Arch::new().dispatch(WriteColumns {
            examples,
            deltas: &deltas,
            rank,
            out,
        });
    });
}

/// One column after the other, each from its first entry to its last.
struct WriteColumns<'a> {
    examples: Examples<'a>,
    deltas: &'a [f64],
    rank: usize,
    out: ColumnsMut<'a>,
}

impl WithSimd for WriteColumns<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            examples,
            deltas,
            rank,
            mut out,
        } = self;
        let mlp = examples.mlp;
        let columns = out.ncols();
        let mut below = 0;
        for (index, layer) in mlp.layers().iter().enumerate() {
            let inputs = examples.input_of(index);
            let block = &deltas[below * columns..][..layer.outputs() * columns];
            below += layer.outputs();
            for (column, delta) in block.chunks_exact(layer.outputs()).enumerate() {
                let input = inputs.col(column / rank).as_slice();
                let target = out.rb_mut().col_mut(column).as_slice_mut();
                outer_rows(delta, input, &mut target[layer.weights()]);
                if let Some(bias) = layer.bias() {
                    target[bias].copy_from_slice(delta);
                }
            }
        }
    }
}
