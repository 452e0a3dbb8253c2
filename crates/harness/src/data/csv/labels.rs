use std::collections::HashMap;

use super::{CsvProblem, field};

/// The labels of a target column, numbered as they first occur until the whole column is known.
#[derive(Debug, Default)]
pub(super) struct Labels {
    names: Vec<String>,
    numbers: HashMap<String, usize>,
    closed: bool,
}

impl Labels {
    /// Labels that must be among these, numbered in this order.
    pub(super) fn given(names: &[String]) -> Self {
        let mut labels = Labels::default();
        for name in names {
            labels.intern(name);
        }
        Labels {
            closed: true,
            ..labels
        }
    }

    /// The provisional number of the label in a field.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<usize, CsvProblem> {
        let label = field::text(bytes)?;
        if label.is_empty() {
            return Err(CsvProblem::EmptyField);
        }
        if let Some(&number) = self.numbers.get(label) {
            return Ok(number);
        }
        if self.closed {
            let (label, classes) = (field::shorten(label), self.names.clone());
            return Err(CsvProblem::UnknownLabel { label, classes });
        }
        if label.parse::<f64>().is_ok_and(|value| !value.is_finite()) {
            return Err(CsvProblem::NotFinite {
                field: field::shorten(label),
            });
        }
        Ok(self.intern(label))
    }

    /// The class names in their final order, and the class of each provisional number.
    ///
    /// Labels that are all numbers are sorted by value, and those of equal value (`1` and `1.0`)
    /// are one class, named as first spelt; other labels are sorted as text. Given names keep their
    /// order.
    pub(super) fn sort(self) -> (Vec<String>, Vec<usize>) {
        if self.closed {
            let identity = (0..self.names.len()).collect();
            return (self.names, identity);
        }
        // `-0` and `0` are one number, and `total_cmp` would tell them apart.
        let value = |name: &String| name.parse::<f64>().ok().map(|value| value + 0.0);
        let values: Option<Vec<f64>> = self.names.iter().map(value).collect();
        let order = |a: usize, b: usize| match &values {
            Some(values) => values[a].total_cmp(&values[b]),
            None => self.names[a].cmp(&self.names[b]),
        };
        let mut sorted: Vec<usize> = (0..self.names.len()).collect();
        sorted.sort_by(|&a, &b| order(a, b));
        let mut names: Vec<String> = Vec::new();
        let mut classes = vec![0; sorted.len()];
        for (rank, &number) in sorted.iter().enumerate() {
            if rank == 0 || order(sorted[rank - 1], number).is_ne() {
                names.push(self.names[number].clone());
            }
            classes[number] = names.len() - 1;
        }
        (names, classes)
    }

    fn intern(&mut self, label: &str) -> usize {
        let number = self.names.len();
        self.names.push(label.to_owned());
        self.numbers.insert(label.to_owned(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::Labels;

    fn check(column: &[&str], names: &[&str], classes: &[usize]) {
        let mut labels = Labels::default();
        let numbers: Vec<usize> = column
            .iter()
            .map(|label| labels.read(label.as_bytes()).unwrap())
            .collect();
        let (sorted, class_of) = labels.sort();
        assert_eq!(sorted, names);
        assert_eq!(
            numbers
                .iter()
                .map(|&number| class_of[number])
                .collect::<Vec<_>>(),
            classes
        );
    }

    #[test]
    fn numbers_by_value_and_words_as_text() {
        check(&["10", "2", "10", "-1"], &["-1", "2", "10"], &[2, 1, 2, 0]);
        check(&["10", "2", "x"], &["10", "2", "x"], &[0, 1, 2]);
        check(&["no", "yes", " no "], &["no", "yes"], &[0, 1, 0]);
        check(&["1.0", "0", "1", "-0"], &["0", "1.0"], &[1, 0, 1, 0]);
    }

    #[test]
    fn missing_labels_are_refused() {
        let mut labels = Labels::default();
        for field in ["", " ", "nan", "inf"] {
            assert!(labels.read(field.as_bytes()).is_err(), "{field:?}");
        }
    }

    #[test]
    fn a_class_may_be_called_inf_if_that_is_said() {
        let mut labels = Labels::given(&["fin".to_owned(), "inf".to_owned()]);
        assert_eq!(labels.read(b"inf").unwrap(), 1);
    }

    #[test]
    fn given_names_keep_their_order_and_admit_no_others() {
        let mut labels = Labels::given(&["b".to_owned(), "a".to_owned()]);
        assert_eq!(labels.read(b"a").unwrap(), 1);
        assert!(labels.read(b"c").is_err());
        assert_eq!(
            labels.sort(),
            (vec!["b".to_owned(), "a".to_owned()], vec![0, 1])
        );
    }
}
