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

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("bench")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn an_unknown_case_is_a_wrong_argument_and_the_known_ones_are_named() {
    for filter in ["p9", "p1/nothing"] {
        let output = bench(&[filter]);
        assert_eq!(output.status.code(), Some(2));
        let message = stderr(&output);
        assert!(message.contains(filter), "{message}");
        for case in neuromanifold_benches::CASES {
            assert!(message.contains(case.name), "{message}");
        }
    }
}

#[test]
fn cases_are_listed_and_filtered() {
    let list = |arguments: &[&str]| {
        let output = bench(arguments);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let all = list(&["--list"]);
    assert_eq!(all.lines().count(), neuromanifold_benches::CASES.len());
    let one = list(&["--list", "P1/Deep"]);
    assert!(
        one.starts_with("P1_deep8970_N2000_f64 ") && one.lines().count() == 1,
        "{one}"
    );
    let adam = list(&["--list", "p5a/adam_full"]);
    assert!(adam.contains("(adam_full)"), "{adam}");
}

#[test]
fn what_a_measurement_cannot_be_made_from_or_written_to_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let refused = |arguments: &[&str], named: &str| {
        let output = bench(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = stderr(&output);
        assert!(
            message.contains(named) && !message.contains("panicked"),
            "{message}"
        );
    };
    refused(&["p4", "--data", &path("none")], &path("none"));
    refused(
        &["p4", "--json", &path("none/lines.jsonl")],
        &path("none/lines.jsonl"),
    );
    std::fs::write(path("p257_theta0.npy"), "not an array").unwrap();
    refused(&["p4/p257", "--data", &path("")], "p257_theta0.npy");
    refused(&["--threads", "0"], "threads");
    refused(&["--threads", "many"], "threads");
}

#[test]
fn settings_in_the_environment_are_checked() {
    for (name, value) in [
        ("P5_CAP", "-1"),
        ("P5_SEEDS", "0"),
        ("PEERS_RETRY", "often"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["bench", "p4/p257"])
            .env(name, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let message = stderr(&output);
        assert!(
            message.contains(name) && message.contains(value),
            "{message}"
        );
    }
}
