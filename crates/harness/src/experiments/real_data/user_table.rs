//! A table of the user's own as a problem.

use neuromanifold_mlp::Mlp;

use super::problem::{Problem, labelled, regression, shares, standardised};
use crate::data::{CsvSource, Dataset, Split, Standardizer, TaskKind};
use crate::{Context, HarnessError, UserData};

/// The most values a target may have and still be read as labels.
const MOST_CLASSES: usize = 10;
/// The most training, validation and test examples that are used.
const MOST_EXAMPLES: usize = 10_000;
/// The most parameters of the network, as long as it has one hidden unit.
const MOST_PARAMETERS: usize = 1_500;
/// Stream of the generator that draws and splits the examples.
const STREAM: u64 = 4;

/// The table with the column to predict, and a network with at most ten hidden units for it.
///
/// A target with at most ten different values that are words or whole numbers is a class, any other a number. Inputs, and
/// targets that are numbers, are standardised. Of a table of more than 10,000 rows as many are drawn.
pub(super) fn problem(data: &UserData, context: &Context) -> Result<Problem, HarnessError> {
    let table = drawn(read(data)?, context);
    let hidden = hidden_units(table.input_dimension(), table.output_dimension());
    if table.task().classes().is_none() {
        return regression("your data", table, hidden, "", STREAM, context);
    }
    let parts =
        Split::random(table.len(), shares()?, &mut context.rng(1_000 + STREAM))?.apply(&table);
    let standardizer = Standardizer::inputs(&parts.train)?;
    labelled("your data", standardised(&standardizer, &parts)?, hidden)
}

/// Reads the table and sees that it can be split, so that a run does not start with one that cannot be used.
pub(super) fn check(data: &UserData) -> Result<(), HarnessError> {
    let table = read(data)?;
    shares()?.counts(table.len().min(MOST_EXAMPLES))?;
    Ok(())
}

fn read(data: &UserData) -> Result<Dataset, HarnessError> {
    let source = CsvSource::new(&data.path, data.target.as_str());
    // Whatever is wrong with the table is reported by reading it as numbers, which says more.
    let labels = source.clone().task(TaskKind::Classification).read();
    match labels {
        Ok(table) if are_classes(table.class_names()) => match table.class_names().len() {
            2 => Ok(source.task(TaskKind::Binary).read()?),
            _ => Ok(table),
        },
        _ => Ok(source.read()?),
    }
}

fn are_classes(labels: &[String]) -> bool {
    let values: Option<Vec<f64>> = labels.iter().map(|label| label.parse().ok()).collect();
    let whole = values.is_none_or(|values| values.iter().all(|value| value.fract().abs() <= 0.0));
    whole && labels.len() <= MOST_CLASSES
}

fn drawn(table: Dataset, context: &Context) -> Dataset {
    if table.len() <= MOST_EXAMPLES {
        return table;
    }
    let mut rng = context.rng(2_000 + STREAM);
    table.select(&rand::seq::index::sample(&mut rng, table.len(), MOST_EXAMPLES).into_vec())
}

/// As many hidden units as keep the network small, one to ten.
fn hidden_units(inputs: usize, outputs: usize) -> usize {
    (1..=10)
        .rev()
        .find(|hidden| parameters(inputs, *hidden, outputs) <= MOST_PARAMETERS)
        .unwrap_or(1)
}

fn parameters(inputs: usize, hidden: usize, outputs: usize) -> usize {
    Mlp::new(
        &[inputs, hidden, outputs],
        neuromanifold_mlp::Activation::Tanh,
    )
    .map_or(usize::MAX, |net| net.parameters())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_whole_numbers_or_words_are_classes() {
        let classes = |labels: &[&str]| {
            are_classes(&labels.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>())
        };
        assert!(classes(&["0", "1"]) && classes(&["-1", "1.0", "7"]) && classes(&["cat", "2.5"]));
        assert!(!classes(&["0.5", "1"]), "fractions are measured");
        let many: Vec<String> = (0..11).map(|k| k.to_string()).collect();
        assert!(!are_classes(&many), "many values are counted");
    }

    #[test]
    fn networks_stay_small() {
        assert_eq!(hidden_units(5, 1), 10);
        assert_eq!(hidden_units(700, 1), 2);
        assert_eq!(hidden_units(100_000, 1), 1);
    }
}
