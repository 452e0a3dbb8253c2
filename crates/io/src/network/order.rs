//! The order of named layers: by the numbers in their names, or else by how the shapes fit.

use std::cmp::Ordering;

/// The most layers whose order is sought among their permutations.
const MAX_PERMUTED: usize = 8;

/// Compares so that `fc10` comes after `fc9`: runs of digits as numbers, everything else as text.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (pieces(a), pieces(b));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return a.cmp(b),
            (left, right) => left.cmp(&right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A run of digits, by value, or of other characters. Numbers come first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// Without leading zeros: the longer is the greater.
    Number(usize, &'a str),
    Text(&'a str),
}

fn pieces(mut name: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let digit = name.chars().next()?.is_ascii_digit();
        let end = name
            .find(|c: char| c.is_ascii_digit() != digit)
            .unwrap_or(name.len());
        let (piece, rest) = name.split_at(end);
        name = rest;
        let number = piece.trim_start_matches('0');
        Some(if digit {
            Piece::Number(number.len(), number)
        } else {
            Piece::Text(piece)
        })
    })
}

/// Whether the names differ in nothing but numbers, so that their natural order is meant.
pub(super) fn numbered(names: &[&str]) -> bool {
    let stem = |name: &str| -> String {
        name.chars()
            .filter(|c| !c.is_ascii_digit() && *c != '.')
            .collect()
    };
    names.windows(2).all(|pair| stem(pair[0]) == stem(pair[1]))
}

/// The only order in which each layer has as many inputs as the one before has outputs; `None` if there is no such order, or
/// more than one.
///
/// `shapes` holds inputs and outputs of each layer.
pub(super) fn by_shapes(shapes: &[(usize, usize)]) -> Option<Vec<usize>> {
    if shapes.len() > MAX_PERMUTED {
        return None;
    }
    let mut search = Search {
        shapes,
        path: Vec::new(),
        found: None,
        several: false,
    };
    search.extend();
    search.found.filter(|_| !search.several)
}

struct Search<'a> {
    shapes: &'a [(usize, usize)],
    path: Vec<usize>,
    found: Option<Vec<usize>>,
    several: bool,
}

impl Search<'_> {
    fn extend(&mut self) {
        if self.several {
            return;
        }
        if self.path.len() == self.shapes.len() {
            self.several = self.found.replace(self.path.clone()).is_some();
            return;
        }
        let outputs = self.path.last().map(|last| self.shapes[*last].1);
        for next in 0..self.shapes.len() {
            let fits = outputs.is_none_or(|outputs| outputs == self.shapes[next].0);
            if fits && !self.path.contains(&next) {
                self.path.push(next);
                self.extend();
                self.path.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["fc10", "fc9", "fc1", "2.3", "10.0", "2.10", "a", "007"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            ["2.3", "2.10", "007", "10.0", "a", "fc1", "fc9", "fc10"]
        );
        assert_eq!(natural("01", "1"), Ordering::Less);
    }

    #[test]
    fn only_numbers_tell_an_order() {
        assert!(numbered(&["fc1", "fc2", "fc10"]));
        assert!(numbered(&["0", "2", "4"]));
        assert!(numbered(&["0.0", "0.2", "1"]));
        assert!(!numbered(&["fc1", "fc2", "out"]));
    }

    #[test]
    fn shapes_tell_an_order_if_it_is_the_only_one() {
        assert_eq!(by_shapes(&[(8, 3), (2, 8)]), Some(vec![1, 0]));
        assert_eq!(by_shapes(&[(2, 2), (2, 2)]), None);
        assert_eq!(by_shapes(&[(2, 3), (4, 5)]), None);
        assert_eq!(by_shapes(&[(1, 1); 9]), None);
    }
}
