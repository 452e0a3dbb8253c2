use super::{AnalyticNullSpace, Probe, QuotientError, Tolerance, exact_natural_gradient, reduce};
use crate::{
    Cholesky, DenseFisher, GramFisher, Inverse, Metric, MetricError, OutputFactor, Quantity,
    RankTolerance,
};
use neuromanifold_mlp::Mlp;
use neuromanifold_model::{Linearization, OutputMap};
use std::fmt;

/// An answer to the question what `G⁻¹∇l` means where `G` has no inverse.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Solver {
    /// None: `G⁻¹∇l`, and on the critical set an error that names the units.
    Exact,
    /// `G⁺∇l`, where numbers decide which eigenvalues are zero.
    PseudoInverse {
        /// Which.
        tolerance: RankTolerance,
    },
    /// `(G + λI)⁻¹∇l`.
    Damped {
        /// λ > 0, nats per unit of θ squared.
        lambda: f64,
    },
    /// The same through the sample-space matrix: `A (AᵀA + λI)⁻¹`.
    SampleSpace {
        /// λ > 0.
        lambda: f64,
    },
    /// `G⁺∇l`, where theory decides: the equation is solved on the complement of the
    /// [analytic null space](AnalyticNullSpace). The natural gradient on the quotient S/R.
    Horizontal,
    /// The natural gradient of the [reduced](reduce()) network, lifted back: the shortest step of the large network that
    /// moves the law as the small one's does.
    Reduced,
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => write!(f, "G⁻¹"),
            Self::PseudoInverse { tolerance } => write!(f, "G⁺, zero up to {tolerance}"),
            Self::Damped { lambda } => write!(f, "(G + {lambda:.0e} I)⁻¹"),
            Self::SampleSpace { lambda } => write!(f, "A (AᵀA + {lambda:.0e} I)⁻¹"),
            Self::Horizontal => write!(f, "G⁻¹ on the horizontal space"),
            Self::Reduced => write!(f, "G⁻¹ of the reduced network"),
        }
    }
}

/// A natural-gradient step at a point where the metric is, or may be, degenerate, by one of the [solvers](Solver).
///
/// Steps are compared by what they do to the law, since along null directions parameters move without effect. On the critical set
/// [`Horizontal`](Solver::Horizontal) and [`PseudoInverse`](Solver::PseudoInverse) are one step, and the damped ones tend to it as
/// `λ → 0`. The reduced network's step is their projection: its tangent space, as directions in which the law can move, lies in
/// that of the large network, and its natural gradient is the best step *in there*.
///
/// * Where units overlap whose outgoing vectors are parallel (always, with one output) the two spaces are the same, and so are the
///   steps.
/// * Where a unit has no outgoing weight, is constant, or overlaps another with an outgoing vector of another direction, the large
///   network has directions that the reduced one lacks (revive the unit; split the merged one), and `G⁺` uses them.
///
/// # References
/// J. van Oostrum, J. Müller, N. Ay, *Invariance properties of the natural gradient in overparametrised systems*, Information
/// Geometry 6 (2023) 51–67, arXiv:2206.15273.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DegenerateStep {
    /// How it was solved.
    pub solver: Solver,
    /// δ, length `P`: the step is to `θ − δ`.
    pub tangent: Vec<f64>,
    /// `|δ|`.
    pub length: f64,
    /// The function-space step `J δ`, length `KN`, one example after the other.
    pub outputs: Vec<f64>,
    /// The same as the law sees it: `Bᵀ J δ/√N`, length `rN`, whose squared length is `δᵀG δ`.
    pub law: Vec<f64>,
    /// `√((1/N) Σ |J δ|²)`.
    pub root_mean_square: f64,
    /// `½ δᵀG δ`, what the step should cost in nats.
    pub predicted: f64,
    /// `D(θ : θ − δ)` on the probe, what it does cost.
    pub divergence: f64,
}

impl DegenerateStep {
    /// Solves for the natural gradient of a loss that is given by its derivative `∂l/∂z` at the outputs on the probe (length `KN`,
    /// of the *mean* loss).
    ///
    /// The tolerance is that under which weights count as equal; [`Reduced`](Solver::Reduced) takes the derivative at the reduced
    /// network's parameters for the same covector, so it is meant for tolerances that leave the function as it is. Cost: a dense
    /// metric and its factorisation, `O(N P² + P³)`; for [`SampleSpace`](Solver::SampleSpace) those of [`GramFisher`].
    ///
    /// # Errors
    /// [`MetricError::NotFinite`] for a covector that is not finite, whatever the solver; [`QuotientError::Critical`] for
    /// [`Exact`](Solver::Exact) on the critical set; as [`Shallow::new`](super::Shallow::new); those
    /// of the [`Probe`] and the metric.
    ///
    /// # Panics
    /// If `cotangent` does not have length `KN`.
    #[track_caller]
    pub fn new(
        (net, theta): (&Mlp, &[f64]),
        probe: &Probe<'_>,
        cotangent: &[f64],
        solver: Solver,
        tolerance: Tolerance,
    ) -> Result<Self, QuotientError> {
        let batch = net.on(probe.inputs)?;
        assert_eq!(
            cotangent.len(),
            batch.dims().output_len(),
            "a covector of other outputs"
        );
        MetricError::check_finite(Quantity::Gradient, cotangent)?;
        let at = batch.linearize(theta)?;
        let mut gradient = vec![0.0; theta.len()];
        at.vjp(cotangent, &mut gradient);
        let mut tangent = vec![0.0; theta.len()];
        let dense = |inverse, tangent: &mut [f64]| -> Result<(), QuotientError> {
            let metric = DenseFisher::new(at.as_ref(), probe.likelihood)?;
            metric.raise(&gradient, inverse, tangent)?;
            Ok(())
        };
        match solver {
            Solver::Exact => {
                let metric = DenseFisher::new(at.as_ref(), probe.likelihood)?;
                let network = (net, theta);
                exact_natural_gradient(
                    &metric,
                    &gradient,
                    network,
                    probe.likelihood,
                    tolerance,
                    &mut tangent,
                )?;
            }
            Solver::PseudoInverse { tolerance } => {
                dense(Inverse::Pseudo { tolerance }, &mut tangent)?;
            }
            Solver::Damped { lambda } => dense(Inverse::damped(lambda), &mut tangent)?,
            Solver::SampleSpace { lambda } => {
                let metric = GramFisher::new(at.as_ref(), probe.likelihood)?;
                metric.raise(&gradient, Inverse::damped(lambda), &mut tangent)?;
            }
            Solver::Horizontal => {
                tangent = horizontal((net, theta), at.as_ref(), probe, &gradient, tolerance)?;
            }
            Solver::Reduced => {
                let moved = reduced((net, theta), probe, cotangent, tolerance)?;
                let factor = OutputFactor::fisher(at.as_ref(), probe.likelihood)?;
                // the covector that the reduced step is the natural gradient of, H J' δ'
                let mut white = vec![0.0; factor.rank() * batch.dims().examples];
                let mut lowered = vec![0.0; moved.len()];
                factor.apply_transpose(&moved, &mut white);
                factor.apply(&white, &mut lowered);
                at.vjp(&lowered, &mut gradient);
                tangent = horizontal((net, theta), at.as_ref(), probe, &gradient, tolerance)?;
            }
        }
        Self::of(solver, tangent, (net, theta), at.as_ref(), probe)
    }

    fn of(
        solver: Solver,
        tangent: Vec<f64>,
        (net, theta): (&Mlp, &[f64]),
        at: &dyn Linearization,
        probe: &Probe<'_>,
    ) -> Result<Self, QuotientError> {
        MetricError::check_finite(Quantity::Direction, &tangent)?;
        let factor = OutputFactor::fisher(at, probe.likelihood)?;
        let dims = at.dims();
        let mut outputs = vec![0.0; dims.output_len()];
        at.jvp(&tangent, &mut outputs);
        let mut law = vec![0.0; factor.rank() * dims.examples];
        factor.apply_transpose(&outputs, &mut law);
        let there: Vec<f64> = theta.iter().zip(&tangent).map(|(t, d)| t - d).collect();
        let z = probe.outputs((net, &there))?;
        let squares = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
        Ok(Self {
            solver,
            length: squares(&tangent).sqrt(),
            root_mean_square: (squares(&outputs) / dims.examples as f64).sqrt(),
            predicted: 0.5 * squares(&law),
            divergence: probe.compare(at.outputs(), &z, dims.outputs)?.divergence,
            tangent,
            outputs,
            law,
        })
    }

    /// How far the function-space step is from another, relative to the longer: in the norm in which the law is measured.
    #[must_use]
    pub fn difference(&self, other: &Self) -> f64 {
        let gap = |(a, b): (&f64, &f64)| (a - b) * (a - b);
        let squared: f64 = self.law.iter().zip(&other.law).map(gap).sum();
        let longer = 2.0 * self.predicted.max(other.predicted);
        if longer > 0.0 {
            (squared / longer).sqrt()
        } else {
            0.0
        }
    }
}

/// `J' δ'` of the reduced network, on the outputs.
fn reduced(
    network: (&Mlp, &[f64]),
    probe: &Probe<'_>,
    cotangent: &[f64],
    tolerance: Tolerance,
) -> Result<Vec<f64>, QuotientError> {
    let small = reduce(network.0, network.1, probe, tolerance)?;
    let batch = small.net.on(probe.inputs)?;
    let at = batch.linearize(&small.theta)?;
    let mut gradient = vec![0.0; small.theta.len()];
    at.vjp(cotangent, &mut gradient);
    // what is left of a null space is that of relu's scaling or of a softmax
    let network = (&small.net, &small.theta[..]);
    let tangent = horizontal(network, at.as_ref(), probe, &gradient, tolerance)?;
    let mut moved = vec![0.0; cotangent.len()];
    at.jvp(&tangent, &mut moved);
    Ok(moved)
}

/// `Q (QᵀG Q)⁻¹ Qᵀ g`, with `Q` an orthonormal basis of the complement of the analytic null space.
fn horizontal(
    (net, theta): (&Mlp, &[f64]),
    at: &dyn Linearization,
    probe: &Probe<'_>,
    gradient: &[f64],
    tolerance: Tolerance,
) -> Result<Vec<f64>, QuotientError> {
    let null = AnalyticNullSpace::of_likelihood(net, theta, probe.likelihood, tolerance)?;
    let metric = DenseFisher::new(at, probe.likelihood)?;
    let mut tangent = vec![0.0; theta.len()];
    if null.nullity() == 0 {
        metric.raise(gradient, Inverse::Exact, &mut tangent)?;
        return Ok(tangent);
    }
    if null.rank() == 0 {
        return Ok(tangent); // no parameter moves the law
    }
    let full = null.basis().qr().compute_Q();
    let complement = full.get(.., null.nullity()..);
    let inner = complement.transpose() * metric.matrix() * complement;
    let mut coordinates: Vec<f64> = (complement.col_iter())
        .map(|axis| axis.iter().zip(gradient).map(|(a, g)| a * g).sum())
        .collect();
    Cholesky::new(inner.as_ref(), 0.0)?.solve_in_place(&mut coordinates);
    for (axis, along) in complement.col_iter().zip(&coordinates) {
        for (t, a) in tangent.iter_mut().zip(axis.iter()) {
            *t += along * a;
        }
    }
    Ok(tangent)
}
