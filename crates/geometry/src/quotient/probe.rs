use super::QuotientError;
use crate::MetricError;
use faer::MatRef;
use neuromanifold_mlp::Mlp;
use neuromanifold_model::{Likelihood, OutputMap};

/// Inputs and a likelihood: what differences between functions are measured on.
///
/// Exact statements about networks need no inputs; distances in nats, ranks of a Fisher matrix and lossy compression do.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// `n × N`, one example a column.
    pub inputs: MatRef<'a, f64>,
    /// The law of a target given the outputs.
    pub likelihood: &'a dyn Likelihood,
}

/// How far apart two networks are on a [`Probe`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Difference {
    /// The largest difference of an output.
    pub largest: f64,
    /// `√((1/N) Σ |f − f'|²)`.
    pub root_mean_square: f64,
    /// `D(f : f')`, nats.
    pub divergence: f64,
}

impl Probe<'_> {
    /// Measures the difference of two networks with the same inputs and outputs.
    ///
    /// # Errors
    /// [`QuotientError::Mlp`], [`QuotientError::Model`] if one cannot be evaluated, [`QuotientError::Signature`].
    pub fn difference(
        &self,
        one: (&Mlp, &[f64]),
        other: (&Mlp, &[f64]),
    ) -> Result<Difference, QuotientError> {
        if one.0.outputs() != other.0.outputs() {
            return Err(QuotientError::Signature {
                one: (one.0.inputs(), one.0.outputs()),
                other: (other.0.inputs(), other.0.outputs()),
            });
        }
        let (z, z_other) = (self.outputs(one)?, self.outputs(other)?);
        self.compare(&z, &z_other, one.0.outputs())
    }

    /// Outputs of a network on the probe, one example after the other.
    pub(crate) fn outputs(&self, network: (&Mlp, &[f64])) -> Result<Vec<f64>, QuotientError> {
        let batch = network.0.on(self.inputs)?;
        let mut z = vec![0.0; batch.dims().output_len()];
        batch.outputs(network.1, &mut z)?;
        Ok(z)
    }

    pub(crate) fn compare(
        &self,
        z: &[f64],
        other: &[f64],
        outputs: usize,
    ) -> Result<Difference, QuotientError> {
        (self.likelihood.check_outputs(outputs)).map_err(MetricError::from)?;
        let examples = self.inputs.ncols() as f64;
        let pairs = || z.iter().zip(other).map(|(a, b)| (a - b).abs());
        let laws = z.chunks_exact(outputs).zip(other.chunks_exact(outputs));
        Ok(Difference {
            largest: pairs().fold(0.0, f64::max),
            root_mean_square: (pairs().map(|d| d * d).sum::<f64>() / examples).sqrt(),
            divergence: laws
                .map(|(a, b)| self.likelihood.divergence(a, b))
                .sum::<f64>()
                / examples,
        })
    }
}
