use crate::Dims;

/// For each example `r` covectors on its `K` outputs: the columns `c_{s,1}, …, c_{s,r} ∈ R^K`.
///
/// With the factors `B(z_s)` of a likelihood's output Fisher matrix as columns, the pulled-back columns `J_sᵀ c_{s,j}`
/// make up a matrix `A ∈ R^{P×rN}` with `G = A Aᵀ/N`; with the identity they are the rows of the Jacobian.
///
/// Column `j` of example `s` occupies `values[(s·r + j)·K ..][..K]`.
#[derive(Clone, Copy, Debug)]
pub struct Cotangents<'a> {
    values: &'a [f64],
    outputs: usize,
    rank: usize,
}

impl<'a> Cotangents<'a> {
    /// A view of `values` as `rank` columns of length `outputs` for each example.
    ///
    /// # Panics
    /// If the length of `values` is not a multiple of `outputs · rank`.
    #[track_caller]
    #[must_use]
    pub fn new(values: &'a [f64], outputs: usize, rank: usize) -> Self {
        assert!(
            outputs * rank > 0 && values.len().is_multiple_of(outputs * rank),
            "{} values are no whole number of examples of {rank} columns of length {outputs}",
            values.len()
        );
        Self {
            values,
            outputs,
            rank,
        }
    }

    /// `r`, the number of columns of one example.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// `K`, the length of one column.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The number of examples.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.values.len() / (self.outputs * self.rank)
    }

    /// The flat values, column after column.
    #[must_use]
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// Column `j` of example `s`, length `K`.
    ///
    /// # Panics
    /// If there is no such example or column.
    #[must_use]
    pub fn column(&self, example: usize, j: usize) -> &'a [f64] {
        assert!(
            j < self.rank,
            "column {j} of an example that has {}",
            self.rank
        );
        &self.values[(example * self.rank + j) * self.outputs..][..self.outputs]
    }

    /// Panics unless the columns fit a batch of these sizes.
    #[track_caller]
    pub(crate) fn assert_fits(&self, dims: Dims) {
        assert!(
            self.outputs == dims.outputs && self.examples() == dims.examples,
            "cotangents for {} examples of {} outputs, the map has {} of {}",
            self.examples(),
            self.outputs,
            dims.examples,
            dims.outputs
        );
    }
}
