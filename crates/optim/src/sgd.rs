use crate::state::Kind;
use crate::step::{FirstOrder, advance, same_parameters};
use crate::{Objective, OptimError, Optimizer, Resumable, Schedule, State, StateError, Step};

/// Stochastic gradient descent: `θ ← θ − η_t ∇l(θ)`, with momentum if asked for.
///
/// Cost: one pass forward and one back, `O(P)` beyond that.
#[derive(Clone, Debug)]
pub struct Sgd {
    learning_rate: Schedule,
    momentum: Momentum,
    steps: u64,
    velocity: Vec<f64>,
    tangent: Vec<f64>,
    first_order: FirstOrder,
}

/// What a step remembers of the steps before.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Momentum {
    /// Nothing.
    None,
    /// Polyak's heavy ball: `v ← μ v − η g`, `θ ← θ + v`.
    HeavyBall(f64),
    /// Nesterov's look-ahead, with the gradient taken at θ: `v ← μ v − η g`, `θ ← θ + μ v − η g`.
    ///
    /// # References
    /// I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum in deep
    /// learning*, ICML 2013.
    Nesterov(f64),
}

impl Sgd {
    /// Plain gradient descent.
    #[must_use]
    pub fn new(learning_rate: Schedule) -> Self {
        Self {
            learning_rate,
            momentum: Momentum::None,
            steps: 0,
            velocity: Vec::new(),
            tangent: Vec::new(),
            first_order: FirstOrder::default(),
        }
    }

    /// With momentum.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `0 ≤ μ < 1`.
    pub fn with_momentum(mut self, momentum: Momentum) -> Result<Self, OptimError> {
        if let Momentum::HeavyBall(mu) | Momentum::Nesterov(mu) = momentum {
            let valid = (0.0..1.0).contains(&mu);
            OptimError::check_setting("the momentum μ", mu, valid, "in [0, 1)")?;
        }
        self.momentum = momentum;
        Ok(self)
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError> {
        let t = self.steps + 1;
        same_parameters(&mut self.velocity, objective.dims(), t)?;
        self.first_order.evaluate_at(objective, theta, t)?;
        let eta = self.learning_rate.at(t);
        let mu = match self.momentum {
            Momentum::None => 0.0,
            Momentum::HeavyBall(mu) | Momentum::Nesterov(mu) => mu,
        };
        let ahead = matches!(self.momentum, Momentum::Nesterov(_));
        let velocity = |v: f64, g: f64| mu * v - eta * g;
        let state = self.velocity.iter().zip(&self.first_order.gradient);
        self.tangent.clear();
        self.tangent.extend(state.map(|(&v, &g)| {
            let v = velocity(v, g);
            if ahead { velocity(v, g) } else { v }
        }));
        advance(theta, &self.tangent, t)?;
        for (v, g) in self.velocity.iter_mut().zip(&self.first_order.gradient) {
            *v = velocity(*v, *g);
        }
        self.steps = t;
        Ok(self.first_order.report(&self.tangent, eta))
    }
}

impl Resumable for Sgd {
    fn state(&self) -> State {
        State(Kind::Sgd {
            steps: self.steps,
            velocity: self.velocity.clone(),
        })
    }

    fn restore(&mut self, state: State, parameters: usize) -> Result<(), StateError> {
        let State(Kind::Sgd { steps, velocity }) = state else {
            return Err(StateError::optimizer("Sgd", &state));
        };
        StateError::check_steps(steps)?;
        let length = if steps > 0 { parameters } else { 0 };
        StateError::check("the velocity", &velocity, length)?;
        (self.steps, self.velocity) = (steps, velocity);
        Ok(())
    }
}
