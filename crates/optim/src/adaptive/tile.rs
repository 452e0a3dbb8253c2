//! Blocks of eight by eight numbers, the unit in which the estimate is stored, read and written.

use pulp::{Arch, Simd, WithSimd};

/// Rows and columns of a [`Tile`]: as many `f64` as fill a cache line and the widest register.
pub(super) const SIDE: usize = 8;

/// `8 × 8` numbers, column by column, on cache lines of their own.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Tile<T>(pub(super) [[T; SIDE]; SIDE]);

/// Eight entries of a vector, on a cache line of their own.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [f64; SIDE]);

impl Line {
    pub(super) const ZERO: Self = Self([0.0; SIDE]);
}

impl<T: Entry> Tile<T> {
    pub(super) const ZERO: Self = Self([[T::ZERO; SIDE]; SIDE]);
}

/// How an entry is stored. Arithmetic is done in `f64` whatever the storage.
pub(super) trait Entry: Copy + Send + Sync + std::fmt::Debug + 'static {
    const ZERO: Self;
    fn widen(line: &[Self; SIDE]) -> [f64; SIDE];
    fn narrow(line: &[f64; SIDE]) -> [Self; SIDE];
}

impl Entry for f64 {
    const ZERO: Self = 0.0;
    #[inline(always)]
    fn widen(line: &[Self; SIDE]) -> [f64; SIDE] {
        *line
    }
    #[inline(always)]
    fn narrow(line: &[f64; SIDE]) -> [Self; SIDE] {
        *line
    }
}

impl Entry for f32 {
    const ZERO: Self = 0.0;
    #[inline(always)]
    fn widen(line: &[Self; SIDE]) -> [f64; SIDE] {
        let mut wide = [0.0; SIDE];
        for (w, n) in wide.iter_mut().zip(line) {
            *w = f64::from(*n);
        }
        wide
    }
    #[inline(always)]
    fn narrow(line: &[f64; SIDE]) -> [Self; SIDE] {
        let mut narrow = [0.0; SIDE];
        for (n, w) in narrow.iter_mut().zip(line) {
            *n = *w as f32;
        }
        narrow
    }
}

/// Work on lines of eight numbers, of which each fills `N` registers of the machine.
pub(super) trait OnLines {
    type Output;
    fn run<S: Simd, const N: usize>(self, simd: S) -> Self::Output;
}

/// Does such work with the widest registers there are.
pub(super) fn dispatch<W: OnLines>(work: W) -> W::Output {
    Arch::new().dispatch(ByLanes(work))
}

struct ByLanes<W>(W);

impl<W: OnLines> WithSimd for ByLanes<W> {
    type Output = W::Output;
    // Inlined, with all it calls, into a function compiled for the instruction set of the machine.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> W::Output {
        match S::F64_LANES {
            8 => self.0.run::<S, 1>(simd),
            4 => self.0.run::<S, 2>(simd),
            2 => self.0.run::<S, 4>(simd),
            _ => self.0.run::<S, 8>(simd),
        }
    }
}

/// A column of a tile in the `N = 8/lanes` registers it fills.
#[inline(always)]
pub(super) fn load<S: Simd, T: Entry, const N: usize>(simd: S, line: &[T; SIDE]) -> [S::f64s; N] {
    let wide = T::widen(line);
    let mut out = [simd.splat_f64s(0.0); N];
    for (o, v) in out.iter_mut().zip(S::as_simd_f64s(&wide).0) {
        *o = *v;
    }
    out
}

/// The inverse of [`load`].
#[inline(always)]
pub(super) fn store<S: Simd, T: Entry, const N: usize>(line: &mut [T; SIDE], values: [S::f64s; N]) {
    let mut wide = [0.0; SIDE];
    for (o, v) in S::as_mut_simd_f64s(&mut wide).0.iter_mut().zip(values) {
        *o = v;
    }
    *line = T::narrow(&wide);
}

/// The sum of what is in `N` registers.
#[inline(always)]
pub(super) fn total<S: Simd, const N: usize>(simd: S, values: [S::f64s; N]) -> f64 {
    let mut sum = values[0];
    for v in &values[1..] {
        sum = simd.add_f64s(sum, *v);
    }
    simd.reduce_sum_f64s(sum)
}

/// `flat` cut into lines, the last one filled up with zeros.
pub(super) fn to_lines(flat: &[f64], lines: &mut [Line]) {
    for (line, part) in lines.iter_mut().zip(flat.chunks(SIDE)) {
        line.0 = [0.0; SIDE];
        line.0[..part.len()].copy_from_slice(part);
    }
}

/// `out ← scale·lines`.
pub(super) fn from_lines(scale: f64, lines: &[Line], out: &mut [f64]) {
    for (line, part) in lines.iter().zip(out.chunks_mut(SIDE)) {
        for (o, l) in part.iter_mut().zip(&line.0) {
            *o = scale * l;
        }
    }
}
