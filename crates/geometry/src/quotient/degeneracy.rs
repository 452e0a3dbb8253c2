use super::{AnalyticNullSpace, Cause, Probe, QuotientError, Tolerance};
use crate::{DenseFisher, GramFisher, Metric, RankTolerance, Spectrum};
use faer::Mat;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Linearization, OutputMap};
use std::fmt;

/// What the numbers say about the rank of the Fisher metric on a probe.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NumericalRank {
    /// Eigenvalues above the threshold.
    pub rank: usize,
    /// The rest.
    pub nullity: usize,
    /// The most the probe could show: `min(P, rN)`.
    pub attainable: usize,
    /// Smallest eigenvalue that counts as positive over the largest that counts as zero.
    pub gap: f64,
    /// The largest eigenvalue, nats per unit of θ squared.
    pub largest: f64,
    /// The smallest eigenvalue that counts as positive.
    pub smallest: f64,
    /// The threshold, as an eigenvalue.
    pub threshold: f64,
    /// `max |G d| / (λ_max |d|)` over the analytic null directions that were checked: rounding, if the theory is right.
    pub analytic_residual: f64,
    /// How many analytic null directions were checked: all where `G` was formed, a sample of about 64 otherwise.
    pub checked: usize,
}

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
    /// The tolerance under which weights counted as equal.
    pub tolerance: Tolerance,
    /// The tolerance under which eigenvalues counted as zero.
    pub rank_tolerance: RankTolerance,
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::notation::as_text"))]
    activation: Activation,
}

/// Analyses the null space of the Fisher metric of a network with one hidden layer.
///
/// The spectrum comes from whichever is smaller, `G` or the sample-space matrix with the same positive eigenvalues. Cost:
/// that of eigenvalues of size `min(P, rN)`.
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
    Ok(Degeneracy {
        parameters: net.parameters(),
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

fn measure(
    linearization: &dyn Linearization,
    probe: &Probe<'_>,
    analytic: &AnalyticNullSpace,
    rank_tolerance: RankTolerance,
) -> Result<NumericalRank, QuotientError> {
    let dims = linearization.dims();
    let columns = probe.likelihood.factor_rank(dims.outputs) * dims.examples;
    let gram;
    let dense: DenseFisher;
    let mut matrix = None;
    let (metric, eigenvalues): (&dyn Metric, Vec<f64>) = if columns < dims.parameters {
        gram = GramFisher::new(linearization, probe.likelihood)?;
        let values = Spectrum::eigenvalues_of(gram.gram())?;
        (&gram, values)
    } else {
        dense = DenseFisher::new(linearization, probe.likelihood)?;
        let values = Spectrum::eigenvalues_of(dense.matrix())?;
        matrix = Some(dense.matrix());
        (&dense, values)
    };
    let largest = eigenvalues.last().copied().unwrap_or(0.0);
    let threshold = rank_tolerance.threshold(largest);
    let zeros = eigenvalues.partition_point(|value| *value <= threshold);
    let rank = eigenvalues.len() - zeros;
    let noise = eigenvalues[..zeros]
        .iter()
        .fold(0.0, |m: f64, v| m.max(v.abs()));
    let smallest = eigenvalues.get(zeros).copied().unwrap_or(0.0);
    let mut residual: f64 = 0.0;
    let (mut tangent, mut image) = (vec![0.0; dims.parameters], vec![0.0; dims.parameters]);
    // Without a matrix each direction takes two passes over the examples, and a sample is enough to catch a wrong formula.
    let stride = match matrix {
        Some(_) => 1,
        None => analytic.nullity().div_ceil(64).max(1),
    };
    let mut checked = 0;
    for direction in analytic.directions().iter().step_by(stride) {
        checked += 1;
        tangent.fill(0.0);
        image.fill(0.0);
        for (p, value) in &direction.entries {
            tangent[*p] += value;
            if let Some(matrix) = matrix {
                let column = matrix.col(*p);
                (image.iter_mut().zip(column.iter())).for_each(|(i, g)| *i += value * g);
            }
        }
        if matrix.is_none() {
            metric.lower(&tangent, &mut image);
        }
        let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let size = largest * norm(&tangent);
        if size > 0.0 {
            residual = residual.max(norm(&image) / size);
        }
    }
    Ok(NumericalRank {
        rank,
        nullity: dims.parameters - rank,
        attainable: columns.min(dims.parameters),
        gap: if noise > 0.0 {
            smallest / noise
        } else {
            f64::INFINITY
        },
        largest,
        smallest,
        threshold,
        analytic_residual: residual,
        checked,
    })
}

/// An orthonormal basis of the numerical null space of `G` on a probe, `P × nullity`, to be held against
/// [`AnalyticNullSpace::basis`]. Cost: eigenvectors of the `P × P` matrix, and its memory.
///
/// # Errors
/// Those of the [`Probe`] and the metric.
pub fn numerical_null_space(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    rank_tolerance: RankTolerance,
) -> Result<Mat<f64>, QuotientError> {
    let rank_tolerance = rank_tolerance.validate()?;
    let batch = net.on(probe.inputs)?;
    let linearization = batch.linearize(theta)?;
    let dense = DenseFisher::new(linearization.as_ref(), probe.likelihood)?;
    let spectrum = Spectrum::new(dense.matrix())?;
    Ok(spectrum.null_space(rank_tolerance).to_owned())
}

impl Degeneracy {
    /// Whether the point is critical: `G` has an analytic null direction.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.analytic.nullity() > 0
    }
}

impl fmt::Display for Degeneracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = &self.numerical;
        writeln!(
            f,
            "{} parameters, {} hidden layer: rank {} and nullity {} by theory ({})",
            self.parameters,
            self.activation,
            self.analytic.rank(),
            self.analytic.nullity(),
            self.tolerance,
        )?;
        writeln!(
            f,
            "numerically rank {} and nullity {} (threshold {}), gap {:.1e}, eigenvalues {:.3e} … {:.3e} nats",
            n.rank, n.nullity, self.rank_tolerance, n.gap, n.smallest, n.largest
        )?;
        let (checked, all) = (n.checked, self.analytic.nullity());
        if all > 0 {
            let which = if checked == all { "all" } else { "a sample" };
            writeln!(
                f,
                "{which} of the analytic directions checked, |G d| ≤ {:.1e} λ_max |d|",
                n.analytic_residual
            )?;
        }
        match self.analytic.rounded() {
            moved if moved > 0.0 => writeln!(f, "the tolerance was used, for up to {moved:.1e}")?,
            _ => writeln!(f, "the tolerance was not needed")?,
        }
        for (cause, directions) in self.analytic.causes() {
            let plural = if directions == 1 { "" } else { "s" };
            writeln!(f, "  {directions:>5} null direction{plural}: {cause}")?;
        }
        write!(f, "{}", self.verdict)
    }
}

/// Words for a list of causes, for an error message.
pub(crate) fn in_words(causes: &[(Cause, usize)]) -> String {
    let mut words: Vec<String> = causes
        .iter()
        .take(6)
        .map(|(cause, directions)| format!("{cause} ({directions})"))
        .collect();
    if causes.len() > 6 {
        words.push(format!("and {} more causes", causes.len() - 6));
    }
    words.join("; ")
}
