use std::collections::HashSet;

use faer::MatRef;

use super::Dataset;
use crate::data::{DataError, Task};

impl Dataset {
    /// A regression data set from inputs n×N and targets K×N.
    ///
    /// # Errors
    /// [`DataError::Shape`] if n = 0, K = 0 or the numbers of columns differ;
    /// [`DataError::NotFinite`] for NaN or infinity.
    pub fn regression(
        name: impl Into<String>,
        inputs: MatRef<'_, f64>,
        targets: MatRef<'_, f64>,
    ) -> Result<Self, DataError> {
        let task = Task::Regression {
            outputs: targets.nrows(),
        };
        Self::from_columns(
            name,
            task,
            inputs.nrows(),
            flatten(inputs),
            flatten(targets),
        )
    }

    /// A data set of two classes from inputs n×N and N labels; `true` is written 1.
    ///
    /// # Errors
    /// [`DataError::Shape`] if n = 0 or the lengths differ; [`DataError::NotFinite`] for NaN or
    /// infinity.
    pub fn binary(
        name: impl Into<String>,
        inputs: MatRef<'_, f64>,
        labels: &[bool],
    ) -> Result<Self, DataError> {
        let targets = labels
            .iter()
            .map(|&label| f64::from(u8::from(label)))
            .collect();
        Self::from_columns(name, Task::Binary, inputs.nrows(), flatten(inputs), targets)
    }

    /// A data set of `classes` classes from inputs n×N and N class indices.
    ///
    /// # Errors
    /// [`DataError::Shape`] if n = 0 or the lengths differ; [`DataError::NotFinite`] for NaN or
    /// infinity; [`DataError::TooFewClasses`] if there are fewer than two; [`DataError::Label`] for
    /// an index beyond the last class.
    pub fn classification(
        name: impl Into<String>,
        inputs: MatRef<'_, f64>,
        labels: &[usize],
        classes: usize,
    ) -> Result<Self, DataError> {
        let name = name.into();
        if classes < 2 {
            return Err(DataError::TooFewClasses {
                dataset: name,
                classes,
            });
        }
        if let Some((example, &label)) = labels
            .iter()
            .enumerate()
            .find(|&(_, &label)| label >= classes)
        {
            return Err(DataError::Label {
                dataset: name,
                example,
                label,
                classes,
            });
        }
        let targets = labels.iter().map(|&label| label as f64).collect();
        Self::from_columns(
            name,
            Task::Classification { classes },
            inputs.nrows(),
            flatten(inputs),
            targets,
        )
    }

    /// The common constructor, from flat arrays; labels are the caller's responsibility.
    pub(in crate::data) fn from_columns(
        name: impl Into<String>,
        task: Task,
        dimension: usize,
        inputs: Vec<f64>,
        targets: Vec<f64>,
    ) -> Result<Self, DataError> {
        let data = Dataset {
            name: name.into(),
            task,
            dimension,
            inputs,
            targets,
            input_names: numbered("x", dimension),
            target_names: numbered("y", task.targets_per_example()),
            class_names: (0..task.classes().unwrap_or(0))
                .map(|class| class.to_string())
                .collect(),
        };
        for (quantity, count) in [
            ("the number of inputs", dimension),
            ("the number of outputs", task.outputs()),
        ] {
            if count == 0 {
                return Err(data.shape(quantity, 1, 0));
            }
        }
        let examples = data.inputs.len() / dimension;
        data.expect(
            "the number of inputs of all examples",
            examples * dimension,
            data.inputs.len(),
        )?;
        data.expect(
            "the number of targets",
            examples * task.targets_per_example(),
            data.targets.len(),
        )?;
        data.check_finite()?;
        Ok(data)
    }

    /// The same data with the inputs renamed; without this they are `x_0`, `x_1`, ….
    ///
    /// # Errors
    /// [`DataError::Shape`] unless there are n names; [`DataError::DuplicateName`] unless they
    /// differ.
    pub fn with_input_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        self.input_names = self.distinct("the number of input names", self.dimension, names)?;
        Ok(self)
    }

    /// The same data with the targets renamed (one name for labels, K for regression); without this
    /// they are `y`, or `y_0`, `y_1`, ….
    ///
    /// # Errors
    /// [`DataError::Shape`] for a wrong number of names; [`DataError::DuplicateName`] unless they
    /// differ.
    pub fn with_target_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        self.target_names = self.distinct(
            "the number of target names",
            self.task.targets_per_example(),
            names,
        )?;
        Ok(self)
    }

    /// The same data with the classes named, in order of their index; without this they are `0`,
    /// `1`, ….
    ///
    /// # Errors
    /// [`DataError::Shape`] unless there is one name for each class (none for regression);
    /// [`DataError::DuplicateName`] unless they differ.
    pub fn with_class_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        self.class_names =
            self.distinct("the number of class names", self.class_names.len(), names)?;
        Ok(self)
    }

    pub(super) fn check_finite(&self) -> Result<(), DataError> {
        for (numbers, names) in [
            (&self.inputs, &self.input_names),
            (&self.targets, &self.target_names),
        ] {
            if let Some((index, &value)) = numbers
                .iter()
                .enumerate()
                .find(|(_, value)| !value.is_finite())
            {
                return Err(DataError::NotFinite {
                    dataset: self.name.clone(),
                    variable: names[index % names.len()].clone(),
                    example: index / names.len(),
                    value,
                });
            }
        }
        Ok(())
    }

    fn distinct<S: Into<String>>(
        &self,
        quantity: &'static str,
        expected: usize,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Vec<String>, DataError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        self.expect(quantity, expected, names.len())?;
        let mut seen = HashSet::new();
        match names.iter().find(|name| !seen.insert(name.as_str())) {
            Some(name) => Err(DataError::DuplicateName {
                dataset: self.name.clone(),
                name: name.clone(),
            }),
            None => Ok(names),
        }
    }

    fn expect(
        &self,
        quantity: &'static str,
        expected: usize,
        found: usize,
    ) -> Result<(), DataError> {
        if expected == found {
            Ok(())
        } else {
            Err(self.shape(quantity, expected, found))
        }
    }

    pub(in crate::data) fn shape(
        &self,
        quantity: &'static str,
        expected: usize,
        found: usize,
    ) -> DataError {
        DataError::Shape {
            dataset: self.name.clone(),
            quantity,
            expected,
            found,
        }
    }
}

fn numbered(stem: &str, count: usize) -> Vec<String> {
    if count == 1 {
        vec![stem.to_owned()]
    } else {
        (0..count).map(|index| format!("{stem}_{index}")).collect()
    }
}

fn flatten(matrix: MatRef<'_, f64>) -> Vec<f64> {
    matrix
        .col_iter()
        .flat_map(|column| column.iter().copied())
        .collect()
}
