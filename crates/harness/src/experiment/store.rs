//! The output directory: whole files or none.

use std::fs;
use std::path::{Path, PathBuf};

use neuromanifold_io::atomic;

use super::Run;
use crate::HarnessError;
use crate::figure;

/// A directory of results. Every file is written under a temporary name and renamed, so a reader sees a whole file or
/// the one before it, whenever the writer is killed.
///
/// ```
/// use neuromanifold_harness::experiment::Store;
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let directory = directory.path();
/// let store = Store::create(directory.join("results"))?;
/// let path = store.write("a/b.csv", "x,y\n")?;
/// assert_eq!(std::fs::read_to_string(path).unwrap(), "x,y\n");
/// # Ok::<(), neuromanifold_harness::HarnessError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Makes the directory if it is not there.
    ///
    /// # Errors
    /// [`HarnessError::Write`] if it cannot be made or written to.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, HarnessError> {
        let store = Self { root: root.into() };
        fs::create_dir_all(&store.root).map_err(|source| unwritable(&store.root, source))?;
        let probe = store.root.join(format!(".probe-{}", std::process::id()));
        fs::write(&probe, [])
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|source| unwritable(&store.root, source))?;
        Ok(store)
    }

    /// The path of a file in the directory.
    #[must_use]
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// Writes a file, and the directories above it; returns its path.
    ///
    /// # Errors
    /// [`HarnessError::Write`] if that fails; a file that was there before is still whole.
    pub fn write(
        &self,
        relative: impl AsRef<Path>,
        contents: impl AsRef<[u8]>,
    ) -> Result<PathBuf, HarnessError> {
        let path = self.path(relative);
        let directory = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(directory).map_err(|source| unwritable(directory, source))?;
        atomic::replace(&path, contents.as_ref()).map_err(|source| unwritable(&path, source))?;
        Ok(path)
    }

    /// Writes `NAME/record.json`, and a CSV and SVG file for each table and figure. The record comes last, so that where
    /// it is the others are.
    ///
    /// # Errors
    /// [`HarnessError::Write`] or [`HarnessError::Encode`] if one of them fails.
    pub fn keep(&self, run: &Run) -> Result<(), HarnessError> {
        let name = Path::new(&run.experiment);
        if let Some(record) = run.record() {
            for table in record.tables() {
                self.write(name.join(format!("{}.csv", table.name)), table.csv())?;
            }
            for figure in record.figures() {
                self.write(name.join(format!("{}.csv", figure.name)), figure.csv())?;
                self.write(
                    name.join(format!("{}.svg", figure.name)),
                    figure::standalone(figure),
                )?;
            }
        }
        self.write_json(name.join("record.json"), run)
    }

    /// The run that `NAME/record.json` holds; `None` if there is none that can be read.
    #[must_use]
    pub fn kept(&self, experiment: &str) -> Option<Run> {
        let text = fs::read_to_string(self.path(experiment).join("record.json")).ok()?;
        let run: Run = serde_json::from_str(&text).ok()?;
        (run.experiment == experiment).then_some(run)
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// [`HarnessError::Write`] or [`HarnessError::Encode`].
    pub fn write_json(
        &self,
        relative: impl AsRef<Path>,
        value: &impl serde::Serialize,
    ) -> Result<(), HarnessError> {
        let path = relative.as_ref();
        let mut text =
            serde_json::to_string_pretty(value).map_err(|source| HarnessError::Encode {
                path: self.path(path),
                source,
            })?;
        text.push('\n');
        self.write(path, text).map(drop)
    }
}

fn unwritable(path: &Path, source: std::io::Error) -> HarnessError {
    HarnessError::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_replaces_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(directory.path()).unwrap();
        store.write("a.txt", "first").unwrap();
        store.write("a.txt", "second").unwrap();
        assert_eq!(fs::read_to_string(store.path("a.txt")).unwrap(), "second");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_names_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(directory.path()).unwrap();
        // A directory in the place of the file makes the rename fail for every user.
        fs::create_dir_all(store.path("a.txt/inside")).unwrap();
        let error = store.write("a.txt", "text").unwrap_err();
        assert!(
            matches!(&error, HarnessError::Write { path, .. } if *path == store.path("a.txt")),
            "{error}"
        );
        assert!(store.path("a.txt/inside").is_dir());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Store::create(&file).unwrap_err();
        assert!(
            error.to_string().contains(&file.display().to_string()),
            "{error}"
        );
    }
}
