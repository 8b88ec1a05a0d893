//! Sentences for people: counts that agree with their nouns, values cut to a readable length, and what libraries say of
//! input that does not fit, in the words of the person who wrote it.
//!
//! [`misfit`] rewrites what the reader of JSON says about a member, [`json_fault`] what it says about text that is no JSON,
//! [`io_fault`] what the system says about a file, and [`unreadable`] what the parsers of numbers, days and addresses say:
//! `unknown variant`, `expected struct` and `os error 2` are words of a programmer.

use std::borrow::Cow;
use std::fmt::Display;
use std::io;

/// The most characters of a value that a message quotes.
const MOST_SHOWN: usize = 60;

const DAY: &str = "write a day such as 2027-01-31";
const INSTANT: &str = "write an instant such as 2027-01-31T12:00:00Z";

/// A count and its noun: `1 row`, `2 rows`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

/// How many things are wrong: `1 thing is wrong`, `2 things are wrong`.
pub fn things_wrong(count: u64) -> String {
    format!("{} wrong", counted(count, "thing is", "things are"))
}

/// Words with a capital letter.
pub fn capitalised(words: &str) -> String {
    let mut chars = words.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    first + chars.as_str()
}

/// Words as a sentence: with a capital letter, and with a full stop if nothing ends them.
pub fn sentence(words: &str) -> String {
    let end = if words.ends_with(['.', '?']) { "" } else { "." };
    capitalised(words) + end
}

/// A value as a message quotes it: its first 60 characters, and `…` if there are more.
pub fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// A message in which every value between backquotes is [`shown`].
pub fn clipped(message: String) -> String {
    if message.len() <= MOST_SHOWN || message.split('`').skip(1).step_by(2).all(|value| value.len() <= MOST_SHOWN) {
        return message;
    }
    let parts = message.split('`').enumerate();
    let parts = parts.map(|(place, part)| if place % 2 == 1 { shown(part) } else { Cow::Borrowed(part) });
    parts.collect::<Vec<_>>().join("`")
}

/// What the reader of a document says about a member of the wrong kind, as a clause that says what to write.
pub fn misfit(message: &str) -> String {
    let message = without_place(message);
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let (value, choices) = rest.rsplit_once("`, expected ").unwrap_or((rest, ""));
        let advice = if choices.is_empty() { String::new() } else { format!("; write {choices}") };
        return format!("`{}` is not one of the values{advice}{}", shown(value), hint(value, choices));
    }
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (name, choices) = rest.rsplit_once("`, expected ").unwrap_or((rest, ""));
        let choices = choices.trim_start_matches("one of ");
        let advice = if choices.is_empty() { String::new() } else { format!("; the members are {choices}") };
        return format!("there is no member `{}` here{advice}{}", shown(name), hint(name, choices));
    }
    if let Some(name) = message.strip_prefix("missing field `") {
        return format!("`{}` must be given", name.trim_end_matches('`'));
    }
    if let Some(name) = message.strip_prefix("duplicate field `") {
        return format!("`{}` is given twice; give it once", name.trim_end_matches('`'));
    }
    let prefixes = ["invalid type: ", "invalid value: "];
    if let Some(rest) = prefixes.iter().find_map(|prefix| message.strip_prefix(prefix)) {
        let (found, wanted) = rest.rsplit_once(", expected ").unwrap_or((rest, ""));
        return misplaced(found, wanted);
    }
    if let Some(rest) = message.strip_prefix("invalid length ") {
        let (found, _) = rest.split_once(", expected ").unwrap_or((rest, ""));
        return format!("the list has {found} items, which is not how many belong here");
    }
    if message.starts_with("data did not match any variant") || message.starts_with("no variant of enum") {
        return "it has none of the forms that can be given here".to_owned();
    }
    unreadable(message).unwrap_or_else(|| message.to_owned())
}

/// The choice that was probably meant; `choices` has each between backquotes.
fn hint(value: &str, choices: &str) -> String {
    let near = nearest(value, choices.split('`').skip(1).step_by(2));
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// What was found and what is wanted, as the reader names them, as a clause.
fn misplaced(found: &str, wanted: &str) -> String {
    let found = found_words(found);
    match wanted_words(wanted) {
        Some(wanted) if wanted.starts_with("write ") => format!("{wanted}, not {found}"),
        Some(wanted) => format!("write {wanted}, not {found}"),
        None => format!("{found} does not belong here"),
    }
}

fn found_words(found: &str) -> Cow<'_, str> {
    let quoted =
        |mark: char| found.split_once(mark).and_then(|(_, rest)| rest.rsplit_once(mark)).map(|(value, _)| value);
    match found.split(' ').next().unwrap_or_default() {
        "string" => quoted('"').map_or("a text".into(), |text| format!("the text `{}`", shown(text)).into()),
        "character" => quoted('`').map_or("a text".into(), |text| format!("the text `{text}`").into()),
        "boolean" => quoted('`').map_or("true or false".into(), Cow::Borrowed),
        "integer" | "floating" => {
            quoted('`').map_or("a number".into(), |number| format!("the number {}", shown(number)).into())
        }
        "number" => "a number".into(),
        "map" | "struct" => "an object".into(),
        "sequence" | "tuple" | "bytes" | "byte" => "a list".into(),
        "null" | "unit" | "Option" => "null".into(),
        _ => "what is there".into(),
    }
}

fn wanted_words(wanted: &str) -> Option<&str> {
    Some(match wanted {
        "string" | "a string" | "a borrowed string" | "str" | "a character" | "string or map"
        | "variant identifier" | "field identifier" | "a string key" => "a text",
        "a boolean" => "true or false",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65,535",
        "u32" | "u64" | "usize" | "u128" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" | "i128" | "an integer" => "a whole number",
        "number" | "a number" | "a JSON number" => "a number",
        "unit" | "null" => "null",
        "map" | "a map" | "an object" | "object" | "map with a single key" => "an object",
        "sequence" | "a sequence" | "array" | "a list" => "a list",
        "a formatted date string" => DAY,
        "an RFC 3339 formatted date and time string" => INSTANT,
        other if other.strip_prefix('f').is_some_and(|bits| bits.parse::<u8>().is_ok()) => "a number",
        other if other.contains("tuple") => "a list",
        other if ["struct", "enum"].iter().any(|kind| other.contains(kind)) => "an object",
        // A phrase of our own, and no type's name.
        other
            if !other.is_empty() && other.split(' ').all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())) =>
        {
            other
        }
        _ => return None,
    })
}

/// Where text stops being JSON, and why: `line 2 column 3: a comma or a closing brace is missing`.
pub fn json_fault(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = without_place(&message);
    let words = match message {
        m if m.starts_with("EOF while parsing") => "the text ends before it is complete",
        "expected `:`" => "a colon is missing after a member's name",
        "expected `,` or `]`" => "a comma or the end of a list, `]`, is missing",
        "expected `,` or `}`" => "a comma or the end of an object, `}`, is missing",
        "expected value" | "expected ident" | "expected some value" => {
            "a value is missing or is not written as JSON; put texts in double quotation marks"
        }
        "key must be a string" | "expected `\"`" => "a member's name must be in double quotation marks",
        "trailing characters" => "there is more text after the end; send one value",
        "trailing comma" => "there is a comma too many before the end of a list or an object",
        "recursion limit exceeded" => "lists and objects are nested too deeply",
        "invalid number" | "number out of range" => "a number is not written as JSON; write digits such as 12.5",
        "invalid escape" => "only \" \\ / b f n r t or u with four digits may follow a backslash in a text",
        m if m.starts_with("control character") => "a text holds a line break or another control character; write \\n",
        m if m.contains("unicode") || m.contains("surrogate") || m.contains("hex escape") => {
            "a text holds bytes that are not characters; send it in UTF-8"
        }
        other if error.is_data() => return format!("{}: {}", place(error), misfit(other)),
        _ => "it is not written as JSON",
    };
    format!("{}: {words}", place(error))
}

/// A message of the reader of JSON, without where it was.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

fn place(error: &serde_json::Error) -> String {
    format!("line {} column {}", error.line(), error.column())
}

/// Why a file or a folder cannot be used.
pub fn io_fault(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder",
        io::ErrorKind::PermissionDenied => "this user has no permission for it",
        io::ErrorKind::AlreadyExists => "it exists already",
        io::ErrorKind::NotADirectory => "it is not a folder",
        io::ErrorKind::IsADirectory => "it is a folder, not a file",
        io::ErrorKind::AddrInUse => "another program uses this address; choose another port",
        io::ErrorKind::AddrNotAvailable => "this machine does not have this address",
        io::ErrorKind::ConnectionRefused => "nothing answers there",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full",
        io::ErrorKind::ReadOnlyFilesystem => "the disk can only be read",
        io::ErrorKind::InvalidData if error.get_ref().is_none() => "it is not text in UTF-8; save it as UTF-8",
        _ => {
            let message = error.to_string();
            let words = message.split(" (os error ").next().unwrap_or_default();
            return words.to_owned();
        }
    };
    words.to_owned()
}

/// What to write in place of a text that a parser of the standard library, or of days, could not read; `None` of words that
/// are nobody's but ours.
pub fn unreadable(message: &str) -> Option<String> {
    let words = match message {
        "invalid digit found in string" | "cannot parse integer from empty string" => "write a whole number",
        "number too large to fit in target type" => "write a smaller number",
        "number too small to fit in target type" => "write a number that is not negative",
        "invalid float literal" | "cannot parse float from empty string" => "write a number such as 12.5",
        "provided string was not `true` or `false`" => "write true or false",
        "invalid socket address syntax" => "write an address and a port, such as 127.0.0.1:8080",
        "invalid IP address syntax" => "write an address such as 10.0.0.5",
        "input contains invalid characters"
        | "premature end of input"
        | "trailing input"
        | "input is out of range"
        | "no possible date and time matching input"
        | "input is not enough for unique date and time" => {
            "write a day such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z"
        }
        _ => {
            let (number, range) = message.split_once(" is not in ")?;
            let (from, to) = range.split_once("..=")?;
            return Some(format!("{number} is outside the limits; write a number from {from} to {to}"));
        }
    };
    Some(words.to_owned())
}

/// The longest word, in bytes, that a slip of the pen is looked for in: comparing takes time and memory by its length.
const LONGEST_SLIP: usize = 200;

/// "Did you mean": the candidate nearest to `word`, if one is near enough to be a slip of the pen.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST_SLIP {
        return None;
    }
    let folded = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count().max(folded.chars().count()) / 3))
        // Of equally near ones the one of the same letters: two that changed places are the likeliest slip.
        .min_by_key(|(distance, candidate)| (*distance, letters(candidate) != letters(word)))
        .map(|(_, candidate)| candidate)
}

fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.to_lowercase().chars().collect();
    letters.sort_unstable();
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree_with_their_counts() {
        assert_eq!(counted(1_u64, "row", "rows"), "1 row");
        assert_eq!(counted(0_usize, "row", "rows"), "0 rows");
        assert_eq!(counted(2_i64, "entry", "entries"), "2 entries");
        assert_eq!(things_wrong(1), "1 thing is wrong");
        assert_eq!(things_wrong(3), "3 things are wrong");
    }

    #[test]
    fn a_sentence_begins_and_ends_as_one() {
        assert_eq!(sentence("`a` is given twice"), "`a` is given twice.");
        assert_eq!(sentence("état inconnu; is it `a`?"), "État inconnu; is it `a`?");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(shown("short"), "short");
        assert_eq!(shown(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
        let long = "x".repeat(70);
        assert_eq!(clipped(format!("`{long}` is not one of `a`")), format!("`{}…` is not one of `a`", "x".repeat(60)));
        assert_eq!(clipped(format!("{long} `a`")), format!("{long} `a`"));
    }

    #[test]
    fn what_the_reader_says_becomes_advice() {
        for (message, words) in [
            (
                "unknown variant `nonsense`, expected `on` or `off`",
                "`nonsense` is not one of the values; write `on` or `off`",
            ),
            (
                "unknown variant `nonsense`, expected one of `on`, `off`, `up`",
                "`nonsense` is not one of the values; write one of `on`, `off`, `up`",
            ),
            (
                "unknown field `x`, expected one of `title`, `code`",
                "there is no member `x` here; the members are `title`, `code`",
            ),
            (
                "unknown variant `qarter`, expected `month` or `quarter`",
                "`qarter` is not one of the values; write `month` or `quarter`; did you mean `quarter`?",
            ),
            ("missing field `kind`", "`kind` must be given"),
            ("duplicate field `kind`", "`kind` is given twice; give it once"),
            ("invalid type: string \"x\", expected struct Cause", "write an object, not the text `x`"),
            ("invalid type: number, expected a string", "write a text, not a number"),
            ("invalid type: map, expected string or map", "write a text, not an object"),
            ("invalid type: null, expected a boolean", "write true or false, not null"),
            ("invalid value: integer `300`, expected u8", "write a whole number from 0 to 255, not the number 300"),
            ("invalid type: sequence, expected a map at line 1 column 0", "write an object, not a list"),
            (
                "invalid type: boolean `true`, expected a formatted date string",
                "write a day such as 2027-01-31, not true",
            ),
            (
                "invalid type: string \", expected \", expected internally tagged enum Formula",
                "write an object, not the text `, expected `",
            ),
            ("invalid type: map, expected Secret<Thing>", "an object does not belong here"),
            ("data did not match any variant of untagged enum X", "it has none of the forms that can be given here"),
            ("premature end of input", "write a day such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z"),
            ("`x y` is no code", "`x y` is no code"),
        ] {
            assert_eq!(misfit(message), words);
        }
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place() {
        let fault = |text: &str| json_fault(&serde_json::from_str::<serde_json::Value>(text).unwrap_err());
        for text in ["", "{", "{1}", "[1 2]", "{\"a\" 1}", "tru", "{} {}", "[1,]", "\"\\x\"", "\"\n\"", "1e999x", "01"]
        {
            let words = fault(text);
            assert!(
                words.starts_with("line ") && !words.contains("EOF") && !words.contains("expected"),
                "{text}: {words}"
            );
        }
        assert_eq!(fault("{} {}"), "line 1 column 4: there is more text after the end; send one value");
    }

    #[test]
    fn what_the_system_says_is_said_plainly() {
        let missing = std::fs::read("/nowhere/at/all").unwrap_err();
        assert_eq!(io_fault(&missing), "there is no such file or folder");
        let raw = io::Error::from_raw_os_error(5);
        assert!(!io_fault(&raw).contains("os error"), "{}", io_fault(&raw));
        assert_eq!(io_fault(&io::Error::other("it is larger than 3 bytes")), "it is larger than 3 bytes");
        let text = std::str::from_utf8(b"\xff".as_slice()).map(drop).unwrap_err();
        assert_eq!(io_fault(&io::Error::new(io::ErrorKind::InvalidData, text)), text.to_string());
    }

    #[test]
    fn what_a_parser_could_not_read_becomes_advice() {
        let error = |text: &str| text.parse::<u16>().unwrap_err().to_string();
        assert_eq!(unreadable(&error("x")).unwrap(), "write a whole number");
        assert_eq!(unreadable(&error("99999")).unwrap(), "write a smaller number");
        assert_eq!(unreadable("0 is not in 1..=512").unwrap(), "0 is outside the limits; write a number from 1 to 512");
        assert_eq!(unreadable("is no period"), None);
        let address = "x".parse::<std::net::SocketAddr>().unwrap_err().to_string();
        assert!(unreadable(&address).unwrap().contains("127.0.0.1:8080"));
        let day = "x".parse::<chrono::NaiveDate>().unwrap_err().to_string();
        assert!(unreadable(&day).unwrap().contains("2027-01-31"));
    }

    #[test]
    fn the_nearest_candidate_is_a_slip_of_the_pen_away() {
        let codes = ["NI-101", "NI-117", "LI-CAF"];
        assert_eq!(nearest("NI-171", codes), Some("NI-117"));
        assert_eq!(nearest("ni-101", codes), Some("NI-101"));
        assert_eq!(nearest("LI-CAFE", codes), Some("LI-CAF"));
        assert_eq!(nearest("something else", codes), None);
    }

    #[test]
    fn a_slip_of_the_pen_is_looked_for_in_words_and_not_in_books() {
        assert_eq!(nearest("polarty", ["title", "polarity"]), Some("polarity"));
        assert_eq!(nearest("something", ["title", "polarity"]), None);
        let book = "x".repeat(1 << 20);
        assert_eq!(nearest(&format!("{book}y"), [book.as_str()]), None);
    }
}
