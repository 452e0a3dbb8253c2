//! Colours by what they are for, in a light and a dark setting.
//!
//! Drawings are made in the light colours, each of which belongs to one ink alone. [`dress`] then finds the inks again and
//! names them as classes, so that a style sheet can set the same drawing in dark colours; a viewer without style sheets
//! shows the light ones.
//!
//! # References
//! M. Okabe, K. Ito, "Color Universal Design: how to make figures and presentations that are friendly to colorblind
//! people" (2008): the palette of the series, darkened or lightened here to be seen on either ground.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Ink {
    /// Titles, headings of axes, the legend.
    Text,
    /// Labels of ticks.
    Muted,
    /// Words within a plot, set off from what lies below them.
    Note,
    /// Lines across a plot at ticks.
    Grid,
    /// The edge of a plot, and ticks.
    Edge,
    /// Reference lines and what theory predicts.
    Guide,
    /// What a figure is printed on: sets lines off from a map below them.
    Paper,
    /// The series in a place of the palette.
    Series(usize),
    /// A step of the colour scale of maps, the same in both settings.
    Step(usize),
}

/// Blue, vermilion, green, purple, amber, slate, brown.
const SERIES: [(Rgb, Rgb); 7] = [
    ([0x00, 0x6a, 0xb0], [0x5e, 0xb4, 0xf0]),
    ([0xcc, 0x52, 0x00], [0xff, 0x8f, 0x55]),
    ([0x00, 0x87, 0x62], [0x35, 0xc9, 0x9a]),
    ([0xa8, 0x44, 0x7f], [0xe8, 0x9b, 0xc8]),
    ([0xa9, 0x75, 0x00], [0xec, 0xbd, 0x3f]),
    ([0x55, 0x5c, 0x78], [0xb3, 0xba, 0xd6]),
    ([0x7a, 0x4a, 0x30], [0xd0, 0xa8, 0x90]),
];

/// Dashes of the series in units of the drawing: solid first.
const DASHES: [&str; 7] = [
    "",
    "70 35",
    "22 28",
    "90 30 22 30",
    "45 25",
    "120 40",
    "22 28 70 28",
];

/// Steps of the colour scale of maps.
pub(super) const STEPS: usize = 48;

/// How many places the palette has before it begins again.
pub(super) const PLACES: usize = SERIES.len();

impl Ink {
    pub(super) fn light(self) -> Rgb {
        match self {
            Self::Text => [0x1d, 0x20, 0x26],
            Self::Muted => [0x5a, 0x60, 0x6b],
            Self::Note => [0x4b, 0x51, 0x5c],
            Self::Grid => [0xe4, 0xe6, 0xea],
            Self::Edge => [0xa6, 0xab, 0xb4],
            Self::Guide => [0x7d, 0x83, 0x8e],
            Self::Paper => [0xff, 0xff, 0xff],
            Self::Series(place) => SERIES[place % PLACES].0,
            Self::Step(step) => ramp(step),
        }
    }

    pub(super) fn dark(self) -> Rgb {
        match self {
            Self::Text => [0xe8, 0xe9, 0xec],
            Self::Muted => [0xa3, 0xa8, 0xb2],
            Self::Note => [0xc3, 0xc7, 0xcf],
            Self::Grid => [0x2c, 0x30, 0x38],
            Self::Edge => [0x62, 0x68, 0x74],
            Self::Guide => [0x8d, 0x94, 0xa1],
            Self::Paper => [0x14, 0x16, 0x1a],
            Self::Series(place) => SERIES[place % PLACES].1,
            Self::Step(step) => ramp(step),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Muted => "muted".to_owned(),
            Self::Note => "note".to_owned(),
            Self::Grid => "grid".to_owned(),
            Self::Edge => "edge".to_owned(),
            Self::Guide => "guide".to_owned(),
            Self::Paper => "paper".to_owned(),
            Self::Series(place) => format!("series-{}", place % PLACES),
            Self::Step(step) => format!("step-{step}"),
        }
    }

    /// All inks whose colour depends on the setting.
    fn all() -> impl Iterator<Item = Self> {
        let named = [
            Self::Text,
            Self::Muted,
            Self::Note,
            Self::Grid,
            Self::Edge,
            Self::Guide,
            Self::Paper,
        ];
        named.into_iter().chain((0..PLACES).map(Self::Series))
    }

    fn dashes(self) -> &'static str {
        match self {
            Self::Series(place) => DASHES[place % PLACES],
            Self::Guide => "40 30",
            _ => "",
        }
    }
}

/// The colour scale of maps: even in lightness from dark blue to light yellow, so that it reads without hue, and on
/// either ground. Its fixed points are those of viridis (S. van der Walt, N. Smith, 2015).
fn ramp(step: usize) -> Rgb {
    const POINTS: [Rgb; 9] = [
        [0x44, 0x01, 0x54],
        [0x47, 0x2d, 0x7b],
        [0x3b, 0x52, 0x8b],
        [0x2c, 0x72, 0x8e],
        [0x21, 0x91, 0x8c],
        [0x28, 0xae, 0x80],
        [0x5e, 0xc9, 0x62],
        [0xad, 0xdc, 0x30],
        [0xfd, 0xe7, 0x25],
    ];
    let place = step.min(STEPS - 1) as f64 / (STEPS - 1) as f64 * (POINTS.len() - 1) as f64;
    let below = (place.floor() as usize).min(POINTS.len() - 2);
    let part = place - below as f64;
    std::array::from_fn(|channel| {
        let [from, to] = [POINTS[below][channel], POINTS[below + 1][channel]].map(f64::from);
        (from + part * (to - from)).round() as u8
    })
}

fn hex(colour: Rgb) -> String {
    let [red, green, blue] = colour;
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The drawing with a class beside each colour that depends on the setting, dashes on the lines of series, and hard edges
/// between the cells of maps.
pub(super) fn dress(drawing: &str) -> String {
    let mut dresses = HashMap::new();
    for ink in Ink::all() {
        let (colour, name) = (hex(ink.light()), ink.name());
        let dashes = match ink.dashes() {
            "" => String::new(),
            dashes => format!(" stroke-dasharray=\"{dashes}\""),
        };
        dresses.insert(
            format!("stroke=\"{colour}\""),
            format!(" class=\"s-{name}\"{dashes}"),
        );
        dresses.insert(format!("fill=\"{colour}\""), format!(" class=\"f-{name}\""));
    }
    for step in 0..STEPS {
        let attribute = format!("fill=\"{}\"", hex(ramp(step)));
        dresses.insert(attribute, " shape-rendering=\"crispEdges\"".to_owned());
    }
    let mut dressed = String::with_capacity(drawing.len() + drawing.len() / 4);
    let mut rest = drawing;
    while let Some(at) = rest.find("=\"#") {
        let begin = rest[..at].rfind(' ').map_or(0, |space| space + 1);
        let end = rest[at + 2..]
            .find('"')
            .map_or(rest.len(), |length| at + 2 + length + 1);
        dressed.push_str(&rest[..end]);
        if let Some(dress) = dresses.get(&rest[begin..end]) {
            dressed.push_str(dress);
        }
        rest = &rest[end..];
    }
    dressed.push_str(rest);
    dressed
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
}

/// The style sheet of dressed drawings: inks for both settings as variables, and the classes that use them. The variables are
/// `--ink-…`, so that they meet no others.
pub(super) fn style_sheet() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut classes = String::new();
    for ink in Ink::all() {
        let name = ink.name();
        for (text, colour) in [(&mut light, ink.light()), (&mut dark, ink.dark())] {
            let _ = write!(text, "--ink-{name}:{};", hex(colour));
        }
        let _ = write!(
            classes,
            ".figure .f-{name}{{fill:var(--ink-{name})}}.figure .s-{name}{{stroke:var(--ink-{name})}}"
        );
    }
    format!(
        ".figure{{{light}}}@media(prefers-color-scheme:dark){{.figure{{{dark}}}}}{classes}\
         .figure text{{font-family:var(--sans,system-ui,sans-serif);font-variant-numeric:tabular-nums}}\
         .figure .f-note{{paint-order:stroke;stroke:var(--ink-paper);stroke-width:36;stroke-linejoin:round}}\
         .figure polyline{{stroke-linejoin:round;stroke-linecap:butt}}"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// WCAG 2: contrast of two colours, from 1 to 21.
    fn contrast(one: Rgb, other: Rgb) -> f64 {
        let luminance = |colour: Rgb| {
            let [red, green, blue] = colour.map(|channel| {
                let value = f64::from(channel) / 255.0;
                if value <= 0.040_45 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn inks_can_be_told_from_the_ground() {
        let (white, black) = ([0xff; 3], [0x14, 0x16, 0x1a]);
        for place in 0..PLACES {
            let ink = Ink::Series(place);
            assert!(
                contrast(ink.light(), white) >= 4.0,
                "{ink:?} {}",
                contrast(ink.light(), white)
            );
            assert!(
                contrast(ink.dark(), black) >= 7.0,
                "{ink:?} {}",
                contrast(ink.dark(), black)
            );
        }
        for ink in [Ink::Text, Ink::Muted, Ink::Note] {
            assert!(
                contrast(ink.light(), white) >= 4.5 && contrast(ink.dark(), black) >= 4.5,
                "{ink:?}"
            );
        }
    }

    #[test]
    fn no_two_inks_share_a_colour() {
        let inks: Vec<_> = Ink::all().chain((0..STEPS).map(Ink::Step)).collect();
        let colours: HashSet<_> = inks.iter().map(|ink| ink.light()).collect();
        assert_eq!(colours.len(), inks.len());
        assert_eq!(DASHES.iter().collect::<HashSet<_>>().len(), PLACES);
    }

    #[test]
    fn dressing_names_inks_and_leaves_the_rest() {
        let blue = hex(Ink::Series(1).light());
        let drawing = format!(
            "<g><path fill=\"none\" opacity=\"1\" stroke=\"{blue}\" d=\"\"/><text fill=\"#123456\">=\"#</text></g>"
        );
        let dressed = dress(&drawing);
        assert!(
            dressed.contains(&format!(
                "stroke=\"{blue}\" class=\"s-series-1\" stroke-dasharray="
            )),
            "{dressed}"
        );
        assert!(
            dressed.ends_with("<text fill=\"#123456\">=\"#</text></g>"),
            "{dressed}"
        );
    }
}
