use std::collections::BTreeMap;

/// A sparse vector: entries by index.
pub(crate) type Sparse = BTreeMap<usize, f64>;

/// The null space of a matrix given by its sparse columns, one vector for every column that the others before it span.
///
/// Gauss–Jordan elimination with a *preferred order*: earlier columns become pivots if they can, so that every relation is told
/// as "this column, in terms of those few". A column becomes a pivot in the first pass only if it stands well clear of the
/// span of the pivots, and in a later one otherwise, which keeps the elimination stable without giving up the order. The row
/// of a pivot is where its remainder is largest.
///
/// With `R` rows there are at most `R` pivots, so the cost is `O(R)` sparse operations a column, and memory `O(R²)` at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Elimination {
    /// Which columns are pivots.
    pub(crate) pivots: Vec<usize>,
    /// Reduced columns: 1 at their own pivot row, 0 at those of the others.
    reduced: Vec<Sparse>,
    /// The reduced columns in terms of pivots.
    transform: Vec<Sparse>,
    /// The reduced column of each pivot row.
    row: BTreeMap<usize, usize>,
    /// One a column that is not a pivot: the coefficients, by column, of a combination that vanishes.
    pub(crate) kernel: Vec<Sparse>,
}

/// How clear of the span of the pivots a column must stand, pass by pass, relative to its largest entry.
const PASSES: [f64; 4] = [0.1, 1e-3, 1e-6, 0.0];

impl Elimination {
    /// Eliminates columns; a remainder of at most `relative` (and rounding) of what was subtracted counts as nothing.
    pub(crate) fn of(columns: &[Sparse], relative: f64) -> Self {
        let mut found = Self::default();
        let sizes: Vec<f64> = columns.iter().map(extent).collect();
        let mut open: Vec<usize> = (0..columns.len()).collect();
        for clear in PASSES {
            open.retain(|c| !found.settle((*c, &columns[*c]), &sizes, clear, relative));
        }
        found
    }

    /// Whether a column could be settled: as dependent, or as a pivot whose remainder is larger than `clear`.
    fn settle(
        &mut self,
        (index, column): (usize, &Sparse),
        sizes: &[f64],
        clear: f64,
        relative: f64,
    ) -> bool {
        let size = sizes[index];
        let mut remainder: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        let mut coefficients = Sparse::new();
        for (row, entry) in column {
            let entry = entry / size;
            let (sum, terms) = remainder.entry(*row).or_default();
            *sum += entry;
            *terms += entry.abs();
            let Some(own) = self.row.get(row) else {
                continue;
            };
            for (other, value) in &self.reduced[*own] {
                let (sum, terms) = remainder.entry(*other).or_default();
                *sum -= entry * value;
                *terms += (entry * value).abs();
            }
            add(&mut coefficients, &self.transform[*own], entry);
        }
        let rounding = 32.0 * (self.pivots.len() + 2) as f64 * f64::EPSILON;
        let noise = |terms: f64| (relative + rounding) * terms.max(1.0);
        remainder
            .retain(|row, (sum, terms)| !self.row.contains_key(row) && sum.abs() > noise(*terms));
        let largest = (remainder.iter()).max_by(|a, b| a.1.0.abs().total_cmp(&b.1.0.abs()));
        match largest.map(|(row, (sum, _))| (*row, *sum)) {
            None => {
                let mut vanishing: Sparse = coefficients
                    .iter()
                    .filter(|(_, value)| value.abs() > f64::EPSILON)
                    .map(|(pivot, value)| (self.pivots[*pivot], -value))
                    .collect();
                vanishing.insert(index, 1.0);
                // from columns of size 1 back to those that came, without overflow
                let smallest = (vanishing.keys()).fold(f64::INFINITY, |m, c| m.min(sizes[*c]));
                for (column, value) in &mut vanishing {
                    *value *= smallest / sizes[*column];
                }
                self.kernel.push(vanishing);
                true
            }
            Some((row, pivot)) if pivot.abs() > clear => {
                let own = remainder.iter().map(|(row, (sum, _))| (*row, sum / pivot));
                let own: Sparse = own.collect();
                let mut terms = Sparse::new();
                add(&mut terms, &coefficients, -1.0 / pivot);
                terms.insert(self.pivots.len(), 1.0 / pivot);
                for (reduced, transform) in self.reduced.iter_mut().zip(&mut self.transform) {
                    if let Some(factor) = reduced.get(&row).copied() {
                        add(reduced, &own, -factor);
                        reduced.remove(&row);
                        add(transform, &terms, -factor);
                    }
                }
                self.row.insert(row, self.pivots.len());
                self.pivots.push(index);
                self.reduced.push(own);
                self.transform.push(terms);
                true
            }
            Some(_) => false,
        }
    }
}

fn extent(column: &Sparse) -> f64 {
    let largest = column.values().fold(0.0, |m: f64, v| m.max(v.abs()));
    if largest > 0.0 { largest } else { 1.0 }
}

/// `sum += weight · terms`.
fn add(sum: &mut Sparse, terms: &Sparse, weight: f64) {
    for (index, value) in terms {
        *sum.entry(*index).or_default() += weight * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(dense: &[&[f64]]) -> Vec<Sparse> {
        let sparse = |column: &&[f64]| column.iter().copied().enumerate().collect();
        dense.iter().map(sparse).collect()
    }

    #[test]
    fn every_dependent_column_is_told_in_terms_of_pivots() {
        let columns = columns(&[
            &[1.0, 0.0, 0.0],
            &[1.0, 1e-5, 0.0],
            &[2.0, 3.0, 0.0],
            &[4.0, 3.0, 0.0],
            &[0.0, 0.0, 0.0],
            &[1.0, 1.0, 1e-13],
        ]);
        let found = Elimination::of(&columns, 1e-10);
        // the second column leans on the first, so the third is preferred to it
        assert_eq!(found.pivots, [0, 2]);
        assert_eq!(found.kernel.len(), 4);
        for vanishing in &found.kernel {
            let mut sum = Sparse::new();
            for (column, weight) in vanishing {
                add(&mut sum, &columns[*column], *weight);
            }
            assert!(sum.values().all(|s| s.abs() < 1e-12), "{vanishing:?}");
        }
    }

    #[test]
    fn columns_are_judged_at_their_own_size() {
        let columns = columns(&[&[1e-200, 0.0], &[1e-200, 1e-200], &[1e200, 2e200]]);
        let found = Elimination::of(&columns, 1e-10);
        assert_eq!(found.pivots.len(), 2);
        assert_eq!(found.kernel.len(), 1);
    }
}
