//! The table of claims that ends a session.

use std::env;
use std::io::{self, IsTerminal as _, Write};

use neuromanifold_harness::experiment::{Run, Session};
use neuromanifold_harness::record::markup::plain;
use neuromanifold_harness::record::number::{DIGITS, duration};
use neuromanifold_harness::{Claim, Quantity};

/// Columns of a statement before it goes on in the next line.
const STATEMENT: usize = 58;

/// Headings of the numbers.
const HEAD: [&str; 3] = ["predicted", "measured", "tolerance"];

/// Writes the claims of the session to standard output, in colour if that is a terminal and `NO_COLOR` is not set.
pub(crate) fn write(session: &Session) -> io::Result<()> {
    let out = io::stdout().lock();
    let coloured =
        out.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    table(out, session, coloured)
}

fn table(mut out: impl Write, session: &Session, coloured: bool) -> io::Result<()> {
    let paint = |code: &str, text: &str| {
        if coloured {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    };
    let rows: Vec<(&Run, Vec<Row>)> = session.runs.iter().map(|run| (run, rows(run))).collect();
    let widths = widths(rows.iter().flat_map(|(_, rows)| rows));
    let [predicted, measured, tolerance] = widths;
    let head = format!(
        "{:>predicted$}  {:>measured$}  {:>tolerance$}",
        HEAD[0], HEAD[1], HEAD[2]
    );
    let head = format!("  verdict  {}  {head}", padded("claim", STATEMENT));
    writeln!(out, "\n{}", paint("2", &head))?;
    for (run, rows) in &rows {
        let head = format!("{}  {}", run.experiment, duration(run.seconds));
        writeln!(out, "\n{}", paint("1", &head))?;
        for row in rows {
            let (code, verdict) = if row.holds {
                ("32", "✓ holds")
            } else {
                ("31", "✗ fails")
            };
            let (first, rest) = row
                .statement
                .split_first()
                .map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            write!(
                out,
                "  {}  {}",
                paint(code, verdict),
                padded(first, STATEMENT)
            )?;
            for (value, width) in row.values.iter().zip(widths) {
                write!(out, "  {:>width$}", value)?;
            }
            writeln!(out)?;
            for line in rest {
                writeln!(out, "           {line}")?;
            }
        }
    }
    let claims = rows.iter().flat_map(|(_, rows)| rows);
    let (holding, all) = (
        claims.clone().filter(|row| row.holds).count(),
        claims.count(),
    );
    let code = if holding == all { "32" } else { "31" };
    writeln!(
        out,
        "\n{}",
        paint(code, &format!("{holding} of {all} claims hold"))
    )?;
    if session.interrupted {
        writeln!(out, "interrupted; --resume goes on from here")?;
    }
    writeln!(out, "{}", session.index.display())
}

/// A claim as it is shown: the statement in lines; predicted, measured and tolerance.
struct Row {
    statement: Vec<String>,
    values: [String; 3],
    holds: bool,
}

fn rows(run: &Run) -> Vec<Row> {
    run.claims().iter().map(Row::of).collect()
}

impl Row {
    fn of(claim: &Claim) -> Self {
        let shown = |quantity: &Quantity| plain(&quantity.display(DIGITS));
        let mut statement = folded(&plain(&claim.statement), STATEMENT);
        let mut values = [
            shown(&claim.predicted),
            shown(&claim.measured),
            plain(&claim.tolerance_shown()),
        ];
        // A long answer, such as what an error says, would push the columns of all others apart.
        if values[1].chars().count() > 24 {
            statement.extend(folded(&std::mem::take(&mut values[1]), 100));
        }
        Self {
            statement,
            values,
            holds: claim.holds,
        }
    }
}

fn widths<'a>(rows: impl Iterator<Item = &'a Row>) -> [usize; 3] {
    rows.fold(HEAD.map(str::len), |widths, row| {
        std::array::from_fn(|column| widths[column].max(row.values[column].chars().count()))
    })
}

/// Padded by characters: what the claims are written in has one column a character.
fn padded(text: &str, width: usize) -> String {
    format!(
        "{text}{}",
        " ".repeat(width.saturating_sub(text.chars().count()))
    )
}

/// The text in lines of at most so many characters, broken at spaces; a longer word has a line of its own.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use neuromanifold_harness::experiment::Outcome;
    use neuromanifold_harness::{Effort, Record};

    use super::*;

    fn run(experiment: &str, outcome: Outcome) -> Run {
        Run {
            experiment: experiment.to_owned(),
            title: String::new(),
            question: String::new(),
            sources: Vec::new(),
            seed: 1,
            effort: Effort::Quick,
            data: None,
            version: String::new(),
            seconds: 1.5,
            outcome,
        }
    }

    #[test]
    fn the_table_is_aligned_and_says_what_fails() {
        let mut record = Record::new();
        record.claim(Claim::close("ratio of D to ½dθᵀGdθ", 1.0, 1.0004, 1e-3));
        record.claim(Claim::at_least(
            "a statement that is too long to stand in one line beside three numbers",
            2.9,
            f64::NAN,
        ));
        let failed = Outcome::Failed {
            error: "cannot read a.csv".to_owned(),
        };
        let session = Session {
            runs: vec![run("one", Outcome::Complete(record)), run("two", failed)],
            interrupted: false,
            index: "out/index.html".into(),
        };
        let mut out = Vec::new();
        table(&mut out, &session, false).unwrap();
        let expected = "
  verdict  claim                                                       predicted           measured  tolerance

one  1.50 s
  ✓ holds  ratio of D to ½dθᵀGdθ                                               1              1.000    ± 0.001
  ✗ fails  a statement that is too long to stand in one line beside        ≥ 2.9                NaN          –
           three numbers

two  1.50 s
  ✗ fails  the experiment comes to its end                              a record  cannot read a.csv      exact

1 of 3 claims hold
out/index.html
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn colours_only_where_wanted() {
        let mut record = Record::new();
        record.claim(Claim::at_least("", 0.0, 1.0));
        let session = Session {
            runs: vec![run("one", Outcome::Complete(record))],
            interrupted: true,
            index: "index.html".into(),
        };
        for coloured in [true, false] {
            let mut out = Vec::new();
            table(&mut out, &session, coloured).unwrap();
            assert_eq!(out.contains(&0x1b), coloured);
        }
    }
}
