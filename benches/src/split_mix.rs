//! The random numbers of the problems: the same in every language.

use std::f64::consts::TAU;

/// Output `index` of SplitMix64 from `seed`: counter based, so any output costs the same.
///
/// # References
/// G. L. Steele, D. Lea, C. H. Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014,
/// doi:10.1145/2660193.2660195.
fn bits(seed: u64, index: u64) -> u64 {
    let z = seed.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn uniform_at(seed: u64, index: u64) -> f64 {
    ((bits(seed, index) >> 11) as f64 + 0.5) * 0.5_f64.powi(53)
}

/// `count` numbers uniform on (0, 1).
#[must_use]
pub fn uniform(seed: u64, count: usize) -> Vec<f64> {
    (0..count as u64).map(|i| uniform_at(seed, i)).collect()
}

/// `count` standard normal numbers by Box and Muller, each from two uniform ones: `√(−2 ln u₀) cos(2π u₁)`.
///
/// The uniform numbers are the same bits everywhere; a logarithm and a cosine may differ in the last bit between libraries.
#[must_use]
pub fn normal(seed: u64, count: usize) -> Vec<f64> {
    let radius = |k: u64| (-2.0 * uniform_at(seed, 2 * k).ln()).sqrt();
    let angle = |k: u64| TAU * uniform_at(seed, 2 * k + 1);
    (0..count as u64)
        .map(|k| radius(k) * angle(k).cos())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_stream_of_seed_zero() {
        // the first outputs of the published generator
        let published = [
            0xE220_A839_7B1D_CDAF,
            0x6E78_9E6A_A1B9_65F4,
            0x06C4_5D18_8009_454F,
        ];
        assert_eq!([0, 1, 2].map(|i| bits(0, i)), published);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let z = normal(7, 100_000);
        let mean = z.iter().sum::<f64>() / 1e5;
        let variance = z.iter().map(|z| z * z).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.015, "{mean}"); // 4.7 standard errors
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }
}
