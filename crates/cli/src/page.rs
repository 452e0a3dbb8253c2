//! How a page for people looks: headings, labelled lines, tables, numbers.

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, Table, presets};
use std::fmt::Display;
use std::io::{self, Write};

/// Of headings.
const BOLD: Style = Style::new().bold();
/// Of labels and asides.
const DIM: Style = Style::new().dimmed();
/// Of what is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Of what asks for attention.
pub(crate) const NOTABLE: Style = AnsiColor::Yellow.on_default();

/// A heading with an empty line before it.
pub(crate) fn heading(page: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(page, "\n{BOLD}{text}{BOLD:#}")
}

/// A label and what it is.
pub(crate) fn line(page: &mut dyn Write, label: &str, value: impl Display) -> io::Result<()> {
    writeln!(page, "{DIM}{label:<22}{DIM:#} {value}")
}

/// A remark.
pub(crate) fn remark(page: &mut dyn Write, text: impl Display) -> io::Result<()> {
    writeln!(page, "{DIM}{text}{DIM:#}")
}

/// A table without lines; all columns but those named are numbers and stand to the right.
pub(crate) fn table(
    page: &mut dyn Write,
    header: &[&str],
    words: &[usize],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let cell = |column: usize, text: String| {
        let alignment = if words.contains(&column) {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        };
        Cell::new(text).set_alignment(alignment)
    };
    table.set_header(
        (header.iter().enumerate()).map(|(c, name)| cell(c, format!("{DIM}{name}{DIM:#}"))),
    );
    for row in rows {
        table.add_row(row.into_iter().enumerate().map(|(c, text)| cell(c, text)));
    }
    for text in table.lines() {
        writeln!(page, "{}", text.trim_end())?;
    }
    Ok(())
}

/// Three significant digits: plain where that is short, else as a power of ten; `0` for zero.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return format!("{value}");
    }
    if size <= 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e5).contains(&size) {
        return format!("{value:.2e}");
    }
    let digits = (2 - size.log10().floor() as i32).clamp(0, 6);
    format!("{value:.*}", digits as usize)
}

/// A count, with a singular and a plural.
pub(crate) fn count(count: usize, one: &str, more: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {more}")
    }
}

/// `units 0, 1 and 2`, or the first and how many more.
pub(crate) fn units(units: &[usize]) -> String {
    const SHOWN: usize = 8;
    let names: Vec<String> = units.iter().take(SHOWN).map(usize::to_string).collect();
    match units.len() {
        1 => format!("unit {}", names[0]),
        n if n > SHOWN => format!("units {} and {} more", names.join(", "), n - SHOWN),
        _ => format!("units {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1.00"),
            (12.345, "12.3"),
            (-999.6, "-1000"),
            (0.00123456, "0.00123"),
            (1e-5, "1.00e-5"),
            (123456.0, "1.23e5"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
