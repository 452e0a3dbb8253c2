//! The section of an experiment: question, answer, evidence, sources, and how to repeat it.

use maud::{Markup, PreEscaped, html};

use super::span::inline;
use super::tabular::{claims, numbers, verdict};
use crate::experiment::{Outcome, Run};
use crate::figure::{self, Figure, Setting};
use crate::record::number::duration;
use crate::{Block, Record, Source};

pub(super) fn section(index: usize, run: &Run) -> Markup {
    html! {
        section id=(run.experiment) {
            p.kicker { (index) " · " (run.experiment) " " (verdict(run.holds())) }
            h2 { (run.title) }
            p.question { (inline(&run.question)) }
            @match &run.outcome {
                Outcome::Complete(record) => {
                    @if !record.claims.is_empty() { (claims(&record.claims)) }
                    (body(index, record))
                }
                Outcome::Failed { error } => p.stopped { b { "The experiment stopped with an error. " } (error) },
                Outcome::Interrupted => p.stopped { b { "The experiment was interrupted " } "and has no record." },
            }
            @if !run.sources.is_empty() {
                h3 { "Sources" }
                ul.sources { @for source in &run.sources { li { (cited(source)) } } }
            }
            (provenance(run))
        }
    }
}

fn body(index: usize, record: &Record) -> Markup {
    let (mut figures, mut tables) = (0, 0);
    html! {
        @for block in &record.body {
            @match block {
                Block::Heading { text } => h3 { (inline(text)) },
                Block::Paragraph { text } => p { (inline(text)) },
                Block::Figure(figure) => {
                    ({ figures += 1; drawn(&format!("{index}.{figures}"), figure) })
                }
                Block::Table(table) => {
                    ({ tables += 1; numbers(&format!("{index}.{tables}"), table) })
                }
            }
        }
    }
}

/// The figure set for desktops and for phones; the style sheet shows one of the two.
fn drawn(number: &str, figure: &Figure) -> Markup {
    html! {
        figure {
            (PreEscaped(figure::inline(figure, Setting::Wide)))
            (PreEscaped(figure::inline(figure, Setting::Narrow)))
            figcaption { b { "Figure " (number) } " " (inline(&figure.caption)) }
        }
    }
}

fn cited(source: &Source) -> Markup {
    html! {
        (source.authors) " (" (source.year) "). "
        @match source.url() {
            Some(url) => a href=(url) { (source.title) },
            None => (source.title),
        }
        ". " em { (source.venue) } "."
    }
}

fn provenance(run: &Run) -> Markup {
    let directory = &run.experiment;
    html! {
        details.provenance {
            summary { "How it was run: seed " (run.seed) ", effort " (run.effort) ", " (duration(run.seconds)) }
            pre tabindex="0" { code { (run.command()) } }
            @if let Some(data) = &run.data {
                p { "Data: " code { (data.data.path.display()) } ", target " code { (data.data.target) } ", FNV-1a " code { (data.hash) } }
            }
            @if let Some(record) = run.record() {
                p {
                    "Files: " a href={ (directory) "/record.json" } { "record.json" }
                    @for figure in record.figures() {
                        ", " a href={ (directory) "/" (figure.name) ".svg" } { (figure.name) ".svg" }
                        ", " a href={ (directory) "/" (figure.name) ".csv" } { (figure.name) ".csv" }
                    }
                    @for table in record.tables() {
                        ", " a href={ (directory) "/" (table.name) ".csv" } { (table.name) ".csv" }
                    }
                }
            }
        }
    }
}
