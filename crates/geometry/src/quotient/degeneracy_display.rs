use super::degeneracy::UnitDegeneracy;
use super::{Cause, Degeneracy};
use std::fmt;

/// Causes of one kind beyond this many are told together.
const CAUSES: usize = 6;

/// Rows of the table of units.
const ROWS: usize = 12;

impl fmt::Display for Degeneracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = &self.numerical;
        writeln!(
            f,
            "{} parameters, {} hidden layer: rank {} and nullity {} by theory ({})",
            self.parameters,
            self.activation,
            self.analytic.rank(),
            self.analytic.nullity(),
            self.tolerance,
        )?;
        writeln!(
            f,
            "numerically rank {} and nullity {} (threshold {}), gap {:.1e}, eigenvalues {:.3e} … {:.3e} nats",
            n.rank, n.nullity, self.rank_tolerance, n.gap, n.smallest, n.largest
        )?;
        if n.threshold < n.resolution {
            writeln!(f, "the threshold is below rounding, {:.1e}", n.resolution)?;
        }
        let (checked, all) = (n.checked, self.analytic.nullity());
        if all > 0 {
            let which = if checked == all { "all" } else { "a sample" };
            writeln!(
                f,
                "{which} of the analytic directions checked, |G d| ≤ {:.1e} λ_max |d|",
                n.analytic_residual
            )?;
        }
        match self.analytic.rounded() {
            moved if moved > 0.0 => writeln!(f, "the tolerance was used, for up to {moved:.1e}")?,
            _ => writeln!(f, "the tolerance was not needed")?,
        }
        for line in cause_by_cause(&self.causes) {
            writeln!(f, "  {line}")?;
        }
        unit_by_unit(self, f)?;
        write!(f, "{}", self.verdict)
    }
}

fn cause_by_cause(causes: &[(Cause, usize)]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told: Vec<std::mem::Discriminant<Cause>> = Vec::new();
    let line = |directions: usize, what: String| {
        let plural = if directions == 1 { "" } else { "s" };
        format!("{directions:>5} null direction{plural}: {what}")
    };
    for (cause, _) in causes {
        let kind = std::mem::discriminant(cause);
        if told.contains(&kind) {
            continue;
        }
        told.push(kind);
        let alike = || {
            causes
                .iter()
                .filter(|(c, _)| std::mem::discriminant(c) == kind)
        };
        let count = alike().count();
        let shown = if count > CAUSES { CAUSES - 1 } else { count };
        lines.extend(
            alike()
                .take(shown)
                .map(|(cause, own)| line(*own, cause.to_string())),
        );
        if count > shown {
            let directions = alike().skip(shown).map(|(_, own)| own).sum();
            let mut units: Vec<usize> = (alike().skip(shown))
                .flat_map(|(cause, _)| cause.units().iter().copied())
                .collect();
            units.sort_unstable();
            units.dedup();
            let units = Cause::listed(&units);
            lines.push(line(
                directions,
                format!("likewise {} more, {units}", count - shown),
            ));
        }
    }
    lines
}

/// The units with most null directions, then those nearest to a stratum in nats; units with the same causes share a row.
fn unit_by_unit(report: &Degeneracy, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut rows: Vec<(&UnitDegeneracy, usize)> = Vec::new();
    let nats = |unit: &UnitDegeneracy| {
        let cheapest = unit.cheapest.as_ref();
        cheapest.map_or(f64::INFINITY, |near| near.divergence)
    };
    let mut groups = std::collections::BTreeMap::new();
    for unit in &report.units {
        // several units share a cause, but relu's own scalings or regular units are rows of their own
        match groups.get(&unit.causes) {
            Some(row) if !unit.causes.is_empty() => {
                let (_, more): &mut (&UnitDegeneracy, usize) = &mut rows[*row];
                *more += 1;
            }
            _ => {
                groups.insert(unit.causes.clone(), rows.len());
                rows.push((unit, 0));
            }
        }
    }
    rows.sort_by(|(a, _), (b, _)| {
        let directions = b.null_directions.cmp(&a.null_directions);
        directions
            .then(nats(a).total_cmp(&nats(b)))
            .then(a.unit.cmp(&b.unit))
    });
    if !rows.is_empty() {
        writeln!(
            f,
            "{:>8} {:>6} {:>9} {:>9}  nearest in nats",
            "unit", "null", "distance", "nats"
        )?;
    }
    for (unit, more) in rows.iter().take(ROWS) {
        write!(f, "{:>8} {:>6}", unit.unit, unit.null_directions)?;
        if let Some(near) = &unit.cheapest {
            write!(
                f,
                " {:>9.1e} {:>9.1e}  {}",
                near.distance, near.divergence, near.stratum
            )?;
        }
        match more {
            0 => writeln!(f)?,
            more => writeln!(f, " (and {more} more units for the same causes)")?,
        }
    }
    if rows.len() > ROWS {
        let units: usize = rows.iter().skip(ROWS).map(|(_, more)| more + 1).sum();
        writeln!(f, "{:>8} {units} more units", "…")?;
    }
    Ok(())
}
