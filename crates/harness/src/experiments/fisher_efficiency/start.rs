//! What `1/t` needs of the start.

use rayon::prelude::*;

use super::online::{Rate, Rule, learn};
use super::setting::{OFFSET, Setting};
use crate::experiments::spread::Spread;
use crate::{Claim, Column, Context, HarnessError, Record, Table};

const OFFSETS: [f64; 5] = [0.0, 1.0, 3.0, 10.0, OFFSET];
/// A run is lost if in the end its excess loss is so many times the bound.
const LOST: f64 = 10.0;

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let (steps, count) = context.pick((600, 24), (1_000, 60), (4_000, 200));
    let jobs: Vec<(f64, u64)> = OFFSETS
        .into_iter()
        .flat_map(|offset| (0..count).map(move |index| (offset, index)))
        .collect();
    context.progress().begin("starts", jobs.len());
    let finals: Vec<f64> = jobs
        .par_iter()
        .map(|(offset, index)| {
            // the same starts and examples for every offset
            let mut rng = context.rng(200_000 + index);
            let start = setting.prior(OFFSET, &mut rng);
            let rate = Rate {
                rule: Rule::Natural,
                numerator: 1.0,
                offset: *offset,
            };
            let run = learn(
                &setting.regression,
                rate,
                start,
                &[steps],
                context,
                &mut rng,
            );
            context.progress().advance(1);
            match run {
                Ok(seen) => {
                    let bound = setting.bound(steps as f64 + offset);
                    let excess = setting.regression.excess_loss(&seen[0]);
                    excess.map_or(Ok(f64::INFINITY), |excess| Ok(excess / bound))
                }
                Err(HarnessError::Interrupted) => Err(HarnessError::Interrupted),
                // θ on a singular point or out of the range of numbers
                Err(_) => Ok(f64::INFINITY),
            }
        })
        .collect::<Result<_, _>>()?;

    record.heading("The start");
    record.paragraph(format!(
        "All of this is about the end. The step 1/t taken from t = 1 is a leap: the first example asks for its whole residual \
         to be made up for, along G^{{−1}}∇f, and with q = ∇fᵀG^{{−1}}∇f/σ² about P = {} and up to {:.0} that overshoots by as much. Runs \
         from the same starts, θ∗ to within what {OFFSET} examples would tell, with 1/(t+t_{{0}}) for several t_{{0}}: a lost run \
         has come to a singular θ, where there is no natural gradient (∞), or to one so far off that steps of 1/t do not bring it back. A \
         modest t_{{0}} is enough.",
        setting.regression.dim(),
        setting.longest,
    ));
    let columns = [
        Column::new("t_{0}"),
        Column::new("runs"),
        Column::text("lost"),
        Column::new("E[L − L∗] over the bound, median").digits(3),
        Column::new("largest").digits(3),
    ];
    let mut table = Table::new(
        "starts",
        format!(
            "After {steps} steps with η = 1/(t+t_{{0}}); lost are runs that end above {LOST} times the bound P/2(t+t_{{0}})."
        ),
        columns,
    );
    let mut lost = Vec::new();
    for (offset, finals) in OFFSETS
        .iter()
        .zip(finals.chunks_exact(jobs.len() / OFFSETS.len()))
    {
        let spread = Spread::of(finals.iter().copied());
        let gone = finals.iter().filter(|e| **e >= LOST).count();
        lost.push(gone);
        table.row([
            (*offset).into(),
            finals.len().into(),
            gone.to_string().into(),
            spread.median.into(),
            spread.high.into(),
        ]);
    }
    record.table(table);
    record.claim(Claim::at_least(
        "share of the runs that 1/t from t = 1 loses",
        0.5,
        lost[0] as f64 / count as f64,
    ));
    record.claim(Claim::equal(
        format!("runs that 1/(t+t_{{0}}) with t_{{0}} = {OFFSET} loses"),
        0,
        lost[OFFSETS.len() - 1],
    ));
    Ok(())
}
