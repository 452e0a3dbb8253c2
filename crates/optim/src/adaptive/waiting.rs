use super::panel::add_projection;
use super::tile::{Line, OnLines, SIDE, Tile, dispatch};
use pulp::Simd;

/// Columns that wait to be added to a symmetric matrix: `V D Vᵀ` with `D = diag(±1)`.
///
/// Kept eight columns after eight, in tiles; columns that are not there yet are zero.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    blocks: usize,
    columns: usize,
    tiles: Vec<Tile<f64>>,
    /// `D`, eight numbers for each eight columns.
    signs: Vec<[f64; SIDE]>,
}

impl Waiting {
    /// None yet, of `blocks` times eight rows.
    pub(super) fn none(blocks: usize) -> Self {
        Self {
            blocks,
            columns: 0,
            tiles: Vec::new(),
            signs: Vec::new(),
        }
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Adds `weight·x xᵀ`.
    pub(super) fn push(&mut self, weight: f64, x: &[f64]) {
        let k = self.columns % SIDE;
        if k == 0 {
            let tiles = self.tiles.len() + self.blocks;
            self.tiles.resize(tiles, Tile::ZERO);
            self.signs.push([0.0; SIDE]);
        }
        self.columns += 1;
        if let Some(signs) = self.signs.last_mut() {
            signs[k] = weight.signum();
        }
        let size = weight.abs().sqrt();
        let start = self.tiles.len() - self.blocks;
        for (tile, x) in self.tiles[start..].iter_mut().zip(x.chunks(SIDE)) {
            for (v, x) in tile.0[k].iter_mut().zip(x) {
                *v = size * x;
            }
        }
    }

    /// `V` column after column, and `D`.
    pub(super) fn to_flat(&self) -> (Vec<f64>, Vec<f64>) {
        let groups = self.tiles.chunks(self.blocks.max(1));
        let column = |k: usize| (groups.clone().nth(k / SIDE), k % SIDE);
        let entries = (0..self.columns).flat_map(|k| {
            let (group, k) = column(k);
            group.into_iter().flatten().flat_map(move |tile| tile.0[k])
        });
        let signs = self.signs.as_flattened();
        (entries.collect(), signs[..self.columns].to_vec())
    }

    /// The inverse of [`to_flat`](Self::to_flat), for columns of eight times `blocks` numbers.
    pub(super) fn from_flat(blocks: usize, entries: &[f64], signs: &[f64]) -> Self {
        let mut waiting = Self::none(blocks);
        for (x, sign) in entries.chunks_exact(blocks * SIDE).zip(signs) {
            waiting.push(*sign, x); // whose size is 1
        }
        waiting
    }

    pub(super) fn clear(&mut self) {
        self.columns = 0;
        self.tiles.clear();
        self.signs.clear();
    }

    /// `V`.
    pub(super) fn tiles(&self) -> &[Tile<f64>] {
        &self.tiles
    }

    /// Eight rows of `V D`, a tile for each eight columns.
    pub(super) fn signed_rows(&self, block: usize, out: &mut Vec<Tile<f64>>) {
        out.clear();
        let groups = self.tiles.chunks_exact(self.blocks);
        out.extend(groups.zip(&self.signs).map(|(group, signs)| {
            let mut tile = group[block];
            for (column, sign) in tile.0.iter_mut().zip(signs) {
                for v in column {
                    *v *= sign;
                }
            }
            tile
        }));
    }

    /// Entry `(i, j)` of `V D Vᵀ`.
    pub(super) fn entry(&self, i: usize, j: usize) -> f64 {
        let groups = self.tiles.chunks_exact(self.blocks).zip(&self.signs);
        let terms = groups.flat_map(|(group, signs)| {
            let (row, column) = (&group[i / SIDE].0, &group[j / SIDE].0);
            (0..SIDE).map(move |k| row[k][i % SIDE] * signs[k] * column[k][j % SIDE])
        });
        terms.sum()
    }

    /// `out ← out + V D Vᵀ x`.
    pub(super) fn add_product(&self, x: &[Line], out: &mut [Line]) {
        dispatch(AddProduct {
            waiting: self,
            x,
            out,
        });
    }
}

struct AddProduct<'a> {
    waiting: &'a Waiting,
    x: &'a [Line],
    out: &'a mut [Line],
}

impl OnLines for AddProduct<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let Waiting {
            blocks,
            tiles,
            signs,
            ..
        } = self.waiting;
        for (group, signs) in tiles.chunks_exact(*blocks).zip(signs) {
            add_projection::<S, N>(simd, group, signs, self.x, self.out);
        }
    }
}
