use crate::data::Inputs;
use crate::law::Law;
use crate::network::Architecture;
use crate::progress::Progress;
use neuromanifold_geometry::Estimate;
use neuromanifold_mlp::Mlp;
use neuromanifold_model::Likelihood;
use serde::Serialize;

/// What is measured on what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured<'a> {
    pub(crate) net: &'a Mlp,
    pub(crate) theta: &'a [f64],
    pub(crate) likelihood: &'a dyn Likelihood,
    pub(crate) inputs: &'a Inputs,
    /// γ of the effective dimension.
    pub(crate) gamma: f64,
    pub(crate) seed: u64,
    pub(crate) progress: &'a Progress,
}

/// All that `inspect` finds.
#[derive(Debug, Serialize)]
pub(crate) struct Inspection {
    pub(crate) network: Architecture,
    pub(crate) likelihood: Law,
    pub(crate) data: DataSummary,
    pub(crate) degeneracy: DegeneracySummary,
    /// Of data from a file.
    pub(crate) unseen: Option<Unseen>,
    pub(crate) metric: MetricSummary,
    /// The metric layer by layer.
    pub(crate) layers: Vec<LayerMetric>,
    /// Where the picture is.
    pub(crate) plot: Option<String>,
}

/// The inputs that things were measured on.
#[derive(Debug, Serialize)]
pub(crate) struct DataSummary {
    pub(crate) source: String,
    pub(crate) examples: usize,
    /// Whether they were drawn for want of data.
    pub(crate) standard_normal: bool,
}

/// Null directions by theory, whatever the inputs, and the strata nearby.
#[derive(Debug, Serialize)]
pub(crate) struct DegeneracySummary {
    /// The fraction of max(1, |w|) by which equal weights may differ.
    pub(crate) tolerance: f64,
    /// Null directions of the metric known from the weights: all of them if `complete`, else at least so many.
    pub(crate) nullity: usize,
    /// Whether the theory knows every null direction: one hidden layer, or none.
    pub(crate) complete: bool,
    /// Why, with the number of directions.
    pub(crate) causes: Vec<CauseSummary>,
    /// Every hidden unit.
    pub(crate) units: Vec<UnitSummary>,
    /// Examples on which distances in nats were measured.
    pub(crate) examples: usize,
    /// Null directions by the gauge of softmax alone, which share no parameter with the first layer of a deeper network.
    #[serde(skip)]
    pub(crate) gauge: usize,
}

/// Analytic null directions held against the numbers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Checked {
    pub(crate) directions: usize,
    pub(crate) largest_residual: f64,
}

/// One reason for null directions.
#[derive(Debug, Serialize)]
pub(crate) struct CauseSummary {
    /// Hidden layer, from 0.
    pub(crate) layer: usize,
    /// `elimination`, `constant`, `overlap`, `scaling`, `affine` or `gauge`.
    pub(crate) cause: &'static str,
    pub(crate) units: Vec<usize>,
    pub(crate) null_directions: usize,
    /// The same in words.
    pub(crate) text: String,
}

/// One hidden unit.
#[derive(Debug, Serialize)]
pub(crate) struct UnitSummary {
    pub(crate) layer: usize,
    pub(crate) unit: usize,
    /// Null directions that it is involved in.
    pub(crate) null_directions: usize,
    /// The causes, by index.
    pub(crate) causes: Vec<usize>,
    /// The critical subspace that is cheapest to move onto.
    pub(crate) nearest: Option<Near>,
}

/// How far a critical subspace is.
#[derive(Debug, Serialize)]
pub(crate) struct Near {
    /// `elimination`, `constant`, `overlap`, `opposite_rays` or `scaling`.
    pub(crate) stratum: &'static str,
    pub(crate) units: Vec<usize>,
    /// Euclidean, in parameters.
    pub(crate) distance: f64,
    /// D(θ : nearest point), mean over examples.
    pub(crate) nats: f64,
    /// The same in words.
    pub(crate) text: String,
}

/// Directions of input space in which the data do not vary.
#[derive(Debug, Serialize)]
pub(crate) struct Unseen {
    /// Dimensions of (x, 1), or of x without biases.
    pub(crate) dimensions: usize,
    /// How many of them the data span.
    pub(crate) spanned: usize,
    /// Null directions that the rest leaves on these data: one for each unit of the first layer.
    pub(crate) null_directions: usize,
}

/// An estimate; `standard_error` is 0 where it is exact.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Value {
    pub(crate) value: f64,
    pub(crate) standard_error: f64,
}

/// Rank and spectrum.
#[derive(Debug, Serialize)]
pub(crate) struct MetricSummary {
    /// `dense`, `sample_space`, `closed_form` or `matrix_free`.
    pub(crate) method: &'static str,
    /// Examples that the metric was taken over: all, or an even part of them.
    pub(crate) examples: usize,
    /// Eigenvalues above the threshold; null where they were not all computed.
    pub(crate) rank: Option<usize>,
    /// The most that the rank can be: min(P − known nullity, r N).
    pub(crate) rank_at_most: usize,
    /// The threshold, relative to the largest.
    pub(crate) rank_threshold: f64,
    /// Smallest eigenvalue above the threshold over the largest below it.
    pub(crate) gap: Option<f64>,
    pub(crate) trace: Value,
    pub(crate) gamma: f64,
    /// Σ λ/(λ + γ); by `matrix_free` an upper bound, up to its standard error.
    pub(crate) effective_dimension: Value,
    /// How many eigenvalues are above fractions of the largest.
    pub(crate) above: Vec<Above>,
    /// Descending, in nats per unit of θ squared: all that are above the threshold, or the largest.
    pub(crate) eigenvalues: Vec<f64>,
    /// |G u − λ u| of each, where they were found one by one.
    pub(crate) residuals: Vec<f64>,
    /// Whether theory and numbers agree.
    pub(crate) verdict: Option<String>,
    /// Null directions by theory that were held against the metric.
    pub(crate) checked: Option<Checked>,
    /// Products with the metric that were used.
    pub(crate) products: usize,
    /// log₁₀ λ and the number of eigenvalues per decade, where only a density is known.
    pub(crate) density: Vec<(f64, f64)>,
}

/// How many eigenvalues are above a fraction of the largest.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Above {
    pub(crate) fraction: f64,
    pub(crate) count: f64,
    pub(crate) standard_error: f64,
}

/// The diagonal block of one affine layer.
#[derive(Debug, Serialize)]
pub(crate) struct LayerMetric {
    pub(crate) layer: usize,
    pub(crate) parameters: usize,
    /// Exact on all examples.
    pub(crate) trace: f64,
    /// Of the block alone.
    pub(crate) effective_dimension: f64,
    /// `exact`, or `ek_fac`: the nearest diagonal in the axes of a Kronecker product.
    pub(crate) method: &'static str,
}

impl Value {
    /// Without error.
    pub(crate) fn exact(value: f64) -> Self {
        Self {
            value,
            standard_error: 0.0,
        }
    }
}

impl From<Estimate> for Value {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: estimate.mean,
            standard_error: estimate.standard_error,
        }
    }
}
