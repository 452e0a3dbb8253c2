use super::slab::{Order, Slab, cut, slabs};
use super::team::Team;
use super::tile::{Entry, Line, SIDE};
use std::sync::Arc;

/// A symmetric matrix of which the lower triangle is stored, in tiles, one column of tiles after the other.
///
/// Passing over it touches memory in one direction, and the next pass in the other, so that it begins with what the caches
/// still hold.
#[derive(Debug)]
pub(super) struct Symmetric<T> {
    dim: usize,
    slabs: Vec<Slab<T>>,
    backward: bool,
    team: Arc<Team<T>>,
}

/// Of which each copy has its own team.
impl<T: Entry> Clone for Symmetric<T> {
    fn clone(&self) -> Self {
        Self {
            dim: self.dim,
            slabs: self.slabs.clone(),
            backward: self.backward,
            team: Team::new(),
        }
    }
}

impl<T: Entry> Symmetric<T> {
    pub(super) fn identity(dim: usize) -> Self {
        let blocks = dim.div_ceil(SIDE);
        let parts = cut(blocks, slabs(dim));
        let slabs = parts.into_iter().map(|panels| Slab::zero(blocks, panels));
        let mut matrix = Self {
            dim,
            slabs: slabs.collect(),
            backward: false,
            team: Team::new(),
        };
        for i in 0..dim {
            let (block, k) = (i / SIDE, i % SIDE);
            let owner = matrix.slabs.iter_mut().find(|s| s.contains(block));
            if let Some(slab) = owner {
                let mut unit = [0.0; SIDE];
                unit[k] = 1.0;
                slab.tile_mut(block, block).0[k] = T::narrow(&unit);
            }
        }
        matrix
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Lines that a vector fills.
    pub(super) fn blocks(&self) -> usize {
        self.dim.div_ceil(SIDE)
    }

    /// Entry `(i, j)`.
    pub(super) fn entry(&self, i: usize, j: usize) -> f64 {
        let (i, j) = (i.max(j), i.min(j));
        let owner = self.slabs.iter().find(|s| s.contains(j / SIDE));
        owner.map_or(0.0, |slab| {
            T::widen(&slab.tile(i / SIDE, j / SIDE).0[j % SIDE])[i % SIDE]
        })
    }

    /// All numbers stored, slab after slab.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &T> {
        self.slabs.iter().flat_map(Slab::numbers)
    }

    pub(super) fn numbers_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slabs.iter_mut().flat_map(Slab::numbers_mut)
    }

    /// Carries out an order, `out ← S x` at its end; reads, and if need be writes, each stored number once.
    pub(super) fn sweep(&mut self, order: &mut Order, out: &mut [Line]) {
        let workers = self.slabs.len().min(rayon::current_num_threads());
        let backward = self.backward;
        self.backward = !backward;
        if workers > 1 {
            self.team.work(workers, backward, &mut self.slabs, order);
        } else if backward {
            self.slabs.iter_mut().rev().for_each(|s| s.sweep(order));
        } else {
            self.slabs.iter_mut().for_each(|s| s.sweep(order));
        }
        let blocks = self.blocks();
        for (index, out) in out.chunks_exact_mut(blocks).enumerate() {
            for slab in &self.slabs {
                let height = blocks - slab.first();
                let partial = &slab.partial[index * height..][..height];
                collect(slab.first(), partial, out);
            }
        }
    }

    /// `out ← S x`, for one vector, on one thread.
    pub(super) fn product(&self, x: &[Line], out: &mut [Line]) {
        for slab in &self.slabs {
            collect(slab.first(), &slab.product(x), out);
        }
    }
}

/// Adds up what slabs have computed; the first one, which has all rows, sets the beginning.
fn collect(first: usize, partial: &[Line], out: &mut [Line]) {
    if first == 0 {
        out.copy_from_slice(partial);
        return;
    }
    for (o, p) in out[first..].iter_mut().zip(partial) {
        for (o, p) in o.0.iter_mut().zip(&p.0) {
            *o += p;
        }
    }
}
