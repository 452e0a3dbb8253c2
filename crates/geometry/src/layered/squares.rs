use super::Partition;
use super::moments::{Seen, over_examples};
use super::partition::Member;
use crate::binary_unit::{FAINT, unit_of_squares};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use neuromanifold_model::{Cotangents, Layerwise};

/// Orthonormal axes for the inputs and the units of one layer, one a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes<'a> {
    pub(crate) inputs: MatRef<'a, f64>,
    pub(crate) units: MatRef<'a, f64>,
}

/// `Σ_s Σ_k (u_α·δ_{s,k})² (v_i·ã_s)²` for every layer, `fan-in × units`: the diagonal of its block in the axes `u ⊗ v`, or in
/// the axes of the parameters themselves.
///
/// Right to rounding wherever a sum is a number, be its factors so large or small that their squares are none.
pub(crate) fn squares(
    map: &dyn Layerwise,
    partition: &Partition,
    cotangents: Cotangents<'_>,
    axes: Option<&[Axes<'_>]>,
) -> Vec<Mat<f64>> {
    let zero = |member: &Member| Mat::zeros(member.layer.fan_in(), member.layer.outputs);
    let rank = cotangents.rank();
    let add = |sum: &mut Mat<f64>, place: usize, seen: Seen<'_>| {
        // in other axes too: what is fainter there is rounding
        let ordinary = seen.input_extent.is_ordinary() && seen.delta_extent.is_ordinary();
        let add = if ordinary {
            add_ordinary_products
        } else {
            add_products
        };
        match axes {
            None => add(sum, seen.inputs, seen.deltas, rank),
            Some(axes) => add(
                sum,
                rotated(axes[place].inputs, seen.inputs).as_ref(),
                rotated(axes[place].units, seen.deltas).as_ref(),
                rank,
            ),
        }
    };
    let merge = |sum: &mut Mat<f64>, term: &Mat<f64>| *sum += term;
    over_examples(map, partition, cotangents, zero, add, merge)
}

/// Entry by entry, the squares of `rank` consecutive columns added up; each row in the square of a unit of its own.
struct Squares {
    sums: Mat<f64>,
    rows: Vec<Row>,
}

/// What becomes of a row when it is squared.
#[derive(Clone, Copy)]
struct Row {
    /// A power of two.
    unit: f64,
    /// Whether it holds a number, other than 0, below [`FAINT`] units.
    faint: bool,
}

/// `2^-460`: a square that is not normal is off by `2^-1074`; times a sum of squares that is below the last digit of this.
const CLEAR: f64 = f64::from_bits((1023 - 460) << 52);

impl Squares {
    fn of(matrix: MatRef<'_, f64>, rank: usize) -> Self {
        let Some(columns) = matrix.try_as_col_major() else {
            unreachable!("columns are stored contiguously");
        };
        let mut largest = vec![0.0_f64; columns.nrows()];
        let mut least = vec![f64::INFINITY; columns.nrows()];
        for column in columns.col_iter() {
            for ((largest, least), value) in
                largest.iter_mut().zip(&mut least).zip(column.as_slice())
            {
                let size = value.abs();
                *largest = largest.max(size);
                *least = least.min(if size > 0.0 { size } else { f64::INFINITY });
            }
        }
        let row = |(largest, least): (&f64, &f64)| {
            let unit = unit_of_squares(*largest);
            let faint = *least < FAINT * unit;
            Row { unit, faint }
        };
        let rows: Vec<Row> = largest.iter().zip(&least).map(row).collect();
        let scales: Vec<f64> = rows.iter().map(|row| 1.0 / row.unit).collect();
        let sums = sums_of_squares(matrix, rank, Some(&scales));
        Self { sums, rows }
    }
}

/// `sum_{iα} ← sum_{iα} + Σ_s Σ_k inputs_{is}² deltas_{α,sk}²`: a product of two matrices of squares.
fn add_ordinary_products(
    sum: &mut Mat<f64>,
    inputs: MatRef<'_, f64>,
    deltas: MatRef<'_, f64>,
    rank: usize,
) {
    let left = sums_of_squares(inputs, 1, None);
    let right = sums_of_squares(deltas, rank, None);
    matmul(sum, Accum::Add, &left, right.transpose(), 1.0, Par::Seq);
}

/// The same where squares, or products of them, may be no numbers.
fn add_products(sum: &mut Mat<f64>, inputs: MatRef<'_, f64>, deltas: MatRef<'_, f64>, rank: usize) {
    let (left, right) = (Squares::of(inputs, 1), Squares::of(deltas, rank));
    let mut products = Mat::zeros(sum.nrows(), sum.ncols());
    let transposed = right.sums.transpose();
    matmul(
        &mut products,
        Accum::Replace,
        &left.sums,
        transposed,
        1.0,
        Par::Seq,
    );
    for (unit, delta) in right.rows.iter().enumerate() {
        for (i, input) in left.rows.iter().enumerate() {
            let product = products[(i, unit)];
            sum[(i, unit)] += if (input.faint || delta.faint) && product < CLEAR {
                product_by_product(inputs, deltas, rank, (i, unit))
            } else {
                let scale = input.unit * delta.unit;
                product * scale * scale // one after the other: the square alone may overflow
            };
        }
    }
}

/// Entry by entry, the squares of `rank` consecutive columns added up, each row multiplied by its scale first.
fn sums_of_squares(columns: MatRef<'_, f64>, rank: usize, scales: Option<&[f64]>) -> Mat<f64> {
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
            let terms = sum.iter_mut().zip(columns.col(column).as_slice());
            match scales {
                None => terms.for_each(|(sum, value)| *sum += value * value),
                Some(scales) => terms.zip(scales).for_each(|((sum, value), scale)| {
                    *sum += (value * scale) * (value * scale);
                }),
            }
        }
    }
    sums
}

/// One entry, multiplied before it is squared.
fn product_by_product(
    inputs: MatRef<'_, f64>,
    deltas: MatRef<'_, f64>,
    rank: usize,
    (i, unit): (usize, usize),
) -> f64 {
    let products = (0..deltas.ncols()).map(|k| inputs[(i, k / rank)] * deltas[(unit, k)]);
    products.map(|product| product * product).sum()
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
