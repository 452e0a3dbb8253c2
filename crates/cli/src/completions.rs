use crate::command::Arguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  neuromanifold completions bash > ~/.local/share/bash-completion/completions/neuromanifold
  neuromanifold completions zsh > ~/.zfunc/_neuromanifold";

/// Print the completions of a shell.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Which shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "neuromanifold",
            &mut script,
        );
        output.page(|page| page.write_all(&script))?;
        Ok(Exit::Success)
    }
}
