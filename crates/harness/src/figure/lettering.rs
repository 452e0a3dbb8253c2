//! Type in figures: sizes, widths, and raised and lowered letters.

use crate::record::markup::{Span, spans};

/// How far letters are raised and lowered, in units of the drawing (tenths of a pixel).
const RAISE: i32 = 42;
const LOWER: i32 = 26;

/// Size of raised and lowered letters relative to the others.
const SMALLER: f64 = 0.74;

/// A size of type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Tick labels and notes.
    Small,
    /// Headings of axes and the legend.
    Normal,
    /// Titles of panels.
    Title,
}

impl Type {
    /// The size of the type in pixels.
    pub(super) fn size(self) -> f64 {
        match self {
            Self::Small => 12.0,
            Self::Normal => 12.5,
            Self::Title => 13.5,
        }
    }

    /// The width in pixels of a text with markup, for want of a font: that of a wide sans-serif face.
    pub(super) fn width(self, markup: &str) -> f64 {
        let em = |text: &str| text.chars().map(em).sum::<f64>();
        let width: f64 = spans(markup)
            .iter()
            .map(|span| match span {
                Span::Text(text)
                | Span::Emphasis(text)
                | Span::Code(text)
                | Span::Link { text, .. } => em(text),
                Span::Lowered(text) => SMALLER * em(text),
                Span::Raised(text) => SMALLER * em(text),
            })
            .sum();
        let bold = if self == Self::Title { 1.1 } else { 1.0 };
        width * bold * self.size()
    }
}

/// The width of a character relative to the size of the type.
fn em(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '·' | '\'' | '|' | '!' | ' ' => 0.32,
        'f' | 't' | 'r' | '(' | ')' | '/' | '-' | 'I' | '[' | ']' => 0.4,
        '\u{2009}' => 0.2,
        'm' | 'w' | 'M' | 'W' | '—' | '…' => 0.95,
        '−' | '+' | '=' | '<' | '>' | '≤' | '≥' | '½' => 0.84,
        'A'..='Z' => 0.72,
        _ => 0.63,
    }
}

/// The drawing with the markup of its texts as `tspan` elements.
pub(super) fn letter(drawing: &str) -> String {
    let mut lettered = String::with_capacity(drawing.len());
    let mut rest = drawing;
    while let Some(end) = rest
        .find("<text")
        .and_then(|at| rest[at..].find('>').map(|length| at + length + 1))
    {
        let close = rest[end..]
            .find("</text>")
            .map_or(rest.len(), |length| end + length);
        lettered.push_str(&rest[..end]);
        lettered.push_str(&elements(rest[end..close].trim()));
        rest = &rest[close..];
    }
    lettered.push_str(rest);
    lettered
}

/// The markup of a text, whose special characters are escaped already, as elements.
fn elements(escaped: &str) -> String {
    let mut elements = String::new();
    // What brings the text after a raised or lowered letter back to the line.
    let mut back = 0;
    let percent = 100.0 * SMALLER;
    for span in spans(escaped) {
        let (text, shift, style): (&str, i32, String) = match &span {
            Span::Text(text) | Span::Code(text) | Span::Link { text, .. } => {
                (text, 0, String::new())
            }
            Span::Emphasis(text) => (text, 0, " font-style=\"italic\"".to_owned()),
            Span::Lowered(text) => (text, LOWER, format!(" font-size=\"{percent}%\"")),
            Span::Raised(text) => (text, -RAISE, format!(" font-size=\"{percent}%\"")),
        };
        let dy = match shift + back {
            0 => String::new(),
            dy => format!(" dy=\"{dy}\""),
        };
        if dy.is_empty() && style.is_empty() {
            elements.push_str(text);
        } else {
            elements.push_str(&format!("<tspan{dy}{style}>{text}</tspan>"));
        }
        back = -shift;
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_back_to_the_line() {
        let drawing = "<g/><text x=\"1\">\nλ_{min}^{2} &lt; *a*\n</text><text>10⁻³</text>";
        let expected = "<g/><text x=\"1\">λ<tspan dy=\"26\" font-size=\"74%\">min</tspan>\
                        <tspan dy=\"-68\" font-size=\"74%\">2</tspan><tspan dy=\"42\"> &lt; </tspan>\
                        <tspan font-style=\"italic\">a</tspan></text>\
                        <text>10<tspan dy=\"-42\" font-size=\"74%\">−3</tspan></text>";
        assert_eq!(letter(drawing), expected);
    }

    #[test]
    fn markup_takes_no_room_of_its_own() {
        let width = |text: &str| Type::Normal.width(text);
        assert!(width("*n*") <= width("n"));
        assert!(width("n^{2}") < width("n2") && width("n^{2}") > width("n"));
        assert!(Type::Title.width("n") > width("n"));
    }
}
