//! The matrix products of a layer, for one panel of examples.
//!
//! `W` is the flat `out × in` block of θ, row by row. Many examples go through matrix–matrix products. A single one is
//! bound by reading `W` once, where short loops beat the set-up of a general product, and where the parallel
//! matrix–vector product of faer would make the last bits depend on the number of threads.

use crate::rows::{DotRows, Outer, SumRows};
use crate::schedule::Schedule;
use faer::linalg::matmul::matmul;
use faer::{Accum, ContiguousFwd, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};

/// One example a column, each column contiguous.
pub(crate) type Columns<'a> = MatRef<'a, f64, usize, usize, ContiguousFwd>;

/// Columns to be written, each contiguous.
pub(crate) type ColumnsMut<'a> = MatMut<'a, f64, usize, usize, ContiguousFwd>;

/// A flat slice as columns of a given height.
#[track_caller]
pub(crate) fn columns(values: &[f64], height: usize) -> Columns<'_> {
    let view = MatRef::from_column_major_slice(values, height, values.len() / height);
    view.try_as_col_major()
        .unwrap_or_else(|| unreachable!("columns of a slice are contiguous"))
}

/// `out ← W x + b`.
pub(crate) fn affine(
    weights: &[f64],
    bias: Option<&[f64]>,
    input: Columns<'_>,
    out: &mut [f64],
    par: Par,
) {
    let height = out.len() / input.ncols();
    match bias {
        Some(bias) => {
            for column in out.chunks_exact_mut(height) {
                column.copy_from_slice(bias);
            }
            add_product(weights, input, out, par);
        }
        None => product(weights, input, out, Accum::Replace, par),
    }
}

/// `out ← out + W x`.
pub(crate) fn add_product(weights: &[f64], input: Columns<'_>, out: &mut [f64], par: Par) {
    product(weights, input, out, Accum::Add, par);
}

fn product(weights: &[f64], input: Columns<'_>, out: &mut [f64], accum: Accum, par: Par) {
    let (fan_in, examples) = (input.nrows(), input.ncols());
    let units = out.len() / examples;
    if examples == 1 {
        return Arch::new().dispatch(DotRows {
            weights,
            input: input.col(0).as_slice(),
            out,
            accum,
        });
    }
    matmul(
        MatMut::from_column_major_slice_mut(out, units, examples),
        accum,
        MatRef::from_row_major_slice(weights, units, fan_in),
        input,
        1.0,
        worthwhile(par, units, fan_in, examples),
    );
}

/// `out ← Wᵀ δ`.
pub(crate) fn transposed_product(weights: &[f64], delta: Columns<'_>, out: &mut [f64], par: Par) {
    let (units, examples) = (delta.nrows(), delta.ncols());
    let fan_in = out.len() / examples;
    if examples == 1 {
        return Arch::new().dispatch(SumRows {
            weights,
            delta: delta.col(0).as_slice(),
            out,
        });
    }
    matmul(
        MatMut::from_column_major_slice_mut(out, fan_in, examples),
        Accum::Replace,
        MatRef::from_column_major_slice(weights, fan_in, units),
        delta,
        1.0,
        worthwhile(par, units, fan_in, examples),
    );
}

/// `out ← δ aᵀ` or `out ← out + δ aᵀ`, summed over examples; `out` is laid out as `W`.
pub(crate) fn outer_product(
    delta: Columns<'_>,
    input: Columns<'_>,
    out: &mut [f64],
    accum: Accum,
    par: Par,
) {
    let (units, fan_in, examples) = (delta.nrows(), input.nrows(), delta.ncols());
    if examples == 1 {
        return Arch::new().dispatch(Outer {
            delta: delta.col(0).as_slice(),
            input: input.col(0).as_slice(),
            out,
            accum,
        });
    }
    matmul(
        MatMut::from_column_major_slice_mut(out, fan_in, units),
        accum,
        input,
        delta.transpose(),
        1.0,
        worthwhile(par, units, fan_in, examples),
    );
}

/// `out ← Σ_s δ_s` or `out ← out + Σ_s δ_s`.
pub(crate) fn sum_columns(delta: Columns<'_>, out: &mut [f64], accum: Accum) {
    if accum == Accum::Replace {
        out.fill(0.0);
    }
    Arch::new().dispatch(AddColumns { delta, out });
}

/// `value ← value ∘ factor`, where each column of `factor` belongs to `rank` consecutive columns of `value`.
pub(crate) fn scale_columns(value: &mut [f64], factor: &[f64], height: usize, rank: usize) {
    if rank == 1 {
        return Arch::new().dispatch(Multiply { value, factor });
    }
    for (group, factor) in value
        .chunks_exact_mut(height * rank)
        .zip(factor.chunks_exact(height))
    {
        for value in group.chunks_exact_mut(height) {
            Arch::new().dispatch(Multiply { value, factor });
        }
    }
}

/// Spread only if there is enough to do, and never for a matrix–vector product: faer's would then round differently
/// with each number of threads.
fn worthwhile(par: Par, units: usize, fan_in: usize, examples: usize) -> Par {
    let vector = units == 1 || fan_in == 1 || examples == 1;
    let work = units.saturating_mul(fan_in).saturating_mul(examples);
    if vector || Schedule::for_products(work) == Schedule::Alone {
        Par::Seq
    } else {
        par
    }
}

struct AddColumns<'a> {
    delta: Columns<'a>,
    out: &'a mut [f64],
}

impl WithSimd for AddColumns<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for column in 0..self.delta.ncols() {
            let column = self.delta.col(column).as_slice();
            for (out, value) in self.out.iter_mut().zip(column) {
                *out += value;
            }
        }
    }
}

struct Multiply<'a> {
    value: &'a mut [f64],
    factor: &'a [f64],
}

impl WithSimd for Multiply<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (value, factor) in self.value.iter_mut().zip(self.factor) {
            *value *= factor;
        }
    }
}
