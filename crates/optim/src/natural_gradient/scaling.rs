use faer::prelude::ReborrowMut;
use faer::{Mat, MatMut};
use neuromanifold_geometry::OutputFactor;
use neuromanifold_model::{Cotangents, Dims, Linearization};
use std::ops::Range;

/// The frame `D` in which the damping `λD` is a multiple of the identity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Scaling {
    /// `D = I`.
    #[default]
    Identity,
    /// `D = diag(G)`, after Marquardt: steps do not change if single parameters are measured in other units.
    ///
    /// Entries below `floor` times the mean entry are raised to it: a parameter that does nothing would otherwise not be
    /// damped at all. Costs one more pass over the pulled-back columns; in sample space they are formed.
    ///
    /// # References
    /// D. W. Marquardt, *An algorithm for least-squares estimation of nonlinear parameters*, J. SIAM 11 (1963) 431–441.
    Diagonal {
        /// Relative to the mean of the diagonal; positive.
        floor: f64,
    },
}

/// A linearisation in the parameters `φ = D^{½} θ`.
pub(super) struct Rescaled<'a> {
    inner: &'a dyn Linearization,
    /// `D^{−½}`: what a tangent vector in φ is multiplied with.
    pub(super) units: Vec<f64>,
}

impl<'a> Rescaled<'a> {
    /// With `D = diag(G)`.
    pub(super) fn by_diagonal(
        inner: &'a dyn Linearization,
        factor: &OutputFactor,
        floor: f64,
    ) -> Self {
        /// Columns looked at together.
        const TOGETHER: usize = 128;
        let dims = inner.dims();
        let stride = (TOGETHER / factor.rank()).max(1).min(dims.examples);
        let mut block = Mat::zeros(dims.parameters, stride * factor.rank());
        let mut diagonal = vec![0.0; dims.parameters];
        for start in (0..dims.examples).step_by(stride) {
            let end = (start + stride).min(dims.examples);
            let mut columns = block.as_mut().subcols_mut(0, (end - start) * factor.rank());
            inner.pullback(factor.cotangents(), start..end, columns.rb_mut());
            for column in columns.col_iter() {
                for (d, a) in diagonal.iter_mut().zip(column.iter()) {
                    *d += a * a;
                }
            }
        }
        let mean = diagonal.iter().sum::<f64>() / dims.parameters as f64;
        let least = (floor * mean).max(f64::MIN_POSITIVE);
        let units = diagonal
            .iter()
            .map(|d| d.max(least).sqrt().recip())
            .collect();
        Self { inner, units }
    }
}

impl Linearization for Rescaled<'_> {
    fn dims(&self) -> Dims {
        self.inner.dims()
    }

    fn outputs(&self) -> &[f64] {
        self.inner.outputs()
    }

    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        let original: Vec<f64> = tangent
            .iter()
            .zip(&self.units)
            .map(|(t, u)| t * u)
            .collect();
        self.inner.jvp(&original, out);
    }

    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        self.inner.vjp(cotangent, out);
        for (o, u) in out.iter_mut().zip(&self.units) {
            *o *= u;
        }
    }

    fn pullback(
        &self,
        cotangents: Cotangents<'_>,
        examples: Range<usize>,
        mut out: MatMut<'_, f64>,
    ) {
        self.inner.pullback(cotangents, examples, out.rb_mut());
        for column in out.col_iter_mut() {
            for (o, u) in column.iter_mut().zip(&self.units) {
                *o *= u;
            }
        }
    }
}
