use crate::binary_unit::binary_unit;
use crate::error::Quantity;
use crate::{Metric, MetricError};
use faer::linalg::matmul::matmul;
use faer::{Accum, ColMut, ColRef, Mat, MatRef, Par};
use rand::Rng;
use rayon::prelude::*;

/// Rows that are worked on together: fixed, so that sums are taken in the same order with any number of threads.
const ROWS: usize = 2048;

/// Orthonormal vectors `Q ∈ R^{P×j}` that grow by products with a metric, the matrix `T = Qᵀ G Q`, and the residual of
/// the last product: the Lanczos relation `G Q = Q T + β w e_jᵀ`.
///
/// Every new vector is orthogonalised against all others, so `QᵀQ = I` to rounding. In its textbook form the recurrence
/// loses that as soon as an eigenvector has converged, and then finds it again and again.
#[derive(Debug)]
pub(crate) struct Krylov {
    vectors: Mat<f64>,
    len: usize,
    projected: Mat<f64>,
    residual: Vec<f64>,
    /// `β`, the length of the residual in [units](Self::unit); zero where the space is invariant.
    pub(crate) beta: f64,
    coefficients: Vec<f64>,
    /// The largest entry of `T` seen so far, a lower bound of `|G|`.
    scale: f64,
    /// The power of two in which `T`, the residual and `β` are counted, so that their squares neither overflow nor vanish
    /// whatever the units of the metric; that of the first product that is not zero.
    unit: Option<f64>,
    pub(crate) products: usize,
}

impl Krylov {
    /// An empty basis with room for `capacity` vectors of length `dim`.
    pub(crate) fn new(dim: usize, capacity: usize) -> Self {
        Self {
            vectors: Mat::zeros(dim, capacity),
            len: 0,
            projected: Mat::zeros(capacity, capacity),
            residual: vec![0.0; dim],
            beta: 0.0,
            coefficients: vec![0.0; capacity],
            scale: 0.0,
            unit: None,
            products: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn capacity(&self) -> usize {
        self.vectors.ncols()
    }

    pub(crate) fn dim(&self) -> usize {
        self.vectors.nrows()
    }

    pub(crate) fn vectors(&self) -> MatRef<'_, f64> {
        self.vectors.get(.., ..self.len)
    }

    /// What a Ritz value, a coupling or `β` is to be multiplied by.
    pub(crate) fn unit(&self) -> f64 {
        self.unit.unwrap_or(1.0)
    }

    /// `T = Qᵀ G Q` in [units](Self::unit), without the row and column of a vector that has not been multiplied yet.
    pub(crate) fn projected(&self) -> MatRef<'_, f64> {
        self.projected.get(..self.len, ..self.len)
    }

    /// Passes if Ritz values, in units, are numbers in those of the metric.
    pub(crate) fn check_range(&self, values: &[f64]) -> Result<(), MetricError> {
        let unit = self.unit();
        let scaled: Vec<f64> = values.iter().map(|v| v * unit).collect();
        MetricError::check_finite(Quantity::Eigenvalues, &scaled)
    }

    /// Throws all vectors away and starts from one of any length but zero.
    pub(crate) fn start(&mut self, vector: &[f64]) {
        self.len = 0;
        self.projected.fill(0.0);
        self.residual.copy_from_slice(vector);
        let norm = norm(&self.residual);
        self.append(norm);
    }

    /// Appends a random direction orthogonal to all vectors so far, unrelated to them: what continues the iteration where
    /// the space is invariant. False if there is none because the vectors span everything.
    pub(crate) fn append_random(&mut self, rng: &mut dyn Rng) -> bool {
        if self.len == self.dim() {
            return false;
        }
        for r in &mut self.residual {
            *r = signed_unit(rng);
        }
        let mut length = norm(&self.residual);
        // What is left of a random vector can be short where few directions are; each round restores orthogonality.
        for _ in 0..3 {
            scale(&mut self.residual, 1.0 / length);
            length = self.orthogonalise();
            if length <= 0.0 {
                return false;
            }
        }
        self.append(length);
        true
    }

    /// Appends the normalised residual: the next Krylov vector.
    pub(crate) fn append_residual(&mut self) {
        let beta = self.beta;
        let (new, old) = (self.len, self.len - 1);
        self.projected[(new, old)] = beta;
        self.projected[(old, new)] = beta;
        self.append(beta);
    }

    fn append(&mut self, length: f64) {
        let column = self.vectors.col_mut(self.len);
        for (q, r) in column.iter_mut().zip(&self.residual) {
            *q = r / length;
        }
        self.len += 1;
    }

    /// Multiplies the last vector and orthogonalises: a row of `T`, the residual and its length.
    ///
    /// A residual that is rounding of the product is set to zero: the space is invariant.
    pub(crate) fn multiply(&mut self, metric: &dyn Metric) -> Result<(), MetricError> {
        let last = self.len - 1;
        let vector = column(&self.vectors, last);
        metric.lower(vector, &mut self.residual);
        self.products += 1;
        MetricError::check_finite(Quantity::Product, &self.residual)?;
        if self.unit.is_none() && self.residual.iter().any(|r| r.abs() > 0.0) {
            self.unit = Some(binary_unit(&self.residual));
        }
        let unit = self.unit();
        for r in &mut self.residual {
            *r /= unit;
        }
        let alpha = dot(vector, &self.residual);
        if !alpha.is_finite() {
            return Err(MetricError::NotFinite {
                what: Quantity::Product,
                index: last,
                value: alpha,
            });
        }
        self.projected[(last, last)] = alpha;
        // The two large components first, so that what is left for the pass over all vectors is rounding.
        subtract(&mut self.residual, alpha, vector);
        if last > 0 {
            let before = self.projected[(last, last - 1)];
            subtract(&mut self.residual, before, column(&self.vectors, last - 1));
        }
        self.scale = self.scale.max(alpha.abs());
        let before = norm(&self.residual);
        self.beta = self.orthogonalise();
        // Twice is enough (Kahan and Parlett): only where the first pass has cancelled digits.
        if self.beta < 0.7 * before {
            self.beta = self.orthogonalise();
        }
        let rounding = 10.0 * f64::EPSILON * (self.dim() as f64).sqrt() * self.scale;
        if self.beta <= rounding {
            self.beta = 0.0;
        }
        self.scale = self.scale.max(self.beta);
        Ok(())
    }

    /// Replaces the vectors by `Q Y` for the orthonormal columns of `Y`, with which `T` becomes `diag(values)` and the
    /// residual is coupled to each of them by `couplings` once it is appended.
    ///
    /// # References
    /// K. Wu, H. Simon, *Thick-restart Lanczos method for large symmetric eigenvalue problems*, SIAM J. Matrix Anal.
    /// Appl. 22 (2000) 602–616, doi:10.1137/S0895479898334605.
    pub(crate) fn restart(&mut self, rotation: MatRef<'_, f64>, values: &[f64]) {
        let rotated = self.combine(rotation);
        self.len = values.len();
        self.vectors.get_mut(.., ..self.len).copy_from(&rotated);
        self.projected.fill(0.0);
        for (i, value) in values.iter().enumerate() {
            self.projected[(i, i)] = *value;
        }
    }

    /// Appends the residual after a restart, coupled to every vector that was kept.
    pub(crate) fn append_coupled(&mut self, couplings: &[f64]) {
        let new = self.len;
        for (i, coupling) in couplings.iter().enumerate() {
            self.projected[(new, i)] = *coupling;
            self.projected[(i, new)] = *coupling;
        }
        self.append(self.beta);
    }

    /// `Q Y`.
    pub(crate) fn combine(&self, rotation: MatRef<'_, f64>) -> Mat<f64> {
        let mut product = Mat::zeros(self.dim(), rotation.ncols());
        // a matrix–vector product of faer rounds differently with each number of threads
        let par = if rotation.ncols() == 1 {
            Par::Seq
        } else {
            Par::rayon(0)
        };
        let target = product.as_mut();
        matmul(target, Accum::Replace, self.vectors(), rotation, 1.0, par);
        product
    }

    /// `w ← w − Q Qᵀw` for the residual `w`; its length afterwards.
    fn orthogonalise(&mut self) -> f64 {
        let vectors = self.vectors.get(.., ..self.len);
        let chunks = self.residual.len().div_ceil(ROWS);
        let components = |chunk: usize, rows: &[f64]| {
            let mut own = vec![0.0; vectors.ncols()];
            matmul(
                ColMut::from_slice_mut(&mut own).as_mat_mut(),
                Accum::Replace,
                vectors.subrows(chunk * ROWS, rows.len()).transpose(),
                ColRef::from_slice(rows).as_mat(),
                1.0,
                Par::Seq,
            );
            own
        };
        let partial: Vec<Vec<f64>> = if chunks == 1 {
            vec![components(0, &self.residual)]
        } else {
            self.residual
                .par_chunks(ROWS)
                .enumerate()
                .map(|(chunk, rows)| components(chunk, rows))
                .collect()
        };
        let total = &mut self.coefficients[..vectors.ncols()];
        total.fill(0.0);
        for partial in &partial {
            for (total, term) in total.iter_mut().zip(partial) {
                *total += term;
            }
        }
        let total = &*total;
        let remove = |chunk: usize, rows: &mut [f64]| {
            let own = vectors.subrows(chunk * ROWS, rows.len());
            matmul(
                ColMut::from_slice_mut(rows).as_mat_mut(),
                Accum::Add,
                own,
                ColRef::from_slice(total).as_mat(),
                -1.0,
                Par::Seq,
            );
            squares(rows)
        };
        let squared: f64 = if chunks == 1 {
            remove(0, &mut self.residual)
        } else {
            let each: Vec<f64> = self
                .residual
                .par_chunks_mut(ROWS)
                .enumerate()
                .map(|(chunk, rows)| remove(chunk, rows))
                .collect();
            each.iter().sum()
        };
        squared.sqrt()
    }
}

/// A number in `[−1, 1)`.
fn signed_unit(rng: &mut dyn Rng) -> f64 {
    // the 53 leading bits of the word
    (rng.next_u64() >> 11) as f64 * (-52f64).exp2() - 1.0
}

fn column(matrix: &Mat<f64>, index: usize) -> &[f64] {
    let column: ColRef<'_, f64> = matrix.col(index);
    match column.try_as_col_major() {
        Some(contiguous) => contiguous.as_slice(),
        None => unreachable!("a matrix that owns its columns stores them contiguously"),
    }
}

/// `Σ a b` in eight interleaved sums, which a compiler can keep in one register.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let (mut pairs, mut sums) = (a.chunks_exact(LANES), [0.0; LANES]);
    let mut others = b.chunks_exact(LANES);
    for (a, b) in pairs.by_ref().zip(others.by_ref()) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let tail = pairs.remainder().iter().zip(others.remainder());
    sums.iter().sum::<f64>() + tail.map(|(a, b)| a * b).sum::<f64>()
}

fn squares(values: &[f64]) -> f64 {
    dot(values, values)
}

fn norm(values: &[f64]) -> f64 {
    squares(values).sqrt()
}

fn subtract(target: &mut [f64], factor: f64, vector: &[f64]) {
    for (t, v) in target.iter_mut().zip(vector) {
        *t -= factor * v;
    }
}

fn scale(values: &mut [f64], factor: f64) {
    for v in values {
        *v *= factor;
    }
}
