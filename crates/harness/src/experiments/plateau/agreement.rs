//! Simulations of many inputs beside the theory of infinitely many.

use rayon::prelude::*;

use super::learner::Learner;
use super::simulation::{Overlaps, Simulated, learn};
use super::start::Start;
use super::theory::Theory;
use super::{ASYMMETRY, ESCAPED, FAST, GRADIENT, SLOW};
use crate::experiments::fit::log_log_slope;
use crate::experiments::spread::Spread;
use crate::{Axis, Claim, Context, Figure, HarnessError, Panel, Record, Series};

const LEARNERS: [Learner; 3] = [GRADIENT, SLOW, FAST];

/// The number of inputs is the largest over one of these.
const SHARES: [usize; 4] = [1, 2, 4, 8];
/// Last α at which simulated overlaps are compared with theory: later, an escape that chance moves outweighs all else.
const LAST: usize = 10;

/// One start, one number of inputs, all learners and seeds.
struct Scene {
    start: Start,
    dimension: usize,
    seeds: usize,
    /// Last α of each learner.
    ends: [usize; 3],
}

/// Figures and claims.
pub(super) fn report(record: &mut Record, context: &Context) -> Result<(), HarnessError> {
    let largest = context.pick(200, 1000, 1000);
    let seeds = context.pick(4, 4, 20);
    let mut scenes = Vec::new();
    for share in SHARES {
        scenes.push(Scene {
            start: Start::decided()?,
            dimension: largest / share,
            // as many examples for each dimension, so that small ones are as well known as large ones
            seeds: share * seeds,
            ends: if share == 1 { [32; 3] } else { [LAST; 3] },
        });
    }
    scenes.push(Scene {
        start: Start::near_symmetric(ASYMMETRY)?,
        dimension: largest,
        seeds,
        ends: [115, 82, 88],
    });
    // the longest first
    let jobs: Vec<(usize, usize, usize)> = (scenes.iter().enumerate().rev())
        .flat_map(|(place, scene)| {
            (0..LEARNERS.len())
                .flat_map(move |slot| (0..scene.seeds).map(move |seed| (place, slot, seed)))
        })
        .collect();
    context
        .progress()
        .begin("simulation beside theory", jobs.len());
    let runs: Vec<Simulated> = jobs
        .par_iter()
        .map(|&(place, slot, seed)| {
            let scene = &scenes[place];
            // streams below 1000 belong to the other comparison
            let mut rng = context.rng(1000 + seed as u64);
            let (learner, end) = (LEARNERS[slot], scene.ends[slot]);
            let (start, dimension) = (&scene.start, scene.dimension);
            let run = learn(learner, start, dimension, end, context, &mut rng);
            context.progress().advance(1);
            run
        })
        .collect::<Result<_, _>>()?;
    let of = |place: usize, slot: usize| -> Vec<&Simulated> {
        let mine = jobs.iter().zip(&runs);
        mine.filter(|(job, _)| job.0 == place && job.1 == slot)
            .map(|(_, run)| run)
            .collect()
    };
    record.heading(format!("Theory and simulation, n = {largest}"));
    record.paragraph(
        "Every step draws one input x ~ N(0, I_{n}) and moves all 2n weights, along the gradient or along G^{−1} times it with the \
         exact metric, solved in linear time. Theory knows nothing of the examples. From a start that has chosen its teacher units the \
         two agree to within fluctuations of order n^{−½}.",
    );
    let decided = &scenes[0];
    let symmetric = &scenes[SHARES.len()];
    record.figure(learning_curves(
        "theory-and-simulation",
        format!(
            "Generalisation error of {seeds} simulations with n = {largest} inputs from a start that has chosen, median and band from the \
             smallest to the largest, and the solution of the equations of motion."
        ),
        decided,
        &|slot| of(0, slot),
    )?);
    fluctuations(record, &scenes[..SHARES.len()], &of)?;
    errors(record, decided, &|slot| of(0, slot))?;
    record.paragraph(format!(
        "An almost symmetric start is another matter. The examples of one unit of α move the overlaps by η n^{{−½}} or so, which at n = \
         {largest} is no less than the asymmetry r_{{0}} = {ASYMMETRY} of the start: chance decides sooner than theory does, and escapes \
         scatter around an earlier time. The logarithm of n takes the place of that of 1/r_{{0}}."
    ));
    record.figure(learning_curves(
        "theory-and-simulation-symmetric",
        format!(
            "The same from an almost symmetric start, r_{{0}} = {ASYMMETRY}. The plateaus agree; the time at which they end is a matter \
             of chance."
        ),
        symmetric,
        &|slot| of(SHARES.len(), slot),
    )?);
    for (slot, learner) in LEARNERS.into_iter().enumerate() {
        let expected = theory(learner).escape(&symmetric.start, ESCAPED, 300.0)?;
        let found = Spread::of(of(SHARES.len(), slot).iter().map(|run| run.escape(ESCAPED)));
        record.claim(Claim::within(
            format!(
                "{}, n = {largest}, almost symmetric start: median α at escape over that of theory, which chance may forestall",
                learner.label()
            ),
            0.4..=1.25,
            found.median / expected,
        ));
    }
    Ok(())
}

fn theory(learner: Learner) -> Theory {
    match learner {
        Learner::Natural { eta } => Theory::natural(eta),
        Learner::Gradient { eta } | Learner::Adaptive { eta, .. } => Theory::gradient(eta),
    }
}

/// A panel for each learner.
fn learning_curves<'a>(
    name: &str,
    caption: String,
    scene: &Scene,
    of: &dyn Fn(usize) -> Vec<&'a Simulated>,
) -> Result<Figure, HarnessError> {
    let mut panels = Vec::new();
    for (slot, learner) in LEARNERS.into_iter().enumerate() {
        let runs = of(slot);
        let alpha = &runs[0].alpha;
        let spread = |k: usize| Spread::of(runs.iter().map(|run| run.error[k]));
        let spreads: Vec<Spread> = (0..alpha.len()).map(spread).collect();
        let theory = theory(learner);
        let end = scene.ends[slot] as f64;
        let (trajectory, committee) = (theory.trajectory(&scene.start, end)?, theory.committee()?);
        let times: Vec<f64> = (0..=400).map(|k| end * f64::from(k) / 400.0).collect();
        let errors = times
            .iter()
            .map(|&t| committee.generalization_error(&trajectory.at(t)))
            .collect::<Result<Vec<f64>, _>>()?;
        let panel = Panel::new(
            learner.label(),
            Axis::linear("α = steps / n"),
            Axis::log("generalisation error ε_{g}").limits(1e-5, 1.0),
        );
        panels.push(
            panel
                .with(
                    Series::band(
                        "simulation",
                        alpha.iter().copied(),
                        spreads.iter().map(|s| s.median),
                        spreads.iter().map(|s| s.low),
                        spreads.iter().map(|s| s.high),
                    )
                    .slot(0),
                )
                .with(Series::line("theory", times, errors).slot(1)),
        );
    }
    Ok(Figure::multiples(name, caption, panels).share_y())
}

/// Claims about the generalisation error at a few times.
fn errors<'a>(
    record: &mut Record,
    scene: &Scene,
    of: &dyn Fn(usize) -> Vec<&'a Simulated>,
) -> Result<(), HarnessError> {
    for (slot, learner) in LEARNERS.into_iter().enumerate() {
        let theory = theory(learner);
        for alpha in [5, 10] {
            let found = Spread::of(of(slot).iter().map(|run| run.error[alpha]));
            record.claim(Claim::close_relative(
                format!(
                    "{}, n = {}: ε_{{g}} at α = {alpha}, theory beside the median of simulations",
                    learner.label(),
                    scene.dimension
                ),
                theory.error_at(&scene.start, alpha as f64)?,
                found.median,
                // fluctuations of n^{−½}, of which the error is a steep function
                5.0 / (scene.dimension as f64).sqrt(),
            ));
        }
    }
    Ok(())
}

/// Root-mean-square distance from theory over seeds, overlaps and times up to α = 10, against n.
fn fluctuations<'a>(
    record: &mut Record,
    scenes: &[Scene],
    of: &dyn Fn(usize, usize) -> Vec<&'a Simulated>,
) -> Result<(), HarnessError> {
    let mut figure = Figure::new(
        "fluctuations",
        "Root-mean-square distance of the overlaps in simulation from theory, over seeds and α = 1, …, 10, from the start that has \
         chosen. Grey: 1/√n.",
        Axis::log("inputs n"),
        Axis::log("distance of overlaps from theory"),
    );
    for (slot, learner) in LEARNERS.into_iter().enumerate() {
        let mut points = Vec::new();
        for (place, scene) in scenes.iter().enumerate() {
            let trajectory = theory(learner).trajectory(&scene.start, LAST as f64)?;
            let (mut sum, mut count) = (0.0, 0.0);
            for run in of(place, slot) {
                for (alpha, at) in run.alpha.iter().zip(&run.at).take(LAST + 1).skip(1) {
                    let expected = Overlaps::of(&trajectory.at(*alpha));
                    for (found, expected) in at.all().zip(expected.all()) {
                        sum += (found - expected) * (found - expected);
                        count += 1.0;
                    }
                }
            }
            points.push((scene.dimension as f64, (sum / count).sqrt()));
        }
        let exponent = log_log_slope(points.iter().copied());
        record.claim(Claim::close(
            format!(
                "{}: exponent of n in the distance of simulated overlaps from theory",
                learner.label()
            ),
            -0.5,
            exponent,
            0.25,
        ));
        if let Some(&(n, distance)) = points.first() {
            record.claim(Claim::at_most(
                format!(
                    "{}: root-mean-square distance of simulated overlaps from theory, times √n, n = {n}",
                    learner.label()
                ),
                2.0,
                distance * n.sqrt(),
            ));
            let x = points.iter().map(|point| point.0);
            let line = points.iter().map(|point| distance * (n / point.0).sqrt());
            figure = figure.with(Series::guide("1/√n", x, line));
        }
        figure = figure.with(
            Series::marked_line(
                learner.label(),
                points.iter().map(|p| p.0),
                points.iter().map(|p| p.1),
            )
            .slot(slot),
        );
    }
    record.figure(figure);
    Ok(())
}
