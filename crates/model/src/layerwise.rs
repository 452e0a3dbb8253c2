use crate::Cotangents;
use std::ops::Range;

/// A map whose parameters enter through affine layers `a ↦ W a + b`, seen layer by layer.
///
/// Pulled back to the parameters of one such layer, a covector on the outputs of an example is an outer product: with
/// `a` what the layer reads and `δ` the covector carried back to what it computes (its preactivations `W a + b`),
///
/// ```text
/// ∂/∂W = δ aᵀ,   ∂/∂b = δ:   J_sᵀ c restricted to the layer is δ ⊗ [a; 1].
/// ```
///
/// Whoever knows `a` and `δ` never needs the Jacobian: inner products, Gram matrices, Fisher blocks and Kronecker factors
/// are made of products of such vectors. What happens between the layers (an activation, a sum of paths, a
/// normalisation) does not matter, as long as each entry of θ belongs to exactly one layer and is used once an example.
///
/// A map offers this view through [`Linearization::layers`](crate::Linearization::layers);
/// [`check::layerwise`](crate::check::layerwise) tells whether it is consistent with the other products.
///
/// # References
/// I. Goodfellow, *Efficient per-example gradient computations* (2015), arXiv:1510.01799.
pub trait Layerwise: Sync {
    /// The number of affine layers. Together their parameters are θ, each entry in one layer.
    fn depth(&self) -> usize;

    /// Sizes of a layer, and where it lies in θ.
    ///
    /// # Panics
    /// If there is no such layer.
    fn layer(&self, index: usize) -> AffineLayer;

    /// How many examples are kept together: ranges of examples that do not cross a multiple of this number are answered
    /// in one piece.
    ///
    /// A hint for cutting a batch; any range is allowed.
    fn panel(&self) -> usize;

    /// Writes what a layer reads on a range of examples: `out` is `inputs × |examples|`, one example a column, without
    /// the constant 1 that multiplies the biases.
    ///
    /// # Panics
    /// If there is no such layer or range, or `out` has another length.
    fn inputs_of(&self, index: usize, examples: Range<usize>, out: &mut [f64]);

    /// Carries every covector of a range of examples back to the preactivations of all layers, in one backward pass.
    ///
    /// `out` receives, layer after layer, a block of `outputs × r·|examples|`: column `(s − start)·r + j` is
    /// `δ_{l,s,j} = (∂z_s/∂(W_l a_l + b_l))ᵀ c_{s,j}`. Its length is [`units`](Self::units)` · r · |examples|`.
    ///
    /// # Panics
    /// If the covectors do not fit the map, the range is none of the batch, or `out` has another length.
    fn carry_back(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: &mut [f64]);

    /// `Σ_l m_l`, the length of one covector carried back to all layers.
    fn units(&self) -> usize {
        (0..self.depth()).map(|l| self.layer(l).outputs).sum()
    }
}

/// The sizes of one layer `a ↦ W a + b`, and where its parameters lie in θ: `W ∈ R^{outputs×inputs}` row by row, then
/// `b`, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AffineLayer {
    /// `n`, the length of `a`.
    pub inputs: usize,
    /// `m`, the number of units.
    pub outputs: usize,
    /// Whether there is a `b`.
    pub has_bias: bool,
    /// Index in θ of the first weight.
    pub start: usize,
}

impl AffineLayer {
    /// The length of `[a; 1]`, or of `a` if there is no bias: how many parameters one unit has.
    #[must_use]
    pub fn fan_in(&self) -> usize {
        self.inputs + usize::from(self.has_bias)
    }

    /// Where all parameters of the layer lie in θ.
    #[must_use]
    pub fn parameters(&self) -> Range<usize> {
        self.start..self.start + self.outputs * self.fan_in()
    }

    /// Where the parameter of a unit lies that multiplies entry `input` of `[a; 1]`.
    ///
    /// ```
    /// use neuromanifold_model::AffineLayer;
    ///
    /// let layer = AffineLayer { inputs: 3, outputs: 2, has_bias: true, start: 10 };
    /// assert_eq!(layer.parameters(), 10..18);
    /// assert_eq!(layer.parameter(1, 2), 15); // W₁₂
    /// assert_eq!(layer.parameter(1, 3), 17); // b₁
    /// ```
    ///
    /// # Panics
    /// If there is no such unit or input.
    #[must_use]
    #[track_caller]
    pub fn parameter(&self, unit: usize, input: usize) -> usize {
        assert!(
            unit < self.outputs && input < self.fan_in(),
            "parameter ({unit}, {input}) of a layer of {} units with {} each",
            self.outputs,
            self.fan_in()
        );
        if input == self.inputs {
            self.start + self.outputs * self.inputs + unit
        } else {
            self.start + unit * self.inputs + input
        }
    }
}
