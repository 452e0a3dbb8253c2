use super::reflection::is_homogeneous;
use super::remainder::Remainder;
use super::{Gauge, LayerSymmetry, QuotientError, Symmetry, SymmetryGroup};
use rand::{Rng, RngExt};

impl SymmetryGroup<'_> {
    /// Draws an element that is defined everywhere: uniform permutations, uniform signs where flips leave nothing that must cancel,
    /// sizes `e^{z}`, `z` uniform in (−1, 1), where they are free, and a gauge uniform in (−1, 1) if there is one.
    pub fn random<R: Rng + ?Sized>(&self, rng: &mut R) -> Symmetry {
        let layers = self.hidden().enumerate().map(|(index, layer)| {
            let units = layer.outputs();
            let mut permutation: Vec<usize> = (0..units).collect();
            for i in (1..units).rev() {
                permutation.swap(i, rng.random_range(0..=i));
            }
            let free = Remainder::is_never_left(self, index);
            let factors = (0..units).map(|_| {
                let negative = rng.random::<bool>() && free;
                let size = rng.random_range(-1.0f64..1.0).exp();
                let sign = if negative { -1.0 } else { 1.0 };
                if is_homogeneous(layer.activation()) {
                    sign * size
                } else {
                    sign
                }
            });
            LayerSymmetry {
                factors: factors.collect(),
                permutation,
            }
        });
        let layers = layers.collect();
        let output = self.output();
        let gauge = self.gauge.then(|| Gauge {
            weights: (0..output.inputs())
                .map(|_| rng.random_range(-1.0..1.0))
                .collect(),
            bias: if output.has_bias() {
                rng.random_range(-1.0..1.0)
            } else {
                0.0
            },
        });
        Symmetry { layers, gauge }
    }

    /// Draws an element that is defined at θ: as [`random`](Self::random), with [cancelling flips](Self::cancelling_flips) besides.
    ///
    /// # Errors
    /// As [`cancelling_flips`](Self::cancelling_flips).
    pub fn random_at<R: Rng + ?Sized>(
        &self,
        theta: &[f64],
        rng: &mut R,
    ) -> Result<Symmetry, QuotientError> {
        let mut element = self.random(rng);
        let flips = self.cancelling_flips(theta)?;
        for ((index, layer), flips) in element.layers.iter_mut().enumerate().zip(&flips) {
            if Remainder::is_never_left(self, index) {
                continue; // signs are drawn already
            }
            let flipped = flips.random(rng);
            for (from, factor) in layer.permutation.iter().zip(&mut layer.factors) {
                if flipped.contains(from) {
                    *factor = -*factor;
                }
            }
        }
        Ok(element)
    }
}
