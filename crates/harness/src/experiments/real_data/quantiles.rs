//! Medians and quartiles over seeds, along steps and along wall time.

use super::run::{Point, Run};

/// Median and quartiles of several runs at common abscissae.
#[derive(Debug, Clone, Default)]
pub(super) struct Bundle {
    pub(super) x: Vec<f64>,
    pub(super) middle: Vec<f64>,
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
}

/// Points of a bundle along wall time.
const TIMES: usize = 160;

/// The quantile of the values that are not NaN, by linear interpolation; NaN if there is none.
pub(super) fn quantile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = part * last as f64;
    let (below, above) = (
        values[position.floor() as usize],
        values[position.ceil() as usize],
    );
    if below.total_cmp(&above).is_eq() {
        below
    } else {
        below + position.fract() * (above - below)
    }
}

/// The median, NaN of nothing.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// What a run has at a wall time: its last point up to then. A run that is over stays what it was.
pub(super) fn at_time(run: &Run, seconds: f64) -> &Point {
    &run.points[run
        .points
        .partition_point(|point| point.seconds <= seconds)
        .max(1)
        - 1]
}

/// What a run has after it was shown so many examples.
pub(super) fn at_examples(run: &Run, seen: usize) -> &Point {
    &run.points[run
        .points
        .partition_point(|point| point.seen <= seen)
        .max(1)
        - 1]
}

/// What a run has after so many steps.
fn at_step(run: &Run, step: usize) -> &Point {
    &run.points[run
        .points
        .partition_point(|point| point.step <= step)
        .max(1)
        - 1]
}

/// Training losses against steps; the first point, before any step, is left to the time axis.
pub(super) fn along_steps(runs: &[Run]) -> Bundle {
    let longest = runs.iter().max_by_key(|run| run.last().step);
    let steps = longest
        .into_iter()
        .flat_map(|run| run.points.iter().skip(1))
        .map(|point| point.step);
    bundle(steps.map(|step| {
        (
            step as f64,
            runs.iter().map(|run| at_step(run, step).train).collect(),
        )
    }))
}

/// Training losses against wall time, from the first step of the fastest run to the end of the median run.
pub(super) fn along_time(runs: &[Run]) -> Bundle {
    let first = runs
        .iter()
        .filter_map(|run| run.points.get(1))
        .map(|point| point.seconds)
        .fold(f64::INFINITY, f64::min);
    let end = duration(runs);
    if !(first > 0.0 && first < end) {
        return Bundle::default();
    }
    let times = (0..TIMES).map(|k| first * (end / first).powf(k as f64 / (TIMES - 1) as f64));
    // Rounding must not put the last time before the end it stands for.
    let times = times.map(|time| if time > 0.999_999 * end { end } else { time });
    bundle(times.map(|time| {
        (
            time,
            runs.iter().map(|run| at_time(run, time).train).collect(),
        )
    }))
}

/// The median wall time of the runs.
pub(super) fn duration(runs: &[Run]) -> f64 {
    median(runs.iter().map(|run| run.last().seconds))
}

fn bundle(columns: impl Iterator<Item = (f64, Vec<f64>)>) -> Bundle {
    let mut bundle = Bundle::default();
    for (x, values) in columns {
        bundle.x.push(x);
        bundle.middle.push(median(values.iter().copied()));
        bundle.low.push(quantile(values.iter().copied(), 0.25));
        bundle.high.push(quantile(values, 0.75));
    }
    bundle
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // quantiles of small integers are exact
mod tests {
    use super::super::run::Ending;
    use super::*;

    fn run(points: &[(usize, f64, f64)]) -> Run {
        let point = |(step, seconds, train): &(usize, f64, f64)| Point {
            step: *step,
            seen: 8 * *step,
            seconds: *seconds,
            train: *train,
            validation: f64::NAN,
            test_error: 0.0,
        };
        Run {
            points: points.iter().map(point).collect(),
            ending: Ending::Complete,
        }
    }

    #[test]
    fn quantiles_interpolate_and_pass_over_nan() {
        let values = [4.0, f64::NAN, 1.0, 2.0, 3.0];
        assert!((median(values) - 2.5).abs() < 1e-15);
        assert!((quantile(values, 0.25) - 1.75).abs() < 1e-15);
        assert!(median([]).is_nan());
        assert_eq!(median([f64::INFINITY, f64::INFINITY]), f64::INFINITY);
    }

    #[test]
    fn a_run_that_is_over_stays_what_it_was() {
        let run = run(&[(0, 0.0, 9.0), (1, 0.1, 5.0), (2, 0.3, 1.0)]);
        let train = |seconds| at_time(&run, seconds).train;
        assert_eq!(
            [0.0, 0.05, 0.1, 0.2, 7.0].map(train),
            [9.0, 9.0, 5.0, 5.0, 1.0]
        );
    }

    #[test]
    fn bundles_end_with_the_ends_of_their_runs() {
        let runs = [
            run(&[(0, 0.0, 9.0), (1, 0.1, 5.0), (2, 0.2, 1.0)]),
            run(&[(0, 0.0, 9.0), (1, 0.1, 3.0), (2, 0.2, 2.0)]),
        ];
        let (steps, times) = (along_steps(&runs), along_time(&runs));
        assert_eq!(steps.x, [1.0, 2.0]);
        assert_eq!(steps.middle, [4.0, 1.5]);
        assert_eq!(times.x.last(), Some(&0.2));
        assert_eq!(times.middle.last(), Some(&1.5));
    }
}
