//! `train` and `predict` as a user sees them: what is learnt, what is written, what is refused, and that nothing is lost.

use crate::runs::{Folder, stderr, stdout};
use neuromanifold_io::{Array, Precision, npz};
use std::fs;
use std::process::Command;

const REGRESSION: &str = "train --quiet --data data.csv --ignore kind,number --target strength,weight --layers 3,6,2 --epochs 60";

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// The columns of a CSV table by name.
fn column(table: &str, name: &str) -> Vec<f64> {
    let mut lines = table.lines();
    let place = lines
        .next()
        .unwrap()
        .split(',')
        .position(|n| n == name)
        .unwrap();
    lines
        .map(|line| line.split(',').nth(place).unwrap().parse().unwrap())
        .collect()
}

#[test]
fn a_regression_is_learnt_in_raw_units_with_error_bars() {
    let folder = Folder::new();
    let trained = folder.run(&words(&format!("{REGRESSION} --json -o net.safetensors")));
    assert!(trained.status.success(), "{}", stderr(&trained));
    let report: serde_json::Value = serde_json::from_slice(&trained.stdout).unwrap();
    assert_eq!(report["command"], "train");
    assert_eq!(
        (&report["training_examples"], &report["validation_examples"]),
        (&128.into(), &32.into())
    );
    let deviation = report["residuals"][0]["deviation"].as_f64().unwrap();

    // of a table with the columns in another order and one that the network does not know
    let table = fs::read_to_string(folder.path("data.csv")).unwrap();
    let few: Vec<String> = (table.lines().take(30))
        .map(|line| {
            let f: Vec<&str> = line.split(',').collect();
            format!("{},{},{},{}", f[2], f[5].replace('"', ""), f[0], f[1])
        })
        .collect();
    fs::write(folder.path("new.csv"), few.join("\n")).unwrap();
    let bars = folder.run(&words(
        "predict net.safetensors --data new.csv --train-data data.csv --level 0.9",
    ));
    assert!(bars.status.success(), "{}", stderr(&bars));
    let bars = stdout(&bars);
    let truth = column(&table, "strength");
    let [predicted, error, low, high] =
        ["", "_error", "_low", "_high"].map(|end| column(&bars, &format!("strength{end}")));
    let mut inside = 0;
    for s in 0..predicted.len() {
        assert!((predicted[s] - truth[s]).abs() < 8.0 * deviation + 1e-9);
        assert!(error[s] > 0.0 && low[s] < predicted[s] && predicted[s] < high[s]);
        inside += usize::from(low[s] < truth[s] && truth[s] < high[s]);
    }
    assert!(predicted.len() == 29 && inside >= 22, "{inside}");

    // the same numbers in a file, with and without the error bars
    let written = folder.run(&words("predict net.safetensors --data new.csv -o out.csv"));
    assert!(written.status.success(), "{}", stderr(&written));
    let table = fs::read_to_string(folder.path("out.csv")).unwrap();
    assert_eq!(table.lines().next(), Some("strength,weight"));
    assert!(
        column(&table, "strength")
            .iter()
            .zip(&predicted)
            .all(|(a, b)| a.to_bits() == b.to_bits())
    );
    let written = folder.run(&words("predict net.safetensors --data new.csv -o out.npy"));
    assert!(written.status.success() && folder.read("out.npy").starts_with(b"\x93NUMPY"));
}

#[test]
fn classes_are_learnt_from_words_and_from_numbers() {
    let folder = Folder::new();
    for (target, other, first) in [("kind", "number", "ash, white"), ("number", "kind", "0")] {
        let trained = folder.run(&words(&format!(
            "train --json --data data.csv --ignore strength,weight,{other} --target {target} --layers 3,6,3 --epochs 40 \
             -o net.safetensors"
        )));
        assert!(trained.status.success(), "{}", stderr(&trained));
        let report: serde_json::Value = serde_json::from_slice(&trained.stdout).unwrap();
        assert!(report["accuracy"].as_f64().unwrap() > 0.75, "{report}");
        let predicted = folder.run(&["predict", "net.safetensors", "--data", "data.csv", "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&predicted.stdout).unwrap();
        assert_eq!(report["classes"][0], first);
        let row: Vec<f64> = report["rows"][0]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .collect();
        assert!((row[1..].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let bars = folder.run(&words(
            "predict net.safetensors --data data.csv --train-data data.csv",
        ));
        assert_eq!(bars.status.code(), Some(4), "{}", stderr(&bars));
    }
}

#[test]
fn what_does_not_go_together_is_refused_with_a_word_on_what_to_do() {
    let folder = Folder::new();
    let cases = [
        (
            "--layers 4,6,2 --target strength,weight",
            3,
            "the network has 4 inputs; the data have 3",
        ),
        (
            "--layers 3,6,1 --target strength,weight",
            3,
            "the network has 1 outputs; regression with 2 outputs asks for 2",
        ),
        (
            "--layers 3,0,2 --target strength,weight",
            3,
            "width 1 is zero",
        ),
        (
            "--layers 3,6,1 --target strenght --ignore weight",
            3,
            "did you mean `strength`?",
        ),
        (
            "--layers 3,6,2 --target strength,weight --batch 4",
            2,
            "the number of examples of a step is 4",
        ),
        (
            "--layers 3,6,2 --target strength,weight --validation 1.5",
            3,
            "below 1",
        ),
    ];
    for (settings, status, told) in cases {
        let line =
            format!("train --data data.csv --ignore kind,number {settings} -o net.safetensors");
        let output = folder.run(&words(&line));
        assert_eq!(
            output.status.code(),
            Some(status),
            "{settings}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(told),
            "{settings}: {}",
            stderr(&output)
        );
    }
    assert_eq!(folder.files(), ["data.csv"]);
}

/// Inputs of an archive are `x`, or the only array beside the targets; targets are never joined unasked.
#[test]
fn arrays_of_an_archive_are_found_without_their_names() {
    let folder = Folder::new();
    let array = |width: usize| {
        let values = (0..40 * width).map(|i| (i as f64).sin()).collect();
        Array::new(vec![40, width], values).unwrap()
    };
    let (two, three, one) = (array(2), array(3), array(1));
    let write = |name: &str, arrays: &[(&str, &Array)]| {
        npz::write(folder.path(name), arrays, Precision::F64).unwrap();
    };
    write("pair.npz", &[("y", &one), ("a", &two)]);
    write("many.npz", &[("b", &three), ("y", &one), ("x", &two)]);
    write("vague.npz", &[("b", &three), ("y", &one), ("a", &two)]);
    write("alone.npz", &[("y", &one)]);
    for (data, status, told) in [
        ("--data pair.npz --target y", 0, ""),
        ("--data many.npz --target y", 0, ""),
        ("--data vague.npz --target y --inputs a", 0, ""),
        ("--data vague.npz --target y", 3, "\"b\", \"y\", \"a\""),
        ("--data alone.npz --target y", 3, "which array?"),
        ("--data many.npz --target y,b", 2, "in one"),
    ] {
        let line = format!("train {data} --layers 2,2,1 --steps 2 -o net.safetensors");
        let output = folder.run(&words(&line));
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{data}: {text}");
        assert!(text.contains(told), "{data}: {text}");
    }
    write("inputs.npz", &[("a", &two)]);
    for command in ["predict", "inspect"] {
        for data in ["inputs.npz", "many.npz"] {
            let output = folder.run(&words(&format!("{command} net.safetensors --data {data}")));
            assert!(output.status.success(), "{data}: {}", stderr(&output));
        }
    }
}

/// Nats of several outputs in unlike units are in nobody's unit, and that is said.
#[test]
fn a_noise_for_each_output_is_not_passed_over_in_silence() {
    let folder = Folder::new();
    let line = format!("{REGRESSION} -o net.safetensors");
    assert!(folder.run(&words(&line)).status.success());
    let inspected = |more: &str| {
        let line = "inspect net.safetensors --data data.csv --inputs length,width,age";
        stdout(&folder.run(&words(&format!("{line} {more}"))))
    };
    assert!(inspected("").contains("another for each output"));
    assert!(!inspected("--noise 2").contains("another for each output"));
}

/// Where nothing can be written that is said before the work begins.
#[test]
fn a_place_that_cannot_be_written_is_told_at_once() {
    let folder = Folder::new();
    fs::create_dir(folder.path("folder")).unwrap();
    fs::write(folder.path("folder/inside"), "kept").unwrap();
    for place in [
        "-o folder",
        "-o missing/net.safetensors",
        "-o /proc/net.safetensors",
        "-o net.safetensors --checkpoint missing/run.checkpoint",
        "-o net.safetensors --checkpoint folder --resume",
        "-o net.safetensors --checkpoint folder",
    ] {
        let output = folder.run(&words(&format!("{REGRESSION} {place}")));
        assert_eq!(
            output.status.code(),
            Some(5),
            "{place}: {}",
            stderr(&output)
        );
        assert!(stderr(&output).contains("error:"), "{place}");
    }
    assert_eq!(folder.files(), ["data.csv", "folder"]);
    assert_eq!(folder.read("folder/inside"), b"kept");
}

/// A checkpoint is never overwritten by another run, and none that is damaged is believed.
#[test]
fn a_checkpoint_is_only_for_its_own_run() {
    let folder = Folder::new();
    let run = |more: &str| {
        folder.run(&words(&format!(
            "{REGRESSION} --checkpoint run.checkpoint {more} -o net.safetensors"
        )))
    };
    assert!(run("").status.success());
    let (kept, net) = (
        folder.read("run.checkpoint"),
        folder.read("net.safetensors"),
    );
    for (more, status, told) in [
        ("", 5, "give --resume"),
        ("--resume --seed 9", 3, "is of a run with other data"),
        (
            "--resume --validation 0.3",
            3,
            "is of a run with other data",
        ),
        (
            "--resume --optimizer natgrad",
            3,
            "is of a run with other data",
        ),
    ] {
        let output = run(more);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{more}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(told),
            "{more}: {}",
            stderr(&output)
        );
        assert!(folder.read("run.checkpoint") == kept && folder.read("net.safetensors") == net);
    }
    // a run that is over is over, and a longer one goes on from there
    assert!(run("--resume").status.success());
    assert!(folder.read("net.safetensors") == net);
    let garbled = [&kept[..kept.len() / 2], &[7; 9], &kept[kept.len() / 2..]].concat();
    for damaged in [&kept[..kept.len() - 3], &kept[..5], &[], &garbled[..]] {
        fs::write(folder.path("run.checkpoint"), damaged).unwrap();
        let output = run("--resume");
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("run.checkpoint") && stderr(&output).contains("begin anew")
        );
        assert!(folder.read("run.checkpoint") == damaged && folder.read("net.safetensors") == net);
    }
}

/// Files may grow to a few hundred bytes and no further: to the command that is a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let folder = Folder::new();
    // whose file is larger than the limit, in whichever blocks the shell counts
    let base = REGRESSION.replace("3,6,2", "3,20,2");
    // A write beyond the limit fails, or, unless the signal is ignored, ends the process on the spot.
    let full = |ignored: bool, line: &str| {
        let trap = if ignored { "trap '' XFSZ;" } else { "" };
        let program = env!("CARGO_BIN_EXE_neuromanifold");
        let script = format!("{trap} ulimit -f 1; exec \"$@\"");
        let mut command = Command::new("sh");
        command
            .current_dir(folder.root())
            .args(["-c", &script, "sh", program]);
        command
            .args(words(line))
            .env("NO_COLOR", "1")
            .output()
            .unwrap()
    };
    let first = folder.run(&words(&format!(
        "{base} --steps 5 --checkpoint run.checkpoint -o net.safetensors"
    )));
    assert!(first.status.success(), "{}", stderr(&first));
    let (kept, net) = (
        folder.read("run.checkpoint"),
        folder.read("net.safetensors"),
    );
    assert!(
        kept.len() > 1024 && net.len() > 1024,
        "{} {}",
        kept.len(),
        net.len()
    );
    for more in [
        "",
        "--checkpoint new.checkpoint",
        "--checkpoint run.checkpoint --resume",
    ] {
        let line = format!("{base} {more} -o net.safetensors");
        let output = full(true, &line);
        assert_eq!(output.status.code(), Some(5), "{more}: {}", stderr(&output));
        assert!(
            stderr(&output).contains("File too large"),
            "{more}: {}",
            stderr(&output)
        );
        assert_eq!(
            folder.files(),
            ["data.csv", "net.safetensors", "run.checkpoint"],
            "{more}"
        );
        assert_eq!(full(false, &line).status.code(), None, "{more}");
        assert!(folder.read("run.checkpoint") == kept && folder.read("net.safetensors") == net);
        for name in folder.files().iter().filter(|name| name.ends_with(".tmp")) {
            fs::remove_file(folder.path(name)).unwrap();
        }
    }
    // with room again, the run goes on from where it was
    let line = format!("{base} --checkpoint run.checkpoint --resume -o net.safetensors");
    assert!(folder.run(&words(&line)).status.success());
    assert!(
        folder
            .run(&words(&format!("{base} -o whole.safetensors")))
            .status
            .success()
    );
    assert!(folder.read("net.safetensors") == folder.read("whole.safetensors"));
}
