//! How much time is spent.

/// How long to measure, and how careful to be about other processes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Seconds to wait for other processes to be idle before a measurement.
    pub quiet_wait: f64,
    /// Measure so many times more while other processes disturb, and keep the quietest.
    pub retries: usize,
    /// The most runs behind one measurement.
    pub runs: usize,
    /// Training: seconds of one run.
    pub cap: f64,
    /// Training: seconds for one optimiser on one problem, after which no new run begins.
    pub budget: f64,
    /// Training: seconds for one setting while it is tuned.
    pub probe: f64,
    /// Training: the largest number of initial vectors.
    pub starts: usize,
}

impl Default for Settings {
    /// No waiting, no retries, up to 50 runs; training runs of 8 s, 4 s an optimiser, 1.5 s a setting, seven starts.
    fn default() -> Self {
        Self {
            quiet_wait: 0.0,
            retries: 0,
            runs: 50,
            cap: 8.0,
            budget: 4.0,
            probe: 1.5,
            starts: 7,
        }
    }
}
