//! One representation along one size: counts, times, exponents.

use cpu_time::ThreadTime;
use neuromanifold_geometry::{GramFisher, Inverse};
use neuromanifold_model::OutputMap as _;

use super::counted::{Asked, Counted};
use super::representation::Representation;
use super::shape::Shape;
use super::size::Size;
use crate::experiments::fit::log_log_slope;
use crate::experiments::spread::Spread;
use crate::{Context, HarnessError};

/// Times of one representation along one size.
pub(super) struct Sweep {
    pub(super) size: Size,
    pub(super) representation: Representation,
    pub(super) points: Vec<Timed>,
}

/// One network, and the processor seconds of the fastest run in each round.
pub(super) struct Timed {
    pub(super) shape: Shape,
    seconds: Vec<f64>,
}

/// How far a fitted exponent may be from that of the counted multiplications. Sizes are finite, so parts of the work whose
/// exponents are smaller still show, and small products run at a lower rate than large ones.
pub(super) const TOLERANCE: f64 = 0.35;
/// A round that is typically so many times slower than the fastest was not alone on the machine.
const DISTURBED: f64 = 1.15;
/// Runs in one round, of which the fastest counts.
const RUNS: usize = 3;

impl Timed {
    /// The fastest run.
    pub(super) fn fastest(&self) -> f64 {
        Spread::of(self.seconds.iter().copied()).low
    }

    fn disturbed(&self) -> bool {
        let spread = Spread::of(self.seconds.iter().copied());
        spread.median > DISTURBED * spread.low
    }
}

impl Sweep {
    pub(super) fn new(size: Size, representation: Representation, context: &Context) -> Self {
        let shapes = size.shapes(representation, context.effort());
        let timed = |shape| Timed {
            shape,
            seconds: Vec::new(),
        };
        Self {
            size,
            representation,
            points: shapes.into_iter().map(timed).collect(),
        }
    }

    /// Times every network once more, by the clock of the thread, which stands still while others have the processor.
    pub(super) fn round(&mut self, context: &Context) -> Result<(), HarnessError> {
        for timed in &mut self.points {
            context.check()?;
            let point = timed.shape.point(&mut context.rng(0))?;
            let batch = point.net.on_slice(&point.inputs)?;
            let at = batch.linearize(&point.theta)?;
            let likelihood = timed.shape.likelihood();
            let mut work = self.representation.work(at.as_ref(), likelihood)?;
            work()?;
            let mut fastest = f64::INFINITY;
            for _ in 0..RUNS {
                let start = ThreadTime::now();
                work()?;
                fastest = fastest.min(start.elapsed().as_secs_f64());
            }
            timed.seconds.push(fastest);
        }
        Ok(())
    }

    /// The fitted exponent of the time.
    pub(super) fn exponent(&self) -> f64 {
        let along = |timed: &Timed| (self.size.of(&timed.shape), timed.fastest());
        log_log_slope(self.points.iter().map(along))
    }

    /// The fitted exponent of the multiplications on the same networks.
    pub(super) fn counted_exponent(&self) -> f64 {
        log_log_slope(self.points.iter().map(|timed| {
            let count = self.representation.multiplications(&timed.shape);
            (self.size.of(&timed.shape), count)
        }))
    }

    /// Whether time follows the count.
    pub(super) fn agrees(&self) -> bool {
        (self.exponent() - self.counted_exponent()).abs() <= TOLERANCE
    }

    /// Whether something else was running.
    pub(super) fn disturbed(&self) -> bool {
        self.points.iter().any(Timed::disturbed)
    }

    /// Multiplications in a nanosecond on the largest network.
    pub(super) fn rate(&self) -> f64 {
        self.points.last().map_or(f64::NAN, |timed| {
            1e-9 * self.representation.multiplications(&timed.shape) / timed.fastest()
        })
    }
}

/// What a representation asks of a linearisation, and what it should.
pub(super) fn asked(
    representation: Representation,
    shape: &Shape,
    context: &Context,
) -> Result<(Asked, Asked), HarnessError> {
    let point = shape.point(&mut context.rng(0))?;
    let batch = point.net.on_slice(&point.inputs)?;
    let at = batch.linearize(&point.theta)?;
    let counted = Counted::new(at.as_ref());
    let columns = shape.rank() * shape.examples;
    let expected = match representation {
        Representation::Matrix | Representation::Diagonal => Asked {
            carried: columns,
            ..Asked::default()
        },
        Representation::SampleSpace => Asked {
            grams: 1,
            back: 1,
            ..Asked::default()
        },
        Representation::Operator => Asked {
            forward: 1,
            back: 1,
            ..Asked::default()
        },
    };
    if representation == Representation::SampleSpace {
        // with a solve, so that what is asked for after `K` is counted as well
        let gram = GramFisher::new(&counted, shape.likelihood())?;
        let mut step = point.theta.clone();
        gram.raise_whitened(&vec![1.0; columns], Inverse::damped(1.0), &mut step)?;
    } else {
        representation.work(&counted, shape.likelihood())?()?;
    }
    Ok((counted.take(), expected))
}
