use super::layers::Layers;
use super::{Difference, Probe, QuotientError, Shallow, Tolerance, Unit, reduce};
use faer::linalg::solvers::SolveLstsq;
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
/// one with small outgoing weights is dropped; least squares does not have to be told which. For the layer's targets
/// `Y = V A + c` and signals `A`, removing unit `j` and refitting raises the squared error by exactly
/// `Σ_k v_kj² / (S⁻¹)_jj`, `S = [A; 1][A; 1]ᵀ/N`, so all candidates are priced by one inverse. Before anything lossy, the network
/// is [reduced](reduce()) exactly.
///
/// The path does not depend on the budget, so a larger budget never gives a larger network. Cost: `O(m³)` for the inverse and
/// `O(N m K)` for the measurement of each step.
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
    let mut layers = Layers::new(&exact.net, &exact.theta)?;
    let mut path: Vec<CompressionStep> = Vec::new();
    while let Some((layer, unit, absorbed, candidate)) = cheapest(&layers, probe)? {
        layers = candidate;
        let (small, small_theta) = layers.network()?;
        let z = probe.outputs((&small, &small_theta))?;
        let difference = probe.compare(&original, &z, net.outputs())?;
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

type Candidate = (usize, usize, Absorbed, Layers);

/// The removal that costs least, of the cheapest of each layer; `None` when every layer is down to its last unit and that
/// one is gone too, or a layer in the middle would vanish.
fn cheapest(layers: &Layers, probe: &Probe<'_>) -> Result<Option<Candidate>, QuotientError> {
    let mut signals = probe.inputs.to_owned();
    let mut best: Option<(f64, Candidate)> = None;
    for layer in 0..layers.hidden() {
        let slice = layers.slice(layer);
        let signal = activate(&slice, signals.as_ref());
        let last = layers.hidden() == 1;
        if slice.units.len() > usize::from(!last) {
            let (unit, cost) = price(&slice, signal.as_ref());
            let (smaller, absorbed) = remove(&slice, signal.as_ref(), unit);
            // compare layers by the relative error they cause in what they feed
            let cost = cost / energy(&slice, signal.as_ref());
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                let mut candidate = layers.clone();
                candidate.replace(layer, &smaller);
                best = Some((cost, (layer, unit, absorbed, candidate)));
            }
        }
        signals = signal;
    }
    Ok(best.map(|(_, candidate)| candidate))
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

/// `S = [A; 1][A; 1]ᵀ/N`, `(m+1) × (m+1)`.
fn moments(signal: MatRef<'_, f64>) -> Mat<f64> {
    let (units, examples) = (signal.nrows(), signal.ncols());
    let weight = 1.0 / examples as f64;
    let products = signal * signal.transpose();
    let means: Vec<f64> = signal
        .row_iter()
        .map(|row| row.iter().sum::<f64>())
        .collect();
    Mat::from_fn(units + 1, units + 1, |i, j| {
        weight
            * match (i < units, j < units) {
                (true, true) => products[(i, j)],
                (true, false) => means[i],
                (false, true) => means[j],
                (false, false) => examples as f64,
            }
    })
}

/// The cheapest unit and the squared error its removal adds: `Σ_k v_kj² / (S⁻¹)_jj`.
fn price(slice: &Shallow, signal: MatRef<'_, f64>) -> (usize, f64) {
    let mut s = moments(signal);
    // so that signals equal to rounding have a price (of nothing) and not a division by zero
    let ridge = 1e-13 * s.norm_max();
    for i in 0..s.nrows() {
        s[(i, i)] += ridge;
    }
    let inverse = match s.llt(faer::Side::Lower) {
        Ok(factor) => {
            use faer::linalg::solvers::DenseSolveCore;
            factor.inverse()
        }
        Err(_) => Mat::identity(s.nrows(), s.nrows()),
    };
    let cost = |j: usize| {
        let squared: f64 = slice.units[j].outgoing.iter().map(|v| v * v).sum();
        squared / inverse[(j, j)]
    };
    (0..slice.units.len())
        .map(|j| (j, cost(j)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, 0.0))
}

/// Mean square of what the layer feeds forward, without its mean.
fn energy(slice: &Shallow, signal: MatRef<'_, f64>) -> f64 {
    let s = moments(signal);
    let last = slice.units.len();
    let mut total = 0.0;
    for k in 0..slice.constant.len() {
        for (i, a) in slice.units.iter().enumerate() {
            for (j, b) in slice.units.iter().enumerate() {
                let covariance = s[(i, j)] - s[(i, last)] * s[(j, last)];
                total += a.outgoing[k] * b.outgoing[k] * covariance;
            }
        }
    }
    total.max(f64::MIN_POSITIVE)
}

/// Removes a unit and refits the outgoing weights and the constant of the others to what the layer fed forward before.
fn remove(slice: &Shallow, signal: MatRef<'_, f64>, unit: usize) -> (Shallow, Absorbed) {
    let kept: Vec<usize> = (0..slice.units.len()).filter(|u| *u != unit).collect();
    let examples = signal.ncols();
    // Only the removed signal has to be explained: a_unit ≈ Σ c_u a_u + c₀ for all outputs at once.
    let design = Mat::from_fn(examples, kept.len() + 1, |s, u| {
        if u < kept.len() {
            signal[(kept[u], s)]
        } else {
            1.0
        }
    });
    let target = Mat::from_fn(examples, 1, |s, _| signal[(unit, s)]);
    let coefficients = if examples > kept.len() {
        design.col_piv_qr().solve_lstsq(&target)
    } else {
        Mat::zeros(kept.len() + 1, 1)
    };
    let usable = (0..=kept.len()).all(|u| coefficients[(u, 0)].is_finite());
    let c = |u: usize| if usable { coefficients[(u, 0)] } else { 0.0 };
    let removed = &slice.units[unit].outgoing;
    let mut smaller = slice.clone();
    smaller.units = kept
        .iter()
        .enumerate()
        .map(|(place, u)| {
            let own = &slice.units[*u];
            Unit {
                outgoing: (own.outgoing.iter().zip(removed))
                    .map(|(v, r)| v + c(place) * r)
                    .collect(),
                ..own.clone()
            }
        })
        .collect();
    for (constant, r) in smaller.constant.iter_mut().zip(removed) {
        *constant += c(kept.len()) * r;
    }
    smaller.output_bias = true;
    (smaller, absorber(signal, &kept, unit, c))
}

/// Which of the refitted signals carries most of the removed one.
fn absorber(
    signal: MatRef<'_, f64>,
    kept: &[usize],
    unit: usize,
    c: impl Fn(usize) -> f64,
) -> Absorbed {
    let deviation = |u: usize| {
        let row = signal.row(u);
        let mean = row.iter().sum::<f64>() / row.ncols() as f64;
        row.iter()
            .map(|a| (a - mean) * (a - mean))
            .sum::<f64>()
            .sqrt()
    };
    let own = deviation(unit);
    let heaviest = kept
        .iter()
        .enumerate()
        .map(|(place, u)| (*u, c(place).abs() * deviation(*u)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let mean = signal.row(unit).iter().sum::<f64>() / signal.ncols() as f64;
    let level = mean.abs() * (signal.ncols() as f64).sqrt();
    match heaviest {
        Some((u, weight)) if weight > 0.5 * own && weight > 0.1 * level => Absorbed::Unit(u),
        _ if level > own => Absorbed::Constant,
        _ => Absorbed::Nobody,
    }
}
