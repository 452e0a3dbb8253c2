//! A table to learn, and the command on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with `data.csv`: 160 examples of three inputs in unlike units, two targets, a number and a word for a class.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::from("length,width,age,strength,weight,kind,number\n");
        for i in 0..160 {
            let t = f64::from(i);
            let (a, b, c) = ((0.37 * t).sin(), (0.91 * t).cos(), (0.13 * t * t).sin());
            let strength = 50.0 + 20.0 * (a + b * c).tanh() + 0.1 * (7.1 * t).sin();
            let weight = 0.001 * (2.0 * a - b) + 0.0001 * (5.3 * t).cos();
            let class = usize::from(a + b > 0.0) + usize::from(c > 0.3);
            let kind = ["oak", "fir", "ash, white"][class];
            text.push_str(&format!(
                "{},{},{},{strength},{weight},\"{kind}\",{class}\n",
                1000.0 + 300.0 * a,
                0.01 * b,
                c
            ));
        }
        fs::write(folder.path().join("data.csv"), text).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The names of all files, but for what processes that were killed while they wrote have left.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// `neuromanifold WORDS…` in the folder.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuromanifold"));
        command.current_dir(&self.folder).args(words);
        command.env("RAYON_NUM_THREADS", "1").env("NO_COLOR", "1");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
