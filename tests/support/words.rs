//! Words of a programmer, which no message may hold.

/// What the libraries that read JSON, files and arguments say of themselves.
pub(crate) const OF_A_PROGRAMMER: &[&str] = &[
    "unknown variant",
    "unknown field",
    "missing field",
    "duplicate field",
    "invalid type",
    "invalid value: ",
    "invalid length",
    "untagged",
    "unit variant",
    "expected struct",
    "expected enum",
    "expected one of",
    "expected a ",
    "expected value",
    "expected ident",
    "expected `",
    "string or map",
    "key must be a string",
    "trailing characters",
    "trailing comma",
    "trailing input",
    "premature end",
    "EOF while",
    "recursion limit",
    "surrogate",
    "invalid unicode",
    "control character (",
    "stream did not",
    "valid UTF-8",
    "os error",
    "No such file or directory",
    "invalid digit",
    "cannot parse",
    "number too large to fit",
    "socket address syntax",
    "1 things",
    "1 rows",
    "1 days",
    "1 entries",
];

/// The first of them in a text.
pub(crate) fn of_a_programmer(text: &str) -> Option<&'static str> {
    // `11 rows` is right.
    let is_of_number = |before: char| before.is_ascii_digit() || ".,".contains(before);
    let has = |words: &str| {
        let mut parts: Vec<&str> = text.split(words).collect();
        parts.pop();
        parts.into_iter().any(|before| !before.ends_with(is_of_number))
    };
    OF_A_PROGRAMMER.iter().copied().find(|words| has(words))
}
