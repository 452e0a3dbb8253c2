/// The name in `names` that `wanted` is most likely a misspelling of, if any is close.
///
/// Close means: at most a third of the letters of the longer name have to be inserted, deleted or
/// replaced, upper and lower case being the same letter.
pub(super) fn closest<'a>(wanted: &str, names: &'a [String]) -> Option<&'a str> {
    let fold = |name: &str| name.to_lowercase().chars().collect::<Vec<_>>();
    let target = fold(wanted);
    names
        .iter()
        .map(|name| (name, fold(name)))
        .map(|(name, letters)| {
            (
                levenshtein(&target, &letters),
                letters.len().max(target.len()),
                name,
            )
        })
        .filter(|&(distance, length, _)| 3 * distance <= length)
        .min_by_key(|&(distance, ..)| distance)
        .map(|(_, _, name)| name.as_str())
}

/// The least number of insertions, deletions and replacements that turn `a` into `b`, in O(|a| |b|).
fn levenshtein(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{closest, levenshtein};

    #[test]
    fn distances() {
        let distance = |a: &str, b: &str| {
            levenshtein(
                &a.chars().collect::<Vec<_>>(),
                &b.chars().collect::<Vec<_>>(),
            )
        };
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("flaw", "lawn"), 2);
    }

    #[test]
    fn suggests_only_what_is_close() {
        let names = ["cement", "water", "strength"].map(String::from);
        assert_eq!(closest("strenght", &names), Some("strength"));
        assert_eq!(closest("Cement", &names), Some("cement"));
        assert_eq!(closest("pressure", &names), None);
        assert_eq!(closest("", &names), None);
    }
}
