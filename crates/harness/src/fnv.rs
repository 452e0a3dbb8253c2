//! A hash: of the bytes of a file, and of all that a run is a function of.

/// FNV-1a with 64 bits: tells runs apart, not adversaries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// The hash of bytes alone, without their number.
    pub(crate) fn of(bytes: &[u8]) -> u64 {
        Self::new().mix(bytes).finish()
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        self.word(bytes.len() as u64).mix(bytes)
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn numbers(self, numbers: &[f64]) -> Self {
        let counted = self.word(numbers.len() as u64);
        (numbers.iter()).fold(counted, |hash, number| hash.word(number.to_bits()))
    }

    pub(crate) fn word(self, word: u64) -> Self {
        self.mix(&word.to_le_bytes())
    }

    pub(crate) fn finish(self) -> u64 {
        self.0
    }

    fn mix(self, bytes: &[u8]) -> Self {
        let one = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(bytes.iter().fold(self.0, one))
    }
}
