//! The metric layer by layer: what is between layers is left out.

use super::report::{LayerMetric, Measured};
use crate::failure::Failure;
use neuromanifold_geometry::{BlockFisher, Blocks, DiagonalFisher, KroneckerFisher, Spectrum};
use neuromanifold_model::OutputMap as _;

/// The size of a block whose eigenvalues are computed.
const QUICK: usize = 1500;
/// Parameters times parameters times examples that blocks may take.
const WORK: f64 = 2e11;
/// Parameters times examples that a Kronecker product may take.
const SEEN: f64 = 2e9;

/// Each layer's block: its trace, and its effective dimension, exact for small ones.
pub(crate) fn of(measured: &Measured<'_>) -> Result<Vec<LayerMetric>, Failure> {
    let Measured {
        net,
        theta,
        likelihood,
        gamma,
        ..
    } = *measured;
    let sizes = net.layers().iter().map(|l| l.parameters().len());
    let small = sizes.clone().all(|size| size <= QUICK);
    let squares: f64 = sizes.map(|size| (size as f64).powi(2)).sum();
    let most = if small {
        4.0 * WORK / squares / likelihood.factor_rank(net.outputs()) as f64
    } else {
        SEEN / net.parameters() as f64
    };
    let part = measured.inputs.at_most((most as usize).max(500));
    let batch = net.on(part.matrix())?;
    let linearization = batch.linearize(theta)?;
    let dimension = |values: &mut dyn Iterator<Item = f64>| -> f64 {
        values.map(|v| v.max(0.0) / (v.max(0.0) + gamma)).sum()
    };
    let mut dimensions = Vec::new();
    if small {
        let blocks = BlockFisher::new(linearization.as_ref(), likelihood, Blocks::Layers)?;
        for index in 0..blocks.len() {
            let values = Spectrum::eigenvalues_of(blocks.block(index))?;
            dimensions.push(dimension(&mut values.into_iter()));
        }
    } else {
        let kronecker = KroneckerFisher::ekfac(linearization.as_ref(), likelihood)?;
        for block in kronecker.blocks() {
            let columns = block.eigenvalues();
            let mut values = columns.col_iter().flat_map(|c| c.iter().copied());
            dimensions.push(dimension(&mut values));
        }
    }
    drop(linearization);
    let whole = net.on(measured.inputs.matrix())?;
    let diagonal = DiagonalFisher::new(whole.linearize(theta)?.as_ref(), likelihood)?;
    let layers = net.layers().iter().zip(dimensions).enumerate();
    Ok(layers
        .map(|(layer, (shape, effective_dimension))| LayerMetric {
            layer,
            parameters: shape.parameters().len(),
            trace: diagonal.diagonal()[shape.parameters()].iter().sum(),
            effective_dimension,
            method: if small { "exact" } else { "ek_fac" },
        })
        .collect())
}
