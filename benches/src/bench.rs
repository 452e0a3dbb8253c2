//! A run of the chosen cases.

use crate::machine::{Sweep, gemm};
use crate::measurement::rounded;
use crate::problem::Source;
use crate::{BenchError, CASES, Measurement, Selection, Settings, Timing};

/// Who hears of a run while it goes on.
pub trait Listener {
    /// A case begins, or a part of it.
    fn begins(&mut self, what: &str);

    /// A measurement was made.
    ///
    /// # Errors
    /// Whatever keeps it from being kept; the run ends.
    fn measured(&mut self, measurement: &Measurement) -> Result<(), BenchError>;
}

/// What a case needs: data, threads, time, and somebody to report to.
pub struct Bench<'a> {
    pub(crate) source: &'a Source,
    pub(crate) settings: Settings,
    pub(crate) selection: &'a Selection,
    pub(crate) threads: usize,
    pub(crate) listener: &'a mut dyn Listener,
    sweep: Option<Sweep>,
}

/// What a fraction is a fraction of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    /// So many multiplications with their additions, beside the rate of matrix products.
    Multiplications(f64),
    /// So many bytes read, beside the rate of reading memory.
    Bytes(f64),
}

/// Runs of the machine's own rates beside each case.
const RATE_RUNS: usize = 5;
/// The same where the rates themselves are asked for.
const MACHINE_RUNS: usize = 15;

/// Measures the chosen cases with so many threads, after the rates of the machine.
///
/// A case whose algorithm fails is reported as a measurement with the metric `error`, and the others go on.
///
/// # Errors
/// [`BenchError::Threads`]; what is wrong with the data; whatever the listener says.
pub fn run(
    selection: &Selection,
    source: &Source,
    settings: Settings,
    threads: usize,
    listener: &mut (dyn Listener + Send),
) -> Result<(), BenchError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|source| BenchError::Threads { threads, source })?;
    pool.install(|| {
        let mut bench = Bench {
            source,
            settings,
            selection,
            threads,
            listener,
            sweep: None,
        };
        bench.rates()?;
        for case in CASES.iter().filter(|case| selection.includes(case)) {
            bench.listener.begins(case.name);
            match (case.run)(case.name, &mut bench) {
                Err(error) if error.concerns_one_case() => {
                    let failure = Measurement::failure(case.name, error.to_string(), threads);
                    bench.listener.measured(&failure)?;
                }
                done => done?,
            }
        }
        Ok(())
    })
}

impl std::fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench")
            .field("source", &self.source)
            .field("settings", &self.settings)
            .field("selection", &self.selection)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl Bench<'_> {
    /// Rates of the machine, as measurements of their own.
    fn rates(&mut self) -> Result<(), BenchError> {
        self.listener.begins("rates of the machine");
        let (rate, timing) = gemm(MACHINE_RUNS.min(self.settings.runs));
        let flops = rate * timing.min;
        self.emit(&self.rate("P7_dgemm_n1024", "rate", "GFLOP/s", flops, timing))?;
        let runs = self.settings.runs;
        let (rate, timing) = self.sweep().read(MACHINE_RUNS.min(runs));
        let bytes = rate * timing.min;
        self.emit(&self.rate("P7_read_sweep", "bandwidth", "GB/s", bytes, timing))
    }

    fn rate(
        &self,
        case: &str,
        metric: &str,
        unit: &'static str,
        work: f64,
        timing: Timing,
    ) -> Measurement {
        let case = format!("{case}_t{}", self.threads);
        let giga = 1e-9 * work;
        Measurement::new(
            &case,
            metric,
            giga / timing.median,
            unit,
            timing.runs,
            self.threads,
        )
        .with("best", rounded(giga / timing.min, 4))
        .with("other_cpu", timing.other_cpu)
    }

    fn sweep(&mut self) -> &Sweep {
        self.sweep.get_or_insert_with(Sweep::default)
    }

    /// Hands a measurement on.
    pub(crate) fn emit(&mut self, measurement: &Measurement) -> Result<(), BenchError> {
        self.listener.measured(measurement)
    }

    /// A timing with its fraction of the best rate that the machine shows right now.
    pub(crate) fn timed(
        &mut self,
        case: &str,
        metric: &str,
        timing: Timing,
        unit: (&'static str, f64),
        work: Rate,
    ) -> Measurement {
        let runs = RATE_RUNS.min(self.settings.runs);
        let (key, amount, rate) = match work {
            Rate::Multiplications(count) => ("gemm_fraction", 2.0 * count, gemm(runs).0),
            Rate::Bytes(count) => ("read_fraction", count, self.sweep().read(runs).0),
        };
        Measurement::timed(case, metric, timing, unit, self.threads)
            .with(key, rounded(amount / timing.median / rate, 3))
    }
}
