use crate::Activation;
use std::ops::Range;

/// One layer `a ↦ φ(W a + b)` of a perceptron, and where its parameters lie in θ.
///
/// `W ∈ R^{outputs×inputs}` is stored row by row: the incoming weights `w_α` of unit `α` are contiguous, at
/// `weights.start + α·inputs`. The biases, if any, follow the weights.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layer {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    pub(crate) weights: Range<usize>,
    pub(crate) bias: Option<Range<usize>>,
}

impl Layer {
    /// Fan-in: the width of the layer before.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number of units.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The function φ applied to every preactivation.
    #[must_use]
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Whether the units have biases.
    #[must_use]
    pub fn has_bias(&self) -> bool {
        self.bias.is_some()
    }

    /// Where `W` lies in θ, row by row.
    #[must_use]
    pub fn weights(&self) -> Range<usize> {
        self.weights.clone()
    }

    /// Where `b` lies in θ.
    #[must_use]
    pub fn bias(&self) -> Option<Range<usize>> {
        self.bias.clone()
    }

    /// Where the incoming weights `w_α` of one unit lie in θ.
    ///
    /// # Panics
    /// If there is no such unit.
    #[track_caller]
    #[must_use]
    pub fn incoming(&self, unit: usize) -> Range<usize> {
        assert!(
            unit < self.outputs,
            "unit {unit} of a layer of {}",
            self.outputs
        );
        let start = self.weights.start + unit * self.inputs;
        start..start + self.inputs
    }

    /// `b` as a part of θ.
    pub(crate) fn bias_in<'a>(&self, theta: &'a [f64]) -> Option<&'a [f64]> {
        self.bias().map(|bias| &theta[bias])
    }

    /// Where all parameters of the layer lie in θ.
    #[must_use]
    pub fn parameters(&self) -> Range<usize> {
        let end = self.bias.as_ref().map_or(self.weights.end, |b| b.end);
        self.weights.start..end
    }
}
