use crate::backward::{backpropagate, contract};
use crate::panel::{Examples, pieces};
use crate::schedule::Schedule;
use crate::scratch::Buffer;
use crate::tangent::push_forward;
use crate::{OnBatch, gram, pullback};
use faer::{Accum, MatMut};
use neuromanifold_model::{Cotangents, Dims, Layerwise, Linearization, OutputMap};
use std::ops::Range;

/// The forward pass of a perceptron at one θ, and the Jacobian products that reuse it.
#[derive(Debug)]
pub(crate) struct Linearized<'a> {
    pub(crate) batch: &'a OnBatch<'a>,
    pub(crate) theta: &'a [f64],
    record: Buffer<'a>,
    outputs: Buffer<'a>,
}

impl<'a> Linearized<'a> {
    pub(crate) fn new(
        batch: &'a OnBatch<'a>,
        theta: &'a [f64],
        record: Buffer<'a>,
        outputs: Buffer<'a>,
    ) -> Self {
        Self {
            batch,
            theta,
            record,
            outputs,
        }
    }

    /// A range of examples, cut at the boundaries of panels and after at most `limit` examples.
    pub(crate) fn pieces(
        &self,
        range: Range<usize>,
        limit: usize,
    ) -> impl Iterator<Item = Examples<'_>> {
        let mlp = self.batch.mlp();
        let panel = mlp.panel();
        let width = mlp.record_width();
        pieces(range, panel, limit).map(move |piece| {
            let start = piece.start / panel * panel;
            let stored = panel.min(self.dims().examples - start);
            Examples {
                mlp,
                inputs: self.batch.columns().subcols(piece.start, piece.len()),
                record: &self.record[start * width..(start + stored) * width],
                panel: stored,
                first: piece.start - start,
                position: piece.start,
            }
        })
    }

    /// `Jᵀu` over a range of examples, panel after panel.
    fn contract_range(&self, range: Range<usize>, cotangent: &[f64], gradient: &mut [f64]) {
        let outputs = self.dims().outputs;
        let par = self.batch.within_panel();
        let first = range.start;
        for examples in self.pieces(range, usize::MAX) {
            let count = examples.count();
            let own = &cotangent[examples.position * outputs..][..count * outputs];
            let mut deltas = self.batch.scratch.take(examples.mlp.units() * count);
            backpropagate(&examples, self.theta, own, 1, &mut deltas, par);
            let accum = if examples.position == first {
                Accum::Replace
            } else {
                Accum::Add
            };
            contract(&examples, &deltas, gradient, accum, par);
        }
    }

    /// Into how many sums of whole panels `Jᵀu` is cut: few, and a function of sizes only.
    fn lanes(&self) -> usize {
        const WORK: usize = 1 << 17;
        const MOST: usize = 8;
        let dims = self.dims();
        let panels = dims.examples.div_ceil(self.batch.mlp().panel());
        (dims.parameters.saturating_mul(dims.examples) / WORK)
            .clamp(1, MOST)
            .min(panels)
    }
}

impl Linearization for Linearized<'_> {
    fn dims(&self) -> Dims {
        self.batch.dims()
    }

    fn outputs(&self) -> &[f64] {
        &self.outputs
    }

    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        let dims = self.dims();
        assert_eq!(tangent.len(), dims.parameters, "length of the tangent");
        assert_eq!(out.len(), dims.output_len(), "room for J v");
        let (mlp, panel) = (self.batch.mlp(), self.batch.mlp().panel());
        let panels = self
            .pieces(0..dims.examples, usize::MAX)
            .zip(out.chunks_mut(panel * dims.outputs));
        self.batch.schedule().run(panels, |(examples, out)| {
            let mut buffers = self.batch.scratch.take(2 * mlp.widest() * examples.count());
            let par = self.batch.within_panel();
            push_forward(&examples, self.theta, tangent, out, &mut buffers, par);
        });
    }

    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        let dims = self.dims();
        assert_eq!(
            cotangent.len(),
            dims.output_len(),
            "length of the cotangent"
        );
        assert_eq!(out.len(), dims.parameters, "room for Jᵀu");
        let (panel, lanes) = (self.batch.mlp().panel(), self.lanes());
        if lanes == 1 {
            return self.contract_range(0..dims.examples, cotangent, out);
        }
        let panels = dims.examples.div_ceil(panel);
        let boundary = |lane: usize| (lane * panels / lanes * panel).min(dims.examples);
        let mut partial = self.batch.scratch.take((lanes - 1) * dims.parameters);
        let sums = std::iter::once(&mut *out)
            .chain(partial.chunks_exact_mut(dims.parameters))
            .enumerate();
        Schedule::Shared.run(sums, |(lane, sum)| {
            self.contract_range(boundary(lane)..boundary(lane + 1), cotangent, sum);
        });
        for partial in partial.chunks_exact(dims.parameters) {
            for (sum, term) in out.iter_mut().zip(partial) {
                *sum += term;
            }
        }
    }

    fn layers(&self) -> Option<&dyn Layerwise> {
        Some(self)
    }

    fn pullback(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: MatMut<'_, f64>) {
        pullback::pullback(self, cotangents, examples, out);
    }

    fn gram(&self, cotangents: Cotangents<'_>, out: MatMut<'_, f64>) {
        gram::gram(self, cotangents, out);
    }
}

/// Panics unless there is a column of `K` numbers, `rank` times, for each example.
#[track_caller]
pub(crate) fn assert_fits(cotangents: Cotangents<'_>, dims: Dims) {
    assert!(
        cotangents.outputs() == dims.outputs && cotangents.examples() == dims.examples,
        "cotangents for {} examples of {} outputs, the map has {} of {}",
        cotangents.examples(),
        cotangents.outputs(),
        dims.examples,
        dims.outputs
    );
}
