//! A file written here is loaded by PyTorch itself, where there is one.
//!
//! Set `NEUROMANIFOLD_PYTHON` to an interpreter that has `torch`, `safetensors` and `numpy`; without it the test says that it was
//! skipped (shown by `cargo test -- --nocapture`).

#![allow(clippy::unwrap_used)] // also the functions that tests share may panic

use std::process::Command;

use neuromanifold_io::{Array, Network, Precision, npy, read_array};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

/// Loads strictly: a missing or superfluous tensor is an error in PyTorch. Then saves what it loaded, and its outputs.
const SCRIPT: &str = "
import sys, numpy, torch
from safetensors.torch import load_file, save_file
from torch import nn
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
net.load_state_dict(load_file('net.safetensors'))
x = torch.from_numpy(numpy.load('x.npy'))
numpy.save('z.npy', net(x).detach().numpy())
save_file(net.state_dict(), 'again.safetensors')
";

#[test]
fn pytorch_loads_what_is_written_here() {
    let Some(python) = std::env::var_os("NEUROMANIFOLD_PYTHON") else {
        eprintln!("skipped: NEUROMANIFOLD_PYTHON names no Python with PyTorch");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mlp = Mlp::new(&[3, 4, 2], Activation::Tanh).unwrap();
    let theta = mlp.initialize_with_biases(
        Initialization::LeCun,
        0.5,
        &mut ChaCha8Rng::seed_from_u64(3),
    );
    let network = Network::new(mlp, theta).unwrap();
    network.write(at("net.safetensors")).unwrap();
    let inputs = Array::new(
        vec![5, 3],
        (0..15).map(|i| f64::from(i) / 7.0 - 1.0).collect(),
    )
    .unwrap();
    npy::write(at("x.npy"), &inputs, Precision::F64).unwrap();

    let output = Command::new(python)
        .args(["-c", SCRIPT])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let found = read_array(at("z.npy"), None).unwrap();
    let expected = network
        .mlp
        .predict(&network.theta, inputs.examples())
        .unwrap();
    let expected = Array::from_examples(expected.as_ref()).unwrap();
    assert_eq!(found.shape(), expected.shape());
    for (found, expected) in found.values().iter().zip(expected.values()) {
        assert!((found - expected).abs() <= 1e-12, "{found} for {expected}");
    }
    let options = neuromanifold_io::ReadOptions::new().activation(Activation::Tanh);
    let again = Network::read(at("again.safetensors"), &options).unwrap();
    assert_eq!(again, network);
}
