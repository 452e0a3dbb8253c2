//! Where to look for the worst error.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::LN_2;

/// Grids over [−reach, reach] and over its middle, magnitudes in geometric progression from the least subnormal
/// number on, random bit patterns, and both signs of the neighbours of each threshold. No zeros.
pub(crate) fn sweep(reach: f64, thresholds: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut positive = Vec::new();
    for width in [reach, 8.0, 1.5] {
        positive.extend((0..20_000).map(|i| (f64::from(i) + 0.618) * width / 20_000.0));
    }
    let least = f64::from_bits(1);
    let exponents = (reach / least.sqrt()).log2() - least.sqrt().log2();
    positive.extend(
        (0..20_000)
            .map(|i| least.sqrt() * least.sqrt() * (f64::from(i) * exponents / 20_000.0).exp2()),
    );
    for threshold in thresholds {
        let bits = threshold.to_bits();
        positive.extend((bits.saturating_sub(6)..=bits + 6).map(f64::from_bits));
    }
    let mut random = ChaCha8Rng::seed_from_u64(7);
    positive.extend((0..20_000).map(|_| f64::from_bits(random.next_u64()).abs()));
    positive.retain(|x| *x != 0.0);
    positive.iter().flat_map(|x| [*x, -x]).collect()
}

/// The arguments at which a reduction by multiples of `period` changes its multiple, the first at `first`.
pub(crate) fn reduction(first: f64, period: f64, reach: f64) -> impl Iterator<Item = f64> {
    (0..)
        .map(move |i| first + f64::from(i) * period)
        .take_while(move |x| *x < reach)
}

/// The reduction of exp(−2x) for tanh.
pub(crate) fn half_angle(reach: f64) -> impl Iterator<Item = f64> {
    reduction(0.375 * LN_2, 0.5 * LN_2, reach)
}
