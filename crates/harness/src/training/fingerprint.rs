//! A hash of all that a run is a function of.

/// FNV-1a with 64 bits, a word at a time: tells runs apart, not adversaries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self = self.word(bytes.len() as u64);
        bytes
            .iter()
            .fold(self, |hash, byte| hash.mix(u64::from(*byte)))
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn numbers(self, numbers: &[f64]) -> Self {
        let counted = self.word(numbers.len() as u64);
        (numbers.iter()).fold(counted, |hash, number| hash.word(number.to_bits()))
    }

    pub(super) fn word(self, word: u64) -> Self {
        (word.to_le_bytes().iter()).fold(self, |hash, byte| hash.mix(u64::from(*byte)))
    }

    pub(super) fn finish(self) -> u64 {
        self.0
    }

    fn mix(self, byte: u64) -> Self {
        Self((self.0 ^ byte).wrapping_mul(0x0100_0000_01b3))
    }
}
