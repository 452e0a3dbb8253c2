//! L-BFGS as a baseline: argmin's, behind the same trait as the optimisers of this workspace.

use argmin::core::{CostFunction, Error, Gradient, IterState, Problem, Solver, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use neuromanifold_optim::{Objective, OptimError, Optimizer, Step};

type Method = LBFGS<MoreThuenteLineSearch<Vec<f64>, Vec<f64>, f64>, Vec<f64>, Vec<f64>, f64>;
type Iterate = IterState<Vec<f64>, Vec<f64>, (), (), (), f64>;

/// Limited-memory BFGS with the line search of Moré and Thuente, from the crate `argmin`.
///
/// Made for one objective: it remembers differences of gradients, which mini-batches would make meaningless. A step is one
/// iteration. Where the line search finds nothing better, the step reports `accepted = false` and the memory is forgotten.
///
/// It lives here and not in `neuromanifold-optim` so that the libraries do not depend on another optimisation framework.
///
/// ```
/// use neuromanifold_harness::Lbfgs;
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
/// use neuromanifold_optim::{Objective, Stopping, fit};
/// use std::ops::ControlFlow;
///
/// let line = Mlp::new(&[1, 1], Activation::Identity)?;
/// let batch = line.on_slice(&[-1.0, 0.0, 1.0, 2.0])?;
/// let objective = Objective::new(&batch, &Gaussian::UNIT, &[0.0, 1.0, 2.0, 3.0])?;
/// let mut theta = [-10.0, 10.0];
/// let stopping = Stopping::after(50).at_gradient_norm(1e-6);
/// fit(&mut Lbfgs::new(10), &objective, &mut theta, &stopping, |_, _, _| ControlFlow::Continue(()))?;
/// assert!((theta[0] - 1.0).abs() < 1e-5 && (theta[1] - 1.0).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// J. Nocedal, *Updating quasi-Newton matrices with limited storage*, Mathematics of Computation 35 (1980) 773–782.
pub struct Lbfgs {
    memory: usize,
    progress: Option<(Method, Iterate)>,
}

impl Lbfgs {
    /// With a memory of so many steps; at least one.
    #[must_use]
    pub fn new(memory: usize) -> Self {
        Self {
            memory: memory.max(1),
            progress: None,
        }
    }
}

impl std::fmt::Debug for Lbfgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lbfgs")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

/// Loss and gradient as argmin wants them.
struct Function<'a>(&'a Objective<'a>);

impl CostFunction for Function<'_> {
    type Param = Vec<f64>;
    type Output = f64;
    fn cost(&self, theta: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.0.loss(theta)?)
    }
}

impl Gradient for Function<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;
    fn gradient(&self, theta: &Vec<f64>) -> Result<Vec<f64>, Error> {
        let mut gradient = vec![0.0; theta.len()];
        self.0.gradient(theta, &mut gradient)?;
        Ok(gradient)
    }
}

impl Optimizer for Lbfgs {
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError> {
        let known = (self.progress.as_ref())
            .filter(|(_, state)| state.get_param().is_some_and(|at| same_bits(at, theta)))
            .and_then(|(method, state)| Some((method, state, state.get_gradient()?)));
        let (method, state, loss, gradient) = match known {
            Some((method, state, gradient)) => (
                method.clone(),
                state.clone(),
                state.get_cost(),
                gradient.clone(),
            ),
            None => {
                let mut gradient = vec![0.0; objective.dims().parameters];
                let loss = objective.gradient(theta, &mut gradient)?;
                let method = LBFGS::new(MoreThuenteLineSearch::new(), self.memory);
                let state = Iterate::new()
                    .param(theta.to_vec())
                    .cost(loss)
                    .gradient(gradient.clone());
                (method, state, loss, gradient)
            }
        };
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let mut problem = Problem::new(Function(objective));
        let moved = advance(method, state, &mut problem);
        let evaluations = problem.counts.values().sum::<u64>();
        let better = moved.filter(|(_, state)| state.get_cost() < loss);
        let Some((method, mut state)) = better else {
            self.progress = None;
            let mut step = Step::new(loss, norm, 0.0, 0.0);
            step.actual_decrease = Some(0.0);
            step.accepted = false;
            return Ok(step);
        };
        state.update(); // the iterate becomes the best one so far
        let at = state.get_param().map_or(&[] as &[f64], |at| at);
        let tangent: Vec<f64> = at.iter().zip(&*theta).map(|(a, t)| a - t).collect();
        let length = tangent.iter().map(|d| d * d).sum::<f64>().sqrt();
        let slope: f64 = tangent.iter().zip(&gradient).map(|(d, g)| d * g).sum();
        let mut step = Step::new(loss, norm, length, -slope);
        step.actual_decrease = Some(loss - state.get_cost());
        step.evaluations = usize::try_from(evaluations).unwrap_or(usize::MAX);
        theta.copy_from_slice(at);
        self.progress = Some((method, state));
        Ok(step)
    }
}

/// One iteration; none where it fails, which is how argmin says that a line search found nothing.
fn advance<'a>(
    mut method: Method,
    state: Iterate,
    problem: &mut Problem<Function<'a>>,
) -> Option<(Method, Iterate)> {
    let state = if state.get_iter() == 0 {
        method.init(problem, state).ok()?.0
    } else {
        state
    };
    let (mut state, _) = method.next_iter(problem, state).ok()?;
    state.increment_iter();
    let finite = state.get_param()?.iter().all(|t| t.is_finite());
    finite.then_some((method, state))
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.iter()
        .map(|v| v.to_bits())
        .eq(b.iter().map(|v| v.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuromanifold_mlp::{Activation, Initialization, Mlp};
    use neuromanifold_model::Gaussian;
    use rand::SeedableRng;

    /// Far below where gradient descent would be, monotonically, the same bits each time.
    #[test]
    fn it_descends_and_repeats() {
        let net = Mlp::new(&[1, 4, 1], Activation::Tanh).unwrap();
        let inputs: Vec<f64> = (0..40).map(|i| f64::from(i) / 20.0 - 1.0).collect();
        let targets: Vec<f64> = inputs.iter().map(|x| (3.0 * x).sin()).collect();
        let batch = net.on_slice(&inputs).unwrap();
        let objective = Objective::new(&batch, &Gaussian::UNIT, &targets).unwrap();
        let run = || {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
            let mut theta = net.initialize(Initialization::LeCun, &mut rng);
            let mut optimizer = Lbfgs::new(20);
            let mut loss = objective.loss(&theta).unwrap();
            for _ in 0..200 {
                let step = optimizer.step(&objective, &mut theta).unwrap();
                let after = objective.loss(&theta).unwrap();
                assert!(after <= loss && (step.loss - loss).abs() < 1e-15);
                loss = after;
                if !step.accepted {
                    break;
                }
            }
            (theta, loss)
        };
        let (theta, loss) = run();
        assert!(loss - 0.5 * std::f64::consts::TAU.ln() < 1e-5, "{loss}");
        assert!(same_bits(&theta, &run().0));
        // what cannot be evaluated is said, and left alone
        let mut bad = theta;
        bad[0] = f64::NAN;
        assert!(Lbfgs::new(5).step(&objective, &mut bad).is_err());
    }
}
