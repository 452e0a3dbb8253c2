//! What is refused, and by which name.

use crate::{STOPPING, distance, norm};
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{
    ConjugateGradients, DenseFisher, FisherOperator, GramFisher, Inverse, Metric, MetricError,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};

#[test]
fn bad_requests_are_named() {
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
    let batch = net.on_slice(&[-1.0, 0.3, 1.2]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let fisher = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let mut out = [0.0; 7];
    let mut error = |gradient: &[f64], inverse| {
        fisher
            .raise(gradient, inverse, &mut out)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[1.0; 7], Inverse::damped(0.0)),
        "the damping λ is 0; it must be positive and finite"
    );
    assert!(error(&[1.0; 7], Inverse::damped(f64::NAN)).contains("NaN"));
    assert!(error(&[1.0; 7], Inverse::pseudo(-1.0)).contains("-1"));
    let mut poisoned = [1.0; 7];
    poisoned[3] = f64::INFINITY;
    assert_eq!(
        error(&poisoned, Inverse::damped(1.0)),
        "entry 3 of the gradient is inf; it must be finite"
    );
    // one output cannot carry a categorical law
    let refused = DenseFisher::new(at.as_ref(), &neuromanifold_model::Categorical).unwrap_err();
    assert!(
        refused.to_string().contains("at least 2 outputs"),
        "{refused}"
    );
    let lopsided = Mat::from_fn(2, 2, |i, j| (i + 2 * j) as f64);
    assert!(matches!(
        DenseFisher::from_matrix(lopsided.as_ref()),
        Err(MetricError::NotSymmetric { .. })
    ));
    // conjugate gradients that run out of products say so and leave their best
    let hasty = ConjugateGradients {
        tolerance: 1e-12,
        max_products: 1,
    };
    let operator = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, hasty).unwrap();
    let gradient: Vec<f64> = (0..7).map(|i| f64::from(i).sin()).collect();
    let refused = operator.raise(&gradient, Inverse::damped(1e-6), &mut out);
    assert!(matches!(
        refused,
        Err(MetricError::DidNotConverge { iterations: 1, .. })
    ));
    assert!(norm(&out) > 0.0);
}

/// A pivot that is rounding noise is refused, although it is positive.
#[test]
fn a_pivot_of_noise_is_not_inverted() {
    let nearly = Mat::from_fn(2, 2, |i, j| {
        if i == 1 && j == 1 {
            1.0 + f64::EPSILON
        } else {
            1.0
        }
    });
    let refused = neuromanifold_geometry::Cholesky::new(nearly.as_ref(), 0.0);
    assert!(matches!(
        refused,
        Err(MetricError::NotPositiveDefinite { pivot: 1, .. })
    ));
    let clear = Mat::from_fn(2, 2, |i, j| if i == 1 && j == 1 { 1.001 } else { 1.0 });
    assert!(neuromanifold_geometry::Cholesky::new(clear.as_ref(), 0.0).is_ok());
    assert!(neuromanifold_geometry::Cholesky::new(clear.as_ref(), -0.5).is_err());
    assert!(matches!(
        DenseFisher::from_matrix(Mat::<f64>::zeros(0, 0).as_ref()),
        Err(MetricError::Shape { .. })
    ));
}

/// A Jacobian that overflows makes no metric.
#[test]
fn a_metric_that_overflows_is_refused() {
    let net = Mlp::new(&[1, 1, 1], Activation::Tanh).unwrap();
    let theta = [1e-3, 0.0, 1e170, 0.0];
    let batch = net.on_slice(&[0.5, 1.0]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let refused = DenseFisher::new(at.as_ref(), &Gaussian::UNIT);
    assert!(
        matches!(refused, Err(MetricError::NotFinite { .. })),
        "{refused:?}"
    );
    assert!(matches!(
        GramFisher::new(at.as_ref(), &Gaussian::UNIT),
        Err(MetricError::NotFinite { .. })
    ));
}

/// Covectors of any size are raised alike, and a damping lost in rounding is refused in every representation.
#[test]
fn extreme_sizes_are_handled_or_refused() {
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
    let batch = net.on_slice(&[-1.0, 0.3, 1.2]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let dense = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let gram = GramFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let operator = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, STOPPING).unwrap();
    let base: Vec<f64> = (0..7).map(|i| f64::from(i).cos()).collect();
    for metric in [&dense as &dyn Metric, &gram, &operator] {
        let (mut one, mut scaled) = (vec![0.0; 7], vec![0.0; 7]);
        metric.raise(&base, Inverse::damped(0.1), &mut one).unwrap();
        for size in [1e200, 1e-200] {
            let gradient: Vec<f64> = base.iter().map(|g| g * size).collect();
            metric
                .raise(&gradient, Inverse::damped(0.1), &mut scaled)
                .unwrap();
            scaled.iter_mut().for_each(|x| *x /= size);
            assert!(distance(&one, &scaled) < 1e-9 * norm(&one));
        }
        let lost = metric.raise(&base, Inverse::damped(1e-300), &mut one);
        assert!(lost.is_err(), "{lost:?}");
    }
    let nan = ConjugateGradients {
        tolerance: f64::NAN,
        max_products: 10,
    };
    let operator = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, nan).unwrap();
    assert!(
        operator
            .raise(&base, Inverse::damped(0.1), &mut [0.0; 7])
            .is_err()
    );
}
