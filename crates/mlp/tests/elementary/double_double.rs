//! Arithmetic on unevaluated sums of two `f64`, about 104 bits, to compute what the functions under test should
//! have been; after T. J. Dekker, A floating-point technique for extending the available precision, *Numer.
//! Math.* 18 (1971), doi:10.1007/BF01397083.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// hi + lo with |lo| ≤ ½ ulp(hi).
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoubleDouble {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

impl DoubleDouble {
    pub(crate) const ONE: Self = Self::new(1.0, 0.0);
    const LN_2: Self = Self::new(std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

    pub(crate) const fn new(hi: f64, lo: f64) -> Self {
        Self { hi, lo }
    }

    fn fast_sum(a: f64, b: f64) -> Self {
        let hi = a + b;
        Self::new(hi, b - (hi - a))
    }

    fn sum(a: f64, b: f64) -> Self {
        let hi = a + b;
        let part = hi - a;
        Self::new(hi, (a - (hi - part)) + (b - part))
    }

    pub(crate) fn product(a: f64, b: f64) -> Self {
        let hi = a * b;
        Self::new(hi, a.mul_add(b, -hi))
    }

    /// exp of this number, as mantissa and exponent of two.
    pub(crate) fn exp(self) -> Scaled {
        let k = (self.hi / Self::LN_2.hi).round();
        let reduced = self - Self::from(k) * Self::LN_2;
        let small = Self::new(reduced.hi / 512.0, reduced.lo / 512.0);
        let mut exponential = Self::ONE;
        for n in (1..=11).rev() {
            exponential = Self::ONE + small * exponential / Self::from(f64::from(n));
        }
        for _ in 0..9 {
            exponential = exponential * exponential;
        }
        Scaled {
            mantissa: exponential,
            exponent: k as i32,
        }
    }
}

impl From<f64> for DoubleDouble {
    fn from(x: f64) -> Self {
        Self::new(x, 0.0)
    }
}

impl Neg for DoubleDouble {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.hi, -self.lo)
    }
}

impl Add for DoubleDouble {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (high, low) = (Self::sum(self.hi, other.hi), Self::sum(self.lo, other.lo));
        let partial = Self::fast_sum(high.hi, high.lo + low.hi);
        Self::fast_sum(partial.hi, partial.lo + low.lo)
    }
}

impl Sub for DoubleDouble {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for DoubleDouble {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let product = Self::product(self.hi, other.hi);
        let cross = self.hi.mul_add(other.lo, self.lo * other.hi);
        Self::fast_sum(product.hi, product.lo + cross)
    }
}

impl Div for DoubleDouble {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let remainder = self - other * Self::from(first);
        let second = remainder.hi / other.hi;
        let remainder = remainder - other * Self::from(second);
        Self::fast_sum(first, second) + Self::from(remainder.hi / other.hi)
    }
}

/// mantissa · 2^exponent: exact results may lie below the range of `f64`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaled {
    pub(crate) mantissa: DoubleDouble,
    pub(crate) exponent: i32,
}

impl Scaled {
    pub(crate) fn unscaled(mantissa: DoubleDouble) -> Self {
        Self {
            mantissa,
            exponent: 0,
        }
    }

    /// This number as a double-double, which loses what is below the range of `f64`.
    pub(crate) fn collapse(self) -> DoubleDouble {
        let scale = |x| libm::scalbn(x, self.exponent);
        DoubleDouble::new(scale(self.mantissa.hi), scale(self.mantissa.lo))
    }

    /// |y − this| in units in the last place of this number, subnormal numbers included.
    pub(crate) fn ulps_from(self, y: f64) -> f64 {
        const LEAST_EXPONENT: i32 = -1074;
        let last_place = (libm::ilogb(self.mantissa.hi) - 52).max(LEAST_EXPONENT - self.exponent);
        let difference = (libm::scalbn(y, -self.exponent) - self.mantissa.hi) - self.mantissa.lo;
        libm::scalbn(difference.abs(), -last_place)
    }
}
