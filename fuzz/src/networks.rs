//! Readers of networks.

use neuromanifold_io::safetensors::Safetensors;
use neuromanifold_io::{Network, ReadOptions};
use neuromanifold_mlp::Activation;

/// Reads a safetensors file in several ways; whether one of them found a network.
pub fn safetensors(bytes: &[u8]) -> bool {
    if let Ok(file) = Safetensors::from_bytes(bytes, "fuzz.safetensors") {
        for tensor in file.tensors() {
            let count: usize = tensor.shape().iter().product();
            assert_eq!(tensor.bytes().len() * 8, count * tensor.dtype().bitsize());
            assert!(tensor.to_f64().is_none_or(|values| values.len() == count));
            assert!(file.tensor(tensor.name()).is_some());
        }
    }
    let own = ReadOptions::new();
    let relu = ReadOptions::new().activation(Activation::Relu);
    let whole = relu.clone().prefix("");
    let part = relu.clone().prefix("net");
    let chosen = relu.clone().modules(["fc1", "out"]);
    [own, relu, whole, part, chosen]
        .iter()
        .filter_map(|options| Network::from_bytes(bytes, "fuzz.safetensors", options).ok())
        .map(|network| survives(&network))
        .fold(false, |any, one| any | one)
}

/// Written and read again, the network is the same to the last bit.
fn survives(network: &Network) -> bool {
    let written = network.to_bytes().expect("what was read can be written");
    let again = Network::from_bytes(&written, "again.safetensors", &ReadOptions::new())
        .expect("what was written is read");
    assert_eq!(*network, again);
    assert!(
        network
            .theta
            .iter()
            .zip(&again.theta)
            .all(|(a, b)| a.to_bits() == b.to_bits())
    );
    assert_eq!(
        written,
        again.to_bytes().expect("what was read can be written")
    );
    true
}
