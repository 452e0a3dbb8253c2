//! Metrics of which the spectrum is known.

use neuromanifold_geometry::DenseFisher;
use neuromanifold_geometry::faer::Mat;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A metric with given eigenvalues and random eigenvectors.
pub(crate) fn with_eigenvalues(eigenvalues: &[f64], seed: u64) -> DenseFisher {
    let dim = eigenvalues.len();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let random: Mat<f64> = Mat::from_fn(dim, dim, |_, _| StandardNormal.sample(&mut rng));
    let q = random.qr().compute_Q();
    let scaled = Mat::from_fn(dim, dim, |i, j| q[(i, j)] * eigenvalues[j]);
    let product = &scaled * q.transpose();
    let symmetric = Mat::from_fn(dim, dim, |i, j| 0.5 * (product[(i, j)] + product[(j, i)]));
    DenseFisher::from_matrix(symmetric.as_ref()).expect("a symmetric matrix")
}
