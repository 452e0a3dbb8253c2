//! What can be built, how it calls itself, and what is refused at the door.

use faer::{Mat, mat};
use neuromanifold_mlp::{Activation, Mlp, MlpError};
use neuromanifold_model::{ModelError, OutputMap};

#[test]
fn display_names_widths_activations_and_missing_biases() {
    let shown = |mlp: Result<Mlp, MlpError>| mlp.unwrap().to_string();
    assert_eq!(
        shown(Mlp::new(&[20, 48, 1], Activation::Tanh)),
        "20-48-1 tanh"
    );
    assert_eq!(shown(Mlp::new(&[3, 2], Activation::Tanh)), "3-2 identity");
    assert_eq!(
        shown(Mlp::committee(5, 2, Activation::Erf)),
        "5-2-1 erf without biases"
    );
    let mixed = Mlp::builder(4)
        .layer(3, Activation::Relu)
        .without_bias()
        .layer(2, Activation::Softplus)
        .layer(1, Activation::Logistic);
    assert_eq!(
        shown(mixed.build()),
        "4-3-2-1 relu, softplus, logistic without bias in layer 0"
    );
}

#[test]
fn offsets_without_biases_leave_no_gaps() {
    let mlp = Mlp::builder(4)
        .layer(3, Activation::Tanh)
        .without_bias()
        .layer(2, Activation::Identity)
        .build()
        .unwrap();
    let [first, second] = mlp.layers() else {
        panic!("two layers")
    };
    assert_eq!((first.weights(), first.bias()), (0..12, None));
    assert_eq!((second.weights(), second.bias()), (12..18, Some(18..20)));
    assert_eq!((mlp.inputs(), mlp.outputs(), mlp.parameters()), (4, 2, 20));
}

#[test]
fn impossible_architectures_are_refused() {
    let tanh = Activation::Tanh;
    assert!(matches!(Mlp::new(&[], tanh), Err(MlpError::NoLayers)));
    assert!(matches!(Mlp::new(&[3], tanh), Err(MlpError::NoLayers)));
    assert!(matches!(
        Mlp::new(&[0, 3, 1], tanh),
        Err(MlpError::ZeroWidth { index: 0 })
    ));
    assert!(matches!(
        Mlp::new(&[2, 3, 0], tanh),
        Err(MlpError::ZeroWidth { index: 2 })
    ));
    for width in [usize::MAX / 2, isize::MAX as usize / 8] {
        assert!(matches!(
            Mlp::new(&[2, width, 1], tanh),
            Err(MlpError::TooManyParameters {
                layer: 0,
                inputs: 2,
                ..
            })
        ));
    }
    assert!(matches!(
        Mlp::builder(2).without_bias().layer(1, tanh).build(),
        Err(MlpError::NoLayerToStrip)
    ));
    assert!(matches!(
        "sigmoidal".parse::<Activation>(),
        Err(MlpError::UnknownActivation { name }) if name == "sigmoidal"
    ));
}

#[test]
fn unusable_inputs_are_refused() {
    let mlp = Mlp::new(&[2, 1], Activation::Tanh).unwrap();
    assert!(matches!(
        mlp.on(Mat::zeros(3, 4).as_ref()),
        Err(MlpError::InputRows {
            expected: 2,
            got: 3
        })
    ));
    assert!(matches!(
        mlp.on(Mat::zeros(2, 0).as_ref()),
        Err(MlpError::EmptyBatch)
    ));
    assert!(matches!(mlp.on_slice(&[]), Err(MlpError::EmptyBatch)));
    assert!(matches!(
        mlp.on_slice(&[1.0, 2.0, 3.0]),
        Err(MlpError::InputCount { inputs: 2, got: 3 })
    ));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let inputs = mat![[0.0, 1.0], [2.0, bad]];
        let refused = mlp.on(inputs.as_ref()).unwrap_err();
        assert!(matches!(
            refused,
            MlpError::NonFiniteInput { example: 1, input: 1, value } if value.to_bits() == bad.to_bits()
        ));
    }
}

#[test]
fn unusable_points_are_refused() {
    let mlp = Mlp::new(&[1, 1], Activation::Tanh).unwrap();
    let batch = mlp.on_slice(&[0.0, 1e300]).unwrap();
    let mut z = [0.0; 2];
    assert!(matches!(
        batch.linearize(&[1.0]),
        Err(ModelError::ParameterCount {
            expected: 2,
            got: 1
        })
    ));
    assert!(matches!(
        batch.outputs(&[0.0, f64::NAN], &mut z),
        Err(ModelError::NonFiniteParameter { index: 1, .. })
    ));
    let overflowing = ModelError::NonFiniteOutput {
        example: 1,
        output: 0,
        value: f64::INFINITY,
    };
    for refused in [
        batch.linearize(&[1e10, 0.0]).err(),
        batch.outputs(&[1e10, 0.0], &mut z).err(),
    ] {
        assert_eq!(refused.unwrap().to_string(), overflowing.to_string());
    }
    assert!(matches!(
        mlp.predict(&[f64::INFINITY, 0.0], mat![[1.0]].as_ref()),
        Err(MlpError::Evaluation(ModelError::NonFiniteParameter {
            index: 0,
            ..
        }))
    ));
}

/// A ReLU that swallowed NaN would hide that `∞ − ∞` happened below it.
#[test]
fn nan_inside_the_network_is_found_at_the_outputs() {
    let mlp = Mlp::new(&[2, 1, 1, 1], Activation::Relu).unwrap();
    let theta = [1e300, -1e300, 0.0, 1.0, 0.0, 1.0, 0.0];
    let batch = mlp.on_slice(&[1e300, 1e300]).unwrap();
    assert!(matches!(
        batch.linearize(&theta),
        Err(ModelError::NonFiniteOutput {
            example: 0,
            output: 0,
            ..
        })
    ));
}

#[test]
fn predictions_are_one_example_a_column() {
    let mlp = Mlp::new(&[1, 2], Activation::Tanh).unwrap();
    let theta = [1.0, 10.0, 0.5, 0.0];
    let z = mlp.predict(&theta, mat![[1.0, 2.0, 3.0]].as_ref()).unwrap();
    assert_eq!(z, mat![[1.5, 2.5, 3.5], [10.0, 20.0, 30.0]]);
}

#[test]
#[should_panic(expected = "θ has 3 entries, 1-1 identity has 2 parameters")]
fn views_of_a_wrong_theta_panic() {
    let mlp = Mlp::new(&[1, 1], Activation::Tanh).unwrap();
    let _ = mlp.weights(&[0.0; 3], 0);
}
