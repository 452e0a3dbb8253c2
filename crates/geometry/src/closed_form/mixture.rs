//! tanh and the logistic function as mixtures of eight error functions.
//!
//! The logistic law is, to 2e-9, a mixture of eight normal laws, `1/(1 + e^{−t}) = Σ_k p_k Φ(s_k t)`. Hence
//! `tanh u = Σ_k p_k erf(√2 s_k u)`, and each average is a sum of 64 averages of [error functions](super::error_function),
//! uniformly good for weights of any size. What is computed is *exactly* the average for the mixture, so a metric made of it
//! is positive semidefinite, to the rounding of its entries, and consistent with the divergence made of it. (Rounding is relative
//! to entries that grow with the inputs: at pre-activations with deviations of 1e4 an eigenvalue of −4e-6 of the largest was
//! seen.) Beside tanh itself the mixture is off by 4.2e-9,
//! its derivative by 5.2e-8, absolutely: in the far tails the mixture falls off as a Gaussian and tanh' as an exponential.
//!
//! # References
//! J. F. Monahan, L. A. Stefanski, *Normal scale mixture approximations to F*(z) and computation of the
//! logistic-normal integral*, in N. Balakrishnan (ed.), Handbook of the Logistic Distribution, Dekker, 1992, 529–540.

use super::{PairLaw, PairMoments, UnitMoments, error_function};

const WEIGHTS: [f64; 8] = [
    0.003_246_343_272_134,
    0.051_517_477_033_972,
    0.195_077_912_673_858,
    0.315_569_823_632_818,
    0.274_149_576_158_423,
    0.131_076_880_695_470,
    0.027_912_418_727_972,
    0.001_449_567_805_354,
];

const SCALES: [f64; 8] = [
    1.365_340_806_296_348,
    1.059_523_971_016_916,
    0.830_791_313_765_644,
    0.650_732_166_639_391,
    0.508_135_425_366_489,
    0.396_313_345_166_341,
    0.308_904_252_267_995,
    0.238_212_616_409_306,
];

/// `φ(u) = offset + amplitude Σ_k p_k erf(stretch s_k u/√2)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixture {
    offset: f64,
    amplitude: f64,
    stretch: f64,
}

impl Mixture {
    pub(crate) const TANH: Self = Self {
        offset: 0.0,
        amplitude: 1.0,
        stretch: 2.0,
    };
    pub(crate) const LOGISTIC: Self = Self {
        offset: 0.5,
        amplitude: 0.5,
        stretch: 1.0,
    };

    /// Amplitudes and scales of the components.
    fn components(self) -> impl Iterator<Item = (f64, f64)> + Clone {
        let amplitudes = WEIGHTS.iter().map(move |p| self.amplitude * p);
        amplitudes.zip(SCALES.iter().map(move |s| self.stretch * s))
    }

    pub(crate) fn unit(self, mean: f64, variance: f64) -> UnitMoments {
        let mut sum = self.centred_unit(mean, variance);
        sum.e0 += self.offset;
        sum
    }

    fn centred_unit(self, mean: f64, variance: f64) -> UnitMoments {
        let mut sum = UnitMoments::default();
        for (p, c) in self.components() {
            let own = error_function::unit(c * mean, c * c * variance);
            sum.e0 += p * own.e0;
            sum.e1 += p * c * own.e1;
            sum.e2 += p * c * c * own.e2;
        }
        sum
    }

    pub(crate) fn pair(self, law: &PairLaw) -> PairMoments {
        let mut sum = [0.0; 11];
        for (p_a, c_a) in self.components() {
            for (p_b, c_b) in self.components() {
                let powers = |c: f64| [1.0, c, c * c, c * c * c];
                let (powers_a, powers_b) = (powers(c_a), powers(c_b));
                let own = error_function::pair(&law.scaled(c_a, c_b)).to_array();
                for ((sum, own), (i, j)) in sum.iter_mut().zip(own).zip(PairMoments::ORDERS) {
                    *sum += p_a * p_b * powers_a[i] * powers_b[j] * own;
                }
            }
        }
        let mut moments = PairMoments::from_array(sum);
        if self.offset > 0.0 {
            let [a, b] = [0, 1].map(|i| self.centred_unit(law.means[i], law.variances[i]));
            moments.e00 += self.offset * (self.offset + a.e0 + b.e0);
            moments.e10 += self.offset * a.e1;
            moments.e01 += self.offset * b.e1;
            moments.e20 += self.offset * a.e2;
            moments.e02 += self.offset * b.e2;
        }
        moments
    }
}
