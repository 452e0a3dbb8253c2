/// What stands between the fields of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Delimiter {
    /// Whichever of comma, semicolon and tab occurs most often outside quotes in the first line
    /// that is not blank; if equally often, the first named here.
    #[default]
    Detect,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
}

impl Delimiter {
    /// The byte between fields, looking at the start of the text if it is to be detected.
    pub(super) fn byte(self, start: &[u8]) -> u8 {
        match self {
            Delimiter::Detect => detect(start),
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
        }
    }
}

fn detect(start: &[u8]) -> u8 {
    // Candidates in reverse order of preference: `max_by_key` returns the last of equals.
    let mut counts = [(b'\t', 0), (b';', 0), (b',', 0)];
    let mut quoted = false;
    let mut blank = true;
    for &byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && !blank => break,
            _ if quoted => {}
            _ => {
                for (candidate, count) in &mut counts {
                    *count += usize::from(*candidate == byte);
                }
            }
        }
        blank &= matches!(byte, b'\n' | b'\r');
    }
    counts
        .into_iter()
        .max_by_key(|&(_, count)| count)
        .map_or(b',', |(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::Delimiter;

    #[test]
    fn most_frequent_outside_quotes_in_the_first_line() {
        for (start, expected) in [
            ("a,b,c\n1;2;3;4", ','),
            ("a;b;c", ';'),
            ("\r\n\na\tb\r1,2,3", '\t'),
            ("\"a,b,c\";d", ';'),
            ("\"a\nb,c\"\t\"d,e\"", '\t'),
            ("a,b;c", ','),
            ("single", ','),
            ("", ','),
        ] {
            assert_eq!(
                char::from(Delimiter::Detect.byte(start.as_bytes())),
                expected,
                "{start:?}"
            );
        }
    }
}
