//! An experiment that was run: who, how, and what came of it.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Effort, UserData};
use crate::fnv::Fnv;
use crate::{Claim, HarnessError, Record, Source};

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The experiment came to its end.
    Complete(Record),
    /// The experiment stopped with an error.
    Failed {
        /// What the error says.
        error: String,
    },
    /// The user stopped the run before the experiment came to its end.
    Interrupted,
}

/// Which table of the user's was used: a later run has the same data if all three agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The file and the target column.
    #[serde(flatten)]
    pub data: UserData,
    /// A 64-bit FNV-1a hash of the bytes of the file, in hexadecimal.
    pub hash: String,
}

impl Fingerprint {
    /// Reads the file.
    ///
    /// # Errors
    /// [`HarnessError::Read`] if the file cannot be read.
    pub fn of(data: &UserData) -> Result<Self, HarnessError> {
        let bytes = read(&data.path)?;
        Ok(Self {
            data: data.clone(),
            hash: format!("{:016x}", Fnv::of(&bytes)),
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, HarnessError> {
    std::fs::read(path).map_err(|source| HarnessError::Read {
        path: path.to_owned(),
        source,
    })
}

/// An experiment that was run; what `record.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The name of the experiment.
    pub experiment: String,
    /// Its title.
    pub title: String,
    /// The question it answers.
    pub question: String,
    /// Where its claims come from.
    pub sources: Vec<Source>,
    /// The seed.
    pub seed: u64,
    /// How much work was done.
    pub effort: Effort,
    /// The user's own data, if the experiment takes them and some were given.
    pub data: Option<Fingerprint>,
    /// The version of this crate.
    pub version: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Run {
    /// The record, if the experiment came to its end.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        match &self.outcome {
            Outcome::Complete(record) => Some(record),
            _ => None,
        }
    }

    /// The claims of the record. An experiment that did not come to its end has one, that it does so, which fails.
    #[must_use]
    pub fn claims(&self) -> Cow<'_, [Claim]> {
        let reason = match &self.outcome {
            Outcome::Complete(record) => return Cow::Borrowed(&record.claims),
            Outcome::Failed { error } => error.as_str(),
            Outcome::Interrupted => "interrupted",
        };
        let claim = Claim::that(
            "the experiment comes to its end",
            "a record",
            reason,
            "exact",
            false,
        );
        Cow::Owned(vec![claim])
    }

    /// Whether the experiment came to its end and every claim holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.record().is_some_and(Record::holds)
    }

    /// The command that repeats the run.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = format!(
            "cargo xtask experiments {} --seed {}",
            self.experiment, self.seed
        );
        if let Some(flag) = self.effort.flag() {
            command.push(' ');
            command.push_str(flag);
        }
        if let Some(Fingerprint { data, .. }) = &self.data {
            command.push_str(&format!(
                " --data {} --target {}",
                quoted(&data.path.to_string_lossy()),
                quoted(&data.target)
            ));
        }
        command
    }

    /// Whether a run with these settings would give the same record, so that it need not be repeated.
    pub(super) fn answers(&self, seed: u64, effort: Effort, data: Option<&Fingerprint>) -> bool {
        self.record().is_some()
            && self.seed == seed
            && self.effort == effort
            && self.data.as_ref() == data
            && self.version == env!("CARGO_PKG_VERSION")
    }
}

/// The word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
