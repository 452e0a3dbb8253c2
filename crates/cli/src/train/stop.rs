//! Ctrl-C, and the signal that asks a process to end.

use super::TrainFailure;
use crate::exit::Exit;
use neuromanifold_harness::Interrupt;

/// Raised by the first Ctrl-C or `SIGTERM`; the second ends the process at once.
pub(crate) fn listen() -> Result<Interrupt, TrainFailure> {
    let interrupt = Interrupt::new();
    let raised = interrupt.clone();
    ctrlc::set_handler(move || {
        if raised.raise() {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    })?;
    Ok(interrupt)
}
