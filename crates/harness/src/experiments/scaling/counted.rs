//! A linearisation that counts what it is asked for.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use faer::MatMut;
use neuromanifold_model::{AffineLayer, Cotangents, Dims, Layerwise, Linearization};

/// Another linearisation, and how often each of its products was taken.
pub(super) struct Counted<'a> {
    at: &'a dyn Linearization,
    layers: Option<CountedLayers<'a>>,
    forward: AtomicUsize,
    back: AtomicUsize,
    carried: Arc<AtomicUsize>,
    grams: AtomicUsize,
}

/// Its layers, if it has some.
struct CountedLayers<'a> {
    layers: &'a dyn Layerwise,
    carried: Arc<AtomicUsize>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Products `J v`.
    pub(super) forward: usize,
    /// Products `Jᵀu`.
    pub(super) back: usize,
    /// Covectors of single examples pulled back, to the parameters or to the layers.
    pub(super) carried: usize,
    /// Gram matrices.
    pub(super) grams: usize,
}

impl<'a> Counted<'a> {
    pub(super) fn new(at: &'a dyn Linearization) -> Self {
        let carried = Arc::new(AtomicUsize::new(0));
        let layers = at.layers().map(|layers| CountedLayers {
            layers,
            carried: Arc::clone(&carried),
        });
        Self {
            at,
            layers,
            forward: AtomicUsize::new(0),
            back: AtomicUsize::new(0),
            carried,
            grams: AtomicUsize::new(0),
        }
    }

    /// What was asked for since the last time.
    pub(super) fn take(&self) -> Asked {
        let take = |counter: &AtomicUsize| counter.swap(0, Ordering::Relaxed);
        Asked {
            forward: take(&self.forward),
            back: take(&self.back),
            carried: take(&self.carried),
            grams: take(&self.grams),
        }
    }
}

impl Linearization for Counted<'_> {
    fn dims(&self) -> Dims {
        self.at.dims()
    }

    fn outputs(&self) -> &[f64] {
        self.at.outputs()
    }

    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        self.forward.fetch_add(1, Ordering::Relaxed);
        self.at.jvp(tangent, out);
    }

    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        self.back.fetch_add(1, Ordering::Relaxed);
        self.at.vjp(cotangent, out);
    }

    fn layers(&self) -> Option<&dyn Layerwise> {
        self.layers.as_ref().map(|layers| layers as &dyn Layerwise)
    }

    fn pullback(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: MatMut<'_, f64>) {
        let columns = examples.len() * cotangents.rank();
        self.carried.fetch_add(columns, Ordering::Relaxed);
        self.at.pullback(cotangents, examples, out);
    }

    fn gram(&self, cotangents: Cotangents<'_>, out: MatMut<'_, f64>) {
        self.grams.fetch_add(1, Ordering::Relaxed);
        self.at.gram(cotangents, out);
    }
}

impl Layerwise for CountedLayers<'_> {
    fn depth(&self) -> usize {
        self.layers.depth()
    }

    fn layer(&self, index: usize) -> AffineLayer {
        self.layers.layer(index)
    }

    fn panel(&self) -> usize {
        self.layers.panel()
    }

    fn inputs_of(&self, index: usize, examples: Range<usize>, out: &mut [f64]) {
        self.layers.inputs_of(index, examples, out);
    }

    fn carry_back(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: &mut [f64]) {
        let columns = examples.len() * cotangents.rank();
        self.carried.fetch_add(columns, Ordering::Relaxed);
        self.layers.carry_back(cotangents, examples, out);
    }
}
