use crate::failure::Failure;
use anstream::AutoStream;
use clap::ColorChoice;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// What a command found: numbers for machines and a page for people.
pub(crate) trait Report: Serialize {
    /// Writes the page, with ANSI styles, which the stream drops where they are not wanted.
    fn write(&self, page: &mut dyn Write) -> io::Result<()>;
}

/// Where results go: standard output, as text or as JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Whether machines read it.
    pub(crate) json: bool,
    /// Whether it has colours.
    pub(crate) color: ColorChoice,
    /// Whether nothing but results is to be shown.
    pub(crate) quiet: bool,
}

/// The object that `--json` prints: which command, and its fields.
#[derive(Serialize)]
struct Document<'a, R: Serialize> {
    command: &'static str,
    version: &'static str,
    #[serde(flatten)]
    report: &'a R,
}

impl Output {
    /// Shows a report. A reader that has closed its end has seen enough: that is no failure.
    pub(crate) fn show(&self, command: &'static str, report: &impl Report) -> Result<(), Failure> {
        if !self.json {
            return self.page(|page| report.write(page));
        }
        let document = Document {
            command,
            version: env!("CARGO_PKG_VERSION"),
            report,
        };
        self.page(|page| {
            serde_json::to_writer_pretty(&mut *page, &document)?;
            writeln!(page)
        })
    }

    /// Writes text to standard output.
    pub(crate) fn page(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let stdout = AutoStream::new(io::stdout(), self.choice());
        let mut page = io::BufWriter::new(stdout.lock());
        match write(&mut page).and_then(|()| page.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Print(error)),
            _ => Ok(()),
        }
    }

    /// Tells a failure on standard error. Where that cannot be written either, the status has to do.
    pub(crate) fn fail(&self, failure: &Failure) {
        let mut stderr = AutoStream::new(io::stderr(), self.choice()).lock();
        let _ = failure.tell(&mut stderr);
    }

    /// `Auto` honours `NO_COLOR`, `CLICOLOR_FORCE` and `TERM`, and whether the stream is a terminal.
    fn choice(&self) -> anstream::ColorChoice {
        match self.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
    }
}
