//! Whatever is wrong, the command says what, why and what to do, with the right status, and destroys nothing.

use crate::scene::{REDUCIBLE, Scene};
use neuromanifold_mlp::{Activation, Mlp};

#[test]
fn every_bad_input_is_named_with_its_status() {
    let scene = Scene::new();
    scene.file("text.safetensors", "this is no network");
    scene.file("empty.safetensors", "");
    scene.file("empty.csv", "");
    scene.file("header.csv", "p,q\n");
    scene.file("words.csv", "p,q\n1,two\n");
    scene.file("ragged.csv", "p,q\n1,2\n3\n");
    scene.file("nan.csv", "p,q\n1,nan\n");
    scene.file("data.xyz", "1,2\n");
    std::fs::create_dir(scene.path("folder")).expect("a folder");
    let net = std::fs::read(scene.path("net.safetensors")).expect("a file");
    std::fs::write(scene.path("cut.safetensors"), &net[..net.len() - 5]).expect("written");
    let mut poisoned = net.clone();
    let end = poisoned.len();
    poisoned[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
    std::fs::write(scene.path("nan.safetensors"), poisoned).expect("written");
    for (arguments, status, words) in [
        ("inspect missing.safetensors", 3, "missing.safetensors"),
        ("inspect folder", 3, "a folder"),
        ("inspect empty.safetensors", 3, "empty"),
        ("inspect text.safetensors", 3, "what to do:"),
        ("inspect cut.safetensors", 3, "cut.safetensors"),
        ("inspect nan.safetensors", 3, "NaN"),
        ("inspect net.safetensors --layers 2,5,1", 3, "2, 5, 1"),
        ("inspect net.safetensors --activation relu", 3, "relu"),
        ("inspect net.safetensors --activation gelu", 2, "gelu"),
        ("inspect net.safetensors --prefix model", 3, "model"),
        (
            "inspect net.safetensors --likelihood categorical",
            3,
            "--likelihood",
        ),
        (
            "inspect net.safetensors --likelihood bernoulli --noise 1",
            2,
            "--noise",
        ),
        ("inspect net.safetensors --noise 0", 2, "positive"),
        ("inspect net.safetensors --noise=-1", 2, "positive"),
        ("inspect net.safetensors --noise nan", 2, "positive"),
        ("inspect net.safetensors --gamma 0", 2, "--gamma"),
        ("inspect net.safetensors --tolerance=-1", 2, "tolerance"),
        (
            "inspect net.safetensors --data missing.csv",
            3,
            "missing.csv",
        ),
        ("inspect net.safetensors --data empty.csv", 3, "empty.csv"),
        ("inspect net.safetensors --data header.csv", 3, "header.csv"),
        ("inspect net.safetensors --data words.csv", 3, "two"),
        ("inspect net.safetensors --data ragged.csv", 3, "line 3"),
        ("inspect net.safetensors --data nan.csv", 3, "nan"),
        ("inspect net.safetensors --data data.xyz", 3, ".npy"),
        (
            "inspect net.safetensors --data train.csv",
            3,
            "3 inputs an example",
        ),
        (
            "inspect net.safetensors --data train.csv --inputs p",
            3,
            "takes 2",
        ),
        (
            "inspect net.safetensors --data train.csv --inputs p,z",
            3,
            "`z`",
        ),
        ("inspect net.safetensors --data x.npz", 3, "inputs"),
        (
            "inspect net.safetensors --data x.npy --scale 0",
            2,
            "--scale",
        ),
        ("inspect net.safetensors --data x.npy --scale 1e308", 0, ""),
        (
            "inspect net.safetensors --data x.npy --examples 0",
            2,
            "--examples",
        ),
        (
            "inspect net.safetensors --data x.npy --plot none/s.svg",
            5,
            "none/s.svg",
        ),
        ("equivalent net.safetensors", 2, "<B>"),
        ("equivalent net.safetensors mnist.safetensors", 3, "R^16"),
        ("reduce net.safetensors", 2, "--output"),
        (
            "reduce net.safetensors -o none/small.safetensors",
            5,
            "none/small.safetensors",
        ),
        (
            "compress net.safetensors --budget 1 -o s.safetensors",
            2,
            "--data",
        ),
        (
            "compress net.safetensors --budget=-1 --data x.npy -o s.safetensors",
            2,
            "--budget",
        ),
        (
            "compress net.safetensors --budget inf --data x.npy -o s.safetensors",
            2,
            "--budget",
        ),
        (
            "fisher net.safetensors --data x.npy -o none/G.npy",
            5,
            "none/G.npy",
        ),
        ("fisher net.safetensors -o G.npy", 2, "--data"),
        ("fisher net.safetensors --data x.npy -o G.csv", 2, "npy"),
        (
            "fisher net.safetensors --data x.npy --representation blocks -o G.npy",
            2,
            "npz",
        ),
        (
            "train --data train.csv --target y --layers 2,99999999,1 -o t",
            4,
            "GiB",
        ),
        (
            "train --data train.csv --target y --layers 2,2,1 --time nan -o t",
            2,
            "--time",
        ),
        (
            "train --data train.csv --target y --layers 2,2,1 --target-loss nan -o t",
            2,
            "--target-loss",
        ),
        (
            "predict net.safetensors --data x.npy --likelihood categorical",
            3,
            "--likelihood",
        ),
        ("predict net.safetensors --data train.csv", 3, "--target y"),
        ("predict net.safetensors --data x.npz", 3, "--inputs NAME"),
        (
            "fisher net.safetensors --data x.npy --representation half -o G.npy",
            2,
            "half",
        ),
        ("man -o net.safetensors", 5, "net.safetensors"),
        ("completions tcsh", 2, "tcsh"),
        ("prune net.safetensors", 2, "prune"),
        ("", 2, "Usage"),
    ] {
        if status == 0 {
            // large inputs saturate every unit; that is an answer, not an error
            let code = scene
                .command(arguments)
                .output()
                .expect("it runs")
                .status
                .code();
            assert!(matches!(code, Some(0 | 3 | 4)), "{arguments}: {code:?}");
            continue;
        }
        let (found, text) = scene.failure(arguments);
        assert_eq!(found, status, "{arguments}: {text}");
        assert!(text.contains(words), "{arguments}: {text}");
    }
}

#[test]
fn the_input_is_replaced_only_by_force() {
    let scene = Scene::new();
    let before = std::fs::read(scene.path("net.safetensors")).expect("a file");
    for output in ["net.safetensors", "./net.safetensors"] {
        let (status, text) = scene.failure(&format!("reduce net.safetensors -o {output}"));
        assert_eq!(status, 2, "{text}");
        assert!(text.contains("--force"), "{text}");
    }
    assert_eq!(
        std::fs::read(scene.path("net.safetensors")).expect("a file"),
        before
    );
    scene
        .command("reduce net.safetensors -o net.safetensors --force")
        .assert()
        .success();
    assert_ne!(
        std::fs::read(scene.path("net.safetensors")).expect("a file"),
        before
    );
}

#[test]
fn nothing_that_is_read_is_written_over() {
    let scene = Scene::new();
    let read = ["net.safetensors", "x.npy", "train.csv"];
    let bytes = |name: &str| std::fs::read(scene.path(name)).expect("a file");
    let before = read.map(bytes);
    for arguments in [
        "inspect net.safetensors --plot net.safetensors",
        "inspect net.safetensors --data x.npy --plot x.npy",
        "fisher net.safetensors --data x.npy -o net.safetensors",
        "fisher net.safetensors --data x.npy -o ./x.npy",
        "reduce net.safetensors --data x.npy -o x.npy",
        "compress net.safetensors --data x.npy --budget 1 -o x.npy --force",
        "predict net.safetensors --data x.npy -o x.npy",
        "predict net.safetensors --data x.npy -o net.safetensors",
        "predict net.safetensors --data x.npy --train-data train.csv -o train.csv",
        "train --data train.csv --target y --layers 2,2,1 -o train.csv",
        "train --data train.csv --target y --layers 2,2,1 -o new --checkpoint train.csv --resume",
        "train --data train.csv --target y --layers 2,2,1 -o new --checkpoint new",
        "train --data x.npz --target more --layers 2,2,2 -o x.npz",
        "train --data x.npy --target x.npy --layers 2,2,2 -o x.npy",
    ] {
        let (status, text) = scene.failure(arguments);
        assert_eq!(status, 2, "{arguments}: {text}");
        assert!(text.contains("read by this command"), "{arguments}: {text}");
    }
    assert_eq!(read.map(bytes), before);
    assert!(!scene.path("new").exists());
}

#[test]
fn a_state_dict_without_activations_asks_for_them() {
    let scene = Scene::new();
    // as PyTorch writes it: no metadata
    let header = r#"{"0.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"2.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(1f32.to_le_bytes());
    bytes.extend(2f32.to_le_bytes());
    std::fs::write(scene.path("plain.safetensors"), bytes).expect("written");
    let (status, text) = scene.failure("inspect plain.safetensors");
    assert_eq!(status, 3);
    assert!(text.contains("--activation"), "{text}");
    scene
        .command("inspect plain.safetensors --activation tanh")
        .assert()
        .success();
}

#[test]
fn a_matrix_that_does_not_fit_is_refused_before_it_is_tried() {
    let scene = Scene::new();
    let wide = Mlp::new(&[100, 4000, 10], Activation::Tanh).expect("a network");
    scene.network(
        "wide.safetensors",
        &wide,
        &crate::scene::numbers(wide.parameters()),
    );
    let (status, text) = scene.failure("fisher wide.safetensors --data x.npy -o G.npy");
    assert_eq!(status, 4, "{text}");
    assert!(
        text.contains("GiB") && text.contains("--representation"),
        "{text}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let scene = Scene::new();
    for (arguments, status) in [
        ("inspect net.safetensors", 0),
        ("inspect net.safetensors --json", 0),
        ("equivalent a.safetensors other.safetensors", 1),
        ("completions bash", 0),
        ("man", 0),
        ("--help", 0),
        ("inspect --help", 0),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = std::process::Command::new(assert_cmd::cargo::cargo_bin!("neuromanifold"))
            .args(arguments.split_whitespace())
            .current_dir(scene.folder())
            .stdout(writer)
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments}: {text}");
        assert!(text.is_empty(), "{arguments}: {text}");
    }
}

#[test]
fn there_are_no_colours_in_a_file_unless_asked_for() {
    let scene = Scene::new();
    let run = |arguments: &str| scene.command(arguments).output().expect("it runs").stdout;
    assert!(!run("inspect net.safetensors").contains(&0x1b));
    assert!(run("inspect net.safetensors --color always").contains(&0x1b));
    assert!(!run("inspect net.safetensors --color always --json").contains(&0x1b));
}

#[test]
fn weights_beyond_reason_are_no_panic() {
    let scene = Scene::new();
    let net = Mlp::new(&[2, 4, 1], Activation::Tanh).expect("a network");
    for scale in [1e-300, 1e150, 1e300] {
        let theta = REDUCIBLE.map(|w| w * scale);
        scene.network("wild.safetensors", &net, &theta);
        for arguments in [
            "inspect wild.safetensors --data x.npy",
            "inspect wild.safetensors --data x.npy --method matrix-free",
            "inspect wild.safetensors",
            "reduce wild.safetensors -o s.safetensors",
            "compress wild.safetensors --budget 0.1 --data x.npy -o s.safetensors",
            "fisher wild.safetensors --data x.npy -o G.npy",
            "equivalent wild.safetensors net.safetensors",
        ] {
            let output = scene.command(arguments).output().expect("it runs");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.code().is_some_and(|code| code <= 5),
                "{arguments} at {scale:e}: {text}"
            );
            assert!(
                !text.contains("panicked"),
                "{arguments} at {scale:e}: {text}"
            );
        }
    }
}
