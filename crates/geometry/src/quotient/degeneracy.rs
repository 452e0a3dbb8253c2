use super::critical::nearest_subspaces;
use super::numerical_rank::measure;
use super::{AnalyticNullSpace, Cause, NumericalRank, Probe, QuotientError, Stratum, Tolerance};
use crate::RankTolerance;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::OutputMap;
use std::fmt;

/// Whether theory and numbers agree on the null space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Verdict {
    /// The same dimension, and every analytic direction that was checked is null: `analytic_residual ≤ 1e-8`.
    Agree,
    /// The same dimension, but some analytic direction is not null: a coincidence of numbers.
    OtherDirections,
    /// More directions are numerically null than the theory knows: near a stratum, or the probe's inputs cannot tell
    /// functions apart that differ elsewhere.
    NearlyDegenerate,
    /// The probe has fewer columns than the metric has rank, so it cannot show the rank.
    TooFewExamples,
    /// Fewer directions are null than theory says: the coordinate tolerance treats as equal what the numbers tell apart.
    ToleranceTooWide,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agree => "theory and numbers agree",
            Self::OtherDirections => {
                "as many directions are numerically null as exactly, but not the same ones"
            }
            Self::NearlyDegenerate => {
                "more directions are numerically null than exactly: close to a critical subspace, or inputs too poor"
            }
            Self::TooFewExamples => "the probe has too few examples to show the rank",
            Self::ToleranceTooWide => {
                "fewer directions are numerically null than the tolerance on weights suggests"
            }
        })
    }
}

/// Why the Fisher metric of a network is singular at a point: cause by cause, in theory and in numbers.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Degeneracy {
    /// `P`.
    pub parameters: usize,
    /// The analytic null space.
    pub analytic: AnalyticNullSpace,
    /// The numerical rank.
    pub numerical: NumericalRank,
    /// Whether the two agree.
    pub verdict: Verdict,
    /// The causes, each with the number of null directions it accounts for.
    pub causes: Vec<(Cause, usize)>,
    /// The same unit by unit, with the distance of each from its nearest strata.
    pub units: Vec<UnitDegeneracy>,
    /// The tolerance under which weights counted as equal.
    pub tolerance: Tolerance,
    /// The tolerance under which eigenvalues counted as zero.
    pub rank_tolerance: RankTolerance,
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::notation::as_text"))]
    pub(crate) activation: Activation,
}

/// One hidden unit in a [`Degeneracy`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UnitDegeneracy {
    /// The unit.
    pub unit: usize,
    /// Which of the report's causes it is involved in, by index.
    pub causes: Vec<usize>,
    /// How many null directions those account for, shared with the other units involved.
    pub null_directions: usize,
    /// The stratum that is nearest in parameters, of its elimination, its being constant, and the overlap (or opposite ray) with
    /// its nearest other unit; `None` where there are none (an affine map, linear units without another).
    pub nearest: Option<NearStratum>,
    /// The one of these that is nearest in nats.
    pub cheapest: Option<NearStratum>,
}

/// How far a stratum is.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NearStratum {
    /// Which.
    pub stratum: Stratum,
    /// Euclidean distance in parameters.
    pub distance: f64,
    /// `D(θ : nearest point)` on the probe, nats.
    pub divergence: f64,
}

/// Analyses the null space of the Fisher metric of a network with one hidden layer.
///
/// The spectrum of a small problem comes from singular values, which see eigenvalues down to the square of rounding; of a larger one
/// from whichever is smaller, `G` or the sample-space matrix with the same positive eigenvalues
/// ([`NumericalRank::resolution`]). Two units a distance δ apart leave an eigenvalue of `O(δ⁶)`, so the former tells them from one down
/// to `δ ≈ 10⁻⁵`, the latter to `10⁻²`. Cost: that of eigenvalues of size `min(P, rN)`, and `O(m² n + m N (n + K))` for the distances of all units.
///
/// # Errors
/// As [`Shallow::new`](super::Shallow::new); those of the [`Probe`] and the metric.
///
/// ```
/// use neuromanifold_geometry::quotient::{degeneracy, Probe, Tolerance, Verdict};
/// use neuromanifold_geometry::{faer::MatRef, RankTolerance};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
///
/// let net = Mlp::new(&[1, 3, 1], Activation::Tanh)?;
/// let theta = [1.0, 1.0, 0.4, 0.2, 0.2, -0.3, 0.5, 0.8, 0.0, 0.1]; // w, b, v, c: an overlap and an elimination
/// let inputs: Vec<f64> = (0..40).map(|i| f64::from(i) / 8.0 - 2.5).collect();
/// let probe = Probe { inputs: MatRef::from_column_major_slice(&inputs, 1, 40), likelihood: &Gaussian::UNIT };
/// let report = degeneracy(&net, &theta, &probe, Tolerance::default(), RankTolerance::Relative(1e-12))?;
/// assert_eq!(report.analytic.nullity(), 3 + 2); // v₁ against v₂, (w, b) against (w, b); (w, b) of the third
/// assert_eq!(report.verdict, Verdict::Agree);
/// println!("{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn degeneracy(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    tolerance: Tolerance,
    rank_tolerance: RankTolerance,
) -> Result<Degeneracy, QuotientError> {
    let analytic = AnalyticNullSpace::of_likelihood(net, theta, probe.likelihood, tolerance)?;
    let rank_tolerance = rank_tolerance.validate()?;
    let batch = net.on(probe.inputs)?;
    let linearization = batch.linearize(theta)?;
    let numerical = measure(linearization.as_ref(), probe, &analytic, rank_tolerance)?;
    let verdict = if numerical.nullity == analytic.nullity() {
        if numerical.analytic_residual <= AGREEMENT {
            Verdict::Agree
        } else {
            Verdict::OtherDirections
        }
    } else if numerical.attainable < analytic.rank() {
        Verdict::TooFewExamples
    } else if numerical.nullity > analytic.nullity() {
        Verdict::NearlyDegenerate
    } else {
        Verdict::ToleranceTooWide
    };
    let causes = analytic.causes();
    let units = unit_by_unit(net, theta, probe, &causes)?;
    Ok(Degeneracy {
        parameters: net.parameters(),
        causes,
        units,
        analytic,
        numerical,
        verdict,
        tolerance,
        rank_tolerance,
        activation: net.layers()[0].activation(),
    })
}

/// The most that `|G d|` may be of `λ_max |d|` for an exact null direction: far above rounding, far below any direction that
/// changes a prediction noticeably.
const AGREEMENT: f64 = 1e-8;

fn unit_by_unit(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    causes: &[(Cause, usize)],
) -> Result<Vec<UnitDegeneracy>, QuotientError> {
    let strata = nearest_subspaces(net, theta, probe)?;
    let mut involved: Vec<Vec<usize>> = vec![Vec::new(); strata.len()];
    for (index, (cause, _)) in causes.iter().enumerate() {
        for unit in cause.units() {
            if let Some(own) = involved.get_mut(*unit) {
                own.push(index); // an affine map has inputs for units, and no strata
            }
        }
    }
    let units = strata.into_iter().zip(involved).enumerate();
    Ok(units
        .map(|(unit, (around, own))| {
            let near = |by: fn(&NearStratum) -> f64| {
                let all = around.iter().map(|subspace| NearStratum {
                    stratum: subspace.stratum.clone(),
                    distance: subspace.distance,
                    divergence: subspace.divergence,
                });
                all.min_by(|a, b| {
                    by(a)
                        .total_cmp(&by(b))
                        .then(a.distance.total_cmp(&b.distance))
                })
            };
            UnitDegeneracy {
                unit,
                null_directions: own.iter().map(|cause| causes[*cause].1).sum(),
                causes: own,
                nearest: near(|s| s.distance),
                cheapest: near(|s| s.divergence),
            }
        })
        .collect())
}

impl Degeneracy {
    /// Whether the point is critical: `G` has an analytic null direction.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.analytic.nullity() > 0
    }
}
