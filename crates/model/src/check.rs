//! Checks of a user's own model and likelihood: are the pieces consistent with each other?
//!
//! Each check returns a [`Report`] with the error it measured, or a [`CheckError`] if that error is far beyond what
//! rounding explains, so that `check::adjoint(…)?` in a test is enough.

mod differences;
mod layerwise;
mod likelihood;

pub use layerwise::layerwise;
pub use likelihood::likelihood;

use crate::{Dims, LikelihoodError, Linearization, ModelError, OutputMap};
use differences::{STENCIL, STEP, shifted};

/// What a check measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// The largest error seen, relative to the size of what was compared.
    pub relative_error: f64,
    /// The error up to which the check passes.
    pub allowed: f64,
}

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The map could not be evaluated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The law cannot be read off that many outputs, or the target is none of its own.
    #[error(transparent)]
    Law(#[from] LikelihoodError),
    /// An output at which the likelihood is to be checked is not finite.
    #[error("output {output} is {value}, expected a finite number")]
    OutputNotFinite {
        /// Its index.
        output: usize,
        /// Its value.
        value: f64,
    },
    /// `⟨u, Jv⟩ ≠ ⟨Jᵀu, v⟩`.
    #[error("⟨u, Jv⟩ = {forward} but ⟨Jᵀu, v⟩ = {backward}: jvp and vjp are not adjoint")]
    Adjoint {
        /// `⟨u, Jv⟩`.
        forward: f64,
        /// `⟨Jᵀu, v⟩`.
        backward: f64,
    },
    /// `Jv` is not the derivative of the outputs.
    #[error("output {output}: jvp says {jvp}, differences of the outputs say {difference}")]
    Derivative {
        /// Index in the flat output slice of the worst entry.
        output: usize,
        /// What `jvp` gave.
        jvp: f64,
        /// What differences of the outputs gave.
        difference: f64,
    },
    /// Two evaluations that should agree do not.
    #[error("outputs {linearized} from linearize, {evaluated} from outputs, at index {output}")]
    Outputs {
        /// Index in the flat output slice.
        output: usize,
        /// Value after `linearize`.
        linearized: f64,
        /// Value from `outputs`.
        evaluated: f64,
    },
    /// Sizes reported by map and linearisation differ.
    #[error("the map says {map:?}, its linearisation {linearization:?}")]
    Dims {
        /// Sizes of the map.
        map: Dims,
        /// Sizes of its linearisation.
        linearization: Dims,
    },
    /// The layers of a map do not share θ out among them.
    #[error(
        "parameter {parameter} of {parameters} belongs to {layers} affine layers; it must belong to exactly one"
    )]
    Layers {
        /// Index of the parameter.
        parameter: usize,
        /// `P`, the length of θ.
        parameters: usize,
        /// How many layers claim it.
        layers: usize,
    },
    /// An outer product `δ ⊗ [a; 1]` is not what `vjp` gives.
    #[error("example {example}, parameter {parameter}: the layers say {layered}, vjp says {vjp}")]
    OuterProduct {
        /// Position of the example in the batch.
        example: usize,
        /// Index of the parameter.
        parameter: usize,
        /// The entry of `δ ⊗ [a; 1]`.
        layered: f64,
        /// The entry of `Jᵀu`.
        vjp: f64,
    },
    /// A piece of a likelihood contradicts another.
    #[error("{piece}: {got} where the other pieces of the likelihood imply {implied}")]
    Likelihood {
        /// Which piece.
        piece: LikelihoodPiece,
        /// Its value.
        got: f64,
        /// The value implied by the others.
        implied: f64,
    },
}

/// The parts of a likelihood that a check compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LikelihoodPiece {
    /// `∇_z log p`.
    Score,
    /// `B` with `B w = score`.
    WhitenedScore,
    /// `½ dzᵀ B Bᵀ dz` against the divergence.
    Factor,
}

impl std::fmt::Display for LikelihoodPiece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Score => "score",
            Self::WhitenedScore => "whitened score",
            Self::Factor => "factor",
        })
    }
}

/// Are `jvp` and `vjp` adjoint? Compares `⟨u, Jv⟩` with `⟨Jᵀu, v⟩` for deterministic pseudo-random `u`, `v`.
///
/// # Errors
/// [`CheckError::Adjoint`] beyond `1e-10` of `|u||Jv|`.
pub fn adjoint(linearization: &dyn Linearization) -> Result<Report, CheckError> {
    const ALLOWED: f64 = 1e-10;
    let dims = linearization.dims();
    let (mut jv, mut ju) = (vec![0.0; dims.output_len()], vec![0.0; dims.parameters]);
    let mut relative_error: f64 = 0.0;
    for trial in 0..3 {
        let v = quasi_random(dims.parameters, trial);
        let u = quasi_random(dims.output_len(), trial + 7);
        linearization.jvp(&v, &mut jv);
        linearization.vjp(&u, &mut ju);
        let (forward, backward) = (dot(&u, &jv), dot(&ju, &v));
        let scale = dot(&u, &u).sqrt() * dot(&jv, &jv).sqrt();
        let error = (forward - backward).abs() / scale.max(f64::MIN_POSITIVE);
        if exceeds(error, ALLOWED) {
            return Err(CheckError::Adjoint { forward, backward });
        }
        relative_error = relative_error.max(error);
    }
    Ok(Report {
        relative_error,
        allowed: ALLOWED,
    })
}

/// Is `J` the derivative of the outputs, and do all pieces of the map agree?
///
/// Compares `Jv` with sixth-order central differences of [`OutputMap::outputs`] along deterministic pseudo-random
/// directions, and checks sizes, adjointness, and that `outputs` and `linearize` give the same.
///
/// # Errors
/// Any [`CheckError`] about maps; derivatives may differ by `1e-6` of the largest entry of `Jv`.
pub fn finite_difference(map: &dyn OutputMap, theta: &[f64]) -> Result<Report, CheckError> {
    const ALLOWED: f64 = 1e-6;
    let dims = map.dims();
    let linearization = map.linearize(theta)?;
    if linearization.dims() != dims {
        return Err(CheckError::Dims {
            map: dims,
            linearization: linearization.dims(),
        });
    }
    same_outputs(map, theta, linearization.outputs())?;
    adjoint(linearization.as_ref())?;

    let mut jv = vec![0.0; dims.output_len()];
    let mut relative_error: f64 = 0.0;
    for trial in 0..3 {
        let tangent = quasi_random(dims.parameters, trial);
        linearization.jvp(&tangent, &mut jv);
        let difference = directional_difference(map, theta, &tangent)?;
        // differences cannot resolve what the rounding of the outputs hides: ε|z| over the step, against ALLOWED
        let resolved = 10.0 * f64::EPSILON * largest(linearization.outputs()) / STEP / ALLOWED;
        let scale = largest(&jv)
            .max(largest(&difference))
            .max(resolved)
            .max(f64::MIN_POSITIVE);
        for (output, (jvp, difference)) in jv.iter().zip(&difference).enumerate() {
            let error = (jvp - difference).abs() / scale;
            if exceeds(error, ALLOWED) {
                return Err(CheckError::Derivative {
                    output,
                    jvp: *jvp,
                    difference: *difference,
                });
            }
            relative_error = relative_error.max(error);
        }
    }
    Ok(Report {
        relative_error,
        allowed: ALLOWED,
    })
}

fn same_outputs(map: &dyn OutputMap, theta: &[f64], linearized: &[f64]) -> Result<(), CheckError> {
    let mut evaluated = vec![0.0; linearized.len()];
    map.outputs(theta, &mut evaluated)?;
    let scale = largest(linearized).max(f64::MIN_POSITIVE);
    for (output, (a, b)) in linearized.iter().zip(&evaluated).enumerate() {
        if exceeds((a - b).abs(), 1e-12 * scale) {
            return Err(CheckError::Outputs {
                output,
                linearized: *a,
                evaluated: *b,
            });
        }
    }
    Ok(())
}

fn directional_difference(
    map: &dyn OutputMap,
    theta: &[f64],
    tangent: &[f64],
) -> Result<Vec<f64>, ModelError> {
    let mut sum = vec![0.0; map.dims().output_len()];
    let mut z = sum.clone();
    for (step, weight) in STENCIL {
        map.outputs(&shifted(theta, tangent, step * STEP), &mut z)?;
        for (s, z) in sum.iter_mut().zip(&z) {
            *s += weight / STEP * z;
        }
    }
    Ok(sum)
}

/// Entries in (−1, 1), equidistributed (multiples of the golden ratio), different for each trial.
fn quasi_random(len: usize, trial: usize) -> Vec<f64> {
    let golden = 0.618_033_988_749_894_9;
    (0..len)
        .map(|i| 2.0 * ((i + 1) as f64 * golden + trial as f64 * 0.273).fract() - 1.0)
        .collect()
}

/// Also true of NaN, which must fail every check.
fn exceeds(error: f64, allowed: f64) -> bool {
    error.is_nan() || error > allowed
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m, v| m.max(v.abs()))
}
