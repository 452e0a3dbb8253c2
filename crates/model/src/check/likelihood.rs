use super::differences::{central_difference, shifted};
use super::{CheckError, LikelihoodPiece, Report, dot, largest, quasi_random};
use crate::Likelihood;

/// Do score, factor, whitened score and divergence of a likelihood belong together at `(z, y)`?
///
/// The score is compared with differences of the negative log-likelihood, `B w` with the score, and
/// `½ dzᵀB Bᵀdz` with the divergence of a short step (odd orders removed by averaging `±dz`).
///
/// # Errors
/// [`CheckError::Likelihood`] beyond `1e-6` of the size of what is compared; [`CheckError::Law`] if `(z, y)` are not
/// outputs and a target of the law, [`CheckError::OutputNotFinite`].
pub fn likelihood(law: &dyn Likelihood, z: &[f64], y: &[f64]) -> Result<Report, CheckError> {
    const ALLOWED: f64 = 1e-6;
    let outputs = z.len();
    law.check_targets(outputs, 1, y)?;
    if let Some(output) = z.iter().position(|z| !z.is_finite()) {
        let value = z[output];
        return Err(CheckError::OutputNotFinite { output, value });
    }
    let rank = law.factor_rank(outputs);
    let (mut score, mut factor) = (vec![0.0; outputs], vec![0.0; outputs * rank]);
    let mut whitened = vec![0.0; rank];
    law.score(z, y, &mut score);
    law.factor(z, &mut factor);
    law.whitened_score(z, y, &mut whitened);
    let mut relative_error: f64 = 0.0;
    let mut compare = |piece, got: f64, implied: f64, scale: f64| {
        let error = (got - implied).abs() / scale.max(f64::MIN_POSITIVE);
        relative_error = relative_error.max(error);
        if error <= ALLOWED {
            Ok(())
        } else {
            Err(CheckError::Likelihood {
                piece,
                got,
                implied,
            })
        }
    };
    for trial in 0..3 {
        let direction = quasi_random(outputs, trial);
        let along = |step: f64| shifted(z, &direction, step);
        let nll = |step: f64| law.negative_log_likelihood(&along(step), y);
        let slope = central_difference(nll);
        compare(
            LikelihoodPiece::Score,
            dot(&score, &direction),
            -slope,
            largest(&score).max(1e-3),
        )?;

        let lifted: Vec<f64> = factor
            .chunks_exact(outputs)
            .map(|column| dot(column, &direction))
            .collect();
        let step = 1e-4;
        let (ahead, behind) = (along(step), along(-step));
        let divergence = 0.5 * (law.divergence(z, &ahead) + law.divergence(z, &behind));
        // what z ± dz really moved after rounding, as a multiple of the direction
        let moved: Vec<f64> = ahead.iter().zip(&behind).map(|(a, b)| a - b).collect();
        let step = 0.5 * dot(&moved, &direction) / dot(&direction, &direction);
        let quadratic = 0.5 * step * step * dot(&lifted, &lifted);
        compare(
            LikelihoodPiece::Factor,
            quadratic,
            divergence,
            divergence.max(quadratic),
        )?;
    }
    for (k, score) in score.iter().enumerate() {
        let mapped: f64 = whitened
            .iter()
            .enumerate()
            .map(|(j, w)| w * factor[j * outputs + k])
            .sum();
        compare(
            LikelihoodPiece::WhitenedScore,
            mapped,
            *score,
            score.abs().max(1e-3),
        )?;
    }
    Ok(Report {
        relative_error,
        allowed: ALLOWED,
    })
}
