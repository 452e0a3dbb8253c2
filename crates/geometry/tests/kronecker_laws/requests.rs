//! What is refused, and what does not depend on who computes it.

use crate::case::normals;
use crate::definition::{Nothing, WithoutLayers};
use neuromanifold_geometry::{DiagonalFisher, Inverse, KroneckerFisher, Metric, MetricError};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Categorical, Gaussian, OutputMap};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn requests_that_make_no_sense_are_refused_with_a_remedy() {
    let net = Mlp::new(&[2, 3, 1], Activation::Tanh).unwrap();
    let theta: Vec<f64> = (0..net.parameters()).map(|i| (i as f64).sin()).collect();
    let inputs = [0.3, -1.0];
    let batch = net.on_slice(&inputs).unwrap();
    let l = batch.linearize(&theta).unwrap();
    let hidden = WithoutLayers(l.as_ref());
    let refused = KroneckerFisher::kfac(&hidden, &Gaussian::UNIT).unwrap_err();
    assert!(matches!(refused, MetricError::NoLayers { .. }));
    assert!(refused.to_string().contains("DiagonalFisher"), "{refused}");
    assert!(KroneckerFisher::ekfac(&hidden, &Gaussian::UNIT).is_err());

    // one example: both factors are singular
    let kfac = KroneckerFisher::kfac(l.as_ref(), &Gaussian::UNIT).unwrap();
    let ekfac = KroneckerFisher::ekfac(l.as_ref(), &Gaussian::UNIT).unwrap();
    let diagonal = DiagonalFisher::new(l.as_ref(), &Gaussian::UNIT).unwrap();
    let gradient = vec![1.0; net.parameters()];
    let mut out = gradient.clone();
    for fisher in [&kfac, &ekfac] {
        match fisher.raise(&gradient, Inverse::Exact, &mut out) {
            Err(MetricError::Singular { rank, dim, .. }) => assert_eq!((rank, dim), (2, 13)),
            other => panic!("{other:?}"),
        }
    }
    for metric in [&kfac as &dyn Metric, &ekfac, &diagonal] {
        for lambda in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refused = metric.raise(&gradient, Inverse::damped(lambda), &mut out);
            assert!(matches!(refused, Err(MetricError::Damping { .. })));
        }
        let refused = metric.raise(&gradient, Inverse::pseudo(f64::NAN), &mut out);
        assert!(matches!(refused, Err(MetricError::Tolerance { .. })));
        let infinite = vec![f64::INFINITY; gradient.len()];
        let refused = metric.raise(&infinite, Inverse::damped(1.0), &mut out);
        assert!(matches!(refused, Err(MetricError::NotFinite { .. })));
    }
    assert!(matches!(
        ekfac.raise_factored(&gradient, 0.1, &mut out),
        Err(MetricError::Unsupported { .. })
    ));
    assert!(kfac.raise_factored(&gradient, 0.0, &mut out).is_err());
    for refused in [
        KroneckerFisher::kfac(&Nothing, &Gaussian::UNIT).err(),
        DiagonalFisher::new(&Nothing, &Gaussian::UNIT).err(),
    ] {
        assert!(matches!(refused, Some(MetricError::Empty { .. })));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let net = Mlp::new(&[150, 140, 3], Activation::Tanh).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let theta = normals(net.parameters(), &mut rng);
    let inputs = normals(150 * 300, &mut rng);
    let gradient = normals(net.parameters(), &mut rng);
    let compute = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let batch = net.on_slice(&inputs).unwrap();
            let l = batch.linearize(&theta).unwrap();
            let kfac = KroneckerFisher::kfac(l.as_ref(), &Categorical).unwrap();
            let ekfac = KroneckerFisher::ekfac(l.as_ref(), &Categorical).unwrap();
            let diagonal = DiagonalFisher::new(l.as_ref(), &Categorical).unwrap();
            let mut bits = Vec::new();
            for metric in [&kfac as &dyn Metric, &ekfac, &diagonal] {
                let mut out = gradient.clone();
                metric
                    .raise(&gradient, Inverse::damped(1e-3), &mut out)
                    .unwrap();
                bits.extend(out.iter().map(|x| x.to_bits()));
            }
            bits.extend(ekfac.diagonal().iter().map(|x| x.to_bits()));
            bits
        })
    };
    let reference = compute(1);
    assert!(compute(2) == reference && compute(8) == reference);
}
