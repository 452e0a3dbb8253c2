use super::QuotientError;
use super::canonical::is_odd;
use faer::Mat;
use neuromanifold_mlp::{Activation, Layer, Mlp};
use neuromanifold_model::{Dims, ModelError};
use rand::{Rng, RngExt};

/// The group of parameter transformations that change no output of a network, as far as it is known.
///
/// It is generated, hidden layer by hidden layer, by permutations of the units and by what the activation allows of a
/// single unit `(w, b, v) ↦ (s w, s b, v')`:
///
/// | φ | factor `s` | `v'` |
/// |---|---|---|
/// | tanh, erf | ±1 | `s v` |
/// | logistic, if the next layer has biases | ±1 | `s v`, and the next biases gain `v` for `s = −1` |
/// | relu | `s > 0` | `v/s` |
/// | identity | `s ≠ 0` | `v/s` |
/// | softplus | 1 | `v` |
///
/// A linear layer has more (all of `GL(m)`), which [`generators`](Self::generators) lists. On networks with one hidden layer
/// of tanh or logistic units that are irreducible the group is all there is (Sussmann 1992): `2^m m!` elements.
#[derive(Clone, Debug)]
pub struct SymmetryGroup<'a> {
    net: &'a Mlp,
}

/// One element: how each hidden layer is permuted and scaled.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Symmetry {
    /// One entry a hidden layer.
    pub layers: Vec<LayerSymmetry>,
}

/// What a [`Symmetry`] does to one hidden layer: unit `i` of the image is unit `permutation[i]` with its incoming weights
/// and bias multiplied by `factors[i]`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LayerSymmetry {
    /// A permutation of the units.
    pub permutation: Vec<usize>,
    /// The factors `s`.
    pub factors: Vec<f64>,
}

impl<'a> SymmetryGroup<'a> {
    /// The group of a network of any depth.
    #[must_use]
    pub fn of(net: &'a Mlp) -> Self {
        Self { net }
    }

    fn hidden(&self) -> impl Iterator<Item = (&Layer, bool)> {
        let layers = self.net.layers();
        (layers.iter().zip(&layers[1..])).map(|(layer, next)| (layer, next.has_bias()))
    }

    /// Draws an element: uniform permutations and signs, factors `e^{z}`, `z` uniform in (−1, 1), where they are free.
    pub fn random<R: Rng + ?Sized>(&self, rng: &mut R) -> Symmetry {
        let layers = self.hidden().map(|(layer, next_bias)| {
            let units = layer.outputs();
            let mut permutation: Vec<usize> = (0..units).collect();
            for i in (1..units).rev() {
                permutation.swap(i, rng.random_range(0..=i));
            }
            let mut factor = || {
                let sign = if rng.random::<bool>() { 1.0 } else { -1.0 };
                let size = rng.random_range(-1.0f64..1.0).exp();
                match Freedom::of(layer.activation(), next_bias) {
                    Freedom::None => 1.0,
                    Freedom::Sign => sign,
                    Freedom::Positive => size,
                    Freedom::NonZero => sign * size,
                }
            };
            let factors = (0..units).map(|_| factor()).collect();
            LayerSymmetry {
                permutation,
                factors,
            }
        });
        Symmetry {
            layers: layers.collect(),
        }
    }

    /// The image of θ under an element: another parameter of the same function.
    ///
    /// # Errors
    /// [`QuotientError::ElementSize`], [`QuotientError::ElementScale`] for an element of another group,
    /// [`QuotientError::ElementRange`] for a factor so large or small that weights overflow or lose digits to underflow,
    /// [`QuotientError::Model`] for a θ of another network.
    pub fn apply(&self, element: &Symmetry, theta: &[f64]) -> Result<Vec<f64>, QuotientError> {
        self.check_point(theta)?;
        let mut image = theta.to_vec();
        let hidden = self.net.layers().len() - 1;
        if element.layers.len() != hidden {
            return Err(QuotientError::ElementSize {
                layer: element.layers.len().min(hidden),
                expected: hidden,
                got: element.layers.len(),
            });
        }
        for (layer, action) in element.layers.iter().enumerate() {
            self.check(layer, action)?;
            image = self.act(layer, action, &image)?;
        }
        Ok(image)
    }

    fn check_point(&self, theta: &[f64]) -> Result<(), QuotientError> {
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
        let odd = is_odd(layer.activation());
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
            for k in 0..next.outputs() {
                let row = next.incoming(k).start;
                let v = theta[row + from];
                image[row + unit] = scaled(v, if odd { factor * v } else { v / factor })?;
                if let (Activation::Logistic, Some(bias)) = (layer.activation(), next.bias())
                    && *factor < 0.0
                {
                    image[bias.start + k] += v; // φ(u) = 1 − φ(−u)
                }
            }
        }
        Ok(image)
    }

    fn check(&self, index: usize, action: &LayerSymmetry) -> Result<(), QuotientError> {
        let (layer, next) = (&self.net.layers()[index], &self.net.layers()[index + 1]);
        let units = layer.outputs();
        let mut seen = vec![false; units];
        for unit in &action.permutation {
            if let Some(entry) = seen.get_mut(*unit) {
                *entry = true;
            }
        }
        if action.permutation.len() != units
            || action.factors.len() != units
            || seen.contains(&false)
        {
            return Err(QuotientError::ElementSize {
                layer: index,
                expected: units,
                got: seen.iter().filter(|s| **s).count(),
            });
        }
        let freedom = Freedom::of(layer.activation(), next.has_bias());
        match (action.factors.iter()).position(|factor| !freedom.allows(*factor)) {
            Some(unit) => Err(QuotientError::ElementScale {
                layer: index,
                unit,
                scale: action.factors[unit],
                activation: layer.activation(),
                allowed: freedom.words(),
            }),
            None => Ok(()),
        }
    }

    /// The infinitesimal generators at θ: tangent vectors along which the function stays the same because of a continuous
    /// part of the group, one a column of a `P × d` matrix.
    ///
    /// One for each relu unit, `(δw, δb, δv) = (w, b, −v)`; `m²` for a linear layer of `m` units, `δW = E W`, `δb = E b`,
    /// `δV = −V E` for each matrix unit `E`. Fisher-null at every θ, so such networks are singular everywhere.
    ///
    /// # Errors
    /// [`QuotientError::Model`] for a θ of another network or with entries that are not finite.
    pub fn generators(&self, theta: &[f64]) -> Result<Mat<f64>, QuotientError> {
        self.check_point(theta)?;
        let mut columns: Vec<Vec<f64>> = Vec::new();
        for (index, (layer, _)) in self.hidden().enumerate() {
            let units = layer.outputs();
            match layer.activation() {
                Activation::Relu => {
                    columns.extend((0..units).map(|i| self.shear(index, i, i, theta)));
                }
                Activation::Identity => {
                    let pairs = (0..units).flat_map(|i| (0..units).map(move |j| (i, j)));
                    columns.extend(pairs.map(|(i, j)| self.shear(index, i, j, theta)));
                }
                _ => {}
            }
        }
        Ok(Mat::from_fn(theta.len(), columns.len(), |p, d| {
            columns[d][p]
        }))
    }

    /// Row `i` of the incoming weights moves along row `j`; column `j` of the outgoing ones along minus column `i`.
    fn shear(&self, index: usize, i: usize, j: usize, theta: &[f64]) -> Vec<f64> {
        let (layer, next) = (&self.net.layers()[index], &self.net.layers()[index + 1]);
        let mut tangent = vec![0.0; theta.len()];
        for (to, from) in layer.incoming(i).zip(layer.incoming(j)) {
            tangent[to] = theta[from];
        }
        if let Some(bias) = layer.bias() {
            tangent[bias.start + i] = theta[bias.start + j];
        }
        for k in 0..next.outputs() {
            let row = next.incoming(k).start;
            tangent[row + j] = -theta[row + i];
        }
        tangent
    }
}

/// Which factors an activation allows.
#[derive(Clone, Copy)]
enum Freedom {
    None,
    Sign,
    Positive,
    NonZero,
}

impl Freedom {
    fn of(activation: Activation, next_bias: bool) -> Self {
        match activation {
            Activation::Tanh | Activation::Erf => Self::Sign,
            Activation::Logistic if next_bias => Self::Sign,
            Activation::Relu => Self::Positive,
            Activation::Identity => Self::NonZero,
            _ => Self::None,
        }
    }

    #[allow(clippy::float_cmp)] // signs are exactly ±1
    fn allows(self, factor: f64) -> bool {
        factor.is_finite()
            && match self {
                Self::None => factor == 1.0,
                Self::Sign => factor.abs() == 1.0,
                Self::Positive => factor > 0.0,
                Self::NonZero => factor.abs() > 0.0,
            }
    }

    fn words(self) -> &'static str {
        match self {
            Self::None => "only 1",
            Self::Sign => "1 and −1",
            Self::Positive => "positive factors",
            Self::NonZero => "factors other than 0",
        }
    }
}
