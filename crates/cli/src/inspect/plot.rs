use super::report::Inspection;
use neuromanifold_harness::{Axis, Figure, Series, figure};

/// The spectrum as an SVG file: eigenvalues by their index, or, where only sums are known, their density.
pub(crate) fn spectrum(inspection: &Inspection) -> String {
    let metric = &inspection.metric;
    let name = &inspection.network.architecture;
    let drawn = if metric.density.is_empty() {
        let rank = metric.eigenvalues.len();
        let caption = format!("Eigenvalues of the Fisher metric of a {name} network.");
        let mut drawn = Figure::new(
            "spectrum",
            caption,
            Axis::linear("index"),
            Axis::log("eigenvalue").unit("nats"),
        )
        .with(Series::line(
            "eigenvalues",
            (1..=rank).map(|i| i as f64),
            metric.eigenvalues.iter().copied(),
        ))
        .horizontal(metric.gamma, "γ");
        if inspection.degeneracy.nullity > 0 {
            let full = inspection.network.parameters - inspection.degeneracy.nullity;
            drawn = drawn.vertical(full as f64, format!("rank by theory, {full}"));
        }
        drawn
    } else {
        let caption = format!(
            "Density of the eigenvalues of the Fisher metric of a {name} network, and the largest."
        );
        let places = metric.density.iter().map(|(place, _)| 10f64.powf(*place));
        let counts = metric.density.iter().map(|(_, count)| *count);
        Figure::new(
            "spectrum",
            caption,
            Axis::log("eigenvalue").unit("nats"),
            Axis::log("eigenvalues per decade"),
        )
        .with(Series::line("density", places, counts))
        .with(Series::points(
            "largest eigenvalues",
            metric.eigenvalues.iter().copied(),
            metric.eigenvalues.iter().map(|_| 1.0),
        ))
        .vertical(metric.gamma, "γ")
    };
    figure::standalone(&drawn)
}
