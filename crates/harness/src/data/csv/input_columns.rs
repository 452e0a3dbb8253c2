use std::fs::File;
use std::io::Read;
use std::path::Path;

use faer::MatRef;

use super::header::Layout;
use super::rows::{Row, Rows};
use super::{Column, CsvError, CsvProblem, Delimiter, Header, field};

/// Columns of a table as the inputs of a model, without a target.
///
/// What a trained model is asked about: the same rules as for a [`CsvSource`](super::CsvSource), of which only the chosen
/// columns have to hold numbers.
///
/// ```
/// use neuromanifold_harness::data::{Column, Delimiter, Header, InputColumns};
///
/// let table = "id,width,height\nA7,1.5,2\nB2,0.5,3\n";
/// let chosen = [Column::from("height"), Column::from("width")];
/// let inputs = InputColumns::read_from(
///     "trees.csv", table.as_bytes(), Some(&chosen), &[], Header::Expected, Delimiter::Detect,
/// )?;
/// assert_eq!(inputs.names(), ["height", "width"]);
/// assert_eq!(inputs.matrix().col(1).iter().copied().collect::<Vec<_>>(), [3.0, 0.5]);
/// # Ok::<(), neuromanifold_harness::data::CsvError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct InputColumns {
    names: Vec<String>,
    values: Vec<f64>,
}

impl InputColumns {
    /// Reads the chosen columns of a file in the order given, or all of them but the excepted.
    ///
    /// # Errors
    /// [`CsvError`] with file, line and column for everything that is wrong with it.
    pub fn read(
        file: impl AsRef<Path>,
        chosen: Option<&[Column]>,
        except: &[Column],
        header: Header,
        delimiter: Delimiter,
    ) -> Result<Self, CsvError> {
        let file = file.as_ref();
        let source =
            File::open(file).map_err(|error| CsvError::new(file, CsvProblem::Open(error)))?;
        Self::read_from(file, source, chosen, except, header, delimiter)
    }

    /// Reads the table from something else than the file, whose name then only serves for messages (and for the ending `.gz`).
    ///
    /// # Errors
    /// [`CsvError`] with file, line and column for everything that is wrong with it.
    pub fn read_from(
        file: impl AsRef<Path>,
        source: impl Read,
        chosen: Option<&[Column]>,
        except: &[Column],
        header: Header,
        delimiter: Delimiter,
    ) -> Result<Self, CsvError> {
        let file = file.as_ref();
        let mut rows = Rows::new(file, source, delimiter)?;
        let first = rows
            .next_row()?
            .ok_or_else(|| CsvError::new(file, CsvProblem::Empty))?;
        let layout = Layout::new(file, header, first, chosen.unwrap_or(&[]), except)?;
        let positions = match chosen {
            Some(_) => &layout.targets,
            None => &layout.inputs,
        };
        if positions.is_empty() {
            return Err(CsvError::new(file, CsvProblem::NoInputs).on_line(first.line));
        }
        let mut inputs = Self {
            names: positions.iter().map(|p| layout.names[*p].clone()).collect(),
            values: Vec::new(),
        };
        if header == Header::Absent {
            inputs.push(file, &layout.names, positions, first)?;
        }
        while let Some(row) = rows.next_row()? {
            inputs.push(file, &layout.names, positions, row)?;
        }
        if inputs.values.is_empty() {
            return Err(CsvError::new(file, CsvProblem::NoRows));
        }
        Ok(inputs)
    }

    fn push(
        &mut self,
        file: &Path,
        names: &[String],
        positions: &[usize],
        row: Row<'_>,
    ) -> Result<(), CsvError> {
        let (expected, found) = (names.len(), row.fields.len());
        if found != expected {
            return Err(
                CsvError::new(file, CsvProblem::Ragged { expected, found }).on_line(row.line)
            );
        }
        for &position in positions {
            let value = field::number(&row.fields[position]).map_err(|problem| {
                CsvError::new(file, problem)
                    .on_line(row.line)
                    .in_column(&names[position])
            })?;
            self.values.push(value);
        }
        Ok(())
    }

    /// The names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// X ∈ ℝ^{n×N}, one example a column.
    #[must_use]
    pub fn matrix(&self) -> MatRef<'_, f64> {
        let inputs = self.names.len();
        MatRef::from_column_major_slice(&self.values, inputs, self.values.len() / inputs)
    }

    /// The numbers of [`matrix`](Self::matrix), example by example.
    #[must_use]
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        table: &str,
        chosen: Option<&[Column]>,
        except: &[Column],
    ) -> Result<InputColumns, CsvError> {
        let (header, delimiter) = (Header::Expected, Delimiter::Detect);
        InputColumns::read_from("t.csv", table.as_bytes(), chosen, except, header, delimiter)
    }

    #[test]
    fn all_columns_but_the_excepted() {
        let table = "a,b,y\n1,2,oak\n3,4,fir\n";
        let inputs = read(table, None, &["y".into()]).unwrap();
        assert_eq!(inputs.names(), ["a", "b"]);
        assert_eq!(inputs.into_values(), [1.0, 2.0, 3.0, 4.0]);
        assert!(read(table, None, &[]).is_err());
    }

    #[test]
    fn every_column_may_be_chosen_and_others_may_be_nameless() {
        let all = [Column::from("b"), Column::from("a")];
        assert_eq!(
            read("a,b\n1,2\n", Some(&all), &[]).unwrap().into_values(),
            [2.0, 1.0]
        );
        assert_eq!(
            read(",a,b\n0,1,2\n", Some(&all), &[])
                .unwrap()
                .into_values(),
            [2.0, 1.0]
        );
    }

    #[test]
    fn a_table_without_rows_or_columns_is_refused() {
        assert!(read("a,b\n", None, &[]).is_err());
        assert!(read("", None, &[]).is_err());
        assert!(read("a\n1\n", None, &["a".into()]).is_err());
        assert!(read("a,b\n1\n", None, &[]).is_err());
    }
}
