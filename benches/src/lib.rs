//! Problems with their data, measurements of this workspace on them, and rates of the machine.
//!
//! A speed means something only beside another one. So the [problems](problem) are defined by numbers that any program can
//! read or recompute ([`split_mix`]), every [measurement](Measurement) is one line of JSON in the format of the scripts that
//! time other libraries on the same arrays, and it carries how much of this machine's own [rate](machine) was reached in the
//! same run. `cargo xtask bench` is the command; the criterion benches use the same problems.
//!
//! ```
//! use neuromanifold_benches::problem::{DIABETES, Problem, Source};
//!
//! let problem = Problem::load(DIABETES, &Source::Generated)?;
//! assert_eq!(problem.net.to_string(), "10-8-1 tanh");
//! assert_eq!(problem.train.targets.len(), 442);
//! # Ok::<(), neuromanifold_benches::BenchError>(())
//! ```

mod error;

mod npy;
pub mod problem;
pub mod reference;
pub mod split_mix;

pub mod machine;
mod measurement;
mod noise;
mod timing;

mod bench;
mod cases;
mod selection;
mod settings;

pub use bench::{Bench, Listener, run};
pub use cases::{CASES, Case};
pub use error::BenchError;
pub use measurement::Measurement;
pub use noise::Noise;
pub use selection::Selection;
pub use settings::Settings;
pub use timing::{Repeats, Timing, repeat};
