//! Where a claim comes from.

use serde::{Deserialize, Serialize};

/// A citation: who, what, where, and a DOI or arXiv number.
///
/// ```
/// use neuromanifold_harness::Source;
///
/// let source = Source::new("Amari", 1998, "Natural gradient works efficiently in learning", "Neural Computation 10(2)")
///     .doi("10.1162/089976698300017746");
/// assert_eq!(source.url().as_deref(), Some("https://doi.org/10.1162/089976698300017746"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The authors, as a reader would cite them.
    pub authors: String,
    /// The year of publication.
    pub year: u16,
    /// The title.
    pub title: String,
    /// Journal and volume, proceedings, or publisher.
    pub venue: String,
    /// The digital object identifier, without `https://doi.org/`.
    pub doi: Option<String>,
    /// The arXiv number, without `arXiv:`.
    pub arxiv: Option<String>,
}

impl Source {
    /// A citation without a link.
    #[must_use]
    pub fn new(
        authors: impl Into<String>,
        year: u16,
        title: impl Into<String>,
        venue: impl Into<String>,
    ) -> Self {
        Self {
            authors: authors.into(),
            year,
            title: title.into(),
            venue: venue.into(),
            doi: None,
            arxiv: None,
        }
    }

    /// Adds the digital object identifier.
    #[must_use]
    pub fn doi(mut self, doi: impl Into<String>) -> Self {
        self.doi = Some(doi.into());
        self
    }

    /// Adds the arXiv number.
    #[must_use]
    pub fn arxiv(mut self, arxiv: impl Into<String>) -> Self {
        self.arxiv = Some(arxiv.into());
        self
    }

    /// Where the work is found: its DOI, otherwise its arXiv page.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let doi = self
            .doi
            .as_ref()
            .map(|doi| format!("https://doi.org/{doi}"));
        doi.or_else(|| {
            self.arxiv
                .as_ref()
                .map(|number| format!("https://arxiv.org/abs/{number}"))
        })
    }
}
