//! What the command answers.

use crate::scene::Scene;
use neuromanifold_io::{Network, Precision, ReadOptions, read_array};
use serde_json::Value;

fn number(value: &Value, path: &str) -> f64 {
    value
        .pointer(path)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("{path} of {value}"))
}

#[test]
fn inspect_finds_every_null_direction_of_a_reducible_network() {
    let scene = Scene::new();
    for data in [
        "",
        " --data train.csv --target y",
        " --data x.npy",
        " --data x.npz --inputs inputs",
    ] {
        let found = scene.json(&format!("inspect net.safetensors{data}"), 0);
        // the overlap frees v₀ against v₁ and, as a matrix of rank one, (w, b) against (w, b); the constant b and c against v
        assert!(
            (number(&found, "/degeneracy/nullity") - 6.0).abs() < 0.5,
            "{data}"
        );
        assert_eq!(found["degeneracy"]["complete"], true);
        assert!(
            (number(&found, "/metric/rank") - 11.0).abs() < 0.5,
            "{data}: {}",
            found["metric"]
        );
        if !data.is_empty() {
            assert_eq!(found["metric"]["verdict"], "theory and numbers agree");
        }
        let causes: Vec<&str> = (found["degeneracy"]["causes"]
            .as_array()
            .expect("a list")
            .iter())
        .filter_map(|cause| cause["cause"].as_str())
        .collect();
        assert!(
            causes.contains(&"overlap") && causes.contains(&"constant"),
            "{causes:?}"
        );
        let unit = &found["degeneracy"]["units"][0];
        assert!(number(unit, "/nearest/nats") < 1e-20);
    }
}

#[test]
fn inspect_estimates_what_it_also_finds_exactly() {
    let scene = Scene::new();
    let data = "inspect deep.safetensors --data train.csv --target y";
    let exact = scene.json(&format!("{data} --method exact"), 0);
    let estimated = scene.json(&format!("{data} --method matrix-free"), 0);
    assert_eq!(estimated["metric"]["method"], "matrix_free");
    for (one, other) in (exact["metric"]["eigenvalues"]
        .as_array()
        .expect("a list")
        .iter())
    .zip(
        estimated["metric"]["eigenvalues"]
            .as_array()
            .expect("a list"),
    )
    .take(5)
    {
        let (one, other) = (
            one.as_f64().expect("a number"),
            other.as_f64().expect("a number"),
        );
        assert!((one - other).abs() <= 1e-6 * number(&exact, "/metric/eigenvalues/0"));
    }
    let trace = number(&exact, "/metric/trace/value");
    assert!((trace - number(&estimated, "/metric/trace/value")).abs() < 1e-10 * trace);
    let layers: f64 = (exact["layers"].as_array().expect("a list").iter())
        .map(|l| number(l, "/trace"))
        .sum();
    assert!((trace - layers).abs() < 1e-10 * trace);
    let dimension = number(&exact, "/metric/effective_dimension/value");
    let guess = number(&estimated, "/metric/effective_dimension/value");
    let error = number(&estimated, "/metric/effective_dimension/standard_error");
    assert!(
        (dimension - guess).abs() <= 5.0 * error + 1e-6,
        "{dimension} {guess} ± {error}"
    );
}

#[test]
fn inspect_counts_inputs_that_do_not_vary() {
    let scene = Scene::new();
    scene.file("flat.csv", "p,q\n0.1,3\n0.2,3\n-0.4,3\n0.7,3\n1.5,3\n");
    let found = scene.json("inspect net.safetensors --data flat.csv", 0);
    assert!((number(&found, "/unseen/spanned") - 2.0).abs() < 0.5);
    assert!((number(&found, "/unseen/null_directions") - 4.0).abs() < 0.5);
}

#[test]
fn inspect_draws_the_spectrum() {
    let scene = Scene::new();
    for method in ["exact", "matrix-free"] {
        let command =
            format!("inspect net.safetensors --data x.npy --plot s.svg --method {method}");
        scene.command(&command).assert().success();
        let picture = std::fs::read_to_string(scene.path("s.svg")).expect("a picture");
        assert!(picture.starts_with("<svg xmlns=") && picture.contains("eigenvalue"));
    }
}

#[test]
fn equivalent_tells_yes_no_and_do_not_know() {
    let scene = Scene::new();
    let yes = scene.json("equivalent a.safetensors b.safetensors", 0);
    assert_eq!(yes["equivalent"], true);
    assert!(yes["symmetry"]["layers"][0]["permutation"].is_array());
    let no = scene.json("equivalent a.safetensors other.safetensors", 1);
    assert_eq!(no["equivalent"], false);
    assert!(number(&no, "/witness/difference") > 0.01);
    let same = scene.json("equivalent deep.safetensors deep.safetensors", 0);
    assert_eq!(same["equivalent"], true);
    assert_eq!(
        scene.json("equivalent deep.safetensors net.safetensors", 1)["decided_by"],
        "inputs"
    );
    // a deep network with two units exchanged
    let deep =
        Network::read(scene.path("deep.safetensors"), &ReadOptions::new()).expect("a network");
    let mut theta = deep.theta.clone();
    for i in 0..2 {
        theta.swap(i, 2 + i);
    }
    theta.swap(6, 7);
    for row in 0..3 {
        theta.swap(9 + 3 * row, 10 + 3 * row);
    }
    scene.network("twin.safetensors", &deep.mlp, &theta);
    let (status, text) = scene.failure("equivalent deep.safetensors twin.safetensors");
    assert_eq!(status, 4, "{text}");
    assert!(text.contains("cannot be decided"), "{text}");
}

#[test]
fn reduce_writes_the_smallest_network_and_what_it_differs_by() {
    let scene = Scene::new();
    let found = scene.json("reduce net.safetensors -o small.safetensors", 0);
    assert_eq!(found["widths"], serde_json::json!([[4, 2]]));
    assert!(number(&found, "/difference/largest") < 1e-14);
    let small =
        Network::read(scene.path("small.safetensors"), &ReadOptions::new()).expect("a network");
    assert_eq!(small.mlp.to_string(), "2-2-1 tanh");
    assert_eq!(
        scene.json("equivalent net.safetensors small.safetensors", 0)["equivalent"],
        true
    );
}

#[test]
fn results_have_the_precision_of_the_input() {
    let scene = Scene::new();
    let mut net =
        Network::read(scene.path("net.safetensors"), &ReadOptions::new()).expect("a network");
    net.precision = Precision::F32;
    net.write(scene.path("single.safetensors"))
        .expect("written");
    let found = scene.json("reduce single.safetensors -o small.safetensors", 0);
    assert_eq!(found["network"]["precision"], "f32");
    let rounding = number(&found, "/rounding/largest");
    assert!(rounding > 1e-10 && rounding < 1e-6, "{rounding}");
    assert!(number(&found, "/difference/largest") < 2e-6);
    assert_eq!(
        scene.json("equivalent single.safetensors small.safetensors", 0)["equivalent"],
        true
    );
}

#[test]
fn compress_stays_within_its_budget() {
    let scene = Scene::new();
    for (budget, most) in [("0", 2.0), ("1e3", 0.0)] {
        let command = format!(
            "compress net.safetensors --data x.npy --budget {budget} -o small.safetensors --force"
        );
        let found = scene.json(&command, 0);
        assert!(number(&found, "/widths/0/1") <= most, "{found}");
        assert!(
            number(&found, "/difference/nats")
                <= budget.parse::<f64>().expect("a number").max(1e-20)
        );
    }
}

#[test]
fn fisher_writes_one_metric_in_three_ways() {
    let scene = Scene::new();
    let data = "--data train.csv --target y --noise 0.25";
    scene
        .command(&format!("fisher net.safetensors {data} -o G.npy"))
        .assert()
        .success();
    scene
        .command(&format!(
            "fisher net.safetensors {data} --representation diagonal -o d.npy"
        ))
        .assert()
        .success();
    scene
        .command(&format!(
            "fisher net.safetensors {data} --representation blocks -o b.npz"
        ))
        .assert()
        .success();
    let (dense, diagonal) = (
        read_array(scene.path("G.npy"), None).expect("an array"),
        read_array(scene.path("d.npy"), None).expect("an array"),
    );
    assert_eq!(dense.shape(), [17, 17]);
    // of the output bias: 1/σ²
    assert!((dense.values()[288] - 4.0).abs() < 1e-12);
    for (i, value) in diagonal.values().iter().enumerate() {
        assert!((dense.values()[18 * i] - value).abs() < 1e-12);
    }
    let first = read_array(scene.path("b.npz"), Some("layer_0")).expect("an array");
    assert_eq!(first.shape(), [12, 12]);
    assert!((first.values()[1] - dense.values()[1]).abs() < 1e-12);
}

/// A classifier from outside: the arguments say what its file does not.
#[test]
fn predict_takes_networks_from_outside() {
    let scene = Scene::new();
    let rows = |arguments: &str| -> Vec<Vec<f64>> {
        let value = scene.json(&format!("predict {arguments}"), 0);
        serde_json::from_value(value["rows"].clone()).expect("rows of numbers")
    };
    let images = "mnist.safetensors --data t10k-images-idx3-ubyte.gz";
    let logits = rows(&format!("{images} --scale 1/255"));
    let classes = rows(&format!("{images} --scale 1/255 --likelihood categorical"));
    assert_ne!(rows(images), logits);
    for (z, row) in logits.iter().zip(&classes) {
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        let (class, p) = (row[0] as usize, &row[1..]);
        assert!(z.iter().all(|other| *other <= z[class]));
        for (z, p) in z.iter().zip(p) {
            assert!((z.exp() / total - p).abs() < 1e-12);
        }
    }
    let named = rows("net.safetensors --data train.csv --target y");
    let array = rows("net.safetensors --data x.npy");
    for (a, b) in named.iter().flatten().zip(array.iter().flatten()) {
        assert!((a - b).abs() < 1e-6, "x.npy is in single precision");
    }
    let (status, text) = scene.failure("predict net.safetensors --data x.npy --prefix model");
    assert!(status == 3 && text.contains("model"), "{text}");
}
