//! What is written is read back: any architecture, any names, both precisions.

#![allow(clippy::unwrap_used)] // also the functions that tests share may panic

use neuromanifold_io::npz::{self, Npz};
use neuromanifold_io::{Array, LikelihoodKind, Network, Precision, ReadOptions, npy};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;
use proptest::collection::{btree_map, hash_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

/// Finite numbers of all magnitudes, subnormal ones and both zeros among them.
fn finite() -> impl Strategy<Value = f64> + Clone {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE
}

/// Finite numbers that `f32` can hold, rounded.
fn moderate() -> impl Strategy<Value = f64> + Clone {
    -1e30..1e30_f64
}

fn architecture() -> impl Strategy<Value = Mlp> {
    let layer = (1..5_usize, select(&Activation::ALL[..]), any::<bool>());
    (1..5_usize, vec(layer, 1..5)).prop_map(|(inputs, layers)| {
        let builder = layers.into_iter().fold(
            Mlp::builder(inputs),
            |builder, (width, activation, bias)| {
                let builder = builder.layer(width, activation);
                if bias {
                    builder
                } else {
                    builder.without_bias()
                }
            },
        );
        builder.build().unwrap()
    })
}

fn network(value: impl Strategy<Value = f64> + Clone + 'static) -> impl Strategy<Value = Network> {
    architecture()
        .prop_flat_map(move |mlp| {
            let theta = vec(value.clone(), mlp.parameters());
            let names = hash_set("[a-z0-9_é.,\"]{0,6}", mlp.layers().len());
            let metadata = btree_map("[a-z ]{1,5}", ".{0,5}", 0..3);
            (
                Just(mlp),
                theta,
                names,
                any::<bool>(),
                metadata,
                0..3_u8,
                0.1..9.0,
            )
        })
        .prop_map(|(mlp, theta, names, named, metadata, law, sigma)| {
            let outputs = mlp.outputs();
            let mut network = Network::new(mlp, theta).unwrap();
            if named {
                network.modules = names.into_iter().collect();
            }
            network.metadata = metadata;
            network.likelihood = match law {
                0 => Some(LikelihoodKind::Gaussian(Gaussian::new(sigma).unwrap())),
                1 if outputs == 1 => Some(LikelihoodKind::Bernoulli),
                1 => Some(LikelihoodKind::Categorical),
                _ => None,
            };
            network
        })
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn read(bytes: &[u8], options: &ReadOptions) -> Network {
    Network::from_bytes(bytes, "net.safetensors", options).unwrap()
}

proptest! {
    #[test]
    fn a_network_is_read_as_it_was_written(network in network(finite())) {
        let bytes = network.to_bytes().unwrap();
        let again = read(&bytes, &ReadOptions::new());
        prop_assert_eq!(bits(&again.theta), bits(&network.theta));
        prop_assert_eq!(&again, &network);
        prop_assert_eq!(again.to_bytes().unwrap(), bytes);
    }

    #[test]
    fn single_precision_rounds_each_parameter(mut network in network(moderate())) {
        network.precision = Precision::F32;
        let again = read(&network.to_bytes().unwrap(), &ReadOptions::new());
        let rounded: Vec<f64> = network.theta.iter().map(|t| f64::from(*t as f32)).collect();
        prop_assert_eq!(again.precision, Precision::F32);
        prop_assert_eq!(bits(&again.theta), bits(&rounded));
    }

    /// Without a word in the metadata, as PyTorch writes it: any prefix, numbers in the names.
    #[test]
    fn any_prefix_is_found(
        widths in vec(1..5_usize, 2..13),
        prefix in "([a-z_]{1,4}\\.){0,3}",
        stem in select(vec!["", "fc", "layer_"]),
        chosen in any::<bool>(),
    ) {
        let mlp = Mlp::new(&widths, Activation::Tanh).unwrap();
        let theta: Vec<f64> = (0..mlp.parameters()).map(|p| p as f64).collect();
        let mut network = Network::new(mlp, theta).unwrap();
        network.modules = (0..widths.len() - 1)
            .map(|layer| format!("{prefix}{stem}{}", 2 * layer))
            .collect();
        let described = network.to_bytes().unwrap();
        let bare = without_metadata(&described);
        let mut options = ReadOptions::new().activation(Activation::Tanh).layers(widths);
        if chosen {
            options = options.prefix(prefix);
        }
        prop_assert_eq!(read(&bare, &options), network);
    }

    #[test]
    fn an_array_is_read_as_it_was_written(
        (shape, values) in vec(1..4_usize, 0..5).prop_flat_map(|shape| {
            let count = shape.iter().product::<usize>();
            (Just(shape), vec(finite(), count))
        })
    ) {
        let array = Array::new(shape, values).unwrap();
        let bytes = npy::to_bytes(&array, Precision::F64);
        let again = npy::from_bytes(&bytes, "x.npy").unwrap();
        prop_assert_eq!(again.shape(), array.shape());
        prop_assert_eq!(bits(again.values()), bits(array.values()));

        // Another library reads the same.
        let oracle = npyz::NpyFile::new(&bytes[..]).unwrap();
        let shape: Vec<usize> = oracle.shape().iter().map(|length| *length as usize).collect();
        prop_assert_eq!(&shape[..], array.shape());
        prop_assert_eq!(bits(&oracle.into_vec::<f64>().unwrap()), bits(array.values()));

        let archive = npz::to_bytes(&[("a", &array), ("b/c é", &array)], Precision::F64);
        let mut file = Npz::from_bytes(archive, "x.npz").unwrap();
        prop_assert_eq!(file.names(), ["a", "b/c é"]);
        prop_assert_eq!(bits(file.array("b/c é").unwrap().values()), bits(array.values()));
    }
}

/// Another library writes in the order of Fortran, the first index fastest; every index has its value.
#[test]
fn the_order_of_fortran_is_undone() {
    use npyz::WriterBuilder as _;
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::<f64>::new()
        .default_dtype()
        .shape(&[2, 3])
        .order(npyz::Order::Fortran)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend([0.0, 10.0, 1.0, 11.0, 2.0, 12.0]).unwrap();
    writer.finish().unwrap();
    let array = npy::from_bytes(&bytes, "x.npy").unwrap();
    assert_eq!(array.shape(), [2, 3]);
    assert_eq!(array.values(), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
}

/// The same tensors with an empty header entry in place of the metadata.
fn without_metadata(bytes: &[u8]) -> Vec<u8> {
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (header, values) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(header).unwrap();
    header.remove("__metadata__").unwrap();
    let header = serde_json::to_vec(&header).unwrap();
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], &header, values].concat()
}
