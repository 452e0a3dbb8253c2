use crate::krylov::Krylov;
use crate::ritz::Ritz;
use crate::{Metric, MetricError, RitzPairs};
use rand::Rng;

/// A few eigenvalues at one end of the spectrum of any [`Metric`], with their eigenvectors, from products `G v` alone.
///
/// Lanczos' iteration with full reorthogonalisation. When its basis is full it restarts with the best Ritz vectors
/// (thick restart), so memory is bounded by [`basis`](Self::basis) vectors of length `P`. The end that is well separated
/// converges first: the largest eigenvalues of a Fisher metric take a few dozen products, the smallest, which pile up at
/// zero, may take as many as its rank.
///
/// A Krylov space contains *one* vector of each eigenspace, so one iteration finds an eigenvalue once, however often it
/// occurs; [`copies`](Self::copies) says whether that will do.
///
/// ```
/// use neuromanifold_geometry::{DenseFisher, Lanczos, Metric, faer::Mat};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// // eigenvalues 1, 1/4, 1/9, …
/// let metric = Mat::from_fn(50, 50, |i, j| if i == j { 1.0 / ((i + 1) * (i + 1)) as f64 } else { 0.0 });
/// let metric = DenseFisher::from_matrix(metric.as_ref())?;
/// let top = Lanczos::largest(3).run(&metric, &mut ChaCha8Rng::seed_from_u64(1))?;
/// assert!((top.eigenvalues[2] - 1.0 / 9.0).abs() < 1e-10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// C. Lanczos, J. Res. Nat. Bur. Stand. 45 (1950) 255–282, doi:10.6028/jres.045.026; K. Wu, H. Simon, *Thick-restart Lanczos
/// method for large symmetric eigenvalue problems*, SIAM J. Matrix Anal. Appl. 22 (2000) 602–616,
/// doi:10.1137/S0895479898334605.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lanczos {
    /// How many eigenpairs.
    pub pairs: usize,
    /// From which end.
    pub end: End,
    /// Whether an eigenvalue that occurs several times is to be found as often.
    pub copies: Copies,
    /// The residual `|G u − λ u|` to reach, relative to the largest eigenvalue. Eigenvalues are then right to about its square
    /// where they are isolated, and never worse than it.
    pub tolerance: f64,
    /// The most products with `G` to spend.
    pub max_products: usize,
    /// The most vectors of length `P` to keep; at least two more than `pairs`, better three times as many.
    pub basis: usize,
}

/// An end of the spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The largest eigenvalues, descending.
    Largest,
    /// The smallest eigenvalues, ascending.
    ///
    /// A Krylov space does not change when the metric is shifted, so this is also the iteration for `λ_max I − G`. What
    /// it can tell apart is bounded by [`tolerance`](Lanczos::tolerance) times the *largest* eigenvalue: whether a small
    /// one is zero is for [`Spectrum`](crate::Spectrum) to decide.
    Smallest,
}

/// What to do about eigenvalues that occur several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// Stop when one Krylov space has answered. An eigenvalue that occurs several times may be found once.
    ///
    /// Enough where the parameters are in general position and the end is the large one.
    AsFound,
    /// Confirm: search the orthogonal complement of what was found from new random vectors, until it holds nothing
    /// beyond the last eigenvalue. Residuals are then computed afresh.
    ///
    /// Costs about as many products again, and is right with probability one.
    All,
}

impl Lanczos {
    /// The `pairs` largest eigenvalues to 1e-8 of the largest, with room for three bases and a thousand products.
    #[must_use]
    pub fn largest(pairs: usize) -> Self {
        Self {
            pairs,
            end: End::Largest,
            copies: Copies::AsFound,
            tolerance: 1e-8,
            max_products: 1000 + 10 * pairs,
            basis: 3 * pairs + 40,
        }
    }

    /// The `pairs` smallest eigenvalues, found as often as they occur, otherwise as [`largest`](Self::largest).
    #[must_use]
    pub fn smallest(pairs: usize) -> Self {
        Self {
            end: End::Smallest,
            copies: Copies::All,
            ..Self::largest(pairs)
        }
    }

    /// Iterates from a random vector.
    ///
    /// Deterministic for a given state of `rng`, with any number of threads. Cost: the products, and `4·P·j` operations for
    /// the `j`-th; memory `P·basis` numbers.
    ///
    /// # Errors
    /// [`MetricError::EigenpairsDidNotConverge`], which holds what there is with its residuals;
    /// [`MetricError::Eigenpairs`], [`MetricError::Basis`], [`MetricError::StoppingRule`] for a request that makes no sense;
    /// [`MetricError::NotFinite`] from a product.
    pub fn run(&self, metric: &dyn Metric, rng: &mut dyn Rng) -> Result<RitzPairs, MetricError> {
        let dim = metric.dim();
        self.check(dim)?;
        let mut krylov = Krylov::new(dim, self.basis.min(dim));
        krylov.append_random(rng);
        let first = self.converge(metric, &mut krylov, self.pairs, rng)?;
        match self.copies {
            Copies::AsFound => Ok(first.pairs(&krylov, self.pairs)),
            Copies::All => self.confirm(metric, &mut krylov, first, rng),
        }
    }

    fn check(&self, dim: usize) -> Result<(), MetricError> {
        if self.pairs == 0 || self.pairs > dim {
            return Err(MetricError::Eigenpairs {
                asked: self.pairs,
                dim,
            });
        }
        let at_least = match self.copies {
            Copies::AsFound => self.pairs + 2,
            Copies::All => self.pairs + 3,
        };
        if self.basis < at_least.min(dim) {
            return Err(MetricError::Basis {
                basis: self.basis,
                at_least: at_least.min(dim),
            });
        }
        if self.tolerance > 0.0 && self.tolerance.is_finite() {
            Ok(())
        } else {
            Err(MetricError::StoppingRule {
                tolerance: self.tolerance,
            })
        }
    }

    /// Searches the complement of the pairs found until it yields none that belongs among them.
    fn confirm(
        &self,
        metric: &dyn Metric,
        krylov: &mut Krylov,
        mut found: Ritz,
        rng: &mut dyn Rng,
    ) -> Result<RitzPairs, MetricError> {
        loop {
            let before = found.values[..self.pairs].to_vec();
            found.keep(krylov, self.pairs);
            if krylov.append_random(rng) {
                // one more than asked for: the best of the complement, whose convergence is the confirmation
                found = self.converge(metric, krylov, self.pairs + 1, rng)?;
            } else {
                found = Ritz::of(krylov, self.end)?;
            }
            // A value that belonged among them has moved others inwards, the last of which may equal the one that left: so
            // all are compared, and together they move by at least as much as it lies beyond the last.
            let moved = before.iter().zip(&found.values);
            let change: f64 = moved.map(|(old, new)| (old - new).abs()).sum();
            if krylov.len() == krylov.dim() || change <= self.tolerance * found.largest() {
                let mut pairs = found.pairs(krylov, self.pairs);
                pairs.measure_residuals(metric, krylov.unit());
                return Ok(pairs);
            }
        }
    }

    /// Expands the space until the outermost `wanted` Ritz pairs have converged.
    fn converge(
        &self,
        metric: &dyn Metric,
        krylov: &mut Krylov,
        wanted: usize,
        rng: &mut dyn Rng,
    ) -> Result<Ritz, MetricError> {
        let mut look = wanted.max(krylov.len());
        loop {
            krylov.multiply(metric)?;
            let len = krylov.len();
            let full = len == krylov.capacity();
            let spent = krylov.products >= self.max_products;
            let whole = len == krylov.dim();
            if full || spent || whole || len >= look {
                let ritz = Ritz::of(krylov, self.end)?;
                let converged = ritz.converged(wanted, self.tolerance);
                if whole || (converged == wanted && len >= wanted) {
                    return Ok(ritz);
                }
                if spent {
                    return Err(MetricError::EigenpairsDidNotConverge {
                        converged,
                        wanted,
                        tolerance: self.tolerance,
                        best: Box::new(ritz.pairs(krylov, self.pairs.min(len))),
                    });
                }
                if full {
                    let kept = wanted + (len - wanted) / 2;
                    ritz.keep(krylov, kept.min(len - 1));
                    if krylov.beta > 0.0 {
                        krylov.append_coupled(&ritz.couplings[..krylov.len()]);
                    } else {
                        krylov.append_random(rng);
                    }
                    look = krylov.len() + 4;
                    continue;
                }
                // looking costs 9 len³: not more often than the space has grown by a tenth
                look = len + (len / 10).max(2);
            }
            if krylov.beta > 0.0 {
                krylov.append_residual();
            } else {
                krylov.append_random(rng);
            }
        }
    }
}
