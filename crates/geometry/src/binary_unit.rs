//! Powers of two to count in, where squares would leave the range of `f64`.

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
