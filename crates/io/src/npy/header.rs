use super::{Dtype, NpyProblem};
use crate::Precision;
use crate::array::MAX_DIMENSIONS;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The dictionary at the head of an npy file.
pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Parts the header from the values.
    pub(super) fn split(bytes: &[u8]) -> Result<(Self, &[u8]), NpyProblem> {
        let cut = |expected: u64| NpyProblem::TruncatedHeader {
            expected,
            found: bytes.len() as u64,
        };
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(if MAGIC.starts_with(bytes) {
                cut(10)
            } else {
                NpyProblem::Magic
            })?;
        let Some(([major, minor], rest)) = rest.split_first_chunk() else {
            return Err(cut(10));
        };
        let (length, rest) = match (major, minor) {
            (1, 0) => {
                let (length, rest) = rest.split_first_chunk().ok_or(cut(10))?;
                (u64::from(u16::from_le_bytes(*length)), rest)
            }
            (2 | 3, 0) => {
                let (length, rest) = rest.split_first_chunk().ok_or(cut(12))?;
                (u64::from(u32::from_le_bytes(*length)), rest)
            }
            _ => {
                return Err(NpyProblem::Version {
                    major: *major,
                    minor: *minor,
                });
            }
        };
        if length > rest.len() as u64 {
            return Err(cut((bytes.len() - rest.len()) as u64 + length));
        }
        let (dictionary, data) = rest.split_at(length as usize);
        Ok((Parser::new(dictionary).dictionary()?, data))
    }
}

/// Magic, version, length and dictionary, padded so that the values start at a multiple of 64 bytes.
pub(super) fn written(shape: &[usize], precision: Precision) -> Vec<u8> {
    let descr = match precision {
        Precision::F32 => "<f4",
        Precision::F64 => "<f8",
    };
    // A tuple of one needs its comma; more of them do no harm.
    let shape: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let mut dictionary =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let before = MAGIC.len() + 4;
    let padding = (before + dictionary.len() + 1).next_multiple_of(64);
    let length = padding - before;
    dictionary.push_str(&" ".repeat(length - 1 - dictionary.len()));
    dictionary.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    // 64 lengths of 20 digits are far less than 2¹⁶ bytes.
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes
}

/// Reads the one form of dictionary that the format allows: no nesting, so no recursion, and no memory beyond its own length.
struct Parser<'a> {
    text: &'a [u8],
    position: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, position: 0 }
    }

    fn dictionary(mut self) -> Result<Header, NpyProblem> {
        let (mut dtype, mut order, mut shape) = (None, None, None);
        self.expect(b'{', "'{'")?;
        while !self.accept(b'}') {
            let start = self.position;
            let key = self.string("a key in quotes")?;
            self.expect(b':', "':'")?;
            match key {
                b"descr" => {
                    let descr = String::from_utf8_lossy(self.string("a type in quotes")?);
                    let parsed = Dtype::parse(&descr).ok_or_else(|| NpyProblem::UnknownDtype {
                        descr: descr.chars().take(40).collect(),
                    })?;
                    once(&mut dtype, "descr", parsed)?;
                }
                b"fortran_order" => once(&mut order, "fortran_order", self.boolean()?)?,
                b"shape" => once(&mut shape, "shape", self.tuple()?)?,
                _ => {
                    return Err(NpyProblem::Header {
                        position: start,
                        expected: "'descr', 'fortran_order' or 'shape'",
                    });
                }
            }
            if !self.accept(b',') {
                self.expect(b'}', "',' or '}'")?;
                break;
            }
        }
        self.spaces();
        if self.position < self.text.len() {
            return Err(self.fail("nothing but spaces after '}'"));
        }
        let missing = |key| NpyProblem::MissingKey { key };
        Ok(Header {
            dtype: dtype.ok_or(missing("descr"))?,
            fortran_order: order.ok_or(missing("fortran_order"))?,
            shape: shape.ok_or(missing("shape"))?,
        })
    }

    fn fail(&self, expected: &'static str) -> NpyProblem {
        NpyProblem::Header {
            position: self.position,
            expected,
        }
    }

    fn spaces(&mut self) {
        while self
            .text
            .get(self.position)
            .is_some_and(u8::is_ascii_whitespace)
        {
            self.position += 1;
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.spaces();
        let there = self.text.get(self.position) == Some(&byte);
        self.position += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), NpyProblem> {
        if self.accept(byte) {
            Ok(())
        } else {
            Err(self.fail(expected))
        }
    }

    fn string(&mut self, expected: &'static str) -> Result<&'a [u8], NpyProblem> {
        self.spaces();
        let rest = &self.text[self.position..];
        let Some((quote @ (b'\'' | b'"'), inside)) = rest.split_first() else {
            return Err(self.fail(expected));
        };
        let length = inside
            .iter()
            .position(|byte| byte == quote)
            .ok_or_else(|| self.fail("a closing quote"))?;
        self.position += length + 2;
        Ok(&inside[..length])
    }

    fn boolean(&mut self) -> Result<bool, NpyProblem> {
        self.spaces();
        let rest = &self.text[self.position..];
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if rest.starts_with(word) {
                self.position += word.len();
                return Ok(value);
            }
        }
        Err(self.fail("True or False"))
    }

    fn tuple(&mut self) -> Result<Vec<usize>, NpyProblem> {
        let mut lengths = Vec::new();
        self.expect(b'(', "'('")?;
        while !self.accept(b')') {
            if lengths.len() == MAX_DIMENSIONS {
                return Err(self.fail("at most 64 dimensions"));
            }
            lengths.push(self.length()?);
            if !self.accept(b',') {
                self.expect(b')', "',' or ')'")?;
                break;
            }
        }
        Ok(lengths)
    }

    fn length(&mut self) -> Result<usize, NpyProblem> {
        self.spaces();
        let rest = &self.text[self.position..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let length = std::str::from_utf8(&rest[..digits])
            .ok()
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| self.fail("a length below 2⁶⁴"))?;
        self.position += digits;
        // Python 2 wrote its long integers so.
        self.position += usize::from(rest.get(digits) == Some(&b'L'));
        Ok(length)
    }
}

fn once<T>(place: &mut Option<T>, key: &'static str, value: T) -> Result<(), NpyProblem> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(NpyProblem::DuplicateKey { key }),
    }
}
