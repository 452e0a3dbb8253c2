//! Averages where they are hard: correlations near ±1, variances from 1e-10 to 1e8, means up to ±50, and grids that cannot see.

use neuromanifold_geometry::closed_form::{
    Averages, ClosedFormError, PairLaw, PairMoments, trapezoid, trapezoid_unit,
};
use neuromanifold_mlp::Activation;

/// Means, variances, covariance, averages.
type Reference = ([f64; 2], [f64; 2], f64, [f64; 11]);

/// For erf, with the eleven averages in the order of `PairMoments::ORDERS`: quadrature over one unit with
/// 40 digits of the other's average given the first, which is a convolution of two Gaussians.
#[rustfmt::skip]
const ERF: [Reference; 11] = [
    ([0.0, 0.0], [1.0, 1.0], 0.999999999999, [0.3333333333329658, 0.0, 0.0, 0.36755259694773884, -0.18377629847368565, -0.18377629847368565, 0.0, 0.0, 0.12251753231570876, -0.24503506463166255, -0.24503506463166255]),
    ([0.3, 0.4], [2.0, 2.0], 1.999999998, [0.47489243906179796, 0.009239414059531577, 0.055869694776702304, 0.27712082894939843, -0.18597914098945595, -0.19033418859252196, -0.033254499453975114, -0.005542416614459429, 0.1115134212848898, -0.16228195717152036, -0.16616164877060444]),
    ([0.3, -0.4], [1.0, 4.0], -1.999998, [-0.4469686404540111, 0.03571108685539495, -0.025397599068916938, 0.25369315814907134, 0.10433404873079688, 0.25750254431625075, 0.008456452699020236, -0.029597529479793164, -0.0855507746934079, -0.08428239107094593, -0.2079576387951999]),
    ([0.0, 0.0], [10000.0, 10000.0], 9999.0, [0.987268028940367, 0.0, 0.0, 0.0031830988618379067, -0.0031824623057211507, -0.0031824623057211507, 0.0, 0.0, 0.0007956951379879308, -0.0007958542929310227, -0.0007958542929310227]),
    ([0.5, -0.25], [1000000.0, 1000000.0], 999999.0, [0.9986382708724754, 0.00023325303916586884, -0.00023325286894985663, 0.0002966974359366401, -0.0002966967842291602, -0.0002966967259160438, 5.5630750694530275e-05, -5.563078778170977e-05, 6.37435155776547e-05, -6.374367088021651e-05, -6.37436569725242e-05]),
    ([0.0, 0.0], [1e-08, 1e-06], 5e-08, [3.183097254374184e-08, 0.0, 0.0, 0.6366194508748374, -3.183094071280116e-08, -3.183097222543215e-08, 0.0, 0.0, 3.1830940394491834e-08, -0.6366188142560247, -0.6366194445086446]),
    ([0.2, 0.1], [1e-10, 1e-10], -9e-11, [0.012626971183527411, 0.12584937428970835, 0.06229753914118343, 0.6209015741216674, -0.012584937371831202, -0.012459507771109594, -0.06209015741713396, -0.12418031481750356, 0.01241803142686266, -0.6146925583173671, -0.5960655110974425]),
    ([50.0, -50.0], [900.0, 1600.0], 600.0, [-0.6936978634017555, 0.009059110677037643, -0.006530438875702385, 8.51400692303938e-06, 0.0002797296250456331, 0.0003567297887139796, 5.902777175948156e-07, -8.655571328622179e-07, -5.5290164782744616e-08, 3.383758764918686e-08, 7.540282862343871e-08]),
    ([-50.0, 3.0], [100.0, 0.01], -0.9, [-0.9971646064028308, -0.00922152982909896, 3.3126080774198173e-07, 1.0285371942477526e-08, 0.0273906918258729, 1.6408215071135957e-07, -2.622160040671148e-08, 4.8581104629488715e-09, -1.2476772076966784e-08, 5.658448951325427e-08, 2.1919906567890685e-09]),
    ([8.0, -8.0], [4.0, 9.0], 5.9, [-0.9882413442628637, 0.010284844252703535, -0.0005928848802877308, 4.938762889215591e-26, 0.008227875402162828, 0.0009486158084603694, 2.8351555229730065e-25, -4.1356855793826424e-25, -2.3549566321101337e-24, 1.611298091893604e-24, 3.4306809928127496e-24]),
    ([3.0, 2.9], [100000000.0, 0.0001], 50.0, [0.00028598229757539553, -0.00013491727121604978, 7.949060664472137e-05, 9.50154793748559e-07, 0.00034371797504161223, -2.859795567617965e-12, -2.7552408335754374e-06, 1.3491157594841045e-12, -3.437098504318095e-12, 7.039511527392686e-06, -9.499869766707517e-15]),
];

#[test]
fn erf_at_the_extremes() {
    let averages = Averages::closed_form(Activation::Erf).unwrap();
    for (means, variances, covariance, expected) in ERF {
        let law = PairLaw::new(means, variances, covariance).unwrap();
        let found = averages.pair(&law).unwrap().to_array();
        for ((order, found), expected) in PairMoments::ORDERS.iter().zip(found).zip(expected) {
            let error = (found - expected).abs();
            // 6e-15 is the largest; the exponential of −60 has that much of rounding
            assert!(
                error <= 2e-14 * expected.abs(),
                "{law:?} {order:?}: {found:e} {expected:e}"
            );
        }
    }
}

/// What `Averages` promises of the mixture, for weights of any size.
#[test]
fn mixtures_beside_what_they_stand_for() {
    for activation in [Activation::Tanh, Activation::Logistic] {
        let mixture = Averages::closed_form(activation).unwrap();
        let exact = Averages::quadrature(activation, 1e-9).unwrap();
        for size in [0.03, 0.1, 0.3, 1.0, 3.0f64] {
            for (mean, correlation) in [(0.0, 0.5), (0.5, 0.0), (1.0, 0.95), (2.0, -0.5)] {
                let law = |means: [f64; 2], covariance: f64| {
                    PairLaw::new(means, [size * size; 2], covariance * size * size).unwrap()
                };
                let means = [mean * size, -0.3 * size];
                let pair = law(means, correlation);
                let (found, expected) = (mixture.pair(&pair).unwrap(), exact.pair(&pair).unwrap());
                // mean squares of φ and its derivatives, those of the third within a factor of the second's
                let squares = means.map(|at| {
                    let own = exact.pair(&law([at, at], 1.0)).unwrap();
                    [own.e00, own.e11, own.e22, own.e22.max(own.e11)]
                });
                let pairs = found.to_array().into_iter().zip(expected.to_array());
                for ((i, j), (found, expected)) in PairMoments::ORDERS.into_iter().zip(pairs) {
                    let bound = if i.max(j) < 2 { 2e-7 } else { 1e-5 };
                    let error = (found - expected).abs() / (squares[0][i] * squares[1][j]).sqrt();
                    assert!(
                        error < bound,
                        "{activation} {size} {mean} {correlation} ({i}, {j}): {error:e}"
                    );
                }
            }
        }
    }
}

/// A transition of width 1 in pre-activations of standard deviation 1e5, so far out that coarse grids agree on both sides of it.
#[test]
fn a_grid_that_sees_nothing_says_so() {
    let jet = |u: &[f64], jets: &mut [[f64; 4]]| {
        for (jet, u) in jets.iter_mut().zip(u) {
            let (value, slope) = (u.tanh(), u.cosh().powi(-2));
            *jet = [
                value,
                slope,
                -2.0 * value * slope,
                slope * (6.0 * value * value - 2.0),
            ];
        }
    };
    let deviation = 1e5;
    match trapezoid_unit(&jet, 8.2 * deviation, deviation * deviation, 1e-12) {
        Err(ClosedFormError::Quadrature { .. }) => {}
        Ok(found) => {
            // 2 n(8.2)/σ: the average of a slope of integral 2
            let exact =
                2.0 * (-0.5f64 * 8.2 * 8.2).exp() / (2.0 * std::f64::consts::PI).sqrt() / deviation;
            assert!(
                (found.value.e1 / exact - 1.0).abs() < 1e-3,
                "{:e} {exact:e} claimed {:e}",
                found.value.e1,
                found.error
            );
        }
        Err(other) => panic!("{other}"),
    }
}

/// What is not a number comes out as an error, not as a number nor as itself.
#[test]
fn nan_does_not_pass() {
    let sine = |u: &[f64], jets: &mut [[f64; 4]]| {
        for (jet, u) in jets.iter_mut().zip(u) {
            *jet = [u.sin(), u.cos(), -u.sin(), -u.cos()];
        }
    };
    let broken = |_: &[f64], jets: &mut [[f64; 4]]| jets.fill([f64::NAN; 4]);
    for (mean, variance) in [(f64::NAN, 1.0), (0.0, f64::NAN), (0.0, f64::INFINITY)] {
        assert!(matches!(
            trapezoid_unit(&sine, mean, variance, 1e-9),
            Err(ClosedFormError::NotFinite { .. })
        ));
        for activation in [Activation::Erf, Activation::Tanh, Activation::Relu] {
            let refused = Averages::closed_form(activation)
                .unwrap()
                .unit(mean, variance);
            assert!(
                matches!(refused, Err(ClosedFormError::NotFinite { .. })),
                "{activation} {refused:?}"
            );
        }
    }
    let refused = Averages::closed_form(Activation::Erf)
        .unwrap()
        .unit(0.0, -1.0);
    assert!(
        matches!(refused, Err(ClosedFormError::NotPositiveDefinite { .. })),
        "{refused:?}"
    );
    assert!(matches!(
        trapezoid_unit(&sine, 0.0, -1.0, 1e-9),
        Err(ClosedFormError::NotPositiveDefinite { .. })
    ));
    let law = PairLaw::new([0.0, 0.0], [1.0, 1.0], 0.5).unwrap();
    assert!(matches!(
        trapezoid(&broken, &law, 1e-9),
        Err(ClosedFormError::NotFinite { .. })
    ));
    assert!(matches!(
        trapezoid_unit(&broken, 0.0, 1.0, 1e-9),
        Err(ClosedFormError::NotFinite { .. })
    ));
}
