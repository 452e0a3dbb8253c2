//! The report: one HTML page for people, one JSON document for programs.
//!
//! The page is whole in itself: its style and figures are inline, it has no scripts and asks nothing of any network. It is
//! set light or dark as the reader's system is, and for desktops, phones and paper.

mod environment;
mod overview;
mod section;
mod span;
mod tabular;

use std::borrow::Cow;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use crate::Claim;
use crate::experiment::Run;
use crate::figure;

/// What `summary.json` says of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary<'a> {
    /// The name of the experiment.
    pub experiment: &'a str,
    /// Its claims.
    pub claims: Cow<'a, [Claim]>,
}

/// The claims of all runs, as `summary.json` has them: `[{experiment, claims: [{statement, predicted, measured,
/// tolerance, holds}]}]`. An experiment that did not come to its end has one claim, which fails.
#[must_use]
pub fn summary(runs: &[Run]) -> Vec<Summary<'_>> {
    let summary = runs.iter().map(|run| Summary {
        experiment: &run.experiment,
        claims: run.claims(),
    });
    summary.collect()
}

/// The page, `index.html`: an overview of all claims, then a section for each run. Links to files are relative to the
/// output directory.
#[must_use]
pub fn page(runs: &[Run]) -> String {
    let style = format!("{}{}", include_str!("style.css"), figure::inline_style());
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(policy);
                title { "neuromanifold: experiments" }
                link rel="icon" href="data:,";
                style { (PreEscaped(style)) }
            }
            body {
                (navigation(runs))
                main {
                    (overview::overview(runs))
                    @for (index, run) in runs.iter().enumerate() {
                        (section::section(index + 1, run))
                    }
                    footer { (environment::environment(runs)) }
                }
            }
        }
    };
    page.into_string()
}

fn navigation(runs: &[Run]) -> Markup {
    html! {
        nav aria-label="Experiments" {
            a.home href="#overview" { "neuromanifold" }
            ol {
                @for run in runs {
                    li { a href={ "#" (run.experiment) } { (tabular::mark(run.holds())) span { (run.experiment) } } }
                }
            }
        }
    }
}
