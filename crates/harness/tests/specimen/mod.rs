//! An experiment that needs no model and shows every kind of figure, table and text once.

use neuromanifold_harness::figure::Map;
use neuromanifold_harness::{
    Axis, Claim, Column, Context, Experiment, Figure, HarnessError, Panel, Record, Series, Source,
    Table,
};
use rand::RngExt;

/// The mean of n uniform numbers, and the error with which it approaches ½.
#[derive(Debug)]
pub(crate) struct Specimen;

impl Experiment for Specimen {
    fn name(&self) -> &'static str {
        "specimen"
    }

    fn title(&self) -> &'static str {
        "The mean of uniform numbers approaches ½ like n to the power −½"
    }

    fn question(&self) -> &'static str {
        "How fast does the mean of *n* uniform numbers approach ½, and does it do so for every seed?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new("Bernoulli", 1713, "Ars conjectandi", "Basel: Thurneysen"),
            Source::new(
                "Amari",
                1998,
                "Natural gradient works efficiently in learning",
                "Neural Computation 10(2)",
            )
            .doi("10.1162/089976698300017746"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let most = context.pick(1_000_usize, 20_000, 200_000);
        let seeds = 21;
        context.progress().begin("drawing", seeds);
        let mut errors: Vec<Vec<f64>> = Vec::new();
        for seed in 0..seeds {
            context.check()?;
            let mut rng = context.rng(seed as u64);
            let mut sum = 0.0;
            errors.push(
                (1..=most)
                    .map(|n| {
                        sum += rng.random::<f64>();
                        (sum / n as f64 - 0.5).abs()
                    })
                    .collect(),
            );
            context.progress().advance(1);
        }
        let sizes: Vec<usize> = (0..)
            .map(|k| 10_f64.powf(f64::from(k) * 0.05).round() as usize)
            .take_while(|n| *n <= most)
            .collect();
        let quantile = |n: usize, part: f64| {
            let mut values: Vec<f64> = errors.iter().map(|errors| errors[n - 1]).collect();
            values.sort_by(f64::total_cmp);
            values[(part * (values.len() - 1) as f64) as usize]
        };
        let n = || sizes.iter().map(|n| *n as f64);
        let at = |part: f64| sizes.iter().map(|n| quantile(*n, part)).collect::<Vec<_>>();
        let theory = |n: f64| 0.6745 / (12.0 * n).sqrt();

        let mut record = Record::new();
        record.paragraph(
            "The median of the error falls along the line that the central limit theorem draws, \
             0.6745·(12*n*)^{−½}; the band holds half of the seeds. A mean has D(θ:θ+dθ) = ½dθᵀGdθ + O(|dθ|^{3}), \
             as `geometry` computes it, so what holds for the mean holds for λ_{min} too; see [Amari](https://doi.org/10.1162/089976698300017746).",
        );
        record.figure(
            Figure::new("error", "Error of the mean of *n* uniform numbers: median of 21 seeds, with quartiles. One seed is shown for itself, the grey line is theory.", Axis::log("n"), Axis::log("|mean − ½|"))
                .with(Series::guide("0.6745·(12 n)^{−½}", n(), n().map(theory)))
                .with(Series::band("median and quartiles", n(), at(0.5), at(0.25), at(0.75)))
                .with(Series::line("first seed", n(), sizes.iter().map(|n| errors[0][n - 1])))
                .vertical(100.0, "n = 100")
                .horizontal(0.01, "one per cent"),
        );
        record.heading("Several things at once");
        record.paragraph("Small multiples share an axis, and one label has one colour, dash and marker in all of them.");
        let panels = ["all seeds", "half of the seeds", "a few seeds"]
            .iter()
            .zip([21, 10, 4])
            .map(|(title, count)| {
                let mut panel = Panel::new(*title, Axis::log("n"), Axis::log("|mean − ½|"));
                for (label, part) in [
                    ("largest", 1.0),
                    ("upper quartile", 0.75),
                    ("median", 0.5),
                    ("lower quartile", 0.25),
                    ("smallest", 0.0),
                ] {
                    let few: Vec<usize> = sizes.iter().copied().step_by(8).collect();
                    let values = few.iter().map(|n| {
                        let mut values: Vec<f64> =
                            errors[..count].iter().map(|errors| errors[n - 1]).collect();
                        values.sort_by(f64::total_cmp);
                        values[(part * (count - 1) as f64) as usize]
                    });
                    panel = panel.with(Series::marked_line(
                        label,
                        few.iter().map(|n| *n as f64),
                        values,
                    ));
                }
                panel
            });
        record.figure(Figure::multiples("quantiles", "Quantiles of the error.", panels).share_y());
        record.paragraph("A map shows a quantity by colour; here it is the smallest eigenvalue of a two-by-two matrix.");
        let axis: Vec<f64> = (0..61).map(|i| -1.0 + f64::from(i) / 30.0).collect();
        let smallest =
            |x: f64, y: f64| 1.0 + x * x - ((1.0 - x * x).powi(2) + 4.0 * x * x * y * y).sqrt();
        record.figure(
            Figure::new(
                "eigenvalue",
                "Smallest eigenvalue of a matrix that is singular where *w* = 0.",
                Axis::linear("w"),
                Axis::linear("v"),
            )
            .map(
                Map::new(
                    "λ_{min}",
                    axis.iter().copied(),
                    axis.iter().copied(),
                    |x, y| smallest(x, y) + 1e-4,
                )
                .log(),
            )
            .with(Series::line(
                "a trajectory",
                (0..200).map(|i| 0.9 * (0.03 * f64::from(i)).cos() * (-0.004 * f64::from(i)).exp()),
                (0..200).map(|i| 0.9 * (0.045 * f64::from(i)).sin()),
            )),
        );
        let mut rng = context.rng(99);
        let mut cloud = |shift: f64| -> Vec<f64> {
            (0..120)
                .map(|_| shift + rng.random::<f64>() + rng.random::<f64>())
                .collect()
        };
        record.figure(Figure::multiples(
            "clouds",
            "Points, told apart by shape as well as colour.",
            [
                Panel::new(
                    "two groups",
                    Axis::linear("first").unit("mm"),
                    Axis::linear("second").unit("mm"),
                )
                .with(Series::points("left", cloud(0.0), cloud(0.0)))
                .with(Series::points("right", cloud(1.2), cloud(0.7))),
                Panel::new(
                    "large numbers",
                    Axis::linear("step"),
                    Axis::linear("loss").unit("nats"),
                )
                .with(Series::line(
                    "left",
                    (0..20_000).map(f64::from),
                    (0..20_000).map(|i| {
                        2e-6 * (-f64::from(i) * 2e-4).exp()
                            * (1.0 + 0.2 * (f64::from(i) * 0.37).sin())
                    }),
                ))
                .with(Series::line(
                    "right",
                    (0..20_000).map(f64::from),
                    (0..20_000).map(|i| {
                        if (9000..11_000).contains(&i) {
                            f64::NAN
                        } else {
                            1.2e-6 - 4e-11 * f64::from(i)
                        }
                    }),
                )),
            ],
        ));
        let columns = [
            Column::text("quantile"),
            Column::new("n").digits(6),
            Column::new("error").digits(3),
            Column::new("theory").digits(3),
            Column::new("ratio"),
            Column::new("wall time").unit("s").digits(2),
            Column::new("train loss").unit("nats"),
            Column::new("test loss").unit("nats"),
        ];
        let mut table = Table::new("median", "Median error against theory.", columns);
        for n in sizes.iter().copied().step_by(12) {
            let (error, theory) = (quantile(n, 0.5), theory(n as f64));
            table.row([
                "median".into(),
                n.into(),
                error.into(),
                theory.into(),
                (error / theory).into(),
                (1e-6 * n as f64).into(),
                (error * error).into(),
                (-theory.powi(3)).into(),
            ]);
        }
        record.table(table);
        let last = *sizes.last().unwrap_or(&1);
        record.claim(Claim::close(
            "ratio of the median error to 0.6745·(12*n*)^{−½}, largest *n*",
            1.0,
            quantile(last, 0.5) / theory(last as f64),
            0.5,
        ));
        record.claim(Claim::at_most(
            "largest error of all seeds, largest *n*",
            5.0 * theory(last as f64),
            quantile(last, 1.0),
        ));
        record.claim(Claim::close_relative(
            "expected number of seeds",
            21.0,
            seeds as f64,
            0.01,
        ));
        record.claim(Claim::equal(
            "seeds whose error vanishes exactly",
            0_usize,
            errors
                .iter()
                .flatten()
                .filter(|error| **error <= 0.0)
                .count(),
        ));
        record.claim(Claim::within(
            "median error of ten numbers",
            0.02..=0.1,
            quantile(10, 0.5),
        ));
        if context.seed() == 13 {
            record.claim(Claim::at_least(
                "a claim that seed 13 makes and breaks, log_{10} of the error",
                -1.0,
                f64::NAN,
            ));
        }
        Ok(record)
    }
}
