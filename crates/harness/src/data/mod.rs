//! Data sets: real ones embedded in the crate, generated ones, and a user's own CSV file.
//!
//! Everything here ends in one object, the [`Dataset`]: N examples, each a column of inputs x ∈ ℝⁿ
//! with its target, together with the [`Task`] that says which likelihood p(y|x;θ) is meant. The
//! path from there to an optimiser is
//!
//! 1. [`Split`] cuts the examples into training, validation and test parts, by an explicit
//!    generator or in order of time;
//! 2. [`Standardizer`] learns means and standard deviations *from the training part only* and
//!    applies them to all three;
//! 3. [`Dataset::inputs`] and [`Dataset::targets`] feed a whole-batch model, [`Batches`] the
//!    mini-batch ones, [`Dataset::example`] the on-line ones.
//!
//! Every number is checked once, where it enters: a [`Dataset`] holds finite numbers only, whatever
//! its origin.
//!
//! ```
//! use neuromanifold_harness::data::{Fractions, Split, Standardizer, concrete};
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//!
//! let concrete = concrete()?;
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let parts = Split::random(concrete.len(), Fractions::new(0.2, 0.2)?, &mut rng)?.apply(&concrete);
//! let standardizer = Standardizer::inputs_and_targets(&parts.train)?;
//! let train = standardizer.apply(&parts.train)?;
//! assert_eq!((train.inputs().nrows(), train.inputs().ncols()), (8, 618));
//! # Ok::<(), neuromanifold_harness::data::DataError>(())
//! ```

mod batches;
mod csv;
mod dataset;
mod delay_embedding;
mod embedded;
mod error;
mod extended_xor;
mod mackey_glass;
mod soft_committee;
mod split;
mod standardizer;
mod task;
mod teacher_student;

pub use self::csv::{
    Column, CsvError, CsvProblem, CsvSource, Delimiter, Header, InputColumns, MAX_RECORD_BYTES,
    save_csv, write_csv,
};
pub use batches::{Batch, Batches};
pub use dataset::{Dataset, Example};
pub use delay_embedding::{DelayEmbedding, mackey_glass};
pub use embedded::{concrete, diabetes, digits};
pub use error::DataError;
pub use extended_xor::ExtendedXor;
pub use mackey_glass::{DelayedMidpoint, MackeyGlass};
pub use soft_committee::SoftCommittee;
pub use split::{Fractions, Parts, Split};
pub use standardizer::Standardizer;
pub use task::{Task, TaskKind};
pub use teacher_student::TeacherStudent;
