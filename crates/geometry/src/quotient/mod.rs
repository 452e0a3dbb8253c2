//! The quotient S/R: which parameters are the same network, and where the metric degenerates because of it.
//!
//! # One function, many parameters
//!
//! A network with one hidden layer is a sum of units, `f(x) = c + Σ_α v_α φ(w_α·x + b_α)`. Its parameters θ are points of a
//! flat space S. But θ is not the network: exchange two units, or, for an odd φ, change the sign of all weights of one unit,
//! and the function stays what it was. Call two points equivalent, `θ ≈ θ'`, if they predict the same law for every input.
//! The networks themselves are the classes, the points of the quotient S/R.
//!
#![doc = include_str!("../../doc/strata.svg")]
//!
//! Softmax adds a symmetry of its own: a shift of all logits by the same function changes no probability, so there the classes of
//! laws are larger than those of functions, by one free direction for each hidden unit and one for the biases.
//!
//! Permutations and sign flips do little harm: a class is then a finite set of separate points, and near each of them S/R looks
//! like S. Trouble comes from three other coincidences, the *strata* of the critical set:
//!
//! | stratum | what becomes free | what still matters |
//! |---|---|---|
//! | elimination, `v_α = 0` | `(w_α, b_α)` | nothing of unit α |
//! | constant, `w_α = 0` | `b_α`, `v_α` against the output bias | `c + v_α φ(b_α)` |
//! | overlap, `(w_α, b_α) = ±(w_β, b_β)` | `v_α ∓ v_β` | `v_α ± v_β` |
//!
//! There a whole leaf of parameters computes one function, and S/R has a singular point where the leaf was. Moving along the leaf
//! changes no prediction, so the divergence along it is zero, and so is the Fisher metric: `G` is singular exactly on the critical
//! set (Fukumizu 1996; tanh and logistic units with an output bias). Close to it some eigenvalues are tiny (the smallest falls as the
//! *sixth* power of the distance between two units), and that is where learning crawls.
//!
//! # What is here
//!
//! * [`equivalent`]: the same function? [`equivalent_laws`]: the same law under a likelihood? With the symmetry that shows it, or an
//!   input where they differ.
//! * [`SymmetryGroup`]: permutations, signs, scalings, [flips that cancel](CancellingFlips) and the [gauge](Gauge) of softmax; to
//!   draw, apply, compose and invert.
//! * [`CanonicalForm`], [`canonicalize`], [`canonicalize_law`]: the one way of writing that all equivalent parameters share.
//! * [`reduce`]: the smallest network that computes exactly the same, layer by layer for deep ones; [`compress`]: a smaller one
//!   within a budget of nats, on a [path](CompressionPath) of removals and merges in the order of what they cost at the outputs.
//! * [`AnalyticNullSpace`]: every null direction of `G` with its cause; [`degeneracy`]: the same beside the numbers, cause by cause and
//!   unit by unit; [`critical_subspaces`]: the strata nearby, with distances in parameters and in nats,
//!   and [`nearest_subspaces`] those of each unit.
//! * [`TangentSplit`], [`exact_natural_gradient`]: what natural gradient means on the critical set; [`SolveComparison`]: what the answers
//!   that are in use (pseudo-inverse, damping, sample space, the reduced network) make of it, at and near the set. In short: they
//!   all approximate the shortest step to the best law nearby, `G⁺∇l`; the reduced network takes the best step that *it* can, the
//!   projection of that; and close to the set `G⁻¹` is worse than on it, since nothing stops its steps from growing.
//!
//! Decisions about equality of weights are made under an explicit [`Tolerance`], and results say how much it was used for.
//!
//! # Cost
//!
//! With `m` units, `n` inputs and `K` outputs, everything that needs no data is `O(m log m)` comparisons of `n + 1` numbers, plus
//! sparse eliminations of the size of coincidences. Pairwise distances ([`critical_subspaces`], [`degeneracy`]) are `O(m² n)`. Numerical ranks cost
//! eigenvalues of size `min(P, rN)`.
//!
//! # References
//! S. Amari, H. Park, T. Ozeki, *Singularities affect dynamics of learning in neuromanifolds*, Neural Computation 18 (2006)
//! 1007–1065, doi:10.1162/neco.2006.18.5.1007. K. Fukumizu, S. Amari, *Local minima and plateaus in hierarchical structures of
//! multilayer perceptrons*, Neural Networks 13 (2000) 317–327, doi:10.1016/S0893-6080(00)00009-5.

mod canonical;
mod canonical_terms;
mod canonicalize;
mod cause;
mod closeness;
mod cluster;
mod components;
mod compress;
mod critical;
mod degeneracy;
mod degeneracy_display;
mod degenerate_step;
mod displacement;
mod echelon;
mod elimination;
mod equivalence;
mod error;
mod flips;
mod form_matching;
mod gauge;
mod generators;
mod group;
mod layers;
mod matching;
mod merging;
#[cfg(feature = "serde")]
mod notation;
mod null_space;
mod numerical_rank;
mod probe;
mod projection;
mod random_element;
mod ray;
mod ray_relations;
mod reduce;
mod refit;
mod reflection;
mod relation;
mod relations;
mod remainder;
mod shallow;
mod shrinking;
mod solve_comparison;
mod split;
mod stratum;
mod symmetry;
mod tolerance;
mod witness;

pub use canonical::CanonicalForm;
pub use canonicalize::{Canonicalization, canonicalize, canonicalize_law};
pub use cause::Cause;
pub use compress::{Absorbed, Compression, CompressionPath, CompressionStep, compress};
pub use critical::{critical_subspaces, nearest_subspaces};
pub use degeneracy::{Degeneracy, NearStratum, UnitDegeneracy, Verdict, degeneracy};
pub use degenerate_step::{DegenerateStep, Solver};
pub use equivalence::{Equivalence, equivalent, equivalent_laws};
pub use error::QuotientError;
pub use flips::CancellingFlips;
pub use gauge::Gauge;
pub use group::SymmetryGroup;
pub use null_space::{AnalyticNullSpace, NullDirection};
pub use numerical_rank::{NumericalRank, numerical_null_space};
pub use probe::{Difference, Probe};
pub use reduce::{Reduction, reduce};
pub use shallow::{Shallow, Unit};
pub use solve_comparison::{SolveComparison, SolverAnswer};
pub use split::{TangentSplit, exact_natural_gradient};
pub use stratum::{CriticalSubspace, Stratum};
pub use symmetry::{LayerSymmetry, Symmetry};
pub use tolerance::Tolerance;
pub use witness::Witness;
