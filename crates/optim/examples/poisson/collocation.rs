//! A linear partial differential equation in two variables, asked of a network with one hidden layer of tanh units at
//! collocation points: an output map like any other.

use faer::MatMut;
use neuromanifold_model::{Cotangents, Dims, Linearization, ModelError, OutputMap};
use std::ops::Range;

/// At a point `x`: `weight·(a u + b·∇u + c₁∂₁²u + c₂∂₂²u) = weight·value`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Condition {
    pub(crate) at: [f64; 2],
    pub(crate) value: f64,
    pub(crate) weight: f64,
    /// a
    pub(crate) function: f64,
    /// b
    pub(crate) slope: [f64; 2],
    /// (c₁, c₂)
    pub(crate) curvature: [f64; 2],
}

impl Condition {
    /// `u(x) = value`.
    pub(crate) fn value(at: [f64; 2], value: f64, weight: f64) -> Self {
        Self {
            at,
            value,
            weight,
            function: 1.0,
            slope: [0.0; 2],
            curvature: [0.0; 2],
        }
    }
}

/// θ ↦ the left-hand sides of all conditions, for `u(x) = Σ_k v_k tanh(w_k·x + b_k) + c`.
///
/// θ is W (`m × 2`, row after row), b, v, c: what a perceptron 2-m-1 has. `P = 4m + 1`, `K = 1`, `N` the number of conditions.
#[derive(Debug)]
pub(crate) struct Collocation {
    pub(crate) units: usize,
    pub(crate) conditions: Vec<Condition>,
}

/// The left-hand sides near one θ, and all their derivatives, one condition after the other.
struct CollocationAt {
    dims: Dims,
    outputs: Vec<f64>,
    jacobian: Vec<f64>,
}

impl Collocation {
    /// The right-hand sides: the targets of the fit.
    pub(crate) fn targets(&self) -> Vec<f64> {
        self.conditions.iter().map(|c| c.weight * c.value).collect()
    }

    /// The left-hand side of one condition; and its derivative, where wanted.
    fn evaluate(&self, theta: &[f64], condition: &Condition, mut row: Option<&mut [f64]>) -> f64 {
        let m = self.units;
        let (incoming, rest) = theta.split_at(2 * m);
        let (bias, outgoing) = rest.split_at(m);
        let Condition {
            at: x,
            weight,
            function: a,
            slope: b,
            curvature: c,
            ..
        } = *condition;
        let mut sum = a * outgoing[m];
        for (k, w) in incoming.chunks_exact(2).enumerate() {
            let v = outgoing[k];
            let t = (w[0] * x[0] + w[1] * x[1] + bias[k]).tanh();
            let t1 = 1.0 - t * t;
            let t2 = -2.0 * t * t1;
            let along = b[0] * w[0] + b[1] * w[1];
            let bent = c[0] * w[0] * w[0] + c[1] * w[1] * w[1];
            let term = a * t + along * t1 + bent * t2;
            sum += v * term;
            if let Some(row) = &mut row {
                let t3 = t1 * (6.0 * t * t - 2.0);
                let shift = weight * v * (a * t1 + along * t2 + bent * t3);
                for j in 0..2 {
                    let own = b[j] * t1 + 2.0 * c[j] * w[j] * t2;
                    row[2 * k + j] = shift * x[j] + weight * v * own;
                }
                row[2 * m + k] = shift;
                row[3 * m + k] = weight * term;
            }
        }
        if let Some(row) = row {
            row[4 * m] = weight * a;
        }
        weight * sum
    }
}

impl OutputMap for Collocation {
    fn dims(&self) -> Dims {
        Dims {
            parameters: 4 * self.units + 1,
            outputs: 1,
            examples: self.conditions.len(),
        }
    }

    fn linearize<'a>(
        &'a self,
        theta: &'a [f64],
    ) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        let dims = self.dims();
        ModelError::check_parameters(theta, dims)?;
        let mut jacobian = vec![0.0; dims.parameters * dims.examples];
        let rows = jacobian.chunks_exact_mut(dims.parameters);
        let outputs: Vec<f64> = (self.conditions.iter().zip(rows))
            .map(|(condition, row)| self.evaluate(theta, condition, Some(row)))
            .collect();
        ModelError::check_outputs(&outputs, dims)?;
        Ok(Box::new(CollocationAt {
            dims,
            outputs,
            jacobian,
        }))
    }

    fn outputs(&self, theta: &[f64], out: &mut [f64]) -> Result<(), ModelError> {
        ModelError::check_parameters(theta, self.dims())?;
        for (out, condition) in out.iter_mut().zip(&self.conditions) {
            *out = self.evaluate(theta, condition, None);
        }
        ModelError::check_outputs(out, self.dims())
    }
}

impl CollocationAt {
    fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.jacobian.chunks_exact(self.dims.parameters)
    }
}

impl Linearization for CollocationAt {
    fn dims(&self) -> Dims {
        self.dims
    }

    fn outputs(&self) -> &[f64] {
        &self.outputs
    }

    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        for (out, row) in out.iter_mut().zip(self.rows()) {
            *out = row.iter().zip(tangent).map(|(r, t)| r * t).sum();
        }
    }

    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (u, row) in cotangent.iter().zip(self.rows()) {
            for (out, r) in out.iter_mut().zip(row) {
                *out += u * r;
            }
        }
    }

    /// The rows are there already; the default would take as many passes as there are parameters or conditions.
    fn pullback(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: MatMut<'_, f64>) {
        let rank = cotangents.rank();
        for (j, column) in out.col_iter_mut().enumerate() {
            let example = examples.start + j / rank;
            let weight = cotangents.column(example, j % rank)[0];
            let row = &self.jacobian[example * self.dims.parameters..][..self.dims.parameters];
            for (out, r) in column.iter_mut().zip(row) {
                *out = weight * r;
            }
        }
    }
}
