use super::remainder::Remainder;
use super::{QuotientError, SymmetryGroup};
use faer::Mat;
use faer::reborrow::ReborrowMut;
use rand::{Rng, RngExt};

/// Which units of a hidden layer can be flipped at a point, because what their flips leave cancels.
///
/// A set of units cancels if `Σ v_α ⊗ w_α = 0` over it (for relu and softplus; with `b_α` beside `w_α` where the next layer has no
/// biases to take the constants, and `Σ v_α = 0` for logistic units without them). These sets are the 0/1 vectors in the null
/// space of the matrix with columns `v_α ⊗ w_α`. In the reduced echelon basis of a `d`-dimensional null space a 0/1 vector
/// is the sum of a subset of the basis, so for `d ≤ 12` all are found. To find all in general is a subset-sum problem;
/// for larger `d` sums of one and two basis vectors are tried, which finds every pair of units that cancels and the sets that depend on
/// no others, and [`complete`](Self::complete) is false.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CancellingFlips {
    /// Units that can be flipped by themselves, independently of each other.
    pub alone: Vec<usize>,
    /// Sets of other units that can be flipped together, one set at a time.
    pub together: Vec<Vec<usize>>,
    /// Whether `together` lists all of them.
    pub complete: bool,
}

/// The largest dimension of the null space in which all subsets of a basis are tried.
const ALL_SUBSETS: usize = 12;

impl SymmetryGroup<'_> {
    /// Which units can be flipped at θ, one entry a hidden layer.
    ///
    /// # Errors
    /// [`QuotientError::Model`] for a θ of another network or with entries that are not finite.
    pub fn cancelling_flips(&self, theta: &[f64]) -> Result<Vec<CancellingFlips>, QuotientError> {
        self.check_point(theta)?;
        let layers = 0..self.hidden_layers();
        Ok(layers
            .map(|layer| CancellingFlips::at(self, layer, theta))
            .collect())
    }
}

impl CancellingFlips {
    fn at(group: &SymmetryGroup<'_>, layer: usize, theta: &[f64]) -> Self {
        let units = group.net.layers()[layer].outputs();
        let cancels = |units: &[usize]| {
            let left = Remainder::of(group, layer, units, theta);
            left.is_some_and(|left| left.constants(group.tolerance).is_ok())
        };
        let (alone, others) = (0..units).partition(|unit| cancels(&[*unit]));
        let mut found = Self {
            alone,
            together: Vec::new(),
            complete: true,
        };
        let columns = Remainder::columns(group, layer, &others, theta);
        if others.len() < 2 || columns.nrows() == 0 {
            return found;
        }
        let null = NullBasis::of(columns);
        found.complete = null.vectors.len() <= ALL_SUBSETS;
        for set in null.zero_one_vectors(found.complete) {
            let set: Vec<usize> = set.into_iter().map(|column| others[column]).collect();
            if cancels(&set) {
                found.together.push(set);
            }
        }
        found
    }

    /// A random set of units that can be flipped together.
    pub(crate) fn random<R: Rng + ?Sized>(&self, rng: &mut R) -> Vec<usize> {
        let mut flipped = self.alone.clone();
        flipped.retain(|_| rng.random::<bool>());
        let choice = rng.random_range(0..=self.together.len());
        flipped.extend(self.together.get(choice).into_iter().flatten());
        flipped
    }
}

/// The reduced echelon basis of a null space: vector `f` is 1 at its own free column and 0 at those of the others.
struct NullBasis {
    /// Free columns, one a vector.
    free: Vec<usize>,
    pivots: Vec<usize>,
    /// Entries at the pivots.
    vectors: Vec<Vec<f64>>,
}

impl NullBasis {
    /// Gauss–Jordan elimination with complete pivoting, on columns of equal size.
    fn of(mut matrix: Mat<f64>) -> Self {
        let (rows, columns) = (matrix.nrows(), matrix.ncols());
        let sizes: Vec<f64> = matrix
            .col_iter()
            .map(|c| c.norm_max().max(f64::MIN_POSITIVE))
            .collect();
        for (column, size) in matrix.col_iter_mut().zip(&sizes) {
            column.iter_mut().for_each(|entry| *entry /= size);
        }
        let (mut pivots, mut pivot_rows) = (Vec::new(), Vec::new());
        let (mut open_rows, mut open) = (vec![true; rows], vec![true; columns]);
        while pivots.len() < rows.min(columns) {
            let mut best = (1e-10, None); // columns of size 1: far above rounding
            for j in (0..columns).filter(|j| open[*j]) {
                let entries = matrix.col(j).iter().zip(&open_rows).enumerate();
                for (i, (entry, _)) in entries.filter(|(_, (_, open))| **open) {
                    if entry.abs() > best.0 {
                        best = (entry.abs(), Some((i, j)));
                    }
                }
            }
            let Some((row, pivot)) = best.1 else { break };
            let eliminated: Vec<f64> = matrix.col(pivot).iter().copied().collect();
            for mut column in matrix.col_iter_mut() {
                let factor = column[row] / eliminated[row];
                for (entry, e) in column.rb_mut().iter_mut().zip(&eliminated) {
                    *entry -= factor * e;
                }
                column[row] = factor;
            }
            (open_rows[row], open[pivot]) = (false, false);
            pivots.push(pivot);
            pivot_rows.push(row);
        }
        let free: Vec<usize> = (0..columns).filter(|j| open[*j]).collect();
        let entries = |f: &usize| {
            let places = pivots.iter().zip(&pivot_rows);
            places
                .map(|(pivot, row)| -matrix[(*row, *f)] * sizes[*f] / sizes[*pivot])
                .collect()
        };
        Self {
            vectors: free.iter().map(entries).collect(),
            free,
            pivots,
        }
    }

    /// Vectors whose entries are all 0 or 1, nearly, as sets of columns: of all subsets of the basis, or of those with at most two.
    fn zero_one_vectors(&self, all: bool) -> Vec<Vec<usize>> {
        let dimension = self.vectors.len();
        let mut found = Vec::new();
        if all {
            for subset in 1..1usize << dimension {
                let members: Vec<usize> = (0..dimension).filter(|f| subset >> f & 1 == 1).collect();
                found.extend(self.zero_one(&members));
            }
        } else {
            for one in 0..dimension {
                found.extend(self.zero_one(&[one]));
                found.extend((0..one).filter_map(|other| self.zero_one(&[other, one])));
            }
        }
        found
    }

    fn zero_one(&self, members: &[usize]) -> Option<Vec<usize>> {
        let mut columns: Vec<usize> = members.iter().map(|f| self.free[*f]).collect();
        for (row, pivot) in self.pivots.iter().enumerate() {
            let entry: f64 = members.iter().map(|f| self.vectors[*f][row]).sum();
            // a first sieve: what passes is added up with the weights themselves
            if (entry - 1.0).abs() < 1e-6 {
                columns.push(*pivot);
            } else if entry.abs() > 1e-6 {
                return None;
            }
        }
        columns.sort_unstable();
        Some(columns)
    }
}
