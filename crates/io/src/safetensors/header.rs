use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use safetensors::tensor::TensorInfo;
use safetensors::{SafeTensorError, SafeTensors};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Safetensors, SafetensorsProblem, Tensor};

/// The longest header that the reference implementation reads.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// The key of the header that is no tensor.
pub(super) const METADATA: &str = "__metadata__";

pub(super) fn parse(bytes: &[u8]) -> Result<Safetensors<'_>, SafetensorsProblem> {
    let (length, rest) = bytes
        .split_first_chunk()
        .ok_or(SafetensorsProblem::TooShort { found: bytes.len() })?;
    let claimed = u64::from_le_bytes(*length);
    if claimed > rest.len() as u64 || claimed > MAX_HEADER_BYTES {
        return Err(SafetensorsProblem::HeaderLength {
            claimed,
            available: rest.len(),
            limit: MAX_HEADER_BYTES,
        });
    }
    let (header, values) = rest.split_at(claimed as usize);
    let Entries(entries) = serde_json::from_slice::<Entries<&RawValue>>(header)
        .map_err(|source| SafetensorsProblem::Header { source })?;
    let mut keys = BTreeSet::new();
    let mut metadata = BTreeMap::new();
    let mut end = 0;
    for (key, entry) in entries {
        if keys.contains(&key) {
            return Err(SafetensorsProblem::DuplicateKey { key });
        }
        if key == METADATA {
            let strings = serde_json::from_str(entry.get())
                .map_err(|source| SafetensorsProblem::Metadata { source })?;
            metadata = unique(strings)?;
        } else {
            let info = match serde_json::from_str(entry.get()) {
                Ok(info) => info,
                Err(source) => return Err(SafetensorsProblem::Entry { key, source }),
            };
            end = end.max(check_place(&key, info, values.len())?);
        }
        keys.insert(key);
    }
    let valid = SafeTensors::deserialize(bytes).map_err(|source| match source {
        SafeTensorError::InvalidOffset(key) => SafetensorsProblem::Gap { key },
        SafeTensorError::MetadataIncompleteBuffer => SafetensorsProblem::Trailing {
            expected: end,
            found: values.len(),
        },
        source => SafetensorsProblem::Refused { source },
    })?;
    let mut tensors: Vec<Tensor<'_>> = valid
        .iter()
        .map(|(name, view)| Tensor {
            name: name.to_owned(),
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data(),
        })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Safetensors { metadata, tensors })
}

/// Type and shape fill the place, and the place is in the file; returns where it ends.
fn check_place(key: &str, info: TensorInfo, found: usize) -> Result<usize, SafetensorsProblem> {
    let TensorInfo {
        dtype,
        shape,
        data_offsets: (begin, end),
    } = info;
    let key = key.to_owned();
    let bits = shape
        .iter()
        .try_fold(dtype.bitsize(), |bits, length| bits.checked_mul(*length));
    let Some(bits) = bits else {
        return Err(SafetensorsProblem::Overflow { key, shape });
    };
    let expected = bits.div_ceil(8);
    if begin.checked_add(expected) != Some(end) {
        return Err(SafetensorsProblem::Length {
            key,
            shape,
            dtype,
            expected,
            begin,
            end,
        });
    }
    if end > found {
        return Err(SafetensorsProblem::Truncated {
            key,
            expected: end,
            found,
        });
    }
    Ok(end)
}

/// The pairs of a JSON object in the order of the text, equal keys included: a map would keep just one of them.
struct Entries<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
            type Value = Entries<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

fn unique(
    Entries(strings): Entries<String>,
) -> Result<BTreeMap<String, String>, SafetensorsProblem> {
    let mut map = BTreeMap::new();
    for (key, value) in strings {
        if map.contains_key(&key) {
            return Err(SafetensorsProblem::DuplicateKey { key });
        }
        map.insert(key, value);
    }
    Ok(map)
}
