//! Every way in which a file of a network can be wrong has an error that says what, where, and what was expected.

#![allow(clippy::unwrap_used)] // also the functions that tests share may panic

use neuromanifold_io::safetensors::Writer;
use neuromanifold_io::{IoError, LikelihoodKind, Network, NetworkProblem, Precision, ReadOptions};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;

/// A file of zeros with these tensors and metadata.
fn file(tensors: &[(&str, &[usize])], metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = Writer::new();
    for (key, value) in metadata {
        writer.metadata(*key, *value);
    }
    for (name, shape) in tensors {
        writer.tensor(
            *name,
            shape,
            &vec![0.0; shape.iter().product()],
            Precision::F64,
        );
    }
    writer.to_bytes()
}

fn message(bytes: &[u8], options: &ReadOptions) -> String {
    Network::from_bytes(bytes, "net", options)
        .unwrap_err()
        .to_string()
}

#[track_caller]
fn check(tensors: &[(&str, &[usize])], expected: &str) {
    let options = ReadOptions::new().activation(Activation::Tanh);
    assert_eq!(
        message(&file(tensors, &[]), &options),
        format!("net: {expected}")
    );
}

const SMALL: [(&str, &[usize]); 4] = [
    ("0.weight", &[3, 2]),
    ("0.bias", &[3]),
    ("2.weight", &[1, 3]),
    ("2.bias", &[1]),
];

#[track_caller]
fn check_metadata(metadata: &[(&str, &str)], options: &ReadOptions, expected: &str) {
    assert_eq!(
        message(&file(&SMALL, metadata), options),
        format!("net: {expected}")
    );
}

#[test]
fn shapes_that_do_not_fit() {
    check(
        &[("0.weight", &[3, 2]), ("2.weight", &[1, 4])],
        r#"tensor "2.weight" takes 4 inputs, but the layer before it, "0.weight", has 3 outputs"#,
    );
    check(
        &[("0.weight", &[3, 2]), ("0.bias", &[2])],
        r#"tensor "0.bias" has shape [2]; expected [3], as "0.weight" has 3 rows"#,
    );
    check(
        &[("0.weight", &[8, 3, 5, 5])],
        r#"tensor "0.weight" has shape [8, 3, 5, 5]; expected a matrix, [outputs, inputs], as the weights of a linear layer are"#,
    );
    check(
        &[("0.weight", &[0, 5])],
        r#"tensor "0.weight" has shape [0, 5]; expected at least one output and one input"#,
    );
}

#[test]
fn tensors_too_few_and_too_many() {
    check(
        &[],
        r#"there are no tensors in the file; expected names such as "0.weight" and "0.bias""#,
    );
    check(
        &[("0.weight", &[1, 1]), ("2.bias", &[1])],
        r#"there is no tensor "2.weight", but there is "2.bias""#,
    );
    check(
        &[("0.weight", &[1, 1]), ("1.num_batches_tracked", &[])],
        r#"tensor "1.num_batches_tracked" with shape [] is not part of a linear layer: expected no batch normalisation (fold it into the layer before it)"#,
    );
    check(
        &[("0.weight", &[1, 1]), ("0.alpha", &[1])],
        r#"tensor "0.alpha" with shape [1] is not part of a linear layer: expected names that end in "weight" or "bias""#,
    );
}

#[test]
fn several_networks() {
    let two: [(&str, &[usize]); 2] = [("actor.0.weight", &[1, 2]), ("critic.0.weight", &[1, 3])];
    check(
        &two,
        r#"there are several networks in the file, with the prefixes "actor", "critic"; choose one by its prefix, or take all tensors as one network with the prefix """#,
    );
    let bytes = file(&two, &[]);
    let chosen = |prefix| Network::from_bytes(&bytes, "net", &ReadOptions::new().prefix(prefix));
    assert_eq!(chosen("critic").unwrap().mlp.inputs(), 3);
    assert_eq!(chosen("critic.").unwrap().modules, ["critic.0"]);
    assert_eq!(
        chosen("crit").unwrap_err().to_string(),
        r#"net: no tensor has the prefix "crit"; the prefixes are "actor", "critic""#
    );
}

#[test]
fn an_order_that_cannot_be_told() {
    let square: [(&str, &[usize]); 2] = [("hidden.weight", &[2, 2]), ("front.weight", &[2, 2])];
    check(
        &square,
        r#"neither the names nor the shapes tell the order of the layers "front", "hidden"; name them from the inputs to the outputs"#,
    );
    let options = ReadOptions::new().activation(Activation::Tanh);
    let bytes = file(&square, &[]);
    let told = Network::from_bytes(&bytes, "net", &options.clone().modules(["hidden", "front"]));
    assert_eq!(told.unwrap().modules, ["hidden", "front"]);
    assert_eq!(
        message(&bytes, &options.modules(["hidden", "back"])),
        r#"net: there is no tensor "back.weight", but a layer "back" is asked for, once"#
    );
}

#[test]
fn contradictions_name_both_sides() {
    let none = ReadOptions::new();
    check_metadata(
        &[],
        &none.clone().layers([2, 4, 1]),
        "the tensors have the widths 2, 3, 1, but the list of layers given says 2, 4, 1",
    );
    check_metadata(
        &[("neuromanifold.widths", "2,1")],
        &none,
        r#"the tensors have the widths 2, 3, 1, but "neuromanifold.widths" in the metadata says 2, 1"#,
    );
    check_metadata(
        &[("neuromanifold.activations", "tanh,identity")],
        &none.clone().activation(Activation::Relu),
        "layer 0 has the activation relu by what is given, but tanh by the metadata of the file",
    );
    check_metadata(
        &[("neuromanifold.activations", "tanh,identity")],
        &none.clone().output_activation(Activation::Logistic),
        "layer 1 has the activation logistic by what is given, but identity by the metadata of the file",
    );
    check_metadata(
        &[("neuromanifold.activations", "tanh")],
        &none,
        r#"the metadata have 1 activations under "neuromanifold.activations", but there are 2 layers"#,
    );
    check_metadata(
        &[],
        &none,
        r#"the activation of the hidden layers is not known: the file does not name it (no "neuromanifold.activations" in its metadata), and none is given; known are tanh, erf, logistic, relu, softplus, identity"#,
    );
}

#[test]
fn metadata_that_cannot_be_understood() {
    let tanh = ReadOptions::new().activation(Activation::Tanh);
    for (key, value, expected) in [
        (
            "neuromanifold.widths",
            "2,three,1",
            "whole numbers with commas between",
        ),
        (
            "neuromanifold.activations",
            "tanh,gelu",
            "one of tanh, erf, logistic, relu, softplus, identity for each layer, with commas between",
        ),
        (
            "neuromanifold.likelihood",
            "gaussian:-1",
            "gaussian, gaussian:SIGMA, bernoulli or categorical",
        ),
        (
            "neuromanifold.modules",
            "0,2",
            "the names of the layers as a JSON list",
        ),
    ] {
        let message = format!("the metadata have {value:?} under {key:?}; expected {expected}");
        check_metadata(&[(key, value)], &tanh, &message);
    }
    check_metadata(
        &[("neuromanifold.likelihood", "categorical")],
        &tanh,
        "the likelihood categorical does not go with 1 outputs",
    );
}

#[test]
fn values_that_no_network_has() {
    let tanh = ReadOptions::new().activation(Activation::Tanh);
    let mut writer = Writer::new();
    writer.tensor("0.weight", &[1, 2], &[0.0, f64::NAN], Precision::F32);
    assert_eq!(
        message(&writer.to_bytes(), &tanh),
        r#"net: tensor "0.weight": the value at index [0, 1] is NaN, not a finite number"#
    );
    let integers = raw(
        r#"{"0.weight":{"dtype":"I64","shape":[1,1],"data_offsets":[0,8]}}"#,
        8,
    );
    assert_eq!(
        message(&integers, &tanh),
        r#"net: tensor "0.weight" has dtype I64; expected F64, F32, F16 or BF16"#
    );
}

/// A file with this header and so many bytes of values.
fn raw(header: &str, values: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &vec![0; values]].concat()
}

#[test]
fn damaged_files() {
    let entry = r#"{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]}"#;
    for (bytes, expected) in [
        (vec![], "the file is empty"),
        (
            vec![1, 2, 3],
            "the file is cut off, or no safetensors file: expected at least 8 bytes, found 3",
        ),
        (
            [0xff; 9].to_vec(),
            "the header should have 18446744073709551615 bytes, but after its length there are 1 (cut off, or no safetensors file); the longest header allowed has 100000000",
        ),
        (
            raw(&format!(r#"{{"a":{entry},"a":{entry}}}"#), 8),
            r#"the key "a" is there twice"#,
        ),
        (
            raw(r#"{"__metadata__":{"x":"1","x":"2"}}"#, 0),
            r#"the key "x" is there twice"#,
        ),
        (
            raw(
                r#"{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"b":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}}"#,
                16,
            ),
            r#"tensor "b" does not begin where the one before it ends"#,
        ),
        (
            raw(&format!(r#"{{"a":{entry}}}"#), 7),
            r#"the file is cut off: tensor "a" ends at byte 8 of the values, but there are only 7"#,
        ),
        (
            raw(&format!(r#"{{"a":{entry}}}"#), 9),
            "the tensors end at byte 8 of the values, but there are 9",
        ),
        (
            raw(
                r#"{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}}"#,
                8,
            ),
            r#"tensor "a" has shape [2] of F64, which needs 16 bytes, but its data_offsets are [0, 8]"#,
        ),
        (
            raw(
                r#"{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
                8,
            ),
            r#"tensor "a" has shape [4294967296, 4294967296], more values than fit into memory"#,
        ),
    ] {
        assert_eq!(
            message(&bytes, &ReadOptions::new()),
            format!("net: {expected}")
        );
    }
    let unknown = raw(
        r#"{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,8]}}"#,
        8,
    );
    let unknown = message(&unknown, &ReadOptions::new());
    assert!(
        unknown.starts_with(r#"net: tensor "a": "#)
            && unknown.contains("unknown variant `F99`, expected one of"),
        "{unknown}"
    );
}

/// Several tensors whose claimed sizes add up to more than an address.
#[test]
fn sums_that_overflow() {
    let eighth = 1_u64 << 61;
    let entries: Vec<String> = (0..7)
        .map(|i| {
            let (begin, end) = (i * (eighth - 1), (i + 1) * (eighth - 1));
            format!(
                r#""{i}":{{"dtype":"U8","shape":[{}],"data_offsets":[{begin},{end}]}}"#,
                eighth - 1
            )
        })
        .collect();
    let found = message(
        &raw(&format!("{{{}}}", entries.join(",")), 8),
        &ReadOptions::new(),
    );
    assert!(found.contains(r#"tensor "0" ends at byte"#), "{found}");
}

#[test]
fn networks_that_cannot_be_written() {
    let sound = Network::new(Mlp::new(&[1, 1], Activation::Tanh).unwrap(), vec![1.0, 2.0]).unwrap();
    let problem = |change: fn(&mut Network)| {
        let mut network = sound.clone();
        change(&mut network);
        network.to_bytes().unwrap_err()
    };
    assert!(matches!(
        problem(|n| n.theta.push(0.0)),
        NetworkProblem::ParameterCount {
            expected: 2,
            found: 3
        }
    ));
    assert!(matches!(
        problem(|n| n.theta[1] = f64::INFINITY),
        NetworkProblem::NotFinite { key, index, .. } if key == "0.bias" && index == [0]
    ));
    assert!(matches!(
        problem(|n| (n.theta[0], n.precision) = (1e300, Precision::F32)),
        NetworkProblem::OutOfRange { key, .. } if key == "0.weight"
    ));
    assert!(matches!(
        problem(|n| n.modules.clear()),
        NetworkProblem::Modules { layers: 1, .. }
    ));
    assert!(matches!(
        problem(|n| drop(n.metadata.insert("neuromanifold.x".into(), String::new()))),
        NetworkProblem::ReservedKey { .. }
    ));
    assert!(matches!(
        problem(|n| n.likelihood = Some(LikelihoodKind::Categorical)),
        NetworkProblem::Likelihood { outputs: 1, .. }
    ));
}

#[test]
fn a_failed_write_leaves_the_network_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let mut network =
        Network::new(Mlp::new(&[1, 1], Activation::Tanh).unwrap(), vec![1.0, 2.0]).unwrap();
    network.likelihood = Some(LikelihoodKind::Gaussian(Gaussian::UNIT));
    network.write(&path).unwrap();
    let mut broken = network.clone();
    broken.theta[0] = f64::NAN;
    let error = broken.write(&path).unwrap_err();
    assert!(
        matches!(&error, IoError::Network { path: at, .. } if *at == path),
        "{error}"
    );
    assert_eq!(Network::read(&path, &ReadOptions::new()).unwrap(), network);
}
