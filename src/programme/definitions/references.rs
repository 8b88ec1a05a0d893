//! What names something: whether the plan has it.

use std::collections::BTreeMap;
use std::fmt::Display;

use waymark_domain::invalid::Invalid;
use waymark_domain::wording::nearest;

/// Notes an unknown code, with the nearest known one.
pub(crate) fn refer<C: Display, K: Display, V>(
    invalid: &mut Invalid,
    pointer: impl Into<String>,
    noun: &str,
    code: &C,
    known: &BTreeMap<K, V>,
) {
    let codes: Vec<String> = known.keys().map(ToString::to_string).collect();
    let wanted = code.to_string();
    if !codes.contains(&wanted) {
        let hint = nearest(&wanted, codes.iter().map(String::as_str));
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        invalid.at(pointer, "unknown_code", format!("no {noun} is called `{wanted}`{hint}"));
    }
}
