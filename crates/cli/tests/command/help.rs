//! What the help says is so: its examples run, pages and completions name every command, and JSON has the documented fields.

use crate::scene::{Scene, keys};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_neuromanifold");

fn help(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .arg("--help")
        .output()
        .expect("it runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The names below `Commands:`, but for `help`.
fn commands() -> Vec<String> {
    let text = help(&[]);
    let list = text
        .split("Commands:\n")
        .nth(1)
        .expect("a list of commands");
    (list.lines().take_while(|line| !line.is_empty()))
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The commands below `Examples:`, lines that end in a backslash joined with the next.
fn examples(text: &str) -> Vec<String> {
    let list = text.split("Examples:\n").nth(1).expect("examples");
    let list = list.replace("\\\n", " ");
    (list.lines().take_while(|line| line.starts_with("  ")))
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn every_command_has_two_examples_that_run() {
    let names = commands();
    for name in [
        "inspect",
        "equivalent",
        "reduce",
        "compress",
        "fisher",
        "completions",
        "man",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} of {names:?}");
    }
    let program = std::path::Path::new(PROGRAM).parent().expect("a folder");
    let path = format!(
        "{}:{}",
        program.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    for name in names {
        let found = examples(&help(&[&name]));
        assert!(found.len() >= 2, "{name} has {found:?}");
        for example in found {
            let scene = Scene::new();
            for folder in [".zfunc", ".local/share/bash-completion/completions"] {
                std::fs::create_dir_all(scene.path(folder)).expect("a folder");
            }
            let output = Command::new("sh")
                .args(["-c", &example])
                .current_dir(scene.folder())
                .env("PATH", &path)
                .env("HOME", scene.folder())
                .output()
                .expect("a shell");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{example}: {text}");
        }
    }
}

#[test]
fn every_command_has_a_page_and_completions() {
    let scene = Scene::new();
    scene.command("man -o pages").assert().success();
    let completions = scene
        .command("completions fish")
        .output()
        .expect("it runs")
        .stdout;
    let completions = String::from_utf8(completions).expect("UTF-8");
    for name in commands() {
        let page = scene.path("pages").join(format!("neuromanifold-{name}.1"));
        let page = std::fs::read_to_string(page).expect("a page");
        assert!(page.contains("Examples:"), "{name}");
        assert!(completions.contains(&name), "{name}");
    }
}

#[test]
fn the_fields_of_json_stay_what_they_are() {
    let scene = Scene::new();
    let mut text = String::new();
    for (arguments, status) in [
        ("inspect net.safetensors --data x.npy", 0),
        ("equivalent a.safetensors other.safetensors", 1),
        ("equivalent a.safetensors b.safetensors", 0),
        ("reduce net.safetensors -o s.safetensors", 0),
        (
            "compress net.safetensors --data x.npy --budget 0.1 -o s.safetensors",
            0,
        ),
        ("fisher net.safetensors --data x.npy -o G.npy", 0),
    ] {
        let found = scene.json(arguments, status);
        text += &format!("# {arguments}\n{}\n\n", keys(&found).join("\n"));
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/json_fields.txt");
    if std::env::var_os("UPDATE_FIELDS").is_some() {
        std::fs::write(golden, &text).expect("written");
    }
    let expected = std::fs::read_to_string(golden).expect("the list of fields");
    assert_eq!(
        text, expected,
        "UPDATE_FIELDS=1 writes the list anew; a field that goes away breaks scripts"
    );
}
