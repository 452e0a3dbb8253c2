//! The difference of two networks as an integral along the line between them, `f(θ+dθ) − f(θ) = ∫₀¹ ∇f(θ + t dθ)·dθ dt`.
//!
//! No nearly equal numbers are subtracted, so averages of its square keep their relative accuracy however short the line is.
//! All networks are in coordinates of one span.

use super::coupling::{Coupling, Image, Tangent};
use super::product::{add_product, product};
use super::whitened::Whitened;
use super::{Averages, ClosedFormError};
use faer::Mat;

/// `∫∫ dθᵀ E[∇f(θ_s) ∇f(θ_t)ᵀ] dθ ds dt`.
pub(crate) fn square(
    averages: &Averages,
    start: &Whitened,
    step: &Whitened,
) -> Result<f64, ClosedFormError> {
    let nodes: Vec<(f64, Whitened)> = unit_interval()
        .map(|(t, weight)| (weight, between(start, step, t)))
        .collect();
    let mut sum = 0.0;
    for (i, (weight, left)) in nodes.iter().enumerate() {
        for (j, (other, right)) in nodes.iter().enumerate().skip(i) {
            let coupling = Coupling::between(averages, left, right)?;
            let (weights, image) = moved(&coupling, left, right, step);
            let twice = if i == j { 1.0 } else { 2.0 };
            sum += twice * weight * other * contract(step, &weights, &image);
        }
    }
    Ok(sum)
}

/// `∫ E[∇f(θ) ∇f(θ_t)ᵀ] dθ dt`.
pub(crate) fn gradient(
    averages: &Averages,
    start: &Whitened,
    end: &Whitened,
    step: &Whitened,
) -> Result<(Mat<f64>, Image), ClosedFormError> {
    let mut sum = Mat::zeros(step.weights.nrows(), step.weights.ncols());
    let mut parts = Image {
        own: Vec::new(),
        mixed: Vec::new(),
        means: vec![0.0; step.means.len()],
        outgoing: vec![0.0; step.outgoing.len()],
        constant: vec![0.0; step.constant.len()],
    };
    for (t, weight) in unit_interval() {
        let right = between(start, step, t);
        let coupling = Coupling::between(averages, end, &right)?;
        let (weights, image) = moved(&coupling, end, &right, step);
        sum += weights * weight;
        parts.add(weight, &image);
    }
    Ok((sum, parts))
}

/// `E[∇f(left) ∇f(right)ᵀ]` on a tangent vector at `right`: the weights of the image, and the rest.
fn moved(
    coupling: &Coupling,
    left: &Whitened,
    right: &Whitened,
    step: &Whitened,
) -> (Mat<f64>, Image) {
    let products = product(left.weights.transpose(), step.weights.as_ref());
    let own: Vec<f64> = right
        .weights
        .col_iter()
        .zip(step.weights.col_iter())
        .map(|(w, y)| w.iter().zip(y.iter()).map(|(w, y)| w * y).sum())
        .collect();
    let tangent = Tangent {
        left_products: products.as_ref(),
        right_products: &own,
        means: &step.means,
        outgoing: &step.outgoing,
        constant: &step.constant,
    };
    let image = coupling.apply(&left.outgoing, &right.outgoing, &tangent);
    let mut weights = image.weights(left, right);
    let slopes = coupling.unseen();
    add_product(
        weights.as_mut(),
        1.0,
        step.weights.as_ref(),
        slopes.transpose(),
    );
    (weights, image)
}

/// A covector on a tangent vector.
fn contract(step: &Whitened, weights: &Mat<f64>, image: &Image) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let on_weights: f64 = step
        .weights
        .col_iter()
        .zip(weights.col_iter())
        .map(|(y, g)| y.iter().zip(g.iter()).map(|(y, g)| y * g).sum::<f64>())
        .sum();
    on_weights
        + dot(&step.means, &image.means)
        + dot(&step.outgoing, &image.outgoing)
        + dot(&step.constant, &image.constant)
}

/// The point `t` of the line that starts at a network.
fn between(start: &Whitened, step: &Whitened, t: f64) -> Whitened {
    let along = |a: &[f64], d: &[f64]| a.iter().zip(d).map(|(a, d)| a + t * d).collect();
    Whitened {
        weights: &start.weights + &step.weights * t,
        means: along(&start.means, &step.means),
        outgoing: along(&start.outgoing, &step.outgoing),
        constant: along(&start.constant, &step.constant),
    }
}

/// Gauss–Legendre nodes and weights on [0, 1].
fn unit_interval() -> impl Iterator<Item = (f64, f64)> {
    const HALF: [(f64, f64); 4] = [
        (0.183_434_642_495_649_8, 0.362_683_783_378_362),
        (0.525_532_409_916_329, 0.313_706_645_877_887_3),
        (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
        (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
    ];
    HALF.into_iter()
        .flat_map(|(x, w)| [(0.5 - 0.5 * x, 0.5 * w), (0.5 + 0.5 * x, 0.5 * w)])
}
