use std::fmt;

/// A column of a table, by name or by position.
///
/// Made from a `&str`, a `String` or a `usize`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Column {
    /// The column with this name in the header, letter for letter.
    Name(String),
    /// The column at this position, from 0.
    Index(usize),
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Column::Name(name.to_owned())
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Column::Name(name)
    }
}

impl From<usize> for Column {
    fn from(index: usize) -> Self {
        Column::Index(index)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Name(name) => write!(f, "`{name}`"),
            Column::Index(index) => write!(f, "number {index} (from 0)"),
        }
    }
}
