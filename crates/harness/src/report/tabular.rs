//! Tables of claims and of numbers.

use maud::{Markup, html};

use super::span::inline;
use crate::{Claim, Table};

/// The sign of a verdict, for those who see it.
pub(super) fn mark(holds: bool) -> Markup {
    let (class, sign) = if holds {
        ("mark holds", "✓")
    } else {
        ("mark fails", "✗")
    };
    html! { span class=(class) aria-hidden="true" { (sign) } }
}

/// Sign and word of a verdict.
pub(super) fn verdict(holds: bool) -> Markup {
    let (class, word) = if holds {
        ("verdict holds", "✓ holds")
    } else {
        ("verdict fails", "✗ fails")
    };
    html! { span class=(class) { (word) } }
}

/// What is claimed, predicted and measured, with the verdict. On narrow screens each claim is a block of its own.
pub(super) fn claims(claims: &[Claim]) -> Markup {
    html! {
        table.claims {
            thead {
                tr { th { "Claim" } th.number { "predicted" } th.number { "measured" } th.number { "tolerance" } th { "verdict" } }
            }
            tbody {
                @for claim in claims {
                    tr {
                        td.statement { (inline(&claim.statement)) }
                        (value("predicted", &claim.predicted.to_string()))
                        (value("measured", &claim.measured.to_string()))
                        (value("tolerance", &claim.tolerance_shown()))
                        td.judgement { (verdict(claim.holds)) }
                    }
                }
            }
        }
    }
}

fn value(label: &str, shown: &str) -> Markup {
    html! { td.number data-label=(label) { (inline(shown)) } }
}

/// A table of numbers with its caption, which scrolls within its own box where it is too wide.
pub(super) fn numbers(number: &str, table: &Table) -> Markup {
    html! {
        figure.numbers {
            figcaption { b { "Table " (number) } " " (inline(&table.caption)) }
            div.scroll tabindex="0" {
                table {
                    thead {
                        tr {
                            @for column in &table.columns {
                                th class=(if column.words { "words" } else { "number" }) { (inline(&column.heading())) }
                            }
                        }
                    }
                    tbody {
                        @for row in &table.rows {
                            tr {
                                @for (cell, column) in row.iter().zip(&table.columns) {
                                    td class=(if column.words { "words" } else { "number" }) {
                                        (inline(&cell.display(column.digits)))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
