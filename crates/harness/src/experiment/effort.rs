//! How much work an experiment does.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much work an experiment does for its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// Seconds: whether it runs at all and the claims hold in the small.
    Quick,
    /// A minute: what the claims are stated for.
    #[default]
    Default,
    /// As long as a careful answer takes.
    Full,
}

impl Effort {
    /// The one of three values that belongs to this effort.
    pub fn pick<T>(self, quick: T, default: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Default => default,
            Self::Full => full,
        }
    }

    /// The flag of the command line that asks for it; nothing for the default.
    #[must_use]
    pub fn flag(self) -> Option<&'static str> {
        self.pick(Some("--quick"), None, Some("--full"))
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.pick("quick", "default", "full"))
    }
}
