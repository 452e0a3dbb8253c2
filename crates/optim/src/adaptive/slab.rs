use super::panel::{add, multiply};
use super::tile::{Entry, Line, OnLines, SIDE, Tile, dispatch};
use super::waiting::Waiting;
use pulp::Simd;
use std::ops::Range;

/// What is to be done with a symmetric matrix in one pass: `S ← factor·(S + V D Vᵀ)`, if it is to be written at all, then its
/// product with some vectors.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// Vectors, of as many lines each as the matrix has blocks of rows.
    pub(super) x: Vec<Line>,
    /// `V D Vᵀ`.
    pub(super) waiting: Waiting,
    pub(super) addition: Option<f64>,
}

/// Some consecutive panels of a symmetric matrix, with the room that one thread needs to work on them.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    /// Number of tiles in the first column of tiles of the whole matrix.
    blocks: usize,
    panels: Range<usize>,
    tiles: Vec<Tile<T>>,
    /// The product of these panels with a few vectors, from the first row of the first panel down, vector after vector.
    pub(super) partial: Vec<Line>,
    pivots: Vec<Tile<f64>>,
}

impl<T: Entry> Slab<T> {
    pub(super) fn zero(blocks: usize, panels: Range<usize>) -> Self {
        let mut slab = Self {
            blocks,
            panels,
            tiles: Vec::new(),
            partial: Vec::new(),
            pivots: Vec::new(),
        };
        let tiles = slab.offset(slab.panels.end);
        slab.tiles = vec![Tile::ZERO; tiles];
        slab
    }

    /// The first row, in tiles.
    pub(super) fn first(&self) -> usize {
        self.panels.start
    }

    pub(super) fn contains(&self, panel: usize) -> bool {
        self.panels.contains(&panel)
    }

    /// Tiles before a panel.
    fn offset(&self, panel: usize) -> usize {
        (self.panels.start..panel).map(|p| self.blocks - p).sum()
    }

    /// The tile at a row and a column of tiles that lies in these panels.
    pub(super) fn tile(&self, row: usize, column: usize) -> &Tile<T> {
        &self.tiles[self.offset(column) + row - column]
    }

    pub(super) fn tile_mut(&mut self, row: usize, column: usize) -> &mut Tile<T> {
        let index = self.offset(column) + row - column;
        &mut self.tiles[index]
    }

    /// All numbers stored, tile after tile.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &T> {
        self.tiles.iter().flat_map(|tile| tile.0.as_flattened())
    }

    pub(super) fn numbers_mut(&mut self) -> impl Iterator<Item = &mut T> {
        (self.tiles.iter_mut()).flat_map(|tile| tile.0.as_flattened_mut())
    }

    /// Carries out an order, panel after panel, so that memory is passed over once. The product is left in `partial`.
    pub(super) fn sweep(&mut self, order: &Order) {
        dispatch(Sweep { slab: self, order });
    }

    /// [`sweep`](Self::sweep) that leaves everything alone, for one vector; returns the product.
    pub(super) fn product(&self, x: &[Line]) -> Vec<Line> {
        dispatch(Product { slab: self, x })
    }
}

struct Sweep<'a, T> {
    slab: &'a mut Slab<T>,
    order: &'a Order,
}

impl<T: Entry> OnLines for Sweep<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let Slab {
            blocks,
            panels,
            tiles,
            partial,
            pivots,
        } = self.slab;
        let Order {
            x,
            waiting,
            addition,
        } = self.order;
        let (blocks, first) = (*blocks, panels.start);
        let height = blocks - first;
        partial.clear();
        partial.resize(x.len() / blocks * height, Line::ZERO);
        let mut rest = &mut tiles[..];
        for p in 0..panels.len() {
            let (panel, others) = rest.split_at_mut(height - p);
            rest = others;
            if let Some(factor) = addition {
                waiting.signed_rows(first + p, pivots);
                add::<S, T, N>(simd, panel, waiting.tiles(), blocks, pivots, *factor);
            }
            let vectors = x.chunks_exact(blocks);
            for (x, out) in vectors.zip(partial.chunks_exact_mut(height)) {
                multiply::<S, T, N>(simd, panel, &x[first + p..], &mut out[p..]);
            }
        }
    }
}

struct Product<'a, T> {
    slab: &'a Slab<T>,
    x: &'a [Line],
}

impl<T: Entry> OnLines for Product<'_, T> {
    type Output = Vec<Line>;
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) -> Vec<Line> {
        let height = self.slab.blocks - self.slab.first();
        let mut out = vec![Line::ZERO; height];
        let mut rest = &self.slab.tiles[..];
        for p in 0..self.slab.panels.len() {
            let (panel, others) = rest.split_at(height - p);
            rest = others;
            multiply::<S, T, N>(simd, panel, &self.x[self.slab.first() + p..], &mut out[p..]);
        }
        out
    }
}

/// Panels cut into `slabs` parts of about as many tiles: a function of sizes alone, so that sums do not depend on threads.
pub(super) fn cut(blocks: usize, slabs: usize) -> Vec<Range<usize>> {
    let total = blocks * (blocks + 1) / 2;
    let (mut parts, mut start, mut tiles) = (Vec::new(), 0, 0);
    for panel in 0..blocks {
        tiles += blocks - panel;
        if tiles * slabs >= total * (parts.len() + 1) {
            parts.push(start..panel + 1);
            start = panel + 1;
        }
    }
    parts
}

/// Least number of tiles in a slab, and most slabs.
const TILES: usize = 1 << 9;
const SLABS: usize = 32;

/// How many slabs a matrix is cut into.
pub(super) fn slabs(dim: usize) -> usize {
    let blocks = dim.div_ceil(SIDE);
    (blocks * (blocks + 1) / 2 / TILES).clamp(1, SLABS)
}
