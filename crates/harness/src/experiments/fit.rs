//! Rates read off measured curves.

/// Least-squares slope of `log y` against `log x`: the order at which `y` scales with `x`. Points at which either is not
/// positive and finite are left out; NaN for fewer than two.
pub(super) fn log_log_slope(points: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let positive = |(x, y): &(f64, f64)| *x > 0.0 && *y > 0.0;
    slope((points.into_iter().filter(positive)).map(|(x, y)| (x.ln(), y.ln())))
}

/// Least-squares slope of `y` against `x`. Points at which either is not finite are left out; NaN for fewer than two.
pub(super) fn slope(points: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let points: Vec<(f64, f64)> = (points.into_iter())
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect();
    let n = points.len() as f64;
    let (mx, my) = (points.iter()).fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / points.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::{log_log_slope, slope};

    #[test]
    fn a_power_law_has_its_exponent() {
        let order = log_log_slope((1..9).map(|k| (f64::from(k), 3.0 * f64::from(k).powf(2.5))));
        assert!((order - 2.5).abs() < 1e-12);
        assert!((slope([(0.0, 1.0), (1.0, 3.0), (f64::NAN, 0.0), (3.0, 7.0)]) - 2.0).abs() < 1e-15);
        assert!(log_log_slope([(1.0, 2.0), (0.0, 1.0), (2.0, f64::NAN)]).is_nan());
    }
}
