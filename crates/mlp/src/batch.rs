use crate::finite::first_non_finite;
use crate::forward::{evaluate, forward};
use crate::linearization::Linearized;
use crate::product::Columns;
use crate::schedule::Schedule;
use crate::scratch::Scratch;
use crate::{Mlp, MlpError};
use faer::{Mat, MatRef, Par};
use neuromanifold_model::{Dims, Linearization, ModelError, OutputMap};

/// A perceptron together with a batch of inputs: the map `θ ↦ Z(θ) ∈ R^{K×N}`.
///
/// Made by [`Mlp::on`]. The inputs were checked there: they have the right height and are finite. Making one allocates
/// nothing if the columns of the inputs are contiguous, so on-line learning can make one for each example.
///
/// Buffers are kept between calls: evaluating the same batch again allocates next to nothing.
#[derive(Debug)]
pub struct OnBatch<'a> {
    mlp: &'a Mlp,
    inputs: Inputs<'a>,
    pub(crate) scratch: Scratch,
}

#[derive(Debug)]
enum Inputs<'a> {
    Borrowed(Columns<'a>),
    Owned(Mat<f64>),
}

impl<'a> OnBatch<'a> {
    pub(crate) fn new(mlp: &'a Mlp, inputs: MatRef<'a, f64>) -> Result<Self, MlpError> {
        if inputs.nrows() != mlp.inputs() {
            return Err(MlpError::InputRows {
                expected: mlp.inputs(),
                got: inputs.nrows(),
            });
        }
        if inputs.ncols() == 0 {
            return Err(MlpError::EmptyBatch);
        }
        let inputs = match inputs.try_as_col_major() {
            Some(columns) => Inputs::Borrowed(columns),
            None => Inputs::Owned(inputs.to_owned()),
        };
        let batch = Self {
            mlp,
            inputs,
            scratch: Scratch::default(),
        };
        batch.check_inputs()?;
        Ok(batch)
    }

    /// The architecture.
    #[must_use]
    pub fn mlp(&self) -> &'a Mlp {
        self.mlp
    }

    /// The inputs, `n × N`, one example a column.
    #[must_use]
    pub fn inputs(&self) -> MatRef<'_, f64> {
        self.columns().as_dyn_stride()
    }

    pub(crate) fn columns(&self) -> Columns<'_> {
        match &self.inputs {
            Inputs::Borrowed(columns) => *columns,
            Inputs::Owned(copy) => copy
                .as_ref()
                .try_as_col_major()
                .unwrap_or_else(|| unreachable!("an owned matrix is column-major")),
        }
    }

    /// For a pass over the whole batch.
    pub(crate) fn schedule(&self) -> Schedule {
        Schedule::for_entries(self.mlp.parameters().saturating_mul(self.columns().ncols()))
    }

    /// How the products of one panel are spread: not at all if there are several panels, or little to do.
    pub(crate) fn within_panel(&self) -> Par {
        let examples = self.columns().ncols();
        let work = self.mlp.parameters().saturating_mul(examples);
        if examples > self.mlp.panel() || Schedule::for_products(work) == Schedule::Alone {
            Par::Seq
        } else {
            Par::rayon(0)
        }
    }

    fn check_inputs(&self) -> Result<(), MlpError> {
        let columns = self.columns();
        for example in 0..columns.ncols() {
            let column = columns.col(example).as_slice();
            if let Some(input) = first_non_finite(column) {
                return Err(MlpError::NonFiniteInput {
                    example,
                    input,
                    value: column[input],
                });
            }
        }
        Ok(())
    }
}

/// [`ModelError::check_parameters`], quick when all is well.
fn check_parameters(theta: &[f64], dims: Dims) -> Result<(), ModelError> {
    if theta.len() == dims.parameters && first_non_finite(theta).is_none() {
        return Ok(());
    }
    ModelError::check_parameters(theta, dims)
}

impl OutputMap for OnBatch<'_> {
    fn dims(&self) -> Dims {
        Dims {
            parameters: self.mlp.parameters(),
            outputs: self.mlp.outputs(),
            examples: self.columns().ncols(),
        }
    }

    /// One forward pass; keeps activations and derivatives, `2 Σ_l m_l` numbers an example.
    fn linearize<'a>(
        &'a self,
        theta: &'a [f64],
    ) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        let dims = self.dims();
        check_parameters(theta, dims)?;
        let (mlp, inputs, panel) = (self.mlp, self.columns(), self.mlp.panel());
        let mut record = self.scratch.take(mlp.record_width() * dims.examples);
        let mut outputs = self.scratch.take(dims.output_len());
        let panels = record
            .chunks_mut(mlp.record_width() * panel)
            .zip(outputs.chunks_mut(dims.outputs * panel))
            .enumerate();
        self.schedule().run(panels, |(index, (record, outputs))| {
            let count = outputs.len() / dims.outputs;
            let inputs = inputs.subcols(index * panel, count);
            let mut z = self.scratch.take(mlp.widest() * count);
            forward(
                mlp,
                theta,
                inputs,
                record,
                outputs,
                &mut z,
                self.within_panel(),
            );
        });
        ModelError::check_outputs(&outputs, dims)?;
        Ok(Box::new(Linearized::new(self, theta, record, outputs)))
    }

    /// One forward pass that keeps nothing: the buffers of a panel are all it needs.
    fn outputs(&self, theta: &[f64], out: &mut [f64]) -> Result<(), ModelError> {
        let dims = self.dims();
        assert_eq!(out.len(), dims.output_len(), "room for the outputs");
        check_parameters(theta, dims)?;
        let (mlp, inputs, panel) = (self.mlp, self.columns(), self.mlp.panel());
        let panels = out.chunks_mut(dims.outputs * panel).enumerate();
        self.schedule().run(panels, |(index, outputs)| {
            let count = outputs.len() / dims.outputs;
            let inputs = inputs.subcols(index * panel, count);
            let mut buffers = self.scratch.take(2 * mlp.widest() * count);
            evaluate(
                mlp,
                theta,
                inputs,
                outputs,
                &mut buffers,
                self.within_panel(),
            );
        });
        ModelError::check_outputs(out, dims)
    }
}
