//! Memory that is there before the clock runs.

use std::hint::black_box;

/// What the allocator keeps on hand while this lives.
///
/// The first touch of a page costs more than the arithmetic on its 512 numbers, and an allocator hands large arrays back to the
/// system and asks for them again, from some size on, which is then a step in all curves of time. Here it is given much memory in
/// pieces, one of which it does not get back: those before it then stay with the process.
pub(super) struct WarmHeap {
    _pin: Vec<u8>,
}

impl WarmHeap {
    pub(super) fn of(bytes: usize) -> Self {
        /// The largest array that the usual allocator of Linux is willing to keep once it has seen it go.
        const LARGEST: usize = 31 << 20;
        const PIECE: usize = 1 << 19;
        drop(black_box(vec![1_u8; LARGEST]));
        let pieces: Vec<Vec<u8>> = (0..bytes.div_ceil(PIECE))
            .map(|_| black_box(vec![1; PIECE]))
            .collect();
        let pin = black_box(vec![1; PIECE]);
        drop(pieces);
        Self { _pin: pin }
    }
}
