//! Checks that many definitions share: texts, ranges and lists.

use super::invalid::Invalid;

/// Notes a text that is too short, too long or holds a NUL.
pub fn check_text(invalid: &mut Invalid, pointer: &str, text: &str, least: usize, most: usize) {
    let length = text.chars().count();
    if length < least || (least > 0 && text.trim().is_empty()) {
        invalid.at(pointer, "too_short", format!("needs at least {least} character(s) that are not blank"));
    } else if length > most {
        invalid.at(pointer, "too_long", format!("has {length} characters; at most {most} are allowed"));
    }
    if text.contains('\0') {
        invalid.at(pointer, "nul_character", "holds the character U+0000; remove it");
    }
}

/// Notes a whole number outside its range.
pub(super) fn check_range(invalid: &mut Invalid, pointer: &str, number: u32, least: u32, most: u32) {
    if !(least..=most).contains(&number) {
        invalid.at(pointer, "out_of_range", format!("{number} is not between {least} and {most}"));
    }
}

/// Notes what a list names twice.
pub(super) fn check_distinct<T: PartialEq + std::fmt::Display>(invalid: &mut Invalid, pointer: &str, items: &[T]) {
    for (place, item) in items.iter().enumerate() {
        if items.iter().take(place).any(|earlier| earlier == item) {
            invalid.at(format!("{pointer}/{place}"), "named_twice", format!("`{item}` is named twice"));
        }
    }
}
