//! The table of measurements that ends a run.

use std::io::{self, Write};

use neuromanifold_benches::Measurement;
use serde_json::Value;

/// Headings.
const HEAD: [&str; 8] = [
    "case",
    "metric",
    "value",
    "min",
    "n",
    "other",
    "of the rate",
    "check",
];
/// Columns that are read as words.
const WORDS: usize = 2;

/// Writes the measurements to standard output.
pub(crate) fn write(measurements: &[Measurement]) -> io::Result<()> {
    table(io::stdout().lock(), measurements)
}

fn table(mut out: impl Write, measurements: &[Measurement]) -> io::Result<()> {
    let rows: Vec<[String; 8]> = measurements.iter().map(row).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(HEAD[column].len())
        })
        .collect();
    let head = HEAD.map(str::to_owned);
    writeln!(out)?;
    for row in std::iter::once(&head).chain(&rows) {
        let cells = row.iter().zip(&widths).enumerate();
        let line: Vec<String> = cells
            .map(|(column, (cell, &width))| {
                if column < WORDS {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    let failures = measurements.iter().filter(|m| m.is_failure());
    for failure in failures {
        let message = failure.value.as_str().unwrap_or("unknown");
        writeln!(out, "{}: {message}", failure.case)?;
    }
    writeln!(
        out,
        "\nvalue: median of n runs; other: cores that other processes used meanwhile, trust the value where it is about 0;\n\
         of the rate: work of the plain algorithm (one triangle of JᵀHJ, …) at the rate of matrix products, or bytes at the rate\n\
         of reading memory, over the time taken, above 100 % where structure saves work or a cache serves it"
    )
}

fn row(measurement: &Measurement) -> [String; 8] {
    let number = |key: &str, digits: usize| match measurement.get(key).and_then(Value::as_f64) {
        Some(value) => shown(value, digits),
        None => "–".to_owned(),
    };
    let words = |key: &str| measurement.get(key).and_then(Value::as_str);
    let case = match words("optimizer") {
        Some(optimizer) => format!("{}/{optimizer}", measurement.case),
        None => measurement.case.clone(),
    };
    let value = match measurement.value.as_f64() {
        Some(value) => format!("{} {}", shown(value, 4), measurement.unit),
        None => "–".to_owned(),
    };
    let fraction = ["gemm_fraction", "read_fraction"]
        .into_iter()
        .find_map(|key| measurement.get(key)?.as_f64());
    let check = if let Some(reached) = words("reached") {
        format!("reached {reached}")
    } else if measurement.get("rel_err").is_some() {
        format!("error {}", number("rel_err", 2))
    } else if measurement.get("max_rel_to_top").is_some() {
        format!("error {}", number("max_rel_to_top", 2))
    } else if measurement.get("check").is_some() {
        format!("norm {}", number("check", 12))
    } else {
        "–".to_owned()
    };
    [
        case,
        measurement.metric.clone(),
        value.trim_end().to_owned(),
        number("min", 4),
        measurement.runs.to_string(),
        number("other_cpu", 2),
        fraction.map_or("–".to_owned(), |part| format!("{:.0} %", 100.0 * part)),
        check,
    ]
}

/// So many significant digits; a power of ten only far from one.
fn shown(value: f64, digits: usize) -> String {
    let size = value.abs();
    if size > 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{value:.*e}", digits - 1);
    }
    let before = if size >= 1.0 {
        size.log10().floor() as usize + 1
    } else {
        1
    };
    format!("{value:.*}", digits.saturating_sub(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_a_measurement_and_says_what_failed() {
        let good = Measurement::new("P1_deep", "time", 123.4567, "ms", 7, 2)
            .with("min", 120.0)
            .with("gemm_fraction", 1.25)
            .with("rel_err", 3.2e-16);
        let mut bad = Measurement::new("P6", "error", f64::NAN, "", 0, 2);
        bad.value = Value::from("no pivot");
        let mut out = Vec::new();
        table(&mut out, &[good, bad]).expect("a vector takes anything");
        let text = String::from_utf8(out).expect("text");
        let line = text
            .lines()
            .find(|line| line.starts_with("P1_deep"))
            .expect("a line");
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            cells,
            [
                "P1_deep", "time", "123.5", "ms", "120.0", "7", "–", "125", "%", "error", "3.2e-16"
            ]
        );
        assert!(text.contains("P6: no pivot"));
    }
}
