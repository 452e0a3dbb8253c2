use super::{QuotientError, SymmetryGroup};
use faer::Mat;
use neuromanifold_mlp::Activation;

impl SymmetryGroup<'_> {
    /// The infinitesimal generators at θ: tangent vectors along which the function (for the group of a likelihood: the law) stays the
    /// same because of a continuous part of the group, one a column of a `P × d` matrix.
    ///
    /// One for each relu unit, `(δw, δb, δv) = (w, b, −v)`; `m²` for a linear layer of `m` units, `δW = E W`, `δb = E b`,
    /// `δV = −V E` for each matrix unit `E`; for the gauge, `δv_{kα} = 1` for all `k`, one for each unit, and `δc_k = 1`.
    /// Fisher-null at every θ, so such networks are singular everywhere.
    ///
    /// # Errors
    /// [`QuotientError::Model`] for a θ of another network or with entries that are not finite.
    pub fn generators(&self, theta: &[f64]) -> Result<Mat<f64>, QuotientError> {
        self.check_point(theta)?;
        let mut columns: Vec<Vec<f64>> = Vec::new();
        for (index, layer) in self.hidden().enumerate() {
            let units = layer.outputs();
            match layer.activation() {
                Activation::Relu => {
                    columns.extend((0..units).map(|i| self.shear(index, i, i, theta)));
                }
                Activation::Identity => {
                    let pairs = (0..units).flat_map(|i| (0..units).map(move |j| (i, j)));
                    columns.extend(pairs.map(|(i, j)| self.shear(index, i, j, theta)));
                }
                _ => {}
            }
        }
        if self.gauge {
            columns.extend(self.shifts());
        }
        Ok(Mat::from_fn(theta.len(), columns.len(), |p, d| {
            columns[d][p]
        }))
    }

    /// Row `i` of the incoming weights moves along row `j`; column `j` of the outgoing ones along minus column `i`.
    fn shear(&self, index: usize, i: usize, j: usize, theta: &[f64]) -> Vec<f64> {
        let (layer, next) = (&self.net.layers()[index], &self.net.layers()[index + 1]);
        let mut tangent = vec![0.0; theta.len()];
        for (to, from) in layer.incoming(i).zip(layer.incoming(j)) {
            tangent[to] = theta[from];
        }
        if let Some(bias) = layer.bias() {
            tangent[bias.start + i] = theta[bias.start + j];
        }
        for k in 0..next.outputs() {
            let row = next.incoming(k).start;
            tangent[row + j] = -theta[row + i];
        }
        tangent
    }

    /// All outputs move by what one unit computes, or by a constant.
    fn shifts(&self) -> Vec<Vec<f64>> {
        let output = &self.net.layers()[self.hidden_layers()];
        let along = |parameters: &mut dyn Iterator<Item = usize>| {
            let mut tangent = vec![0.0; self.net.parameters()];
            parameters.for_each(|p| tangent[p] = 1.0);
            tangent
        };
        let rows =
            |unit: usize| (0..output.outputs()).map(move |k| output.incoming(k).start + unit);
        let weights = (0..output.inputs()).map(|unit| along(&mut rows(unit)));
        weights
            .chain(output.bias().map(|mut bias| along(&mut bias)))
            .collect()
    }
}
