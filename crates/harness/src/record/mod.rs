//! What an experiment leaves behind: claims with verdicts, tables, figures, prose and sources.

mod claim;
pub mod markup;
pub mod number;
mod quantity;
mod source;
mod table;

pub use claim::Claim;
pub use quantity::Quantity;
pub use source::Source;
pub use table::{Column, Table};

pub(crate) use table::csv_text;

use serde::{Deserialize, Serialize};

use crate::figure::Figure;

/// One piece of the body of a [`Record`], in reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Block {
    /// A heading of the experiment's own.
    Heading {
        /// The heading, in the inline markup of [`markup`].
        text: String,
    },
    /// A paragraph of prose.
    Paragraph {
        /// The prose, in the inline markup of [`markup`].
        text: String,
    },
    /// A figure.
    Figure(Figure),
    /// A table.
    Table(Table),
}

/// What an experiment found: its body (prose, figures, tables, in reading order) and its claims.
///
/// The experiment fills it; the runner adds who, when and how (see [`crate::experiment::Run`]).
/// All text is in the inline markup of [`markup`]: `*emphasis*`, `` `code` ``, `x_{sub}`, `x^{sup}`, `[text](https://…)`.
///
/// ```
/// use neuromanifold_harness::{Claim, Column, Record, Table};
///
/// let mut record = Record::new();
/// record.heading("Remainder");
/// record.paragraph("The fitted order is that of the first neglected term.");
/// let mut table = Table::new("orders", "Fitted orders.", [Column::text("likelihood"), Column::new("order")]);
/// table.row(["gaussian".into(), 3.01.into()]);
/// record.table(table);
/// record.claim(Claim::at_least("order of the remainder", 2.9, 3.01));
/// assert!(record.holds());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The claims, in the order in which they were made.
    pub claims: Vec<Claim>,
    /// Prose, figures and tables, in reading order.
    pub body: Vec<Block>,
}

impl Record {
    /// A record with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a heading to the body.
    pub fn heading(&mut self, text: impl Into<String>) -> &mut Self {
        self.body.push(Block::Heading { text: text.into() });
        self
    }

    /// Adds a paragraph to the body.
    pub fn paragraph(&mut self, text: impl Into<String>) -> &mut Self {
        self.body.push(Block::Paragraph { text: text.into() });
        self
    }

    /// Adds a figure to the body.
    ///
    /// # Panics
    /// If a figure or table of the same name is there already: both would be written to one file.
    #[track_caller]
    pub fn figure(&mut self, figure: Figure) -> &mut Self {
        self.assert_new(&figure.name);
        self.body.push(Block::Figure(figure));
        self
    }

    /// Adds a table to the body.
    ///
    /// # Panics
    /// If a figure or table of the same name is there already: both would be written to one file.
    #[track_caller]
    pub fn table(&mut self, table: Table) -> &mut Self {
        self.assert_new(&table.name);
        self.body.push(Block::Table(table));
        self
    }

    /// Adds a claim.
    pub fn claim(&mut self, claim: Claim) -> &mut Self {
        self.claims.push(claim);
        self
    }

    /// Whether every claim holds. A record without claims claims nothing false.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.claims.iter().all(|claim| claim.holds)
    }

    /// The figures, in reading order.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.body.iter().filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }

    /// The tables, in reading order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.body.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
    }

    #[track_caller]
    fn assert_new(&self, name: &str) {
        let mut names = self
            .figures()
            .map(|figure| &figure.name)
            .chain(self.tables().map(|table| &table.name));
        assert!(
            names.all(|other| other != name),
            "the record has a figure or table `{name}` already"
        );
    }
}

/// Names of figures, tables and experiments become file names, so they are plain.
///
/// # Panics
/// If the name is empty or has other characters than `a`–`z`, `0`–`9` and `-`.
#[track_caller]
pub(crate) fn assert_file_name(name: &str) {
    let plain = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    assert!(
        !name.is_empty() && name.chars().all(plain),
        "`{name}` is no name: use a-z, 0-9 and -"
    );
}
