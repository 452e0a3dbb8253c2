//! Networks that PyTorch made: outputs, gradients and Fisher matrices are those of PyTorch. See `fixtures/make_fixtures.py`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use neuromanifold_geometry::quotient::{Probe, Tolerance, reduce};
use neuromanifold_geometry::{DenseFisher, Metric as _};
use neuromanifold_io::npz::Npz;
use neuromanifold_io::{Array, LikelihoodKind, Network, Precision, ReadOptions};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap as _};

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name]
        .iter()
        .collect()
}

fn read(name: &str, activation: Activation) -> Network {
    Network::read(
        fixture(&format!("{name}.safetensors")),
        &ReadOptions::new().activation(activation),
    )
    .unwrap()
}

/// Equal to 1e-12 of the largest entry.
fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let difference = found
        .iter()
        .zip(expected)
        .fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    assert!(
        difference <= 1e-12 * largest,
        "{what}: off by {difference:e} of {largest:e}"
    );
}

fn agrees_with_pytorch(name: &str, network: &Network, likelihood: LikelihoodKind) {
    let law = likelihood.likelihood();
    let mut expected = Npz::open(fixture(&format!("{name}.npz"))).unwrap();
    let [inputs, targets, outputs, gradient, fisher] =
        ["inputs", "targets", "outputs", "gradient", "fisher"]
            .map(|array| expected.array(array).unwrap());
    let batch = network.mlp.on(inputs.examples()).unwrap();
    let here = batch.linearize(&network.theta).unwrap();
    assert_close(here.outputs(), outputs.values(), "outputs");

    let (k, n) = (network.mlp.outputs(), inputs.len());
    let mut cotangent = vec![0.0; k * n];
    for ((z, y), out) in here
        .outputs()
        .chunks(k)
        .zip(targets.values().chunks(targets.features()))
        .zip(cotangent.chunks_mut(k))
    {
        law.score(z, y, out);
        out.iter_mut().for_each(|score| *score /= -(n as f64));
    }
    let mut found = vec![0.0; network.theta.len()];
    here.vjp(&cotangent, &mut found);
    assert_close(&found, gradient.values(), "gradient");

    let metric = DenseFisher::new(here.as_ref(), law).unwrap().to_dense();
    let found: Vec<f64> = metric
        .col_iter()
        .flat_map(|column| column.iter().copied())
        .collect();
    assert_close(&found, fisher.values(), "Fisher matrix");
}

fn gaussian(sigma: f64) -> LikelihoodKind {
    LikelihoodKind::Gaussian(Gaussian::new(sigma).unwrap())
}

#[test]
fn one_hidden_layer_of_tanh() {
    let network = read("tanh", Activation::Tanh);
    assert_eq!(network.mlp, Mlp::new(&[3, 5, 2], Activation::Tanh).unwrap());
    assert_eq!(network.modules, ["0", "2"]);
    assert_eq!(network.precision, Precision::F64);
    agrees_with_pytorch("tanh", &network, gaussian(0.5));
}

#[test]
fn two_hidden_layers_of_relu_and_three_classes() {
    let network = read("relu", Activation::Relu);
    assert_eq!(network.mlp.to_string(), "4-6-5-3 relu");
    agrees_with_pytorch("relu", &network, LikelihoodKind::Categorical);
}

#[test]
fn erf_is_that_of_a_gaussian_of_unit_variance() {
    agrees_with_pytorch("erf", &read("erf", Activation::Erf), gaussian(1.0));
}

#[test]
fn a_network_inside_a_module() {
    let network = read("prefix", Activation::Logistic);
    assert_eq!(network.modules, ["model.net.0", "model.net.2"]);
    agrees_with_pytorch("prefix", &network, LikelihoodKind::Bernoulli);
}

#[test]
fn layers_with_names() {
    let network = read("named", Activation::Softplus);
    assert_eq!(network.modules, ["hidden1", "hidden2", "decision"]);
    agrees_with_pytorch("named", &network, gaussian(1.0));
}

#[test]
fn layers_without_biases() {
    let network = read("no_bias", Activation::Tanh);
    assert_eq!(network.mlp, Mlp::committee(3, 4, Activation::Tanh).unwrap());
    agrees_with_pytorch("no_bias", &network, gaussian(1.0));
}

#[test]
fn single_precision_is_widened() {
    let network = read("f32", Activation::Tanh);
    assert_eq!(network.precision, Precision::F32);
    agrees_with_pytorch("f32", &network, gaussian(1.0));
}

/// The network of PyTorch with one unit split in two; the reduction finds it again and survives its file.
#[test]
fn a_reduced_network_is_written_and_read() {
    let network = read("tanh", Activation::Tanh);
    let split = split_last_unit(&network);
    let inputs = Npz::open(fixture("tanh.npz"))
        .unwrap()
        .array("inputs")
        .unwrap();
    let probe = Probe {
        inputs: inputs.examples(),
        likelihood: &Gaussian::UNIT,
    };
    let reduction = reduce(&split.mlp, &split.theta, &probe, Tolerance::EXACT).unwrap();
    let small = split
        .with_parameters(reduction.net, reduction.theta)
        .unwrap();
    assert_eq!(small.mlp, network.mlp);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.safetensors");
    small.write(&path).unwrap();
    let again = Network::read(&path, &ReadOptions::new()).unwrap();
    assert_eq!(again, small);

    let outputs = |network: &Network| {
        let z = network.mlp.predict(&network.theta, inputs.examples());
        Array::from_examples(z.unwrap().as_ref())
            .unwrap()
            .into_values()
    };
    assert_close(&outputs(&again), &outputs(&network), "outputs");
}

/// The last hidden unit twice, the copy with the opposite sign, each with a part of the outgoing weights.
fn split_last_unit(network: &Network) -> Network {
    let [hidden, output] = network.mlp.layers() else {
        panic!("one hidden layer");
    };
    let (m, theta) = (hidden.outputs(), &network.theta);
    let last = &theta[hidden.incoming(m - 1)];
    let bias = &theta[hidden.bias().unwrap()];
    let mut split = theta[hidden.weights()].to_vec();
    split.extend(last.iter().map(|w| -w));
    split.extend(bias);
    split.push(-bias[m - 1]);
    for unit in 0..output.outputs() {
        let outgoing = &theta[output.incoming(unit)];
        split.extend(&outgoing[..m - 1]);
        // v = v/4 − (−3v/4), exactly.
        split.extend([0.25 * outgoing[m - 1], -0.75 * outgoing[m - 1]]);
    }
    split.extend(&theta[output.bias().unwrap()]);
    let widths = [hidden.inputs(), m + 1, output.outputs()];
    let mlp = Mlp::new(&widths, hidden.activation()).unwrap();
    network.with_parameters(mlp, split).unwrap()
}
