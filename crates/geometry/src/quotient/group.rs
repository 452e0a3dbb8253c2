use super::reflection::{allowed, allows, outgoing_divisor};
use super::remainder::Remainder;
use super::{LayerSymmetry, QuotientError, Symmetry, Tolerance, gauge};
use neuromanifold_mlp::{Layer, Mlp};
use neuromanifold_model::{Dims, Likelihood, ModelError};

/// The transformations of parameters that change no output of a network, as far as they are known.
///
/// They are generated, hidden layer by hidden layer, by permutations of the units and by what the activation allows of a
/// single unit `(w, b, v) ↦ (s w, s b, v')`:
///
/// | φ | factor `s` | `v'` | a flip, `s < 0`, leaves |
/// |---|---|---|---|
/// | tanh, erf | ±1 | `s v` | nothing |
/// | logistic | ±1 | `s v` | the constant `v` |
/// | relu | `s ≠ 0` | `v/∣s∣` | the affine function `v (w·x + b)` |
/// | softplus | ±1 | `v` | the affine function `v (w·x + b)` |
/// | identity | `s ≠ 0` | `v/s` | nothing |
///
/// Constants go to the next biases, if there are any. Everything else that flips leave has to cancel, and whether it does depends on
/// θ: relu or softplus units may be flipped together exactly where `Σ v_α w_αᵀ = 0` over the flipped ones, from `φ(u) − φ(−u) = u`.
/// So this is a group acting on parameter space only as long as nothing conditional is flipped. With the conditional
/// flips it is a *groupoid*: an element is defined at some points and takes them to points where its
/// [inverse](Self::inverse) is defined, and [`compose`](Self::compose) is what one gets by applying two in turn.
/// [`apply`](Self::apply) refuses an element where it is not defined.
///
/// The group [of a likelihood](Self::of_likelihood) that sees no common shift of the outputs is larger: it has the [`Gauge`](super::Gauge), and of
/// what flips leave, only the differences between outputs have to cancel.
///
/// A linear layer has more (all of `GL(m)`), which [`generators`](Self::generators) lists. On networks with one hidden layer
/// of tanh or logistic units that are irreducible the group is all there is (Sussmann 1992): `2^m m!` elements.
#[derive(Clone, Debug)]
pub struct SymmetryGroup<'a> {
    pub(crate) net: &'a Mlp,
    pub(crate) tolerance: Tolerance,
    pub(crate) gauge: bool,
}

impl<'a> SymmetryGroup<'a> {
    /// The symmetries of a network of any depth as a function. What flips leave must cancel to rounding.
    #[must_use]
    pub fn of(net: &'a Mlp) -> Self {
        Self {
            net,
            tolerance: Tolerance::EXACT,
            gauge: false,
        }
    }

    /// The symmetries of the law `p(y | x; θ)`: the same, unless the likelihood sees no common shift of the outputs.
    ///
    /// # Errors
    /// [`QuotientError::Metric`] for a number of outputs that the likelihood cannot be read off.
    pub fn of_likelihood(net: &'a Mlp, likelihood: &dyn Likelihood) -> Result<Self, QuotientError> {
        Ok(Self {
            gauge: gauge::checked(likelihood, net.outputs())?,
            ..Self::of(net)
        })
    }

    /// The same, where what flips leave counts as cancelled if it is within the tolerance; the function changes by as much.
    #[must_use]
    pub fn within(self, tolerance: Tolerance) -> Self {
        Self { tolerance, ..self }
    }

    pub(crate) fn hidden(&self) -> impl Iterator<Item = &Layer> {
        self.net.layers()[..self.hidden_layers()].iter()
    }

    pub(crate) fn hidden_layers(&self) -> usize {
        self.net.layers().len() - 1
    }

    pub(crate) fn output(&self) -> &Layer {
        &self.net.layers()[self.hidden_layers()]
    }

    /// The image of θ under an element: another parameter of the same function, or of the same law for the group of a likelihood.
    ///
    /// # Errors
    /// [`QuotientError::ElementSize`], [`QuotientError::ElementScale`], [`QuotientError::ElementGauge`] for an element of
    /// another group, [`QuotientError::ElementFlips`] where the element is not defined at θ,
    /// [`QuotientError::ElementRange`] for a factor so large or small that weights overflow or lose digits to underflow,
    /// [`QuotientError::Model`] for a θ of another network.
    pub fn apply(&self, element: &Symmetry, theta: &[f64]) -> Result<Vec<f64>, QuotientError> {
        self.check_point(theta)?;
        self.check(element)?;
        let mut image = theta.to_vec();
        for (layer, action) in element.layers.iter().enumerate() {
            image = self.act(layer, action, &image)?;
        }
        if let Some(gauge) = &element.gauge {
            let output = self.output();
            for k in 0..output.outputs() {
                for (v, t) in image[output.incoming(k)].iter_mut().zip(&gauge.weights) {
                    *v += t;
                }
            }
            for c in output
                .bias()
                .map(|bias| &mut image[bias])
                .into_iter()
                .flatten()
            {
                *c += gauge.bias;
            }
        }
        Ok(image)
    }

    pub(crate) fn check_point(&self, theta: &[f64]) -> Result<(), QuotientError> {
        let dims = Dims {
            parameters: self.net.parameters(),
            outputs: self.net.outputs(),
            examples: 0,
        };
        Ok(ModelError::check_parameters(theta, dims)?)
    }

    fn act(
        &self,
        index: usize,
        action: &LayerSymmetry,
        theta: &[f64],
    ) -> Result<Vec<f64>, QuotientError> {
        let (layer, next) = (&self.net.layers()[index], &self.net.layers()[index + 1]);
        let mut image = theta.to_vec();
        for (unit, (from, factor)) in action.permutation.iter().zip(&action.factors).enumerate() {
            let scaled = |before: f64, after: f64| {
                let kept = after.is_normal() || (after.abs() <= 0.0 && before.abs() <= 0.0);
                // what was subnormal before has no digits to lose to a sign
                if kept || after.abs().to_bits() == before.abs().to_bits() {
                    Ok(after)
                } else {
                    Err(QuotientError::ElementRange {
                        layer: index,
                        unit,
                        scale: *factor,
                        weight: before,
                    })
                }
            };
            for (to, source) in layer.incoming(unit).zip(layer.incoming(*from)) {
                image[to] = scaled(theta[source], factor * theta[source])?;
            }
            if let Some(bias) = layer.bias() {
                let b = theta[bias.start + from];
                image[bias.start + unit] = scaled(b, factor * b)?;
            }
            let divisor = outgoing_divisor(layer.activation(), *factor);
            for k in 0..next.outputs() {
                let row = next.incoming(k).start;
                let v = theta[row + from];
                image[row + unit] = scaled(v, v / divisor)?;
            }
        }
        let flipped = action.flipped();
        if flipped.is_empty() {
            return Ok(image);
        }
        if let Some(left) = Remainder::of(self, index, &flipped, theta) {
            let constants = left.constants(self.tolerance)?;
            let bias = next.bias().map(|bias| &mut image[bias]);
            for (c, left) in bias.into_iter().flatten().zip(constants) {
                *c += left;
            }
        }
        Ok(image)
    }

    pub(crate) fn check(&self, element: &Symmetry) -> Result<(), QuotientError> {
        let hidden = self.hidden_layers();
        if element.layers.len() != hidden {
            return Err(QuotientError::ElementSize {
                layer: element.layers.len().min(hidden),
                expected: hidden,
                got: element.layers.len(),
            });
        }
        for (index, action) in element.layers.iter().enumerate() {
            self.check_layer(index, action)?;
        }
        let Some(gauge) = &element.gauge else {
            return Ok(());
        };
        let output = self.output();
        let finite = gauge
            .weights
            .iter()
            .chain([&gauge.bias])
            .all(|t| t.is_finite());
        let bias = output.has_bias() || gauge.bias.abs() <= 0.0;
        if self.gauge && finite && bias && gauge.weights.len() == output.inputs() {
            Ok(())
        } else {
            Err(QuotientError::ElementGauge {
                allowed: self.gauge,
                expected: output.inputs(),
                got: gauge.weights.len(),
                bias: gauge.bias,
            })
        }
    }

    fn check_layer(&self, index: usize, action: &LayerSymmetry) -> Result<(), QuotientError> {
        let layer = &self.net.layers()[index];
        let units = layer.outputs();
        let mut seen = vec![false; units];
        for unit in &action.permutation {
            if let Some(entry) = seen.get_mut(*unit) {
                *entry = true;
            }
        }
        let size = [action.permutation.len(), action.factors.len()];
        if size != [units; 2] || seen.contains(&false) {
            return Err(QuotientError::ElementSize {
                layer: index,
                expected: units,
                got: seen.iter().filter(|s| **s).count(),
            });
        }
        let activation = layer.activation();
        match (action.factors.iter()).position(|factor| !allows(activation, *factor)) {
            Some(unit) => Err(QuotientError::ElementScale {
                layer: index,
                unit,
                scale: action.factors[unit],
                activation,
                allowed: allowed(activation),
            }),
            None => Ok(()),
        }
    }
}
