use crate::binary_unit::binary_unit;
use crate::gauss_rule::GaussRule;
use crate::krylov::Krylov;
use crate::{Estimate, Metric, MetricError, RankTolerance};
use rand::Rng;

/// The whole spectrum of any [`Metric`], estimated from a few random vectors: traces of functions of it, and its density.
///
/// For a random vector `v` of signs, `vᵀ f(G) v` has the mean `tr f(G)`. Each is integrated by the Gauss rule that
/// Lanczos' iteration from `v` yields: nodes are Ritz values, weights the squared first entries of their vectors. With `m`
/// steps polynomials up to degree `2m − 1` are integrated exactly, so the only error of a trace is that of sampling;
/// smooth functions converge geometrically in `m`, and `m` steps on a metric with at most `m` distinct eigenvalues are
/// exact for any function. Standard errors are taken over the probe vectors: they do not see the error of too few steps.
///
/// The null space is not smeared into a peak of small eigenvalues: eigenvalues that count as zero are an atom of the
/// density, reported as a number of dimensions.
///
/// ```
/// use neuromanifold_geometry::{DenseFisher, RankTolerance, SpectralDensity, faer::Mat};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// // rank 30 of 100
/// let metric = Mat::from_fn(100, 100, |i, j| if i == j && i < 30 { 1.0 + i as f64 } else { 0.0 });
/// let metric = DenseFisher::from_matrix(metric.as_ref())?;
/// let density = SpectralDensity::estimate(&metric, 8, 40, &mut ChaCha8Rng::seed_from_u64(1))?;
/// let nullity = density.nullity(RankTolerance::Relative(1e-10));
/// assert!((nullity.mean - 70.0).abs() <= 4.0 * nullity.standard_error + 1e-9);
/// assert!((density.trace().mean - 465.0).abs() < 1e-9); // signs: exact for a diagonal matrix
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// S. Ubaru, J. Chen, Y. Saad, *Fast estimation of tr(f(A)) via stochastic Lanczos quadrature*, SIAM J. Matrix Anal. Appl.
/// 38 (2017) 1075–1099, doi:10.1137/16M1104974; B. Ghorbani, S. Krishnan, Y. Xiao, *An investigation into neural net
/// optimization via Hessian eigenvalue density*, ICML 2019, arXiv:1901.10159.
#[derive(Clone, Debug)]
pub struct SpectralDensity {
    dim: usize,
    rules: Vec<GaussRule>,
    largest: f64,
    nullity: Option<usize>,
    products: usize,
}

impl SpectralDensity {
    /// Runs `steps` products from each of `probes` vectors of random signs.
    ///
    /// Cost: `probes · steps` products, and `2·P·steps²` operations a probe. Memory: `P·steps` numbers.
    ///
    /// # Errors
    /// [`MetricError::Probes`] for fewer than two, of which no error can be estimated; [`MetricError::Basis`] for no
    /// steps; [`MetricError::NotFinite`] from a product.
    pub fn estimate(
        metric: &dyn Metric,
        probes: usize,
        steps: usize,
        rng: &mut dyn Rng,
    ) -> Result<Self, MetricError> {
        let dim = metric.dim();
        if probes < 2 {
            return Err(MetricError::Probes {
                probes,
                at_least: 2,
            });
        }
        if steps == 0 {
            return Err(MetricError::Basis {
                basis: steps,
                at_least: 1,
            });
        }
        let mut krylov = Krylov::new(dim, steps.min(dim));
        let mut probe = vec![0.0; dim];
        let mut rules = Vec::with_capacity(probes);
        for _ in 0..probes {
            random_signs(rng, &mut probe);
            krylov.start(&probe);
            rules.push(GaussRule::grow(metric, &mut krylov)?);
        }
        let nodes = rules.iter().flat_map(|rule| &rule.nodes);
        Ok(Self {
            dim,
            largest: nodes.fold(0.0, |m: f64, node| m.max(*node)),
            rules,
            nullity: None,
            products: krylov.products,
        })
    }

    /// States the nullity where it is known exactly: `P − rN` when the `rN` columns are independent, or the number of
    /// analytic null directions.
    ///
    /// Sums then take the null space at its exact dimension in place of what the probes saw of it.
    ///
    /// # Errors
    /// [`MetricError::Nullity`] if it exceeds the dimension.
    pub fn with_nullity(mut self, nullity: usize) -> Result<Self, MetricError> {
        if nullity > self.dim {
            return Err(MetricError::Nullity {
                nullity,
                dim: self.dim,
            });
        }
        self.nullity = Some(nullity);
        Ok(self)
    }

    /// `P`.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Products with `G` that were used.
    #[must_use]
    pub fn products(&self) -> usize {
        self.products
    }

    /// The largest Ritz value, a lower bound of the largest eigenvalue.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.largest
    }

    /// `Σ_i f(λ_i)` over all eigenvalues, zeros included. Negative nodes, which are rounding, are taken for zero.
    #[must_use]
    pub fn sum(&self, function: impl Fn(f64) -> f64) -> Estimate {
        let zero = RankTolerance::rounding(self.dim).threshold(self.largest);
        self.over_probes(|rule| {
            let total = |keep: &dyn Fn(f64) -> bool| -> f64 {
                let kept = rule.iter().filter(|(node, _)| keep(*node));
                kept.map(|(node, weight)| weight * function(node.max(0.0)))
                    .sum::<f64>()
                    * self.dim as f64
            };
            match self.nullity {
                None => total(&|_| true),
                Some(0) => total(&|node| node > zero),
                Some(nullity) => nullity as f64 * function(0.0) + total(&|node| node > zero),
            }
        })
    }

    /// The sum of the eigenvalues.
    #[must_use]
    pub fn trace(&self) -> Estimate {
        self.sum(|value| value)
    }

    /// `log det(G + λI)` for `λ > 0`.
    ///
    /// # Errors
    /// [`MetricError::Damping`] unless λ is positive and finite: an estimate cannot tell a small eigenvalue from none.
    pub fn log_determinant(&self, lambda: f64) -> Result<Estimate, MetricError> {
        MetricError::check_damping(lambda)?;
        Ok(self.sum(|value| (value + lambda).ln()))
    }

    /// `Σ λ_i/(λ_i + γ)` for `γ > 0`; see [`Spectrum::effective_dimension`](crate::Spectrum::effective_dimension).
    ///
    /// # Errors
    /// [`MetricError::Damping`] unless γ is positive and finite.
    pub fn effective_dimension(&self, gamma: f64) -> Result<Estimate, MetricError> {
        MetricError::check_damping(gamma)?;
        Ok(self.sum(|value| value / (value + gamma)))
    }

    /// The number of eigenvalues that count as zero: the atom of the density at zero, times `P`.
    ///
    /// The probes see the null space as it is once the steps resolve the smallest positive eigenvalue from zero; with fewer
    /// steps it shares nodes with small eigenvalues, and either a part of it or some of them miscount. A nullity that
    /// [was stated](Self::with_nullity) is returned with no error.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn nullity(&self, tolerance: RankTolerance) -> Estimate {
        if let Some(nullity) = self.nullity {
            return Estimate {
                mean: nullity as f64,
                standard_error: 0.0,
            };
        }
        let zero = tolerance.threshold(self.largest);
        self.over_probes(|rule| {
            let null = rule.iter().filter(|(node, _)| *node <= zero);
            self.dim as f64 * null.map(|(_, weight)| weight).sum::<f64>()
        })
    }

    /// The density of positive eigenvalues at some values, smoothed by a Gaussian kernel; together with the atom
    /// [`nullity`](Self::nullity)`/P` it integrates to one.
    ///
    /// # Errors
    /// [`MetricError::KernelWidth`], [`MetricError::Tolerance`].
    pub fn density(
        &self,
        tolerance: RankTolerance,
        kernel: Kernel,
        at: &[f64],
    ) -> Result<Vec<f64>, MetricError> {
        let zero = tolerance.validate()?.threshold(self.largest);
        let (Kernel::Linear { width } | Kernel::Logarithmic { width }) = kernel;
        let usable = width > 0.0 && width.is_finite();
        if !usable {
            return Err(MetricError::KernelWidth { width });
        }
        let positive: Vec<(f64, f64)> = self
            .rules
            .iter()
            .flat_map(GaussRule::iter)
            .filter(|(node, _)| *node > zero)
            .collect();
        // what the atom leaves, where it is known better than the probes know it
        let seen: f64 = positive.iter().map(|(_, weight)| weight).sum();
        let mass = match self.nullity {
            Some(nullity) if seen > 0.0 => (self.dim - nullity) as f64 / self.dim as f64 / seen,
            _ => 1.0 / self.rules.len() as f64,
        };
        let norm = mass / (width * std::f64::consts::TAU.sqrt());
        let bell = |value: f64| -> f64 {
            let terms = positive.iter().map(|(node, weight)| {
                let distance = kernel.coordinate(value) - kernel.coordinate(*node);
                weight * (-0.5 * (distance / width).powi(2)).exp()
            });
            norm * terms.sum::<f64>()
        };
        Ok(at.iter().map(|value| bell(*value)).collect())
    }

    /// All positive nodes with their masses, which sum to one minus the atom at zero: what a plot of one's own needs.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[track_caller]
    pub fn nodes(&self, tolerance: RankTolerance) -> impl Iterator<Item = (f64, f64)> {
        let zero = tolerance.threshold(self.largest);
        let share = 1.0 / self.rules.len() as f64;
        let all = self.rules.iter().flat_map(GaussRule::iter);
        all.filter(move |(node, _)| *node > zero)
            .map(move |(node, weight)| (node, weight * share))
    }

    fn over_probes(&self, each: impl Fn(&GaussRule) -> f64) -> Estimate {
        let values: Vec<f64> = self.rules.iter().map(each).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let unit = binary_unit(&values);
        let deviations = values.iter().map(|v| ((v - mean) / unit).powi(2));
        let variance = deviations.sum::<f64>() / (count - 1.0);
        Estimate {
            mean,
            standard_error: (variance / count).sqrt() * unit,
        }
    }
}

/// In which coordinate a density is smoothed, and how far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// In λ itself: a density per unit of λ.
    Linear {
        /// Standard deviation, in units of λ.
        width: f64,
    },
    /// In `ln λ`: a density per unit of `ln λ`, for spectra that span decades.
    Logarithmic {
        /// Standard deviation, in units of `ln λ`.
        width: f64,
    },
}

impl Kernel {
    fn coordinate(self, value: f64) -> f64 {
        match self {
            Self::Linear { .. } => value,
            Self::Logarithmic { .. } => value.ln(),
        }
    }
}

fn random_signs(rng: &mut dyn Rng, out: &mut [f64]) {
    for chunk in out.chunks_mut(64) {
        let bits = rng.next_u64();
        for (i, value) in chunk.iter_mut().enumerate() {
            *value = if bits >> i & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
}
