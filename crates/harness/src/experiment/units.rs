//! Parts of an experiment that are done, kept until the whole of it is.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Effort, Fingerprint, Store};
use crate::HarnessError;
use crate::fnv::Fnv;
use crate::sealed::Seal;

/// The finished parts of one run of one experiment, a file each in `NAME/units/`.
#[derive(Debug, Clone)]
pub struct Units {
    store: Store,
    folder: PathBuf,
    /// What, beside its key, a part is a function of.
    run: String,
}

const SEAL: Seal = Seal {
    word: "NMUNITS",
    format: 1,
};

impl Units {
    /// For a run with these settings. Parts of a run with others, or of another version, are never taken for its own.
    #[must_use]
    pub fn new(
        store: &Store,
        experiment: &str,
        seed: u64,
        effort: Effort,
        data: Option<&Fingerprint>,
    ) -> Self {
        let data = data.map_or("none", |data| data.hash.as_str());
        let version = env!("CARGO_PKG_VERSION");
        Self {
            store: store.clone(),
            folder: Path::new(experiment).join("units"),
            run: format!("{experiment} {version} {seed} {effort} {data}"),
        }
    }

    /// The part of this name: from its file if there is a whole one, else made and kept. Bit by bit it is the same.
    ///
    /// # Errors
    /// That of `make`; [`HarnessError::Write`] if the part cannot be kept.
    pub fn get<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        make: impl FnOnce() -> Result<T, HarnessError>,
    ) -> Result<T, HarnessError> {
        let name = format!("{} {key}", self.run);
        let file = self
            .folder
            .join(format!("{:016x}", Fnv::of(name.as_bytes())));
        let kept = fs::read(self.store.path(&file)).ok();
        // What cannot be read is made again.
        let kept = kept.and_then(|bytes| SEAL.open::<(String, T)>(&bytes).ok());
        if let Some((_, value)) = kept.filter(|(of, _)| *of == name) {
            return Ok(value);
        }
        let value = make()?;
        self.store.write(file, SEAL.close(&(name, &value)))?;
        Ok(value)
    }

    /// Removes what was kept of this experiment, of whatever run.
    ///
    /// # Errors
    /// [`HarnessError::Write`] if that fails.
    pub fn forget(&self) -> Result<(), HarnessError> {
        let path = self.store.path(&self.folder);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(HarnessError::Write { path, source })
            }
            _ => Ok(()),
        }
    }
}
