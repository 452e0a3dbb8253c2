//! A folder with networks and data, and the command run in it.

use assert_cmd::Command;
use neuromanifold_io::{Array, Network, Precision, npy, npz};
use neuromanifold_mlp::{Activation, Mlp};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that is gone at the end of the test.
pub(crate) struct Scene(TempDir);

/// `2-4-1 tanh`: units 0 and 1 are mirror images, unit 2 is constant, unit 3 is all that is left.
pub(crate) const REDUCIBLE: [f64; 17] = [
    0.5, -0.7, -0.5, 0.7, 0.0, 0.0, 1.1, 0.3, // w
    0.2, -0.2, 0.4, -0.1, // b
    0.6, 0.9, 0.8, -1.2, // v
    0.05, // c
];

impl Scene {
    /// With `net.safetensors` (reducible), `a` (the same), `b` (its units in another order), `other`, `deep`, `mnist`, and data for them.
    pub(crate) fn new() -> Self {
        let scene = Self(tempfile::tempdir().expect("a temporary folder"));
        let net = Mlp::new(&[2, 4, 1], Activation::Tanh).expect("a network");
        scene.network("net.safetensors", &net, &REDUCIBLE);
        scene.network("a.safetensors", &net, &REDUCIBLE);
        let swapped = [
            1.1, 0.3, -0.5, 0.7, 0.0, 0.0, 0.5, -0.7, -0.1, -0.2, 0.4, 0.2, -1.2, 0.9, 0.8, 0.6,
            0.05,
        ];
        scene.network("b.safetensors", &net, &swapped);
        scene.network("small.safetensors", &net, &swapped);
        let mut other = REDUCIBLE;
        other[15] = -1.1;
        scene.network("other.safetensors", &net, &other);
        let deep = Mlp::new(&[2, 3, 3, 1], Activation::Tanh).expect("a network");
        scene.network("deep.safetensors", &deep, &numbers(deep.parameters()));
        let mnist = Mlp::new(&[16, 5, 3], Activation::Relu).expect("a network");
        scene.network("mnist.safetensors", &mnist, &numbers(mnist.parameters()));
        let mut table = String::from("p,q,y\n");
        let x = numbers(160);
        for pair in x.chunks(2) {
            writeln!(table, "{},{},{}", pair[0], pair[1], pair[0] * pair[1]).expect("text");
        }
        scene.file("train.csv", &table);
        scene.file("test.csv", &table);
        let array = Array::new(vec![80, 2], x).expect("an array");
        npy::write(scene.path("x.npy"), &array, Precision::F32).expect("written");
        npz::write(
            scene.path("x.npz"),
            &[("inputs", &array), ("more", &array)],
            Precision::F64,
        )
        .expect("written");
        scene.images("t10k-images-idx3-ubyte.gz", 30, 4);
        scene.more_for_examples();
        scene
    }

    /// What only the examples of `train` and `predict` need.
    fn more_for_examples(&self) {
        let names = "cement,slag,ash,water,plasticizer,coarse,fine,age";
        let (mut table, mut new) = (format!("{names},strength\n"), format!("{names}\n"));
        for row in numbers(9 * 60).chunks(9) {
            let fields: Vec<String> = row.iter().map(f64::to_string).collect();
            writeln!(table, "{}", fields.join(",")).expect("text");
            writeln!(new, "{}", fields[..8].join(",")).expect("text");
        }
        self.file("concrete.csv", &table);
        self.file("new.csv", &new);
        self.command("train --data concrete.csv --target strength --layers 8,3,1 --steps 3 -o concrete.safetensors")
            .assert()
            .success();
        self.images("train-images-idx3-ubyte.gz", 60, 28);
        let mut labels = vec![0, 0, 8, 1, 0, 0, 0, 60];
        labels.extend((0..60).map(|i| i % 10));
        std::fs::write(self.path("train-labels-idx1-ubyte.gz"), labels).expect("written");
    }

    /// Square images of a size in an idx file; what its name says of compression does not matter.
    fn images(&self, name: &str, count: u8, size: u8) {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, size, 0, 0, 0, size];
        let pixels = u32::from(count) * u32::from(size).pow(2);
        images.extend((0..pixels).map(|i| (i * 37 % 251) as u8));
        std::fs::write(self.path(name), images).expect("written");
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Writes a text.
    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// Writes a network with its activations in the metadata.
    pub(crate) fn network(&self, name: &str, mlp: &Mlp, theta: &[f64]) {
        let network = Network::new(mlp.clone(), theta.to_vec()).expect("a network");
        network.write(self.path(name)).expect("written");
    }

    /// The command with these arguments, split at spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::cargo_bin("neuromanifold").expect("the command");
        command
            .current_dir(self.folder())
            .env_remove("CLICOLOR_FORCE");
        command.args(arguments.split_whitespace());
        command
    }

    /// The object that `--json` prints; the command must succeed with a status.
    pub(crate) fn json(&self, arguments: &str, status: i32) -> Value {
        let assert = self.command(arguments).arg("--json").assert().code(status);
        serde_json::from_slice(&assert.get_output().stdout).expect("JSON")
    }

    /// Status and standard error of a command that must print nothing else.
    pub(crate) fn failure(&self, arguments: &str) -> (i32, String) {
        let output = self.command(arguments).output().expect("it runs");
        assert!(output.stdout.is_empty(), "{arguments}: prints a result");
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!text.contains("panicked"), "{arguments}: {text}");
        (output.status.code().expect("a status"), text)
    }
}

/// Numbers between −1 and 1 that look random.
pub(crate) fn numbers(count: usize) -> Vec<f64> {
    (1..=count)
        .map(|i| (1.7 * (i * i) as f64 + 0.3 * i as f64).sin())
        .collect()
}

/// All keys of an object as paths, `a.b`, those of lists as `a[].b`, ascending.
pub(crate) fn keys(value: &Value) -> Vec<String> {
    fn walk(value: &Value, path: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let path = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    out.push(path.clone());
                    walk(value, &path, out);
                }
            }
            Value::Array(list) => list
                .iter()
                .for_each(|value| walk(value, &format!("{path}[]"), out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(value, "", &mut out);
    out.sort();
    out.dedup();
    out
}
