use crate::error::Quantity;
use crate::state::Kind;
use crate::step::{FirstOrder, advance, same_parameters};
use crate::{Objective, OptimError, Optimizer, Resumable, Schedule, State, StateError, Step};

/// Adam: each coordinate is scaled by a running root mean square of its own gradient.
///
/// ```text
/// m ← β₁ m + (1−β₁) g        m̂ = m/(1 − β₁ᵗ)
/// v ← β₂ v + (1−β₂) g²       v̂ = v/(1 − β₂ᵗ)        θ ← θ − η_t m̂/(√v̂ + ε)
/// ```
///
/// Cost: one pass forward and one back, `O(P)` beyond that.
///
/// # References
/// D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015, arXiv:1412.6980, algorithm 1.
#[derive(Clone, Debug)]
pub struct Adam {
    learning_rate: Schedule,
    decay: (f64, f64),
    epsilon: f64,
    steps: u64,
    mean: Vec<f64>,
    square: Vec<f64>,
    tangent: Vec<f64>,
    first_order: FirstOrder,
}

impl Adam {
    /// With the constants of the paper: β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
    #[must_use]
    pub fn new(learning_rate: Schedule) -> Self {
        Self {
            learning_rate,
            decay: (0.9, 0.999),
            epsilon: 1e-8,
            steps: 0,
            mean: Vec::new(),
            square: Vec::new(),
            tangent: Vec::new(),
            first_order: FirstOrder::default(),
        }
    }

    /// With other decay rates of the two averages.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless both lie in [0, 1).
    pub fn with_decay(mut self, beta1: f64, beta2: f64) -> Result<Self, OptimError> {
        for (name, beta) in [("β₁ of Adam", beta1), ("β₂ of Adam", beta2)] {
            OptimError::check_setting(name, beta, (0.0..1.0).contains(&beta), "in [0, 1)")?;
        }
        self.decay = (beta1, beta2);
        Ok(self)
    }

    /// With another ε in the denominator.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless it is positive and finite.
    pub fn with_epsilon(mut self, epsilon: f64) -> Result<Self, OptimError> {
        OptimError::check_setting("ε of Adam", epsilon, epsilon > 0.0, "positive and finite")?;
        self.epsilon = epsilon;
        Ok(self)
    }
}

impl Optimizer for Adam {
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError> {
        let t = self.steps + 1;
        same_parameters(&mut self.mean, objective.dims(), t)?;
        same_parameters(&mut self.square, objective.dims(), t)?;
        self.first_order.evaluate_at(objective, theta, t)?;
        if let Some(g) = (self.first_order.gradient.iter()).find(|g| !(*g * *g).is_finite()) {
            return Err(OptimError::NonFinite {
                what: Quantity::SquaredGradient,
                step: t,
                value: g * g,
            });
        }
        let eta = self.learning_rate.at(t);
        let (beta1, beta2) = self.decay;
        let mean = |m: f64, g: f64| beta1 * m + (1.0 - beta1) * g;
        let square = |v: f64, g: f64| beta2 * v + (1.0 - beta2) * g * g;
        let corrections = (1.0 - beta1.powf(t as f64), 1.0 - beta2.powf(t as f64));
        let moments = self.mean.iter().zip(&self.square);
        self.tangent.clear();
        let step_of = |((&m, &v), &g): ((&f64, &f64), &f64)| {
            let m_hat = mean(m, g) / corrections.0;
            let v_hat = square(v, g) / corrections.1;
            -eta * m_hat / (v_hat.sqrt() + self.epsilon)
        };
        self.tangent
            .extend(moments.zip(&self.first_order.gradient).map(step_of));
        advance(theta, &self.tangent, t)?;
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((m, v), &g) in moments.zip(&self.first_order.gradient) {
            *m = mean(*m, g);
            *v = square(*v, g);
        }
        self.steps = t;
        Ok(self.first_order.report(&self.tangent, eta))
    }
}

impl Resumable for Adam {
    fn state(&self) -> State {
        State(Kind::Adam {
            steps: self.steps,
            mean: self.mean.clone(),
            square: self.square.clone(),
        })
    }

    fn restore(&mut self, state: State, parameters: usize) -> Result<(), StateError> {
        let State(Kind::Adam {
            steps,
            mean,
            square,
        }) = state
        else {
            return Err(StateError::optimizer("Adam", &state));
        };
        StateError::check_steps(steps)?;
        let length = if steps > 0 { parameters } else { 0 };
        StateError::check("the mean of the gradient", &mean, length)?;
        StateError::check("the mean square of the gradient", &square, length)?;
        if let Some(&v) = square.iter().find(|v| **v < 0.0) {
            let what = "a mean square of the gradient";
            StateError::check_value(what, v, false, "not negative")?;
        }
        (self.steps, self.mean, self.square) = (steps, mean, square);
        Ok(())
    }
}
