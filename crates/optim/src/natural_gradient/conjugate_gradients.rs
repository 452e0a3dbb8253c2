use crate::step::{dot, norm};
use neuromanifold_geometry::ConjugateGradients;

/// `x ← (G + λI)⁻¹ x`, as far as it comes: stops at the tolerance, after the last product, or where rounding has taken
/// over. Each iterate has a smaller `½xᵀ(G + λI)x − xᵀb` than the one before, so that any of them will do as a step.
pub(super) fn conjugate_gradients(
    lower: impl Fn(&[f64], &mut [f64]),
    lambda: f64,
    stopping: ConjugateGradients,
    x: &mut [f64],
) {
    let unit = norm(x); // squares of the residual then neither over- nor underflow
    if unit <= 0.0 || !unit.is_finite() {
        return;
    }
    let mut residual: Vec<f64> = x.iter().map(|b| b / unit).collect();
    x.fill(0.0);
    let mut direction = residual.clone();
    let mut image = vec![0.0; x.len()];
    let mut squared = dot(&residual, &residual);
    let goal = stopping.tolerance * stopping.tolerance * squared;
    for _ in 0..stopping.max_products {
        lower(&direction, &mut image);
        for (image, d) in image.iter_mut().zip(&direction) {
            *image += lambda * d;
        }
        let step = squared / dot(&direction, &image);
        if !(step.is_finite() && step > 0.0) {
            break;
        }
        for ((x, d), (r, image)) in
            (x.iter_mut().zip(&direction)).zip(residual.iter_mut().zip(&image))
        {
            *x += step * d;
            *r -= step * image;
        }
        let next = dot(&residual, &residual);
        if next <= goal {
            break;
        }
        for (d, r) in direction.iter_mut().zip(&residual) {
            *d = r + next / squared * *d;
        }
        squared = next;
    }
    for x in x.iter_mut() {
        *x *= unit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: ConjugateGradients = ConjugateGradients {
        tolerance: 1e-15,
        max_products: 3,
    };

    fn lower(v: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&[4.0 * v[0] + v[1], v[0] + 3.0 * v[1], 0.0]);
    }

    #[test]
    fn three_unknowns_take_three_products() {
        let mut x = [1.0, 2.0, 3.0];
        conjugate_gradients(lower, 0.5, EXACT, &mut x);
        let mut image = [0.0; 3];
        lower(&x, &mut image);
        for ((image, x), b) in image.iter().zip(&x).zip([1.0, 2.0, 3.0]) {
            assert!((image + 0.5 * x - b).abs() < 1e-13);
        }
    }

    #[test]
    fn a_scale_near_the_edge_of_f64_is_no_obstacle() {
        let mut x = [1e200, 2e200, 0.0];
        conjugate_gradients(lower, 0.5, EXACT, &mut x);
        assert!(x.iter().all(|x| x.is_finite()) && (4.5 * x[0] + x[1]) / 1e200 - 1.0 < 1e-12);
    }
}
