//! A linear partial differential equation in two variables, asked of a network with one hidden layer of tanh units at
//! collocation points: an output map like any other.

use std::ops::Range;

use faer::MatMut;
use neuromanifold_model::{Cotangents, Dims, Linearization, ModelError, OutputMap};

/// A linear differential operator with constant coefficients, `u ↦ a u + b·∇u + c₁ ∂₁²u + c₂ ∂₂²u`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Operator {
    /// `a`
    pub value: f64,
    /// `b`
    pub slope: [f64; 2],
    /// `(c₁, c₂)`
    pub curvature: [f64; 2],
}

impl Operator {
    /// `u ↦ u`.
    pub const IDENTITY: Self = Self {
        value: 1.0,
        slope: [0.0; 2],
        curvature: [0.0; 2],
    };

    /// `−Δ`.
    pub const MINUS_LAPLACIAN: Self = Self {
        value: 0.0,
        slope: [0.0; 2],
        curvature: [-1.0; 2],
    };

    /// `∂/∂t − κ ∂²/∂x²` in the coordinates `(t, x)`.
    #[must_use]
    pub const fn heat(diffusivity: f64) -> Self {
        Self {
            value: 0.0,
            slope: [1.0, 0.0],
            curvature: [0.0, -diffusivity],
        }
    }
}

/// `L u = right` at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// The point.
    pub at: [f64; 2],
    /// `L`
    pub operator: Operator,
    /// The right-hand side.
    pub right: f64,
    /// By what both sides are multiplied.
    pub weight: f64,
}

/// θ ↦ the left-hand sides of all conditions, for `u(x) = Σ_k v_k tanh(w_k·x + b_k) + c`.
///
/// θ is W (`m × 2`, row after row), b, v, c: what a perceptron 2-m-1 has. `P = 4m + 1`, `K = 1`, `N` the number of conditions.
/// With the right-hand sides as targets of a Gaussian likelihood, the loss is half the mean square of the weighted
/// residuals, up to a constant. A linearisation holds its Jacobian, `N P` numbers.
///
/// ```
/// use neuromanifold_harness::experiments::{Collocation, Condition, Operator};
/// use neuromanifold_model::check;
///
/// let right = 1.0;
/// let condition = Condition { at: [0.2, 0.7], operator: Operator::heat(0.25), right, weight: 2.0 };
/// let equation = Collocation::new(1, vec![condition]);
/// let derivative = check::finite_difference(&equation, &[0.3, -0.4, 0.1, 0.9, 0.2])?;
/// assert!(derivative.relative_error < 1e-8);
/// assert_eq!(equation.targets(), [2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// M. Raissi, P. Perdikaris, G. E. Karniadakis, *Physics-informed neural networks*, Journal of Computational Physics 378
/// (2019) 686–707, doi:10.1016/j.jcp.2018.10.045.
#[derive(Clone, Debug)]
pub struct Collocation {
    units: usize,
    conditions: Vec<Condition>,
}

/// The left-hand sides near one θ, and all their derivatives, one condition after the other.
struct CollocationAt {
    dims: Dims,
    outputs: Vec<f64>,
    jacobian: Vec<f64>,
}

impl Collocation {
    /// Of a network with so many hidden units.
    #[must_use]
    pub fn new(units: usize, conditions: Vec<Condition>) -> Self {
        Self { units, conditions }
    }

    /// The weighted right-hand sides: the targets of the fit.
    #[must_use]
    pub fn targets(&self) -> Vec<f64> {
        self.conditions.iter().map(|c| c.weight * c.right).collect()
    }

    /// The left-hand side of one condition; and its derivative, where wanted.
    fn evaluate(&self, theta: &[f64], condition: &Condition, mut row: Option<&mut [f64]>) -> f64 {
        let m = self.units;
        let (incoming, rest) = theta.split_at(2 * m);
        let (bias, outgoing) = rest.split_at(m);
        let Condition {
            at: x,
            operator,
            weight,
            ..
        } = *condition;
        let Operator {
            value: a,
            slope: b,
            curvature: c,
        } = operator;
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
