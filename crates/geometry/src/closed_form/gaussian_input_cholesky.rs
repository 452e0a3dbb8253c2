use super::GaussianInputFisher;
use super::seen::Coordinates;
use super::seen_cholesky::SeenCholesky;
use super::unseen::Unseen;
use crate::{MetricError, Preconditioner};
use faer::Mat;

/// `G + λI` of a [`GaussianInputFisher`], factored: many solves, a determinant, and a preconditioner for the metric of real data
/// whose inputs have about this mean and covariance.
///
/// Memory: `(m r + m)²` numbers, and `n m` (with damping and inputs of different variance `n m + m r²`). Cost of a solve:
/// `O(n m²) + (m r + m)²`, with a full covariance `O(n² m)` more.
///
/// ```
/// use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher, Shrinkage};
/// use neuromanifold_geometry::{ConjugateGradients, FisherOperator, Inverse, Metric};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::{Gaussian, OutputMap};
///
/// let net = Mlp::new(&[1, 2, 1], Activation::Tanh)?;
/// let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
/// let batch = net.on_slice(&[-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5])?;
/// let at = batch.linearize(&theta)?;
///
/// let input = GaussianInput::of_sample(batch.inputs(), Shrinkage::LedoitWolf)?;
/// let closed_form = GaussianInputFisher::new(&net, &theta, &input, &Gaussian::UNIT)?;
/// let inverse = closed_form.cholesky(1e-3)?;
///
/// let stopping = ConjugateGradients { tolerance: 1e-10, max_products: 100 };
/// let fisher = FisherOperator::new(at.as_ref(), &Gaussian::UNIT, stopping)?.preconditioned(&inverse);
/// let mut natural = [0.0; 7];
/// let solve = fisher.raise(&[1.0; 7], Inverse::damped(1e-3), &mut natural)?;
/// assert!(solve.iterations < 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaussianInputCholesky<'a> {
    fisher: &'a GaussianInputFisher,
    lambda: f64,
    unseen: Unseen,
    seen: SeenCholesky,
}

impl<'a> GaussianInputCholesky<'a> {
    pub(super) fn new(fisher: &'a GaussianInputFisher, lambda: f64) -> Result<Self, MetricError> {
        MetricError::check_shift(lambda)?;
        let unseen = fisher.unseen(lambda)?;
        let seen = SeenCholesky::new(&fisher.on_seen(), &unseen, lambda)?;
        Ok(Self {
            fisher,
            lambda,
            unseen,
            seen,
        })
    }

    /// `out ← (G + λI)⁻¹ g`.
    ///
    /// # Panics
    /// If a slice does not have the length of θ.
    #[track_caller]
    pub fn solve(&self, gradient: &[f64], out: &mut [f64]) {
        let dim = self.fisher.frame.net.parameters();
        assert!(
            gradient.len() == dim && out.len() == dim,
            "vectors of lengths {} and {} in a space of dimension {dim}",
            gradient.len(),
            out.len()
        );
        let (solved, covector) = self.fisher.condense(&self.unseen, gradient);
        let tangent = self.seen.solve(&self.fisher.on_seen(), covector);
        self.fisher
            .expand(&self.unseen, solved, tangent, (gradient, self.lambda), out);
    }

    /// `log det(G + λI)`, from the factors: `n − r` times that of an `m × m` matrix, and that of the system on what is seen.
    #[must_use]
    pub fn log_determinant(&self) -> f64 {
        let frame = &self.fisher.frame;
        let m = frame.units() as f64;
        let axes = 0..frame.net.inputs();
        let inputs: f64 = axes.map(|i| frame.input.deviation(i).ln()).sum();
        let mut sum =
            self.unseen.log_determinant() + self.seen.log_determinant() + 2.0 * m * inputs;
        let rows = m + f64::from(u8::from(frame.output_bias()));
        for root in self.fisher.precision.roots() {
            // an output that the metric does not see is damping alone
            sum += rows
                * if *root > 0.0 {
                    2.0 * root.ln()
                } else {
                    self.lambda.ln()
                };
        }
        sum
    }
}

impl Preconditioner for GaussianInputCholesky<'_> {
    fn precondition(&self, residual: &[f64], out: &mut [f64]) {
        self.solve(residual, out);
    }
}

/// From the coordinates of θ to those that a system is solved for, and back.
impl GaussianInputFisher {
    /// The metric on weights that no unit sees, damped. Refuses an undamped metric that does not see some output.
    pub(super) fn unseen(&self, lambda: f64) -> Result<Unseen, MetricError> {
        let roots = self.precision.roots();
        if let Some(pivot) = roots.iter().position(|root| *root <= 0.0)
            && lambda <= 0.0
        {
            return Err(MetricError::NotPositiveDefinite {
                pivot,
                value: 0.0,
                dim: roots.len(),
                lambda,
            });
        }
        Unseen::new(
            &self.frame,
            self.basis.as_ref(),
            self.coupling.unseen(),
            lambda,
        )
    }

    /// A covector: `B⁻¹g` on the weights, and what there is to solve for on what the units see.
    pub(super) fn condense(&self, unseen: &Unseen, gradient: &[f64]) -> (Mat<f64>, Coordinates) {
        let net = &self.frame.net;
        let (m, outputs) = (self.frame.units(), net.outputs());
        let (solved, weights) =
            unseen.condense(self.basis.as_ref(), self.frame.push_weights(gradient));
        let output = &net.layers()[1];
        let outgoing = self.precision.push_covector(&gradient[output.weights()]);
        let constant = output
            .bias()
            .map(|range| self.precision.push_covector(&gradient[range]));
        let rows = m + usize::from(constant.is_some());
        let covector = Coordinates {
            weights,
            biases: net.bias(gradient, 0).unwrap_or_default().to_vec(),
            outputs: Mat::from_fn(rows, outputs, |a, k| match &constant {
                Some(constant) if a == m => constant[k],
                _ => outgoing[k * m + a],
            }),
        };
        (solved, covector)
    }

    /// The tangent vector of a solution, with `g/λ` along outputs that the metric does not see.
    pub(super) fn expand(
        &self,
        unseen: &Unseen,
        solved: Mat<f64>,
        tangent: Coordinates,
        (gradient, lambda): (&[f64], f64),
        out: &mut [f64],
    ) {
        let net = &self.frame.net;
        let (m, outputs) = (self.frame.units(), net.outputs());
        let weights = unseen.expand(self.basis.as_ref(), solved, tangent.weights.as_ref());
        let output = &net.layers()[1];
        let back = |rows: Vec<f64>, range: std::ops::Range<usize>| {
            let mut rows = self.precision.pull_tangent(&rows);
            if self.precision.roots().iter().any(|root| *root <= 0.0) {
                let rest = self.precision.unseen(&gradient[range]);
                rows.iter_mut()
                    .zip(rest)
                    .for_each(|(x, g)| *x += g / lambda);
            }
            rows
        };
        let row = |a: usize, k: usize| tangent.outputs[(a, k)];
        let outgoing = (0..outputs * m).map(|index| row(index % m, index / m));
        let outgoing = back(outgoing.collect(), output.weights());
        let constant = match output.bias() {
            Some(range) => back((0..outputs).map(|k| row(m, k)).collect(), range),
            None => Vec::new(),
        };
        self.frame
            .write_tangent(weights, &tangent.biases, &outgoing, &constant, out);
    }
}
