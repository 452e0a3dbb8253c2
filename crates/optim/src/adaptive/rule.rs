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

/// What one step does to the metric: `Ĝ ← keep·Ĝ + take·A Aᵀ`, everywhere or only along `A`; and to its inverse,
/// `Ĝ⁻¹ ← growth·(Ĝ⁻¹ − X diag(weights) Xᵀ)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blend {
    pub(crate) rule: Rule,
    pub(crate) keep: f64,
    pub(crate) take: f64,
    /// Nothing is forgotten in directions that are conjugate to `A`.
    pub(crate) directional: bool,
    /// The step this is, for errors.
    pub(crate) step: u64,
}

impl Blend {
    /// Growth and weight for one column `a`, given `q = aᵀĜ⁻¹a`, with `X = Ĝ⁻¹a`.
    pub(super) fn rank_one(&self, q: f64) -> Result<(f64, f64), OptimError> {
        let step = self.step;
        OptimError::check_finite(Quantity::Metric, step, &[q])?;
        if q < 0.0 {
            return Err(OptimError::Indefinite {
                step,
                quadratic_form: q,
            });
        }
        if self.rule == Rule::FirstOrder && self.take * q >= 1.0 + self.take {
            return Err(self.lost(q));
        }
        Ok((self.growth(), self.weight(q)))
    }

    fn growth(&self) -> f64 {
        match self.rule {
            _ if self.directional => 1.0,
            Rule::FirstOrder => 1.0 + self.take,
            Rule::ShermanMorrison => 1.0 / self.keep,
        }
    }

    /// Everywhere, `weight·growth` is what Sherman and Morrison subtract. Directionally, it is what makes of `q` the same as
    /// there: `q − weight·q² = along(q)·q`.
    fn weight(&self, q: f64) -> f64 {
        let Self { keep, take, .. } = *self;
        match self.rule {
            _ if self.directional && q < f64::MIN_POSITIVE => 0.0,
            Rule::FirstOrder if self.directional => take * (q - 1.0) / q,
            Rule::ShermanMorrison if self.directional => {
                let next = keep + take * q;
                (next - 1.0) / (q * next)
            }
            Rule::FirstOrder => take / (1.0 + take),
            Rule::ShermanMorrison => take / (keep + take * q),
        }
    }

    /// `c` in `Ĝ_t⁻¹a = c·Ĝ_{t−1}⁻¹a`, without the subtraction of nearly equal numbers that the update would make of it.
    pub(super) fn along(&self, q: f64) -> f64 {
        match self.rule {
            Rule::FirstOrder => 1.0 + self.take - self.take * q,
            Rule::ShermanMorrison => 1.0 / (self.keep + self.take * q),
        }
    }

    /// For several columns, given `C = AᵀĜ⁻¹A` and `raised = Ĝ⁻¹A`, which becomes `X`. Returns the growth.
    ///
    /// Sherman–Morrison–Woodbury: `X = Ĝ⁻¹A L⁻ᵀ` with `L Lᵀ = (keep/take) I + C`. Directionally: `X = Ĝ⁻¹A Q` with the
    /// eigenvectors of `C`, for along those the columns are conjugate and each is an update on its own.
    pub(super) fn rank_many(
        &self,
        inner: MatRef<'_, f64>,
        mut raised: MatMut<'_, f64>,
        weights: &mut Vec<f64>,
    ) -> Result<f64, OptimError> {
        let step = self.step;
        let diagonal: Vec<f64> = inner.diagonal().column_vector().iter().copied().collect();
        OptimError::check_finite(Quantity::Metric, step, &diagonal)?;
        let shifted = |shift: f64, sign: f64| {
            Mat::from_fn(inner.nrows(), inner.ncols(), |i, j| {
                sign * inner[(i, j)] + if i == j { shift } else { 0.0 }
            })
        };
        weights.clear();
        if self.rule == Rule::FirstOrder {
            let limit = (1.0 + self.take) / self.take;
            if Llt::new(shifted(limit, -1.0).as_ref(), Side::Lower).is_err() {
                return Err(self.lost(extreme_eigenvalues(inner).1));
            }
        }
        let middle = shifted(self.keep / self.take, 1.0);
        let Ok(factor) = Llt::new(middle.as_ref(), Side::Lower) else {
            return Err(OptimError::Indefinite {
                step,
                quadratic_form: extreme_eigenvalues(inner).0,
            });
        };
        if self.directional {
            let eigen = inner.self_adjoint_eigen(Side::Lower);
            let eigen = eigen.map_err(|_| OptimError::Indefinite {
                step,
                quadratic_form: f64::NAN,
            })?;
            let rotated = raised.as_ref() * eigen.U();
            raised.copy_from(&rotated);
            let values = eigen.S().column_vector();
            let largest = values.iter().fold(0.0, |m: f64, v| m.max(*v));
            let noise = inner.nrows() as f64 * f64::EPSILON * largest;
            weights.extend(
                values
                    .iter()
                    .map(|q| if *q > noise { self.weight(*q) } else { 0.0 }),
            );
        } else if self.rule == Rule::ShermanMorrison {
            solve_lower_triangular_in_place(factor.L(), raised.transpose_mut(), Par::Seq);
            weights.resize(inner.nrows(), 1.0);
        } else {
            weights.resize(inner.nrows(), self.weight(0.0));
        }
        Ok(self.growth())
    }

    fn lost(&self, quadratic_form: f64) -> OptimError {
        OptimError::PositiveDefinitenessLost {
            step: self.step,
            quadratic_form,
            limit: (1.0 + self.take) / self.take,
            epsilon: self.take,
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
