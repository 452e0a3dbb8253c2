//! The quotient S/R: which parameters are the same network, and where the metric degenerates because of it.

mod canonical;
mod compress;
mod critical;
mod degeneracy;
mod equivalence;
mod error;
mod layers;
mod null_space;
mod probe;
mod ray;
mod reduce;
mod shallow;
mod split;
mod symmetry;
mod tolerance;

pub use canonical::{CanonicalForm, canonicalize};
pub use compress::{Absorbed, Compression, CompressionStep, compress};
pub use critical::{CriticalSubspace, Stratum, critical_subspaces};
pub use degeneracy::{Degeneracy, NumericalRank, Verdict, degeneracy};
pub use equivalence::{Equivalence, Witness, equivalent};
pub use error::QuotientError;
pub use null_space::{AnalyticNullSpace, Cause, NullDirection};
pub use probe::{Difference, Probe};
pub use reduce::{Reduction, reduce};
pub use shallow::{Shallow, Unit};
pub use split::{TangentSplit, exact_natural_gradient};
pub use symmetry::{LayerSymmetry, Symmetry, SymmetryGroup};
pub use tolerance::Tolerance;
