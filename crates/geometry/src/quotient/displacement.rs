use super::critical::Finder;
use super::stratum::{CriticalSubspace, Stratum};
use super::{AnalyticNullSpace, QuotientError, Shallow, Tolerance, Unit};

/// A unit with other weights.
pub(crate) struct Moved {
    pub(crate) unit: usize,
    pub(crate) incoming: Vec<f64>,
    pub(crate) bias: f64,
    pub(crate) outgoing: Vec<f64>,
}

impl Moved {
    fn unit(&self) -> Unit {
        Unit {
            incoming: self.incoming.clone(),
            bias: self.bias,
            outgoing: self.outgoing.clone(),
        }
    }
}

impl Finder<'_> {
    /// The stratum at the moved units, if that is within the radius.
    pub(crate) fn stratum(
        &self,
        stratum: Stratum,
        moved: &[Moved],
        leaf: Vec<f64>,
        radius: f64,
    ) -> Result<Option<CriticalSubspace>, QuotientError> {
        let mut squared = 0.0;
        for m in moved {
            let own = &self.shallow.units[m.unit];
            let pairs = own.incoming.iter().zip(&m.incoming);
            let pairs = pairs.chain(own.outgoing.iter().zip(&m.outgoing));
            squared += pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            squared += (own.bias - m.bias) * (own.bias - m.bias);
        }
        let distance = squared.sqrt();
        if distance > radius {
            return Ok(None);
        }
        let divergence = self.divergence(moved)?;
        let alone = Shallow {
            activation: self.shallow.activation,
            inputs: self.shallow.inputs,
            hidden_bias: self.shallow.hidden_bias,
            output_bias: self.shallow.output_bias,
            units: moved.iter().map(Moved::unit).collect(),
            constant: self.shallow.constant.clone(),
        };
        let (net, theta) = alone.network()?;
        let null = AnalyticNullSpace::of(&net, &theta, Tolerance::default())?;
        Ok(Some(CriticalSubspace {
            null_directions: null.nullity(),
            stratum,
            leaf,
            distance,
            nearest: moved.iter().flat_map(|m| self.changes(m)).collect(),
            divergence,
        }))
    }

    /// `D` between the network and the one with some units moved: only their contributions change.
    fn divergence(&self, moved: &[Moved]) -> Result<f64, QuotientError> {
        let outputs = self.shallow.outputs();
        let mut changed = self.outputs.clone();
        for m in moved {
            let own = &self.shallow.units[m.unit];
            let before = self.signal(&own.incoming, own.bias);
            let after = self.signal(&m.incoming, m.bias);
            for (z, (before, after)) in changed
                .chunks_exact_mut(outputs)
                .zip(before.iter().zip(&after))
            {
                for (z, (old, new)) in z.iter_mut().zip(own.outgoing.iter().zip(&m.outgoing)) {
                    *z += new * after - old * before;
                }
            }
        }
        Ok(self
            .probe
            .compare(&self.outputs, &changed, outputs)?
            .divergence)
    }

    /// `φ(w·x_s + b)` for all examples.
    fn signal(&self, incoming: &[f64], bias: f64) -> Vec<f64> {
        let pre: Vec<f64> = (self.probe.inputs.col_iter())
            .map(|x| bias + x.iter().zip(incoming).map(|(x, w)| x * w).sum::<f64>())
            .collect();
        let mut value = vec![0.0; pre.len()];
        self.shallow.activation.value(&pre, &mut value);
        value
    }

    /// The entries of θ that differ at the moved unit.
    fn changes(&self, m: &Moved) -> Vec<(usize, f64)> {
        let (hidden, output) = (&self.net.layers()[0], &self.net.layers()[1]);
        let own = &self.shallow.units[m.unit];
        let incoming = hidden
            .incoming(m.unit)
            .zip(own.incoming.iter().zip(&m.incoming));
        let bias = hidden
            .bias()
            .map(|b| (b.start + m.unit, (&own.bias, &m.bias)));
        let outgoing = (0..own.outgoing.len())
            .map(|k| output.incoming(k).start + m.unit)
            .zip(own.outgoing.iter().zip(&m.outgoing));
        (incoming.chain(bias).chain(outgoing))
            .filter(|(_, (old, new))| old.to_bits() != new.to_bits())
            .map(|(p, (_, new))| (p, *new))
            .collect()
    }
}
