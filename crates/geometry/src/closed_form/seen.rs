use super::coupling::{Coupling, Tangent};
use super::factor::Factor;
use super::product::{add_product, product};
use super::unseen::Unseen;
use crate::{ConjugateGradients, MetricError};
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, Mat, MatRef};

/// `σ²G` on the coordinates that the units see: the weights within the span of `w_1, …, w_m` (and μ), `r × m`, and biases. The
/// outgoing weights and the constants are eliminated.
///
/// With `H = E[(φ, 1)(φ, 1)ᵀ]` and `T = E[(φ, 1) ∇_{w,b} φ_aᵀ]`, the blocks of output `k` are `H` and `T` scaled by `v_ka`, so
/// that eliminating all outputs leaves `M ∘ (E[∇φ_a ∇φ_bᵀ] − TᵀH⁻¹T)`: however many outputs, one system.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) coupling: &'a Coupling,
    /// `V`, row by row.
    pub(crate) outgoing: &'a [f64],
    /// Coordinates of the weights in the basis, `r × m`.
    pub(crate) weights: MatRef<'a, f64>,
    /// Coordinates of `μ̃`, zeros for zero mean.
    pub(crate) shift: &'a [f64],
    pub(crate) hidden_bias: bool,
    pub(crate) output_bias: bool,
}

/// Coordinates of a vector or covector on what is seen.
#[derive(Clone, Debug)]
pub(crate) struct Coordinates {
    /// `r × m`.
    pub(crate) weights: Mat<f64>,
    /// Length `m`, or 0 without hidden biases.
    pub(crate) biases: Vec<f64>,
    /// `h × K`: a column for each output, its outgoing weights and then its constant, if there is one.
    pub(crate) outputs: Mat<f64>,
}

impl Seen<'_> {
    fn units(&self) -> usize {
        self.weights.ncols()
    }

    fn rank(&self) -> usize {
        self.weights.nrows()
    }

    fn outputs(&self) -> usize {
        self.outgoing.len() / self.units()
    }

    /// Size of the system once outgoing weights and constants are eliminated.
    pub(crate) fn dim(&self) -> usize {
        let biases = if self.hidden_bias { self.units() } else { 0 };
        self.units() * self.rank() + biases
    }

    /// `H + λσ²`.
    fn values(&self, damping: f64) -> Mat<f64> {
        let m = self.units();
        let size = m + usize::from(self.output_bias);
        Mat::from_fn(size, size, |a, b| {
            let own = match (a < m, b < m) {
                (true, true) => self.coupling.pair(a, b).0.e00,
                (true, false) => self.coupling.left[a].e0,
                (false, true) => self.coupling.left[b].e0,
                (false, false) => 1.0,
            };
            if a == b { own + damping } else { own }
        })
    }

    /// `T`, `h × dim`.
    fn values_and_slopes(&self) -> Mat<f64> {
        let (m, r) = (self.units(), self.rank());
        let mut table = Mat::zeros(m + usize::from(self.output_bias), self.dim());
        for a in 0..m {
            let own = self.weights.col(a);
            let unit = &self.coupling.left[a];
            for i in 0..r {
                let mut column = table.col_mut(a * r + i);
                for b in 0..m {
                    let e = self.coupling.pair(a, b).0;
                    column[b] =
                        e.e20 * own[i] + e.e11 * self.weights[(i, b)] + e.e10 * self.shift[i];
                }
                if self.output_bias {
                    column[m] = unit.e2 * own[i] + unit.e1 * self.shift[i];
                }
            }
            if self.hidden_bias {
                let mut column = table.col_mut(m * r + a);
                for b in 0..m {
                    column[b] = self.coupling.pair(a, b).0.e10;
                }
                if self.output_bias {
                    column[m] = unit.e1;
                }
            }
        }
        table
    }

    /// Solves by one Cholesky factorisation of a `dim × dim` matrix.
    pub(crate) fn solve_directly(
        &self,
        unseen: &Unseen,
        damping: f64,
        lambda: f64,
        mut g: Coordinates,
    ) -> Result<Coordinates, MetricError> {
        let values = Factor::new(self.values(damping).as_ref(), lambda)?;
        let table = self.values_and_slopes();
        let schur = Factor::new(
            self.schur(unseen, damping, &values, &table).as_ref(),
            lambda,
        )?;
        values.solve(g.outputs.as_mut());
        let seen = product(table.transpose(), g.outputs.as_ref()); // dim × K
        let mut right = Mat::zeros(self.dim(), 1);
        let (m, r) = (self.units(), self.rank());
        for a in 0..m {
            let through = |row: usize| -> f64 {
                (0..self.outputs())
                    .map(|k| self.outgoing[k * m + a] * seen[(row, k)])
                    .sum()
            };
            for i in 0..r {
                right[(a * r + i, 0)] = g.weights[(i, a)] - through(a * r + i);
            }
            if self.hidden_bias {
                right[(m * r + a, 0)] = g.biases[a] - through(m * r + a);
            }
        }
        schur.solve(right.as_mut());
        // back to each output: dv_k = H⁻¹(g_k − T diag(v_k) z)
        let spread = Mat::from_fn(self.dim(), self.outputs(), |row, k| {
            let unit = if row < m * r { row / r } else { row - m * r };
            self.outgoing[k * m + unit] * right[(row, 0)]
        });
        let mut correction = product(table.as_ref(), spread.as_ref());
        values.solve(correction.as_mut());
        g.outputs -= correction;
        for a in 0..m {
            for i in 0..r {
                g.weights[(i, a)] = right[(a * r + i, 0)];
            }
            if self.hidden_bias {
                g.biases[a] = right[(m * r + a, 0)];
            }
        }
        Ok(g)
    }

    /// `M ∘ (E[∇φ_a ∇φ_bᵀ] − TᵀH⁻¹T) + N + λσ²`, lower triangle.
    fn schur(&self, unseen: &Unseen, damping: f64, values: &Factor, table: &Mat<f64>) -> Mat<f64> {
        let (m, r, dim) = (self.units(), self.rank(), self.dim());
        let mut half = table.clone();
        values.half_solve(half.as_mut());
        let mut schur = Mat::zeros(dim, dim);
        triangular_matmul(
            schur.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Replace,
            half.transpose(),
            BlockStructure::Rectangular,
            half.as_ref(),
            BlockStructure::Rectangular,
            -1.0,
            faer::Par::Seq,
        );
        let columns: Vec<Vec<f64>> = self
            .weights
            .col_iter()
            .map(|c| c.iter().copied().collect())
            .collect();
        for b in 0..m {
            let w_b = &columns[b];
            for j in 0..r {
                let mut column = schur.col_mut(b * r + j);
                for (a, w_a) in columns.iter().enumerate().skip(b) {
                    let (e, outgoing) = self.coupling.pair(a, b);
                    let along_a = e.e31 * w_a[j] + e.e22 * w_b[j] + e.e21 * self.shift[j];
                    let along_b = e.e22 * w_a[j] + e.e13 * w_b[j] + e.e12 * self.shift[j];
                    let along_shift = e.e21 * w_a[j] + e.e12 * w_b[j] + e.e11 * self.shift[j];
                    let block = column.as_mut().subrows_mut(a * r, r);
                    for (((entry, a), b), s) in block.iter_mut().zip(w_a).zip(w_b).zip(self.shift) {
                        *entry = outgoing * (*entry + along_a * a + along_b * b + along_shift * s);
                    }
                }
                if self.hidden_bias {
                    for (a, w_a) in columns.iter().enumerate() {
                        let (e, outgoing) = self.coupling.pair(a, b);
                        let mixed = e.e21 * w_a[j] + e.e12 * w_b[j] + e.e11 * self.shift[j];
                        column[m * r + a] = outgoing * (column[m * r + a] + mixed);
                    }
                }
            }
            if self.hidden_bias {
                for a in b..m {
                    let (e, outgoing) = self.coupling.pair(a, b);
                    let entry = &mut schur[(m * r + a, m * r + b)];
                    *entry = outgoing * (*entry + e.e11);
                    if a == b {
                        *entry += damping;
                    }
                }
            }
        }
        // the part of E[φ'φ' z zᵀ] that is a multiple of the identity is in N
        unseen.add_seen(r, schur.as_mut());
        schur
    }

    /// Solves by conjugate gradients, preconditioned by what the metric is on weights that no unit sees.
    ///
    /// A product costs `O(m² (r + K))`, and no matrix larger than `m × m` is kept.
    pub(crate) fn solve_iteratively(
        &self,
        unseen: &Unseen,
        damping: f64,
        lambda: f64,
        mut g: Coordinates,
        stopping: ConjugateGradients,
    ) -> Result<(Coordinates, usize), MetricError> {
        let values = Factor::new(self.values(damping).as_ref(), lambda)?;
        let precondition = Preconditioner::new(self, unseen, damping, lambda)?;
        values.solve(g.outputs.as_mut());
        let zero = Coordinates {
            weights: Mat::zeros(self.rank(), self.units()),
            biases: vec![0.0; g.biases.len()],
            outputs: g.outputs.clone(),
        };
        // what the outputs' share of the covector does to the rest
        let (image, _) = self.apply(unseen, 0.0, &zero);
        let mut residual = self.flat(&g);
        for (r, i) in residual.iter_mut().zip(self.flat(&image)) {
            *r -= i;
        }
        let mut x = vec![0.0; residual.len()];
        let mut direction = precondition.apply(&residual);
        let mut product = dot(&residual, &direction);
        let goal = stopping.tolerance.powi(2) * dot(&residual, &residual);
        let mut iterations = 0;
        while dot(&residual, &residual) > goal && iterations < stopping.max_products {
            iterations += 1;
            let image = self.schur_product(unseen, damping, &values, &direction);
            let step = product / dot(&direction, &image);
            for ((x, r), (d, i)) in x
                .iter_mut()
                .zip(&mut residual)
                .zip(direction.iter().zip(&image))
            {
                *x += step * d;
                *r -= step * i;
            }
            let fresh = precondition.apply(&residual);
            let next = dot(&residual, &fresh);
            for (d, f) in direction.iter_mut().zip(&fresh) {
                *d = f + next / product * *d;
            }
            product = next;
        }
        let mut solution = self.unflat(&x);
        let (_, mut seen_by_outputs) = self.apply(unseen, 0.0, &solution);
        values.solve(seen_by_outputs.as_mut());
        solution.outputs = g.outputs - seen_by_outputs;
        Ok((solution, iterations))
    }

    /// `(S − RᵀH⁻¹R) y`.
    fn schur_product(&self, unseen: &Unseen, damping: f64, values: &Factor, y: &[f64]) -> Vec<f64> {
        let mut tangent = self.unflat(y);
        let (_, mut outputs) = self.apply(unseen, damping, &tangent);
        values.solve(outputs.as_mut());
        tangent.outputs = -outputs;
        let (image, _) = self.apply(unseen, damping, &tangent);
        self.flat(&image)
    }

    /// The image on weights and biases, and that on outputs of weights and biases alone.
    fn apply(&self, unseen: &Unseen, damping: f64, y: &Coordinates) -> (Coordinates, Mat<f64>) {
        let (m, outputs) = (self.units(), self.outputs());
        let products = product(self.weights.transpose(), y.weights.as_ref());
        let own: Vec<f64> = (0..m).map(|a| products[(a, a)]).collect();
        let means: Vec<f64> = (0..m)
            .map(|a| {
                let moved: f64 = (0..self.rank())
                    .map(|i| y.weights[(i, a)] * self.shift[i])
                    .sum();
                moved + y.biases.get(a).copied().unwrap_or(0.0)
            })
            .collect();
        let mut outgoing = vec![0.0; m * outputs];
        let mut constant = vec![0.0; outputs];
        for k in 0..outputs {
            for a in 0..m {
                outgoing[k * m + a] = y.outputs[(a, k)];
            }
            if self.output_bias {
                constant[k] = y.outputs[(m, k)];
            }
        }
        let tangent = Tangent {
            left_products: products.as_ref(),
            right_products: &own,
            means: &means,
            outgoing: &outgoing,
            constant: &constant,
        };
        let image = self.coupling.apply(self.outgoing, self.outgoing, &tangent);
        let mixing = Mat::from_fn(m, m, |b, a| {
            image.mixed[a * m + b] + if a == b { image.own[a] } else { 0.0 }
        });
        let mut weights = unseen.apply_seen(y.weights.as_ref());
        add_product(weights.as_mut(), 1.0, self.weights, mixing.as_ref());
        for a in 0..m {
            for i in 0..self.rank() {
                weights[(i, a)] += self.shift[i] * image.means[a];
            }
        }
        let biases = y
            .biases
            .iter()
            .zip(&image.means)
            .map(|(b, i)| i + damping * b)
            .collect();
        let seen_by_outputs = Mat::from_fn(y.outputs.nrows(), outputs, |a, k| {
            if a < m {
                image.outgoing[k * m + a]
            } else {
                image.constant[k]
            }
        });
        (
            Coordinates {
                weights,
                biases,
                outputs: Mat::zeros(y.outputs.nrows(), outputs),
            },
            seen_by_outputs,
        )
    }

    fn flat(&self, y: &Coordinates) -> Vec<f64> {
        let mut flat = Vec::with_capacity(self.dim());
        for column in y.weights.col_iter() {
            flat.extend(column.iter());
        }
        flat.extend(&y.biases);
        flat
    }

    fn unflat(&self, y: &[f64]) -> Coordinates {
        let (m, r) = (self.units(), self.rank());
        Coordinates {
            weights: MatRef::from_column_major_slice(&y[..m * r], r, m).to_owned(),
            biases: y[m * r..].to_vec(),
            outputs: Mat::zeros(m + usize::from(self.output_bias), self.outputs()),
        }
    }
}

/// `(M ∘ E[φ'φ'ᵀ] + penalty)⁻¹` on weights and on biases.
struct Preconditioner {
    weights: Factor,
    biases: Option<Factor>,
    rank: usize,
    units: usize,
}

impl Preconditioner {
    fn new(
        seen: &Seen<'_>,
        unseen: &Unseen,
        damping: f64,
        lambda: f64,
    ) -> Result<Self, MetricError> {
        let units = seen.units();
        let biases = if seen.hidden_bias {
            let mut slopes = seen.coupling.unseen();
            for a in 0..units {
                slopes[(a, a)] += damping;
            }
            Some(Factor::new(slopes.as_ref(), lambda)?)
        } else {
            None
        };
        Ok(Self {
            weights: Factor::new(unseen.average().as_ref(), lambda)?,
            biases,
            rank: seen.rank(),
            units,
        })
    }

    fn apply(&self, residual: &[f64]) -> Vec<f64> {
        let mut out = residual.to_vec();
        let (weights, biases) = out.split_at_mut(self.rank * self.units);
        let weights = faer::MatMut::from_column_major_slice_mut(weights, self.rank, self.units);
        self.weights.solve(weights.transpose_mut());
        if let Some(factor) = &self.biases {
            factor.solve(faer::MatMut::from_column_major_slice_mut(
                biases, self.units, 1,
            ));
        }
        out
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
