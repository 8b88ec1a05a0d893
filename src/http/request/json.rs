//! JSON in, with everything that is wrong with it.
//!
//! Two passes over the bytes. The first looks at every value, whatever it is for, and notes what serde would let
//! through or stop at: characters no database keeps, and names given twice. The second reads the type that was asked
//! for, and if that fails says at which pointer.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::domain::document::escape;
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::wording::{json_fault, misfit, sentence, shown};
use crate::http::problem::{Code, Problem};

/// How many faults are listed; more than that help nobody, and an answer must not grow beyond its request.
const MOST: usize = 100;

/// Reads `bytes` as a `T`.
///
/// # Errors
/// `malformed_request` with line and column if it is no JSON; else `invalid`, with pointers.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut invalid = inspect(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => Ok(invalid.or(value)?),
        Err(error) => {
            let violation = shape(error.path(), &error.inner().to_string());
            // A name given twice stops serde too, and has been reported already.
            if invalid.violations().iter().all(|known| known.pointer != violation.pointer) {
                invalid.push(violation);
            }
            Err(invalid.into())
        }
    }
}

/// Everything that is wrong with a document whatever it is for; a problem if it is no JSON at all.
fn inspect(bytes: &[u8]) -> Result<Invalid, Problem> {
    let mut invalid = Invalid::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Look { pointer: &mut String::new(), invalid: &mut invalid }
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| malformed(&error, bytes.is_empty()))?;
    Ok(invalid)
}

fn malformed(error: &serde_json::Error, empty: bool) -> Problem {
    let detail = match error.classify() {
        _ if empty => "The body is empty. Send a JSON object.".to_owned(),
        Category::Eof => format!("The body ends before its JSON does, at line {}.", error.line()),
        _ => format!("The body is not JSON: {}.", json_fault(error)),
    };
    Problem::new(Code::MalformedRequest, detail)
}

/// A fault of shape, in words of our own and with a pointer to where it is.
fn shape(path: &Path, message: &str) -> Violation {
    let parent = pointer_of(path);
    // serde names what it talks about in backquotes, first of all the name that is wrong.
    let name = message.split('`').nth(1).unwrap_or_default();
    let inside = format!("{parent}/{}", escape(name));
    let (pointer, code) = if message.starts_with("missing field") {
        (inside, "missing_field")
    } else if message.starts_with("unknown field") {
        // The reader is at the name already if it goes by names.
        (if parent.ends_with(&format!("/{}", escape(name))) { parent } else { inside }, "unknown_field")
    } else if message.starts_with("duplicate field") {
        (inside, "duplicate_key")
    } else if message.starts_with("unknown variant") {
        (parent, "unknown_value")
    } else if message.starts_with("invalid type") {
        (parent, "wrong_type")
    } else {
        (parent, "invalid_value")
    };
    Violation::at(pointer, code, sentence(&misfit(message)))
}

fn pointer_of(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// Walks through any JSON value, noting faults; `pointer` says where it is.
struct Look<'a> {
    pointer: &'a mut String,
    invalid: &'a mut Invalid,
}

impl Look<'_> {
    fn note(&mut self, code: &'static str, detail: String) {
        if self.invalid.violations().len() < MOST {
            self.invalid.at(self.pointer.clone(), code, detail);
        }
    }

    fn text(&mut self, text: &str) {
        if text.contains('\0') {
            self.note("nul_character", "The character U+0000 cannot be saved; remove it.".to_owned());
        }
    }

    /// Does `work` one level down, at `step`.
    fn within<T>(&mut self, step: &str, work: impl FnOnce(&mut Look<'_>) -> T) -> T {
        let here = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&escape(step));
        let done = work(&mut Look { pointer: &mut *self.pointer, invalid: &mut *self.invalid });
        self.pointer.truncate(here);
        done
    }

    fn again(&mut self) -> Look<'_> {
        Look { pointer: &mut *self.pointer, invalid: &mut *self.invalid }
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        self.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            if self.within(&index.to_string(), |inside| items.next_element_seed(inside.again()))?.is_none() {
                return Ok(());
            }
        }
        Err(A::Error::custom("more items than can be counted"))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.within(&name, |inside| {
                inside.text(&name);
                if seen.contains(&name) {
                    inside.note("duplicate_key", format!("{} is given twice; give it once.", shown(&name)));
                }
                members.next_value_seed(inside.again())
            })?;
            seen.insert(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Policy {
        code: String,
        bands: Vec<Band>,
        #[serde(default)]
        limit: Option<u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Band {
        status: Status,
        from: Option<serde_json::Number>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Status {
        OnTrack,
        OffTrack,
    }

    fn faults(json: &str) -> Vec<(String, &'static str)> {
        let problem = parse::<Policy>(json.as_bytes()).unwrap_err();
        assert_eq!(problem.code(), Code::Invalid, "{problem}");
        problem.errors().iter().map(|fault| (fault.pointer.clone().unwrap(), fault.code)).collect()
    }

    fn fault(json: &str) -> Violation {
        let problem = parse::<Policy>(json.as_bytes()).unwrap_err();
        let [fault] = problem.errors() else { panic!("{:?}", problem.errors()) };
        fault.clone()
    }

    #[test]
    fn what_is_right_is_read_and_numbers_keep_every_digit() {
        let json = br#"{"code": "rag", "bands": [{"status": "on_track", "from": -1.10}, {"status": "off_track", "from": null}]}"#;
        let policy: Policy = parse(json).unwrap();
        assert_eq!(policy.code, "rag");
        assert_eq!(policy.limit, None);
        assert!(matches!(policy.bands[0].status, Status::OnTrack));
        assert!(matches!(policy.bands[1].status, Status::OffTrack));
        assert_eq!(policy.bands[0].from.as_ref().unwrap().to_string(), "-1.10");
    }

    #[test]
    fn what_is_no_json_is_malformed_and_says_where() {
        for (json, words) in [
            ("", "empty"),
            ("{\"code\": ", "line 1"),
            ("{\n  code: 1}", "line 2 column 3"),
            ("{} {}", "line 1 column 4"),
            ("{\"a\": NaN}", "line 1"),
        ] {
            let problem = parse::<Policy>(json.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), Code::MalformedRequest, "{json}");
            assert!(problem.to_string().contains(words), "{json}: {problem}");
        }
        assert_eq!(parse::<Policy>(b"{\"code\": \"\xff\"}").unwrap_err().code(), Code::MalformedRequest);
        let deep = "[".repeat(10_000);
        assert_eq!(parse::<Policy>(deep.as_bytes()).unwrap_err().code(), Code::MalformedRequest);
    }

    #[test]
    fn a_fault_of_shape_has_a_pointer_and_a_hint() {
        assert_eq!(faults(r#"{"bands": []}"#), [("/code".into(), "missing_field")]);
        assert_eq!(faults(r#"{"code": "a", "bands": [{"from": 1}]}"#), [("/bands/0/status".into(), "missing_field")]);
        assert_eq!(faults(r#"{"code": 1, "bands": []}"#), [("/code".into(), "wrong_type")]);
        assert_eq!(faults(r#"{"code": "a", "bands": [], "limit": 300}"#), [("/limit".into(), "invalid_value")]);
        assert_eq!(faults("[]").len(), 1);
        let unknown = fault(r#"{"code": "a", "bands": [], "limitt": 3}"#);
        assert_eq!((unknown.pointer.as_deref(), unknown.code), (Some("/limitt"), "unknown_field"));
        assert_eq!(
            unknown.detail,
            "There is no member `limitt` here; the members are `code`, `bands`, `limit`; did you mean `limit`?"
        );
        let variant = fault(r#"{"code": "a", "bands": [{"status": "on_trak", "from": null}]}"#);
        assert_eq!((variant.pointer.as_deref(), variant.code), (Some("/bands/0/status"), "unknown_value"));
        assert!(variant.detail.ends_with("did you mean `on_track`?"), "{}", variant.detail);
    }

    #[test]
    fn nul_characters_and_names_given_twice_are_all_found() {
        assert_eq!(
            faults(r#"{"code": "a\u0000b", "bands": [{"status": "on_track", "from": 1}], "x/y\u0000": ["\u0000"]}"#),
            [
                ("/code".into(), "nul_character"),
                ("/x~1y\0".into(), "nul_character"),
                ("/x~1y\0/0".into(), "nul_character"),
            ]
        );
        assert_eq!(faults(r#"{"code": "a", "bands": [], "code": "b"}"#), [("/code".into(), "duplicate_key")]);
    }

    #[test]
    fn the_list_of_faults_ends_somewhere() {
        let json = format!(r#"{{"code": [{}"#, r#""\u0000","#.repeat(5000));
        let json = format!(r#"{json}1], "bands": []}}"#);
        assert_eq!(faults(&json).len(), MOST);
    }
}
