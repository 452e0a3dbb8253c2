use crate::krylov::Krylov;
use crate::{Metric, MetricError, Spectrum};

/// Nodes and weights from one probe vector; the weights sum to one.
#[derive(Clone, Debug)]
pub(crate) struct GaussRule {
    pub(crate) nodes: Vec<f64>,
    weights: Vec<f64>,
}

impl GaussRule {
    /// As many steps as there is room for, or until the space is invariant and the rule exact.
    pub(crate) fn grow(metric: &dyn Metric, krylov: &mut Krylov) -> Result<Self, MetricError> {
        loop {
            krylov.multiply(metric)?;
            if krylov.beta <= 0.0 || krylov.len() == krylov.capacity() {
                break;
            }
            krylov.append_residual();
        }
        let spectrum = Spectrum::new(krylov.projected())?;
        let first = spectrum.eigenvectors().row(0);
        krylov.check_range(spectrum.eigenvalues())?;
        let unit = krylov.unit();
        Ok(Self {
            nodes: spectrum.eigenvalues().iter().map(|v| v * unit).collect(),
            weights: first.iter().map(|entry| entry * entry).collect(),
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (f64, f64)> {
        self.nodes.iter().copied().zip(self.weights.iter().copied())
    }
}
