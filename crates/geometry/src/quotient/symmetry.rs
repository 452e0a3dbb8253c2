use super::reflection::outgoing_divisor;
use super::{Gauge, QuotientError, SymmetryGroup};

/// One element of a [`SymmetryGroup`](super::SymmetryGroup): how each hidden layer is permuted and scaled, then how all outputs
/// are shifted.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Symmetry {
    /// One entry a hidden layer.
    pub layers: Vec<LayerSymmetry>,
    /// The shift of all outputs; only in the group of a likelihood that does not see it.
    pub gauge: Option<Gauge>,
}

/// What a [`Symmetry`] does to one hidden layer: unit `i` of the image is unit `permutation[i]` with its incoming weights
/// and bias multiplied by `factors[i]`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LayerSymmetry {
    /// A permutation of the units.
    pub permutation: Vec<usize>,
    /// The factors `s`; a negative one flips the unit.
    pub factors: Vec<f64>,
}

impl Symmetry {
    /// The element that acts on the hidden layers alone.
    #[must_use]
    pub fn of_layers(layers: Vec<LayerSymmetry>) -> Self {
        Self {
            layers,
            gauge: None,
        }
    }
}

impl LayerSymmetry {
    /// The identity on a layer of that many units.
    #[must_use]
    pub fn identity(units: usize) -> Self {
        Self {
            permutation: (0..units).collect(),
            factors: vec![1.0; units],
        }
    }

    /// The units whose sign changes, by their number in the layer it acts on.
    #[must_use]
    pub fn flipped(&self) -> Vec<usize> {
        let pairs = self.permutation.iter().zip(&self.factors);
        let mut flipped: Vec<usize> = pairs
            .filter(|(_, factor)| **factor < 0.0)
            .map(|(unit, _)| *unit)
            .collect();
        flipped.sort_unstable();
        flipped
    }

    /// `self ∘ inner`: first `inner`, then this.
    pub(crate) fn after(&self, inner: &Self) -> Self {
        let pairs = self.permutation.iter().zip(&self.factors);
        let (permutation, factors) = pairs
            .map(|(via, factor)| (inner.permutation[*via], factor * inner.factors[*via]))
            .unzip();
        Self {
            permutation,
            factors,
        }
    }

    /// The element that undoes this one.
    pub(crate) fn inverse(&self) -> Self {
        let mut inverse = Self::identity(self.permutation.len());
        for (to, (from, factor)) in self.permutation.iter().zip(&self.factors).enumerate() {
            inverse.permutation[*from] = to;
            inverse.factors[*from] = 1.0 / factor;
        }
        inverse
    }
}

impl SymmetryGroup<'_> {
    /// `outer ∘ inner`: what applying first `inner`, then `outer` does.
    ///
    /// # Errors
    /// [`QuotientError::ElementSize`], [`QuotientError::ElementScale`], [`QuotientError::ElementGauge`] for elements of another
    /// group.
    pub fn compose(&self, outer: &Symmetry, inner: &Symmetry) -> Result<Symmetry, QuotientError> {
        self.check(outer)?;
        self.check(inner)?;
        let pairs = outer.layers.iter().zip(&inner.layers);
        let moved = inner.gauge.as_ref().map(|gauge| self.carry(outer, gauge));
        Ok(Symmetry {
            layers: pairs.map(|(outer, inner)| outer.after(inner)).collect(),
            gauge: match (&outer.gauge, moved) {
                (Some(one), Some(other)) => Some(Gauge {
                    weights: (one.weights.iter().zip(&other.weights))
                        .map(|(t, u)| t + u)
                        .collect(),
                    bias: one.bias + other.bias,
                }),
                (one, other) => one.clone().or(other),
            },
        })
    }

    /// The element that undoes another, where that is defined.
    ///
    /// # Errors
    /// [`QuotientError::ElementSize`], [`QuotientError::ElementScale`], [`QuotientError::ElementGauge`] for an element of another
    /// group.
    pub fn inverse(&self, element: &Symmetry) -> Result<Symmetry, QuotientError> {
        self.check(element)?;
        let mut inverse =
            Symmetry::of_layers(element.layers.iter().map(LayerSymmetry::inverse).collect());
        if let Some(gauge) = &element.gauge {
            let mut back = self.carry(&inverse, gauge);
            back.weights.iter_mut().for_each(|t| *t = -*t);
            back.bias = -back.bias;
            inverse.gauge = Some(back);
        }
        Ok(inverse)
    }

    /// A shift before an element as a shift after it. What flips leave of a shift is common to all outputs, and taken out.
    fn carry(&self, element: &Symmetry, gauge: &Gauge) -> Gauge {
        let mut carried = gauge.clone();
        if let (Some(action), Some(layer)) = (element.layers.last(), self.hidden().last()) {
            let pairs = action.permutation.iter().zip(&action.factors);
            let weights = pairs.map(|(from, factor)| {
                gauge.weights[*from] / outgoing_divisor(layer.activation(), *factor)
            });
            carried.weights = weights.collect();
        }
        carried
    }
}
