//! What a form sends: `application/x-www-form-urlencoded`.

use percent_encoding::percent_decode_str;

/// A text as a form encodes it, in plain.
pub(in crate::http) fn plain(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The fields of a form, in their order.
pub(in crate::http) fn fields(form: &str) -> Vec<(String, String)> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}
