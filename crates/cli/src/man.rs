use crate::command::Arguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use clap::{Args, CommandFactory as _};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuromanifold man > neuromanifold.1
  neuromanifold man -o man1";

/// Write the manual pages, one for each command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// Folder for all the pages; without it the main page goes to standard output.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Man {
    /// Writes the pages.
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        let command = Arguments::command();
        match &self.output {
            Some(folder) => {
                let failed = |source| Failure::Write {
                    path: folder.clone(),
                    source,
                };
                std::fs::create_dir_all(folder).map_err(failed)?;
                clap_mangen::generate_to(command, folder).map_err(failed)?;
            }
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(command)
                    .render(&mut page)
                    .map_err(Failure::Print)?;
                output.page(|out| out.write_all(&page))?;
            }
        }
        Ok(Exit::Success)
    }
}
