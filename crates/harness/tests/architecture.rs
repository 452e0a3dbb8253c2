//! The arrows between the crates are those of ARCHITECTURE.md and no others.

use std::process::Command;

/// Crate, and the workspace crates that its code (not its tests) may use.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("neuromanifold-model", &[]),
    ("neuromanifold-mlp", &["neuromanifold-model"]),
    (
        "neuromanifold-geometry",
        &["neuromanifold-model", "neuromanifold-mlp"],
    ),
    (
        "neuromanifold-optim",
        &["neuromanifold-model", "neuromanifold-geometry"],
    ),
    (
        "neuromanifold-io",
        &["neuromanifold-model", "neuromanifold-mlp"],
    ),
    (
        "neuromanifold-harness",
        &[
            "neuromanifold-model",
            "neuromanifold-mlp",
            "neuromanifold-io",
            "neuromanifold-geometry",
            "neuromanifold-optim",
        ],
    ),
    (
        "neuromanifold",
        &[
            "neuromanifold-model",
            "neuromanifold-mlp",
            "neuromanifold-geometry",
            "neuromanifold-optim",
            "neuromanifold-io",
            "neuromanifold-harness",
            "neuromanifold-io",
        ],
    ),
    ("xtask", &["neuromanifold-harness", "neuromanifold-benches"]),
    (
        "neuromanifold-benches",
        &[
            "neuromanifold-model",
            "neuromanifold-mlp",
            "neuromanifold-geometry",
            "neuromanifold-optim",
            "neuromanifold-harness",
        ],
    ),
];

/// Libraries that read files, draw or print; only the crates of files and what is built on them may have them.
const OUTER: [&str; 10] = [
    "csv",
    "flate2",
    "indicatif",
    "maud",
    "npyz",
    "plotters",
    "safetensors",
    "serde_json",
    "zip",
    "clap",
];

#[test]
fn dependencies_follow_the_arrows() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let mut seen = 0;
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let (_, allowed) = ALLOWED
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} has no place in the architecture"));
        seen += 1;
        for dependency in package["dependencies"]
            .as_array()
            .expect("a list of dependencies")
        {
            let used = dependency["name"].as_str().expect("a name");
            let in_code = dependency["kind"].is_null();
            let internal = ALLOWED.iter().any(|(known, _)| *known == used);
            assert!(
                !in_code || !internal || allowed.contains(&used),
                "{name} must not depend on {used}"
            );
            let core = ALLOWED[..4].iter().any(|(known, _)| *known == name);
            assert!(
                !(core && in_code && OUTER.contains(&used)),
                "{name} must not depend on {used}"
            );
        }
    }
    assert_eq!(
        seen,
        ALLOWED.len(),
        "every crate of the architecture exists"
    );
}

/// In the geometry crate only examples, tests, the quotient and the closed forms may name perceptrons.
#[test]
fn metrics_do_not_see_layers() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../geometry/src");
    for entry in std::fs::read_dir(sources).expect("the geometry crate") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue; // quotient/ and closed_form/ are folders
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            assert!(
                !line.contains("neuromanifold_mlp"),
                "{}: {line}",
                path.display()
            );
        }
    }
}
