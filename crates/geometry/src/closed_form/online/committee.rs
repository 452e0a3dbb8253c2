use super::dormand_prince::{Accuracy, DormandPrince};
use super::integrals::{four, slopes, three, two};
use super::order_parameters::check_overlaps;
use super::student_fisher::StudentMetric;
use super::{OrderParameters, Trajectory};
use crate::closed_form::ClosedFormError;
use faer::linalg::solvers::Solve as _;
use faer::{Mat, MatRef};

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

/// What messages call the overlaps of students and teachers together.
const ALL: &str = "overlaps of students and teachers together";

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
    /// [`ClosedFormError::Inputs`], [`ClosedFormError::NotSymmetric`], [`ClosedFormError::NotFinite`],
    /// [`ClosedFormError::NoOverlaps`] for a `T` that is not one of vectors; [`ClosedFormError::OutOfRange`] for a negative noise or
    /// a rate that is not positive.
    pub fn new(
        teacher: MatRef<'_, f64>,
        noise: f64,
        rate: f64,
        rule: LearningRule,
    ) -> Result<Self, ClosedFormError> {
        check_overlaps("overlaps of the teachers", teacher)?;
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
    /// # Errors
    /// [`ClosedFormError::NoOverlaps`] where no students and teachers have such overlaps.
    ///
    /// # Panics
    /// If there are not as many teachers as in `T`.
    pub fn generalization_error(&self, at: &OrderParameters) -> Result<f64, ClosedFormError> {
        let error = self.error(at);
        if error.is_nan() {
            check_overlaps(ALL, self.covariance(at).as_ref())?;
        }
        Ok(error)
    }

    /// The same, NaN where no vectors have such overlaps.
    fn error(&self, at: &OrderParameters) -> f64 {
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
    /// [`ClosedFormError::SingularStudent`] for a natural gradient where two students are parallel or one is zero;
    /// [`ClosedFormError::NoOverlaps`] where no students and teachers have such overlaps.
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
            return Ok(drift);
        }
        check_overlaps(ALL, covariance.as_ref())?;
        Err(ClosedFormError::SingularStudent)
    }

    /// The solution from `start`, at α = 0, to `end`, by the embedded Runge–Kutta pair of Dormand and Prince.
    ///
    /// Steps are as long as they can be with an estimated error of at most `tolerance · max(|y|, max|T|)` in each order parameter
    /// `y`. Rounding does not break symmetries of the start: a student that is exactly symmetric stays on its plateau.
    ///
    /// # Errors
    /// As [`drift`](Self::drift); [`ClosedFormError::Tolerance`]; [`ClosedFormError::OutOfRange`] for an end that is negative or not
    /// finite; [`ClosedFormError::Diverged`] with the time at which the solution left the range of numbers;
    /// [`ClosedFormError::TooManySteps`].
    ///
    /// # Panics
    /// As [`drift`](Self::drift).
    pub fn trajectory(
        &self,
        start: &OrderParameters,
        end: f64,
        tolerance: f64,
    ) -> Result<Trajectory, ClosedFormError> {
        self.trajectory_until(start, end, tolerance, |_| 1.0)
    }

    /// The solution up to the first time at which `event` falls to zero, or to `end` if that comes first.
    ///
    /// The time is found on the continuous solution, to the last digit. An event that comes and goes within one step is not seen.
    ///
    /// # Errors
    /// As [`trajectory`](Self::trajectory).
    ///
    /// # Panics
    /// As [`drift`](Self::drift).
    pub fn trajectory_until(
        &self,
        start: &OrderParameters,
        end: f64,
        tolerance: f64,
        event: impl Fn(&OrderParameters) -> f64,
    ) -> Result<Trajectory, ClosedFormError> {
        /// Halvings of a step: its end is then known to the last digit.
        const HALVINGS: usize = 60;
        if end < 0.0 || !end.is_finite() {
            return Err(ClosedFormError::OutOfRange {
                what: "end",
                value: end,
            });
        }
        if !(1e-14..1.0).contains(&tolerance) {
            return Err(ClosedFormError::Tolerance { tolerance });
        }
        let mut trajectory = Trajectory {
            start: start.clone(),
            arcs: Vec::new(),
            end: 0.0,
            event: (event(start) <= 0.0).then_some(0.0),
            rejected: 0,
        };
        let accuracy = Accuracy {
            relative: tolerance,
            scale: self.teacher.norm_max(),
        };
        let velocity = |state: &[f64]| {
            let at = start.shaped_as_self(state);
            let negative = (0..at.students.nrows()).any(|i| at.students[(i, i)] < 0.0);
            if negative {
                return Err(ClosedFormError::SingularStudent);
            }
            Ok(self.drift(&at)?.flat())
        };
        let mut solution = DormandPrince::new(velocity, start.flat(), accuracy)?;
        while trajectory.event.is_none() && trajectory.end < end {
            let arc = solution.step(end)?;
            trajectory.end = if arc.end() < end { arc.end() } else { end };
            if event(&start.shaped_as_self(solution.state())) <= 0.0 {
                let (mut before, mut after) = (arc.start, arc.end());
                for _ in 0..HALVINGS {
                    let middle = f64::midpoint(before, after);
                    if event(&start.shaped_as_self(&arc.at(middle))) <= 0.0 {
                        after = middle;
                    } else {
                        before = middle;
                    }
                }
                trajectory.event = Some(after);
                trajectory.end = after;
            }
            trajectory.arcs.push(arc);
        }
        trajectory.rejected = solution.rejected();
        Ok(trajectory)
    }

    /// The time at which the generalisation error first falls to `level`; `None` if it does not before `end`.
    ///
    /// # Errors
    /// As [`trajectory`](Self::trajectory); [`ClosedFormError::OutOfRange`] for a level that is NaN.
    ///
    /// # Panics
    /// As [`drift`](Self::drift).
    pub fn escape(
        &self,
        start: &OrderParameters,
        level: f64,
        end: f64,
        tolerance: f64,
    ) -> Result<Option<f64>, ClosedFormError> {
        if level.is_nan() {
            return Err(ClosedFormError::OutOfRange {
                what: "level",
                value: level,
            });
        }
        let above = |at: &OrderParameters| self.error(at) - level;
        Ok(self.trajectory_until(start, end, tolerance, above)?.event())
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

/// The natural gradient's overlaps with all vectors, `A⁻¹(⟨δu⟩ − P C)`, and the overlaps of its noise, `A⁻¹⟨δδ⟩A⁻¹`.
fn natural(
    c: MatRef<'_, f64>,
    first: &Mat<f64>,
    second: &Mat<f64>,
) -> Result<(Mat<f64>, Mat<f64>), ClosedFormError> {
    let students = first.nrows();
    let own = c.submatrix(0, 0, students, students).to_owned();
    let metric = StudentMetric::new(own, 0.0);
    let mixing = metric.mixing_of_covector(first.subcols(0, students).to_owned());
    let left = first - &mixing * c.subrows(0, students);
    let inverse = metric.slopes.partial_piv_lu();
    let moved = inverse.solve(&left);
    let half = inverse.solve(second);
    let spread = inverse.solve(half.transpose());
    if !moved.is_all_finite() || !spread.is_all_finite() {
        return Err(ClosedFormError::SingularStudent);
    }
    Ok((moved, spread))
}
