use super::layers::Layers;
use super::shrinking::Shrinking;
use super::{Difference, Probe, QuotientError, Tolerance, reduce};
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
    /// Mostly one other unit, which stays where it is. The index is that before the removal.
    Unit(usize),
    /// One unit between the two, in the place of the other: a merge on their overlap stratum. The index is that before
    /// the removal.
    Merged(usize),
}

/// A network within a budget of nats of a larger one, and the way there.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Compression {
    /// The architecture.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::notation::as_text"))]
    pub net: Mlp,
    /// Its parameters.
    pub theta: Vec<f64>,
    /// The budget, nats.
    pub budget: f64,
    /// What rounding alone can make of a divergence of zero on this probe, nats: no budget is less than that.
    pub rounding: f64,
    /// Distance from the original network on the probe: `difference.divergence ≤ max(budget, rounding)`.
    pub difference: Difference,
    /// The curve of size against divergence, all removals in order: the first ones make up the result, the later ones show what
    /// more would have cost.
    pub path: Vec<CompressionStep>,
    /// How many steps of the path the result has taken.
    pub taken: usize,
}

/// Removes hidden units one by one, the one whose loss costs fewest nats first, as long as the divergence from the original
/// network stays within a budget: [`CompressionPath::of`] and [`CompressionPath::within`].
///
/// # Errors
/// [`QuotientError::Budget`]; those of [`reduce`](reduce()).
pub fn compress(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    budget: f64,
) -> Result<Compression, QuotientError> {
    check(budget)?;
    CompressionPath::of(net, theta, probe)?.within(budget)
}

/// The networks on the way from one down to none of its hidden units, each with its divergence from the first.
///
/// Before anything lossy, the network is [reduced](reduce()) exactly ([`Tolerance::EXACT`]). Then the candidates at each step are
///
/// * for every hidden unit, its *removal*, with the outgoing weights and the constant of its layer refitted by least squares: a unit
///   whose signal is nearly constant is folded into the bias behind it, one that another repeats is left to that one, one with small
///   outgoing weights is dropped. Least squares does not have to be told which;
/// * for units with similar signals, the *merge* into one unit between them (for odd ones up to sign), refitted likewise. Units a
///   distance δ apart are missed by `O(δ)` if one of them goes, by `O(δ²)` if both meet at their weighted mean (as far as their
///   outgoing vectors are parallel).
///
/// Their order is that of what they cost at the outputs in nats. With `e_j` the part of the signal of unit `j` that the other units of
/// its layer do not explain, `g_j(x)` the derivative of the outputs by the signal and `H` the output Fisher matrix, removing `j`
/// changes the outputs by `−e_j g_j` to first order, and its price is
///
/// ```text
/// ½ E[(Δ − e_j g_j)ᵀ H (Δ − e_j g_j)],
/// ```
///
/// `Δ` being how far the outputs are already from the original. All `e_j` come from one inverse Gram matrix of the signals, as in
/// optimal brain surgeon: for one hidden layer and Gaussian noise the increase is exactly `|v_j|² / (2σ² (S⁻¹)_jj)`, `S` the
/// covariance of the signals. The cheapest few, and the most promising merge of each layer, are then carried out and *measured*, in
/// nats from the original, and the least of them is taken. Signals that depend on each other, or are more than the examples, are
/// fitted with small coefficients instead of none, by damping at the square root of rounding.
///
/// The path ends early if a further removal would overflow.
///
/// Cost of a step: `O(N m²)` for prices, `O(N m (n + K))` a measured candidate, `O(m³)` for a merge. Memory: all the networks.
///
/// # References
/// B. Hassibi, D. Stork, *Second order derivatives for network pruning: optimal brain surgeon*, NeurIPS 5 (1992) 164–171.
#[derive(Clone, Debug)]
pub struct CompressionPath {
    /// The original, the exactly reduced one, then one a step.
    networks: Vec<(Mlp, Vec<f64>)>,
    /// Of the first two.
    differences: [Difference; 2],
    rounding: f64,
    steps: Vec<CompressionStep>,
}

impl CompressionPath {
    /// Walks down to no hidden unit, in deep networks to one in each hidden layer.
    ///
    /// # Errors
    /// Those of [`reduce`](reduce()).
    pub fn of(net: &Mlp, theta: &[f64], probe: &Probe<'_>) -> Result<Self, QuotientError> {
        let exact = reduce(net, theta, probe, Tolerance::EXACT)?;
        let itself = probe.difference((net, theta), (net, theta))?;
        let layers = Layers::new(&exact.net, &exact.theta)?;
        let mut path = Self {
            differences: [itself, exact.difference],
            rounding: rounding(net, theta, probe)?,
            networks: vec![(net.clone(), theta.to_vec()), (exact.net, exact.theta)],
            steps: Vec::new(),
        };
        let mut shrinking = Shrinking::new(layers, probe, probe.outputs((net, theta))?)?;
        while let Some((step, network)) = shrinking.step()? {
            path.steps.push(step);
            path.networks.push(network);
        }
        Ok(path)
    }

    /// The curve of size against divergence.
    #[must_use]
    pub fn steps(&self) -> &[CompressionStep] {
        &self.steps
    }

    /// The network after the step of an index, `None` past the end.
    #[must_use]
    pub fn network(&self, step: usize) -> Option<(&Mlp, &[f64])> {
        let (net, theta) = self.networks.get(step + 2)?;
        Some((net, theta))
    }

    /// The smallest network of the path within a budget. The path knows no budget, so a larger one never gives a larger
    /// network.
    ///
    /// A divergence that is [rounding](Compression::rounding) counts as 0, so a budget of 0 still allows what changes no output but
    /// by the order of its sums: exact reductions, and units that others repeat.
    ///
    /// # Errors
    /// [`QuotientError::Budget`].
    pub fn within(&self, budget: f64) -> Result<Compression, QuotientError> {
        check(budget)?;
        let within = |difference: &Difference| difference.divergence <= budget.max(self.rounding);
        let last = self.steps.iter().rposition(|s| within(&s.difference));
        let (place, difference) = match last {
            Some(step) => (step + 2, self.steps[step].difference),
            None if within(&self.differences[1]) => (1, self.differences[1]),
            None => (0, self.differences[0]),
        };
        let (net, theta) = self.networks[place].clone();
        Ok(Compression {
            net,
            theta,
            budget,
            rounding: self.rounding,
            difference,
            path: self.steps.clone(),
            taken: last.map_or(0, |step| step + 1),
        })
    }
}

fn check(budget: f64) -> Result<(), QuotientError> {
    if budget.is_nan() || budget < 0.0 || budget.is_infinite() {
        return Err(QuotientError::Budget { nats: budget });
    }
    Ok(())
}

/// The divergence when every output is off by what summing its terms in another order can do to it:
/// `4 (units + 2) ε (|c_k| + Σ_α |v_kα a_α|)`, of alternating sign, since a law may not see a common shift.
fn rounding(net: &Mlp, theta: &[f64], probe: &Probe<'_>) -> Result<f64, QuotientError> {
    let layers = Layers::new(net, theta)?;
    let z = probe.outputs((net, theta))?;
    let last = layers.signals(probe.inputs).pop();
    let signals = last.as_ref().map_or(probe.inputs, |a| a.as_ref());
    let weights = net.weights(theta, layers.hidden());
    let bias = net.bias(theta, layers.hidden());
    let units: usize = (0..layers.hidden()).map(|l| layers.width(l)).sum();
    let fraction = 4.0 * (units + 2) as f64 * f64::EPSILON;
    let mut moved = z.clone();
    for (s, z) in moved.chunks_exact_mut(net.outputs()).enumerate() {
        for (k, z) in z.iter_mut().enumerate() {
            let terms = weights.row(k).iter().zip(signals.col(s).iter());
            let size =
                bias.map_or(0.0, |b| b[k].abs()) + terms.map(|(v, a)| (v * a).abs()).sum::<f64>();
            *z += if k % 2 == 0 { fraction } else { -fraction } * size;
        }
    }
    Ok(probe.compare(&z, &moved, net.outputs())?.divergence)
}
