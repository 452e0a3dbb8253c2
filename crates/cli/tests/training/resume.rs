//! A training that is killed and taken up again ends in the bits of one that never stopped.

use crate::runs::{Folder, stderr};
use neuromanifold_harness::training::Checkpoint;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The arguments of a run of a few tenths of a second that writes a checkpoint after every other step or so.
fn words<'a>(more: &[&'a str], output: &'a str) -> Vec<&'a str> {
    let mut words: Vec<&str> =
        "train --quiet --data data.csv --ignore kind,number --target strength,weight --patience 0 \
                                --seed 3"
            .split_whitespace()
            .collect();
    words.extend(more);
    words.extend(["-o", output]);
    words
}

const KEPT: [&str; 3] = ["--checkpoint", "run.checkpoint", "--resume"];

/// Kills runs after a random part of their time, so many times; each that comes to its end is compared with one that was
/// never stopped. Says how many kills have met a run between its first and its last step.
fn kill(settings: &[&str], kills: usize, seed: u64) -> usize {
    let folder = Folder::new();
    let whole = folder.run(&words(settings, "whole.safetensors"));
    assert!(whole.status.success(), "{}", stderr(&whole));
    let expected = folder.read("whole.safetensors");
    // How long a run takes that writes checkpoints; which changes nothing else.
    let began = Instant::now();
    let kept = folder.run(&words(&[settings, &KEPT].concat(), "net.safetensors"));
    let length = began.elapsed().as_micros() as u64;
    assert!(kept.status.success(), "{}", stderr(&kept));
    assert!(folder.read("net.safetensors") == expected);
    fs::remove_file(folder.path("run.checkpoint")).unwrap();

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut killed, mut midway, mut compared) = (0, 0, 0);
    while killed < kills || compared == 0 {
        let words = words(&[settings, &KEPT].concat(), "net.safetensors");
        let mut child = folder
            .command(&words)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let patience = match killed < kills {
            true => Duration::from_micros(rng.random_range(0..length + length / 4)),
            false => Duration::from_secs(600),
        };
        let deadline = Instant::now() + patience;
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if Instant::now() >= deadline => break None,
                None => std::thread::sleep(Duration::from_micros(200)),
            }
        };
        if let Some(status) = ended {
            let told = stderr(&child.wait_with_output().unwrap());
            assert!(status.success(), "{told}");
            assert!(folder.read("net.safetensors") == expected, "other bits");
            compared += 1;
            fs::remove_file(folder.path("run.checkpoint")).unwrap();
            fs::remove_file(folder.path("net.safetensors")).unwrap();
            continue;
        }
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        killed += 1;
        // Whatever the moment, the file is whole.
        if let Ok(bytes) = fs::read(folder.path("run.checkpoint")) {
            midway += usize::from(Checkpoint::from_bytes(&bytes).unwrap().steps() > 0);
        }
    }
    midway
}

#[test]
fn natural_gradient_survives_being_killed() {
    let settings = ["--layers", "3,10,2", "--epochs", "150", "--every", "1"];
    let midway = kill(&settings, 18, 1);
    assert!(midway >= 5, "{midway}");
}

#[test]
fn adaptive_natural_gradient_survives_being_killed() {
    let settings = "--layers 3,8,2 --optimizer adaptive --batch 3 --epochs 8 --every 2";
    let midway = kill(&settings.split(' ').collect::<Vec<_>>(), 16, 2);
    assert!(midway >= 5, "{midway}");
}

#[test]
fn adam_survives_being_killed() {
    let settings = "--layers 3,10,2 --optimizer adam --batch 7 --epochs 25 --every 2";
    let midway = kill(&settings.split(' ').collect::<Vec<_>>(), 16, 3);
    assert!(midway >= 5, "{midway}");
}

/// Ctrl-C and `SIGTERM` end a run between two steps, with the best parameters saved; taken up, it ends as if nothing had been.
#[cfg(unix)]
#[test]
fn a_signal_stops_a_run_cleanly() {
    let settings = "--layers 3,8,2 --optimizer adam --epochs 60 --every 1h";
    let settings: Vec<&str> = settings.split(' ').collect();
    let folder = Folder::new();
    assert!(
        folder
            .run(&words(&settings, "whole.safetensors"))
            .status
            .success()
    );
    // Of a run without an end to be reached, so that the signal comes before it.
    let endless = "--layers 3,8,2 --optimizer ekf --epochs 100000000 --every 1h";
    let endless: Vec<&str> = endless.split(' ').collect();
    for signal in ["-INT", "-TERM"] {
        let words = words(&[&endless[..], &KEPT].concat(), "net.safetensors");
        let mut child = folder
            .command(&words)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The first checkpoint is written before the first step and after signals are listened to.
        let deadline = Instant::now() + Duration::from_secs(60);
        while !folder.path("run.checkpoint").exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(150));
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(130), "{signal}");
        let kept = Checkpoint::from_bytes(&folder.read("run.checkpoint")).unwrap();
        assert!(kept.steps() > 0, "{signal}");
        let predicted = folder.run(&["predict", "net.safetensors", "--data", "data.csv"]);
        assert!(predicted.status.success(), "{}", stderr(&predicted));

        // As far as the signal let it come, and ten steps on: once from the checkpoint and once in one go.
        let steps = (kept.steps() + 10).to_string();
        let further = [&endless[..], &["--steps", &steps]].concat();
        let resumed = [&further[..], &KEPT].concat();
        assert!(
            folder
                .run(&self::words(&resumed, "resumed.safetensors"))
                .status
                .success()
        );
        assert!(
            folder
                .run(&self::words(&further, "at-once.safetensors"))
                .status
                .success()
        );
        assert!(folder.read("resumed.safetensors") == folder.read("at-once.safetensors"));
        fs::remove_file(folder.path("run.checkpoint")).unwrap();
    }
}

/// L-BFGS is taken up at its parameters, with a fresh memory.
#[test]
fn lbfgs_goes_on_without_its_memory() {
    let folder = Folder::new();
    let run = |steps: &str| {
        let settings = [
            "--layers",
            "3,6,2",
            "--optimizer",
            "lbfgs",
            "--steps",
            steps,
        ];
        folder.run(&words(&[&settings[..], &KEPT].concat(), "net.safetensors"))
    };
    for steps in ["5", "12"] {
        let output = run(steps);
        assert!(output.status.success(), "{}", stderr(&output));
        let kept = Checkpoint::from_bytes(&folder.read("run.checkpoint")).unwrap();
        assert_eq!(kept.steps().to_string(), steps);
    }
}
