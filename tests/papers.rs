//! The papers are true: each section, page and function that is named exists, each link leads to a file, and the prose
//! keeps to the wording list in CONTRIBUTING.md, as do the API's document and the texts of the program.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the papers has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use waymark::domain::warning::WarningCode;
use waymark::domain::webhook::EventType;

const RULES: &str = "docs/rules.md";
const ROOT_PAPERS: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

/// The most lines of ARCHITECTURE.md, and the most pages of docs/decisions.
const MOST_LINES: usize = 150;
const MOST_DECISIONS: usize = 12;

/// Words that must not come back into the papers, and what to write in place of each.
const WORDS: &[(&str, &str)] = &[
    ("told", "stated, reported, described, informed"),
    ("tells", "states, reports, describes"),
    ("mend", "correct"),
    ("mended", "corrected"),
    ("mends", "corrects"),
    ("mending", "correcting"),
    ("anew", "again"),
    ("nought", "0"),
    ("whoever", "anyone who, the person who"),
    ("lacks", "is missing"),
    ("lacking", "missing"),
    ("held against", "compared with, assessed against"),
    ("taken apart", "read, parsed"),
    ("take apart", "read, parse"),
    ("likes best", "prefers"),
    ("the like", "similar"),
    ("the oldest first", "oldest first"),
    ("the worst first", "worst first"),
    ("a row for each", "one row per"),
    ("1 days", "1 day"),
    ("1 rows", "1 row"),
];

/// More words that must not come back into what the program shows: its errors, its reports and the API's document.
const SHOWN: &[(&str, &str)] = &[
    ("tell of", "report, describe"),
    ("goes by", "is called"),
    ("stands by", "confirms"),
    ("no good", "not valid, expired"),
    ("is no period", "is not a period"),
    ("is no code", "is not a code"),
    ("is no role", "is not a role"),
    ("is no column", "is not a column"),
    ("is there already", "exists already"),
    ("nothing is kept", "nothing is saved"),
    ("nothing was kept", "nothing was saved"),
    ("take it out", "remove it"),
    ("take it away", "remove it"),
    ("taken away", "removed"),
    ("taken back", "revoked"),
    ("taken here", "accepted here"),
    ("likes", "prefers"),
    ("the first first", "oldest first"),
    ("the latest first", "latest first"),
    ("one row a", "one row per"),
    ("where there is", "if there is"),
    ("where there are", "if there are"),
    ("where there was", "if there was"),
    ("where none", "if none"),
    ("where nothing", "if nothing"),
    ("where a kpi stands", "how a KPI is doing, its status"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file, or every file within a folder.
fn files(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| files(&path)).collect()
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| extensions.contains(&extension))
}

/// A file of the repository: its path from the root, and what it holds.
struct Text {
    name: String,
    text: String,
}

/// The files in these places that have one of these extensions.
fn texts(places: &[&str], extensions: &[&str]) -> Vec<Text> {
    let paths = places.iter().flat_map(|place| files(&root().join(place)));
    let paths = paths.filter(|path| has_extension(path, extensions));
    paths
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            Text { name, text: fs::read_to_string(&path).unwrap() }
        })
        .collect()
}

/// Everything that a person reads first: the papers at the root, and the pages in the folders.
fn papers() -> Vec<Text> {
    let mut places = ROOT_PAPERS.to_vec();
    places.extend(["docs", "migrations", "fixtures/smallest"]);
    texts(&places, &["md"])
}

/// Everything that can cite a page: sources, tests, migrations and papers.
fn citing() -> Vec<Text> {
    let mut places = ROOT_PAPERS.to_vec();
    places.extend(["CHANGELOG.md", "docs", "fixtures", "migrations", "src", "tests", "benches"]);
    texts(&places, &["md", "rs", "sql"])
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// A text in one line, without the marks of comments, so that a citation may be broken across lines.
fn in_one_line(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches(['/', '!', '-']).trim());
    lines.collect::<Vec<_>>().join(" ")
}

/// The number of a section: `4` of `4)`, but not `12.5.1`.
fn section_number(word: &str) -> Option<u32> {
    word.trim_matches(|mark: char| mark.is_ascii_punctuation()).parse().ok()
}

/// The sections that follow a word `section` or `sections`, and how many words they take: `4`, `4 and 5`, `1, 3 and 7`,
/// `3 to 8`.
fn listed_sections(words: &[&str]) -> (Vec<u32>, usize) {
    let mut sections: Vec<u32> = Vec::new();
    let (mut taken, mut range) = (0, false);
    for word in words {
        match (section_number(word), *word) {
            (Some(number), _) => {
                let from = sections.last().copied().filter(|_| range);
                sections.extend(from.map_or(number, |from| from + 1)..=number);
                range = false;
            }
            (None, "to") if !sections.is_empty() => range = true,
            (None, "and" | "or") => {}
            (None, _) => break,
        }
        taken += 1;
        if word.ends_with([')', '.', ';', ':']) {
            break;
        }
    }
    (sections, taken)
}

/// The sections of the rules that a text cites: `docs/rules.md section 4`, `sections 4 and 5 of docs/rules.md`, and a bare
/// `section 4` in a file that names the page elsewhere and no other document beside the number.
fn cited_sections(text: &str) -> Vec<u32> {
    let text = in_one_line(text);
    if !text.contains(RULES) {
        return Vec::new();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut cited = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let word = word.trim_matches(|mark: char| !mark.is_alphanumeric()).to_lowercase();
        if word != "section" && word != "sections" {
            continue;
        }
        let (sections, taken) = listed_sections(words.get(place + 1..).unwrap_or_default());
        let before = words.get(place.saturating_sub(3)..place).unwrap_or_default();
        let of = words.get(place + 1 + taken..place + 3 + taken).unwrap_or_default();
        let other_document = before.iter().any(|word| word.contains("RFC") || word.contains("SEC"));
        let of_rules = of.first() == Some(&"of") && of.last().is_some_and(|page| page.contains(RULES));
        if of_rules || !other_document {
            cited.extend(sections);
        }
    }
    cited
}

/// The numbered sections of the rules, each with its text.
fn rules() -> Vec<(u32, String)> {
    let page = read(RULES);
    let sections = page.split("\n## ").skip(1).filter_map(|section| {
        let (number, text) = section.split_once(". ")?;
        Some((number.parse().ok()?, text.to_owned()))
    });
    sections.collect()
}

/// What stands between backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The paths to items that a text names, `domain::travel::{short, since}` as two.
fn item_paths(text: &str) -> Vec<String> {
    let rooms = ["domain", "programme", "store", "exchange", "http", "token", "delivery", "pages"];
    let named = |span: &&str| span.split_once("::").is_some_and(|(room, _)| rooms.contains(&room));
    let mut paths = Vec::new();
    for span in code_spans(text).filter(named) {
        match span.split_once('{') {
            Some((module, items)) => {
                let items = items.trim_end_matches('}').split(',').map(str::trim);
                paths.extend(items.map(|item| format!("{module}{item}")));
            }
            None => paths.push(span.to_owned()),
        }
    }
    paths
}

/// Whether a source declares an item of this name.
fn declares(source: &str, name: &str) -> bool {
    let keywords = ["fn", "struct", "enum", "trait", "type", "const", "macro_rules!"];
    keywords.iter().any(|keyword| {
        let declaration = format!("{keyword} {name}");
        let mut after = source.split(declaration.as_str()).skip(1);
        after.any(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
    })
}

/// The sources of the module that a path begins with, and the names of items that are left of it.
fn module_of(path: &str) -> (String, Vec<&str>) {
    let mut module = root().join("src");
    let mut names = path.split("::").peekable();
    while let Some(name) = names.peek() {
        let inner = module.join(name);
        if !inner.is_dir() && !inner.with_extension("rs").is_file() {
            break;
        }
        module = inner;
        names.next();
    }
    let file = module.with_extension("rs");
    let places = [file, module].into_iter().filter(|place| place.exists());
    let sources = places.flat_map(|place| files(&place)).filter(|path| has_extension(path, &["rs"]));
    let sources: Vec<String> = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    (sources.join("\n"), names.collect())
}

/// A text without its code: no fenced or indented blocks, and nothing between backticks.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced && !line.starts_with("    ") {
            lines.push(line);
        }
    }
    let lines = lines.join(" ");
    lines.split('`').step_by(2).collect::<Vec<_>>().join(" ` ")
}

/// What of a paper must keep to the wording list: not the list itself, nor what the program prints.
fn written_part(paper: &Text) -> String {
    match paper.name.as_str() {
        "CONTRIBUTING.md" => {
            let (before, rest) = paper.text.split_once("\n## Wording").unwrap();
            let after = rest.split_once("\n## ").map(|(_, after)| after);
            format!("{before}\n{}", after.unwrap_or_default())
        }
        "docs/folder.md" => paper.text.split("<!-- What follows is printed").next().unwrap_or_default().to_owned(),
        _ => paper.text.clone(),
    }
}

#[test]
fn every_section_of_the_rules_that_is_cited_exists() {
    let sections: BTreeSet<u32> = rules().into_iter().map(|(number, _)| number).collect();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in citing() {
        for section in cited_sections(&file.text) {
            count += 1;
            if !sections.contains(&section) {
                wrong.push(format!("{} cites section {section}, which {RULES} does not have", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count > 30, "only {count} citations were found: is the page still cited as `{RULES} section N`?");
}

#[test]
fn citations_are_read_in_every_form() {
    let cited = |text: &str| cited_sections(&format!("{text} See {RULES}."));
    assert_eq!(cited("//! Gaps (docs/rules.md section 9): x"), [9]);
    assert_eq!(cited("//! x of docs/rules.md\n//! sections 1 and\n//! 3."), [1, 3]);
    assert_eq!(cited("sections 3 to 8 of docs/rules.md, written"), [3, 4, 5, 6, 7, 8]);
    assert_eq!(cited("by section 5, (a) to (d)"), [5]);
    assert_eq!(cited("as RFC 9110 section 13 says"), Vec::<u32>::new());
    assert_eq!(cited_sections("section 5 of something else"), Vec::<u32>::new());
}

#[test]
fn every_rule_names_its_function() {
    let sections = rules();
    assert!(sections.len() >= 12, "{RULES} has {} numbered sections", sections.len());
    for (number, text) in &sections {
        assert!(!item_paths(text).is_empty(), "section {number} of {RULES} names no function");
    }
    let (_, steps) = sections.iter().find(|(number, _)| *number == 4).unwrap();
    let starts = |line: &&str| line.split_once(". **").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    assert_eq!(
        steps.lines().filter(starts).count(),
        8,
        "section 4 of {RULES} has eight rules, which comments cite by number"
    );
    let mut rule = String::new();
    for line in steps.lines().chain(["9. **"]) {
        if starts(&line) || line.is_empty() {
            let is_rule = starts(&rule.as_str());
            assert!(!is_rule || !item_paths(&rule).is_empty(), "this rule of section 4 names no function: {rule}");
            rule.clear();
        }
        rule.push_str(line);
        rule.push(' ');
    }
}

#[test]
fn every_function_that_a_paper_names_exists() {
    let mut wrong = Vec::new();
    for paper in papers() {
        for path in item_paths(&paper.text) {
            let (source, names) = module_of(&path);
            for name in names.iter().filter(|name| !declares(&source, name)) {
                wrong.push(format!("{}: `{path}` is named, and its module declares no `{name}`", paper.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The allowed values of each column in docs/folder.md, which a test of the command line compares with the program.
fn allowed_values() -> BTreeSet<(String, String, Vec<String>)> {
    let page = read("docs/folder.md");
    let mut values = BTreeSet::new();
    for section in page.split("\n## ").skip(1) {
        let file = section.lines().next().unwrap();
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let Some((_, list)) = row.split_once("One of ") else { continue };
            let column = row.split('`').nth(1).unwrap();
            let list = list.split(['.', '|']).next().unwrap().split(", ").map(|value| value.trim().to_owned());
            values.insert((file.to_owned(), column.to_owned(), list.collect()));
        }
    }
    values
}

#[test]
fn the_table_of_allowed_values_is_that_of_the_program() {
    let page = read("fixtures/smallest/README.md");
    let (_, section) = page.split_once("## Allowed values").unwrap();
    let mut listed = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let mut words = code_spans(row).map(str::to_owned);
        listed.insert((words.next().unwrap(), words.next().unwrap(), words.collect::<Vec<_>>()));
    }
    // The columns of a later day's KPIs are those of kpis.csv.
    let known: BTreeSet<_> = allowed_values().into_iter().filter(|(file, ..)| !file.starts_with("kpis/")).collect();
    assert_eq!(listed, known);
    assert!(known.len() > 15, "{known:?}");
}

#[test]
fn every_event_and_every_warning_is_described() {
    let missing = |page: &str, names: Vec<&'static str>| -> Vec<String> {
        let text = fs::read_to_string(root().join(page)).unwrap();
        names
            .into_iter()
            .filter(|name| !text.contains(&format!("`{name}`")))
            .map(|name| format!("{page}: `{name}`"))
            .collect()
    };
    let events = missing("docs/connect/webhooks.md", EventType::ALL.map(EventType::as_str).to_vec());
    let warnings = missing("docs/warnings.md", WarningCode::ALL.iter().map(|code| code.as_str()).collect());
    assert_eq!([events, warnings].concat(), Vec::<String>::new());
}

#[test]
fn every_link_leads_to_a_file() {
    let mut wrong = Vec::new();
    let mut pages = papers();
    pages.extend(texts(&["CHANGELOG.md", "fixtures"], &["md"]));
    for page in pages {
        let folder = root().join(&page.name).parent().unwrap().to_owned();
        for link in page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !folder.join(target).exists() {
                wrong.push(format!("{}: there is no {link}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_page_that_is_cited_exists() {
    let mut wrong = Vec::new();
    for file in citing() {
        let folder = root().join(&file.name).parent().unwrap().to_owned();
        let homes = [folder, root().to_owned(), root().join("docs"), root().join("docs/connect")];
        let is_mark = |mark: char| mark.is_whitespace() || "()[]{}<>\"'`,;:*|\\".contains(mark);
        for word in file.text.split(is_mark).map(|word| word.trim_end_matches('.')) {
            if has_extension(Path::new(word), &["md"]) && !homes.iter().any(|home| home.join(word).is_file()) {
                wrong.push(format!("{} cites {word}, which is not in the repository", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_papers_keep_to_their_size() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(
        lines <= MOST_LINES,
        "ARCHITECTURE.md has {lines} lines, {MOST_LINES} at most; move a decision to docs/decisions"
    );
    let decisions = texts(&["docs/decisions"], &["md"]);
    assert!(
        decisions.len() <= MOST_DECISIONS,
        "docs/decisions has {} pages, {MOST_DECISIONS} at most",
        decisions.len()
    );
    for page in &decisions {
        for part in ["\nDecided on ", "\n## Context\n", "\n## Decision\n", "\n## Rejected\n"] {
            assert!(page.text.contains(part), "{} has no {}", page.name, part.trim());
        }
    }
}

/// The words of these lists in a text, each with the words around it and what to write.
fn replaced(name: &str, text: &str, lists: &[&[(&str, &str)]]) -> Vec<String> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|mark: char| !mark.is_alphanumeric() && mark != '\'' && mark != '`').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let line = format!(" {} ", words.join(" "));
    let mut wrong = Vec::new();
    for (word, instead) in lists.iter().copied().flatten() {
        let Some((before, after)) = line.split_once(&format!(" {word} ")) else { continue };
        let near: Vec<&str> = before.split(' ').rev().take(5).collect();
        let near: Vec<&str> = near.into_iter().rev().collect();
        let next: Vec<&str> = after.split(' ').take(4).collect();
        wrong.push(format!("{name}: `… {} {word} {} …`\n    write: {instead}", near.join(" "), next.join(" ")));
    }
    wrong
}

/// The summaries and descriptions of the API's document, without what stands between backticks.
fn descriptions(document: &Value) -> Vec<String> {
    let within = |(name, value): (&String, &Value)| match value {
        Value::String(text) if name == "description" || name == "summary" => vec![prose(text)],
        value => descriptions(value),
    };
    match document {
        Value::Object(members) => members.iter().flat_map(within).collect(),
        Value::Array(items) => items.iter().flat_map(descriptions).collect(),
        _ => Vec::new(),
    }
}

/// The texts between quotation marks in a source, but for its tests and the names of what is put into them.
fn literals(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let code = code.replace("\\\\", "").replace("\\\"", "").replace("'\"'", "").replace("\\n", " ");
    let texts = code.split('"').skip(1).step_by(2).collect::<Vec<_>>().join(" ` ");
    let texts = texts.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn words_that_were_replaced_do_not_come_back() {
    let wrong: Vec<String> =
        papers().iter().flat_map(|paper| replaced(&paper.name, &prose(&written_part(paper)), &[WORDS])).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_the_program_shows_keeps_to_the_words_too() {
    let document: Value = serde_json::from_str(&read("openapi/openapi.json")).unwrap();
    let descriptions = descriptions(&document);
    assert!(descriptions.len() > 1_000, "only {} descriptions were found", descriptions.len());
    let described = descriptions.iter().flat_map(|text| replaced("openapi.json", text, &[WORDS, SHOWN]));
    let sources = texts(&["src"], &["rs"]);
    let sources = sources.iter().filter(|source| !source.name.ends_with("tests.rs"));
    let written = sources.flat_map(|source| replaced(&source.name, &literals(&source.text), &[WORDS, SHOWN]));
    let wrong: BTreeSet<String> = described.chain(written).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}
