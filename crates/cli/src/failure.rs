use crate::exit::Exit;
use anstyle::{AnsiColor, Style};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output could not be written.
    #[error("cannot write to standard output")]
    Print(#[source] io::Error),
}

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();

impl Failure {
    /// The status to leave with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Write { .. } | Self::Print(_) => Exit::Output,
        }
    }

    /// What to do about it, where something can be done.
    fn advice(&self) -> Option<String> {
        match self {
            Self::Write { .. } => {
                Some("give a path in a folder that exists and may be written to".to_owned())
            }
            Self::Print(_) => None,
        }
    }

    /// Tells what happened, what caused it, and what to do.
    pub(crate) fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{RED}error:{RED:#} {self}")?;
        let mut told = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // a transparent wrapper says what its source says
            if !told.contains(&text) {
                writeln!(out, "  because: {text}")?;
            }
            told = text;
            cause = error.source();
        }
        if let Some(advice) = self.advice() {
            writeln!(out, "{CYAN}what to do:{CYAN:#} {advice}")?;
        }
        Ok(())
    }
}
