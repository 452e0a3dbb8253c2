//! Inline markup as HTML.

use maud::{Markup, html};

use crate::record::markup::{Span, spans};

/// The text with its markup as HTML elements.
pub(super) fn inline(text: &str) -> Markup {
    html! {
        @for span in spans(text) {
            @match span {
                Span::Text(text) => (text),
                Span::Emphasis(text) => em { (text) },
                Span::Code(text) => code { (text) },
                Span::Lowered(text) => sub { (text) },
                Span::Raised(text) => sup { (text) },
                Span::Link { text, url } => a href=(url) { (text) },
            }
        }
    }
}
