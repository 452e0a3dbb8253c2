//! Figures as SVG: inline for a page, which brings the style sheet, or as a file that carries its own.

use super::Figure;
use super::canvas::drawing;
use super::ink::style_sheet;
use super::layout::cells;
use super::legend::Legend;
use super::plot::{Limits, draw};
use crate::record::markup::plain;

/// Which width a figure is set for. Type has one size in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// A desktop: 720 pixels, panels side by side.
    Wide,
    /// A phone: 350 pixels, panels below one another.
    Narrow,
}

impl Setting {
    /// The width in pixels.
    #[must_use]
    pub fn width(self) -> f64 {
        match self {
            Self::Wide => 720.0,
            Self::Narrow => 350.0,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "figure wide",
            Self::Narrow => "figure narrow",
        }
    }
}

/// The figure as an `svg` element of a page with the rules of [`inline_style`].
#[must_use]
pub fn inline(figure: &Figure, setting: Setting) -> String {
    let (elements, view_box, _) = elements(figure, setting);
    let class = setting.class();
    let label = escaped(&plain(&figure.caption));
    format!(
        "<svg class=\"{class}\" viewBox=\"{view_box}\" role=\"img\" aria-label=\"{label}\">\n{elements}\n</svg>"
    )
}

/// The rules that figures need in a page, light and dark. The page may set `--sans` to its sans-serif faces.
#[must_use]
pub fn inline_style() -> String {
    style_sheet()
}

/// The figure as a file: light or dark as the reader prefers, light where style sheets are not understood.
///
/// ```
/// use neuromanifold_harness::{Axis, Figure, Series, figure};
///
/// let plot = Figure::new("line", "A line.", Axis::linear("x"), Axis::linear("y")).with(Series::line("", [0.0, 1.0], [0.0, 1.0]));
/// assert!(figure::standalone(&plot).starts_with("<svg xmlns="));
/// ```
#[must_use]
pub fn standalone(figure: &Figure) -> String {
    const MARGIN: f64 = 16.0;
    let (elements, _, height) = elements(figure, Setting::Wide);
    let (width, height) = (Setting::Wide.width() + 2.0 * MARGIN, height + 2.0 * MARGIN);
    let label = escaped(&plain(&figure.caption));
    let style = style_sheet();
    let view_box = format!(
        "{} {} {} {}",
        -10.0 * MARGIN,
        -10.0 * MARGIN,
        10.0 * width,
        10.0 * height
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"{view_box}\" role=\"img\" aria-label=\"{label}\">\n<title>{label}</title>\n\
         <style>{style}</style>\n\
         <rect class=\"f-paper\" fill=\"#FFFFFF\" x=\"{x}\" y=\"{x}\" width=\"100%\" height=\"100%\"/>\n{elements}\n</svg>\n",
        x = -10.0 * MARGIN,
    )
}

/// The elements of the figure, their view box, and the height in pixels.
fn elements(figure: &Figure, setting: Setting) -> (String, String, f64) {
    let legend = Legend::of(figure);
    let (cells, height) = cells(figure, setting, legend.height(setting.width()));
    let limits = Limits::shared(figure);
    let (elements, view_box) = drawing(setting.width(), height, |canvas| {
        legend.draw(canvas, setting.width());
        for (panel, cell) in figure.panels.iter().zip(cells) {
            draw(canvas, panel, cell, &legend, limits);
        }
    });
    (elements, view_box, height)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
