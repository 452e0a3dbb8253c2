use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers that were needed before and will be needed again.
///
/// Fresh memory costs a page fault every 4 KiB, which for a batch of moderate size is as long as the arithmetic on it.
/// The contents of a buffer are whatever its last user left.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    free: Mutex<Vec<Vec<f64>>>,
}

impl Scratch {
    /// A buffer of `length` numbers of unspecified value, given back when it is dropped.
    pub(crate) fn take(&self, length: usize) -> Buffer<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |(_, buffer): &(usize, &Vec<f64>)| buffer.len() >= length;
        let best = free
            .iter()
            .enumerate()
            .filter(fits)
            .min_by_key(|(_, b)| b.len());
        let storage = match best.map(|(index, _)| index) {
            Some(index) => free.swap_remove(index),
            None => {
                drop(free);
                vec![0.0; length]
            }
        };
        Buffer {
            home: self,
            storage,
            length,
        }
    }
}

/// A buffer on loan from [`Scratch`].
#[derive(Debug)]
pub(crate) struct Buffer<'a> {
    home: &'a Scratch,
    storage: Vec<f64>,
    length: usize,
}

impl Deref for Buffer<'_> {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.storage[..self.length]
    }
}

impl DerefMut for Buffer<'_> {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.storage[..self.length]
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        let mut free = self
            .home
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        free.push(std::mem::take(&mut self.storage));
    }
}
