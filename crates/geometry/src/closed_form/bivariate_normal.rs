use super::normal::distribution;
use std::f64::consts::PI;

/// `Φ₂(h, k; ρ) = P(x ≤ h, y ≤ k)` for standard normal `x`, `y` of correlation `ρ`, with an absolute error below 1e-15.
///
/// Up to `|ρ| = 0.925` it is the product `Φ(h)Φ(k)` plus Plackett's integral over the correlation by Gauss–Legendre
/// quadrature; beyond, the integrand is nearly singular, and Genz's expansion around `|ρ| = 1` takes over. Infinite bounds
/// are allowed. NaN in gives NaN out, as do correlations beyond ±1.
///
/// Cost: at most 20 exponentials.
///
/// ```
/// use neuromanifold_geometry::closed_form::bivariate_normal;
///
/// let quadrant = bivariate_normal(0.0, 0.0, 0.5); // Sheppard: 1/4 + asin(ρ)/(2π)
/// assert!((quadrant - 1.0 / 3.0).abs() < 1e-15);
/// ```
///
/// # References
/// * R. L. Plackett, *A reduction formula for normal multivariate integrals*, Biometrika 41 (1954) 351–360,
///   doi:10.1093/biomet/41.3-4.351.
/// * Z. Drezner, G. O. Wesolowsky, *On the computation of the bivariate normal integral*, J. Statist. Comput. Simulation
///   35 (1990) 101–107, doi:10.1080/00949659008811236.
/// * A. Genz, *Numerical computation of rectangular bivariate and trivariate normal and t probabilities*, Statistics and
///   Computing 14 (2004) 251–260, doi:10.1023/B:STCO.0000035304.20635.31.
#[must_use]
pub fn bivariate_normal(h: f64, k: f64, rho: f64) -> f64 {
    if h.is_nan() || k.is_nan() || rho.is_nan() || rho.abs() > 1.0 {
        return f64::NAN;
    }
    if h.is_infinite() || k.is_infinite() {
        // one of the two events is certain or impossible
        return if h.min(k) < 0.0 && h.min(k).is_infinite() {
            0.0
        } else {
            distribution(h.min(k))
        };
    }
    let joint =
        distribution(h) * distribution(k) + dependence(h, k, rho, (1.0 - rho) * (1.0 + rho));
    joint.clamp(0.0, 1.0)
}

/// `Φ₂(h, k; ρ) − Φ(h)Φ(k)`, where `one_minus` is `1 − ρ²` without cancellation, for finite `h`, `k`.
///
/// Half the covariance that dependence brings about; for weak dependence it keeps its *relative* accuracy, which the
/// difference of the two probabilities would lose.
pub(crate) fn dependence(h: f64, k: f64, rho: f64, one_minus: f64) -> f64 {
    if rho.abs() < NEARLY_DEGENERATE {
        plackett(h, k, rho)
    } else {
        near_degenerate(h, k, rho, one_minus) - distribution(h) * distribution(k)
    }
}

/// The correlation beyond which Plackett's integrand is too steep.
const NEARLY_DEGENERATE: f64 = 0.925;

/// `(1/2π) ∫₀^{asin ρ} exp(−(h² + k² − 2hk sin t)/(2 cos²t)) dt`, a positive integrand.
fn plackett(h: f64, k: f64, rho: f64) -> f64 {
    let angle = rho.asin();
    if h.abs() + k.abs() <= 0.0 {
        return angle / (2.0 * PI);
    }
    let (half_squares, product) = (0.5 * (h * h + k * k), h * k);
    let mut sum = 0.0;
    for &(node, weight) in nodes(rho) {
        for node in [-node, node] {
            let sine = (0.5 * angle * (1.0 + node)).sin();
            sum += weight * ((sine * product - half_squares) / ((1.0 - sine) * (1.0 + sine))).exp();
        }
    }
    sum * angle / (4.0 * PI)
}

/// Genz (2004), section 2.3: the integral from `|ρ|` to 1 with the first terms of its expansion taken out.
fn near_degenerate(h: f64, k: f64, rho: f64, one_minus: f64) -> f64 {
    // in the upper tails, where the formula is written: P(x > −h, y > −k)
    let (h, k) = (-h, if rho < 0.0 { k } else { -k });
    let product = h * k;
    let mut rest = 0.0;
    if one_minus > 0.0 {
        let (width, gap) = (one_minus.sqrt(), (h - k).abs());
        let square = gap * gap;
        let (c, d) = ((4.0 - product) / 8.0, (12.0 - product) / 16.0);
        let at_end = (-0.5 * (square / one_minus + product)).exp();
        rest = width
            * at_end
            * (1.0 - c * (square - one_minus) * (1.0 - d * square / 5.0) / 3.0
                + c * d * one_minus * one_minus / 5.0);
        if -product < 100.0 {
            rest -= (-0.5 * product).exp()
                * (2.0 * PI).sqrt()
                * distribution(-gap / width)
                * gap
                * (1.0 - c * square * (1.0 - d * square / 5.0) / 3.0);
        }
        for &(node, weight) in &LEGENDRE_20 {
            for node in [-node, node] {
                let x = 0.5 * width * (1.0 + node);
                let x2 = x * x;
                let exponent = -0.5 * (square / x2 + product);
                if exponent > -100.0 {
                    let root = (1.0 - x2).sqrt();
                    let exact = (-0.5 * product * x2 / ((1.0 + root) * (1.0 + root))).exp() / root;
                    let series = 1.0 + c * x2 * (1.0 + d * x2);
                    rest += 0.5 * width * weight * exponent.exp() * (exact - series);
                }
            }
        }
        rest /= -2.0 * PI;
    }
    if rho > 0.0 {
        rest + distribution(-h.max(k))
    } else {
        // P(x > −h) = P(x > −h, y > −k) + P(x > −h, y ≤ −k)
        (distribution(k) - distribution(h)).max(0.0) - rest
    }
}

/// Positive nodes and weights of the Gauss–Legendre rule on [−1, 1] that is enough for this correlation.
fn nodes(rho: f64) -> &'static [(f64, f64)] {
    match rho.abs() {
        r if r < 0.3 => &LEGENDRE_6,
        r if r < 0.75 => &LEGENDRE_12,
        _ => &LEGENDRE_20,
    }
}

const LEGENDRE_6: [(f64, f64); 3] = [
    (0.238_619_186_083_196_9, 0.467_913_934_572_691_05),
    (0.661_209_386_466_264_5, 0.360_761_573_048_138_6),
    (0.932_469_514_203_152, 0.171_324_492_379_170_35),
];

const LEGENDRE_12: [(f64, f64); 6] = [
    (0.125_233_408_511_468_9, 0.249_147_045_813_402_8),
    (0.367_831_498_998_180_2, 0.233_492_536_538_354_8),
    (0.587_317_954_286_617_4, 0.203_167_426_723_065_92),
    (0.769_902_674_194_304_7, 0.160_078_328_543_346_23),
    (0.904_117_256_370_474_9, 0.106_939_325_995_318_43),
    (0.981_560_634_246_719_2, 0.047_175_336_386_511_83),
];

const LEGENDRE_20: [(f64, f64); 10] = [
    (0.076_526_521_133_497_33, 0.152_753_387_130_725_85),
    (0.227_785_851_141_645_08, 0.149_172_986_472_603_75),
    (0.373_706_088_715_419_56, 0.142_096_109_318_382_05),
    (0.510_867_001_950_827_1, 0.131_688_638_449_176_63),
    (0.636_053_680_726_515, 0.118_194_531_961_518_42),
    (0.746_331_906_460_150_8, 0.101_930_119_817_240_43),
    (0.839_116_971_822_218_8, 0.083_276_741_576_704_75),
    (0.912_234_428_251_326, 0.062_672_048_334_109_06),
    (0.963_971_927_277_913_8, 0.040_601_429_800_386_94),
    (0.993_128_599_185_094_9, 0.017_614_007_139_152_118),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_form::normal::density;

    /// `[h, k, ρ, Φ₂]`: `∫_{−∞}^h n(x) Φ((k − ρx)/√(1−ρ²)) dx` by adaptive quadrature with 40 digits, for the
    /// binary values of the arguments.
    const REFERENCE: [[f64; 4]; 14] = [
        [0.3, -0.4, 0.5, 0.283_034_844_487_565_94],
        [1.2, 0.7, -0.8, 0.643_062_753_961_545_2],
        [0.5, 0.5, 0.95, 0.646_907_195_366_789_6],
        [0.5, 0.52, 0.999, 0.688_100_678_130_269_3],
        [-1.0, 1.3, -0.97, 0.064_539_596_079_333_81],
        [0.2, -0.2, -0.999_9, 0.002_206_239_796_791_908],
        [2.5, -1.5, 0.2, 0.066_697_201_946_240_7],
        [0.1, 0.100_000_1, 0.999_999_999_9, 0.539_825_617_503_661_4],
        [-3.0, -2.5, 0.93, 0.001_217_872_355_073_620_7],
        [0.7, 0.3, 0.924_9, 0.607_123_728_457_865_4],
        [0.7, 0.3, 0.925_1, 0.607_166_888_161_283_1],
        [-0.3, 2.0, -0.6, 0.361_295_686_426_300_8],
        [4.0, -4.0, 0.99, 3.167_124_183_311_992_4e-05],
        [1.0e-09, 1.0e-09, 0.3, 0.298_493_342_409_281_44],
    ];

    #[test]
    fn agrees_with_quadrature_in_multiple_precision() {
        for [h, k, rho, expected] in REFERENCE {
            let error = (bivariate_normal(h, k, rho) - expected).abs();
            assert!(error < 1e-15, "Φ₂({h}, {k}; {rho}) is off by {error:e}");
        }
    }

    #[test]
    fn degenerate_correlations_and_infinite_bounds() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} and {b}");
        close(bivariate_normal(0.3, 0.7, 1.0), distribution(0.3));
        close(bivariate_normal(0.3, -0.7, -1.0), 0.0);
        close(
            bivariate_normal(0.9, -0.7, -1.0),
            distribution(0.9) - distribution(0.7),
        );
        close(bivariate_normal(f64::INFINITY, 0.4, 0.6), distribution(0.4));
        close(bivariate_normal(f64::NEG_INFINITY, 0.4, 0.6), 0.0);
        assert!(bivariate_normal(0.0, 0.0, 1.1).is_nan());
        assert!(bivariate_normal(f64::NAN, 0.0, 0.1).is_nan());
    }

    /// `∂Φ₂/∂h = n(h) Φ((k − ρh)/√(1−ρ²))`, across the seam between the two methods too.
    #[test]
    fn derivative_in_a_bound() {
        let step = 1e-4;
        for rho in [-0.97, -0.93, -0.5, 0.1, 0.9, 0.924, 0.926, 0.99] {
            for (h, k) in [(0.4, -0.3), (-1.1, 0.8), (1.5, 1.4)] {
                let at = |s: f64| bivariate_normal(h + s * step, k, rho);
                let difference =
                    (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step);
                let conditional = (k - rho * h) / f64::sqrt((1.0 - rho) * (1.0 + rho));
                let exact = density(h) * distribution(conditional);
                assert!((difference - exact).abs() < 1e-11, "ρ = {rho}, ({h}, {k})");
            }
        }
    }
}
