use crate::block_cholesky::{gather, scatter};
use crate::error::Quantity;
use crate::layered::{Partition, own_blocks};
use crate::metric::{relative_residual, trusted};
use crate::{BlockCholesky, Cholesky, Inverse, Metric, MetricError, OutputFactor, Solve, Spectrum};
use faer::{Mat, MatRef};
use neuromanifold_model::{AffineLayer, Likelihood, Linearization};

/// The diagonal blocks of the Fisher metric: what is between two blocks is left out.
///
/// Each block is exact, the same slice of `G` that [`DenseFisher`](crate::DenseFisher) holds. A metric between the full one
/// and its diagonal: it is invariant under changes of parameters within a block.
///
/// Memory: `Σ_b P_b²` numbers. Cost: of a layer with `m` units of `n` parameters `N·m(m+1)/2·n(n+1)/2` multiplications as one
/// block, `N·m·n(n+1)/2` unit by unit; `Σ_b P_b³/3` for a damped solve.
///
/// ```
/// use neuromanifold_geometry::{BlockFisher, Blocks, DenseFisher};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::{Gaussian, OutputMap};
///
/// let net = Mlp::new(&[1, 2, 1], Activation::Tanh)?;
/// let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
/// let batch = net.on_slice(&[-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5])?;
/// let at = batch.linearize(&theta)?;
/// let blocks = BlockFisher::new(at.as_ref(), &Gaussian::UNIT, Blocks::Units)?;
/// assert_eq!(blocks.parameters(0), &[0, 2]); // weight and bias of the first hidden unit
///
/// let dense = DenseFisher::new(at.as_ref(), &Gaussian::UNIT)?;
/// assert!((blocks.block(0)[(1, 0)] - dense.matrix()[(2, 0)]).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// Y. Ollivier, *Riemannian metrics for neural networks I: feedforward networks*, Information and Inference 4 (2015),
/// doi:10.1093/imaiai/iav006: the unit-wise metric, and under which changes of parameters it is invariant.
#[derive(Clone, Debug)]
pub struct BlockFisher {
    blocks: Vec<Block>,
    dim: usize,
}

/// Which parameters are kept together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blocks {
    /// All of an affine layer.
    Layers,
    /// The weights and the bias of one unit.
    Units,
}

#[derive(Clone, Debug)]
struct Block {
    parameters: Vec<usize>,
    matrix: Mat<f64>,
}

impl BlockFisher {
    /// Blocks of the true Fisher metric of a likelihood at a linearised map.
    ///
    /// # Errors
    /// [`MetricError::Empty`], [`MetricError::Likelihood`], [`MetricError::NoLayers`], [`MetricError::Layers`],
    /// [`MetricError::NotFinite`].
    pub fn new(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
        blocks: Blocks,
    ) -> Result<Self, MetricError> {
        let factor = OutputFactor::fisher(linearization, likelihood)?;
        Self::from_factor(linearization, &factor, blocks)
    }

    /// Blocks of `A Aᵀ` for any columns on the outputs: of the true, Monte-Carlo or empirical Fisher, according to the
    /// [`OutputFactor`].
    ///
    /// # Errors
    /// [`MetricError::Factor`] if the factor was made for another batch or map;
    /// [`MetricError::NoLayers`], [`MetricError::Layers`]; [`MetricError::Magnitude`] if an activation or a covector is
    /// not finite, or beyond 1e100 in size; [`MetricError::NotFinite`] if an entry is not finite.
    pub fn from_factor(
        linearization: &dyn Linearization,
        factor: &OutputFactor,
        blocks: Blocks,
    ) -> Result<Self, MetricError> {
        factor.check(linearization.dims())?;
        let dim = linearization.dims().parameters;
        let Some(layers) = linearization.layers() else {
            return Err(MetricError::NoLayers {
                representation: "BlockFisher",
                remedy: "DenseFisher",
            });
        };
        let partition = Partition::new(layers, dim)?;
        let kept: Vec<Vec<usize>> = partition
            .members()
            .iter()
            .flat_map(|member| parameters_of(member.layer, blocks))
            .collect();
        let matrices = own_blocks(layers, &partition, factor.cotangents(), blocks)?;
        let blocks: Vec<Block> = kept
            .into_iter()
            .zip(matrices)
            .map(|(parameters, matrix)| Block { parameters, matrix })
            .collect();
        for Block { parameters, matrix } in &blocks {
            for (i, &index) in parameters.iter().enumerate() {
                let value = matrix[(i, i)];
                if !value.is_finite() {
                    return Err(MetricError::NotFinite {
                        what: Quantity::Metric,
                        index: index * dim + index,
                        value,
                    });
                }
            }
        }
        Ok(Self { blocks, dim })
    }

    /// The number of blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are no blocks: never, for a map that has parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// One block, both triangles.
    ///
    /// # Panics
    /// If there is no such block.
    #[must_use]
    pub fn block(&self, index: usize) -> MatRef<'_, f64> {
        self.blocks[index].matrix.as_ref()
    }

    /// Which parameters the rows and columns of a block are, ascending.
    ///
    /// # Panics
    /// If there is no such block.
    #[must_use]
    pub fn parameters(&self, index: usize) -> &[usize] {
        &self.blocks[index].parameters
    }

    /// The sum of the eigenvalues, that of the full metric too.
    #[must_use]
    pub fn trace(&self) -> f64 {
        let of = |block: &Block| -> f64 {
            (0..block.parameters.len())
                .map(|i| block.matrix[(i, i)])
                .sum()
        };
        self.blocks.iter().map(of).sum()
    }

    /// The Cholesky factors of all blocks of `G + λI`, for several solves or as a [`Preconditioner`](crate::Preconditioner). `λ` may be 0.
    ///
    /// # Errors
    /// [`MetricError::NotPositiveDefinite`], whose pivot counts within its block; [`MetricError::Damping`].
    pub fn cholesky(&self, lambda: f64) -> Result<BlockCholesky, MetricError> {
        let blocks = self.blocks.iter().map(|block| {
            let factor = Cholesky::new(block.matrix.as_ref(), lambda)?;
            Ok((block.parameters.clone(), factor))
        });
        Ok(BlockCholesky {
            blocks: blocks.collect::<Result<_, MetricError>>()?,
        })
    }

    /// Applies a function of the block and its part of a vector, block by block.
    fn by_blocks<E>(
        &self,
        vector: &[f64],
        out: &mut [f64],
        mut apply: impl FnMut(&Block, &[f64], &mut [f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        assert!(
            vector.len() == self.dim && out.len() == self.dim,
            "vectors of lengths {} and {} in a space of dimension {}",
            vector.len(),
            out.len(),
            self.dim
        );
        let widest = self.blocks.iter().map(|b| b.parameters.len()).max();
        let (mut part, mut image) = (
            vec![0.0; widest.unwrap_or(0)],
            vec![0.0; widest.unwrap_or(0)],
        );
        for block in &self.blocks {
            let (part, image) = (
                &mut part[..block.parameters.len()],
                &mut image[..block.parameters.len()],
            );
            gather(&block.parameters, vector, part);
            apply(block, part, image)?;
            scatter(&block.parameters, image, out);
        }
        Ok(())
    }
}

impl Metric for BlockFisher {
    fn dim(&self) -> usize {
        self.dim
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        let done = self.by_blocks::<std::convert::Infallible>(tangent, out, |block, v, out| {
            out.fill(0.0);
            for (column, weight) in v.iter().enumerate() {
                for (o, entry) in out.iter_mut().zip(block.matrix.col_as_slice(column)) {
                    *o += weight * entry;
                }
            }
            Ok(())
        });
        match done {
            Ok(()) => (),
        }
    }

    /// Block by block: Cholesky, or eigenvalues for a pseudo-inverse, whose tolerance is relative to each block's own
    /// largest eigenvalue.
    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        if let Inverse::Damped { lambda } = inverse {
            MetricError::check_damping(lambda)?;
        }
        let lambda = inverse.damping();
        let mut right_hand_side = gradient.to_vec();
        let mut rank = 0;
        self.by_blocks::<MetricError>(gradient, out, |block, g, out| {
            let Inverse::Pseudo { tolerance } = inverse else {
                out.copy_from_slice(g);
                Cholesky::new(block.matrix.as_ref(), lambda)?.solve_in_place(out);
                rank += g.len();
                return Ok(());
            };
            let spectrum = Spectrum::new(block.matrix.as_ref())?;
            spectrum.apply(g, tolerance.validate()?, |_| 1.0, out);
            scatter(&block.parameters, out, &mut right_hand_side);
            rank += spectrum.pseudo_inverse(g, tolerance, out);
            Ok(())
        })?;
        MetricError::check_finite(Quantity::Direction, out)?;
        let residual = relative_residual(self, lambda, &right_hand_side, out);
        Ok(Solve {
            relative_residual: trusted(residual, lambda)?,
            rank,
            iterations: 0,
        })
    }
}

fn parameters_of(layer: AffineLayer, blocks: Blocks) -> Vec<Vec<usize>> {
    match blocks {
        Blocks::Layers => vec![layer.parameters().collect()],
        Blocks::Units => (0..layer.outputs)
            .map(|unit| {
                (0..layer.fan_in())
                    .map(|input| layer.parameter(unit, input))
                    .collect()
            })
            .collect(),
    }
}
