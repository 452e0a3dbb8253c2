use super::Unit;
use super::ray::{largest, separation};

/// Two rays moved to where they overlap.
pub(crate) struct Projected {
    /// `(w, b)` of both.
    pub(crate) rays: (Vec<f64>, Vec<f64>),
    /// Whether they are equal (+1) or opposite (−1) there, up to size for relu.
    pub(crate) sign: f64,
}

/// The projection onto `a = ±b`: the mean of both, with the sign for which it is nearer. `None` if it is surely further than the
/// radius.
pub(crate) fn mean_ray(units: (&Unit, &Unit), radius: f64) -> Option<Projected> {
    let (a, b) = (units.0.ray(), units.1.ray());
    let (gap, sign) = separation(&a, &b);
    // the largest entry bounds the Euclidean distance from below
    if gap / std::f64::consts::SQRT_2 > radius {
        return None;
    }
    let pairs = a.iter().zip(&b);
    let mean: Vec<f64> = pairs.map(|(a, b)| 0.5 * (a + sign * b)).collect();
    let turned = mean.iter().map(|m| sign * m).collect();
    Some(Projected {
        rays: (mean, turned),
        sign,
    })
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
    let projected = |ray: &[f64]| {
        let along = ray.iter().zip(&axis).map(|(r, d)| r * d).sum::<f64>() / squared;
        let nearest: Vec<f64> = axis.iter().map(|d| along * d).collect();
        // a ray that is on the axis to rounding stays where it is, at distance 0
        let size = 8.0 * f64::EPSILON * largest(ray);
        let there = ray.iter().zip(&nearest).all(|(r, p)| (r - p).abs() <= size);
        (along, if there { ray.to_vec() } else { nearest })
    };
    let ((along, first), (other, second)) = (projected(&a), projected(&b));
    // at a right angle the nearest point has one ray at zero, which is a constant unit and no overlap
    ((along * other).is_normal() && squared.is_normal()).then(|| Projected {
        sign: (along * other).signum(),
        rays: (first, second),
    })
}
