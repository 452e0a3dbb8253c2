//! The inspection as a page.

use super::report::{Inspection, UnitSummary, Value};
use crate::output::Report;
use crate::page::{self, GOOD, NOTABLE, heading, line, number, remark, table};
use std::io::{self, Write};

/// Rows of a table.
const ROWS: usize = 12;

impl Report for Inspection {
    fn write(&self, page: &mut dyn Write) -> io::Result<()> {
        line(page, "network", &self.network.file)?;
        line(page, "architecture", &self.network)?;
        line(page, "likelihood", self.likelihood)?;
        line(
            page,
            "inputs",
            format!(
                "{} from {}",
                page::count(self.data.examples, "example", "examples"),
                self.data.source
            ),
        )?;
        self.degeneracy(page)?;
        self.units(page)?;
        self.metric(page)?;
        self.layers(page)
    }
}

impl Inspection {
    fn degeneracy(&self, page: &mut dyn Write) -> io::Result<()> {
        let found = &self.degeneracy;
        heading(
            page,
            "Null directions of the metric, from the weights alone",
        )?;
        let at_least = if found.complete { "" } else { "at least " };
        let count = page::count(found.nullity, "null direction", "null directions");
        if found.nullity == 0 && found.complete {
            writeln!(
                page,
                "{GOOD}none: the network cannot be made smaller without changing its function{GOOD:#}"
            )?;
        } else if found.nullity == 0 {
            writeln!(page, "none known, layer by layer")?;
        } else {
            writeln!(
                page,
                "{NOTABLE}{at_least}{count}{NOTABLE:#} of {} parameters",
                self.network.parameters
            )?;
        }
        let mut shown = 0;
        let mut kinds: Vec<&str> = Vec::new();
        let mut rows = Vec::new();
        for cause in &found.causes {
            if kinds.contains(&cause.cause) {
                continue;
            }
            kinds.push(cause.cause);
            let alike: Vec<_> = found
                .causes
                .iter()
                .filter(|c| c.cause == cause.cause)
                .collect();
            let few = if alike.len() > 6 { 3 } else { alike.len() };
            for cause in &alike[..few] {
                rows.push(vec![
                    cause.null_directions.to_string(),
                    cause.layer.to_string(),
                    cause.text.clone(),
                ]);
            }
            let rest = &alike[few..];
            if !rest.is_empty() {
                let directions: usize = rest.iter().map(|c| c.null_directions).sum();
                rows.push(vec![
                    directions.to_string(),
                    String::new(),
                    format!("likewise {} more", rest.len()),
                ]);
            }
            shown += 1;
        }
        if shown > 0 {
            table(page, &["directions", "layer", "cause"], &[2], rows)?;
        }
        remark(
            page,
            format!(
                "weights within {:e} of max(1, |w|) count as equal",
                found.tolerance
            ),
        )?;
        if let Some(unseen) = self.unseen.as_ref().filter(|u| u.null_directions > 0) {
            writeln!(
                page,
                "{NOTABLE}{} more on these data{NOTABLE:#}, which span {} of {} input dimensions",
                page::count(unseen.null_directions, "direction", "directions"),
                unseen.spanned,
                unseen.dimensions,
            )?;
        }
        Ok(())
    }

    fn units(&self, page: &mut dyn Write) -> io::Result<()> {
        let found = &self.degeneracy;
        if found.units.is_empty() {
            return Ok(());
        }
        heading(page, "Hidden units, nearest to a smaller network first")?;
        let nats = |unit: &UnitSummary| unit.nearest.as_ref().map_or(f64::INFINITY, |n| n.nats);
        let mut units: Vec<&UnitSummary> = found.units.iter().collect();
        units.sort_by(|a, b| {
            nats(a)
                .total_cmp(&nats(b))
                .then((a.layer, a.unit).cmp(&(b.layer, b.unit)))
        });
        let rows = units.iter().take(ROWS).map(|unit| {
            let mut row = vec![
                unit.layer.to_string(),
                unit.unit.to_string(),
                unit.null_directions.to_string(),
            ];
            match &unit.nearest {
                Some(near) => {
                    row.extend([number(near.nats), number(near.distance), near.text.clone()])
                }
                None => row.extend(["–".to_owned(), "–".to_owned(), String::new()]),
            }
            row
        });
        table(
            page,
            &[
                "layer",
                "unit",
                "null",
                "nats",
                "distance",
                "nearest critical subspace",
            ],
            &[5],
            rows,
        )?;
        if units.len() > ROWS {
            remark(
                page,
                format!("and {} more units; --json has all", units.len() - ROWS),
            )?;
        }
        if found.examples < self.data.examples {
            remark(
                page,
                format!(
                    "nats are means over {} of the examples, spread evenly",
                    found.examples
                ),
            )?;
        }
        Ok(())
    }

    fn metric(&self, page: &mut dyn Write) -> io::Result<()> {
        let metric = &self.metric;
        heading(page, "Fisher metric")?;
        let how = match metric.method {
            "dense" => "all eigenvalues of G",
            "sample_space" => "all positive eigenvalues, in sample space",
            "closed_form" => "all eigenvalues for standard normal inputs, in closed form",
            _ => "matrix-free: largest eigenvalues one by one, sums over all estimated",
        };
        line(page, "found", how)?;
        if metric.examples > 0 && metric.examples < self.data.examples {
            line(
                page,
                "examples used",
                format!(
                    "{} of {}, spread evenly",
                    metric.examples, self.data.examples
                ),
            )?;
        }
        match metric.rank {
            Some(rank) => {
                let gap = metric.gap.map_or(String::new(), |gap| {
                    format!(", the next one is {} times smaller", number(gap))
                });
                line(
                    page,
                    "rank",
                    format!(
                        "{rank} of {} above {:.1e} of the largest{gap}",
                        self.network.parameters, metric.rank_threshold
                    ),
                )?;
            }
            None => line(page, "rank", format!("at most {}", self.rank_bound()))?,
        }
        if let Some(verdict) = &metric.verdict {
            line(page, "theory", verdict)?;
        }
        if let Some(checked) = metric.checked.filter(|c| c.directions > 0) {
            line(
                page,
                "",
                format!(
                    "{} null directions checked, |G d| ≤ {:.1e} λ_max |d|",
                    checked.directions, checked.largest_residual
                ),
            )?;
        }
        if let (Some(largest), Some(smallest)) =
            (metric.eigenvalues.first(), metric.eigenvalues.last())
        {
            let range = if metric.rank.is_some() {
                format!("{} … {} nats", number(*smallest), number(*largest))
            } else {
                let list: Vec<String> = metric
                    .eigenvalues
                    .iter()
                    .take(5)
                    .map(|v| number(*v))
                    .collect();
                let residual = metric.residuals.iter().fold(0.0, |m: f64, r| m.max(*r));
                format!(
                    "{}, … nats (each within {})",
                    list.join(", "),
                    number(residual)
                )
            };
            line(page, "eigenvalues", range)?;
        }
        line(page, "trace", value(metric.trace))?;
        line(
            page,
            "effective dimension",
            format!(
                "{}{} at γ = {}",
                if metric.rank.is_some() {
                    ""
                } else {
                    "at most "
                },
                value(metric.effective_dimension),
                number(metric.gamma)
            ),
        )?;
        let above: Vec<String> = (metric.above.iter())
            .map(|above| {
                let error = if above.standard_error > 0.0 {
                    format!(" ± {:.0}", above.standard_error.ceil())
                } else {
                    String::new()
                };
                format!("{:.0}{error} above {:e}", above.count, above.fraction)
            })
            .collect();
        line(page, "of the largest", above.join(", "))?;
        if metric.products > 0 {
            remark(
                page,
                format!(
                    "{} products with the metric; ± is one standard error over random vectors",
                    metric.products
                ),
            )?;
        }
        if let Some(plot) = &self.plot {
            line(page, "picture", plot)?;
        }
        Ok(())
    }

    fn rank_bound(&self) -> usize {
        let unseen = self.unseen.as_ref().map_or(0, |u| u.null_directions);
        // the gauge is in the last layer alone, so it adds to what the inputs leave free in the first
        let known = self.degeneracy.nullity.max(
            unseen
                + if self.network.layers.len() > 1 {
                    self.degeneracy.gauge
                } else {
                    0
                },
        );
        self.metric
            .rank_at_most
            .min(self.network.parameters - known)
    }

    fn layers(&self, page: &mut dyn Write) -> io::Result<()> {
        if self.layers.len() < 2 {
            return Ok(());
        }
        heading(page, "Layer by layer")?;
        let rows = self.layers.iter().map(|layer| {
            let how = if layer.method == "exact" {
                "exact"
            } else {
                "EK-FAC"
            };
            vec![
                layer.layer.to_string(),
                layer.parameters.to_string(),
                number(layer.trace),
                number(layer.effective_dimension),
                how.to_owned(),
            ]
        });
        table(
            page,
            &["layer", "parameters", "trace", "effective dimension", ""],
            &[4],
            rows,
        )?;
        Ok(())
    }
}

fn value(value: Value) -> String {
    if value.standard_error > 0.0 {
        format!("{} ± {}", number(value.value), number(value.standard_error))
    } else {
        number(value.value)
    }
}
