use super::compress::{Absorbed, CompressionStep};
use super::layers::Layers;
use super::merging::best_merge;
use super::refit::Refit;
use super::{Probe, QuotientError, Shallow};
use faer::Mat;
use neuromanifold_mlp::Mlp;

/// How many of the cheapest removals are carried out and measured at each step.
const MEASURED: usize = 3;

type Network = (Mlp, Vec<f64>);

/// A network on its way down, with the signals of its hidden layers.
pub(crate) struct Shrinking<'a> {
    probe: &'a Probe<'a>,
    /// Outputs of the original network.
    original: Vec<f64>,
    layers: Layers,
    signals: Vec<Mat<f64>>,
    fits: Vec<Refit>,
}

/// A smaller layer to go on with, carried out and measured.
struct Candidate {
    layer: usize,
    /// The fit of the layer's signals afterwards, if it is a downdate.
    removed: Option<usize>,
    layers: Layers,
    network: Network,
    step: CompressionStep,
}

impl<'a> Shrinking<'a> {
    pub(crate) fn new(
        layers: Layers,
        probe: &'a Probe<'a>,
        original: Vec<f64>,
    ) -> Result<Self, QuotientError> {
        let signals = layers.signals(probe.inputs);
        Ok(Self {
            fits: signals.iter().map(|a| Refit::of(a.as_ref())).collect(),
            signals,
            probe,
            original,
            layers,
        })
    }

    /// Takes the step that is measured to cost fewest nats of those tried. `None` when a single hidden layer is down to
    /// nothing, every one of several to one unit, or each candidate would overflow.
    pub(crate) fn step(&mut self) -> Result<Option<(CompressionStep, Network)>, QuotientError> {
        let mut best: Option<Candidate> = None;
        let mut consider = |candidate: Option<Candidate>| {
            let nats = |c: &Candidate| c.step.difference.divergence;
            if let Some(candidate) = candidate
                && best.as_ref().is_none_or(|b| nats(&candidate) < nats(b))
            {
                best = Some(candidate);
            }
        };
        for (layer, unit) in self.cheapest()? {
            let slice = self.layers.slice(layer);
            let (smaller, absorbed) = self.fits[layer].remove(&slice, unit);
            consider(self.carry_out(layer, unit, &smaller, absorbed, true)?);
        }
        for layer in self.open() {
            let slice = self.layers.slice(layer);
            let inputs = match layer {
                0 => self.probe.inputs,
                _ => self.signals[layer - 1].as_ref(),
            };
            if let Some(merge) = best_merge(&slice, inputs, &self.signals[layer], &self.fits[layer])
            {
                let absorbed = Absorbed::Merged(merge.kept);
                consider(self.carry_out(layer, merge.removed, &merge.layer, absorbed, false)?);
            }
        }
        let Some(best) = best else {
            return Ok(None);
        };
        self.layers = best.layers;
        let before = std::mem::take(&mut self.fits);
        self.signals = self.layers.signals(self.probe.inputs);
        self.fits = (self.signals.iter().zip(before).enumerate())
            .map(|(layer, (signal, fit))| match best.removed {
                _ if layer < best.layer => fit,
                Some(unit) if layer == best.layer => fit.without(unit),
                _ => Refit::of(signal.as_ref()),
            })
            .collect();
        Ok(Some((best.step, best.network)))
    }

    /// Layers that may lose a unit: one in the middle must keep its last.
    fn open(&self) -> Vec<usize> {
        let fewest = usize::from(self.layers.hidden() > 1);
        let hidden = 0..self.layers.hidden();
        hidden.filter(|l| self.layers.width(*l) > fewest).collect()
    }

    fn carry_out(
        &self,
        layer: usize,
        unit: usize,
        smaller: &Shallow,
        absorbed: Absorbed,
        downdate: bool,
    ) -> Result<Option<Candidate>, QuotientError> {
        let mut layers = self.layers.clone();
        layers.replace(layer, smaller);
        let network = layers.network()?;
        if !network.1.iter().all(|t| t.is_finite()) {
            return Ok(None);
        }
        let Ok(z) = self.probe.outputs((&network.0, &network.1)) else {
            return Ok(None); // finite weights, but outputs that overflow
        };
        let difference = self
            .probe
            .compare(&self.original, &z, network.0.outputs())?;
        let units = (0..layers.hidden()).map(|l| layers.width(l)).sum();
        Ok(difference.divergence.is_finite().then_some(Candidate {
            layer,
            removed: downdate.then_some(unit),
            layers,
            network,
            step: CompressionStep {
                layer,
                unit,
                absorbed,
                units,
                difference,
            },
        }))
    }

    /// The removals with the lowest prices, over all layers: `(layer, unit)`.
    fn cheapest(&self) -> Result<Vec<(usize, usize)>, QuotientError> {
        let mut prices: Vec<(f64, usize, usize)> = Vec::new();
        let open = self.open();
        for (layer, own) in self.prices()?.into_iter().enumerate() {
            if open.contains(&layer) {
                prices.extend(
                    own.into_iter()
                        .enumerate()
                        .map(|(unit, p)| (p, layer, unit)),
                );
            }
        }
        prices.sort_by(|a, b| a.0.total_cmp(&b.0));
        prices.truncate(MEASURED);
        Ok(prices
            .into_iter()
            .map(|(_, layer, unit)| (layer, unit))
            .collect())
    }

    /// `½ E[(Δ − e_j g_j)ᵀ H (Δ − e_j g_j)]` for every unit of every hidden layer, factor column by factor column.
    fn prices(&self) -> Result<Vec<Vec<f64>>, QuotientError> {
        let hidden = self.layers.hidden();
        let unexplained: Vec<Mat<f64>> = (self.signals.iter().zip(&self.fits))
            .map(|(signal, fit)| fit.unexplained(signal.as_ref()))
            .collect();
        let widths = (0..hidden).map(|l| vec![0.0; self.layers.width(l)]);
        let mut prices: Vec<Vec<f64>> = widths.collect();
        let (network, theta) = self.layers.network()?;
        let z = self.probe.outputs((&network, &theta))?;
        let (outputs, examples) = (network.outputs(), self.probe.inputs.ncols());
        let likelihood = self.probe.likelihood;
        let rank = likelihood.factor_rank(outputs);
        let mut factors = vec![0.0; outputs * rank * examples];
        for (z, b) in
            (self.original.chunks_exact(outputs)).zip(factors.chunks_exact_mut(outputs * rank))
        {
            likelihood.factor(z, b);
        }
        for column in 0..rank {
            let factor = Mat::from_fn(outputs, examples, |k, s| {
                factors[(s * rank + column) * outputs + k]
            });
            let gone = |s: usize| -> f64 {
                let moved = (0..outputs).map(|k| {
                    factor[(k, s)] * (z[s * outputs + k] - self.original[s * outputs + k])
                });
                moved.sum()
            };
            let gone: Vec<f64> = (0..examples).map(gone).collect();
            let derivatives = self.layers.derivatives(self.probe.inputs, &factor);
            for ((price, e), g) in prices.iter_mut().zip(&unexplained).zip(&derivatives) {
                for (s, gone) in gone.iter().enumerate() {
                    let terms = e.col(s).iter().zip(g.col(s).iter());
                    for (price, (e, g)) in price.iter_mut().zip(terms) {
                        *price += 0.5 * (gone - e * g) * (gone - e * g) / examples as f64;
                    }
                }
            }
        }
        Ok(prices)
    }
}
