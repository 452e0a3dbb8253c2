//! The equations of motion of the order parameters: escapes, growth rates, and standstills of a student of infinitely many inputs.

use faer::Mat;
use neuromanifold_geometry::closed_form::online::{
    LearningRule, OrderParameters, SoftCommittee, Trajectory,
};

use super::start::{Start, UNITS};
use crate::HarnessError;

/// A way of learning with a theory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Theory {
    pub(super) rule: LearningRule,
    pub(super) eta: f64,
}

/// Where a student rests whose units are alike.
pub(super) struct Plateau {
    pub(super) at: OrderParameters,
    /// λ.
    pub(super) growth: f64,
}

/// Estimated error of a step in an order parameter. The growth of an asymmetry multiplies it as it does the asymmetry itself.
const TOLERANCE: f64 = 1e-9;

impl Theory {
    pub(super) fn gradient(eta: f64) -> Self {
        Self {
            rule: LearningRule::GradientDescent,
            eta,
        }
    }

    pub(super) fn natural(eta: f64) -> Self {
        Self {
            rule: LearningRule::NaturalGradient,
            eta,
        }
    }

    /// What figures and tables call it.
    pub(super) fn label(self) -> String {
        let eta = self.eta;
        match self.rule {
            LearningRule::NaturalGradient => format!("natural gradient, η = {eta}"),
            _ => format!("gradient, η = {eta}"),
        }
    }

    /// The equations, for an orthonormal teacher without noise.
    pub(super) fn committee(self) -> Result<SoftCommittee, HarnessError> {
        let teacher = Mat::<f64>::identity(UNITS, UNITS);
        Ok(SoftCommittee::new(
            teacher.as_ref(),
            0.0,
            self.eta,
            self.rule,
        )?)
    }

    pub(super) fn trajectory(self, start: &Start, end: f64) -> Result<Trajectory, HarnessError> {
        Ok(self
            .committee()?
            .trajectory(&start.overlaps, end, TOLERANCE)?)
    }

    /// The α at which the generalisation error falls to a level, or infinity.
    pub(super) fn escape(self, start: &Start, level: f64, end: f64) -> Result<f64, HarnessError> {
        let escape = self
            .committee()?
            .escape(&start.overlaps, level, end, TOLERANCE)?;
        Ok(escape.unwrap_or(f64::INFINITY))
    }

    /// The generalisation error at a time.
    pub(super) fn error_at(self, start: &Start, alpha: f64) -> Result<f64, HarnessError> {
        let last = self.trajectory(start, alpha)?.last();
        Ok(self.committee()?.generalization_error(&last)?)
    }

    /// The plateau: the order parameters at which a student whose units are alike comes to rest, and the rate λ at which a small
    /// difference between its units, `δR ∝ (1, −1; −1, 1)`, grows there, `e^{λα}`.
    ///
    /// That difference is the only one that changes sign when either the students or the teachers are exchanged, so by symmetry it
    /// is an eigenvector of the linearised equations, and λ a derivative along it.
    pub(super) fn plateau(self) -> Result<Plateau, HarnessError> {
        /// Movement in a stretch that counts as rest, and the stretches after which nothing else will come.
        const REST: f64 = 1e-10;
        const MOST: usize = 1000;
        // α between two restorations of the symmetry that rounding breaks; λ is of order η for one rule, √η for the other
        let stretch = 10.0 / self.eta.sqrt();
        let committee = self.committee()?;
        let mut at = Start::symmetric(0.1)?.overlaps;
        for _ in 0..MOST {
            let next = alike(&committee.trajectory(&at, stretch, 1e-12)?.last())?;
            let moved = (next.overlaps() - at.overlaps())
                .norm_max()
                .max((next.students() - at.students()).norm_max());
            at = next;
            if moved < REST {
                break;
            }
        }
        let apart = |size: f64| -> Result<f64, HarnessError> {
            let difference = Mat::from_fn(UNITS, UNITS, |i, n| if i == n { size } else { -size });
            let overlaps = at.overlaps() + &difference;
            let moved = OrderParameters::new(at.students(), overlaps.as_ref())?;
            let drift = committee.drift(&moved)?;
            let r = drift.overlaps();
            Ok((r[(0, 0)] + r[(1, 1)] - r[(0, 1)] - r[(1, 0)]) / 4.0)
        };
        let small = 1e-5;
        let growth = (apart(small)? - apart(-small)?) / (2.0 * small);
        Ok(Plateau { at, growth })
    }
}

/// The mean over exchanges of students and of teachers.
fn alike(at: &OrderParameters) -> Result<OrderParameters, HarnessError> {
    let (q, r) = (at.students(), at.overlaps());
    let own = f64::midpoint(q[(0, 0)], q[(1, 1)]);
    let cross = f64::midpoint(q[(0, 1)], q[(1, 0)]);
    let teacher = (r[(0, 0)] + r[(0, 1)] + r[(1, 0)] + r[(1, 1)]) / 4.0;
    let students = Mat::from_fn(UNITS, UNITS, |i, k| if i == k { own } else { cross });
    let overlaps = Mat::full(UNITS, UNITS, teacher);
    Ok(OrderParameters::new(students.as_ref(), overlaps.as_ref())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the plateau nothing moves, and a small difference grows at the stated rate along a solution.
    #[test]
    fn growth_on_the_plateau() {
        for theory in [Theory::gradient(1.5), Theory::natural(0.2)] {
            let Plateau { at, growth } = theory.plateau().unwrap();
            let committee = theory.committee().unwrap();
            let drift = committee.drift(&at).unwrap();
            assert!(drift.students().norm_max() < 1e-10 && drift.overlaps().norm_max() < 1e-10);
            let split =
                |size: f64| Mat::from_fn(UNITS, UNITS, |i, n| if i == n { size } else { -size });
            let moved = at.overlaps() + split(1e-6);
            let start = OrderParameters::new(at.students(), moved.as_ref()).unwrap();
            let last = committee.trajectory(&start, 10.0, 1e-12).unwrap().last();
            let r = last.overlaps();
            let size = (r[(0, 0)] - r[(0, 1)] + r[(1, 1)] - r[(1, 0)]) / 4.0;
            let measured = (size / 1e-6).ln() / 10.0;
            assert!(
                (measured / growth - 1.0).abs() < 1e-4,
                "{measured} {growth}"
            );
        }
    }
}
