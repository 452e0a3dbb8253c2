use pulp::{Arch, Simd, WithSimd};

/// A pair of columns: of the left and of the right factor.
pub(crate) type Pair = (usize, usize);

/// Writes for each pair `(i, j)` the column `Σ_{k<r} left_{i,k} ∘ right_{j,k}` over the examples of a block.
///
/// Columns are contiguous, `examples` long; the `r` columns of an index follow each other. With `r = 1` this is the
/// Khatri–Rao product of two matrices, restricted to some pairs.
pub(crate) fn products(
    left: &[f64],
    right: &[f64],
    examples: usize,
    rank: usize,
    pairs: &[Pair],
    out: &mut [f64],
) {
    Arch::new().dispatch(Products {
        left,
        right,
        examples,
        rank,
        pairs,
        out,
    });
}

struct Products<'a> {
    left: &'a [f64],
    right: &'a [f64],
    examples: usize,
    rank: usize,
    pairs: &'a [Pair],
    out: &'a mut [f64],
}

impl WithSimd for Products<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            left,
            right,
            examples,
            rank,
            pairs,
            out,
        } = self;
        let length = examples * rank;
        for (&(i, j), out) in pairs.iter().zip(out.chunks_exact_mut(examples)) {
            let left = &left[i * length..][..length];
            let right = &right[j * length..][..length];
            if rank == 1 {
                for ((out, a), b) in out.iter_mut().zip(left).zip(right) {
                    *out = a * b;
                }
            } else {
                contract(left, right, rank, out);
            }
        }
    }
}

/// `out ← Σ_k left_k ∘ right_k`, some examples at a time, so that the sums stay in registers.
#[inline(always)]
fn contract(left: &[f64], right: &[f64], rank: usize, out: &mut [f64]) {
    const TOGETHER: usize = 32;
    let examples = out.len();
    let (body, tail) = out.as_chunks_mut::<TOGETHER>();
    let done = body.len() * TOGETHER;
    for (chunk, out) in body.iter_mut().enumerate() {
        let mut sums = [0.0; TOGETHER];
        for k in 0..rank {
            let start = k * examples + chunk * TOGETHER;
            let (left, right) = (&left[start..][..TOGETHER], &right[start..][..TOGETHER]);
            for ((sum, a), b) in sums.iter_mut().zip(left).zip(right) {
                *sum += a * b;
            }
        }
        *out = sums;
    }
    for (example, out) in tail.iter_mut().enumerate() {
        let at = |k: usize| k * examples + done + example;
        *out = (0..rank).map(|k| left[at(k)] * right[at(k)]).sum();
    }
}
