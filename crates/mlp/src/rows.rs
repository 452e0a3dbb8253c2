//! The products of a layer for a single example: loops over the rows of `W`, the incoming weights of its units.

use faer::Accum;
use pulp::{Simd, WithSimd};

/// `out ← W x`, or adds it.
pub(crate) struct DotRows<'a> {
    pub(crate) weights: &'a [f64],
    pub(crate) input: &'a [f64],
    pub(crate) out: &'a mut [f64],
    pub(crate) accum: Accum,
}

impl WithSimd for DotRows<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            weights,
            input,
            out,
            accum,
        } = self;
        let mut store = |row: usize, product: f64| match accum {
            Accum::Add => out[row] += product,
            Accum::Replace => out[row] = product,
        };
        let width = input.len();
        // Several rows at a time: one chain of dependent additions would leave most of the processor idle.
        const ROWS: usize = 4;
        let blocks = weights.chunks_exact(ROWS * width);
        let rest = blocks.remainder();
        let mut row = 0;
        for block in blocks {
            let rows: [&[f64]; ROWS] = std::array::from_fn(|r| &block[r * width..][..width]);
            for product in dots(rows, input) {
                store(row, product);
                row += 1;
            }
        }
        for last in rest.chunks_exact(width) {
            let [product] = dots([last], input);
            store(row, product);
            row += 1;
        }
    }
}

/// Each row times `x`, in four partial sums on every machine: the compiler may not reorder a sum to fill a vector, and
/// the bits should not depend on the width of vectors.
#[inline(always)]
fn dots<const ROWS: usize>(rows: [&[f64]; ROWS], x: &[f64]) -> [f64; ROWS] {
    const LANES: usize = 4;
    let mut sums = [[0.0; LANES]; ROWS];
    let (x_body, x_tail) = x.as_chunks::<LANES>();
    let rows = rows.map(|row| row[..x.len()].as_chunks::<LANES>());
    for (chunk, x) in x_body.iter().enumerate() {
        for (sums, (body, _)) in sums.iter_mut().zip(&rows) {
            for lane in 0..LANES {
                sums[lane] += body[chunk][lane] * x[lane];
            }
        }
    }
    for (sums, (_, tail)) in sums.iter_mut().zip(&rows) {
        for (sum, (a, x)) in sums.iter_mut().zip(tail.iter().zip(x_tail)) {
            *sum += a * x;
        }
    }
    sums.map(|[a, b, c, d]| (a + c) + (b + d))
}

/// `out ← Wᵀ δ`.
pub(crate) struct SumRows<'a> {
    pub(crate) weights: &'a [f64],
    pub(crate) delta: &'a [f64],
    pub(crate) out: &'a mut [f64],
}

impl WithSimd for SumRows<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.out.fill(0.0);
        let rows = self.weights.chunks_exact(self.out.len());
        for (delta, row) in self.delta.iter().zip(rows) {
            for (out, weight) in self.out.iter_mut().zip(row) {
                *out += delta * weight;
            }
        }
    }
}

/// `out ← δ aᵀ`, or adds it.
pub(crate) struct Outer<'a> {
    pub(crate) delta: &'a [f64],
    pub(crate) input: &'a [f64],
    pub(crate) out: &'a mut [f64],
    pub(crate) accum: Accum,
}

impl WithSimd for Outer<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.accum {
            Accum::Replace => outer_rows(self.delta, self.input, self.out),
            Accum::Add => {
                let rows = self.out.chunks_exact_mut(self.input.len());
                for (row, delta) in rows.zip(self.delta) {
                    for (out, input) in row.iter_mut().zip(self.input) {
                        *out += delta * input;
                    }
                }
            }
        }
    }
}

/// `out ← δ aᵀ`, row by row.
#[inline(always)]
pub(crate) fn outer_rows(delta: &[f64], input: &[f64], out: &mut [f64]) {
    // Rows shorter than a vector or two spend their time on setting up loops, unless their length is known.
    match input.len() {
        1 => short_rows::<1>(delta, input, out),
        2 => short_rows::<2>(delta, input, out),
        3 => short_rows::<3>(delta, input, out),
        4 => short_rows::<4>(delta, input, out),
        width => {
            for (row, delta) in out.chunks_exact_mut(width).zip(delta) {
                scaled(*delta, input, row);
            }
        }
    }
}

#[inline(always)]
fn short_rows<const WIDTH: usize>(delta: &[f64], input: &[f64], out: &mut [f64]) {
    let input: [f64; WIDTH] = std::array::from_fn(|i| input[i]);
    let (rows, _) = out.as_chunks_mut::<WIDTH>();
    for (row, delta) in rows.iter_mut().zip(delta) {
        *row = input.map(|input| delta * input);
    }
}

/// `out ← factor · input`, four at a time: rows are often short and rarely aligned, and longer vectors that straddle
/// cache lines can be several times slower to store.
#[inline(always)]
fn scaled(factor: f64, input: &[f64], out: &mut [f64]) {
    let (input_body, input) = input.as_chunks::<4>();
    let (out_body, out) = out.as_chunks_mut::<4>();
    for (out, input) in out_body.iter_mut().zip(input_body) {
        *out = input.map(|input| factor * input);
    }
    for (out, input) in out.iter_mut().zip(input) {
        *out = factor * input;
    }
}
