//! Figures are well-formed and whole whatever the data are.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;

use neuromanifold_harness::figure::{Map, Setting, inline, inline_style, standalone};
use neuromanifold_harness::{Axis, Figure, Panel, Series};
use proptest::prelude::*;
use roxmltree::{Document, Node};

/// Parses the figure in all its settings and checks what holds for every drawing; returns the wide one.
fn checked(figure: &Figure) -> String {
    for setting in [Setting::Wide, Setting::Narrow] {
        check(&inline(figure, setting));
    }
    check(&standalone(figure));
    inline(figure, Setting::Wide)
}

fn check(svg: &str) {
    let document = Document::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    let sheet = inline_style();
    let view_box: Vec<f64> = document
        .root_element()
        .attribute("viewBox")
        .unwrap()
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(view_box[2] > 0.0 && view_box[3] > 0.0);
    for node in document.descendants().filter(Node::is_element) {
        for class in node
            .attribute("class")
            .unwrap_or_default()
            .split(' ')
            .filter(|class| class.starts_with("s-") || class.starts_with("f-"))
        {
            assert!(
                sheet.contains(&format!(".{class}{{")),
                "no rule for {class}"
            );
        }
        for attribute in node
            .attributes()
            .filter(|attribute| attribute.name() != "aria-label")
        {
            assert!(
                !attribute.value().contains("NaN") && !attribute.value().contains("inf"),
                "{attribute:?}"
            );
        }
        for (x, y) in corners(&node) {
            let room = 50.0;
            let (left, top) = (view_box[0] - room, view_box[1] - room);
            let inside = (left..=left + view_box[2] + 2.0 * room).contains(&x)
                && (top..=top + view_box[3] + 2.0 * room).contains(&y);
            assert!(inside, "{node:?} leaves the figure at {x}, {y}");
        }
    }
}

/// Points that an element names.
fn corners(node: &Node<'_, '_>) -> Vec<(f64, f64)> {
    let pair = |x: &str, y: &str| {
        Some((
            node.attribute(x)?.parse().ok()?,
            node.attribute(y)?.parse().ok()?,
        ))
    };
    let points = node
        .attribute("points")
        .unwrap_or_default()
        .split_whitespace()
        .map(|point| {
            let (x, y) = point.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        });
    points
        .chain(pair("x", "y"))
        .chain(pair("cx", "cy"))
        .collect()
}

fn count(svg: &str, element: &str, class: &str) -> usize {
    let document = Document::parse(svg).unwrap();
    document
        .descendants()
        .filter(|node| node.has_tag_name(element) && node.attribute("class") == Some(class))
        .count()
}

fn axes() -> [(Axis, Axis); 3] {
    [
        (Axis::linear("x"), Axis::linear("y").unit("nats")),
        (Axis::log("x"), Axis::log("y_{t}^{2}")),
        (
            Axis::linear("x").limits(0.0, 1.0),
            Axis::log("y").limits(1e-3, 1.0),
        ),
    ]
}

#[test]
fn empty_constant_and_broken_series_are_drawn_without_complaint() {
    let values: [&[f64]; 7] = [
        &[],
        &[1.0],
        &[2.0, 2.0, 2.0],
        &[f64::NAN, f64::NAN],
        &[f64::NAN, 1.0, f64::INFINITY, 2.0, 3.0, f64::NEG_INFINITY],
        &[0.0, -1.0, 1e-300, 1e300],
        &[f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324],
    ];
    for (x, y) in axes() {
        for data in values {
            let of = || data.iter().copied();
            let figure = Figure::new("edge", "Edge <case> & \"more\".", x.clone(), y.clone())
                .with(Series::line("line", of(), of()))
                .with(Series::points("points", of(), of().rev()))
                .with(Series::with_errors("bars", of(), of(), of()))
                .with(Series::marked_line("marked", of(), of()))
                .with(Series::guide("guide", of(), of()))
                .with(Series::band(
                    "band",
                    of(),
                    of(),
                    of().map(|y| y - 1.0),
                    of().map(|y| y + 1.0),
                ))
                .horizontal(0.5, "half < one & *so on*")
                .vertical(f64::NAN, "nowhere")
                .vertical(-1.0, "");
            checked(&figure);
            checked(&Figure::new("map", "", x.clone(), y.clone()).map(Map::new(
                "m",
                of(),
                of(),
                |x, y| x * y,
            )));
            checked(
                &Figure::new("map", "", x.clone(), y.clone())
                    .map(Map::new("m", of(), of(), |x, _| x).log()),
            );
        }
    }
    checked(&Figure::multiples("none", "No panel.", []));
    checked(
        &Figure::multiples("none", "No panel.", [])
            .share_x()
            .share_y(),
    );
}

#[test]
fn a_gap_breaks_a_line_and_a_lone_point_is_seen() {
    let line = |y: [f64; 5]| {
        let figure = Figure::new("gap", "", Axis::linear("x"), Axis::linear("y"));
        count(
            &checked(&figure.with(Series::line("", [0.0, 1.0, 2.0, 3.0, 4.0], y))),
            "polyline",
            "s-series-0",
        )
    };
    assert_eq!(line([1.0, 2.0, 3.0, 4.0, 5.0]), 1);
    assert_eq!(line([1.0, 2.0, f64::NAN, 4.0, 5.0]), 2);
    assert_eq!(line([1.0, f64::NAN, 3.0, f64::INFINITY, 5.0]), 3);
    assert_eq!(line([f64::NAN; 5]), 0);
}

#[test]
fn what_a_logarithmic_axis_cannot_show_is_left_out() {
    let figure = Figure::new("log", "", Axis::linear("x"), Axis::log("y")).with(Series::points(
        "p",
        [0.0, 1.0, 2.0, 3.0],
        [1.0, 0.0, -1.0, 10.0],
    ));
    // Two in the plot and one in the legend.
    assert_eq!(count(&checked(&figure), "circle", "f-series-0"), 3);
}

#[test]
fn one_label_has_one_ink_in_all_panels() {
    let panel = |labels: [&str; 2]| {
        labels.iter().fold(
            Panel::new("", Axis::linear("x"), Axis::linear("y")),
            |panel, label| panel.with(Series::line(*label, [0.0, 1.0], [0.0, 1.0])),
        )
    };
    let figure = Figure::multiples("two", "", [panel(["a", "b"]), panel(["b", "c"])]);
    let svg = checked(&figure);
    let lines = ["s-series-0", "s-series-1", "s-series-2", "s-series-3"]
        .map(|class| count(&svg, "polyline", class));
    // Each label once in the legend; b in both panels.
    assert_eq!(lines, [2, 3, 2, 0]);
    let fixed = Figure::new("fixed", "", Axis::linear("x"), Axis::linear("y"))
        .with(Series::line("a", [0.0, 1.0], [0.0, 1.0]).slot(4));
    assert_eq!(count(&checked(&fixed), "polyline", "s-series-4"), 2);
}

#[test]
fn error_bars_span_their_ends() {
    let figure = Figure::new(
        "bars",
        "",
        Axis::linear("x"),
        Axis::linear("y").limits(0.0, 10.0),
    )
    .with(Series::with_errors(
        "mean",
        [1.0, 2.0, 3.0],
        [5.0, 5.0, f64::NAN],
        [1.0, 2.0, 1.0],
    ));
    let svg = checked(&figure);
    let document = Document::parse(&svg).unwrap();
    let heights: Vec<f64> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.attribute("class") == Some("f-series-0"))
        .map(|node| node.attribute("height").unwrap().parse().unwrap())
        .collect();
    assert_eq!(heights.len(), 2);
    assert!((heights[1] / heights[0] - 2.0).abs() < 0.05, "{heights:?}");
}

#[test]
fn series_differ_without_colour() {
    let figure = (0..7).fold(
        Figure::new("seven", "", Axis::linear("x"), Axis::linear("y")),
        |figure, index| {
            figure.with(Series::line(
                format!("series {index}"),
                [0.0, 1.0],
                [f64::from(index), 1.0],
            ))
        },
    );
    let svg = checked(&figure);
    let document = Document::parse(&svg).unwrap();
    let series = document.descendants().filter(|node| {
        node.attribute("class")
            .is_some_and(|class| class.starts_with("s-series"))
    });
    let dashes: HashSet<_> = series
        .map(|node| node.attribute("stroke-dasharray"))
        .collect();
    assert_eq!(dashes.len(), 7);
}

#[test]
fn many_points_make_a_small_drawing() {
    let x = || (0..200_000).map(f64::from);
    let figure = Figure::new("many", "", Axis::linear("x"), Axis::linear("y")).with(Series::line(
        "noise",
        x(),
        x().map(|x| (x * 0.7).sin()),
    ));
    assert!(checked(&figure).len() < 100_000);
}

#[test]
fn a_file_has_both_settings_in_itself() {
    let figure = Figure::new("file", "Caption.", Axis::linear("x"), Axis::linear("y"))
        .with(Series::line("a", [0.0, 1.0], [0.0, 1.0]));
    let svg = standalone(&figure);
    assert!(
        svg.contains("@media(prefers-color-scheme:dark)")
            && svg.contains("<title>Caption.</title>")
    );
    let outside = svg.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http") && !outside.contains("url("));
}

#[test]
fn the_numbers_of_a_figure_are_kept() {
    let figure = Figure::new("csv", "", Axis::linear("x"), Axis::linear("y"))
        .with(Series::band(
            "b, with comma",
            [1.0, 2.0],
            [0.1 + 0.2, f64::NAN],
            [0.0, 1.0],
            [1.0, 2.0],
        ))
        .map(Map::new("m", [1.0], [2.0], |x, y| x + y));
    let expected = "panel,series,x,y,low,high,value\n\
                    ,\"b, with comma\",1,0.30000000000000004,0,1,\n\
                    ,\"b, with comma\",2,,1,2,\n\
                    ,m,1,2,,,3\n";
    assert_eq!(figure.csv(), expected);
    let json = serde_json::to_string(&figure).unwrap();
    let read: Figure = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert!(read.panels[0].series[0].y[1].is_nan());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_numbers_are_drawn_inside_the_figure(
        values in prop::collection::vec((any::<f64>(), any::<f64>()), 0..40), kind in 0_usize..3, low in -1e3..1e3_f64
    ) {
        let (x, y): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
        let of = |values: &[f64]| values.to_vec();
        let (x_axis, y_axis) = axes()[kind].clone();
        let figure = Figure::new("any", "", x_axis, y_axis)
            .with(Series::marked_line("line", of(&x), of(&y)))
            .with(Series::band("band", of(&x), of(&y), of(&y), y.iter().map(|y| y + low).collect::<Vec<_>>()))
            .horizontal(low, "low");
        checked(&figure);
    }
}
