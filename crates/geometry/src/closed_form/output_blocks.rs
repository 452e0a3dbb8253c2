use super::factor::Factor;
use super::seen::Seen;
use crate::MetricError;
use faer::Mat;

/// The blocks of `G + λI` on outgoing weights and constants, factored: `H + (λ/h_k) I` for output `k` in the frame of the
/// [precision](super::output_precision), where `H = E[(φ, 1)(φ, 1)ᵀ]`.
///
/// Outputs of one precision share a factor; with independent noise that is all of them. An output of no precision has no block,
/// as nothing couples to it.
#[derive(Clone, Debug)]
pub(crate) struct OutputBlocks {
    pub(crate) groups: Vec<Group>,
}

/// Outputs of one precision.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) outputs: Vec<usize>,
    pub(crate) factor: Factor,
}

impl OutputBlocks {
    pub(crate) fn new(seen: &Seen<'_>, lambda: f64) -> Result<Self, MetricError> {
        let mut dampings: Vec<(f64, Vec<usize>)> = Vec::new();
        for (k, root) in seen
            .roots
            .iter()
            .enumerate()
            .filter(|(_, root)| **root > 0.0)
        {
            let damping = lambda / (root * root);
            match dampings
                .iter_mut()
                .find(|(other, _)| (damping - other).abs() <= 0.0)
            {
                Some((_, outputs)) => outputs.push(k),
                None => dampings.push((damping, vec![k])),
            }
        }
        let group = |(damping, outputs): (f64, Vec<usize>)| {
            let factor = Factor::new(seen.values(damping).as_ref(), lambda)?;
            Ok(Group { outputs, factor })
        };
        let groups: Result<_, MetricError> = dampings.into_iter().map(group).collect();
        Ok(Self { groups: groups? })
    }

    /// Each column `k` of `h × K` by its own block; a column without a block becomes zero.
    pub(crate) fn solve(&self, columns: &mut Mat<f64>) {
        if let [group] = &self.groups[..]
            && group.outputs.len() == columns.ncols()
        {
            return group.factor.solve(columns.as_mut());
        }
        let mut solved = Mat::zeros(columns.nrows(), columns.ncols());
        for group in &self.groups {
            for &k in &group.outputs {
                let mut column = solved.as_mut().subcols_mut(k, 1);
                column.copy_from(columns.as_ref().subcols(k, 1));
                group.factor.solve(column);
            }
        }
        *columns = solved;
    }

    /// `Σ_k log det` of the blocks.
    pub(crate) fn log_determinant(&self) -> f64 {
        let of = |group: &Group| group.outputs.len() as f64 * group.factor.log_determinant();
        self.groups.iter().map(of).sum()
    }
}
