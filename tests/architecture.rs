//! The arrows between the rooms, read off the sources. See ARCHITECTURE.md.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

use std::collections::{BTreeMap, BTreeSet};
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
        may_use: &["domain"],
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
    Room {
        folder: "cli",
        may_use: &["domain", "store", "exchange", "programme", "pages", "http", "delivery", "token", "config", "clock"],
        rule: "a command puts the rooms together; what it shows comes from the programme",
    },
    Room {
        folder: "config",
        may_use: &["domain", "store", "token"],
        rule: "settings say where the database and the keys are, and use neither",
    },
    Room { folder: "programme/clock", may_use: &[], rule: "the clock tells the time, and knows nobody who asks" },
];

/// The rooms within a room, from the top down: one may name those of its own line and of the lines below.
struct Inside {
    folder: &'static str,
    lines: &'static [&'static [&'static str]],
}

const INSIDE: &[Inside] = &[
    Inside {
        folder: "programme",
        lines: &[
            &["feed", "rounds", "successor", "folder"],
            &["figures"],
            &["reports", "access"],
            &["definitions"],
            &["seen"],
            &["caller"],
            &["picture", "waiting", "refusal"],
        ],
    },
    Inside {
        folder: "http",
        lines: &[
            &["app", "routes"],
            &["site"],
            &["plan", "reports", "collecting", "access", "feed"],
            &["tables"],
            &["view"],
            &["gate", "resource", "service", "openapi", "metrics"],
            &["request"],
            &["problem"],
            &["settings", "credentials", "request_id"],
        ],
    },
];

const ALL_ROOMS: &[&str] =
    &["domain", "exchange", "store", "token", "programme", "pages", "http", "delivery", "cli", "config", "clock"];

/// The rooms that are crates of their own, where `crate::` is the room.
const CRATES: &[&str] = &["domain", "exchange", "programme", "store"];

/// A word that may stand in some rooms only.
const FENCED: &[(&str, &[&str], &str)] = &[
    ("diesel", &["store"], "only the store names Diesel"),
    ("actix_web", &["http", "cli"], "only HTTP and the command that serves it name actix"),
    ("lettre", &["delivery"], "only delivery names the library that sends mail"),
    ("jsonwebtoken", &["token"], "only the token room names the library that verifies tokens"),
];

/// The sources of a room, which is a folder or one file.
fn sources(folder: &Path) -> Vec<PathBuf> {
    if !folder.exists() {
        return vec![folder.with_extension("rs")];
    }
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The lines of a file that are code: no comments, and none of the modules of tests, wherever they stand.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let (mut lines, mut of_tests, mut in_tests) = (Vec::new(), false, false);
    for (place, line) in text.lines().enumerate() {
        in_tests = in_tests
            || (of_tests && (line.starts_with("mod ") || line.starts_with("pub(crate) mod ")) && line.ends_with('{'));
        if !in_tests && !line.trim_start().starts_with("//") {
            lines.push((place + 1, line.trim().to_owned()));
        }
        in_tests = in_tests && line != "}";
        of_tests = line == "#[cfg(test)]";
    }
    lines
}

/// The files of the library as modules, each with the modules that it names.
struct Modules(BTreeMap<String, BTreeSet<String>>);

impl Modules {
    fn read() -> Self {
        let paths: Vec<PathBuf> = sources(&src()).into_iter().filter(|path| !is_test(path)).collect();
        let names: BTreeMap<String, PathBuf> = paths.into_iter().map(|path| (module_of(&path), path)).collect();
        let arrows = |name: &str, path: &Path| {
            let found = paths_in(&code(path), name).into_iter().filter_map(|path| {
                let parts: Vec<&str> = path.split("::").collect();
                (1..=parts.len())
                    .rev()
                    .map(|end| parts.get(..end).unwrap().join("::"))
                    .find(|known| names.contains_key(known))
            });
            found.filter(|found| found != name).collect()
        };
        Self(names.iter().map(|(name, path)| (name.clone(), arrows(name, path))).collect())
    }

    /// Modules that name one another in a circle, if any do. A module and the private files that it is split into are one.
    fn circle(&self) -> Option<Vec<String>> {
        let whole = |name: &str| private_parent(name).unwrap_or_else(|| name.to_owned());
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in &self.0 {
            let of = arrows.entry(whole(from)).or_default();
            of.extend(to.iter().map(|to| whole(to)));
        }
        for (name, to) in &mut arrows {
            to.remove(name);
        }
        // What names nothing that is left is in no circle.
        loop {
            let ends: Vec<String> =
                arrows.iter().filter(|(_, to)| to.is_empty()).map(|(name, _)| name.clone()).collect();
            if ends.is_empty() {
                break;
            }
            for end in &ends {
                arrows.remove(end);
            }
            for to in arrows.values_mut() {
                to.retain(|name| !ends.contains(name));
            }
        }
        let mut way = vec![arrows.keys().next()?.clone()];
        loop {
            let next = arrows.get(way.last().unwrap()).unwrap().first().unwrap().clone();
            if let Some(begin) = way.iter().position(|name| *name == next) {
                let mut circle = way.split_off(begin);
                circle.push(next);
                return Some(circle);
            }
            way.push(next);
        }
    }
}

/// `src/http/problem/mod.rs` as `http::problem`.
fn module_of(path: &Path) -> String {
    let path = path.strip_prefix(src()).unwrap().with_extension("");
    let name = path.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("::");
    name.strip_suffix("::mod").unwrap_or(&name).to_owned()
}

/// The module that a file is a private part of: the outermost one, below the rooms, that does not say `pub mod` of what leads to
/// it.
fn private_parent(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split("::").collect();
    (2..parts.len()).find_map(|end| {
        let parent = parts.get(..end).unwrap().join("/");
        let file = [src().join(&parent).join("mod.rs"), src().join(format!("{parent}.rs"))]
            .into_iter()
            .find(|file| file.exists())?;
        let text = fs::read_to_string(file).unwrap();
        let is_public = text.lines().any(|line| line == format!("pub mod {};", parts.get(end).unwrap()));
        // What only lists its files is a room, and no module that was split.
        let is_module = text.contains("fn ");
        (is_module && !is_public).then(|| parts.get(..end).unwrap().join("::"))
    })
}

/// The paths that code names, in `use` and elsewhere, as seen from the top of the library.
fn paths_in(code: &[(usize, String)], module: &str) -> BTreeSet<String> {
    let text = code.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join(" ");
    let mut found = BTreeSet::new();
    for (begin, root) in ["crate::", "super::"]
        .iter()
        .flat_map(|root| text.match_indices(root).map(|(at, _)| at).zip(std::iter::repeat(*root)))
    {
        let before = text.get(..begin).unwrap().chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        let mut base: Vec<&str> = if root == "crate::" { Vec::new() } else { module.split("::").collect() };
        let mut rest = text.get(begin..).unwrap();
        while let Some(further) = rest.strip_prefix("super::") {
            base.pop();
            rest = further;
        }
        let rest = rest.strip_prefix("crate::").unwrap_or(rest);
        if root == "crate::" {
            base.extend(CRATES.iter().find(|name| module.split("::").next() == Some(name)));
        }
        let base: Vec<String> = base.into_iter().map(str::to_owned).collect();
        spread(&base, rest, &mut found);
    }
    found
}

/// The paths of a tree such as `a::{b, c::d}`, which begins a text.
fn spread(base: &[String], text: &str, found: &mut BTreeSet<String>) -> usize {
    let mut path = base.to_vec();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap();
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        at += word.len();
        if !word.is_empty() {
            path.push(word);
        }
        let rest = text.get(at..).unwrap();
        if let Some(inner) = rest.strip_prefix("::{").or_else(|| rest.strip_prefix('{')) {
            at += rest.len() - inner.len();
            loop {
                at += text.get(at..).unwrap().chars().take_while(|c| c.is_whitespace() || *c == ',').count();
                if text.get(at..).is_none_or(|rest| rest.starts_with('}') || rest.is_empty()) {
                    return at + 1;
                }
                let read = spread(&path, text.get(at..).unwrap(), found);
                if read == 0 {
                    return at;
                }
                at += read;
            }
        }
        if rest.starts_with("::") {
            at += 2;
        } else {
            if path.len() > base.len() {
                found.insert(path.join("::"));
            }
            return at;
        }
    }
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
fn no_file_imports_in_a_circle() {
    if let Some(circle) = Modules::read().circle() {
        panic!(
            "these name one another in a circle: {}; put what two of them need in a file of its own",
            circle.join(" -> ")
        );
    }
}

#[test]
fn within_a_room_the_arrows_point_down() {
    let modules = Modules::read();
    let mut wrong = Vec::new();
    for Inside { folder, lines } in INSIDE {
        let line_of = |name: &str| {
            let room = name.strip_prefix(folder)?.strip_prefix("::")?.split("::").next()?;
            lines.iter().position(|line| line.contains(&room))
        };
        for (from, to) in &modules.0 {
            let Some(line) = line_of(from) else { continue };
            let up = to.iter().filter(|to| line_of(to).is_some_and(|other| other < line));
            wrong.extend(up.map(|to| format!("{from} names {to}, which stands above it")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What a reader may not see does not exist outside the programme: there, a plan is a `Seen`, and nothing can be asked of it
/// but what its reader may know.
#[test]
fn nobody_outside_sees_the_picture() {
    let door = fs::read_to_string(src().join("programme/mod.rs")).unwrap();
    assert!(door.lines().any(|line| line == "mod picture;"), "the picture of a plan is private to the programme");
    let taken_out = door.lines().filter(|line| line.starts_with("pub use picture::")).collect::<Vec<_>>();
    assert_eq!(
        taken_out,
        ["pub use picture::{Kept, KpiRecord};"],
        "neither is a plan: a revision, and a KPI as it is stored"
    );
    let mut open = Vec::new();
    for path in sources(&src().join("programme")) {
        let is_picture = path.components().any(|part| part.as_os_str() == "picture");
        let name = path.file_name().unwrap();
        for (number, line) in code(&path) {
            let is_public =
                line.starts_with("pub fn ") || line.starts_with("pub async fn ") || line.starts_with("pub picture");
            let gives = line.contains("Picture") && !line.contains("picture: &Picture");
            if is_public && (is_picture || gives) {
                open.push(format!("{}:{number}: {line}", path.display()));
            }
            let is_reader = name == "seen.rs" && line.starts_with("pub fn ");
            if is_reader && ["KpiPicture", "Observed", "ReadingRow"].iter().any(|raw| line.contains(raw)) {
                open.push(format!("{}:{number}: {line}\n    a reader gets a figure as an assessment", path.display()));
            }
        }
    }
    assert!(open.is_empty(), "\n{}", open.join("\n"));
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

/// The most lines of a function, from its `fn` to its closing brace.
const MOST_LINES: usize = 70;

#[test]
fn no_function_is_too_long() {
    let mut long = Vec::new();
    for path in sources(&src()).into_iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(&path).unwrap();
        for (number, code) in code(&path) {
            let is_function = code.split_once("fn ").is_some_and(|(before, _)| {
                before.is_empty() || ["pub", "async ", "const "].iter().any(|word| before.starts_with(word))
            });
            let line = text.lines().nth(number - 1).unwrap();
            if is_function && !line.ends_with([';', '}']) {
                let end = line.replace(line.trim_start(), "}");
                let length = text.lines().skip(number).take_while(|line| *line != end).count() + 2;
                if length > MOST_LINES {
                    long.push(format!("{}:{number}: {length} lines: {code}", path.display()));
                }
            }
        }
    }
    assert!(long.is_empty(), "divide these where the sense divides them:\n{}", long.join("\n"));
}
