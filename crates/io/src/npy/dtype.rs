use std::fmt;

/// The type of the values of an npy file: kind, width, byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dtype {
    kind: Kind,
    bytes: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Boolean,
    Signed,
    Unsigned,
    Float,
}

impl Dtype {
    /// Reads a description such as `<f8`, `>i4`, `|b1`.
    ///
    /// ```
    /// use neuromanifold_io::npy::Dtype;
    ///
    /// assert_eq!(Dtype::parse(">u2").map(|dtype| dtype.bytes()), Some(2));
    /// assert_eq!(Dtype::parse("<c16"), None);
    /// ```
    #[must_use]
    pub fn parse(descr: &str) -> Option<Self> {
        let (order, kind) = match descr.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), kind @ ..] => (*order, kind),
            kind => (b'=', kind),
        };
        let (kind, bytes) = match kind {
            b"b1" => (Kind::Boolean, 1),
            b"i1" => (Kind::Signed, 1),
            b"i2" => (Kind::Signed, 2),
            b"i4" => (Kind::Signed, 4),
            b"i8" => (Kind::Signed, 8),
            b"u1" => (Kind::Unsigned, 1),
            b"u2" => (Kind::Unsigned, 2),
            b"u4" => (Kind::Unsigned, 4),
            b"u8" => (Kind::Unsigned, 8),
            b"f2" => (Kind::Float, 2),
            b"f4" => (Kind::Float, 4),
            b"f8" => (Kind::Float, 8),
            _ => return None,
        };
        let big_endian = match order {
            b'>' => true,
            b'|' if bytes > 1 => return None,
            b'=' => cfg!(target_endian = "big"),
            _ => false,
        };
        Some(Self {
            kind,
            bytes,
            big_endian,
        })
    }

    /// The number of bytes of one value.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.bytes
    }

    /// The value of that many bytes; an integer that has no `f64` is the error.
    pub(super) fn value(self, bytes: &[u8]) -> Result<f64, i128> {
        let mut wide = [0; 8];
        wide[..self.bytes].copy_from_slice(bytes);
        if self.big_endian {
            wide[..self.bytes].reverse();
        }
        let bits = u64::from_le_bytes(wide);
        match self.kind {
            Kind::Boolean => Ok(if bits == 0 { 0.0 } else { 1.0 }),
            Kind::Unsigned => exact(i128::from(bits)),
            Kind::Signed => {
                let unused = 64 - 8 * self.bytes as u32;
                exact(i128::from((bits << unused) as i64 >> unused))
            }
            Kind::Float => Ok(match self.bytes {
                2 => half::f16::from_bits(bits as u16).to_f64(),
                4 => f64::from(f32::from_bits(bits as u32)),
                _ => f64::from_bits(bits),
            }),
        }
    }
}

fn exact(integer: i128) -> Result<f64, i128> {
    let value = integer as f64;
    if value as i128 == integer {
        Ok(value)
    } else {
        Err(integer)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match (self.bytes, self.big_endian) {
            (1, _) => '|',
            (_, true) => '>',
            (_, false) => '<',
        };
        let kind = match self.kind {
            Kind::Boolean => 'b',
            Kind::Signed => 'i',
            Kind::Unsigned => 'u',
            Kind::Float => 'f',
        };
        write!(f, "{order}{kind}{}", self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(descr: &str, bytes: &[u8]) -> Result<f64, i128> {
        Dtype::parse(descr).unwrap().value(bytes)
    }

    #[test]
    fn every_kind_and_order() {
        assert_eq!(value("|b1", &[2]), Ok(1.0));
        assert_eq!(value("|i1", &[0x80]), Ok(-128.0));
        assert_eq!(value("|u1", &[0x80]), Ok(128.0));
        assert_eq!(value("<i2", &[0xfe, 0xff]), Ok(-2.0));
        assert_eq!(value(">i2", &[0xff, 0xfe]), Ok(-2.0));
        assert_eq!(value(">u4", &[0, 1, 0, 0]), Ok(65536.0));
        assert_eq!(value("<f2", &[0x00, 0x3c]), Ok(1.0));
        assert_eq!(value(">f4", &1.5_f32.to_be_bytes()), Ok(1.5));
        assert_eq!(value(">f8", &0.1_f64.to_be_bytes()), Ok(0.1));
    }

    #[test]
    fn integers_beyond_f64_are_refused() {
        assert_eq!(
            value("<i8", &(-(1_i64 << 53)).to_le_bytes()),
            Ok(-9_007_199_254_740_992.0)
        );
        assert_eq!(
            value("<i8", &((1_i64 << 53) + 1).to_le_bytes()),
            Err((1 << 53) + 1)
        );
        assert_eq!(
            value("<u8", &u64::MAX.to_le_bytes()),
            Err(i128::from(u64::MAX))
        );
    }

    #[test]
    fn descriptions_are_printed_as_read() {
        for descr in ["|b1", "|i1", "|u1", "<i8", ">f2", "<f4", ">f8"] {
            assert_eq!(Dtype::parse(descr).unwrap().to_string(), descr);
        }
        for descr in ["", "<", "<f16", "<c8", "|f8", "|O", "<U3", "<M8[ns]", "f8 "] {
            assert_eq!(Dtype::parse(descr), None, "{descr}");
        }
    }
}
