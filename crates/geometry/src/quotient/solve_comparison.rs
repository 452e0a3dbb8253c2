use super::{DegenerateStep, Probe, QuotientError, Solver, Tolerance};
use neuromanifold_mlp::Mlp;
use std::fmt;

/// The natural-gradient steps that several [solvers](Solver) take at one point, beside each other.
///
/// ```
/// use neuromanifold_geometry::quotient::{Probe, QuotientError, SolveComparison, Solver, Tolerance};
/// use neuromanifold_geometry::{faer::MatRef, RankTolerance};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
///
/// let net = Mlp::new(&[1, 2, 1], Activation::Tanh)?;
/// let theta = [0.8, 0.8, 0.2, 0.2, 0.5, 0.7, 0.1]; // two equal units
/// let inputs: Vec<f64> = (0..40).map(|i| f64::from(i) / 8.0 - 2.5).collect();
/// let probe = Probe { inputs: MatRef::from_column_major_slice(&inputs, 1, 40), likelihood: &Gaussian::UNIT };
/// let cotangent: Vec<f64> = inputs.iter().map(|x| (x.sin() - x) / 40.0).collect(); // (z − y)/N
///
/// let pseudo = Solver::PseudoInverse { tolerance: RankTolerance::Relative(1e-11) };
/// let solvers = [Solver::Exact, pseudo, Solver::Damped { lambda: 1e-4 }, Solver::Reduced];
/// let comparison = SolveComparison::new((&net, &theta), &probe, &cotangent, &solvers, Tolerance::default())?;
///
/// assert!(matches!(comparison.refusal(Solver::Exact), Some(QuotientError::Critical { nullity: 3, .. })));
/// let difference = comparison.difference(pseudo, Solver::Reduced).expect("both give a step");
/// assert!(difference < 1e-6); // the same step in function space, of 7 parameters or of 4
/// println!("{comparison}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SolveComparison {
    answers: Vec<SolverAnswer>,
}

/// What one solver says.
#[derive(Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[allow(clippy::large_enum_variant)] // there are few
pub enum SolverAnswer {
    /// A step.
    Step(DegenerateStep),
    /// None, and why.
    Refused {
        /// Which solver.
        solver: Solver,
        /// Why: on the critical set the units, near it the pivot or residual that was lost.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::notation::as_text"))]
        error: QuotientError,
    },
}

impl SolveComparison {
    /// Asks every solver, as in [`DegenerateStep::new`]. A solver that refuses is an answer.
    ///
    /// # Errors
    /// What no solver could answer: as [`Shallow::new`](super::Shallow::new); those of the [`Probe`].
    ///
    /// # Panics
    /// If `cotangent` does not have length `KN`.
    #[track_caller]
    pub fn new(
        network: (&Mlp, &[f64]),
        probe: &Probe<'_>,
        cotangent: &[f64],
        solvers: &[Solver],
        tolerance: Tolerance,
    ) -> Result<Self, QuotientError> {
        super::Shallow::new(network.0, network.1)?;
        let z = probe.outputs(network)?;
        probe.compare(&z, &z, network.0.outputs())?;
        let answer = |solver: &Solver| match DegenerateStep::new(
            network, probe, cotangent, *solver, tolerance,
        ) {
            Ok(step) => SolverAnswer::Step(step),
            Err(error) => SolverAnswer::Refused {
                solver: *solver,
                error,
            },
        };
        Ok(Self {
            answers: solvers.iter().map(answer).collect(),
        })
    }

    /// All answers, in the order of the solvers.
    #[must_use]
    pub fn answers(&self) -> &[SolverAnswer] {
        &self.answers
    }

    /// The step of a solver; `None` if it was not asked or refused.
    #[must_use]
    pub fn step(&self, solver: Solver) -> Option<&DegenerateStep> {
        self.answers.iter().find_map(|answer| match answer {
            SolverAnswer::Step(step) if step.solver == solver => Some(step),
            _ => None,
        })
    }

    /// Why a solver refused; `None` if it was not asked or gave a step.
    #[must_use]
    pub fn refusal(&self, of: Solver) -> Option<&QuotientError> {
        self.answers.iter().find_map(|answer| match answer {
            SolverAnswer::Refused { solver, error } if *solver == of => Some(error),
            _ => None,
        })
    }

    /// The [difference](DegenerateStep::difference) of two function-space steps, if both solvers gave one.
    #[must_use]
    pub fn difference(&self, one: Solver, other: Solver) -> Option<f64> {
        Some(self.step(one)?.difference(self.step(other)?))
    }
}

impl fmt::Display for SolveComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = || {
            self.answers.iter().filter_map(|answer| match answer {
                SolverAnswer::Step(step) => Some(step),
                SolverAnswer::Refused { .. } => None,
            })
        };
        writeln!(
            f,
            "{:>10} {:>10} {:>10} {:>10} {:>10}",
            "|δ|", "rms J δ", "½ δᵀGδ", "D(θ:θ−δ)", "difference"
        )?;
        for answer in &self.answers {
            match answer {
                SolverAnswer::Step(s) => {
                    // from the first answer that is a step
                    let difference = steps().next().map_or(0.0, |first| s.difference(first));
                    writeln!(
                        f,
                        "{:>10.3e} {:>10.3e} {:>10.3e} {:>10.3e} {difference:>10.1e}  {}",
                        s.length, s.root_mean_square, s.predicted, s.divergence, s.solver
                    )?;
                }
                SolverAnswer::Refused { solver, error } => {
                    writeln!(f, "{:>54}  {solver}: {error}", "refused")?;
                }
            }
        }
        Ok(())
    }
}
