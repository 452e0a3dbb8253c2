use half::{bf16, f16};

use super::Dtype;

/// One tensor of a file: its name, type, shape, and a view of its bytes.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: &'a [u8],
}

impl<'a> Tensor<'a> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the values.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The length along each dimension; empty for a single number.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values as they are in the file: little-endian, in C order.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The values as `f64`, exactly, whatever they are: NaN and infinities too. `None` unless the type is `F16`, `BF16`, `F32`
    /// or `F64`.
    #[must_use]
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        Some(match self.dtype {
            Dtype::F16 => values(self.bytes, |bits| f16::from_le_bytes(bits).to_f64()),
            Dtype::BF16 => values(self.bytes, |bits| bf16::from_le_bytes(bits).to_f64()),
            Dtype::F32 => values(self.bytes, |bits| f64::from(f32::from_le_bytes(bits))),
            Dtype::F64 => values(self.bytes, f64::from_le_bytes),
            _ => return None,
        })
    }
}

fn values<const WIDTH: usize>(bytes: &[u8], value: impl Fn([u8; WIDTH]) -> f64) -> Vec<f64> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|chunk| value(*chunk)).collect()
}
