use super::factor::Factor;
use super::product::{add_product, product};
use super::whitened::Frame;
use crate::MetricError;
use faer::{Mat, MatMut, MatRef, Side};

/// The part of `G + λI` that acts on weights which no unit sees: those orthogonal to all of `w_1, …, w_m` (and μ).
///
/// Let `U` be an orthonormal basis of what is seen. On all weights `Y ∈ R^{n×m}` the operator `B` is `(M ∘ E[φ'φ'ᵀ]) ⊗ I + λ I ⊗
/// diag(1/s²)`; the rest of the metric lives on `UᵀY`. Eliminating what is not seen leaves `N = (Uᵀ B⁻¹ U)⁻¹` on what is.
#[derive(Clone, Debug)]
pub(crate) enum Unseen {
    /// Everything is seen: `r = n`. `N = B`.
    Nothing {
        slopes: Mat<f64>,
        penalties: Vec<f64>,
    },
    /// `B = A ⊗ I` with one `m × m` matrix: no damping, or isotropic inputs. `N = A ⊗ I`.
    Alike {
        matrix: Mat<f64>,
        factor: Factor,
        /// `n − r`.
        directions: usize,
    },
    /// In the eigenbasis of `M ∘ E[φ'φ'ᵀ]`, `B` is diagonal.
    Apart {
        vectors: Mat<f64>,
        average: Mat<f64>,
        /// `1/B`, `n × m`.
        inverse: Mat<f64>,
        /// `N` for each eigenvector, `r × r`.
        seen: Vec<Mat<f64>>,
        /// `log det B − log det N`.
        log_determinant: f64,
    },
}

impl Unseen {
    /// `slopes` is `M ∘ E[φ'φ'ᵀ]`.
    pub(crate) fn new(
        frame: &Frame,
        basis: MatRef<'_, f64>,
        slopes: Mat<f64>,
        lambda: f64,
    ) -> Result<Self, MetricError> {
        let (n, m) = (basis.nrows(), slopes.nrows());
        let penalty = |axis: usize| lambda / frame.input.deviation(axis).powi(2);
        if basis.ncols() == n {
            let penalties = (0..n).map(penalty).collect();
            return Ok(Self::Nothing { slopes, penalties });
        }
        if lambda <= 0.0 || frame.input.common_deviation().is_some() {
            let mut matrix = slopes;
            for a in 0..m {
                matrix[(a, a)] += penalty(0);
            }
            let factor = Factor::new(matrix.as_ref(), lambda)?;
            let directions = n - basis.ncols();
            return Ok(Self::Alike {
                matrix,
                factor,
                directions,
            });
        }
        let eigen = slopes
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| MetricError::Eigen { dim: m })?;
        let values = eigen.S().column_vector();
        let inverse = Mat::from_fn(n, m, |j, i| 1.0 / (values[i].max(0.0) + penalty(j)));
        let mut log_determinant: f64 = 0.0;
        for column in inverse.col_iter() {
            log_determinant -= column.iter().map(|b| b.ln()).sum::<f64>();
        }
        let mut seen = Vec::with_capacity(m);
        for i in 0..m {
            let weighted = Mat::from_fn(n, basis.ncols(), |j, k| inverse[(j, i)] * basis[(j, k)]);
            let mut inverse_of = Mat::identity(basis.ncols(), basis.ncols());
            let factor = Factor::new(
                product(basis.transpose(), weighted.as_ref()).as_ref(),
                lambda,
            )?;
            log_determinant += factor.log_determinant();
            factor.solve(inverse_of.as_mut());
            seen.push(inverse_of);
        }
        let mut average = slopes;
        for a in 0..m {
            average[(a, a)] += (0..n).map(penalty).sum::<f64>() / n as f64;
        }
        Ok(Self::Apart {
            average,
            vectors: eigen.U().to_owned(),
            inverse,
            seen,
            log_determinant,
        })
    }

    /// Adds `N` to the leading `m r` rows and columns of a matrix, coordinate `i` of unit `a` at `a r + i`; lower triangle.
    pub(crate) fn add_seen(&self, rank: usize, mut target: MatMut<'_, f64>) {
        match self {
            Self::Nothing { slopes, penalties } => {
                add_kronecker(slopes.as_ref(), rank, target.as_mut());
                for a in 0..slopes.nrows() {
                    for (i, penalty) in penalties.iter().enumerate() {
                        target[(a * rank + i, a * rank + i)] += penalty;
                    }
                }
            }
            Self::Alike { matrix, .. } => add_kronecker(matrix.as_ref(), rank, target),
            Self::Apart { vectors, seen, .. } => {
                for b in 0..vectors.nrows() {
                    for a in b..vectors.nrows() {
                        for (block, o) in seen.iter().zip(0..) {
                            let weight = vectors[(a, o)] * vectors[(b, o)];
                            for j in 0..rank {
                                for i in 0..rank {
                                    target[(a * rank + i, b * rank + j)] += weight * block[(i, j)];
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// `log det` of `B` on what is not seen: `log det B − log det N`.
    pub(crate) fn log_determinant(&self) -> f64 {
        match self {
            Self::Nothing { .. } => 0.0,
            Self::Alike {
                factor, directions, ..
            } => *directions as f64 * factor.log_determinant(),
            Self::Apart {
                log_determinant, ..
            } => *log_determinant,
        }
    }

    /// `B` with its damping averaged over the axes, `m × m`.
    pub(crate) fn average(&self) -> Mat<f64> {
        match self {
            Self::Nothing { slopes, penalties } => {
                let mut average = slopes.clone();
                for a in 0..slopes.nrows() {
                    average[(a, a)] += penalties.iter().sum::<f64>() / penalties.len() as f64;
                }
                average
            }
            Self::Alike { matrix, .. } => matrix.clone(),
            Self::Apart { average, .. } => average.clone(),
        }
    }

    /// `N y` for seen coordinates `y`, `r × m`.
    pub(crate) fn apply_seen(&self, y: MatRef<'_, f64>) -> Mat<f64> {
        match self {
            Self::Nothing { slopes, penalties } => {
                let mut image = product(y, slopes.as_ref());
                for a in 0..y.ncols() {
                    for (i, penalty) in penalties.iter().enumerate() {
                        image[(i, a)] += penalty * y[(i, a)];
                    }
                }
                image
            }
            Self::Alike { matrix, .. } => product(y, matrix.as_ref()),
            Self::Apart { vectors, seen, .. } => {
                let rotated = product(y, vectors.as_ref());
                let mut image = Mat::zeros(y.nrows(), y.ncols());
                for (i, block) in seen.iter().enumerate() {
                    image
                        .col_mut(i)
                        .copy_from(product(block.as_ref(), rotated.col(i).as_mat()).col(0));
                }
                product(image.as_ref(), vectors.transpose())
            }
        }
    }

    /// Takes a covector of weights `g`, `n × m`, to `B⁻¹g` (in a frame of its own) and to what it is on the seen coordinates,
    /// `N UᵀB⁻¹g`, `r × m`.
    pub(crate) fn condense(&self, basis: MatRef<'_, f64>, mut g: Mat<f64>) -> (Mat<f64>, Mat<f64>) {
        match self {
            Self::Nothing { .. } => {
                let seen = product(basis.transpose(), g.as_ref());
                (g, seen)
            }
            Self::Alike { factor, .. } => {
                let seen = product(basis.transpose(), g.as_ref());
                factor.solve(g.transpose_mut());
                (g, seen)
            }
            Self::Apart {
                vectors,
                inverse,
                seen,
                ..
            } => {
                g = product(g.as_ref(), vectors.as_ref());
                multiply_entries(&mut g, inverse);
                let shared = product(basis.transpose(), g.as_ref());
                let mut on_seen = Mat::zeros(shared.nrows(), shared.ncols());
                for (i, block) in seen.iter().enumerate() {
                    on_seen
                        .col_mut(i)
                        .copy_from(product(block.as_ref(), shared.col(i).as_mat()).col(0));
                }
                (g, product(on_seen.as_ref(), vectors.transpose()))
            }
        }
    }

    /// The weights `Y`, `n × m`, whose seen coordinates are `y`, from `B⁻¹g` of [`condense`](Self::condense).
    pub(crate) fn expand(
        &self,
        basis: MatRef<'_, f64>,
        mut solved: Mat<f64>,
        y: MatRef<'_, f64>,
    ) -> Mat<f64> {
        match self {
            Self::Nothing { .. } => product(basis, y),
            Self::Alike { .. } => {
                let gap = y - product(basis.transpose(), solved.as_ref());
                add_product(solved.as_mut(), 1.0, basis, gap.as_ref());
                solved
            }
            Self::Apart {
                vectors,
                inverse,
                seen,
                ..
            } => {
                let gap =
                    product(y, vectors.as_ref()) - product(basis.transpose(), solved.as_ref());
                let mut multiplier = Mat::zeros(gap.nrows(), gap.ncols());
                for (i, block) in seen.iter().enumerate() {
                    multiplier
                        .col_mut(i)
                        .copy_from(product(block.as_ref(), gap.col(i).as_mat()).col(0));
                }
                let mut correction = product(basis, multiplier.as_ref());
                multiply_entries(&mut correction, inverse);
                product((solved + correction).as_ref(), vectors.transpose())
            }
        }
    }
}

/// Adds `A ⊗ I`, coordinate `i` of unit `a` at `a r + i`; lower triangle.
pub(crate) fn add_kronecker(matrix: MatRef<'_, f64>, rank: usize, mut target: MatMut<'_, f64>) {
    for b in 0..matrix.ncols() {
        for a in b..matrix.nrows() {
            for i in 0..rank {
                target[(a * rank + i, b * rank + i)] += matrix[(a, b)];
            }
        }
    }
}

fn multiply_entries(target: &mut Mat<f64>, factors: &Mat<f64>) {
    for (target, factors) in target.col_iter_mut().zip(factors.col_iter()) {
        for (target, factor) in target.iter_mut().zip(factors.iter()) {
            *target *= factor;
        }
    }
}
