//! The same problems without files: fixed seeds and embedded data sets.

use neuromanifold_harness::data::{DelayEmbedding, MackeyGlass, diabetes, digits};

use super::{Examples, Law, Specification, parameters};
use crate::BenchError;
use crate::reference::outputs;
use crate::split_mix::{normal, uniform};

type Parts = (Examples, Option<Examples>, Vec<Vec<f64>>);

pub(super) fn problem(of: &Specification) -> Result<Parts, BenchError> {
    let starts = (0..of.starts as u64)
        .map(|k| initial(of.widths, of.start_seed + k))
        .collect();
    let (train, test) = match of.tag {
        "p5a" => (committee(of), None),
        "p5b" => mackey_glass(of)?,
        "diabetes" => (standardised_diabetes()?, None),
        "digits" => shuffled_digits(of)?,
        _ => (taught(of), None),
    };
    Ok((train, test, starts))
}

/// `W ~ N(0, 1/in)`, `b ~ 0.1 N(0, 1)`, one stream of normal numbers in the order of θ.
fn initial(widths: &[usize], seed: u64) -> Vec<f64> {
    let mut theta = normal(seed, parameters(widths));
    let mut rest = theta.as_mut_slice();
    for pair in widths.windows(2) {
        let (weights, after) = rest.split_at_mut(pair[0] * pair[1]);
        let (biases, after) = after.split_at_mut(pair[1]);
        let scale = 1.0 / (pair[0] as f64).sqrt();
        weights.iter_mut().for_each(|w| *w *= scale);
        biases.iter_mut().for_each(|b| *b *= 0.1);
        rest = after;
    }
    theta
}

/// Normal inputs, and the answers of a teacher of the same shape: its output, or the class it finds likeliest.
fn taught(of: &Specification) -> Examples {
    let inputs = normal(of.seed, of.examples * of.widths[0]);
    let teacher = initial(of.widths, of.seed + 1);
    let answers = inputs
        .chunks_exact(of.widths[0])
        .map(|x| outputs(of.widths, &teacher, x));
    let targets = match of.law {
        Law::Number => answers.map(|z| z[0]).collect(),
        Law::Class => answers.map(|z| first_largest(&z) as f64).collect(),
    };
    Examples { inputs, targets }
}

fn first_largest(z: &[f64]) -> usize {
    let better = |best: usize, k: usize| if z[k] > z[best] { k } else { best };
    (0..z.len()).fold(0, better)
}

/// `y = Σ_k tanh(w_k·x)` with three `w_k ~ 1.5 N(0, I/n)`.
fn committee(of: &Specification) -> Examples {
    let n = of.widths[0];
    let inputs = normal(of.seed, of.examples * n);
    let scale = 1.5 / (n as f64).sqrt();
    let units: Vec<f64> = normal(of.seed + 1, 3 * n)
        .into_iter()
        .map(|w| w * scale)
        .collect();
    let answer = |x: &[f64]| -> f64 {
        let along = |w: &[f64]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        units.chunks_exact(n).map(|w| along(w).tanh()).sum()
    };
    let targets = inputs.chunks_exact(n).map(answer).collect();
    Examples { inputs, targets }
}

fn mackey_glass(of: &Specification) -> Result<(Examples, Option<Examples>), BenchError> {
    let embedding = DelayEmbedding::default();
    let series = MackeyGlass::default().series(embedding.last())?;
    let data = embedding.dataset("Mackey–Glass", &series)?;
    let all = Examples {
        inputs: columns(data.inputs()),
        targets: data.targets().to_vec(),
    };
    let (train, test) = split(all, of.widths[0], of.examples);
    Ok((train, Some(test)))
}

/// Mean 0 and variance 1 (the mean square, not the unbiased estimate) of every input and of the target.
fn standardised_diabetes() -> Result<Examples, BenchError> {
    let data = diabetes()?;
    let mut inputs = columns(data.inputs());
    let mut targets = data.targets().to_vec();
    let n = data.input_dimension();
    for i in 0..n {
        standardise(inputs.iter_mut().skip(i).step_by(n).collect());
    }
    standardise(targets.iter_mut().collect());
    Ok(Examples { inputs, targets })
}

fn standardise(mut values: Vec<&mut f64>) {
    let count = values.len() as f64;
    let mean = values.iter().map(|v| **v).sum::<f64>() / count;
    let square = values.iter().map(|v| (**v - mean).powi(2)).sum::<f64>() / count;
    let deviation = square.sqrt();
    values
        .iter_mut()
        .for_each(|v| **v = (**v - mean) / deviation);
}

/// Shuffled by the order of one uniform number an image.
fn shuffled_digits(of: &Specification) -> Result<(Examples, Option<Examples>), BenchError> {
    let data = digits()?;
    let keys = uniform(of.seed, data.len());
    let mut order: Vec<usize> = (0..data.len()).collect();
    order.sort_by(|a, b| keys[*a].total_cmp(&keys[*b]));
    let data = data.select(&order);
    let all = Examples {
        inputs: columns(data.inputs()),
        targets: data.targets().to_vec(),
    };
    let (train, test) = split(all, of.widths[0], of.examples);
    Ok((train, Some(test)))
}

fn columns(matrix: faer::MatRef<'_, f64>) -> Vec<f64> {
    matrix
        .col_iter()
        .flat_map(|column| column.iter().copied())
        .collect()
}

fn split(mut all: Examples, inputs: usize, at: usize) -> (Examples, Examples) {
    let rest = Examples {
        inputs: all.inputs.split_off(inputs * at),
        targets: all.targets.split_off(at),
    };
    (all, rest)
}
