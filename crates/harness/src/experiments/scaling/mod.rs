//! How does the cost of each representation of the metric grow with the sizes of the problem?

mod counted;
mod report;
mod representation;
mod shape;
mod size;
mod sweep;

use self::representation::Representation;
use self::size::Size;
use self::sweep::{Sweep, asked};
use crate::{Claim, Context, Experiment, HarnessError, Record, Source};

/// `scaling`: counted and timed work of the representations against P, N, K and depth.
///
/// What a representation asks of the map is counted, and the counts are exact. Times are those of the processor on one
/// thread, the fastest of several rounds through all networks; where an exponent is off, rounds are added, and if the rounds
/// still differ from each other, the report says so and claims nothing.
#[derive(Debug)]
pub struct Scaling;

impl Experiment for Scaling {
    fn name(&self) -> &'static str {
        "scaling"
    }

    fn title(&self) -> &'static str {
        "What the metric costs"
    }

    fn question(&self) -> &'static str {
        "How does the cost of the Fisher metric grow with parameters, examples, classes and depth, as a matrix, in sample \
         space, and as a product?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "I. Goodfellow",
                2015,
                "Efficient per-example gradient computations",
                "preprint",
            )
            .arxiv("1510.01799"),
            Source::new(
                "N. N. Schraudolph",
                2002,
                "Fast curvature matrix-vector products for second-order gradient descent",
                "Neural Computation 14(7), 1723–1738",
            )
            .doi("10.1162/08997660260028683"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let mut record = Record::new();
        record.paragraph(
            "None of these forms the Jacobian. `DenseFisher` carries the r covectors of every example back once and \
             contracts them before it multiplies; `GramFisher` takes inner products of what was carried back, layer by \
             layer; `FisherOperator` makes one pass forward and one pass back a product; `DiagonalFisher` multiplies squares.",
        );
        let mut sweeps = Vec::new();
        for size in Size::ALL {
            for representation in Representation::ALL {
                sweeps.push(Sweep::new(size, representation, context));
            }
        }
        counts(&mut record, &sweeps, context)?;
        // One thread: whether a product is worth a second one depends on its size, which would bend the lines.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .map_err(|source| HarnessError::Thread { source })?;
        pool.install(|| time(&mut sweeps, context))?;
        report::write(&mut record, &sweeps);
        Ok(record)
    }
}

/// Rounds through all sweeps, so that a busy minute spoils one round of each and not all rounds of one; then more of those
/// that do not agree with their count.
fn time(sweeps: &mut [Sweep], context: &Context) -> Result<(), HarnessError> {
    let rounds = context.pick(2, 5, 15);
    let more = context.pick(6, 15, 30);
    context.progress().begin("timing", rounds * sweeps.len());
    for _ in 0..rounds {
        for sweep in &mut *sweeps {
            sweep.round(context)?;
            context.progress().advance(1);
        }
    }
    for _ in 0..more {
        for sweep in sweeps.iter_mut().filter(|sweep| !sweep.agrees()) {
            sweep.round(context)?;
        }
    }
    Ok(())
}

/// What the representations ask of the map, on all networks; and the exponents in N, which are exact.
fn counts(record: &mut Record, sweeps: &[Sweep], context: &Context) -> Result<(), HarnessError> {
    for representation in Representation::ALL {
        let (mut right, mut all) = (0, 0);
        for sweep in sweeps.iter().filter(|s| s.representation == representation) {
            for timed in &sweep.points {
                context.check()?;
                let (got, expected) = asked(representation, &timed.shape, context)?;
                all += 1;
                right += usize::from(got == expected);
            }
        }
        let what = match representation {
            Representation::Matrix | Representation::Diagonal => {
                "rN covectors carried back, each once, and nothing else"
            }
            Representation::SampleSpace => "one Gram matrix, and with a solve one product Jᵀu",
            Representation::Operator => "one product J v and one Jᵀu",
        };
        record.claim(Claim::equal(
            format!(
                "{}: {what}; networks of {all} for which this was counted",
                representation.name()
            ),
            all,
            right,
        ));
    }
    for sweep in sweeps.iter().filter(|sweep| sweep.size == Size::Examples) {
        let exponent = sweep.size.asymptotic(sweep.representation);
        record.claim(Claim::close(
            format!(
                "{} against N: exponent of the multiplications",
                sweep.representation.name()
            ),
            exponent,
            sweep.counted_exponent(),
            0.01,
        ));
    }
    Ok(())
}
