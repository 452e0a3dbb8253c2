//! Powers of two to count in, where squares would leave the range of `f64`.

use pulp::{Arch, Simd, WithSimd};

/// The power of two at or below the largest of some finite values: dividing by it is exact. 1 if all are zero.
pub(crate) fn binary_unit(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if largest > 0.0 {
        // the exponent alone; below the normal numbers, the least of these
        let exponent = largest.to_bits() & !((1 << 52) - 1);
        f64::from_bits(exponent).max(f64::MIN_POSITIVE)
    } else {
        1.0
    }
}

/// `2^250`. Numbers between its inverse and it can be squared and multiplied in pairs, and a billion of these added up.
pub(crate) const LARGE: f64 = f64::from_bits((1023 + 250) << 52);

/// `2^-250`: two squares of this make a product that is still a normal number.
pub(crate) const FAINT: f64 = f64::from_bits((1023 - 250) << 52);

/// The unit in which numbers with this largest one are to be squared: 1 wherever that will do.
pub(crate) fn unit_of_squares(largest: f64) -> f64 {
    if (FAINT..=LARGE).contains(&largest) {
        1.0
    } else {
        binary_unit(&[largest])
    }
}

/// The largest size among some numbers, and the smallest of those that are not zero; NaN does not count.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    largest: [f64; LANES],
    least: [f64; LANES],
}

/// Numbers that are looked at together, so that a compiler can do so in a few registers.
const LANES: usize = 16;

impl Extent {
    pub(crate) fn of(values: &[f64]) -> Self {
        Arch::new().dispatch(Look(values))
    }

    #[inline(always)]
    fn see(&mut self, values: &[f64]) {
        let lanes = self.largest.iter_mut().zip(&mut self.least);
        for ((largest, least), value) in lanes.zip(values) {
            let size = value.abs();
            let positive = if size > 0.0 { size } else { f64::INFINITY };
            *largest = if size > *largest { size } else { *largest };
            *least = if positive < *least { positive } else { *least };
        }
    }

    pub(crate) fn largest(&self) -> f64 {
        self.largest.iter().fold(0.0, |m: f64, x| m.max(*x))
    }

    /// Whether squares of all these numbers, and products of two such squares, are normal numbers.
    pub(crate) fn is_ordinary(&self) -> bool {
        let least = self.least.iter().fold(f64::INFINITY, |m, x| m.min(*x));
        self.largest() <= LARGE && least >= FAINT
    }
}

struct Look<'a>(&'a [f64]);

impl WithSimd for Look<'_> {
    type Output = Extent;
    // Inlined into a function compiled for the instruction set of the machine.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Extent {
        let mut extent = Extent {
            largest: [0.0; LANES],
            least: [f64::INFINITY; LANES],
        };
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        for chunk in chunks {
            extent.see(chunk);
        }
        extent.see(rest);
        extent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_the_power_of_two_below_the_largest() {
        for (largest, unit) in [
            (1.0, 1.0),
            (-3.9, 2.0),
            (0.3, 0.25),
            (0.0, 1.0),
            (5e-324, f64::MIN_POSITIVE),
        ] {
            let found = binary_unit(&[0.1 * largest, largest, 0.0]);
            assert_eq!(found.to_bits(), f64::to_bits(unit), "{largest}");
        }
        assert!(binary_unit(&[]).to_bits() == 1.0_f64.to_bits());
    }

    #[test]
    fn ordinary_numbers_are_squared_as_they_are() {
        assert_eq!(LARGE.log2().to_bits(), 250.0_f64.to_bits());
        assert_eq!(FAINT.log2().to_bits(), (-250.0_f64).to_bits());
        for largest in [1e-75, 1.0, 1e75, 0.0] {
            assert_eq!(
                unit_of_squares(largest).to_bits(),
                1.0_f64.to_bits(),
                "{largest}"
            );
        }
        for largest in [1e-76, 1e76] {
            assert!(largest / unit_of_squares(largest) < 2.0);
        }
    }
}
