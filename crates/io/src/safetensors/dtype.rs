use std::fmt;

use crate::half;

/// The type of the values of a tensor. All types of the format are known; those with a value that is a real number of at least 16
/// bits can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dtype {
    name: &'static str,
    bits: usize,
}

/// Every type of the format and its width in bits.
const ALL: [(&str, usize); 22] = [
    ("F4", 4),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("BOOL", 8),
    ("U8", 8),
    ("I8", 8),
    ("F8_E5M2", 8),
    ("F8_E4M3", 8),
    ("F8_E8M0", 8),
    ("F8_E4M3FNUZ", 8),
    ("F8_E5M2FNUZ", 8),
    ("I16", 16),
    ("U16", 16),
    ("F16", 16),
    ("BF16", 16),
    ("I32", 32),
    ("U32", 32),
    ("F32", 32),
    ("C64", 64),
    ("F64", 64),
    ("I64", 64),
    ("U64", 64),
];

impl Dtype {
    /// Reads a name such as `F32`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        ALL.iter()
            .find(|(known, _)| *known == name)
            .map(|&(name, bits)| Self { name, bits })
    }

    /// The width of one value in bits; some types are smaller than a byte.
    #[must_use]
    pub fn bits(self) -> usize {
        self.bits
    }

    /// The name in the header of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Values as `f64`, exactly; `None` for a type that is not one of `F16`, `BF16`, `F32`, `F64`.
    pub(super) fn floats(self, bytes: &[u8]) -> Option<Vec<f64>> {
        Some(match self.name {
            "F16" => values(bytes, |bits| half::binary16(u16::from_le_bytes(bits))),
            "BF16" => values(bytes, |bits| half::bfloat16(u16::from_le_bytes(bits))),
            "F32" => values(bytes, |bits| f64::from(f32::from_le_bytes(bits))),
            "F64" => values(bytes, f64::from_le_bytes),
            _ => return None,
        })
    }
}

fn values<const WIDTH: usize>(bytes: &[u8], value: impl Fn([u8; WIDTH]) -> f64) -> Vec<f64> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|chunk| value(*chunk)).collect()
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}
