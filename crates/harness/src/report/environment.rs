//! Where the experiments were run.

use maud::{Markup, html};

use crate::experiment::{Effort, Run};
use crate::record::number::duration;

/// What one has to know to judge wall times, and the command that repeats the whole report.
pub(super) fn environment(runs: &[Run]) -> Markup {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let seconds: f64 = runs.iter().map(|run| run.seconds).sum();
    let profile = if cfg!(debug_assertions) {
        "debug build"
    } else {
        "release build"
    };
    html! {
        h2.small { "How this report was made" }
        dl {
            dt { "Program" } dd { "neuromanifold " (env!("CARGO_PKG_VERSION")) ", " (profile) }
            dt { "Machine" } dd {
                (std::env::consts::ARCH) ", " (std::env::consts::OS)
                @if let Some(processor) = processor() { ", " (processor) }
                ", " (threads) @if threads == 1 { " thread" } @else { " threads" }
            }
            dt { "Wall time" } dd { (duration(seconds)) " in " (runs.len()) @if runs.len() == 1 { " experiment" } @else { " experiments" } }
            dt { "Again" } dd { code { (command(runs)) } }
        }
        p {
            "The same seed and effort give the same numbers on any number of threads; only wall times differ. "
            "All claims are in " a href="summary.json" { "summary.json" } "."
        }
    }
}

fn command(runs: &[Run]) -> String {
    let mut command = "cargo xtask experiments".to_owned();
    for run in runs {
        command.push(' ');
        command.push_str(&run.experiment);
    }
    if let Some(run) = runs.first() {
        command.push_str(&format!(" --seed {}", run.seed));
        let effort: Effort = run.effort;
        if let Some(flag) = effort.flag() {
            command.push_str(&format!(" {flag}"));
        }
    }
    command
}

/// The name of the processor, where the system tells it in a file.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}
