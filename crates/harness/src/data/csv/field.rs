use super::CsvProblem;

/// How many characters of a field an error message quotes.
const QUOTED_CHARACTERS: usize = 40;

/// The text of a field without surrounding white space.
pub(super) fn text(field: &[u8]) -> Result<&str, CsvProblem> {
    match std::str::from_utf8(field) {
        Ok(text) => Ok(text.trim()),
        Err(error) => {
            // The offence may be past what is quoted: start a little before it.
            let start = error.valid_up_to().saturating_sub(QUOTED_CHARACTERS / 4);
            let end = field.len().min(start + 4 * QUOTED_CHARACTERS);
            let field = shorten(&field[start..end].escape_ascii().to_string());
            Err(CsvProblem::NotUtf8 { field })
        }
    }
}

/// The finite number in a field.
pub(super) fn number(field: &[u8]) -> Result<f64, CsvProblem> {
    let text = text(field)?;
    if text.is_empty() {
        return Err(CsvProblem::EmptyField);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(CsvProblem::NotFinite {
            field: shorten(text),
        }),
        Err(_) => Err(CsvProblem::NotANumber {
            field: shorten(text),
        }),
    }
}

/// A text fit for one line of an error message: control characters escaped, cut if long.
pub(super) fn shorten(text: &str) -> String {
    let mut characters = text.chars();
    let mut quoted: String = characters
        .by_ref()
        .take(QUOTED_CHARACTERS)
        .flat_map(escape_control)
        .collect();
    if characters.next().is_some() {
        quoted.push('…');
    }
    quoted
}

fn escape_control(character: char) -> impl Iterator<Item = char> {
    let (escaped, plain) = if character.is_control() {
        (Some(character.escape_default()), None)
    } else {
        (None, Some(character))
    };
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::{CsvProblem, number, shorten};

    #[test]
    fn numbers() {
        for (field, value) in [
            (" 1.5\t", 1.5),
            ("-2e-3", -0.002),
            ("+7", 7.0),
            (".5", 0.5),
            ("5e-324", 5e-324),
        ] {
            assert_eq!(
                number(field.as_bytes()).unwrap().to_bits(),
                f64::to_bits(value),
                "{field:?}"
            );
        }
        assert_eq!(number(b"-0").unwrap().to_bits(), (-0.0_f64).to_bits());
    }

    #[test]
    fn what_is_not_a_finite_number() {
        for field in ["NaN", "inf", "-Infinity", "1e999"] {
            assert!(
                matches!(number(field.as_bytes()), Err(CsvProblem::NotFinite { .. })),
                "{field:?}"
            );
        }
        for field in ["NA", "3,14", "1 2", "0x10", "1_000", "--1", "e5", "?"] {
            assert!(
                matches!(number(field.as_bytes()), Err(CsvProblem::NotANumber { .. })),
                "{field:?}"
            );
        }
        for field in ["", "  ", "\u{a0}"] {
            assert!(
                matches!(number(field.as_bytes()), Err(CsvProblem::EmptyField)),
                "{field:?}"
            );
        }
    }

    #[test]
    fn long_fields_are_cut_and_control_characters_escaped() {
        assert_eq!(shorten("a\nb"), "a\\nb");
        assert_eq!(shorten(&"x".repeat(1000)).chars().count(), 41);
        assert_eq!(shorten("Größe"), "Größe");
        let Err(CsvProblem::NotUtf8 { field }) =
            number(&[b"12345678901234567890".as_slice(), b"\xff"].concat())
        else {
            panic!("invalid UTF-8 must be refused")
        };
        assert_eq!(field, "1234567890\\xff");
    }
}
