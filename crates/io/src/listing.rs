//! Lists of names in messages.

/// How many names a message lists.
const LISTED: usize = 20;

/// `"a", "b" and 3 more`.
pub(crate) fn names<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("{:?}", name.as_ref()))
        .collect();
    match names.len().saturating_sub(LISTED) {
        _ if names.is_empty() => "none".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `20, 48, 1`.
pub(crate) fn numbers(numbers: &[usize]) -> String {
    let shown: Vec<String> = numbers.iter().map(usize::to_string).collect();
    shown.join(", ")
}
