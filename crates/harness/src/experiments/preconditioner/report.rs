//! What a reader sees.

use super::conditioner::{Conditioner, STOPPING, Trial};
use super::problem::Problem;
use super::{Measured, Row, claims};
use crate::record::number::significant;
use crate::{Axis, Column, Figure, Panel, Quantity, Record, Series, Table};

/// The whole record.
pub(super) fn record(problems: &[Problem], measured: &[Vec<Measured>]) -> Record {
    let mut record = Record::new();
    record.paragraph(setting(problems, measured));
    record.paragraph(
        "What is solved is always the metric of the data: a preconditioner changes how fast, not what. As a preconditioner the \
         closed form is the exact metric for normal inputs and Gaussian noise, blocks between layers included. For the ten classes \
         of the digits the output Fisher matrix H(f(x)) depends on the input; its average over the data stands for it, which is \
         exact if J and H(f(x)) are independent. K-FAC makes the same approximation. The last column of the first table separates \
         the two: there the inputs are drawn from the fitted law, as many as there are data.",
    );
    record.figure(figure(
        "iterations",
        "Products with G to a relative residual of 10^{−6} against the damping in units of the mean eigenvalue.",
        Axis::log("products with G"),
        (problems, measured),
        &Conditioner::ITERATED,
        |trial| trial.iterations.map(|count| count.max(1) as f64),
    ));
    record.table(products(problems, measured));
    record.figure(figure(
        "times",
        "Time to build the preconditioner at θ and to iterate, or to form and factor G, on one thread.",
        Axis::log("time").unit("ms"),
        (problems, measured),
        &Conditioner::ALL,
        |trial| trial.iterations.map(|_| 1e3 * trial.seconds()),
    ));
    record.table(times(problems, measured));
    record.heading("When it pays");
    record.paragraph(
        "*In products with G.* With random weights, and at the smallest λ always, the closed form needs fewer than anything else on \
         concrete and digits: at the smallest λ less than half of what nothing needs on concrete, a tenth on digits with random weights. The \
         diagonal and K-FAC need *more* than nothing unless λ is small: damping alone gathers the many small eigenvalues of G + λI at \
         λ, and a preconditioner that is wrong about them spreads them out again. On Mackey–Glass, whose four inputs are delays of \
         one series on a curved attractor, a few products are saved at best. On inputs that *are* normal, with Gaussian noise, a few \
         tens are enough at any λ: what is left on concrete is that its inputs are not normal. On digits it is also the average of H: \
         as the classifier becomes sure of itself, H(f(x)) is near zero for most inputs and not for the few that it doubts, so H and \
         J depend on each other and the gain fades; on inputs drawn from the law, which look like no digit, even more.",
    );
    record.paragraph(winners(measured));
    record.paragraph(
        "*In time.* A solve with the closed form has a price: a Cholesky factor of size m r + m, with r the smaller of n and m + 1, \
         once at each θ, and a solve with it in each iteration. Where n is no larger than m, as on concrete and Mackey–Glass, that is \
         nearly the dense matrix itself. With a few hundred parameters the dense matrix is formed and factored in milliseconds, and \
         nothing beats it but, at the largest λ, no preconditioner at all. The closed form pays where n is well above m, P is in the \
         thousands, λ is small and training is young: on digits with random weights it is then ahead of the dense factor and of every \
         other preconditioner. Late in the training of a classifier it does not pay.",
    );
    claims::state(&mut record, problems, measured);
    record
}

fn setting(problems: &[Problem], measured: &[Vec<Measured>]) -> String {
    let describe = |(problem, points): (&Problem, &Vec<Measured>)| {
        let net = &problem.net;
        let losses: Vec<String> = points
            .iter()
            .map(|at| significant(at.point.loss, 3))
            .collect();
        format!(
            "{} ({}-{}-{}, {} parameters, {} examples; shrinkage {}; losses {} nats)",
            problem.name,
            net.inputs(),
            net.layers()[0].outputs(),
            net.outputs(),
            net.parameters(),
            problem.inputs.ncols(),
            significant(problem.shrinkage, 2),
            losses.join(", "),
        )
    };
    let all: Vec<String> = problems.iter().zip(measured).map(describe).collect();
    format!(
        "A normal law is fitted to the inputs, mean and covariance with Ledoit and Wolf's shrinkage, and the metric that the \
         network would have for such inputs, factored in closed form, preconditions conjugate gradients on the metric that it has. \
         (G + λI)x = ∇l is solved at three points of training by natural gradient: {}.",
        all.join("; ")
    )
}

/// Who was fastest how often, in this run.
fn winners(measured: &[Vec<Measured>]) -> String {
    let rows: Vec<&Row> = measured.iter().flatten().flat_map(|at| &at.rows).collect();
    let fastest = |row: &Row| {
        let finished = Conditioner::ALL
            .into_iter()
            .filter(|c| row.trial(*c).iterations.is_some());
        finished.min_by(|a, b| {
            let seconds = |c: Conditioner| row.trial(c).seconds();
            seconds(*a).total_cmp(&seconds(*b))
        })
    };
    let wins = Conditioner::ALL.map(|conditioner| {
        let count = rows
            .iter()
            .filter(|row| fastest(row) == Some(conditioner))
            .count();
        format!("{} {count}", conditioner.name())
    });
    format!(
        "Of {} systems the fastest in this run, with everything that has to be built at θ: {}.",
        rows.len(),
        wins.join(", ")
    )
}

fn figure(
    name: &str,
    caption: &str,
    quantity: Axis,
    (problems, measured): (&[Problem], &[Vec<Measured>]),
    shown: &[Conditioner],
    of: impl Fn(&Trial) -> Option<f64>,
) -> Figure {
    let mut panels = Vec::new();
    for (problem, points) in problems.iter().zip(measured) {
        for at in points {
            let title = match at.point.steps {
                0 => format!("{}, at the start", problem.name),
                steps => format!("{}, {steps} steps", problem.name),
            };
            let mut panel = Panel::new(title, Axis::log("λ P/tr G"), quantity.clone());
            for conditioner in shown {
                let x = at.rows.iter().map(|row| row.damping);
                let y = at.rows.iter().map(|row| of(row.trial(*conditioner)));
                let y = y.map(|value| value.unwrap_or(f64::NAN));
                let series = Series::marked_line(conditioner.name(), x, y);
                panel = panel.with(series.slot(*conditioner as usize));
            }
            panels.push(panel);
        }
    }
    Figure::multiples(name, caption, panels).share_x().share_y()
}

/// Problem, steps, damping.
const PLACE: usize = 3;

fn place() -> [Column; PLACE] {
    [
        Column::text("problem"),
        Column::new("steps").digits(4),
        Column::new("λ P/tr G").digits(2),
    ]
}

fn rows<'a>(
    problems: &'a [Problem],
    measured: &'a [Vec<Measured>],
) -> impl Iterator<Item = ([Quantity; PLACE], &'a Row)> {
    let points = problems
        .iter()
        .zip(measured)
        .flat_map(|(problem, points)| points.iter().map(move |at| (problem, at)));
    points.flat_map(|(problem, at)| {
        at.rows.iter().map(move |row| {
            let steps = at.point.steps as f64;
            ([problem.name.into(), steps.into(), row.damping.into()], row)
        })
    })
}

fn products(problems: &[Problem], measured: &[Vec<Measured>]) -> Table {
    let iterated = Conditioner::ITERATED.map(|c| Column::new(c.name()).digits(5));
    let twin = Column::new("Gaussian inputs, on inputs that are").digits(5);
    let mut table = Table::new(
        "products",
        "Products with G to a relative residual of 10^{−6}.",
        place().into_iter().chain(iterated).chain([twin]),
    );
    let count = |trial: &Trial| match trial.iterations {
        Some(count) => Quantity::from(count as f64),
        None => format!("> {}", STOPPING.max_products).into(),
    };
    for (place, row) in rows(problems, measured) {
        let counts = Conditioner::ITERATED.map(|c| count(row.trial(c)));
        table.row(place.into_iter().chain(counts).chain([count(&row.twin)]));
    }
    table
}

fn times(problems: &[Problem], measured: &[Vec<Measured>]) -> Table {
    let columns = Conditioner::ALL.map(|c| Column::text(c.name()).unit("ms"));
    let mut table = Table::new(
        "wall-times",
        "Time to build and time to solve, on one thread.",
        place().into_iter().chain(columns),
    );
    let shown = |trial: &Trial| {
        let part = |seconds: f64| significant(1e3 * seconds, 3);
        let sum = match trial.build {
            nothing if nothing < 1e-5 => part(trial.solve),
            build => format!("{} + {}", part(build), part(trial.solve)),
        };
        match trial.iterations {
            Some(_) => Quantity::from(sum),
            None => format!("> {sum}").into(),
        }
    };
    for (place, row) in rows(problems, measured) {
        let all = Conditioner::ALL.map(|c| shown(row.trial(c)));
        table.row(place.into_iter().chain(all));
    }
    table
}
