use crate::closed_form::ClosedFormError;
use crate::closed_form::gaussian_input::{check_finite, check_symmetric};
use faer::{Mat, MatRef, Side};

/// The overlaps of `K` student vectors with each other and with `M` teacher vectors.
///
/// Also a tangent vector of such overlaps, as the drift of [`SoftCommittee`](super::SoftCommittee).
#[derive(Clone, Debug, PartialEq)]
pub struct OrderParameters {
    pub(super) students: Mat<f64>,
    pub(super) overlaps: Mat<f64>,
}

impl OrderParameters {
    /// `Q`, symmetric `K × K`, and `R`, `K × M`.
    ///
    /// # Errors
    /// [`ClosedFormError::Inputs`] for shapes that do not fit, [`ClosedFormError::NotFinite`],
    /// [`ClosedFormError::NotSymmetric`], [`ClosedFormError::NoOverlaps`].
    pub fn new(
        students: MatRef<'_, f64>,
        overlaps: MatRef<'_, f64>,
    ) -> Result<Self, ClosedFormError> {
        check_overlaps("overlaps of the students", students)?;
        if overlaps.nrows() != students.nrows() {
            return Err(ClosedFormError::Inputs {
                what: "overlap matrix of students and teachers",
                expected: students.nrows(),
                got: overlaps.nrows(),
            });
        }
        let entries = overlaps.col_iter().flat_map(|column| column.iter());
        for (index, value) in entries.enumerate() {
            check_finite("overlaps of students and teachers", index, *value)?;
        }
        Ok(Self {
            students: students.to_owned(),
            overlaps: overlaps.to_owned(),
        })
    }

    /// `Q`, `K × K`.
    #[must_use]
    pub fn students(&self) -> MatRef<'_, f64> {
        self.students.as_ref()
    }

    /// `R`, `K × M`.
    #[must_use]
    pub fn overlaps(&self) -> MatRef<'_, f64> {
        self.overlaps.as_ref()
    }

    /// The lower triangle of `Q` and then `R`, column by column. The upper triangle is left out, since a solution in which it had
    /// a life of its own could leave the symmetric matrices by rounding alone.
    pub(super) fn flat(&self) -> Vec<f64> {
        let triangle = self.students.col_iter().enumerate();
        let own = triangle.flat_map(|(k, column)| column.iter().skip(k));
        let overlaps = self.overlaps.col_iter().flat_map(|column| column.iter());
        own.chain(overlaps).copied().collect()
    }

    /// The order parameters with these entries, for as many students and teachers as here.
    pub(super) fn shaped_as_self(&self, flat: &[f64]) -> Self {
        let (students, teachers) = (self.students.nrows(), self.overlaps.ncols());
        let (triangle, overlaps) = flat.split_at(students * (students + 1) / 2);
        let mut own = Mat::zeros(students, students);
        let mut entries = triangle.iter();
        for k in 0..students {
            for (i, entry) in (k..students).zip(&mut entries) {
                own[(i, k)] = *entry;
                own[(k, i)] = *entry;
            }
        }
        Self {
            students: own,
            overlaps: MatRef::from_column_major_slice(overlaps, students, teachers).to_owned(),
        }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.students.is_all_finite() && self.overlaps.is_all_finite()
    }
}

/// Passes if a matrix can be that of the overlaps of vectors: square, finite, symmetric, and positive semidefinite to rounding.
pub(super) fn check_overlaps(
    what: &'static str,
    matrix: MatRef<'_, f64>,
) -> Result<(), ClosedFormError> {
    /// Of the largest eigenvalue: overlaps that were computed from vectors are off by less.
    const ROUNDING: f64 = 1e-9;
    let dim = matrix.nrows();
    check_symmetric(what, matrix, dim.max(1))?;
    let values = matrix
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| ClosedFormError::Eigen { dim })?;
    let (least, largest) = (values[0], values[dim - 1]);
    if least < -ROUNDING * largest.abs() {
        return Err(ClosedFormError::NoOverlaps {
            what,
            value: least,
            largest,
        });
    }
    Ok(())
}
