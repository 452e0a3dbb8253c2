//! The residual that a solve reports does not depend on the unit of the gradient.

#![allow(clippy::unwrap_used)] // clippy exempts tests from this lint, but not what they call

use neuromanifold_geometry::{GramFisher, Inverse, KroneckerFisher};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};

/// Squares of 1e200 overflow, those of 1e-200 vanish: neither is seen in a ratio.
#[test]
fn residuals_of_extreme_gradients_are_those_of_ordinary_ones() {
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
    let batch = net.on_slice(&[-2.0, -0.5, 1.0, 2.5]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let gram = GramFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let kfac = KroneckerFisher::kfac(at.as_ref(), &Gaussian::UNIT).unwrap();
    let mut out = [0.0; 7];
    for size in [1e200, 1.0, 1e-200] {
        let whitened = [0.3 * size, -size, 0.7 * size, 0.1 * size];
        let one = gram.raise_whitened(&whitened, Inverse::damped(1e-3), &mut out);
        let gradient = [0.3, 0.9, -0.4, 1.0, 0.2, -0.6, 0.8].map(|g: f64| g * size);
        let other = kfac.raise_factored(&gradient, 1e-3, &mut out);
        for residual in [one, other].map(|s| s.unwrap().relative_residual) {
            assert!(residual > 0.0 && residual < 1e-10, "{size:e}: {residual:e}");
        }
    }
}
