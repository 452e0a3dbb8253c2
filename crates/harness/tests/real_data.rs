//! The experiment on real data, as quick as it gets: what its record holds, that it repeats, and tables of one's own.

#![allow(clippy::unwrap_used)] // also the functions that tests share may panic

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use neuromanifold_harness::experiments::RealData;
use neuromanifold_harness::{
    Context, Effort, Experiment, HarnessError, Interrupt, Progress, Quantity, Record, Table,
    UserData,
};

/// Rows of two inputs and a target made from them.
fn rows(target: impl Fn(f64, f64) -> String) -> String {
    let mut csv = "width,height,target\n".to_owned();
    for k in 0..90 {
        let (a, b) = ((0.7 * f64::from(k)).sin(), (1.1 * f64::from(k)).cos());
        writeln!(csv, "{a},{b},{}", target(a, b)).unwrap();
    }
    csv
}

fn written(directory: &Path, csv: &str) -> PathBuf {
    let path = directory.join("table.csv");
    std::fs::write(&path, csv).unwrap();
    path
}

fn run_on(csv: &str, target: &str, seed: u64) -> Result<Record, HarnessError> {
    let directory = tempfile::tempdir().unwrap();
    let data = UserData {
        path: written(directory.path(), csv),
        target: target.to_owned(),
    };
    let (progress, interrupt) = (Progress::hidden(), Interrupt::new());
    RealData.run(&Context::new(
        seed,
        Effort::Quick,
        progress,
        interrupt,
        Some(data),
    ))
}

fn table<'a>(record: &'a Record, name: &str) -> &'a Table {
    record.tables().find(|table| table.name == name).unwrap()
}

fn column<'a>(table: &'a Table, name: &str) -> Vec<&'a Quantity> {
    let index = table
        .columns
        .iter()
        .position(|column| column.name == name)
        .unwrap();
    table.rows.iter().map(|row| &row[index]).collect()
}

/// The tables and figures of a record without anything measured by a clock.
fn timeless(record: &Record) -> Vec<String> {
    let tables = record.tables().map(|table| {
        let mut table = table.clone();
        let clocked = table
            .columns
            .iter()
            .position(|column| column.name == "wall time");
        if let Some(index) = clocked {
            table.columns.remove(index);
            table
                .rows
                .iter_mut()
                .for_each(|row| drop(row.remove(index)));
        }
        table.csv()
    });
    let figures = record
        .figures()
        .filter(|figure| !figure.name.contains("time"));
    tables.chain(figures.map(|figure| figure.csv())).collect()
}

#[test]
fn the_record_shows_every_optimiser_on_every_problem() {
    let record = RealData.run(&Context::quiet(1, Effort::Quick)).unwrap();
    for name in ["loss-steps", "loss-time"] {
        let figure = record.figures().find(|figure| figure.name == name).unwrap();
        let titles: Vec<&str> = figure
            .panels
            .iter()
            .map(|panel| panel.title.as_str())
            .collect();
        assert_eq!(
            titles,
            [
                "Mackey–Glass",
                "concrete",
                "diabetes",
                "extended XOR",
                "digits"
            ]
        );
        for panel in &figure.panels {
            assert_eq!(panel.series.len(), 5, "{name}, {}", panel.title);
            for series in &panel.series {
                let positive = series.y.iter().all(|y| *y > 0.0 && y.is_finite());
                assert!(
                    series.y.len() > 5 && positive,
                    "{name}, {}, {}",
                    panel.title,
                    series.label
                );
            }
        }
    }
    let duel = record
        .figures()
        .find(|figure| figure.name == "ten-times")
        .unwrap();
    assert_eq!(duel.panels[0].series.len(), 3);
    assert_eq!(table(&record, "test-errors").rows.len(), 25);
    assert_eq!(table(&record, "settings").rows.len(), 25);

    // No clock is in these.
    let examples: Vec<_> = record
        .claims
        .iter()
        .filter(|claim| claim.statement.contains("passes"))
        .collect();
    assert_eq!(examples.len(), 5);
    assert!(examples.iter().all(|claim| claim.holds), "{examples:#?}");
    let ten_times = record
        .claims
        .iter()
        .filter(|claim| claim.statement.contains("10 t"));
    assert_eq!(ten_times.count(), 1);
}

#[test]
fn a_record_is_a_function_of_the_seed_apart_from_wall_times() {
    let csv = rows(|a, b| (a * b + 0.3 * a).to_string());
    let [first, again, other] =
        [7, 7, 8].map(|seed| timeless(&run_on(&csv, "target", seed).unwrap()));
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn a_column_of_numbers_is_a_regression_that_can_be_learnt() {
    let record = run_on(&rows(|a, b| (100.0 * a * b).to_string()), "target", 1).unwrap();
    assert_eq!(
        column(table(&record, "problems"), "target"),
        [&"regression".into()]
    );
    assert_eq!(
        column(table(&record, "test-errors"), "test error")[0],
        &"RMSE".into()
    );
    assert_eq!(record.claims.len(), 1);
    let Quantity::Number(ratio) = record.claims[0].measured else {
        panic!("{:?}", record.claims)
    };
    assert!(ratio < 0.3, "a smooth function without noise: {ratio}");
}

#[test]
fn a_column_of_few_words_or_whole_numbers_is_a_classification() {
    let kind = |a: f64, b: f64| {
        if a + b > 0.5 {
            "oak"
        } else if a > b {
            "fir"
        } else {
            "elm"
        }
    };
    for (csv, task) in [
        (
            rows(|a, b| kind(a, b).to_owned()),
            "classification into 3 classes",
        ),
        (
            rows(|a, b| u8::from(a > b).to_string()),
            "binary classification",
        ),
    ] {
        let record = run_on(&csv, "target", 1).unwrap();
        assert_eq!(column(table(&record, "problems"), "target"), [&task.into()]);
        assert!(record.holds(), "{:?}", record.claims);
    }
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_file_line_and_column() {
    let message = |csv: &str, target: &str| run_on(csv, target, 1).unwrap_err().to_string();
    let csv = rows(|a, _| a.to_string());
    let missing = message(&csv, "targett");
    assert!(
        missing.contains("table.csv, line 1") && missing.contains("did you mean `target`"),
        "{missing}"
    );
    let broken = csv.replacen("\n0,1,", "\n0,NaN,", 1);
    assert_ne!(broken, csv);
    let not_a_number = message(&broken, "target");
    assert!(
        not_a_number.contains("line 2") && not_a_number.contains("height"),
        "{not_a_number}"
    );
    let few = "a,b,target\n1,2,3.5\n2,3,4.5\n";
    assert!(
        message(few, "target").contains("too few"),
        "{}",
        message(few, "target")
    );
}
