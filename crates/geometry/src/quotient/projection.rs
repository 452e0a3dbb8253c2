use super::Unit;
use super::ray::largest;

/// Two rays and where they are parallel.
pub(crate) struct Projected {
    /// How far both have to move, together.
    pub(crate) distance: f64,
    /// Whether they are equal (+1) or opposite (−1) there, up to size.
    pub(crate) sign: f64,
}

/// The projection onto rays that are equal up to given signs: their mean, turned.
pub(crate) fn onto_mean(rays: &[Vec<f64>], signs: &[f64]) -> Vec<Vec<f64>> {
    let mean: Vec<f64> = (0..rays[0].len())
        .map(|entry| {
            // exact for equal entries
            let first = signs[0] * rays[0][entry];
            let drift: f64 = rays
                .iter()
                .zip(signs)
                .map(|(r, s)| s * r[entry] - first)
                .sum();
            first + drift / rays.len() as f64
        })
        .collect();
    let turned = |sign: &f64| mean.iter().map(|m| sign * m).collect();
    signs.iter().map(turned).collect()
}

/// The projection onto rays that are parallel, of whatever size and orientation: onto the first singular vector of all, found by power
/// iteration from the sum of the aligned rays. It converges with the squared ratio of their spread to their length.
pub(crate) fn onto_axis(rays: &[Vec<f64>], signs: &[f64]) -> Vec<Vec<f64>> {
    const ITERATIONS: usize = 200;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let unit = |mut axis: Vec<f64>| {
        let length = dot(&axis, &axis).sqrt();
        axis.iter_mut().for_each(|d| *d /= length);
        axis
    };
    let combined = |weights: &dyn Fn(usize) -> f64| {
        let mut axis = vec![0.0; rays[0].len()];
        for (k, ray) in rays.iter().enumerate() {
            let weight = weights(k);
            axis.iter_mut().zip(ray).for_each(|(d, r)| *d += weight * r);
        }
        axis
    };
    let mut axis = unit(combined(&|k| signs[k]));
    for _ in 0..ITERATIONS {
        let next = unit(combined(&|k| dot(&rays[k], &axis)));
        let moved = next
            .iter()
            .zip(&axis)
            .fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
        axis = next;
        // not (moved > …): an axis that is not a number stops here too
        if moved.is_nan() || moved <= 4.0 * f64::EPSILON {
            break;
        }
    }
    rays.iter()
        .map(|ray| along(ray, &axis, dot(ray, &axis)))
        .collect()
}

/// A ray projected to an axis of length 1; one that is on it to rounding stays where it is, at distance 0.
fn along(ray: &[f64], axis: &[f64], length: f64) -> Vec<f64> {
    let nearest: Vec<f64> = axis.iter().map(|d| length * d).collect();
    let size = 8.0 * f64::EPSILON * largest(ray);
    let there = ray.iter().zip(&nearest).all(|(r, p)| (r - p).abs() <= size);
    if there { ray.to_vec() } else { nearest }
}

/// The projection onto rays that are parallel, of whatever size: the best approximation of rank 1 (Eckart and Young 1936), which
/// projects both to the axis `d` that maximises `(a·d)² + (b·d)²`. `None` if it is further than the radius, or not a pair of rays.
///
/// # References
/// C. Eckart, G. Young, *The approximation of one matrix by another of lower rank*, Psychometrika 1 (1936) 211–218,
/// doi:10.1007/BF02288367.
pub(crate) fn principal_axis(units: (&Unit, &Unit), radius: f64) -> Option<Projected> {
    let dot = |a: &Unit, b: &Unit| {
        let weights = a.incoming.iter().zip(&b.incoming);
        weights.map(|(a, b)| a * b).sum::<f64>() + a.bias * b.bias
    };
    let (aa, bb, ab) = (
        dot(units.0, units.0),
        dot(units.1, units.1),
        dot(units.0, units.1),
    );
    // eigenvalues of the 2 × 2 Gram matrix: the squared distance is the smaller one
    let spread = (0.5 * (aa - bb)).hypot(ab);
    let (greater, smallest) = (0.5 * (aa + bb) + spread, 0.5 * (aa + bb) - spread);
    let rounding = 8.0 * f64::EPSILON * (aa + bb);
    if aa * bb <= 0.0 || smallest - rounding > radius * radius {
        return None;
    }
    // its first eigenvector, from the row without cancellation
    let (p, q) = if aa >= bb {
        (greater - bb, ab)
    } else {
        (ab, greater - aa)
    };
    let (a, b) = (units.0.ray(), units.1.ray());
    let axis: Vec<f64> = a.iter().zip(&b).map(|(a, b)| p * a + q * b).collect();
    let squared: f64 = axis.iter().map(|d| d * d).sum();
    let size = squared.sqrt();
    let axis: Vec<f64> = axis.iter().map(|d| d / size).collect();
    let projected = |ray: &[f64]| {
        let length = ray.iter().zip(&axis).map(|(r, d)| r * d).sum::<f64>();
        let gaps = ray.iter().zip(along(ray, &axis, length));
        (length, gaps.map(|(r, p)| (r - p) * (r - p)).sum::<f64>())
    };
    let ((one, first), (other, second)) = (projected(&a), projected(&b));
    // at a right angle the nearest point has one ray at zero, which is a constant unit and no overlap
    ((one * other).is_normal() && squared.is_normal()).then(|| Projected {
        sign: (one * other).signum(),
        distance: (first + second).sqrt(),
    })
}
