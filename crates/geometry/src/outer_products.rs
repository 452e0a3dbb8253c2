use crate::OutputFactor;
use crate::cholesky::parallelism;
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::prelude::ReborrowMut;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use neuromanifold_model::{Dims, Linearization};
use rayon::prelude::*;
use std::ops::Range;

/// The lower triangle of `A Aᵀ` for any map: columns are pulled back in blocks of examples, and never held.
///
/// A product of few rows does not fill two threads, so the examples are cut in lanes, whose sums are added in order.
pub(crate) fn sum_of_outer_products(
    linearization: &dyn Linearization,
    factor: &OutputFactor,
    matrix: &mut Mat<f64>,
) {
    let dims = linearization.dims();
    let lanes = lanes(dims, factor.rank());
    let boundary = |lane: usize| lane * dims.examples / lanes;
    if lanes == 1 {
        return sum_columns(linearization, factor, 0..dims.examples, matrix);
    }
    let sums: Vec<Mat<f64>> = (0..lanes)
        .into_par_iter()
        .map(|lane| {
            let mut sum = Mat::zeros(dims.parameters, dims.parameters);
            let own = boundary(lane)..boundary(lane + 1);
            sum_columns(linearization, factor, own, &mut sum);
            sum
        })
        .collect();
    for sum in &sums {
        *matrix += sum;
    }
}

/// Into how many sums the examples are cut: a function of sizes only, so that no bit depends on the number of threads.
fn lanes(dims: Dims, rank: usize) -> usize {
    const MULTIPLY_ADDS: usize = 1 << 19;
    const MOST: usize = 8;
    if parallelism(dims.parameters) != Par::Seq {
        return 1;
    }
    let columns = dims.examples.saturating_mul(rank);
    let work = (dims.parameters * dims.parameters / 2).saturating_mul(columns);
    (work / MULTIPLY_ADDS)
        .clamp(1, MOST)
        .min(dims.examples.max(1))
}

/// The sum over a range of examples, in place of what was there.
fn sum_columns(
    linearization: &dyn Linearization,
    factor: &OutputFactor,
    examples: Range<usize>,
    matrix: &mut Mat<f64>,
) {
    let dims = linearization.dims();
    let stride = block_examples(dims.parameters, factor.rank()).min(examples.len().max(1));
    let mut block = Mat::zeros(dims.parameters, stride * factor.rank());
    let mut accum = Accum::Replace;
    for start in examples.clone().step_by(stride) {
        let end = (start + stride).min(examples.end);
        let width = (end - start) * factor.rank();
        let columns = block.as_mut().subcols_mut(0, width);
        linearization.pullback(factor.cotangents(), start..end, columns);
        let columns = block.as_ref().subcols(0, width);
        match parallelism(dims.parameters) {
            Par::Seq => multiply_strips(columns, accum, matrix.as_mut()),
            par => triangular_matmul(
                matrix.as_mut(),
                BlockStructure::TriangularLower,
                accum,
                columns,
                BlockStructure::Rectangular,
                columns.transpose(),
                BlockStructure::Rectangular,
                1.0,
                par,
            ),
        }
        accum = Accum::Add;
    }
}

/// The lower triangle of `A Aᵀ` in strips of a few columns: for few rows quicker than halving the triangle again and again.
fn multiply_strips(columns: MatRef<'_, f64>, accum: Accum, mut matrix: MatMut<'_, f64>) {
    const WIDTH: usize = 16;
    let dim = columns.nrows();
    for start in (0..dim).step_by(WIDTH) {
        let width = WIDTH.min(dim - start);
        matmul(
            matrix
                .rb_mut()
                .submatrix_mut(start, start, dim - start, width),
            accum,
            columns.subrows(start, dim - start),
            columns.subrows(start, width).transpose(),
            1.0,
            Par::Seq,
        );
    }
}

/// Examples in one block of columns: 2 MiB of them, so that a block stays in the second-level cache while it is
/// multiplied with itself, but never fewer than 128 columns, below which the product would be bound by memory. For few
/// parameters an eighth of a MiB, which allocators reuse: the pages of a larger block are as dear as its arithmetic.
fn block_examples(parameters: usize, rank: usize) -> usize {
    const NUMBERS: usize = 1 << 18;
    const FEW: usize = 15_000;
    let numbers = match parallelism(parameters) {
        Par::Seq => FEW,
        _ => NUMBERS,
    };
    let columns = (numbers / parameters).max(128);
    columns.div_ceil(rank)
}
