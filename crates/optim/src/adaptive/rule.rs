use crate::OptimError;
use crate::error::Quantity;
use faer::linalg::solvers::Llt;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, MatMut, MatRef, Par, Side};

/// How the estimate of the inverse metric takes in new columns `A` with `G ≈ A Aᵀ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// `Ĝ⁻¹ ← (1+ε)Ĝ⁻¹ − ε Ĝ⁻¹A AᵀĜ⁻¹`, as published: exact to first order in ε.
    ///
    /// It stays positive definite exactly as long as `λ_max(AᵀĜ⁻¹A) < (1+ε)/ε`. The left side is about `P` for one
    /// example once the estimate is good, so ε has to be well below `1/P`. The step at which it would fail is refused with
    /// [`OptimError::PositiveDefinitenessLost`].
    ///
    /// # References
    /// S. Amari, H. Park, K. Fukumizu, *Adaptive method of realizing natural gradient learning for multilayer
    /// perceptrons*, Neural Computation 12 (2000) 1399–1409, doi:10.1162/089976600300015420.
    FirstOrder,
    /// The exact inverse of `Ĝ ← (1−ε)Ĝ + ε A Aᵀ`, by the formula of Sherman, Morrison and Woodbury: positive definite for
    /// every `0 < ε < 1`.
    ShermanMorrison,
}

/// `Ĝ⁻¹ ← growth·(Ĝ⁻¹ − weight·X Xᵀ)`: what either rule amounts to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    pub(super) growth: f64,
    pub(super) weight: f64,
}

impl Rule {
    /// For one column `a`, given `q = aᵀĜ⁻¹a`, with `X = Ĝ⁻¹a`.
    pub(super) fn rank_one(self, q: f64, epsilon: f64, step: u64) -> Result<Update, OptimError> {
        OptimError::check_finite(Quantity::Metric, step, &[q])?;
        if q < 0.0 {
            return Err(OptimError::Indefinite {
                step,
                quadratic_form: q,
            });
        }
        match self {
            Self::FirstOrder if epsilon * q >= 1.0 + epsilon => {
                Err(OptimError::PositiveDefinitenessLost {
                    step,
                    quadratic_form: q,
                    limit: (1.0 + epsilon) / epsilon,
                    epsilon,
                })
            }
            Self::FirstOrder => Ok(Update {
                growth: 1.0 + epsilon,
                weight: epsilon / (1.0 + epsilon),
            }),
            Self::ShermanMorrison => Ok(Update {
                growth: 1.0 / (1.0 - epsilon),
                weight: epsilon / (1.0 - epsilon + epsilon * q),
            }),
        }
    }

    /// `c` in `Ĝ_t⁻¹a = c·Ĝ_{t−1}⁻¹a`, without the subtraction of nearly equal numbers that the update would make of it.
    pub(super) fn along(self, q: f64, epsilon: f64) -> f64 {
        match self {
            Self::FirstOrder => 1.0 + epsilon - epsilon * q,
            Self::ShermanMorrison => 1.0 / (1.0 - epsilon + epsilon * q),
        }
    }

    /// For several columns, given `C = AᵀĜ⁻¹A` and `raised = Ĝ⁻¹A`, which becomes `X`.
    ///
    /// Sherman–Morrison–Woodbury: `X = Ĝ⁻¹A L⁻ᵀ` with `L Lᵀ = ((1−ε)/ε) I + C`.
    pub(super) fn rank_many(
        self,
        inner: MatRef<'_, f64>,
        raised: MatMut<'_, f64>,
        epsilon: f64,
        step: u64,
    ) -> Result<Update, OptimError> {
        let diagonal: Vec<f64> = inner.diagonal().column_vector().iter().copied().collect();
        OptimError::check_finite(Quantity::Metric, step, &diagonal)?;
        let shifted = |shift: f64, sign: f64| {
            Mat::from_fn(inner.nrows(), inner.ncols(), |i, j| {
                sign * inner[(i, j)] + if i == j { shift } else { 0.0 }
            })
        };
        match self {
            Self::FirstOrder => {
                let limit = (1.0 + epsilon) / epsilon;
                if Llt::new(shifted(limit, -1.0).as_ref(), Side::Lower).is_err() {
                    let (_, quadratic_form) = extreme_eigenvalues(inner);
                    return Err(OptimError::PositiveDefinitenessLost {
                        step,
                        quadratic_form,
                        limit,
                        epsilon,
                    });
                }
                Ok(Update {
                    growth: 1.0 + epsilon,
                    weight: epsilon / (1.0 + epsilon),
                })
            }
            Self::ShermanMorrison => {
                let middle = shifted((1.0 - epsilon) / epsilon, 1.0);
                let Ok(factor) = Llt::new(middle.as_ref(), Side::Lower) else {
                    let (quadratic_form, _) = extreme_eigenvalues(inner);
                    return Err(OptimError::Indefinite {
                        step,
                        quadratic_form,
                    });
                };
                solve_lower_triangular_in_place(factor.L(), raised.transpose_mut(), Par::Seq);
                Ok(Update {
                    growth: 1.0 / (1.0 - epsilon),
                    weight: 1.0,
                })
            }
        }
    }
}

/// NaN where the eigenvalues cannot be found, which only a matrix with NaN in it does.
fn extreme_eigenvalues(matrix: MatRef<'_, f64>) -> (f64, f64) {
    match matrix.self_adjoint_eigenvalues(Side::Lower) {
        Ok(values) => (
            values.first().copied().unwrap_or(f64::NAN),
            values.last().copied().unwrap_or(f64::NAN),
        ),
        Err(_) => (f64::NAN, f64::NAN),
    }
}
