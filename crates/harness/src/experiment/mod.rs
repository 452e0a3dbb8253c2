//! What an experiment is, what it is given, and how experiments are run.

mod context;
mod effort;
mod interrupt;
mod progress;
mod run;
mod runner;
mod store;
mod units;

pub use context::{Context, UserData};
pub use effort::Effort;
pub use interrupt::Interrupt;
pub use progress::Progress;
pub use run::{Fingerprint, Outcome, Run};
pub use runner::{Options, Session, run};
pub use store::Store;
pub use units::Units;

use crate::{HarnessError, Record, Source};

/// A question put to the theory, and the procedure that answers it.
///
/// An experiment is a function of its [`Context`] alone: the same seed and effort give the same record on any number of
/// threads, wall times aside.
///
/// ```
/// use neuromanifold_harness::{Claim, Context, Effort, Experiment, HarnessError, Record};
/// use rand::RngExt;
///
/// #[derive(Debug)]
/// struct Mean;
///
/// impl Experiment for Mean {
///     fn name(&self) -> &'static str {
///         "mean"
///     }
///     fn title(&self) -> &'static str {
///         "The mean of uniform numbers"
///     }
///     fn question(&self) -> &'static str {
///         "Is the mean of uniform numbers ½?"
///     }
///     fn run(&self, context: &Context) -> Result<Record, HarnessError> {
///         let draws = context.pick(1_000, 10_000, 1_000_000);
///         let mut rng = context.rng(0);
///         context.progress().begin("drawing", draws);
///         let mut sum = 0.0;
///         for _ in 0..draws {
///             context.check()?;
///             sum += rng.random::<f64>();
///             context.progress().advance(1);
///         }
///         let mut record = Record::new();
///         record.claim(Claim::close("mean", 0.5, sum / draws as f64, 0.05));
///         Ok(record)
///     }
/// }
///
/// let record = Mean.run(&Context::quiet(1, Effort::Quick))?;
/// assert!(record.holds());
/// # Ok::<(), HarnessError>(())
/// ```
pub trait Experiment: Sync {
    /// The name on the command line and of the directory: `a`–`z`, `0`–`9` and `-`.
    fn name(&self) -> &'static str;

    /// The title in the report.
    fn title(&self) -> &'static str;

    /// The question it answers, in the inline markup of [`crate::record::markup`].
    fn question(&self) -> &'static str;

    /// Where its claims come from.
    fn sources(&self) -> Vec<Source> {
        Vec::new()
    }

    /// Whether it uses [`Context::data`].
    fn takes_data(&self) -> bool {
        false
    }

    /// Looks at the user's own data before anything is run, so that what is wrong with them is said at once.
    ///
    /// # Errors
    /// What is wrong with them.
    fn check_data(&self, _data: &UserData) -> Result<(), HarnessError> {
        Ok(())
    }

    /// Runs it.
    ///
    /// # Errors
    /// Whatever keeps the record from being made; a claim that fails is no error. [`HarnessError::Interrupted`] where
    /// [`Context::check`] says so.
    fn run(&self, context: &Context) -> Result<Record, HarnessError>;
}
