use neuromanifold_mlp::Activation;

/// What a caller knows about a network beyond its file.
///
/// A `state_dict` of PyTorch holds the numbers and shapes, not the activations in between. What the file does say must
/// agree with what is given here; if it does not, the error names both.
///
/// ```
/// use neuromanifold_io::ReadOptions;
/// use neuromanifold_mlp::Activation;
///
/// let options = ReadOptions::new().layers([20, 48, 1]).activation(Activation::Tanh);
/// assert_eq!(options.layers.as_deref(), Some(&[20, 48, 1][..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The widths `[n, m₁, …, K]` that the network should have.
    pub layers: Option<Vec<usize>>,
    /// The activation of the hidden layers. Needed if there are any and the file does not say.
    pub activation: Option<Activation>,
    /// The activation of the output layer; if neither this nor the file says, the identity.
    pub output_activation: Option<Activation>,
    /// Which of several networks in the file: the part of the names that its tensors share, as `net` for `net.0.weight`. The
    /// empty text takes all tensors of the file as one network.
    pub prefix: Option<String>,
    /// The names of the layers from the inputs to the outputs, after the prefix, as `["fc_in", "fc_out"]`; needed if neither
    /// numbers in the names nor the shapes tell the order. Tensors of other layers are then left aside.
    pub modules: Option<Vec<String>>,
}

impl ReadOptions {
    /// Nothing beyond the file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects these widths.
    #[must_use]
    pub fn layers(mut self, widths: impl Into<Vec<usize>>) -> Self {
        self.layers = Some(widths.into());
        self
    }

    /// Says the activation of the hidden layers.
    #[must_use]
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = Some(activation);
        self
    }

    /// Says the activation of the output layer.
    #[must_use]
    pub fn output_activation(mut self, activation: Activation) -> Self {
        self.output_activation = Some(activation);
        self
    }

    /// Chooses one of several networks in the file.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Says the order of the layers.
    #[must_use]
    pub fn modules<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.modules = Some(names.into_iter().map(Into::into).collect());
        self
    }
}
