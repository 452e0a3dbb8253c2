use super::ClosedFormError;
use faer::{Mat, MatRef, Side};

/// The metric on the outputs, `H = Σ⁻¹` for Gaussian noise of covariance `Σ`, and the frame in which it is the identity.
///
/// With `H = E diag(h) Eᵀ`, outgoing weights and constants become `ṽ_k = √h_k (EᵀV)_k`. An output along which `h_k = 0` is not
/// seen by the metric at all.
#[derive(Clone, Debug)]
pub(crate) struct OutputPrecision {
    /// `E`, or `None` for the identity.
    axes: Option<Mat<f64>>,
    /// `√h_k`.
    roots: Vec<f64>,
}

/// Which way a vector is scaled along an axis of the outputs.
#[derive(Clone, Copy)]
enum Scale {
    /// By `√h`: points and tangent vectors into the frame, covectors out of it.
    Multiply,
    /// By `1/√h`, and to nothing where `h = 0`: the other way round.
    Divide,
}

impl OutputPrecision {
    /// `H = I/σ²`.
    pub(crate) fn isotropic(outputs: usize, deviation: f64) -> Self {
        Self {
            axes: None,
            roots: vec![1.0 / deviation; outputs],
        }
    }

    /// Any symmetric positive semidefinite `H`, `K × K`. Eigenvalues that are rounding beside the largest are zero.
    pub(crate) fn new(matrix: MatRef<'_, f64>, outputs: usize) -> Result<Self, ClosedFormError> {
        const WHAT: &str = "precision of the outputs";
        super::gaussian_input::check_symmetric(WHAT, matrix, outputs)?;
        let eigen = matrix
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| ClosedFormError::Eigen { dim: outputs })?;
        let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
        let largest = values.iter().fold(0.0, |m: f64, v| m.max(*v));
        let noise = 4.0 * outputs as f64 * f64::EPSILON * largest;
        if let Some(index) = values.iter().position(|v| *v < -noise) {
            return Err(ClosedFormError::IndefinitePrecision {
                index,
                value: values[index],
                largest,
            });
        }
        let root = |value: f64| if value > noise { value.sqrt() } else { 0.0 };
        Ok(Self {
            axes: Some(eigen.U().to_owned()),
            roots: values.into_iter().map(root).collect(),
        })
    }

    /// `√h_k` for each axis.
    pub(crate) fn roots(&self) -> &[f64] {
        &self.roots
    }

    /// A point or tangent vector into the frame: outgoing weights (`K × m`) or constants (`K × 1`), row by row.
    pub(crate) fn push_tangent(&self, rows: &[f64]) -> Vec<f64> {
        self.scaled(self.rotated(rows, false), Scale::Multiply)
    }

    /// A covector out of the frame.
    pub(crate) fn pull_covector(&self, rows: &[f64]) -> Vec<f64> {
        self.rotated(&self.scaled(rows.to_vec(), Scale::Multiply), true)
    }

    /// A covector into the frame, without what it has along outputs that the metric does not see.
    pub(crate) fn push_covector(&self, rows: &[f64]) -> Vec<f64> {
        self.scaled(self.rotated(rows, false), Scale::Divide)
    }

    /// A tangent vector out of the frame, with nothing along outputs that the metric does not see.
    pub(crate) fn pull_tangent(&self, rows: &[f64]) -> Vec<f64> {
        self.rotated(&self.scaled(rows.to_vec(), Scale::Divide), true)
    }

    /// The part of a vector along outputs that the metric does not see.
    pub(crate) fn unseen(&self, rows: &[f64]) -> Vec<f64> {
        let mut rotated = self.rotated(rows, false);
        let width = rows.len() / self.roots.len();
        for (row, root) in rotated.chunks_exact_mut(width.max(1)).zip(&self.roots) {
            if *root > 0.0 {
                row.fill(0.0);
            }
        }
        self.rotated(&rotated, true)
    }

    /// `Eᵀ rows`, or `E rows`.
    pub(crate) fn rotated(&self, rows: &[f64], back: bool) -> Vec<f64> {
        let Some(axes) = &self.axes else {
            return rows.to_vec();
        };
        let outputs = self.roots.len();
        let width = rows.len() / outputs;
        let mut rotated = vec![0.0; rows.len()];
        for k in 0..outputs {
            for l in 0..outputs {
                let weight = if back { axes[(k, l)] } else { axes[(l, k)] };
                for a in 0..width {
                    rotated[k * width + a] += weight * rows[l * width + a];
                }
            }
        }
        rotated
    }

    fn scaled(&self, mut rows: Vec<f64>, scale: Scale) -> Vec<f64> {
        let width = rows.len() / self.roots.len();
        for (row, root) in rows.chunks_exact_mut(width.max(1)).zip(&self.roots) {
            let factor = match scale {
                Scale::Multiply => *root,
                Scale::Divide if *root > 0.0 => 1.0 / root,
                Scale::Divide => 0.0,
            };
            row.iter_mut().for_each(|entry| *entry *= factor);
        }
        rows
    }
}
