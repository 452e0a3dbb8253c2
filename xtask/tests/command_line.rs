//! The command line as a user meets it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::{Command, Output};

fn experiments(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("experiments")
        .args(arguments)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_unknown_experiment_is_a_wrong_argument_and_the_known_ones_are_named() {
    let output = experiments(&["no-such-experiment"]);
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(message.contains("`no-such-experiment`"), "{message}");
    let known = neuromanifold_harness::experiments::all();
    assert!(
        known
            .iter()
            .all(|experiment| message.contains(experiment.name())),
        "{message}"
    );
}

#[test]
fn every_experiment_is_listed() {
    let output = experiments(&["--list"]);
    assert_eq!(output.status.code(), Some(0));
    let list = String::from_utf8(output.stdout).unwrap();
    let known = neuromanifold_harness::experiments::all();
    assert_eq!(list.lines().count(), known.len());
    for (line, experiment) in list.lines().zip(known) {
        assert!(
            line.starts_with(experiment.name()) && line.contains(experiment.title()),
            "{line}"
        );
    }
}

#[test]
fn arguments_that_contradict_or_need_each_other() {
    for arguments in [
        &["--quick", "--full"][..],
        &["--data", "a.csv"],
        &["--target", "y"],
        &["--seed", "-1"],
    ] {
        assert_eq!(
            experiments(arguments).status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("below");
    for out in [file.as_path(), below.as_path()] {
        let output = experiments(&["--out", out.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        let message = stderr(&output);
        assert!(message.contains(out.to_str().unwrap()), "{message}");
    }
    assert!(Path::new(&file).is_file());
}
