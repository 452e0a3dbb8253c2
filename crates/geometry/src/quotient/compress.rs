use super::layers::Layers;
use super::refit::Refit;
use super::{Difference, Probe, QuotientError, Shallow, Tolerance, reduce};
use faer::{Mat, MatRef};
use neuromanifold_mlp::Mlp;

/// One step of a compression: a hidden unit that the others, refitted, take over from.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CompressionStep {
    /// Hidden layer.
    pub layer: usize,
    /// Index of the unit in its layer at that time.
    pub unit: usize,
    /// Who takes over most of it.
    pub absorbed: Absorbed,
    /// Hidden units left in all layers.
    pub units: usize,
    /// Distance from the original network on the probe.
    pub difference: Difference,
}

/// What stands in for a removed unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Absorbed {
    /// Nothing needs to: it was removed.
    Nobody,
    /// The bias behind it: its mean was folded into a constant.
    Constant,
    /// Mostly one other unit: a merge. The index is that before the removal.
    Unit(usize),
}

/// A network within a budget of nats of a larger one, and the way there.
#[derive(Clone, Debug)]
pub struct Compression {
    /// The architecture.
    pub net: Mlp,
    /// Its parameters.
    pub theta: Vec<f64>,
    /// The budget, nats.
    pub budget: f64,
    /// Distance from the original network on the probe: `difference.divergence ≤ budget`.
    pub difference: Difference,
    /// The path of all removals that were tried, in order, size against divergence: the first ones make up the result, the
    /// later ones show what more would have cost.
    pub path: Vec<CompressionStep>,
    /// How many steps of the path the result has taken.
    pub taken: usize,
}

/// Removes hidden units one by one, the one whose loss costs least first, and refits the outgoing weights of its layer by
/// least squares each time, as long as the divergence from the original network on the probe stays within a budget.
///
/// A unit whose signal is nearly constant is folded into the bias behind it, one that nearly equals another is merged with it,
/// one with small outgoing weights is dropped; least squares does not have to be told which. For signals `A` with covariance
/// `S`, removing unit `j` and refitting raises the squared error by exactly `Σ_k v_kj² / (S⁻¹)_jj`, so all candidates are priced by
/// one inverse. Signals that depend on each other, or are more than the examples, are fitted with small coefficients instead of
/// none, by damping at the square root of rounding. Before anything lossy, the network is [reduced](reduce()) exactly.
///
/// The path does not depend on the budget, so a larger budget never gives a larger network. A budget of 0 is meant literally: an
/// exact reduction that changes some output by rounding, and the divergence by 1e-32 or so, is over it. Ask
/// [`reduce`](reduce()) for exact reductions, or allow 1e-24 nats.
///
/// The path ends early if a further removal would overflow.
///
/// Cost of a step: `O(m²)` to `O(m³)` for prices and refits and `O(N m (n + K))` to measure it. Hidden layers behind the first also
/// need `O(N m²)` for new signals once a layer before them has changed.
///
/// # Errors
/// [`QuotientError::Budget`]; those of [`reduce`](reduce()).
pub fn compress(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    budget: f64,
) -> Result<Compression, QuotientError> {
    if budget.is_nan() || budget < 0.0 || budget.is_infinite() {
        return Err(QuotientError::Budget { nats: budget });
    }
    let original = probe.outputs((net, theta))?;
    let exact = reduce(net, theta, probe, Tolerance::default())?;
    let within = |difference: &Difference| difference.divergence <= budget;
    // an exact reduction may cost rounding; without any budget even that is too much
    let start = if within(&exact.difference) {
        (exact.net.clone(), exact.theta.clone())
    } else {
        (net.clone(), theta.to_vec())
    };
    let mut best = (
        start.clone(),
        probe.difference((net, theta), (&start.0, &start.1))?,
        0,
    );
    let mut state = State::new(Layers::new(&exact.net, &exact.theta)?, probe);
    let mut path: Vec<CompressionStep> = Vec::new();
    while let Some((layer, unit)) = state.cheapest() {
        let absorbed = state.remove(layer, unit, probe);
        let (small, small_theta) = match state.layers.network() {
            Ok(network) if network.1.iter().all(|t| t.is_finite()) => network,
            Ok(_) => break,
            Err(error) => return Err(error),
        };
        let Ok(z) = probe.outputs((&small, &small_theta)) else {
            break; // finite weights, but outputs that overflow
        };
        let difference = probe.compare(&original, &z, net.outputs())?;
        let layers = &state.layers;
        path.push(CompressionStep {
            layer,
            unit,
            absorbed,
            units: (0..layers.hidden()).map(|l| layers.width(l)).sum(),
            difference,
        });
        if within(&difference) {
            best = ((small, small_theta), difference, path.len());
        }
    }
    let ((net, theta), difference, taken) = best;
    Ok(Compression {
        net,
        theta,
        budget,
        difference,
        path,
        taken,
    })
}

/// A network on its way down, with the signals of its hidden layers.
struct State {
    layers: Layers,
    fits: Vec<Refit>,
}

impl State {
    fn new(layers: Layers, probe: &Probe<'_>) -> Self {
        let mut state = Self {
            layers,
            fits: Vec::new(),
        };
        state.observe(0, probe);
        state
    }

    /// Measures the signals of all layers from one on.
    fn observe(&mut self, from: usize, probe: &Probe<'_>) {
        self.fits.truncate(from);
        let mut signals = probe.inputs.to_owned();
        for layer in 0..self.layers.hidden() {
            if layer + 1 == self.layers.hidden() && layer < from {
                break; // nobody reads the signals of the last layer
            }
            signals = activate(&self.layers.slice(layer), signals.as_ref());
            if layer >= from {
                self.fits.push(Refit::of(signals.as_ref()));
            }
        }
    }

    /// The removal that costs least, of the cheapest of each layer; `None` when every layer is down to its last unit and that
    /// one is gone too, or a layer in the middle would vanish.
    fn cheapest(&self) -> Option<(usize, usize)> {
        let fewest = usize::from(self.layers.hidden() > 1);
        let best = |(layer, fit): (usize, &Refit)| {
            let slice = self.layers.slice(layer);
            let (unit, cost) = fit.cheapest(&slice)?;
            // compare layers by the relative error they cause in what they feed
            (slice.units.len() > fewest).then(|| (layer, unit, cost / fit.energy(&slice)))
        };
        (self.fits.iter().enumerate())
            .filter_map(best)
            .min_by(|a, b| a.2.total_cmp(&b.2))
            .map(|(layer, unit, _)| (layer, unit))
    }

    fn remove(&mut self, layer: usize, unit: usize, probe: &Probe<'_>) -> Absorbed {
        let (smaller, absorbed) = self.fits[layer].remove(&self.layers.slice(layer), unit);
        self.layers.replace(layer, &smaller);
        self.fits[layer] = self.fits[layer].without(unit);
        if layer + 1 < self.layers.hidden() {
            self.observe(layer + 1, probe);
        }
        absorbed
    }
}

/// Signals of the layer, `m × N`.
fn activate(slice: &Shallow, inputs: MatRef<'_, f64>) -> Mat<f64> {
    let units = slice.units.len();
    let weights = Mat::from_fn(units, slice.inputs, |u, i| slice.units[u].incoming[i]);
    let mut signal = &weights * inputs;
    let mut pre = vec![0.0; units];
    let mut value = vec![0.0; units];
    for s in 0..signal.ncols() {
        for (u, unit) in slice.units.iter().enumerate() {
            pre[u] = signal[(u, s)] + unit.bias;
        }
        slice.activation.value(&pre, &mut value);
        for (u, v) in value.iter().enumerate() {
            signal[(u, s)] = *v;
        }
    }
    signal
}
