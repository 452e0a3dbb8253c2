use std::fmt;

/// The floating-point format of the numbers in a file. In memory they are always `f64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32 bits, the default of PyTorch. Writing rounds to the nearest.
    F32,
    /// 64 bits: writing and reading back gives the same bits.
    #[default]
    F64,
}

impl Precision {
    /// The number of bytes of one value.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Appends a value, little-endian; `false` if it is finite and its rounding is not.
    pub(crate) fn append(self, value: f64, out: &mut Vec<u8>) -> bool {
        match self {
            Self::F64 => out.extend(value.to_le_bytes()),
            Self::F32 => {
                let rounded = value as f32;
                out.extend(rounded.to_le_bytes());
                return rounded.is_finite() || !value.is_finite();
            }
        }
        true
    }
}

/// `f32` or `f64`.
impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}
