//! The Fisher matrix of a map made of affine layers, without its Jacobian.
//!
//! For an example `s`, the rows of a covector pulled back to layer `l` are `δ ⊗ a` (with `a` ending in the constant 1 that
//! multiplies the biases), so the block of two layers is
//!
//! ```text
//! G_{ll'}[(α,i),(β,j)] = Σ_s S_s[α,β] a_s[i] a'_s[j],     S_s[α,β] = Σ_{k=1}^r δ_{s,k}[α] δ'_{s,k}[β]
//! ```
//!
//! Contracting the `r` covectors first leaves *one* product of a matrix over pairs of units with a matrix over pairs of
//! inputs, summed over the examples, where `JᵀHJ` makes `r` of them. In a layer's own block both pairs are unordered, since
//! exchanging `α` with `β`, or `i` with `j`, changes nothing: `m(m+1)/2 · n(n+1)/2` entries stand for `(mn)²`, half of what
//! the symmetry of `G` alone leaves to compute.
//!
//! # How many multiplications
//!
//! ```text
//! own block      N · m(m+1)/2 · n(n+1)/2          (JᵀHJ: r N (mn)²/2)
//! cross block    N · m m' n n'                    (JᵀHJ: r N m m' n n')
//! ```
//!
//! and these are matrix products, so this number over the rate of a product of the same shape is a floor for the time. What
//! comes on top is `O(N (m² r + n²))` to form the pairs, in blocks of a few hundred examples that never leave the cache; one
//! pass over `P²` numbers to put entries in place, and one to mirror them. Memory: `P²` numbers for the result, at most 16
//! MiB of activations and covectors at a time, and a few MiB a thread.
//!
//! # References
//! C. R. Rao, C. G. Khatri, *Solutions to some functional equations and their applications to characterization of
//! probability distributions*, Sankhyā A 30 (1968): the product, column by column, whose columns are the pairs.

mod carried;
mod fisher;
mod moments;
mod pairs;
mod partition;
mod sides;
mod squares;
mod strip;
mod unit_columns;

pub(crate) use fisher::{assemble, own_blocks};
pub(crate) use moments::{Covariances, covariances};
pub(crate) use partition::Partition;
pub(crate) use squares::{Axes, squares};
