use crate::{Cholesky, Preconditioner};

/// The Cholesky factors of the blocks of `G + λI`.
#[derive(Clone, Debug)]
pub struct BlockCholesky {
    pub(crate) blocks: Vec<(Vec<usize>, Cholesky)>,
}

impl BlockCholesky {
    /// `x ← (G + λI)⁻¹ x` in place. Cost: `Σ_b P_b²` multiplications.
    ///
    /// # Panics
    /// If `x` does not have length `P`.
    pub fn solve_in_place(&self, x: &mut [f64]) {
        let widest = self.blocks.iter().map(|(own, _)| own.len()).max();
        let mut part = vec![0.0; widest.unwrap_or(0)];
        for (parameters, factor) in &self.blocks {
            let part = &mut part[..parameters.len()];
            gather(parameters, x, part);
            factor.solve_in_place(part);
            scatter(parameters, part, x);
        }
    }

    /// `log det(G + λI)`.
    #[must_use]
    pub fn log_determinant(&self) -> f64 {
        let factors = self.blocks.iter().map(|(_, factor)| factor);
        factors.map(Cholesky::log_determinant).sum()
    }
}

impl Preconditioner for BlockCholesky {
    fn precondition(&self, residual: &[f64], out: &mut [f64]) {
        out.copy_from_slice(residual);
        self.solve_in_place(out);
    }
}

/// `part ← vector` at some indices.
pub(crate) fn gather(parameters: &[usize], vector: &[f64], part: &mut [f64]) {
    for (part, &index) in part.iter_mut().zip(parameters) {
        *part = vector[index];
    }
}

/// `vector ← part` at some indices.
pub(crate) fn scatter(parameters: &[usize], part: &[f64], vector: &mut [f64]) {
    for (part, &index) in part.iter().zip(parameters) {
        vector[index] = *part;
    }
}
