//! Two partial differential equations with known solutions.

use std::f64::consts::PI;

use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::OutputMap;
use rand::Rng;

use super::collocation::{Collocation, Condition, Operator};
use crate::HarnessError;

/// Points on a side.
const SIDE: usize = 30;

/// Hidden units.
const UNITS: usize = 64;

/// An equation on the unit square, a network for its solution, and the solution.
pub(super) struct Problem {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) axes: [&'static str; 2],
    pub(super) net: Mlp,
    pub(super) equation: Collocation,
    pub(super) solution: fn([f64; 2]) -> f64,
}

/// A side of the square, and what the solution is there, both by the place along the side.
type Edge = (fn(f64) -> [f64; 2], fn(f64) -> f64);

fn cell(i: usize) -> f64 {
    (i as f64 + 0.5) / SIDE as f64
}

/// `L u = f` at 900 points inside and `u = g` at 30 a side, weighted so that the mean of squares is ∫ over the square + ∫ over
/// the sides.
fn conditions(operator: Operator, right: impl Fn([f64; 2]) -> f64, edges: &[Edge]) -> Collocation {
    let total = (SIDE * SIDE + edges.len() * SIDE) as f64;
    let inside = (0..SIDE * SIDE).map(|i| {
        let at = [cell(i / SIDE), cell(i % SIDE)];
        Condition {
            at,
            operator,
            right: right(at),
            weight: (total / (SIDE * SIDE) as f64).sqrt(),
        }
    });
    let on_edges = edges.iter().flat_map(|(place, value)| {
        (0..SIDE).map(move |i| Condition {
            at: place(cell(i)),
            operator: Operator::IDENTITY,
            right: value(cell(i)),
            weight: (total / SIDE as f64).sqrt(),
        })
    });
    Collocation::new(UNITS, inside.chain(on_edges).collect())
}

impl Problem {
    /// `−Δu = 2π² sin πx sin πy`, `u = 0` on the edge.
    pub(super) fn poisson() -> Result<Self, HarnessError> {
        let solution: fn([f64; 2]) -> f64 = |x| (PI * x[0]).sin() * (PI * x[1]).sin();
        let right = |x| 2.0 * PI * PI * solution(x);
        let edges: [Edge; 4] = [
            (|t| [t, 0.0], |_| 0.0),
            (|t| [t, 1.0], |_| 0.0),
            (|t| [0.0, t], |_| 0.0),
            (|t| [1.0, t], |_| 0.0),
        ];
        Ok(Self {
            name: "poisson",
            title: "−Δu = f",
            axes: ["x", "y"],
            net: Mlp::new(&[2, UNITS, 1], Activation::Tanh)?,
            equation: conditions(Operator::MINUS_LAPLACIAN, right, &edges),
            solution,
        })
    }

    /// `∂u/∂t = ¼ ∂²u/∂x²`, `u = sin πx` at `t = 0`, `u = 0` at both ends; the axes are t and x.
    pub(super) fn heat() -> Result<Self, HarnessError> {
        let edges: [Edge; 3] = [
            (|x| [0.0, x], |x| (PI * x).sin()),
            (|t| [t, 0.0], |_| 0.0),
            (|t| [t, 1.0], |_| 0.0),
        ];
        Ok(Self {
            name: "heat",
            title: "∂u/∂t = ¼ ∂²u/∂x²",
            axes: ["t", "x"],
            net: Mlp::new(&[2, UNITS, 1], Activation::Tanh)?,
            equation: conditions(Operator::heat(0.25), |_| 0.0, &edges),
            solution: |x| (-0.25 * PI * PI * x[0]).exp() * (PI * x[1]).sin(),
        })
    }

    pub(super) fn start(&self, rng: &mut dyn Rng) -> Vec<f64> {
        self.net
            .initialize_with_biases(Initialization::LeCun, 1.0, rng)
    }

    /// Solution and error of the network on a grid of `side²` points, row by row, the first coordinate running fastest.
    pub(super) fn on_grid(
        &self,
        theta: &[f64],
        side: usize,
    ) -> Result<(Vec<f64>, Vec<f64>), HarnessError> {
        let place = |i: usize| i as f64 / (side - 1) as f64;
        let points: Vec<f64> = (0..side * side)
            .flat_map(|k| [place(k % side), place(k / side)])
            .collect();
        let mut u = vec![0.0; side * side];
        self.net.on_slice(&points)?.outputs(theta, &mut u)?;
        let exact = points
            .chunks_exact(2)
            .map(|x| (self.solution)([x[0], x[1]]));
        let error = u.iter().zip(exact).map(|(u, exact)| u - exact).collect();
        Ok((u, error))
    }

    /// `|u − u*|/|u*|` in L², on a grid that shares no point inside with the conditions.
    pub(super) fn relative_error(&self, theta: &[f64]) -> Result<f64, HarnessError> {
        let (u, error) = self.on_grid(theta, 71)?;
        let square = |v: f64| v * v;
        let size: f64 = u.iter().zip(&error).map(|(u, e)| square(u - e)).sum();
        Ok((error.iter().copied().map(square).sum::<f64>() / size).sqrt())
    }
}
