use super::OrderParameters;
use super::dormand_prince::Arc;

/// A solution of the equations of motion, `0 ≤ α ≤` [`end`](Self::end), that can be read at any time in between.
///
/// Between the ends of its steps it is a polynomial of fourth order, whose error is of the size of that of the steps.
#[derive(Clone, Debug)]
pub struct Trajectory {
    pub(super) start: OrderParameters,
    pub(super) arcs: Vec<Arc>,
    pub(super) end: f64,
    pub(super) event: Option<f64>,
    pub(super) rejected: usize,
}

impl Trajectory {
    /// The last α.
    #[must_use]
    pub fn end(&self) -> f64 {
        self.end
    }

    /// The α at which the event that was waited for came; the trajectory ends there. `None` if it did not come, or none was
    /// waited for.
    #[must_use]
    pub fn event(&self) -> Option<f64> {
        self.event
    }

    /// Steps that were taken, each at the price of six evaluations of the drift.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.arcs.len()
    }

    /// Steps that were tried and found too long.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// The order parameters at a time.
    ///
    /// Cost: `O(K(K+M))`, and a binary search.
    ///
    /// # Panics
    /// If α is not between 0 and [`end`](Self::end).
    #[must_use]
    #[track_caller]
    pub fn at(&self, alpha: f64) -> OrderParameters {
        assert!(
            (0.0..=self.end).contains(&alpha),
            "α = {alpha} is not between 0 and {}",
            self.end
        );
        let after = self.arcs.partition_point(|arc| arc.end() < alpha);
        match self.arcs.get(after).or(self.arcs.last()) {
            Some(arc) => self.start.shaped_as_self(&arc.at(alpha.min(arc.end()))),
            None => self.start.clone(),
        }
    }

    /// The order parameters at the end.
    #[must_use]
    pub fn last(&self) -> OrderParameters {
        self.at(self.end)
    }
}
