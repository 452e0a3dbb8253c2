//! Numbers in rows and columns, for a reader and as CSV.

use serde::{Deserialize, Serialize};

use super::{Quantity, number};

/// A column of a [`Table`]: its name, its unit, and how many significant digits a reader is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name, in the inline markup of [`super::markup`].
    pub name: String,
    /// The unit, empty for pure numbers and text.
    pub unit: String,
    /// Significant digits of numbers shown to a reader; CSV keeps them all.
    pub digits: usize,
    /// Whether the column holds words, which are set flush left.
    pub words: bool,
}

impl Column {
    /// A column of pure numbers.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            unit: String::new(),
            digits: number::DIGITS,
            words: false,
        }
    }

    /// A column of words.
    #[must_use]
    pub fn text(name: impl Into<String>) -> Self {
        Self {
            words: true,
            ..Self::new(name)
        }
    }

    /// Sets the unit.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Sets the number of significant digits.
    #[must_use]
    pub fn digits(mut self, digits: usize) -> Self {
        self.digits = digits;
        self
    }

    /// Name and unit as a heading: `loss / nats`.
    #[must_use]
    pub fn heading(&self) -> String {
        if self.unit.is_empty() {
            self.name.clone()
        } else {
            format!("{} / {}", self.name, self.unit)
        }
    }
}

/// A table with a caption. `name` is its file name within the experiment, `[a-z0-9-]`.
///
/// ```
/// use neuromanifold_harness::{Column, Table};
///
/// let columns = [Column::text("optimiser"), Column::new("loss").unit("nats").digits(3)];
/// let mut table = Table::new("losses", "Final losses.", columns);
/// table.row(["natural gradient".into(), 1.25e-7.into()]);
/// assert_eq!(table.csv(), "optimiser,loss / nats\nnatural gradient,1.25e-7\n");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// File name within the experiment, without extension.
    pub name: String,
    /// What the table shows.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; each has one quantity a column.
    pub rows: Vec<Vec<Quantity>>,
}

impl Table {
    /// A table without rows.
    ///
    /// # Panics
    /// If the name is empty or has other characters than `a`–`z`, `0`–`9` and `-`.
    #[must_use]
    #[track_caller]
    pub fn new(
        name: impl Into<String>,
        caption: impl Into<String>,
        columns: impl IntoIterator<Item = Column>,
    ) -> Self {
        let name = name.into();
        super::assert_file_name(&name);
        Self {
            name,
            caption: caption.into(),
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the row has not one quantity a column: that is a bug of the experiment.
    #[track_caller]
    pub fn row(&mut self, row: impl IntoIterator<Item = Quantity>) -> &mut Self {
        let row: Vec<_> = row.into_iter().collect();
        assert_eq!(
            row.len(),
            self.columns.len(),
            "table `{}` has {} columns",
            self.name,
            self.columns.len()
        );
        self.rows.push(row);
        self
    }

    /// The table as CSV with a header line; numbers keep all their digits.
    #[must_use]
    pub fn csv(&self) -> String {
        let header = self.columns.iter().map(Column::heading).collect::<Vec<_>>();
        let rows = self.rows.iter().map(|row| {
            row.iter()
                .map(|cell| match cell {
                    Quantity::Number(value) => number::exact(*value),
                    Quantity::Text(text) => text.clone(),
                })
                .collect()
        });
        csv_text(std::iter::once(header).chain(rows))
    }
}

/// Records of fields as CSV, quoted where needed.
pub(crate) fn csv_text(rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(&row)
            .expect("writing to memory does not fail");
    }
    let bytes = writer
        .into_inner()
        .expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("fields are UTF-8")
}
