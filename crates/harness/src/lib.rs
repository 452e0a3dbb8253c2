//! Data sets, experiments, records, figures and the report of neuromanifold.
//!
//! An [`Experiment`] asks a question of the theory and answers it with a [`Record`]: [`Claim`]s that put a predicted
//! beside a measured value and judge them, [`Figure`]s, [`Table`]s and prose. [`experiment::run`] runs experiments
//! and keeps their records on disk; [`report`] turns the records into one HTML page. This crate is the only one of
//! the workspace that knows files, clocks and terminals.
//!
//! ```
//! use neuromanifold_harness::{Axis, Claim, Figure, Record, Series};
//!
//! let mut record = Record::new();
//! record.paragraph("A tangent *doubles* its squared length when scaled by √2.");
//! record.figure(
//!     Figure::new("length", "Squared length of a scaled tangent.", Axis::linear("scale"), Axis::linear("|dθ|^{2}"))
//!         .with(Series::line("measured", [1.0, 2.0, 3.0], [1.0, 4.0, 9.0])),
//! );
//! record.claim(Claim::close("|√2·dθ|^{2} / |dθ|^{2}", 2.0, 2.0_f64.sqrt().powi(2), 1e-12));
//! assert!(record.holds());
//! ```

pub mod data;
pub mod error;
pub mod experiment;
pub mod experiments;
pub mod figure;
mod fnv;
mod lbfgs;
pub mod record;
pub mod report;
mod sealed;
pub mod training;

pub use error::HarnessError;
pub use experiment::{Context, Effort, Experiment, Interrupt, Progress, UserData};
pub use figure::{Axis, Figure, Panel, Series};
pub use lbfgs::Lbfgs;
pub use record::{Block, Claim, Column, Quantity, Record, Source, Table};

/// The library example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
