//! What a form sends: `application/x-www-form-urlencoded`.

use percent_encoding::{percent_decode, percent_decode_str};

use crate::domain::wording::shown;

/// A text as a form encodes it, in plain.
pub(in crate::http) fn plain(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The fields of a form, in their order.
///
/// # Errors
/// Which field is not UTF-8, and what to do.
pub(in crate::http) fn fields(form: &[u8]) -> Result<Vec<(String, String)>, String> {
    let pairs = form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let field = |pair: &[u8]| {
        let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len()));
        let (name, value) = (decoded(name), decoded(value.strip_prefix(b"=").unwrap_or_default()));
        match (name, value) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            (name, _) => {
                let name = name.unwrap_or_else(|lossy| lossy);
                Err(format!("The field {} of the form is not percent-encoded UTF-8; send its text so.", shown(&name)))
            }
        }
    };
    pairs.map(field).collect()
}

/// A name or a value with its encoding undone; the error has what is not UTF-8 replaced.
fn decoded(bytes: &[u8]) -> Result<String, String> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let plain: Vec<u8> = percent_decode(&spaced).collect();
    String::from_utf8(plain).map_err(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_field_by_field() {
        let read = fields(b"grant_type=client_credentials&a+b=c%26d&&empty=&bare&two=a=b&%C3%A9=\xc3\xa9").unwrap();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            read,
            [
                ("grant_type", "client_credentials"),
                ("a b", "c&d"),
                ("empty", ""),
                ("bare", ""),
                ("two", "a=b"),
                ("\u{e9}", "\u{e9}")
            ]
        );
    }

    #[test]
    fn what_is_not_utf_8_is_refused_with_its_place() {
        for form in [&b"a=1&note=%FF"[..], b"note=\xff", b"note=%C3"] {
            assert!(fields(form).unwrap_err().contains("note"));
        }
        assert!(fields(b"%FF=1").is_err());
    }
}
