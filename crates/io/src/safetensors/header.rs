use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Dtype, Safetensors, SafetensorsProblem, Tensor};

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
    let mut metadata = None;
    let mut places = Vec::with_capacity(entries.len());
    for (key, entry) in entries {
        if key == METADATA {
            let strings = serde_json::from_str(entry.get())
                .map_err(|source| SafetensorsProblem::Metadata { source })?;
            if metadata.replace(unique(strings)?).is_some() {
                return Err(SafetensorsProblem::DuplicateKey { key });
            }
        } else {
            let entry = serde_json::from_str(entry.get());
            places.push(match entry {
                Ok(entry) => place(key, entry)?,
                Err(source) => return Err(SafetensorsProblem::Entry { key, source }),
            });
        }
    }
    Ok(Safetensors {
        metadata: metadata.unwrap_or_default(),
        tensors: cut(places, values)?,
    })
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

/// The entry of a tensor as the header has it.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// A tensor whose type, shape and offsets agree.
struct Place {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    begin: usize,
    end: usize,
}

fn place(key: String, entry: Entry) -> Result<Place, SafetensorsProblem> {
    let Entry {
        dtype,
        shape,
        data_offsets: (begin, end),
    } = entry;
    let Some(dtype) = Dtype::parse(&dtype) else {
        return Err(SafetensorsProblem::UnknownDtype { key, dtype });
    };
    let bits = shape
        .iter()
        .try_fold(dtype.bits(), |bits, length| bits.checked_mul(*length));
    let Some(bits) = bits else {
        return Err(SafetensorsProblem::Overflow { key, shape });
    };
    if !bits.is_multiple_of(8) {
        return Err(SafetensorsProblem::Fraction {
            key,
            shape,
            dtype: dtype.name(),
        });
    }
    if begin.checked_add(bits / 8) != Some(end) {
        return Err(SafetensorsProblem::Length {
            key,
            shape,
            dtype: dtype.name(),
            expected: bits / 8,
            begin,
            end,
        });
    }
    Ok(Place {
        name: key,
        dtype,
        shape,
        begin,
        end,
    })
}

/// Gives each tensor its bytes: all of the values, without gap and overlap. Sorted by name.
fn cut(mut places: Vec<Place>, values: &[u8]) -> Result<Vec<Tensor<'_>>, SafetensorsProblem> {
    places.sort_by_key(|place| (place.begin, place.end));
    let mut expected = 0;
    for place in &places {
        if place.begin != expected {
            return Err(SafetensorsProblem::Gap {
                key: place.name.clone(),
                begin: place.begin,
                expected,
            });
        }
        expected = place.end;
    }
    let found = values.len();
    if expected > found {
        return Err(SafetensorsProblem::Truncated { expected, found });
    }
    if expected < found {
        return Err(SafetensorsProblem::Trailing { expected, found });
    }
    places.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = places.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(SafetensorsProblem::DuplicateKey {
            key: pair[0].name.clone(),
        });
    }
    Ok(places
        .into_iter()
        .map(|place| Tensor {
            bytes: &values[place.begin..place.end],
            name: place.name,
            dtype: place.dtype,
            shape: place.shape,
        })
        .collect())
}
