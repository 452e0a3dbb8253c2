//! What is done with eight columns of a symmetric matrix while they are in the cache.

use super::tile::{Entry, Line, SIDE, Tile, load, store, total};
use pulp::Simd;

/// `out ← out + S x` for the part of `S` in one panel and its mirror image, reading each stored number once.
///
/// A panel is a tile on the diagonal, of which both triangles are stored, and the tiles below it. `x` and `out` begin with
/// the rows of the tile on the diagonal.
#[inline(always)]
pub(super) fn multiply<S: Simd, T: Entry, const N: usize>(
    simd: S,
    panel: &[Tile<T>],
    x: &[Line],
    out: &mut [Line],
) {
    let ([corner, below @ ..], [x_corner, x_below @ ..], [out_corner, out_below @ ..]) =
        (panel, x, out)
    else {
        return;
    };
    let zero = simd.splat_f64s(0.0);
    let mut weights = [zero; SIDE];
    for (w, x) in weights.iter_mut().zip(x_corner.0) {
        *w = simd.splat_f64s(x);
    }
    let mut own: [S::f64s; N] = load(simd, &out_corner.0);
    for (column, weight) in corner.0.iter().zip(weights) {
        let column: [S::f64s; N] = load(simd, column);
        for i in 0..N {
            own[i] = simd.mul_add_f64s(column[i], weight, own[i]);
        }
    }
    let mut sums = [[zero; N]; SIDE];
    for ((tile, x), out) in below.iter().zip(x_below).zip(out_below) {
        let x: [S::f64s; N] = load(simd, &x.0);
        let mut o: [S::f64s; N] = load(simd, &out.0);
        for k in 0..SIDE {
            let column: [S::f64s; N] = load(simd, &tile.0[k]);
            for i in 0..N {
                sums[k][i] = simd.mul_add_f64s(column[i], x[i], sums[k][i]);
                o[i] = simd.mul_add_f64s(column[i], weights[k], o[i]);
            }
        }
        store::<S, f64, N>(&mut out.0, o);
    }
    store::<S, f64, N>(&mut out_corner.0, own);
    for (o, sum) in out_corner.0.iter_mut().zip(sums) {
        *o += total(simd, sum);
    }
}

/// `S ← factor·(S + V Wᵀ)` in one panel, with `W` such that `V Wᵀ` is symmetric: eight columns of it a tile of `pivots`, which
/// holds the rows of the panel, and `blocks` tiles of `columns`, of which those from `first` on are the rows of the panel.
#[inline(always)]
pub(super) fn add<S: Simd, T: Entry, const N: usize>(
    simd: S,
    panel: &mut [Tile<T>],
    columns: &[Tile<f64>],
    blocks: usize,
    pivots: &[Tile<f64>],
    factor: f64,
) {
    let first = blocks - panel.len();
    let factor = simd.splat_f64s(factor);
    for (r, tile) in panel.iter_mut().enumerate() {
        let mut sums = [[factor; N]; SIDE];
        for (sum, column) in sums.iter_mut().zip(&tile.0) {
            *sum = load(simd, column);
        }
        for (group, pivot) in columns.chunks_exact(blocks).zip(pivots) {
            for (v, w) in group[first + r].0.iter().zip(&pivot.0) {
                let v: [S::f64s; N] = load(simd, v);
                for c in 0..SIDE {
                    let w = simd.splat_f64s(w[c]);
                    for i in 0..N {
                        sums[c][i] = simd.mul_add_f64s(v[i], w, sums[c][i]);
                    }
                }
            }
        }
        for (mut sum, column) in sums.into_iter().zip(&mut tile.0) {
            for s in &mut sum {
                *s = simd.mul_f64s(*s, factor);
            }
            store::<S, T, N>(column, sum);
        }
    }
}

/// `out ← out + V (Wᵀ x)` for eight columns, `V` in tiles and `W = V·diag(signs)`.
#[inline(always)]
pub(super) fn add_projection<S: Simd, const N: usize>(
    simd: S,
    columns: &[Tile<f64>],
    signs: &[f64; SIDE],
    x: &[Line],
    out: &mut [Line],
) {
    let zero = simd.splat_f64s(0.0);
    let mut sums = [[zero; N]; SIDE];
    for (tile, x) in columns.iter().zip(x) {
        let x: [S::f64s; N] = load(simd, &x.0);
        for (sum, column) in sums.iter_mut().zip(&tile.0) {
            let column: [S::f64s; N] = load(simd, column);
            for i in 0..N {
                sum[i] = simd.mul_add_f64s(column[i], x[i], sum[i]);
            }
        }
    }
    let mut weights = [zero; SIDE];
    for k in 0..SIDE {
        weights[k] = simd.splat_f64s(signs[k] * total(simd, sums[k]));
    }
    for (tile, out) in columns.iter().zip(out) {
        let mut o: [S::f64s; N] = load(simd, &out.0);
        for (column, weight) in tile.0.iter().zip(weights) {
            let column: [S::f64s; N] = load(simd, column);
            for i in 0..N {
                o[i] = simd.mul_add_f64s(column[i], weight, o[i]);
            }
        }
        store::<S, f64, N>(&mut out.0, o);
    }
}
