use crate::krylov::Krylov;
use crate::{End, Metric, MetricError, Spectrum};
use faer::{Mat, MatRef};

/// Approximate eigenpairs `G u ≈ λ u` with bounds.
#[derive(Clone, Debug)]
pub struct RitzPairs {
    /// The Ritz values, from the asked-for end inwards, in nats per unit of θ squared.
    pub eigenvalues: Vec<f64>,
    /// The Ritz vectors, orthonormal, one a column: `P × pairs`.
    pub eigenvectors: Mat<f64>,
    /// `|G u − λ u|` for each: within that distance of the Ritz value there is an eigenvalue.
    pub residuals: Vec<f64>,
    /// Products with `G` that were used.
    pub products: usize,
}

/// The eigenpairs of `T`, outermost first, in its units.
pub(crate) struct Ritz {
    pub(crate) values: Vec<f64>,
    vectors: Mat<f64>,
    /// `β` times the last entry of each eigenvector: the coupling to the residual, whose size is the pair's residual.
    pub(crate) couplings: Vec<f64>,
}

impl Ritz {
    pub(crate) fn of(krylov: &Krylov, end: End) -> Result<Self, MetricError> {
        let len = krylov.len();
        let spectrum = Spectrum::new(krylov.projected())?;
        let place = |i: usize| match end {
            End::Largest => len - 1 - i,
            End::Smallest => i,
        };
        let inner = spectrum.eigenvectors();
        krylov.check_range(spectrum.eigenvalues())?;
        Ok(Self {
            values: (0..len).map(|i| spectrum.eigenvalues()[place(i)]).collect(),
            couplings: (0..len)
                .map(|i| krylov.beta * inner[(len - 1, place(i))])
                .collect(),
            vectors: Mat::from_fn(len, len, |row, i| inner[(row, place(i))]),
        })
    }

    pub(crate) fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
    }

    /// How many of the outermost pairs are within the tolerance, up to the first that is not.
    pub(crate) fn converged(&self, wanted: usize, tolerance: f64) -> usize {
        let goal = tolerance * self.largest();
        let leading = self.couplings.iter().take(wanted);
        leading.take_while(|c| c.abs() <= goal).count()
    }

    fn leading(&self, count: usize) -> MatRef<'_, f64> {
        self.vectors.get(.., ..count)
    }

    /// Restarts with the outermost pairs alone.
    pub(crate) fn keep(&self, krylov: &mut Krylov, count: usize) {
        krylov.restart(self.leading(count), &self.values[..count]);
    }

    pub(crate) fn pairs(&self, krylov: &Krylov, count: usize) -> RitzPairs {
        let unit = krylov.unit();
        let couplings = self.couplings[..count].iter();
        RitzPairs {
            eigenvalues: self.values[..count].iter().map(|v| v * unit).collect(),
            eigenvectors: krylov.combine(self.leading(count)),
            residuals: couplings.map(|c| c.abs() * unit).collect(),
            products: krylov.products,
        }
    }
}

impl RitzPairs {
    pub(crate) fn measure_residuals(&mut self, metric: &dyn Metric, unit: f64) {
        let dim = metric.dim();
        let (mut vector, mut image) = (vec![0.0; dim], vec![0.0; dim]);
        for (i, value) in self.eigenvalues.iter().enumerate() {
            for (v, u) in vector.iter_mut().zip(self.eigenvectors.col(i).iter()) {
                *v = *u;
            }
            metric.lower(&vector, &mut image);
            let error = image
                .iter()
                .zip(&vector)
                .map(|(g, v)| ((g - value * v) / unit).powi(2));
            self.residuals[i] = error.sum::<f64>().sqrt() * unit;
        }
        self.products += self.eigenvalues.len();
    }
}
