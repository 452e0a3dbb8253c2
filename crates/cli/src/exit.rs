use std::process::ExitCode;

/// How the command ended, for scripts; [`EXIT_STATUS`] tells it to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Success = 0,
    /// Done, and the answer is no: the networks differ.
    No = 1,
    /// The arguments are wrong. Clap's own status.
    Usage = 2,
    /// A file cannot be read, or is not what it should be, or does not fit the others.
    Input = 3,
    /// The question cannot be answered for this network or on this machine.
    Unanswerable = 4,
    /// A result cannot be written.
    Output = 5,
    /// Stopped by Ctrl-C, with what was found until then saved: 128 and the number of the signal.
    Interrupted = 130,
}

/// The table of statuses at the end of every `--help`.
pub(crate) const EXIT_STATUS: &str = "\
Exit status:
  0    done; for `equivalent`: the same function
  1    `equivalent`: not the same function
  2    wrong arguments
  3    a file is missing, damaged or does not fit: nothing was computed
  4    the question has no answer for this network, or needs more memory than allowed
  5    a result could not be written
  130  stopped by Ctrl-C";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
