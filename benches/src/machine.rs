//! What this machine can do, measured with the threads of the current pool.

use std::hint::black_box;
use std::time::Instant;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

use crate::Timing;

/// Rows of the square matrices.
const SIZE: usize = 1024;
/// Numbers of the array that is read: 256 MiB, above any cache of a core.
const NUMBERS: usize = 1 << 25;
/// Numbers that one thread reads at a time.
const CHUNK: usize = 1 << 16;

/// The largest rate of `runs` products of two 1024 × 1024 matrices, in flop/s, a multiplication and an addition being two;
/// with the timing of the products.
#[must_use]
pub fn gemm(runs: usize) -> (f64, Timing) {
    let one = Mat::from_fn(SIZE, SIZE, |i, j| ((i * 31 + j * 17) as f64).sin());
    let other = Mat::from_fn(SIZE, SIZE, |i, j| ((i * 13 + j * 37) as f64).cos());
    let mut product = Mat::zeros(SIZE, SIZE);
    let mut multiply = || {
        let par = Par::rayon(0);
        matmul(&mut product, Accum::Replace, &one, &other, 1.0, par);
        black_box(&product);
    };
    let timing = timed(runs, &mut multiply);
    (2.0 * (SIZE as f64).powi(3) / timing.min, timing)
}

/// An array to be read again and again.
#[derive(Debug)]
pub struct Sweep(Vec<f64>);

impl Default for Sweep {
    fn default() -> Self {
        Self(
            (0..NUMBERS)
                .into_par_iter()
                .map(|i| (i % 7) as f64)
                .collect(),
        )
    }
}

impl Sweep {
    /// The largest rate of `runs` sums over 256 MiB, in byte/s; with the timing of the sums.
    #[must_use]
    pub fn read(&self, runs: usize) -> (f64, Timing) {
        let mut sum = || {
            let total: f64 = black_box(&self.0).par_chunks(CHUNK).map(total).sum();
            black_box(total);
        };
        let timing = timed(runs, &mut sum);
        (8.0 * NUMBERS as f64 / timing.min, timing)
    }
}

/// In 32 partial sums, so that additions do not wait for each other.
fn total(chunk: &[f64]) -> f64 {
    let mut sums = [0.0; 32];
    for values in chunk.chunks_exact(32) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    sums.iter().sum()
}

/// After one run to warm up.
fn timed(runs: usize, work: &mut dyn FnMut()) -> Timing {
    work();
    let noise = crate::Noise::begin();
    let seconds = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    Timing::of(seconds, noise.other())
}
