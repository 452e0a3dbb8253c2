//! The head of the report: what it is, how many claims hold, and which do not.

use maud::{Markup, html};

use super::span::inline;
use super::tabular::{mark, verdict};
use crate::Claim;
use crate::experiment::{Outcome, Run};
use crate::record::number::duration;

pub(super) fn overview(runs: &[Run]) -> Markup {
    let claims: Vec<_> = runs.iter().map(|run| (run, run.claims())).collect();
    let all: usize = claims.iter().map(|(_, claims)| claims.len()).sum();
    let fails = |claim: &&Claim| !claim.holds;
    let failing: Vec<(&Run, &Claim)> = claims
        .iter()
        .flat_map(|(run, claims)| claims.iter().filter(fails).map(move |claim| (*run, claim)))
        .collect();
    html! {
        header #overview {
            p.kicker { "neuromanifold " (env!("CARGO_PKG_VERSION")) }
            h1 { "The information geometry of neural networks, measured" }
            p.lead {
                "Each experiment below puts a claim of the theory beside a measurement: what was predicted, what was found, "
                "how far apart the two may be, and whether the claim holds. Claims that fail are shown as failed."
            }
            p.score {
                strong class=(if failing.is_empty() { "holds" } else { "fails" }) { (all - failing.len()) }
                span {
                    " of " (all) " claims hold"
                    @if !failing.is_empty() { ", " b.fails { (failing.len()) @if failing.len() == 1 { " fails" } @else { " fail" } } }
                }
            }
            (table(runs))
            @if !failing.is_empty() {
                h2.small { "What fails" }
                ul.failing {
                    @for (run, claim) in failing {
                        li {
                            (mark(false)) " " a href={ "#" (run.experiment) } { (run.experiment) } ": "
                            @match &run.outcome {
                                Outcome::Complete(_) => {
                                    (inline(&claim.statement)) "; predicted " (inline(&claim.predicted.to_string()))
                                    ", measured " (inline(&claim.measured.to_string()))
                                }
                                Outcome::Failed { error } => (error),
                                Outcome::Interrupted => "interrupted",
                            }
                        }
                    }
                }
            }
        }
    }
}

fn table(runs: &[Run]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table.runs {
                thead { tr { th { "Experiment" } th { "claims" } th { "verdict" } th.number { "time" } } }
                tbody {
                    @for run in runs {
                        tr {
                            td { a href={ "#" (run.experiment) } { (run.title) } }
                            td.strip {
                                @for claim in run.claims().iter() { (dot(claim)) }
                                span.count { (counted(run)) }
                            }
                            td { (verdict(run.holds())) }
                            td.number { (duration(run.seconds)) }
                        }
                    }
                }
            }
        }
    }
}

fn dot(claim: &Claim) -> Markup {
    let class = if claim.holds {
        "dot holds"
    } else {
        "dot fails"
    };
    html! { span class=(class) title=(crate::record::markup::plain(&claim.statement)) {} }
}

fn counted(run: &Run) -> String {
    match &run.outcome {
        Outcome::Complete(record) => {
            let holding = record.claims.iter().filter(|claim| claim.holds).count();
            format!("{holding} of {}", record.claims.len())
        }
        Outcome::Failed { .. } => "stopped".to_owned(),
        Outcome::Interrupted => "interrupted".to_owned(),
    }
}
