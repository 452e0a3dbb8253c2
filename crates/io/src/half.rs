//! The two 16-bit floating-point formats, widened. Both conversions are exact.

/// IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of mantissa.
pub(crate) fn binary16(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if bits & 0x3ff == 0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + mantissa) * 2_f64.powi(exponent - 25),
    }
}

/// The upper half of a binary32.
pub(crate) fn bfloat16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x03ff, 6.097_555_160_522_461e-5),
            (0x0400, 6.103_515_625e-5),
            (0x3555, 0.333_251_953_125),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(binary16(bits).to_bits(), f64::to_bits(value), "{bits:#06x}");
        }
        assert!(binary16(0x8000).is_sign_negative());
        assert!(binary16(0x7c01).is_nan());
        assert_eq!(bfloat16(0x3f80).to_bits(), 1_f64.to_bits());
        assert_eq!(bfloat16(0xc049).to_bits(), f64::to_bits(-3.140_625));
    }
}
