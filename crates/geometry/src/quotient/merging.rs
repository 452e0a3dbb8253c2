use super::refit::Refit;
use super::{Shallow, Unit};
use faer::{Mat, MatRef};
use neuromanifold_mlp::Activation;

/// Two units of a hidden layer made one, with the outgoing weights of all others refitted.
pub(crate) struct Merge {
    /// The unit whose place the merged one takes, and the one that goes.
    pub(crate) kept: usize,
    pub(crate) removed: usize,
    pub(crate) layer: Shallow,
}

/// Signals that are less correlated than this have nothing to be merged.
const SIMILAR: f64 = 0.7;

/// The merge of two units with similar signals that leaves least of what they feed forward, if there is any.
///
/// What `v_α φ(u_α) + v_β φ(u_β)` is to first order in the distance of `±u_β` from `u_α` is a unit at the mean of the two rays,
/// weighted by their parts of the common outgoing vector `V = v_α ± v_β`. The pair is chosen by what that unit alone, refitted, leaves;
/// then all others are refitted: the new unit joins with outgoing weight 0, and the two are removed one after the other.
///
/// Cost: `O(m³ + N m (n + K))` to choose, `O(N m² + m³)` to carry out.
pub(crate) fn best_merge(
    slice: &Shallow,
    inputs: MatRef<'_, f64>,
    signals: &Mat<f64>,
    fit: &Refit,
) -> Option<Merge> {
    if slice.units.len() < 2 || slice.activation == Activation::Identity {
        return None;
    }
    let correlations = fit.correlations();
    let mut best: Option<(f64, usize, usize, Unit)> = None;
    for one in 0..slice.units.len() {
        let others = (0..slice.units.len()).filter(|other| *other != one);
        let allowed = |other: &usize| {
            // φ(−u) of softplus and relu leaves an affine part
            let splits = slice.splits_affine_part();
            !splits || correlations[(one, *other)] > 0.0
        };
        let size = |other: &usize| correlations[(one, *other)].abs();
        let nearest = others
            .filter(allowed)
            .max_by(|a, b| size(a).total_cmp(&size(b)));
        let Some(other) = nearest.filter(|other| size(other) > SIMILAR) else {
            continue;
        };
        let (kept, removed) = (one.min(other), one.max(other));
        let between = between(
            &slice.units[kept],
            &slice.units[removed],
            correlations[(one, other)],
        );
        if !between.ray().iter().all(|r| r.is_finite()) {
            continue;
        }
        let signal = activated(slice, &between, inputs);
        let left = left_over(slice, signals, (kept, removed), &signal);
        if best.as_ref().is_none_or(|b| left < b.0) {
            best = Some((left, kept, removed, between));
        }
    }
    let (_, kept, removed, between) = best?;
    let mut joined = slice.clone();
    let signal = activated(slice, &between, inputs);
    joined.units.push(between);
    let units = slice.units.len();
    let all = Mat::from_fn(units + 1, signals.ncols(), |u, s| {
        if u < units {
            signals[(u, s)]
        } else {
            signal[s]
        }
    });
    let fit = Refit::of(all.as_ref());
    let (first, _) = fit.remove(&joined, removed);
    let (mut layer, _) = fit.without(removed).remove(&first, kept);
    let between = layer.units.pop()?;
    layer.units.insert(kept, between);
    Some(Merge {
        kept,
        removed,
        layer,
    })
}

/// The unit between two, without outgoing weight. The sign of their correlation says whether it is `u_β` or `−u_β` that is near
/// `u_α`.
fn between(one: &Unit, other: &Unit, correlation: f64) -> Unit {
    let sign = if correlation < 0.0 { -1.0 } else { 1.0 };
    let pairs = || one.outgoing.iter().zip(&other.outgoing);
    let common: Vec<f64> = pairs().map(|(v, w)| v + sign * w).collect();
    let squared: f64 = common.iter().map(|c| c * c).sum();
    let share = if squared > 0.0 {
        one.outgoing
            .iter()
            .zip(&common)
            .map(|(v, c)| v * c)
            .sum::<f64>()
            / squared
    } else {
        0.5
    };
    let mean = |a: f64, b: f64| share * a + (1.0 - share) * sign * b;
    let weights = one.incoming.iter().zip(&other.incoming);
    Unit {
        incoming: weights.map(|(a, b)| mean(*a, *b)).collect(),
        bias: mean(one.bias, other.bias),
        outgoing: vec![0.0; one.outgoing.len()],
    }
}

fn activated(slice: &Shallow, unit: &Unit, inputs: MatRef<'_, f64>) -> Vec<f64> {
    let pre: Vec<f64> = (inputs.col_iter())
        .map(|x| {
            unit.bias
                + x.iter()
                    .zip(&unit.incoming)
                    .map(|(x, w)| x * w)
                    .sum::<f64>()
        })
        .collect();
    let mut value = vec![0.0; pre.len()];
    slice.activation.value(&pre, &mut value);
    value
}

/// `Σ_k Var(v_αk a_α + v_βk a_β − V_k a)` for the best `V`: by the covariances of the three signals.
fn left_over(
    slice: &Shallow,
    signals: &Mat<f64>,
    (kept, removed): (usize, usize),
    signal: &[f64],
) -> f64 {
    let examples = signal.len() as f64;
    let rows: [Vec<f64>; 3] = [
        signals.row(kept).iter().copied().collect(),
        signals.row(removed).iter().copied().collect(),
        signal.to_vec(),
    ];
    let centred = rows.map(|row| {
        let mean = row.iter().sum::<f64>() / examples;
        row.iter().map(|a| a - mean).collect::<Vec<f64>>()
    });
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / examples;
    let own = dot(&centred[2], &centred[2]);
    // residuals of both after the new signal
    let rest = |row: &[f64]| -> Vec<f64> {
        let along = if own > 0.0 {
            dot(row, &centred[2]) / own
        } else {
            0.0
        };
        row.iter()
            .zip(&centred[2])
            .map(|(a, c)| a - along * c)
            .collect()
    };
    let (one, other) = (rest(&centred[0]), rest(&centred[1]));
    let (aa, bb, ab) = (dot(&one, &one), dot(&other, &other), dot(&one, &other));
    let pairs = slice.units[kept]
        .outgoing
        .iter()
        .zip(&slice.units[removed].outgoing);
    pairs
        .map(|(v, w)| v * v * aa + w * w * bb + 2.0 * v * w * ab)
        .sum()
}
