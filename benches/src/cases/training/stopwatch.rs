//! A clock that runs only while an optimiser works.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// When a target was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) seconds: f64,
    pub(super) steps: u64,
}

/// Seconds of training, and when which target was reached.
#[derive(Clone, Debug)]
pub(super) struct Stopwatch {
    targets: Vec<f64>,
    hits: Vec<Option<Hit>>,
    cap: f64,
    elapsed: Duration,
    steps: u64,
    best: f64,
}

impl Stopwatch {
    pub(super) fn new(targets: &[f64], cap: f64) -> Self {
        Self {
            targets: targets.to_vec(),
            hits: vec![None; targets.len()],
            cap,
            elapsed: Duration::ZERO,
            steps: 0,
            best: f64::INFINITY,
        }
    }

    /// Does some steps on the clock.
    pub(super) fn run<T>(&mut self, steps: u64, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.elapsed += start.elapsed();
        self.steps += steps;
        result
    }

    /// Notes the loss after the last step. Breaks where all targets are reached, time is up, or the loss is NaN.
    pub(super) fn see(&mut self, loss: f64) -> ControlFlow<()> {
        self.best = self.best.min(loss);
        let now = Hit {
            seconds: self.seconds(),
            steps: self.steps,
        };
        for (hit, target) in self.hits.iter_mut().zip(&self.targets) {
            if hit.is_none() && loss <= *target {
                *hit = Some(now);
            }
        }
        let done = self.hits.iter().all(Option::is_some);
        if done || self.seconds() > self.cap || loss.is_nan() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    pub(super) fn hit(&self, target: usize) -> Option<Hit> {
        self.hits[target]
    }

    pub(super) fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn best(&self) -> f64 {
        self.best
    }

    /// How many targets were reached, and a number that is the smaller the better: seconds to all of them, or the loss.
    pub(super) fn standing(&self) -> (usize, f64) {
        let hits: Vec<Hit> = self.hits.iter().flatten().copied().collect();
        let last = hits
            .iter()
            .fold(0.0, |last: f64, hit| last.max(hit.seconds));
        let all = hits.len() == self.targets.len();
        (hits.len(), if all { last } else { self.best })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_is_on_the_clock_and_targets_are_stamped_once() {
        let mut watch = Stopwatch::new(&[1.0, 0.1], 1e9);
        std::thread::sleep(Duration::from_millis(20));
        assert!(watch.seconds() <= 0.0);
        watch.run(3, || std::thread::sleep(Duration::from_millis(2)));
        assert!(watch.see(0.5).is_continue());
        let first = watch.hit(0).expect("the first target is reached");
        assert!(first.seconds >= 2e-3 && first.steps == 3 && watch.hit(1).is_none());
        assert!(watch.see(2.0).is_continue());
        assert_eq!(watch.standing(), (1, 0.5));
        watch.run(1, || ());
        assert!(watch.see(0.1).is_break());
        assert_eq!(watch.hit(0), Some(first));
        assert!(Stopwatch::new(&[1.0], 1e9).see(f64::NAN).is_break());
        assert!(Stopwatch::new(&[1.0], -1.0).see(2.0).is_break());
    }
}
