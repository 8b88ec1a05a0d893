//! The arrows between the rooms, read off the sources. See ARCHITECTURE.md.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// What a room may name, and what to do in place of naming anything else.
struct Room {
    folder: &'static str,
    may_use: &'static [&'static str],
    rule: &'static str,
}

const ROOMS: &[Room] = &[
    Room { folder: "domain", may_use: &[], rule: "the domain is pure: it knows no other room" },
    Room {
        folder: "exchange",
        may_use: &["domain"],
        rule: "files are read and written without rules: exchange knows the domain's types only",
    },
    Room {
        folder: "store",
        may_use: &["domain", "clock"],
        rule: "the store keeps what the domain says; who asks is not its business",
    },
    Room { folder: "token", may_use: &["clock", "domain"], rule: "tokens are verified without knowing what for" },
    Room {
        folder: "programme",
        may_use: &["domain", "store", "exchange", "clock"],
        rule: "use cases know nothing of HTTP or of tokens",
    },
    Room {
        folder: "pages",
        may_use: &["domain", "programme"],
        rule: "pages are pure rendering of the same reports: they read no store, no clock and no request",
    },
    Room {
        folder: "http",
        may_use: &["domain", "programme", "exchange", "pages", "token", "clock"],
        rule: "HTTP reaches the store through the programme; take the type from there",
    },
    Room {
        folder: "delivery",
        may_use: &["domain", "programme", "clock"],
        rule: "what is delivered, and to whom, the programme says: delivery only sends it",
    },
];

const ALL_ROOMS: &[&str] =
    &["domain", "exchange", "store", "token", "programme", "pages", "http", "delivery", "cli", "config", "clock"];

/// A word that may stand in some rooms only.
const FENCED: &[(&str, &[&str], &str)] = &[
    ("diesel", &["store"], "only the store names Diesel"),
    ("actix_web", &["http", "cli"], "only HTTP and the command that serves it name actix"),
    ("lettre", &["delivery"], "only delivery names the library that sends mail"),
    ("jsonwebtoken", &["token"], "only the token room names the library that verifies tokens"),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The lines of a file that are code: no comments, and nothing of the tests at its end.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let until_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = until_tests.lines().enumerate().map(|(place, line)| (place + 1, line.trim().to_owned()));
    lines.filter(|(_, line)| !line.starts_with("//")).collect()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn is_test(path: &Path) -> bool {
    path.file_stem().and_then(|name| name.to_str()).is_some_and(|name| name == "tests" || name.ends_with("_tests"))
}

#[test]
fn no_room_reaches_into_another_the_wrong_way() {
    let mut wrong = Vec::new();
    for room in ROOMS {
        for path in sources(&src().join(room.folder)).into_iter().filter(|path| !is_test(path)) {
            for (number, line) in code(&path) {
                for other in ALL_ROOMS.iter().filter(|other| **other != room.folder && !room.may_use.contains(other)) {
                    if line.contains(&format!("crate::{other}")) {
                        wrong.push(format!("{}:{number}: {line}\n    {}", path.display(), room.rule));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for path in sources(&src()) {
        let room =
            path.strip_prefix(src()).unwrap().components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        for (number, line) in code(&path) {
            for (word, rooms, rule) in FENCED {
                if line.contains(&format!("{word}::")) && !rooms.contains(&room.trim_end_matches(".rs")) {
                    wrong.push(format!("{}:{number}: {line}\n    {rule}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_domain_has_no_floats_and_waits_for_nothing() {
    let mut wrong = Vec::new();
    for path in sources(&src().join("domain")) {
        for (number, line) in code(&path) {
            for word in ["f32", "f64", "async "] {
                if line.contains(word) {
                    wrong.push(format!(
                        "{}:{number}: {line}\n    figures are exact and the domain is pure: no `{word}`",
                        path.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
