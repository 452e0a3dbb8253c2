use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::header::METADATA;
use crate::{IoError, Precision, atomic};

/// Collects tensors and strings and lays them out as a file.
///
/// The order of the file is that of the calls, the metadata sorted by key: the same content gives the same bytes. The values
/// begin at a multiple of 8 bytes.
///
/// ```
/// use neuromanifold_io::{Precision, safetensors::Writer};
///
/// let mut writer = Writer::new();
/// writer.tensor("momentum", &[2, 1], &[0.5, 1.5], Precision::F64);
/// assert_eq!(writer.to_bytes().len() % 8, 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Writer {
    metadata: BTreeMap<String, String>,
    header: Vec<(String, serde_json::Value)>,
    values: Vec<u8>,
}

impl Writer {
    /// No tensors, no metadata.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a string of the metadata.
    pub fn metadata(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.metadata.insert(key.into(), value.into());
    }

    /// Adds a tensor, its values in C order. In `f32` a value beyond its range becomes infinite.
    ///
    /// # Panics
    /// If the shape does not have as many values, the name is `__metadata__` or there is a tensor of that name.
    #[track_caller]
    pub fn tensor(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        values: &[f64],
        precision: Precision,
    ) {
        let name = name.into();
        let count: usize = shape.iter().product();
        assert_eq!(
            count,
            values.len(),
            "values of {name:?} for shape {shape:?}"
        );
        assert!(
            name != METADATA && self.header.iter().all(|(known, _)| *known != name),
            "the key {name:?} is there already"
        );
        let begin = self.values.len();
        for value in values {
            precision.append(*value, &mut self.values);
        }
        let dtype = match precision {
            Precision::F32 => "F32",
            Precision::F64 => "F64",
        };
        let entry =
            json!({"dtype": dtype, "shape": shape, "data_offsets": [begin, self.values.len()]});
        self.header.push((name, entry));
    }

    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut entries = Vec::with_capacity(self.header.len() + 1);
        if !self.metadata.is_empty() {
            entries.push(format!("{}:{}", json!(METADATA), json!(self.metadata)));
        }
        for (name, entry) in &self.header {
            entries.push(format!("{}:{entry}", json!(name)));
        }
        let mut header = format!("{{{}}}", entries.join(","));
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        let mut bytes = Vec::with_capacity(8 + header.len() + self.values.len());
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(&self.values);
        bytes
    }

    /// Writes the file whole or not at all; see [`atomic::write`].
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), IoError> {
        atomic::write(path, self.to_bytes())
    }
}
