use super::OrderParameters;
use super::integrals::{determinant, four, slopes, three, two};
use super::order_parameters::check_symmetric;
use crate::closed_form::ClosedFormError;
use faer::linalg::solvers::Solve as _;
use faer::{Mat, MatRef};
use std::ops::ControlFlow;

/// How the student moves after each example, `J ← J + (η/N) …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LearningRule {
    /// Along the gradient: `δ_i x` with `δ_i = φ'(J_i·x) (y − f(x))`.
    GradientDescent,
    /// Along the natural gradient, with the exact metric of the student: `Σ_j [G⁻¹]_ij δ_j x`.
    NaturalGradient,
}

/// The equations of motion of the order parameters of a student that learns from a teacher, both soft committee machines of
/// erf units; see the [module](super).
///
/// ```text
/// dR_in/dα = η ⟨d_i·B_n⟩      dQ_ik/dα = η ⟨d_i·J_k + d_k·J_i⟩ + η² ⟨d_i·d_k⟩/N
/// ```
///
/// where `d_i` is what the rule adds to `J_i`. The last term is the noise of single examples: it makes large rates useless, and
/// for the natural gradient creates plateaus of its own, so that "the natural gradient has no plateaus" is a statement about small
/// rates.
#[derive(Clone, Debug)]
pub struct SoftCommittee {
    teacher: Mat<f64>,
    noise: f64,
    rate: f64,
    rule: LearningRule,
}

/// Averages over examples that drive the order parameters.
struct Moments {
    /// `⟨δ_i u_q⟩`, `K × (K+M)`, for the pre-activations of students and teachers.
    first: Mat<f64>,
    /// `⟨δ_i δ_k⟩`, `K × K`.
    second: Mat<f64>,
}

impl SoftCommittee {
    /// A teacher with overlaps `T`, `M × M`; noise of variance `noise` on its answers; learning rate η.
    ///
    /// # Errors
    /// [`ClosedFormError::Inputs`], [`ClosedFormError::NotSymmetric`], [`ClosedFormError::NotFinite`], also for a negative noise or a
    /// rate that is not positive.
    pub fn new(
        teacher: MatRef<'_, f64>,
        noise: f64,
        rate: f64,
        rule: LearningRule,
    ) -> Result<Self, ClosedFormError> {
        check_symmetric("overlaps of the teachers", teacher)?;
        for (what, value, allowed) in [
            ("noise variance", noise, noise >= 0.0),
            ("learning rate", rate, rate > 0.0),
        ] {
            if !allowed || value.is_infinite() {
                return Err(ClosedFormError::OutOfRange { what, value });
            }
        }
        Ok(Self {
            teacher: teacher.to_owned(),
            noise,
            rate,
            rule,
        })
    }

    /// `ε_g = ½E[(f_student − f_teacher)²]`, without the noise.
    ///
    /// # Panics
    /// If there are not as many teachers as in `T`.
    #[must_use]
    pub fn generalization_error(&self, at: &OrderParameters) -> f64 {
        let covariance = self.covariance(at);
        let size = covariance.nrows();
        let students = at.students.nrows();
        let sign = |i: usize| if i < students { -1.0 } else { 1.0 };
        let mut sum = 0.0;
        for i in 0..size {
            for j in 0..size {
                sum += sign(i) * sign(j) * two(covariance.as_ref(), i, j);
            }
        }
        0.5 * sum
    }

    /// `(dQ/dα, dR/dα)`.
    ///
    /// Cost: `O(K²(K+M)²)` evaluations of an arcsine, and a system of `K²` equations for the natural gradient.
    ///
    /// # Errors
    /// [`ClosedFormError::SingularStudent`] for a natural gradient where two students are parallel or one is zero.
    ///
    /// # Panics
    /// If there are not as many teachers as in `T`.
    pub fn drift(&self, at: &OrderParameters) -> Result<OrderParameters, ClosedFormError> {
        let students = at.students.nrows();
        let covariance = self.covariance(at);
        let Moments { first, second } = self.moments(covariance.as_ref(), students);
        let (moved, spread) = match self.rule {
            LearningRule::GradientDescent => (first, second),
            LearningRule::NaturalGradient => natural(covariance.as_ref(), &first, &second)?,
        };
        let rate = self.rate;
        let drift = OrderParameters {
            students: Mat::from_fn(students, students, |i, k| {
                rate * (moved[(i, k)] + moved[(k, i)]) + rate * rate * spread[(i, k)]
            }),
            overlaps: Mat::from_fn(students, self.teacher.nrows(), |i, n| {
                rate * moved[(i, students + n)]
            }),
        };
        if drift.is_finite() {
            Ok(drift)
        } else {
            Err(ClosedFormError::SingularStudent)
        }
    }

    /// Follows the order parameters from `start` to time `end` by the classical Runge–Kutta rule of fourth order with steps `step`
    /// of α, and returns the last. `observe` sees every step, the start included, and may stop early.
    ///
    /// # Errors
    /// As [`drift`](Self::drift); [`ClosedFormError::OutOfRange`] for a step that is not positive or an end that is not
    /// finite; [`ClosedFormError::Diverged`] with the time at which the solution left the range of numbers, as it does for
    /// too large a rate.
    ///
    /// # Panics
    /// As [`drift`](Self::drift).
    pub fn integrate(
        &self,
        start: &OrderParameters,
        step: f64,
        end: f64,
        mut observe: impl FnMut(f64, &OrderParameters) -> ControlFlow<()>,
    ) -> Result<OrderParameters, ClosedFormError> {
        for (what, value, allowed) in [("step", step, step > 0.0), ("end", end, end >= 0.0)] {
            if !allowed || value.is_infinite() {
                return Err(ClosedFormError::OutOfRange { what, value });
            }
        }
        let steps = (end / step).round() as usize;
        let mut at = start.clone();
        for count in 0..steps {
            let alpha = count as f64 * step;
            if observe(alpha, &at).is_break() {
                return Ok(at);
            }
            let one = self.drift(&at)?;
            let two = self.drift(&at.plus(0.5 * step, &one))?;
            let three = self.drift(&at.plus(0.5 * step, &two))?;
            let four = self.drift(&at.plus(step, &three))?;
            at = at
                .plus(step / 6.0, &one)
                .plus(step / 3.0, &two)
                .plus(step / 3.0, &three)
                .plus(step / 6.0, &four);
            let negative = (0..at.students.nrows()).any(|i| at.students[(i, i)] < 0.0);
            if !at.is_finite() || negative {
                return Err(ClosedFormError::Diverged {
                    alpha: alpha + step,
                });
            }
        }
        let _ = observe(steps as f64 * step, &at);
        Ok(at)
    }

    /// The covariance of all pre-activations, students first.
    fn covariance(&self, at: &OrderParameters) -> Mat<f64> {
        let (students, teachers) = (at.students.nrows(), self.teacher.nrows());
        assert!(
            at.overlaps.ncols() == teachers,
            "overlaps with {} teachers, of whom there are {teachers}",
            at.overlaps.ncols()
        );
        Mat::from_fn(students + teachers, students + teachers, |i, j| {
            match (i < students, j < students) {
                (true, true) => at.students[(i, j)],
                (true, false) => at.overlaps[(i, j - students)],
                (false, true) => at.overlaps[(j, i - students)],
                (false, false) => self.teacher[(i - students, j - students)],
            }
        })
    }

    fn moments(&self, c: MatRef<'_, f64>, students: usize) -> Moments {
        let size = c.nrows();
        let sign = |i: usize| if i < students { -1.0 } else { 1.0 };
        let first = Mat::from_fn(students, size, |i, q| {
            (0..size).map(|z| sign(z) * three(c, i, q, z)).sum::<f64>()
        });
        let second = Mat::from_fn(students, students, |i, k| {
            let mut sum = self.noise * slopes(c, i, k);
            for z in 0..size {
                for t in 0..size {
                    sum += sign(z) * sign(t) * four(c, [i, k], [z, t]);
                }
            }
            sum
        });
        Moments { first, second }
    }
}

/// The natural gradient's overlaps with all vectors, and the overlaps of its noise.
///
/// `G_ab = A_ab (I − [(1+Q_bb) J_aJ_aᵀ + (1+Q_aa) J_bJ_bᵀ − Q_ab (J_aJ_bᵀ + J_bJ_aᵀ)]/Δ_ab)`. Its equation `G U = g`, multiplied by
/// `J_c`, is closed in `h_bc = U_b·J_c`; multiplied by `B_n`, it then gives `U_b·B_n`.
fn natural(
    c: MatRef<'_, f64>,
    first: &Mat<f64>,
    second: &Mat<f64>,
) -> Result<(Mat<f64>, Mat<f64>), ClosedFormError> {
    let (students, size) = (first.nrows(), first.ncols());
    let slope = Mat::from_fn(students, students, |a, b| slopes(c, a, b));
    // what multiplies h_ba and h_bb in the overlap of (G_ab − A_ab) U_b with vector q
    let through = |a: usize, b: usize, q: usize| {
        let weight = -slope[(a, b)] / determinant(c, a, b);
        let seen = weight * ((1.0 + c[(b, b)]) * c[(a, q)] - c[(a, b)] * c[(b, q)]);
        let own = weight * ((1.0 + c[(a, a)]) * c[(b, q)] - c[(a, b)] * c[(a, q)]);
        (seen, own)
    };
    let mut system = Mat::<f64>::zeros(students * students, students * students);
    let mut right = Mat::<f64>::zeros(students * students, 1);
    for a in 0..students {
        for q in 0..students {
            let row = a * students + q;
            right[(row, 0)] = first[(a, q)];
            for b in 0..students {
                let (seen, own) = through(a, b, q);
                system[(row, b * students + q)] += slope[(a, b)];
                system[(row, b * students + a)] += seen;
                system[(row, b * students + b)] += own;
            }
        }
    }
    let overlaps = system.partial_piv_lu().solve(&right);
    let h = |b: usize, q: usize| overlaps[(b * students + q, 0)];
    let mut moved = Mat::from_fn(students, size, |a, q| {
        let shared = |b: usize| {
            let (seen, own) = through(a, b, q);
            seen * h(b, a) + own * h(b, b)
        };
        first[(a, q)] - (0..students).map(shared).sum::<f64>()
    });
    let inverse = slope.partial_piv_lu();
    inverse.solve_in_place(moved.as_mut());
    if !overlaps.is_all_finite() || !moved.is_all_finite() {
        return Err(ClosedFormError::SingularStudent);
    }
    // A⁻¹ ⟨δδ⟩ A⁻¹
    let half = inverse.solve(second);
    let spread = inverse.solve(half.transpose());
    Ok((moved, spread))
}
