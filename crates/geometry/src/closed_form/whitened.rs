use super::{ClosedFormError, GaussianInput};
use faer::{Mat, MatRef};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Dims, ModelError};

/// A network with one hidden layer seen from standard normal inputs: `f(z) = c + Σ_a v_a φ(w_a·z + b_a)`.
///
/// With `x = μ + E diag(s) z`, the weights are `w̃_a = s ∘ Eᵀw_a` and the biases `b̃_a = b_a + w_a·μ`: an exact change of
/// coordinates.
#[derive(Clone, Debug)]
pub(crate) struct Whitened {
    /// `n × m`, one unit a column.
    pub(crate) weights: Mat<f64>,
    /// `E u_a`, length `m`.
    pub(crate) means: Vec<f64>,
    /// `V`, row by row: `v_ka` at `k m + a`.
    pub(crate) outgoing: Vec<f64>,
    /// `c`, length `K`; zeros where the network has none.
    pub(crate) constant: Vec<f64>,
}

/// Where the parameters of a network with one hidden layer lie, and the frame in which its inputs are standard normal.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) net: Mlp,
    pub(crate) input: GaussianInput,
    /// `μ̃ = Eᵀμ / s`, or `None` for zero mean: `b̃_a − b_a = w̃_a·μ̃`.
    pub(crate) shift: Option<Vec<f64>>,
}

impl Frame {
    pub(crate) fn new(net: &Mlp, input: &GaussianInput) -> Result<Self, ClosedFormError> {
        let [_, output] = net.layers() else {
            return Err(ClosedFormError::NotShallow {
                hidden_layers: net.layers().len() - 1,
            });
        };
        if output.activation() != Activation::Identity {
            return Err(ClosedFormError::OutputActivation {
                activation: output.activation(),
            });
        }
        if net.inputs() != input.inputs() {
            return Err(ClosedFormError::Inputs {
                what: "law of the inputs",
                expected: net.inputs(),
                got: input.inputs(),
            });
        }
        let moved = input.mean().iter().any(|m| m.abs() > 0.0);
        let shift = moved.then(|| {
            let mean = MatRef::from_column_major_slice(input.mean(), net.inputs(), 1);
            let mean = input.to_axes(mean);
            (0..net.inputs())
                .map(|i| mean[(i, 0)] / input.deviation(i))
                .collect()
        });
        Ok(Self {
            net: net.clone(),
            input: input.clone(),
            shift,
        })
    }

    pub(crate) fn units(&self) -> usize {
        self.net.layers()[0].outputs()
    }

    pub(crate) fn hidden_bias(&self) -> bool {
        self.net.layers()[0].has_bias()
    }

    pub(crate) fn output_bias(&self) -> bool {
        self.net.layers()[1].has_bias()
    }

    pub(crate) fn activation(&self) -> Activation {
        self.net.layers()[0].activation()
    }

    /// The network at θ in the frame.
    pub(crate) fn whiten(&self, theta: &[f64]) -> Result<Whitened, ClosedFormError> {
        let dims = Dims {
            parameters: self.net.parameters(),
            outputs: self.net.outputs(),
            examples: 0,
        };
        ModelError::check_parameters(theta, dims)?;
        Ok(self.tangent(theta))
    }

    /// A point or a tangent vector, which transforms alike, in the frame.
    pub(crate) fn tangent(&self, theta: &[f64]) -> Whitened {
        let net = &self.net;
        let weights = self.scaled(self.input.to_axes(net.weights(theta, 0).transpose()), |s| s);
        let mut means = match net.bias(theta, 0) {
            Some(bias) => bias.to_vec(),
            None => vec![0.0; self.units()],
        };
        if let Some(shift) = &self.shift {
            for (mean, column) in means.iter_mut().zip(weights.col_iter()) {
                *mean += column.iter().zip(shift).map(|(w, m)| w * m).sum::<f64>();
            }
        }
        let output = &net.layers()[1];
        Whitened {
            weights,
            means,
            outgoing: theta[output.weights()].to_vec(),
            constant: match output.bias() {
                Some(bias) => theta[bias].to_vec(),
                None => vec![0.0; net.outputs()],
            },
        }
    }

    /// Writes a covector, given by its parts in the frame, as a covector on θ: the transpose of [`tangent`](Self::tangent).
    pub(crate) fn pull_back(&self, covector: Whitened, out: &mut [f64]) {
        let Whitened {
            mut weights,
            means,
            outgoing,
            constant,
        } = covector;
        if let Some(shift) = &self.shift {
            for (mean, column) in means.iter().zip(weights.col_iter_mut()) {
                for (w, m) in column.iter_mut().zip(shift) {
                    *w += mean * m;
                }
            }
        }
        self.write(
            self.scaled(weights, |s| s),
            &means,
            &outgoing,
            &constant,
            out,
        );
    }

    /// Weight covectors on θ with the *biases* `b` held, in the frame: `g / s` along the axes, `n × m`.
    pub(crate) fn push_weights(&self, gradient: &[f64]) -> Mat<f64> {
        let own = self.net.weights(gradient, 0).transpose();
        self.scaled(self.input.to_axes(own), |s| 1.0 / s)
    }

    /// Writes a tangent vector from whitened weights, biases `b` (not means), outgoing weights and constants.
    pub(crate) fn write_tangent(
        &self,
        weights: Mat<f64>,
        biases: &[f64],
        outgoing: &[f64],
        constant: &[f64],
        out: &mut [f64],
    ) {
        let weights = self.scaled(weights, |s| 1.0 / s);
        self.write(weights, biases, outgoing, constant, out);
    }

    /// Writes a vector whose weights are along the axes, `n × m`.
    pub(crate) fn write(
        &self,
        weights: Mat<f64>,
        biases: &[f64],
        outgoing: &[f64],
        constant: &[f64],
        out: &mut [f64],
    ) {
        let [hidden, output] = self.net.layers() else {
            return; // the constructor admits two layers only
        };
        let weights = self.input.off_axes(weights);
        for (unit, column) in weights.col_iter().enumerate() {
            for (out, w) in out[hidden.incoming(unit)].iter_mut().zip(column.iter()) {
                *out = *w;
            }
        }
        if let Some(range) = hidden.bias() {
            out[range].copy_from_slice(biases);
        }
        out[output.weights()].copy_from_slice(outgoing);
        if let Some(range) = output.bias() {
            out[range].copy_from_slice(constant);
        }
    }

    /// Scales each row of an `n × m` matrix by a function of the deviation of its axis.
    fn scaled(&self, mut rows: Mat<f64>, factor: impl Fn(f64) -> f64) -> Mat<f64> {
        let common = self.input.common_deviation().map(&factor);
        if common.is_some_and(|c| (c - 1.0).abs() <= 0.0) {
            return rows;
        }
        let factors: Vec<f64> = (0..rows.nrows())
            .map(|i| factor(self.input.deviation(i)))
            .collect();
        for column in rows.col_iter_mut() {
            for (entry, factor) in column.iter_mut().zip(&factors) {
                *entry *= factor;
            }
        }
        rows
    }
}
