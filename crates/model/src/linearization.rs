use crate::{Cotangents, Dims, Layerwise};
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::prelude::ReborrowMut;
use faer::{Accum, Mat, MatMut, Par};
use std::ops::Range;

/// The first-order picture of an [`OutputMap`](crate::OutputMap) at one θ: outputs and Jacobian products.
///
/// `J = ∂Z/∂θ ∈ R^{KN×P}` has its rows ordered as the entries of `Z` (example after example). It is never owed to
/// anyone: the four required methods are enough, and each further method has a default made of them that an
/// implementor with structure should replace.
///
/// Slices of a wrong length are a caller's bug; implementors may panic on them.
pub trait Linearization: Sync {
    /// `P`, `K`, `N`.
    fn dims(&self) -> Dims;

    /// `Z(θ)`, length `K·N`, one example after the other.
    fn outputs(&self) -> &[f64];

    /// `out ← J v`: how the outputs move along a tangent vector. `v` has length `P`, `out` length `K·N`.
    fn jvp(&self, tangent: &[f64], out: &mut [f64]);

    /// `out ← Jᵀ u`: the pull-back of an output covector. `u` has length `K·N`, `out` length `P`.
    fn vjp(&self, cotangent: &[f64], out: &mut [f64]);

    /// The affine layers of the map, if it consists of them; `None` by default.
    ///
    /// A map that offers them is treated by algorithms that need neither `J` nor the memory for it.
    fn layers(&self) -> Option<&dyn Layerwise> {
        None
    }

    /// Pulls back every column of every example in a range: column `(s − start)·r + j` of `out` becomes `J_sᵀ c_{s,j}`.
    ///
    /// `out` is `P × r·|examples|`. The default takes whichever is fewer: `P` products `J v`, or `r·|examples|`
    /// products `Jᵀu`.
    ///
    /// # Panics
    /// If `cotangents`, `examples` or `out` do not fit [`dims`](Self::dims).
    fn pullback(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: MatMut<'_, f64>) {
        let dims = self.dims();
        cotangents.assert_fits(dims);
        let columns = examples.len() * cotangents.rank();
        assert!(
            examples.end <= dims.examples
                && (out.nrows(), out.ncols()) == (dims.parameters, columns),
            "pulling back {columns} covectors of {} parameters into a {}×{} matrix",
            dims.parameters,
            out.nrows(),
            out.ncols()
        );
        if dims.parameters <= columns {
            pullback_by_tangents(self, cotangents, examples, out);
        } else {
            pullback_by_cotangents(self, cotangents, examples, out);
        }
    }

    /// `out ← AᵀA` with `A = [J_sᵀ c_{s,j}] ∈ R^{P×rN}`: inner products of all pulled-back columns.
    ///
    /// `out` is `rN × rN`; both triangles are written. The default forms `A` (`P·r·N` numbers); a network can do
    /// without.
    ///
    /// # Panics
    /// If `cotangents` or `out` do not fit [`dims`](Self::dims).
    fn gram(&self, cotangents: Cotangents<'_>, mut out: MatMut<'_, f64>) {
        let dims = self.dims();
        let columns = dims.examples * cotangents.rank();
        let mut pulled = Mat::zeros(dims.parameters, columns);
        self.pullback(cotangents, 0..dims.examples, pulled.as_mut());
        triangular_matmul(
            out.rb_mut(),
            BlockStructure::TriangularLower,
            Accum::Replace,
            pulled.transpose(),
            BlockStructure::Rectangular,
            &pulled,
            BlockStructure::Rectangular,
            1.0,
            if columns < 256 {
                Par::Seq
            } else {
                Par::rayon(0)
            },
        );
        for column in 1..columns {
            for row in 0..column {
                out[(row, column)] = out[(column, row)];
            }
        }
    }
}

/// One row of `A` after the other: `A_{p,·}` are the contractions of `J e_p` with the covectors.
fn pullback_by_tangents<L: Linearization + ?Sized>(
    linearization: &L,
    cotangents: Cotangents<'_>,
    examples: Range<usize>,
    mut out: MatMut<'_, f64>,
) {
    let dims = linearization.dims();
    let rank = cotangents.rank();
    let mut tangent = vec![0.0; dims.parameters];
    let mut moved = vec![0.0; dims.output_len()];
    for parameter in 0..dims.parameters {
        tangent[parameter] = 1.0;
        linearization.jvp(&tangent, &mut moved);
        tangent[parameter] = 0.0;
        for example in examples.clone() {
            let dz = &moved[example * dims.outputs..][..dims.outputs];
            for j in 0..rank {
                let c = cotangents.column(example, j);
                out[(parameter, (example - examples.start) * rank + j)] =
                    c.iter().zip(dz).map(|(c, d)| c * d).sum();
            }
        }
    }
}

/// One column of `A` after the other, each a product `Jᵀu` with `u` zero outside one example.
fn pullback_by_cotangents<L: Linearization + ?Sized>(
    linearization: &L,
    cotangents: Cotangents<'_>,
    examples: Range<usize>,
    mut out: MatMut<'_, f64>,
) {
    let dims = linearization.dims();
    let rank = cotangents.rank();
    let mut cotangent = vec![0.0; dims.output_len()];
    let mut gradient = vec![0.0; dims.parameters];
    for example in examples.clone() {
        let own = example * dims.outputs..(example + 1) * dims.outputs;
        for j in 0..rank {
            cotangent[own.clone()].copy_from_slice(cotangents.column(example, j));
            linearization.vjp(&cotangent, &mut gradient);
            let column = out.rb_mut().col_mut((example - examples.start) * rank + j);
            for (o, g) in column.iter_mut().zip(&gradient) {
                *o = *g;
            }
        }
        cotangent[own].fill(0.0);
    }
}
