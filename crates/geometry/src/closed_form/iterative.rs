//! The equations on what the units see, solved without a matrix.

use super::coupling::Tangent;
use super::factor::Factor;
use super::output_blocks::OutputBlocks;
use super::product::{add_product, product};
use super::seen::{Coordinates, Seen};
use super::unseen::Unseen;
use crate::{ConjugateGradients, MetricError};
use faer::{Mat, MatMut, MatRef};

impl Seen<'_> {
    /// Solves by conjugate gradients, preconditioned by what the metric is on weights that no unit sees.
    ///
    /// A product costs `O(m² (r + K))`, and no matrix larger than `m × m` is kept.
    pub(crate) fn solve_iteratively(
        &self,
        unseen: &Unseen,
        lambda: f64,
        mut g: Coordinates,
        stopping: ConjugateGradients,
    ) -> Result<(Coordinates, usize), MetricError> {
        let values = OutputBlocks::new(self, lambda)?;
        let precondition = Preconditioner::new(self, unseen, lambda)?;
        values.solve(&mut g.outputs);
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
            let image = self.schur_product(unseen, lambda, &values, &direction);
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
        values.solve(&mut seen_by_outputs);
        solution.outputs = g.outputs - seen_by_outputs;
        Ok((solution, iterations))
    }

    /// `(S − RᵀH⁻¹R) y`.
    fn schur_product(
        &self,
        unseen: &Unseen,
        lambda: f64,
        values: &OutputBlocks,
        y: &[f64],
    ) -> Vec<f64> {
        let mut tangent = self.unflat(y);
        let (_, mut outputs) = self.apply(unseen, lambda, &tangent);
        values.solve(&mut outputs);
        tangent.outputs = -outputs;
        let (image, _) = self.apply(unseen, lambda, &tangent);
        self.flat(&image)
    }

    /// The image on weights and biases, and that on outputs of weights and biases alone.
    fn apply(&self, unseen: &Unseen, lambda: f64, y: &Coordinates) -> (Coordinates, Mat<f64>) {
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
            .map(|(b, i)| i + lambda * b)
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
    fn new(seen: &Seen<'_>, unseen: &Unseen, lambda: f64) -> Result<Self, MetricError> {
        let units = seen.units();
        let biases = if seen.hidden_bias {
            let mut slopes = seen.coupling.unseen();
            for a in 0..units {
                slopes[(a, a)] += lambda;
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
        let weights = MatMut::from_column_major_slice_mut(weights, self.rank, self.units);
        self.weights.solve(weights.transpose_mut());
        if let Some(factor) = &self.biases {
            factor.solve(MatMut::from_column_major_slice_mut(biases, self.units, 1));
        }
        out
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
