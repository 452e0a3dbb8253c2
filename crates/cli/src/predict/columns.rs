use super::bars::Bar;
use crate::law::LawName;
use crate::output::Report;
use crate::train::TrainFailure;
use crate::train::saved::{CLASSES, TARGETS, read_list};
use neuromanifold_geometry::faer::MatRef;
use neuromanifold_io::Network;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

/// Predictions, one row an example.
#[derive(Debug, Serialize)]
pub(super) struct Columns {
    columns: Vec<String>,
    /// Numbers; of a class its place in `classes`.
    rows: Vec<Vec<f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
}

impl Columns {
    /// Real outputs, with error bars if there are some.
    pub(super) fn of_numbers(
        network: &Network,
        path: &Path,
        outputs: MatRef<'_, f64>,
        bars: Option<&[Bar]>,
    ) -> Result<Self, TrainFailure> {
        let count = outputs.nrows();
        let names: Vec<String> = read_list(network, path, TARGETS, count)?
            .unwrap_or_else(|| (0..count).map(|k| format!("output_{k}")).collect());
        let columns = names.iter().flat_map(|name| {
            let more = ["_error", "_low", "_high"].map(|end| format!("{name}{end}"));
            let more = if bars.is_some() {
                more.to_vec()
            } else {
                Vec::new()
            };
            std::iter::once(name.clone()).chain(more)
        });
        let rows = (outputs.col_iter().enumerate()).map(|(s, z)| {
            let row = z.iter().enumerate().flat_map(|(k, z)| {
                let bar = bars.map(|bars| bars[s * count + k]);
                let more = bar.map(|bar| [bar.deviation, z - bar.reach, z + bar.reach]);
                std::iter::once(*z).chain(more.into_iter().flatten())
            });
            row.collect()
        });
        Ok(Self {
            columns: columns.collect(),
            rows: rows.collect(),
            classes: Vec::new(),
        })
    }

    /// The likeliest class and the probabilities of all.
    pub(super) fn of_classes(
        network: &Network,
        path: &Path,
        law: LawName,
        outputs: MatRef<'_, f64>,
    ) -> Result<Self, TrainFailure> {
        let count = match law {
            LawName::Bernoulli => 2,
            _ => outputs.nrows(),
        };
        let classes: Vec<String> = read_list(network, path, CLASSES, count)?
            .unwrap_or_else(|| (0..count).map(|k| k.to_string()).collect());
        let columns = std::iter::once("class".to_owned())
            .chain(classes.iter().map(|class| format!("p_{class}")));
        let rows = outputs.col_iter().map(|z| {
            let logits: Vec<f64> = match law {
                LawName::Bernoulli => vec![0.0, z[0]],
                _ => z.iter().copied().collect(),
            };
            let p = softmax(&logits);
            let likeliest = p.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let class = likeliest.map_or(0, |(index, _)| index) as f64;
            std::iter::once(class).chain(p).collect()
        });
        Ok(Self {
            columns: columns.collect(),
            rows: rows.collect(),
            classes,
        })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// All numbers, row after row.
    pub(super) fn numbers(&self) -> Vec<f64> {
        self.rows.concat()
    }

    /// A table with a header; numbers in the shortest form that reads back to the same bits.
    pub(super) fn csv(&self) -> String {
        let header: Vec<String> = self.columns.iter().map(|name| quoted(name)).collect();
        let mut text = header.join(",") + "\n";
        for row in &self.rows {
            for (column, value) in row.iter().enumerate() {
                if column > 0 {
                    text.push(',');
                }
                let class = self.classes.get(*value as usize).filter(|_| column == 0);
                // Into a string: that does not fail.
                let _ = match class {
                    Some(class) => write!(text, "{}", quoted(class)),
                    None => write!(text, "{value}"),
                };
            }
            text.push('\n');
        }
        text
    }
}

impl Report for Columns {
    fn write(&self, page: &mut dyn Write) -> io::Result<()> {
        page.write_all(self.csv().as_bytes())
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|z| (z - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
