use serde::{Deserialize, Serialize};

/// What was seen after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The epoch, counted from 1; 0 before the first.
    pub epoch: u64,
    /// The steps so far.
    pub steps: u64,
    /// The loss on the training part.
    pub training: f64,
    /// The loss on the validation part; that on the training part if there is none.
    pub validation: f64,
}

/// A learning curve: losses after the epochs, thinned where they are many.
///
/// At most 1024 of them are kept, evenly spaced: when there is no more room every other one goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    looks: Vec<Look>,
    /// Epochs from one look that is kept to the next; a power of two.
    stride: u64,
}

/// The most looks that are kept.
const ROOM: usize = 1024;

impl Curve {
    pub(super) fn new() -> Self {
        Self {
            looks: Vec::new(),
            stride: 1,
        }
    }

    /// The looks that were kept, in order.
    #[must_use]
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    pub(super) fn push(&mut self, look: Look) {
        if !look.epoch.is_multiple_of(self.stride) {
            return;
        }
        if self.looks.len() >= ROOM {
            self.stride = self.stride.saturating_mul(2);
            let stride = self.stride;
            self.looks.retain(|look| look.epoch.is_multiple_of(stride));
            if !look.epoch.is_multiple_of(stride) {
                return;
            }
        }
        self.looks.push(look);
    }

    /// Whether a run of so many epochs can have left it.
    pub(super) fn is_possible(&self, epochs: u64) -> bool {
        let ordered = self.looks.windows(2).all(|w| w[0].epoch < w[1].epoch);
        let seen = self.looks.last().is_none_or(|look| look.epoch <= epochs);
        self.stride.is_power_of_two() && self.looks.len() <= ROOM && ordered && seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_evenly_spaced_looks_and_not_too_many() {
        let mut curve = Curve::new();
        for epoch in 0..10_000 {
            let (steps, training, validation) = (3 * epoch, 0.0, 0.0);
            curve.push(Look {
                epoch,
                steps,
                training,
                validation,
            });
            assert!(curve.is_possible(epoch) && curve.looks().len() <= ROOM);
        }
        let epochs: Vec<u64> = curve.looks().iter().map(|look| look.epoch).collect();
        assert!(epochs.len() > ROOM / 2 && epochs[0] == 0);
        assert!(epochs.windows(2).all(|w| w[1] - w[0] == curve.stride));
    }
}
