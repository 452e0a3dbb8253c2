use std::collections::HashMap;
use std::path::Path;

use super::rows::Row;
use super::{Column, CsvError, CsvProblem, field};

/// Whether the first line of a table names its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Header {
    /// It should, but a number among the names is refused: the line may be data, and would be lost.
    #[default]
    Expected,
    /// It does, whatever the names look like.
    Present,
    /// It is data already. Columns are named `column_0`, `column_1`, ….
    Absent,
}

/// Which column of a table serves for what.
#[derive(Debug)]
pub(super) struct Layout {
    /// The names of all columns.
    pub(super) names: Vec<String>,
    /// The positions of the inputs.
    pub(super) inputs: Vec<usize>,
    /// The positions of the targets, in the order asked for.
    pub(super) targets: Vec<usize>,
}

impl Layout {
    /// Reads the names and finds the columns asked for; the rest, but for those ignored, are inputs.
    pub(super) fn new(
        file: &Path,
        header: Header,
        first: Row<'_>,
        targets: &[Column],
        ignored: &[Column],
    ) -> Result<Self, CsvError> {
        let names = match header {
            Header::Expected => without_numbers(file, first, read_names(file, first)?)?,
            Header::Present => read_names(file, first)?,
            Header::Absent => (0..first.fields.len())
                .map(|index| format!("column_{index}"))
                .collect(),
        };
        let mut by_name = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            let earlier = (!name.is_empty())
                .then(|| by_name.insert(name.as_str(), index))
                .flatten();
            if let Some(earlier) = earlier {
                let problem = CsvProblem::DuplicateColumn { first: earlier + 1 };
                let at = format!("#{} {}", index + 1, field::shorten(name));
                return Err(CsvError::new(file, problem)
                    .on_line(first.line)
                    .in_column(at));
            }
        }
        let mut free = vec![true; names.len()];
        let mut claim = |column: &Column| {
            let position = match column {
                Column::Name(name) => by_name.get(name.trim()).copied(),
                Column::Index(index) => (*index < names.len()).then_some(*index),
            };
            let position = position.ok_or_else(|| {
                CsvError::new(
                    file,
                    CsvProblem::MissingColumn {
                        column: column.clone(),
                        available: names.clone(),
                    },
                )
                .on_line(first.line)
            })?;
            if std::mem::replace(&mut free[position], false) {
                Ok(position)
            } else {
                Err(CsvError::new(file, CsvProblem::RepeatedColumn).in_column(&names[position]))
            }
        };
        let targets = targets
            .iter()
            .map(&mut claim)
            .collect::<Result<Vec<_>, _>>()?;
        for column in ignored {
            claim(column)?;
        }
        Ok(Layout {
            inputs: (0..names.len()).filter(|&index| free[index]).collect(),
            names,
            targets,
        })
    }

    /// Passes if there are inputs, and every column that is one or a target has a name.
    pub(super) fn named(self, file: &Path, line: u64) -> Result<Self, CsvError> {
        if self.inputs.is_empty() {
            return Err(CsvError::new(file, CsvProblem::NoInputs).on_line(line));
        }
        let mut used = self.inputs.iter().chain(&self.targets);
        if let Some(&index) = used.find(|&&index| self.names[index].is_empty()) {
            let error = CsvError::new(file, CsvProblem::UnnamedColumn);
            return Err(error.on_line(line).in_column(format!("#{}", index + 1)));
        }
        Ok(self)
    }

    /// The names of the columns at these positions.
    pub(super) fn names_of(&self, positions: &[usize]) -> impl Iterator<Item = String> {
        positions
            .iter()
            .map(|&position| self.names[position].clone())
    }
}

fn read_names(file: &Path, first: Row<'_>) -> Result<Vec<String>, CsvError> {
    let name = |(index, bytes)| {
        let named = |problem| {
            CsvError::new(file, problem)
                .on_line(first.line)
                .in_column(format!("#{}", index + 1))
        };
        field::text(bytes).map(str::to_owned).map_err(named)
    };
    first
        .fields
        .iter()
        .enumerate()
        .map(name)
        .collect::<Result<Vec<_>, _>>()
}

fn without_numbers(
    file: &Path,
    first: Row<'_>,
    names: Vec<String>,
) -> Result<Vec<String>, CsvError> {
    let number = |name: &String| name.parse::<f64>().is_ok_and(f64::is_finite);
    if names.iter().any(number) {
        let problem = CsvProblem::NumericHeader {
            first_row: field::shorten(&names.join(", ")),
        };
        return Err(CsvError::new(file, problem).on_line(first.line));
    }
    Ok(names)
}
