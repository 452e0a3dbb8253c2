//! The inline markup of claims, prose, captions and labels.
//!
//! Mathematics is Unicode (θ, λ, ½dθᵀGdθ); where Unicode ends, `x_{sub}` and `x^{sup}` lower and raise. `*emphasis*`,
//! `` `code` `` and `[text](https://…)` are as in Markdown. Nothing nests, and what does not match stands for itself.
//! Raised digits of Unicode (10⁻³) are the same as `10^{−3}`, since few faces have all of them in one size.

use std::borrow::Cow;

use super::number::{lowered, subscript, superscript};

/// A run of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span<'a> {
    /// Ordinary text.
    Text(&'a str),
    /// `*emphasis*`.
    Emphasis(&'a str),
    /// `` `code` ``.
    Code(&'a str),
    /// `_{lowered}`.
    Lowered(&'a str),
    /// `^{raised}`, or raised digits of Unicode brought down.
    Raised(Cow<'a, str>),
    /// `[text](https://…)`.
    Link {
        /// What is shown.
        text: &'a str,
        /// Where it leads; begins with `https://`.
        url: &'a str,
    },
}

/// Cuts the text into spans.
///
/// ```
/// use neuromanifold_harness::record::markup::{Span, spans};
///
/// assert_eq!(spans("λ_{min} * 2"), [Span::Text("λ"), Span::Lowered("min"), Span::Text(" * 2")]);
/// ```
#[must_use]
pub fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let (mut start, mut position) = (0, 0);
    while position < text.len() {
        if let Some((span, length)) = special(&text[position..]) {
            if start < position {
                spans.push(Span::Text(&text[start..position]));
            }
            spans.push(span);
            position += length;
            start = position;
        } else {
            position += text[position..].chars().next().map_or(1, char::len_utf8);
        }
    }
    if start < text.len() {
        spans.push(Span::Text(&text[start..]));
    }
    spans
}

/// The text without markup: lowered and raised runs as Unicode where it has them, as `_{…}` and `^{…}` without braces
/// elsewhere. For terminals and for figures.
///
/// ```
/// use neuromanifold_harness::record::markup::plain;
///
/// assert_eq!(plain("*the* error of λ_{min}^{2}"), "the error of λ_min²");
/// ```
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for span in spans(text) {
        match span {
            Span::Text(text)
            | Span::Emphasis(text)
            | Span::Code(text)
            | Span::Link { text, .. } => plain.push_str(text),
            Span::Lowered(text) => shift(&mut plain, text, '_', subscript),
            Span::Raised(text) => shift(&mut plain, &text, '^', superscript),
        }
    }
    plain
}

fn shift(plain: &mut String, text: &str, sign: char, form: impl Fn(char) -> Option<char>) {
    if let Some(shifted) = text.chars().map(form).collect::<Option<String>>() {
        plain.push_str(&shifted);
    } else {
        plain.push(sign);
        plain.push_str(text);
    }
}

/// The markup that the text begins with, if it begins with any, and its length in bytes.
fn special(text: &str) -> Option<(Span<'_>, usize)> {
    let between = |open: &str, close: &str| {
        let inside = text.strip_prefix(open)?;
        let length = inside.find(close)?;
        (length > 0).then(|| (&inside[..length], open.len() + length + close.len()))
    };
    if text.starts_with(|character| lowered(character).is_some()) {
        let length = text
            .find(|character| lowered(character).is_none())
            .unwrap_or(text.len());
        let digits: String = text[..length].chars().filter_map(lowered).collect();
        return Some((Span::Raised(digits.into()), length));
    }
    match text.as_bytes().first()? {
        b'_' => between("_{", "}").map(|(inside, length)| (Span::Lowered(inside), length)),
        b'^' => between("^{", "}").map(|(inside, length)| (Span::Raised(inside.into()), length)),
        b'`' => between("`", "`").map(|(inside, length)| (Span::Code(inside), length)),
        b'*' => between("*", "*")
            .filter(|(inside, _)| {
                !inside.starts_with(char::is_whitespace) && !inside.ends_with(char::is_whitespace)
            })
            .map(|(inside, length)| (Span::Emphasis(inside), length)),
        b'[' => {
            let (words, length) = between("[", "](")?;
            let (url, _) = text[length..].split_once(')')?;
            let known = url.starts_with("https://") && !words.contains('[');
            known.then(|| (Span::Link { text: words, url }, length + url.len() + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_span() {
        let text = "see *G* in `geometry`, x_{t}^{−1}, [Amari](https://doi.org/10.1)!";
        let expected = [
            Span::Text("see "),
            Span::Emphasis("G"),
            Span::Text(" in "),
            Span::Code("geometry"),
            Span::Text(", x"),
            Span::Lowered("t"),
            Span::Raised("−1".into()),
            Span::Text(", "),
            Span::Link {
                text: "Amari",
                url: "https://doi.org/10.1",
            },
            Span::Text("!"),
        ];
        assert_eq!(spans(text), expected);
        assert_eq!(plain(text), "see G in geometry, xₜ⁻¹, Amari!");
        assert_eq!(
            spans("10⁻³ m"),
            [
                Span::Text("10"),
                Span::Raised("−3".into()),
                Span::Text(" m")
            ]
        );
        assert_eq!(plain("10⁻³ m"), "10⁻³ m");
    }

    #[test]
    fn unmatched_marks_stand_for_themselves() {
        for text in [
            "a * b * c",
            "x_y",
            "x^2",
            "``",
            "[a](file:///etc)",
            "[0, 1]",
            "_{",
            "θ_{",
            "**",
            "*",
        ] {
            assert_eq!(spans(text), [Span::Text(text)], "{text}");
            assert_eq!(plain(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[-*_^`{}\\[\\]()a-cθ ]{0,24}") {
            let _ = plain(&text);
        }
    }
}
