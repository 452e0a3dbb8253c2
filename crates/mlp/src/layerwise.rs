use crate::backward::backpropagate;
use crate::linearization::{Linearized, assert_fits};
use faer::Par;
use neuromanifold_model::{AffineLayer, Cotangents, Layerwise, Linearization};
use std::ops::Range;

/// Activations come from the record of the forward pass; a range inside one panel is carried back in place, a longer one
/// panel after panel.
impl Layerwise for Linearized<'_> {
    fn depth(&self) -> usize {
        self.batch.mlp().layers().len()
    }

    fn layer(&self, index: usize) -> AffineLayer {
        let layer = &self.batch.mlp().layers()[index];
        AffineLayer {
            inputs: layer.inputs(),
            outputs: layer.outputs(),
            has_bias: layer.has_bias(),
            start: layer.weights().start,
        }
    }

    fn panel(&self) -> usize {
        self.batch.mlp().panel()
    }

    fn units(&self) -> usize {
        self.batch.mlp().units()
    }

    fn inputs_of(&self, index: usize, examples: Range<usize>, out: &mut [f64]) {
        let height = self.batch.mlp().layers()[index].inputs();
        assert_range(&examples, self.dims().examples);
        assert_eq!(
            out.len(),
            height * examples.len(),
            "room for the inputs of layer {index}"
        );
        let mut columns = out.chunks_exact_mut(height);
        for piece in self.pieces(examples, usize::MAX) {
            let inputs = piece.input_of(index);
            for (column, out) in (0..inputs.ncols()).zip(&mut columns) {
                out.copy_from_slice(inputs.col(column).as_slice());
            }
        }
    }

    fn carry_back(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: &mut [f64]) {
        let mlp = self.batch.mlp();
        let rank = cotangents.rank();
        let length = rank * cotangents.outputs();
        let columns = rank * examples.len();
        assert_fits(cotangents, self.dims());
        assert_range(&examples, self.dims().examples);
        assert_eq!(
            out.len(),
            mlp.units() * columns,
            "room for {columns} covectors at all layers"
        );
        let covectors_of =
            |range: Range<usize>| &cotangents.values()[range.start * length..range.end * length];
        let start = examples.start;
        for piece in self.pieces(examples.clone(), usize::MAX) {
            let range = piece.position..piece.position + piece.count();
            let own = covectors_of(range.clone());
            if range == examples {
                return backpropagate(&piece, self.theta, own, rank, out, Par::Seq);
            }
            let carried = rank * piece.count();
            let mut deltas = self.batch.scratch.take(mlp.units() * carried);
            backpropagate(&piece, self.theta, own, rank, &mut deltas, Par::Seq);
            let first = rank * (range.start - start);
            let mut below = 0;
            for layer in mlp.layers() {
                let height = layer.outputs();
                let block = &deltas[below * carried..][..height * carried];
                out[below * columns + first * height..][..block.len()].copy_from_slice(block);
                below += height;
            }
        }
    }
}

#[track_caller]
fn assert_range(examples: &Range<usize>, available: usize) {
    assert!(
        examples.start <= examples.end && examples.end <= available,
        "examples {examples:?} of a batch of {available}"
    );
}
