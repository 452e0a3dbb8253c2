use super::integrals::{determinant, slopes};
use crate::closed_form::product::{add_product, product};
use crate::error::Quantity;
use crate::metric::{relative_residual, trusted};
use crate::{Inverse, Metric, MetricError, Solve};
use faer::linalg::solvers::{PartialPivLu, Solve as _};
use faer::{Mat, MatMut, MatRef};

/// The Fisher metric of the vectors `J_1, …, J_K` of a soft committee machine `Σ_i erf(J_i·x/√2)`, for `x ~ N(0, I_N)` and noise
/// of variance one.
///
/// With overlaps `Q = J Jᵀ`, `Δ_ab = (1+Q_aa)(1+Q_bb) − Q_ab²` and `A_ab = (2/π) Δ_ab^{−½}`, the block of vectors `a` and `b` is
///
/// ```text
/// G_ab = A_ab (I − [(1+Q_bb) J_aJ_aᵀ + (1+Q_aa) J_bJ_bᵀ − Q_ab (J_aJ_bᵀ + J_bJ_aᵀ)]/Δ_ab)
/// ```
///
/// Outgoing weights are no parameters here, and held at one: with them, the metric is
/// [`GaussianInputFisher`](crate::closed_form::GaussianInputFisher), of which this is a block. θ is `J`, vector after vector,
/// `P = K N`.
///
/// Multiplied by the vectors, the equation `G U = g` closes in the overlaps `U_b·J_c`, a system of `K²` unknowns whatever `N`.
/// Given those, `U` is a combination of the vectors of `g` and of `J`.
///
/// Cost: `O(N K²)` and `2K⁶/3` to build, `O(N K²)` for each of [`lower`](Metric::lower) and [`raise`](Metric::raise) — the
/// `Exact` one — and the whole of it for another damping. Memory: `O(N K + K⁴)`.
///
/// ```
/// use neuromanifold_geometry::closed_form::online::StudentFisher;
/// use neuromanifold_geometry::{Inverse, Metric};
///
/// let vectors: Vec<f64> = (0..2000).map(|k| (0.7 * f64::from(k)).sin() / 30.0).collect(); // K = 2, N = 1000
/// let fisher = StudentFisher::new(&vectors, 2);
/// let gradient: Vec<f64> = (0..2000).map(|k| (0.3 * f64::from(k)).cos()).collect();
/// let mut natural = vec![0.0; 2000];
/// let solve = fisher.raise(&gradient, Inverse::Exact, &mut natural)?;
/// assert!(solve.relative_residual < 1e-13);
/// # Ok::<(), neuromanifold_geometry::MetricError>(())
/// ```
///
/// # References
/// M. Rattray, D. Saad, S. Amari, *Natural gradient descent for on-line learning*, Phys. Rev. Lett. 81 (1998) 5461,
/// doi:10.1103/PhysRevLett.81.5461.
#[derive(Clone, Debug)]
pub struct StudentFisher<'a> {
    /// `N × K`.
    vectors: MatRef<'a, f64>,
    overlaps: StudentMetric,
}

impl<'a> StudentFisher<'a> {
    /// At `K` vectors, one after the other.
    ///
    /// # Panics
    /// If their numbers are not a multiple of `K > 0`.
    #[must_use]
    #[track_caller]
    pub fn new(vectors: &'a [f64], students: usize) -> Self {
        assert!(
            students > 0 && vectors.len().is_multiple_of(students),
            "{} numbers are not {students} vectors",
            vectors.len()
        );
        let inputs = vectors.len() / students;
        let vectors = MatRef::from_column_major_slice(vectors, inputs, students);
        let overlaps = StudentMetric::new(product(vectors.transpose(), vectors), 0.0);
        Self { vectors, overlaps }
    }

    fn solve(&self, gradient: &[f64], overlaps: &StudentMetric, out: &mut [f64]) {
        let (inputs, students) = (self.vectors.nrows(), self.vectors.ncols());
        let gradient = MatRef::from_column_major_slice(gradient, inputs, students);
        let mixing = overlaps.mixing_of_covector(product(gradient.transpose(), self.vectors));
        // columns: U = (g − J Pᵀ) A⁻¹
        let inverse = overlaps.slopes.partial_piv_lu();
        let own = inverse.solve(Mat::<f64>::identity(students, students));
        let back = inverse.solve(&mixing);
        let mut out = MatMut::from_column_major_slice_mut(out, inputs, students);
        out.fill(0.0);
        add_product(out.as_mut(), 1.0, gradient, own.transpose());
        add_product(out, -1.0, self.vectors, back.transpose());
    }
}

impl Metric for StudentFisher<'_> {
    fn dim(&self) -> usize {
        self.vectors.nrows() * self.vectors.ncols()
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        let (inputs, students) = (self.vectors.nrows(), self.vectors.ncols());
        let tangent = MatRef::from_column_major_slice(tangent, inputs, students);
        let mixing = (self.overlaps).mixing(&product(tangent.transpose(), self.vectors));
        let mut out = MatMut::from_column_major_slice_mut(out, inputs, students);
        out.fill(0.0);
        add_product(out.as_mut(), 1.0, tangent, self.overlaps.slopes.as_ref());
        add_product(out, 1.0, self.vectors, mixing.transpose());
    }

    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        let lambda = match inverse {
            Inverse::Exact => {
                self.solve(gradient, &self.overlaps, out);
                0.0
            }
            Inverse::Damped { lambda } => {
                MetricError::check_damping(lambda)?;
                let damped = StudentMetric::new(self.overlaps.students.clone(), lambda);
                self.solve(gradient, &damped, out);
                lambda
            }
            Inverse::Pseudo { .. } => {
                return Err(MetricError::Unsupported {
                    representation: "StudentFisher",
                    remedy: "Inverse::Damped, or DenseFisher::from_matrix on to_dense() for the pseudo-inverse",
                });
            }
        };
        MetricError::check_finite(Quantity::Direction, out)?;
        let residual = relative_residual(self, lambda, gradient, out);
        Ok(Solve {
            relative_residual: trusted(residual, lambda)?,
            rank: self.dim(),
            iterations: 0,
        })
    }
}

/// The metric of the students, plus a damping, as it acts on overlaps.
#[derive(Clone, Debug)]
pub(super) struct StudentMetric {
    /// `Q`.
    students: Mat<f64>,
    /// `A + λI`.
    pub(super) slopes: Mat<f64>,
    /// From the overlaps of a covector with the students to those of its tangent vector.
    system: PartialPivLu<f64>,
}

impl StudentMetric {
    pub(super) fn new(students: Mat<f64>, damping: f64) -> Self {
        let size = students.nrows();
        let q = students.as_ref();
        let slopes = Mat::from_fn(size, size, |a, b| {
            slopes(q, a, b) + if a == b { damping } else { 0.0 }
        });
        let mut system = Mat::<f64>::zeros(size * size, size * size);
        for a in 0..size {
            for c in 0..size {
                let row = a * size + c;
                for b in 0..size {
                    let [seen, own] = shares(q, a, b);
                    system[(row, b * size + c)] += slopes[(a, b)];
                    system[(row, b * size + a)] += seen[0] * q[(a, c)] + seen[1] * q[(b, c)];
                    system[(row, b * size + b)] += own[0] * q[(a, c)] + own[1] * q[(b, c)];
                }
            }
        }
        Self {
            system: system.partial_piv_lu(),
            students,
            slopes,
        }
    }

    /// `P` such that `(G U)_a = Σ_b A_ab U_b + Σ_c P_ac J_c`, from the overlaps `U_b·J_c`.
    pub(super) fn mixing(&self, overlaps: &Mat<f64>) -> Mat<f64> {
        let size = self.students.nrows();
        let mut mixing = Mat::zeros(size, size);
        for a in 0..size {
            for b in 0..size {
                let [seen, own] = shares(self.students.as_ref(), a, b);
                for (c, term) in [(a, 0), (b, 1)] {
                    mixing[(a, c)] += seen[term] * overlaps[(b, a)] + own[term] * overlaps[(b, b)];
                }
            }
        }
        mixing
    }

    /// The same for the `U` of which `G U = g`, from the overlaps `g_a·J_c`.
    pub(super) fn mixing_of_covector(&self, overlaps: Mat<f64>) -> Mat<f64> {
        let size = self.students.nrows();
        let right = Mat::from_fn(size * size, 1, |row, _| overlaps[(row / size, row % size)]);
        let solved = self.system.solve(&right);
        self.mixing(&Mat::from_fn(size, size, |b, c| solved[(b * size + c, 0)]))
    }
}

/// `(G_ab − A_ab I) U = (s_0 J_a + s_1 J_b) (U·J_a) + (o_0 J_a + o_1 J_b) (U·J_b)`: `[s, o]`.
fn shares(q: MatRef<'_, f64>, a: usize, b: usize) -> [[f64; 2]; 2] {
    let weight = -slopes(q, a, b) / determinant(q, a, b);
    let cross = -weight * q[(a, b)];
    [
        [weight * (1.0 + q[(b, b)]), cross],
        [cross, weight * (1.0 + q[(a, a)])],
    ]
}
