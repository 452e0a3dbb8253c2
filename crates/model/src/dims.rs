/// The three sizes of a model on a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dims {
    /// `P`, the length of θ.
    pub parameters: usize,
    /// `K`, the number of outputs of one example.
    pub outputs: usize,
    /// `N`, the number of examples in the batch.
    pub examples: usize,
}

impl Dims {
    /// `K·N`, the length of the flat output slice.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.outputs * self.examples
    }

    /// Whether there is something to learn from: at least one parameter, output and example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parameters == 0 || self.outputs == 0 || self.examples == 0
    }
}
