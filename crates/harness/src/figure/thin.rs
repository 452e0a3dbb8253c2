//! Fewer points for the same picture.

/// A point of a drawing, in pixels.
pub(super) type Point = (f64, f64);

/// Below this many points a line is drawn as it is.
const FEW: usize = 1500;

/// The line with at most four points a column of half a pixel (first, lowest, highest, last), which covers the same
/// pixels. Short lines are left alone.
///
/// # References
/// U. Jugel, Z. Jerzak, G. Hackenbroich, V. Markl, "M4: a visualization-oriented time series data aggregation",
/// PVLDB 7 (2014). DOI 10.14778/2732951.2732953.
pub(super) fn thin(points: Vec<Point>) -> Vec<Point> {
    if points.len() < FEW {
        return points;
    }
    let column = |point: &Point| (2.0 * point.0).floor();
    let mut thinned = Vec::new();
    for chunk in points.chunk_by(|one, other| column(one).total_cmp(&column(other)).is_eq()) {
        let mut kept = [0, 0, 0, chunk.len() - 1];
        for (index, point) in chunk.iter().enumerate() {
            if point.1 < chunk[kept[1]].1 {
                kept[1] = index;
            }
            if point.1 > chunk[kept[2]].1 {
                kept[2] = index;
            }
        }
        kept.sort_unstable();
        let mut last = None;
        for index in kept {
            if last != Some(index) {
                thinned.push(chunk[index]);
            }
            last = Some(index);
        }
    }
    thinned
}

/// The parts of the line that lie within the rectangle from (0, 0) to (1, 1); a `None` is a gap. A point between gaps is
/// a part of its own.
pub(super) fn clip(points: &[Option<Point>]) -> Vec<Vec<Point>> {
    let mut parts: Vec<Vec<Point>> = Vec::new();
    for run in points.split(Option::is_none) {
        let run: Vec<Point> = run.iter().copied().flatten().collect();
        if let [point] = run[..] {
            let inside = [point.0, point.1].iter().all(|at| (0.0..=1.0).contains(at));
            parts.extend(inside.then(|| vec![point]));
        }
        let mut part = Vec::new();
        for pair in run.windows(2) {
            let Some((begin, end)) = segment(pair[0], pair[1]) else {
                continue;
            };
            if part.last() != Some(&begin) {
                parts.extend((!part.is_empty()).then(|| std::mem::take(&mut part)));
                part.push(begin);
            }
            part.push(end);
        }
        parts.extend((!part.is_empty()).then_some(part));
    }
    parts
}

/// The part of the segment within the unit square.
///
/// Where it crosses an edge, it is put on that edge: far away a point is known to less than the size of the square.
///
/// # References
/// Y.-D. Liang, B. A. Barsky, "A new concept and method for line clipping", ACM Transactions on Graphics 3 (1984).
/// DOI 10.1145/357332.357333.
fn segment(from: Point, to: Point) -> Option<(Point, Point)> {
    let (from, to) = ([from.0, from.1], [to.0, to.1]);
    // Halves, so that the distance between the largest numbers does not overflow.
    let half = [0.5 * to[0] - 0.5 * from[0], 0.5 * to[1] - 0.5 * from[1]];
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    let (mut begin, mut end) = (from, to);
    for axis in [0, 1] {
        let (start, stop) = (from[axis], to[axis]);
        if start.max(stop) < 0.0 || start.min(stop) > 1.0 {
            return None;
        }
        // When the axis is at the edge, and the point there.
        let crossing = |edge: f64| {
            let t = (0.5 * (edge - start) / half[axis]).clamp(0.0, 1.0);
            let mut point = [0, 1].map(|k| (from[k] + 2.0 * (t * half[k])).clamp(0.0, 1.0));
            point[axis] = edge;
            (t, point)
        };
        if !(0.0..=1.0).contains(&start) {
            let (t, point) = crossing(start.clamp(0.0, 1.0));
            if t >= enter {
                (enter, begin) = (t, point);
            }
        }
        if !(0.0..=1.0).contains(&stop) {
            let (t, point) = crossing(stop.clamp(0.0, 1.0));
            if t <= leave {
                (leave, end) = (t, point);
            }
        }
    }
    (enter <= leave).then_some(((begin[0], begin[1]), (end[0], end[1])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_the_edge_and_at_gaps() {
        let parts = clip(&[
            Some((-1.0, 0.5)),
            Some((0.5, 0.5)),
            Some((0.5, 2.0)),
            Some((1.0, 1.0)),
            None,
            Some((0.25, 0.75)),
            None,
            Some((3.0, 3.0)),
            None,
        ]);
        let expected: [&[Point]; 4] = [
            &[(0.0, 0.5), (0.5, 0.5), (0.5, 1.0)],
            &[(1.0, 1.0), (1.0, 1.0)],
            &[(0.25, 0.75)],
            &[],
        ];
        assert_eq!(parts, expected[..3]);
        assert!(clip(&[]).is_empty() && clip(&[None]).is_empty());
        assert!(clip(&[Some((-1.0, 0.0)), Some((0.0, 2.0))]).is_empty());
    }

    #[test]
    fn lines_between_points_far_away_are_cut_at_the_edge() {
        let across = clip(&[Some((1e147, 0.5)), Some((-1e104, 0.5))]);
        assert_eq!(across, [[(1.0, 0.5), (0.0, 0.5)]]);
        let widest = clip(&[Some((f64::MIN, 0.25)), Some((f64::MAX, 0.25))]);
        assert_eq!(widest, [[(0.0, 0.25), (1.0, 0.25)]]);
        let up = clip(&[Some((0.5, 0.5)), Some((0.5, 1e300))]);
        assert_eq!(up, [[(0.5, 0.5), (0.5, 1.0)]]);
    }

    #[test]
    fn thinning_keeps_ends_and_extremes() {
        let points: Vec<Point> = (0..100_000)
            .map(|i| (f64::from(i) * 0.001, f64::from(i * 7919 % 1000)))
            .collect();
        let thinned = thin(points.clone());
        assert!(thinned.len() <= 4 * 201, "{}", thinned.len());
        assert_eq!(
            (thinned.first(), thinned.last()),
            (points.first(), points.last())
        );
        let highest =
            |points: &[Point]| points.iter().map(|point| point.1).fold(f64::MIN, f64::max);
        assert!(highest(&thinned) >= highest(&points));
        assert!(thinned.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert_eq!(thin(points[..1000].to_vec()).len(), 1000);
    }
}
