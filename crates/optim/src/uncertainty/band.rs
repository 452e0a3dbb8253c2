use super::normal_quantile;
use crate::OptimError;

/// Outputs of a network with their standard deviations, one example after the other, `K` numbers each.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    outputs: Vec<f64>,
    deviations: Vec<f64>,
}

impl Band {
    pub(super) fn new(outputs: Vec<f64>, deviations: Vec<f64>) -> Self {
        Self {
            outputs,
            deviations,
        }
    }

    /// The outputs `Z`, the middle of the band.
    #[must_use]
    pub fn outputs(&self) -> &[f64] {
        &self.outputs
    }

    /// The standard deviation of each output; infinite where the data do not determine it.
    #[must_use]
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// The band of new observations instead of that of the outputs: independent noise of standard deviation `noise` is
    /// added.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `noise` is finite and not negative.
    pub fn with_noise(mut self, noise: f64) -> Result<Self, OptimError> {
        let name = "the standard deviation of the noise";
        OptimError::check_setting(name, noise, noise >= 0.0, "finite and not negative")?;
        for deviation in &mut self.deviations {
            *deviation = deviation.hypot(noise);
        }
        Ok(self)
    }

    /// For each output the interval that holds it with probability `level`, pointwise and for Gaussian errors:
    /// `z ± q·deviation` with the normal quantile `q` at `(1 + level)/2`.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `0 < level < 1`.
    pub fn intervals(&self, level: f64) -> Result<Vec<(f64, f64)>, OptimError> {
        let name = "the probability that an interval holds";
        OptimError::check_setting(name, level, level > 0.0 && level < 1.0, "in (0, 1)")?;
        let width = -normal_quantile(0.5 * (1.0 - level));
        let pairs = self.outputs.iter().zip(&self.deviations);
        Ok(pairs
            .map(|(z, deviation)| (z - width * deviation, z + width * deviation))
            .collect())
    }
}
