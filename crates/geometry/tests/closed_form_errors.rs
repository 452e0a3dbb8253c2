//! What has no closed form is refused with the name of what to use instead.

use neuromanifold_geometry::closed_form::{
    Averages, ClosedFormError, GaussianInput, GaussianInputFisher, PairLaw, Population, trapezoid,
};
use neuromanifold_geometry::faer::mat;
use neuromanifold_geometry::{ConjugateGradients, Inverse, Metric, MetricError};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;

fn fisher(net: &Mlp, input: &GaussianInput) -> Result<GaussianInputFisher, ClosedFormError> {
    GaussianInputFisher::new(net, &vec![0.5; net.parameters()], input, &Gaussian::UNIT)
}

#[test]
fn networks_without_a_closed_form() {
    let input = GaussianInput::standard(2);
    let deep = Mlp::new(&[2, 3, 3, 1], Activation::Tanh).unwrap();
    let error = fisher(&deep, &input).unwrap_err();
    assert!(matches!(
        error,
        ClosedFormError::NotShallow { hidden_layers: 2 }
    ));
    assert!(error.to_string().contains("DenseFisher"), "{error}");

    let affine = Mlp::new(&[2, 1], Activation::Tanh).unwrap();
    assert!(matches!(
        fisher(&affine, &input),
        Err(ClosedFormError::NotShallow { hidden_layers: 0 })
    ));

    let bent = Mlp::builder(2)
        .layer(3, Activation::Erf)
        .layer(1, Activation::Tanh)
        .build()
        .unwrap();
    let error = fisher(&bent, &input).unwrap_err();
    assert!(matches!(
        error,
        ClosedFormError::OutputActivation {
            activation: Activation::Tanh
        }
    ));

    let soft = Mlp::new(&[2, 3, 1], Activation::Softplus).unwrap();
    let error = fisher(&soft, &input).unwrap_err();
    assert!(matches!(error, ClosedFormError::NoClosedForm { .. }));
    assert!(
        error.to_string().contains("Averages::quadrature"),
        "{error}"
    );

    let narrow = Mlp::new(&[3, 3, 1], Activation::Erf).unwrap();
    assert!(matches!(
        fisher(&narrow, &input),
        Err(ClosedFormError::Inputs {
            expected: 3,
            got: 2,
            ..
        })
    ));

    let net = Mlp::new(&[2, 3, 1], Activation::Erf).unwrap();
    let short = GaussianInputFisher::new(&net, &[0.0; 5], &input, &Gaussian::UNIT);
    assert!(matches!(short, Err(ClosedFormError::Model(_))));
    let bad = GaussianInputFisher::new(&net, &[f64::NAN; 13], &input, &Gaussian::UNIT);
    assert!(matches!(bad, Err(ClosedFormError::Model(_))));
    let huge = GaussianInputFisher::new(&net, &[1e200; 13], &input, &Gaussian::UNIT);
    assert!(matches!(huge, Err(ClosedFormError::NotFinite { .. })));
    let other = Averages::closed_form(Activation::Tanh).unwrap();
    let mixed =
        GaussianInputFisher::with_averages(&net, &[0.5; 13], &input, &Gaussian::UNIT, &other);
    assert!(matches!(mixed, Err(ClosedFormError::Activations { .. })));
}

#[test]
fn laws_of_inputs() {
    let indefinite = mat![[1.0, 2.0], [2.0, 1.0]];
    let error = GaussianInput::full(indefinite.as_ref()).unwrap_err();
    assert!(
        matches!(error, ClosedFormError::NotPositiveDefinite { index: 0, value, .. } if (value + 1.0).abs() < 1e-12)
    );
    let constant = mat![[1.0, 1.0], [1.0, 1.0]];
    assert!(matches!(
        GaussianInput::full(constant.as_ref()),
        Err(ClosedFormError::NotPositiveDefinite { .. })
    ));
    let skew = mat![[1.0, 0.1], [0.2, 1.0]];
    assert!(matches!(
        GaussianInput::full(skew.as_ref()),
        Err(ClosedFormError::NotSymmetric { .. })
    ));
    let oblong = mat![[1.0, 0.1]];
    assert!(matches!(
        GaussianInput::full(oblong.as_ref()),
        Err(ClosedFormError::Inputs { .. })
    ));
    let bad = mat![[1.0, f64::NAN], [f64::NAN, 1.0]];
    assert!(matches!(
        GaussianInput::full(bad.as_ref()),
        Err(ClosedFormError::NotFinite { .. })
    ));
    for variance in [0.0, -1.0, 1e-320] {
        let refused = GaussianInput::diagonal(&[1.0, variance]);
        assert!(
            matches!(
                refused,
                Err(ClosedFormError::NotPositiveDefinite { index: 1, .. })
            ),
            "{variance:e}"
        );
    }
    assert!(matches!(
        GaussianInput::isotropic(2, f64::INFINITY),
        Err(ClosedFormError::NotFinite { .. })
    ));
    let input = GaussianInput::standard(2);
    assert!(matches!(
        input.clone().with_mean(&[1.0]),
        Err(ClosedFormError::Inputs { .. })
    ));
    assert!(matches!(
        input.with_mean(&[1.0, f64::NAN]),
        Err(ClosedFormError::NotFinite { .. })
    ));
}

#[test]
fn averages() {
    assert!(matches!(
        Averages::quadrature(Activation::Relu, 1e-9),
        Err(ClosedFormError::NotSmooth { .. })
    ));
    for tolerance in [0.0, f64::NAN, 2.0, -1.0] {
        let refused = Averages::quadrature(Activation::Tanh, tolerance);
        assert!(
            matches!(refused, Err(ClosedFormError::Tolerance { .. })),
            "{tolerance}"
        );
    }
    assert!(matches!(
        PairLaw::new([0.0, 0.0], [1.0, 1.0], 1.5),
        Err(ClosedFormError::NotPositiveDefinite { .. })
    ));
    assert!(matches!(
        PairLaw::new([f64::NAN, 0.0], [1.0, 1.0], 0.5),
        Err(ClosedFormError::NotFinite { .. })
    ));
    // φ'' of one unit times a mean whose square overflows
    let far = PairLaw::new([1e200, 0.0], [1.0, 1.0], 0.5).unwrap();
    for activation in [Activation::Erf, Activation::Tanh, Activation::Logistic] {
        let refused = Averages::closed_form(activation).unwrap().pair(&far);
        assert!(
            matches!(refused, Err(ClosedFormError::NotFinite { .. })),
            "{activation}"
        );
    }
    // far too steep for any grid
    let steep = PairLaw::new([0.0, 0.0], [1e8, 1e8], 0.0).unwrap();
    let refused = Averages::quadrature(Activation::Tanh, 1e-12)
        .unwrap()
        .unit(0.0, 1e8);
    assert!(
        matches!(refused, Err(ClosedFormError::Quadrature { .. })),
        "{refused:?}"
    );
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("Averages::closed_form")
    );
    // a jet of one's own: φ = sin, for which E[φφ] = e^{−(Q_aa+Q_bb)/2} sinh Q_ab
    let sine = |u: &[f64], jets: &mut [[f64; 4]]| {
        for (jet, u) in jets.iter_mut().zip(u) {
            *jet = [u.sin(), u.cos(), -u.sin(), -u.cos()];
        }
    };
    let law = PairLaw::new([0.0, 0.0], [1.0, 0.8], 0.5).unwrap();
    let found = trapezoid(&sine, &law, 1e-12).unwrap();
    let expected = (-0.9f64).exp() * 0.5f64.sinh();
    assert!((found.value.e00 - expected).abs() < 1e-14 && found.error < 1e-12);
    assert!(
        Averages::closed_form(Activation::Tanh)
            .unwrap()
            .pair(&steep)
            .unwrap()
            .e11
            .is_finite()
    );
}

#[test]
fn pairs_of_networks_that_do_not_compare() {
    let input = GaussianInput::standard(2);
    let one = Mlp::new(&[2, 3, 1], Activation::Erf).unwrap();
    let theta = vec![0.5; one.parameters()];
    let two = Mlp::new(&[2, 3, 2], Activation::Erf).unwrap();
    let refused = Population::new(&one, &theta, &two, &input, &Gaussian::UNIT);
    assert!(matches!(
        refused,
        Err(ClosedFormError::Signature {
            one: (2, 1),
            other: (2, 2)
        })
    ));
    let tanh = Mlp::new(&[2, 3, 1], Activation::Tanh).unwrap();
    let refused = Population::new(&one, &theta, &tanh, &input, &Gaussian::UNIT);
    assert!(matches!(refused, Err(ClosedFormError::Activations { .. })));
    let population = Population::new(&one, &theta, &one, &input, &Gaussian::UNIT).unwrap();
    assert!(matches!(
        population.divergence(&[1.0]),
        Err(ClosedFormError::Model(_))
    ));
}

#[test]
fn inverses() {
    let net = Mlp::new(&[2, 1, 1], Activation::Erf).unwrap();
    let at = fisher(&net, &GaussianInput::standard(2)).unwrap();
    let mut out = [0.0; 5];
    assert!(matches!(
        at.raise(&[f64::NAN; 5], Inverse::Exact, &mut out),
        Err(MetricError::NotFinite { .. })
    ));
    for lambda in [0.0, -1.0, f64::NAN] {
        let refused = at.raise(&[1.0; 5], Inverse::damped(lambda), &mut out);
        assert!(
            matches!(refused, Err(MetricError::Damping { .. })),
            "{lambda}"
        );
    }
    for lambda in [-1.0, f64::NAN, f64::INFINITY] {
        let refused = at.cholesky(lambda);
        assert!(
            matches!(refused, Err(MetricError::Damping { .. })),
            "{lambda}"
        );
    }
}

#[test]
fn stopping_rules() {
    let net = Mlp::new(&[2, 2, 1], Activation::Erf).unwrap();
    let fisher = fisher(&net, &GaussianInput::standard(2)).unwrap();
    let gradient = vec![1.0; net.parameters()];
    let mut out = gradient.clone();
    for tolerance in [0.0, -1.0, f64::NAN] {
        let stopping = ConjugateGradients {
            tolerance,
            max_products: 10,
        };
        let iterative = fisher.clone().with_conjugate_gradients(stopping);
        let refused = iterative.raise(&gradient, Inverse::damped(1e-3), &mut out);
        assert!(
            matches!(refused, Err(MetricError::StoppingRule { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn divergences_beyond_all_numbers() {
    let net = Mlp::new(&[1, 1, 1], Activation::Identity).unwrap();
    let input = GaussianInput::standard(1);
    let (teacher, far) = (vec![0.5; 4], vec![1e100; 4]);
    let population = Population::new(&net, &teacher, &net, &input, &Gaussian::UNIT).unwrap();
    let divergence = population.divergence(&far);
    assert!(
        matches!(divergence, Err(ClosedFormError::NotFinite { .. })),
        "{divergence:?}"
    );
    let mut gradient = vec![7.0; 4];
    assert!(population.gradient(&far, &mut gradient).is_err());
    assert_eq!(gradient, [7.0; 4], "what was there is kept");
}
