use crate::initialization::draw;
use crate::{Activation, Initialization, Layer, MlpBuilder, MlpError, OnBatch};
use faer::{Mat, MatMut, MatRef};
use neuromanifold_model::OutputMap;
use std::fmt;

/// The architecture of a multilayer perceptron: widths, activations, biases. It holds no parameters.
///
/// θ is one flat slice. Per layer it holds `W` (`outputs × inputs`, row by row, so that the incoming weights of a unit
/// are contiguous), then `b`: the order in which PyTorch lists the parameters of a chain of linear layers.
///
/// ```
/// use neuromanifold_mlp::{Activation, Mlp};
///
/// let mlp = Mlp::new(&[2, 3, 1], Activation::Tanh)?;
/// assert_eq!(mlp.to_string(), "2-3-1 tanh");
/// assert_eq!(mlp.parameters(), 2 * 3 + 3 + 3 + 1);
/// assert_eq!(mlp.layers()[1].weights(), 9..12);
/// # Ok::<(), neuromanifold_mlp::MlpError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mlp {
    layers: Vec<Layer>,
}

impl Mlp {
    /// A perceptron with biases everywhere, one hidden activation and a linear output.
    ///
    /// `widths` is `[n, m₁, …, K]`: inputs, hidden widths, outputs. `[n, K]` is an affine map.
    ///
    /// # Errors
    /// [`MlpError::NoLayers`] for fewer than two widths, [`MlpError::ZeroWidth`], [`MlpError::TooManyParameters`].
    pub fn new(widths: &[usize], hidden: Activation) -> Result<Self, MlpError> {
        let Some((&inputs, layers)) = widths.split_first() else {
            return Err(MlpError::NoLayers);
        };
        let last = layers.len();
        layers
            .iter()
            .enumerate()
            .fold(Self::builder(inputs), |builder, (index, &width)| {
                let linear = index + 1 == last;
                builder.layer(width, if linear { Activation::Identity } else { hidden })
            })
            .build()
    }

    /// Starts a perceptron whose layers differ in activation or biases.
    pub fn builder(inputs: usize) -> MlpBuilder {
        MlpBuilder::new(inputs)
    }

    /// The classical form without biases, one output: `f(x) = Σ_α v_α φ(w_α · x)`.
    ///
    /// θ is `w_1, …, w_m, v`. With `v_α = 1` held fixed it is the soft committee machine of the statistical mechanics
    /// of learning.
    ///
    /// # Errors
    /// [`MlpError::ZeroWidth`], [`MlpError::TooManyParameters`].
    ///
    /// # References
    /// D. Saad, S. A. Solla, *Exact solution for on-line learning in multilayer neural networks*, Phys. Rev. Lett. 74
    /// (1995), [doi:10.1103/PhysRevLett.74.4337](https://doi.org/10.1103/PhysRevLett.74.4337).
    pub fn committee(
        inputs: usize,
        hidden: usize,
        activation: Activation,
    ) -> Result<Self, MlpError> {
        Self::builder(inputs)
            .layer(hidden, activation)
            .without_bias()
            .layer(1, Activation::Identity)
            .without_bias()
            .build()
    }

    pub(crate) fn from_layers(layers: Vec<Layer>) -> Self {
        Self { layers }
    }

    /// `n`, the number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// `K`, the number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs
    }

    /// `P`, the length of θ.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layers[self.layers.len() - 1].parameters().end
    }

    /// The layers, from the inputs to the outputs.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// `W` of one layer, `outputs × inputs`, as a view of θ.
    ///
    /// # Panics
    /// If `theta` does not have length `P`, or there is no such layer.
    #[track_caller]
    #[must_use]
    pub fn weights<'a>(&self, theta: &'a [f64], layer: usize) -> MatRef<'a, f64> {
        self.assert_length(theta.len());
        let layer = &self.layers[layer];
        MatRef::from_row_major_slice(&theta[layer.weights()], layer.outputs, layer.inputs)
    }

    /// `W` of one layer, `outputs × inputs`, as a mutable view of θ.
    ///
    /// # Panics
    /// If `theta` does not have length `P`, or there is no such layer.
    #[track_caller]
    #[must_use]
    pub fn weights_mut<'a>(&self, theta: &'a mut [f64], layer: usize) -> MatMut<'a, f64> {
        self.assert_length(theta.len());
        let layer = &self.layers[layer];
        MatMut::from_row_major_slice_mut(&mut theta[layer.weights()], layer.outputs, layer.inputs)
    }

    /// `b` of one layer as a view of θ; `None` for a layer without biases.
    ///
    /// # Panics
    /// If `theta` does not have length `P`, or there is no such layer.
    #[track_caller]
    #[must_use]
    pub fn bias<'a>(&self, theta: &'a [f64], layer: usize) -> Option<&'a [f64]> {
        self.assert_length(theta.len());
        self.layers[layer].bias().map(|bias| &theta[bias])
    }

    /// `b` of one layer as a mutable view of θ; `None` for a layer without biases.
    ///
    /// # Panics
    /// If `theta` does not have length `P`, or there is no such layer.
    #[track_caller]
    #[must_use]
    pub fn bias_mut<'a>(&self, theta: &'a mut [f64], layer: usize) -> Option<&'a mut [f64]> {
        self.assert_length(theta.len());
        self.layers[layer].bias().map(|bias| &mut theta[bias])
    }

    /// A random θ with zero biases.
    ///
    /// Weights are drawn layer by layer in the order of θ; biases draw nothing.
    ///
    /// ```
    /// use neuromanifold_mlp::{Activation, Initialization, Mlp};
    /// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    ///
    /// let mlp = Mlp::new(&[4, 8, 1], Activation::Tanh)?;
    /// let theta = mlp.initialize(Initialization::LeCun, &mut ChaCha8Rng::seed_from_u64(7));
    /// assert_eq!(mlp.bias(&theta, 0), Some(&[0.0; 8][..]));
    /// # Ok::<(), neuromanifold_mlp::MlpError>(())
    /// ```
    ///
    /// # Panics
    /// If a scale inside `scheme` is not finite.
    #[track_caller]
    #[must_use]
    pub fn initialize<R: rand::Rng + ?Sized>(
        &self,
        scheme: Initialization,
        rng: &mut R,
    ) -> Vec<f64> {
        draw(self, scheme, None, rng)
    }

    /// A random θ with biases drawn from `N(0, bias_std²)`.
    ///
    /// Everything is drawn in the order of θ: the weights of a layer, then its biases.
    ///
    /// # Panics
    /// If `bias_std` or a scale inside `scheme` is not finite.
    #[track_caller]
    #[must_use]
    pub fn initialize_with_biases<R: rand::Rng + ?Sized>(
        &self,
        scheme: Initialization,
        bias_std: f64,
        rng: &mut R,
    ) -> Vec<f64> {
        assert!(bias_std.is_finite(), "bias_std is {bias_std}");
        draw(self, scheme, Some(bias_std), rng)
    }

    /// The perceptron together with a batch of inputs: an [`OutputMap`] of θ.
    ///
    /// `inputs` is `n × N`, one example a column. Columns that are contiguous are borrowed, anything else is copied
    /// once. Costs one pass over the inputs.
    ///
    /// # Errors
    /// [`MlpError::InputRows`], [`MlpError::EmptyBatch`], [`MlpError::NonFiniteInput`].
    pub fn on<'a>(&'a self, inputs: MatRef<'a, f64>) -> Result<OnBatch<'a>, MlpError> {
        OnBatch::new(self, inputs)
    }

    /// [`on`](Self::on) for a flat slice, one example after the other: the bytes of a row-major `N × n` array.
    ///
    /// # Errors
    /// [`MlpError::InputCount`], [`MlpError::EmptyBatch`], [`MlpError::NonFiniteInput`].
    pub fn on_slice<'a>(&'a self, inputs: &'a [f64]) -> Result<OnBatch<'a>, MlpError> {
        if !inputs.len().is_multiple_of(self.inputs()) {
            return Err(MlpError::InputCount {
                inputs: self.inputs(),
                got: inputs.len(),
            });
        }
        let examples = inputs.len() / self.inputs();
        self.on(MatRef::from_column_major_slice(
            inputs,
            self.inputs(),
            examples,
        ))
    }

    /// The outputs `Z(θ) ∈ R^{K×N}` on a batch of inputs `n × N`.
    ///
    /// # Errors
    /// Those of [`on`](Self::on), and [`MlpError::Evaluation`] if θ has the wrong length, or θ or an output is not
    /// finite.
    pub fn predict(&self, theta: &[f64], inputs: MatRef<'_, f64>) -> Result<Mat<f64>, MlpError> {
        let batch = self.on(inputs)?;
        let mut flat = vec![0.0; batch.dims().output_len()];
        batch.outputs(theta, &mut flat)?;
        Ok(MatRef::from_column_major_slice(&flat, self.outputs(), inputs.ncols()).to_owned())
    }

    #[track_caller]
    fn assert_length(&self, length: usize) {
        assert!(
            length == self.parameters(),
            "θ has {length} entries, {self} has {} parameters",
            self.parameters()
        );
    }
}

/// `20-48-1 tanh`; layers that do not share one hidden activation and a linear output are listed one by one.
impl fmt::Display for Mlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inputs())?;
        for layer in &self.layers {
            write!(f, "-{}", layer.outputs)?;
        }
        let (hidden, output) = self.layers.split_at(self.layers.len() - 1);
        let common = hidden
            .first()
            .map_or(Activation::Identity, |l| l.activation);
        let regular = hidden.iter().all(|l| l.activation == common)
            && output[0].activation == Activation::Identity;
        if regular {
            write!(f, " {common}")?;
        } else {
            for (index, layer) in self.layers.iter().enumerate() {
                let separator = if index == 0 { " " } else { ", " };
                write!(f, "{separator}{}", layer.activation)?;
            }
        }
        match self.layers.iter().filter(|l| !l.has_bias()).count() {
            0 => Ok(()),
            all if all == self.layers.len() => write!(f, " without biases"),
            _ => {
                write!(f, " without bias in layer")?;
                for (index, _) in self
                    .layers
                    .iter()
                    .enumerate()
                    .filter(|(_, l)| !l.has_bias())
                {
                    write!(f, " {index}")?;
                }
                Ok(())
            }
        }
    }
}
