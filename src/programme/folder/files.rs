//! What a folder with a whole plan holds: its files, their columns, and how cells become the members of a definition and back.
//!
//! The columns come from the documents themselves ([`Listed::fields`] and their schemas), so a member that a document
//! gains is a column that is read, written and described without a line here. A member that is an object has a column
//! for each of its parts (`baseline_period`); a member that is a list of objects has one row per object (`dimensions.csv`:
//! one row per group); what is neither is written in its cell as JSON.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::{Object, ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::access::grants::GrantTerms;
use crate::figures::columns::{READING_COLUMNS, TARGET_COLUMNS};
use waymark_domain::benchmark::{Benchmark, ComparatorGroup};
use waymark_domain::dimension::Dimension;
use waymark_domain::document::Listed;
use waymark_domain::kpi::Kpi;
use waymark_domain::plan::{Organisation, OutcomeArea, Plan, Priority, SubGroup};
use waymark_domain::policy::Policy;
use waymark_domain::reading::ReportedFigure;
use waymark_domain::round::Round;
use waymark_domain::target::Target;
use waymark_exchange::headings::Headings;
use waymark_exchange::table::{ColumnType, Field};

/// How a member is written in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Words, to the letter.
    Words,
    /// A code, a name or a day: blanks around it mean nothing.
    Name,
    Number,
    Flag,
    /// Codes with blanks between them.
    Names,
    /// Numbers with blanks between them.
    Numbers,
    /// Anything else, as JSON.
    Json,
}

impl Shape {
    fn words(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Name => "a code, name or day",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Names => "codes, with blanks between them",
            Self::Numbers => "numbers, with blanks between them",
            Self::Json => "JSON",
        }
    }

    /// The member that a cell gives. What cannot be read as its shape stays words, for the document to refuse.
    fn read(self, text: &str) -> Value {
        let number = |text: &str| match serde_json::from_str(text) {
            Ok(Value::Number(number)) => Value::Number(number),
            _ => Value::from(text),
        };
        match self {
            Self::Words => text.into(),
            Self::Name => text.trim().into(),
            Self::Number => number(text.trim()),
            Self::Flag => match text.trim().to_lowercase().as_str() {
                "true" | "yes" => true.into(),
                "false" | "no" => false.into(),
                _ => text.into(),
            },
            Self::Names => text.split_whitespace().collect(),
            Self::Numbers => Value::Array(text.split_whitespace().map(number).collect()),
            Self::Json => serde_json::from_str(text).unwrap_or_else(|_no_json| text.into()),
        }
    }

    /// The cell of a member; `None` if it says nothing.
    fn write(self, member: &Value) -> Option<String> {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let text = match (self, member) {
            (_, Value::Null) => return None,
            (Self::Json, other) => other.to_string(),
            (_, Value::Array(items)) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
            (_, other) => plain(other),
        };
        Some(text).filter(|text| !text.is_empty())
    }
}

/// A column of a file in a folder.
#[derive(Clone, Debug)]
pub struct FolderColumn {
    /// Its heading.
    pub name: String,
    /// Whether its cells must be filled in: in every row, or in the first row of what has several.
    pub needed: bool,
    /// What its cells hold.
    pub holds: &'static str,
    /// What it means.
    pub about: String,
    /// Where the member is in the definition, or in the item that the row is.
    path: Vec<String>,
    in_item: bool,
    shape: Shape,
}

impl FolderColumn {
    /// Whether its cells hold the key of a period.
    pub fn holds_period(&self) -> bool {
        self.path.last().is_some_and(|member| member == "period")
    }
}

/// A file, or the files of a day, in a folder.
#[derive(Debug)]
pub struct FolderFile {
    /// Its name; `<day>` stands for a day such as 2009-07-30.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// Whether a folder must have it.
    pub needed: bool,
    /// Its columns.
    pub columns: Vec<FolderColumn>,
    /// The member of which each row holds one item.
    items: Option<String>,
    /// How many columns say what a row is about.
    keys: usize,
    known: &'static [&'static str],
    required: &'static [&'static str],
    numbers: &'static [&'static str],
    flags: &'static [&'static str],
}

/// A row of a file: its number, and its cells in the order of the file's columns.
#[derive(Clone, Debug)]
pub(crate) struct FolderRow {
    pub number: u64,
    pub cells: Vec<Option<String>>,
}

/// The rows of one definition, and the members that they give.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub rows: Vec<u64>,
    pub members: Map<String, Value>,
}

/// What a row says that its definition's first row says otherwise.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    pub row: u64,
    pub column: String,
    pub first: u64,
}

/// The schemas of a document's parts, by name.
type Parts = BTreeMap<String, Schema>;

fn resolved<'a>(schema: &'a RefOr<Schema>, parts: &'a Parts) -> Option<&'a Schema> {
    match schema {
        RefOr::T(schema) => Some(schema),
        RefOr::Ref(reference) => parts.get(reference.ref_location.rsplit('/').next()?),
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if types(object).is_empty())
}

/// The types of an object's schema, but for null.
fn types(object: &Object) -> Vec<Type> {
    let all = match &object.schema_type {
        SchemaType::Type(one) => vec![one.clone()],
        SchemaType::Array(several) => several.clone(),
        SchemaType::AnyValue => Vec::new(),
    };
    all.into_iter().filter(|one| *one != Type::Null).collect()
}

/// A property of a document as it is written in cells.
enum Property {
    Cell(Shape),
    /// An object: its parts, that which says what it is first.
    Object(Vec<(String, RefOr<Schema>)>),
    /// One of several objects, distinguished by their `kind`.
    Choice(Vec<(String, RefOr<Schema>)>),
    /// A list of objects.
    Items(Vec<(String, RefOr<Schema>)>),
}

fn parts_of(object: &Object) -> Vec<(String, RefOr<Schema>)> {
    let mut parts: Vec<_> = object.properties.iter().map(|(name, part)| (name.clone(), part.clone())).collect();
    parts.sort_by_key(|(name, _)| !matches!(name.as_str(), "code" | "kind"));
    parts
}

fn property(schema: &RefOr<Schema>, parts: &Parts) -> Property {
    match resolved(schema, parts) {
        Some(Schema::Object(object)) => match types(object).as_slice() {
            [Type::String] => {
                let is_name = object.enum_values.is_some() || object.pattern.is_some() || object.format.is_some();
                Property::Cell(if is_name { Shape::Name } else { Shape::Words })
            }
            [Type::Number | Type::Integer] => Property::Cell(Shape::Number),
            [Type::Boolean] => Property::Cell(Shape::Flag),
            [Type::Object] if !object.properties.is_empty() => Property::Object(parts_of(object)),
            _ => Property::Cell(Shape::Json),
        },
        Some(Schema::Array(list)) => {
            let utoipa::openapi::schema::ArrayItems::RefOrSchema(item) = &list.items else {
                return Property::Cell(Shape::Json);
            };
            match property(item, parts) {
                Property::Cell(Shape::Name) => Property::Cell(Shape::Names),
                Property::Cell(Shape::Number) => Property::Cell(Shape::Numbers),
                Property::Object(members) => Property::Items(members),
                _ => Property::Cell(Shape::Json),
            }
        }
        Some(Schema::OneOf(choice)) => {
            let others: Vec<_> = choice.items.iter().filter(|item| !is_null(item)).collect();
            if let [only] = others.as_slice() {
                return property(only, parts);
            }
            let (mut all, mut kinds): (Vec<(String, RefOr<Schema>)>, Vec<String>) = (Vec::new(), Vec::new());
            for other in others {
                let Property::Object(members) = property(other, parts) else { return Property::Cell(Shape::Json) };
                for (name, member) in members {
                    if name == "kind" {
                        kinds.push(allowed(&member, parts));
                    } else if !all.iter().any(|(known, _)| *known == name) {
                        all.push((name, member));
                    }
                }
            }
            if kinds.is_empty() {
                return Property::Cell(Shape::Json);
            }
            let about = choice.description.clone().unwrap_or_default();
            let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds)).description(Some(about));
            all.insert(0, ("kind".to_owned(), kind.into()));
            Property::Choice(all)
        }
        Some(Schema::AllOf(all)) => match all.items.as_slice() {
            [only] => property(only, parts),
            _ => Property::Cell(Shape::Json),
        },
        _ => Property::Cell(Shape::Json),
    }
}

/// What a document says of a member: at the member itself, at what it may be, or at its type.
fn description(schema: &RefOr<Schema>, parts: &Parts) -> String {
    let written = serde_json::to_value(schema).unwrap_or_default();
    let of_type = || match resolved(schema, parts) {
        Some(Schema::Object(object)) => object.description.clone(),
        _ => None,
    };
    let words = said(&written, "description").and_then(Value::as_str).map(str::to_owned).or_else(of_type);
    let words = words.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let choices = allowed(schema, parts);
    if choices.is_empty() { words } else { format!("{words} One of {choices}.").trim().to_owned() }
}

/// What a schema as it is written out says under a name, itself or in what it is put together from.
fn said<'a>(written: &'a Value, name: &str) -> Option<&'a Value> {
    let inner = ["oneOf", "allOf", "anyOf"].into_iter().filter_map(|kind| written.get(kind)?.as_array()).flatten();
    written.get(name).or_else(|| inner.into_iter().find_map(|part| said(part, name)))
}

fn is_read_only(schema: &RefOr<Schema>) -> bool {
    let written = serde_json::to_value(schema).unwrap_or_default();
    said(&written, "readOnly").and_then(Value::as_bool).unwrap_or(false)
}

/// The names that a cell may hold, if there are so many and no more.
fn allowed(schema: &RefOr<Schema>, parts: &Parts) -> String {
    match resolved(schema, parts) {
        Some(Schema::Object(object)) => {
            let names = object.enum_values.iter().flatten().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(", ")
        }
        Some(Schema::OneOf(choice)) => {
            let others: Vec<_> = choice.items.iter().filter(|item| !is_null(item)).collect();
            if let [only] = others.as_slice() { allowed(only, parts) } else { String::new() }
        }
        _ => String::new(),
    }
}

/// The members that no person writes.
const NOT_WRITTEN: &[&str] = &["predecessor"];

/// Gathers the columns of a document.
struct Gathered {
    parts: Parts,
    columns: Vec<FolderColumn>,
    items: Option<String>,
}

impl Gathered {
    fn of<D: Listed + ToSchema>() -> Self {
        let mut parts = Vec::new();
        D::schemas(&mut parts);
        let parts = parts.into_iter().filter_map(|(name, schema)| match schema {
            RefOr::T(schema) => Some((name, schema)),
            RefOr::Ref(_) => None,
        });
        let mut gathered = Self { parts: parts.collect(), columns: Vec::new(), items: None };
        let RefOr::T(Schema::Object(whole)) = <D as PartialSchema>::schema() else { return gathered };
        let required = D::required();
        for field in D::fields() {
            let Some(schema) = whole.properties.get(*field) else { continue };
            // What is never written by hand is no column.
            if is_read_only(schema) || NOT_WRITTEN.contains(field) {
                continue;
            }
            gathered.add((*field).to_owned(), vec![(*field).to_owned()], schema, required.contains(field), false);
        }
        gathered
    }

    fn add(&mut self, name: String, path: Vec<String>, schema: &RefOr<Schema>, needed: bool, in_item: bool) {
        let about = description(schema, &self.parts);
        let part = |part: &str| path.iter().cloned().chain([part.to_owned()]).collect::<Vec<_>>();
        match property(schema, &self.parts) {
            Property::Cell(shape) => {
                self.columns.push(FolderColumn { name, needed, holds: shape.words(), about, path, in_item, shape });
            }
            Property::Object(members) => {
                for (member, schema) in members {
                    self.add(format!("{name}_{member}"), part(&member), &schema, false, in_item);
                }
            }
            Property::Choice(members) => {
                for (member, schema) in members {
                    let column = if member == "kind" { name.clone() } else { format!("{name}_{member}") };
                    self.add(column, part(&member), &schema, false, in_item);
                }
            }
            Property::Items(members) if !in_item && self.items.is_none() => {
                let one = name.strip_suffix('s').unwrap_or(&name).to_owned();
                for (member, schema) in members {
                    let column = if member == "code" { one.clone() } else { format!("{one}_{member}") };
                    self.add(column, vec![member], &schema, false, true);
                }
                self.items = Some(name);
            }
            Property::Items(_) => {
                let (holds, shape) = (Shape::Json.words(), Shape::Json);
                self.columns.push(FolderColumn { name, needed, holds, about, path, in_item, shape });
            }
        }
    }
}

fn names_of(columns: &[FolderColumn], wanted: impl Fn(&FolderColumn) -> bool) -> &'static [&'static str] {
    // Made once for the life of the program.
    let names = columns.iter().filter(|column| wanted(column)).map(|column| &*column.name.clone().leak());
    names.collect::<Vec<_>>().leak()
}

impl FolderFile {
    fn new(name: &'static str, about: &'static str, gathered: Gathered, keys: usize) -> Self {
        let Gathered { columns, items, .. } = gathered;
        let keyed: Vec<String> = columns.iter().take(keys).map(|column| column.name.clone()).collect();
        Self {
            name,
            about,
            needed: false,
            items,
            keys,
            known: names_of(&columns, |_| true),
            required: names_of(&columns, |column| keyed.contains(&column.name)),
            numbers: names_of(&columns, |column| column.shape == Shape::Number),
            flags: names_of(&columns, |column| column.shape == Shape::Flag),
            columns,
        }
    }

    fn of<D: Listed + ToSchema>(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, Gathered::of::<D>(), 1)
    }

    /// The same, where each definition has several rows: the name of its code depends on what it is.
    fn of_several<D: Listed + ToSchema>(name: &'static str, about: &'static str, code: &str) -> Self {
        let mut gathered = Gathered::of::<D>();
        if let Some(first) = gathered.columns.first_mut() {
            code.clone_into(&mut first.name);
        }
        Self::new(name, about, gathered, 1)
    }

    /// The same with columns before it that say of what it is.
    fn beneath<D: Listed + ToSchema>(
        name: &'static str,
        about: &'static str,
        keys: &[(&'static str, &'static str)],
    ) -> Self {
        let mut gathered = Gathered::of::<D>();
        let keyed = keys.iter().map(|(key, about)| FolderColumn {
            name: (*key).to_owned(),
            needed: true,
            holds: Shape::Name.words(),
            about: (*about).to_owned(),
            path: vec![(*key).to_owned()],
            in_item: false,
            shape: Shape::Name,
        });
        gathered.columns.splice(0..0, keyed);
        Self::new(name, about, gathered, keys.len())
    }

    fn needed(self) -> Self {
        Self { needed: true, ..self }
    }

    /// The same with one more column of the service's own.
    fn with(mut self, name: &str, about: &str) -> Self {
        self.columns.push(FolderColumn {
            name: name.to_owned(),
            needed: false,
            holds: Shape::Flag.words(),
            about: about.to_owned(),
            path: vec![name.to_owned()],
            in_item: false,
            shape: Shape::Flag,
        });
        self.known = names_of(&self.columns, |_| true);
        self
    }

    /// The same with exactly these columns, in this order.
    fn exactly(mut self, names: &[&str]) -> Self {
        let taken = names.iter().filter_map(|name| self.columns.iter().find(|column| column.name == *name).cloned());
        self.columns = taken.collect();
        self.known = names_of(&self.columns, |_| true);
        self
    }

    /// The headings as a table is read by them.
    pub(crate) fn headings(&self) -> Headings {
        let (known, required, numbers, flags) = (self.known, self.required, self.numbers, self.flags);
        Headings { known, required, numbers, flags, ..Headings::default() }
    }

    /// The columns as a table is written with them.
    pub(crate) fn table(&self) -> Vec<Field> {
        let kind = |column: &FolderColumn| match column.shape {
            Shape::Number => ColumnType::Number,
            Shape::Flag => ColumnType::Boolean,
            _ => ColumnType::Text,
        };
        let fields = self.columns.iter().zip(self.known);
        fields.map(|(column, name)| Field { name, kind: kind(column), description: "" }).collect()
    }

    /// Whether a cell of this column is taken to the letter.
    pub(crate) fn is_words(&self, column: &str) -> bool {
        self.columns.iter().any(|known| known.name == column && known.shape == Shape::Words)
    }

    /// The definitions that rows make, in the order of the first row of each; and if a later row of one contradicts its
    /// first.
    pub(crate) fn entries(&self, rows: Vec<FolderRow>) -> (Vec<Entry>, Vec<Contradiction>) {
        let mut entries: Vec<Entry> = Vec::new();
        let mut firsts: Vec<FolderRow> = Vec::new();
        let mut contradictions = Vec::new();
        for row in rows {
            let key = row.cells.get(..self.keys);
            let known = firsts.iter().position(|first| self.items.is_some() && first.cells.get(..self.keys) == key);
            let (Some(first), Some(entry)) =
                (known.and_then(|place| firsts.get(place)), known.and_then(|place| entries.get_mut(place)))
            else {
                let (item, members) = (self.members(&row, true), self.members(&row, false));
                let mut entry = Entry { rows: vec![row.number], members };
                if let Some(items) = &self.items {
                    let listed: Vec<Value> = Some(Value::Object(item))
                        .filter(|item| *item != Value::Object(Map::new()))
                        .into_iter()
                        .collect();
                    entry.members.insert(items.clone(), listed.into());
                }
                entries.push(entry);
                firsts.push(row);
                continue;
            };
            for (column, (cell, said)) in self.columns.iter().zip(row.cells.iter().zip(&first.cells)) {
                if !column.in_item && cell.is_some() && cell != said {
                    let (column, first) = (column.name.clone(), first.number);
                    contradictions.push(Contradiction { row: row.number, column, first });
                }
            }
            entry.rows.push(row.number);
            let listed = self.items.as_ref().and_then(|items| entry.members.get_mut(items)?.as_array_mut());
            if let Some(listed) = listed {
                listed.push(Value::Object(self.members(&row, true)));
            }
        }
        (entries, contradictions)
    }

    /// The members that a row gives: one for each cell that is filled.
    fn members(&self, row: &FolderRow, in_item: bool) -> Map<String, Value> {
        let mut members = Map::new();
        for (column, cell) in self.columns.iter().zip(&row.cells) {
            if let Some(text) = cell.as_ref().filter(|_| column.in_item == in_item) {
                put(&mut members, &column.path, column.shape.read(text));
            }
        }
        members
    }

    /// The rows of a definition, each a list of cells in the order of the columns. What a cell cannot say is left out: compare
    /// [`FolderFile::read_back`].
    pub(crate) fn rows(&self, members: &Map<String, Value>) -> Vec<Vec<Option<String>>> {
        let items = self.items.as_ref().and_then(|items| members.get(items)).and_then(Value::as_array);
        let items: Vec<Option<&Value>> = match items {
            Some(items) if !items.is_empty() => items.iter().map(Some).collect(),
            _ => vec![None],
        };
        let whole = Value::Object(members.clone());
        let cell = |column: &FolderColumn, item: Option<&Value>| {
            let within = if column.in_item { item? } else { &whole };
            let member = column.path.iter().try_fold(within, |value, name| value.get(name))?;
            column.shape.write(member)
        };
        items.into_iter().map(|item| self.columns.iter().map(|column| cell(column, item)).collect()).collect()
    }

    /// The members that cells give when they are read again.
    pub(crate) fn read_back(&self, rows: Vec<Vec<Option<String>>>) -> Map<String, Value> {
        let rows = (2..).zip(rows).map(|(number, cells)| FolderRow { number, cells });
        let (entries, _) = self.entries(rows.collect());
        entries.into_iter().next().map(|entry| entry.members).unwrap_or_default()
    }

    /// The row and column where a member of an entry is, by its pointer in the definition.
    pub(crate) fn place(&self, entry: &Entry, pointer: &str) -> (u64, Option<String>) {
        let path: Vec<&str> = pointer.split('/').skip(1).collect();
        let first = entry.rows.first().copied().unwrap_or_default();
        let (row, path, in_item) = match (path.as_slice(), &self.items) {
            ([items, place, rest @ ..], Some(known)) if items == known => {
                let row = place.parse::<usize>().ok().and_then(|place| entry.rows.get(place).copied());
                (row.unwrap_or(first), rest, true)
            }
            (path, _) => (first, path, false),
        };
        let leads = |column: &&FolderColumn| {
            column.in_item == in_item && !path.is_empty() && path.iter().zip(&column.path).all(|(one, two)| one == two)
        };
        // Of several parts the one that is named, else the first: that which says what it is.
        let named = self.columns.iter().filter(leads).find(|column| column.path.len() <= path.len());
        let column = named.or_else(|| self.columns.iter().find(leads));
        (row, column.map(|column| column.name.clone()))
    }
}

/// Puts a member in its place.
fn put(members: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => drop(members.insert(name.clone(), value)),
        [name, rest @ ..] => {
            if let Some(inner) = members.entry(name.clone()).or_insert_with(|| json!({})).as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

/// The files of a folder, in the order they are read in.
#[derive(Debug)]
pub struct FolderFiles {
    pub(crate) plan: FolderFile,
    pub(crate) organisations: FolderFile,
    pub(crate) areas: FolderFile,
    pub(crate) sub_groups: FolderFile,
    pub(crate) priorities: FolderFile,
    pub(crate) policies: FolderFile,
    pub(crate) dimensions: FolderFile,
    pub(crate) kpis: FolderFile,
    pub(crate) rounds: FolderFile,
    pub(crate) comparators: FolderFile,
    pub(crate) benchmarks: FolderFile,
    pub(crate) grants: FolderFile,
    pub(crate) later_kpis: FolderFile,
    pub(crate) targets: FolderFile,
    pub(crate) readings: FolderFile,
}

/// The folder of what people did, a file a day.
pub(crate) const STORY: &str = "story";

/// The files of a folder.
pub static FILES: LazyLock<FolderFiles> = LazyLock::new(|| {
    let kpi = ("kpi", "The KPI's code.");
    let archived = "Whether the KPI is archived: it leaves lists and reports, and its figures stay.";
    FolderFiles {
        plan: FolderFile::of::<Plan>("plan.csv", "The plan: one row.").needed(),
        organisations: FolderFile::of::<Organisation>("organisations.csv", "One row per partner.").needed(),
        areas: FolderFile::of::<OutcomeArea>("outcome-areas.csv", "One row per heading of the plan.").needed(),
        sub_groups: FolderFile::of::<SubGroup>("sub-groups.csv", "One row per multi-agency group.").needed(),
        priorities: FolderFile::of::<Priority>("priorities.csv", "One row per priority.").needed(),
        policies: FolderFile::of_several::<Policy>(
            "policies.csv",
            "One row per band of a status policy, from best to worst. The shipped policies are there without it.",
            "policy",
        ),
        dimensions: FolderFile::of_several::<Dimension>(
            "dimensions.csv",
            "One row per group of a dimension.",
            "dimension",
        ),
        kpis: FolderFile::of::<Kpi>("kpis.csv", "One row per KPI.").with("archived", archived).needed(),
        rounds: FolderFile::of::<Round>("rounds.csv", "One row per collection round."),
        comparators: FolderFile::of_several::<ComparatorGroup>(
            "comparator-groups.csv",
            "One row per edition of a group of authorities that the plan compares itself with.",
            "comparator_group",
        ),
        benchmarks: FolderFile::beneath::<Benchmark>(
            "benchmarks.csv",
            "One row per authority's figure in a KPI and period.",
            &[kpi, ("period", "The period's key.")],
        ),
        grants: FolderFile::of::<GrantTerms>("grants.csv", "One row per role that somebody has in the plan."),
        later_kpis: FolderFile::of::<Kpi>(
            "kpis/<day>.csv",
            "One row per KPI whose definition changed on that day, as it was from then on; read before that day's targets and figures.",
        ),
        targets: FolderFile::beneath::<Target>(
            "targets/<day>.csv",
            "One row per target, as agreed or changed by that day.",
            &[kpi, ("period", "The period that it is for.")],
        )
        .exactly(&TARGET_COLUMNS),
        readings: FolderFile::beneath::<ReportedFigure>(
            "readings/<day>.csv",
            "One row per figure, as reported on that day.",
            &[
                kpi,
                ("period", "The period that it is of."),
                ("group", "The group that it is about; `all`, or nothing, for everyone."),
            ],
        )
        .exactly(&READING_COLUMNS)
        .optional_group(),
    }
});

impl FolderFile {
    /// The same, if the group may be left out.
    fn optional_group(mut self) -> Self {
        for column in self.columns.iter_mut().filter(|column| column.name == "group") {
            column.needed = false;
        }
        self
    }
}

impl FolderFiles {
    /// All of them.
    pub fn all(&self) -> [&FolderFile; 15] {
        [
            &self.plan,
            &self.organisations,
            &self.areas,
            &self.sub_groups,
            &self.priorities,
            &self.policies,
            &self.dimensions,
            &self.kpis,
            &self.rounds,
            &self.comparators,
            &self.benchmarks,
            &self.grants,
            &self.later_kpis,
            &self.targets,
            &self.readings,
        ]
    }

    /// What a person reads of the files and their columns, as Markdown.
    pub fn described(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for file in self.all() {
            let need = if file.needed { "" } else { " It may be left out." };
            // Writing to a String cannot fail.
            let _head = write!(
                text,
                "## {}\n\n{}{need}\n\n| column | holds | meaning |\n|---|---|---|\n",
                file.name, file.about
            );
            for column in &file.columns {
                let needed = if column.needed { " Must be given." } else { "" };
                let about = column.about.replace('|', "\\|");
                let _row = writeln!(text, "| `{}` | {} | {about}{needed} |", column.name, column.holds);
            }
            text.push('\n');
        }
        let _story = writeln!(
            text,
            "## {STORY}/<day>.json\n\nWhat people did on that day besides posting figures, in the order of the list; read only by \
             `waymark demo`, whose clock is set to its days. It may be left out."
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_member_has_a_column<D: Listed>(file: &FolderFile) {
        for field in D::fields().iter().filter(|field| !NOT_WRITTEN.contains(field)) {
            let is_item = file.items.as_deref() == Some(*field);
            let has_column = file.columns.iter().any(|column| column.path.first().is_some_and(|head| head == field));
            assert!(is_item || has_column, "{}: no column for `{field}`", file.name);
        }
        for column in &file.columns {
            assert!(!NOT_WRITTEN.contains(&column.name.as_str()), "{}: `{}`", file.name, column.name);
            assert!(!column.about.is_empty(), "{}: nothing is said of `{}`", file.name, column.name);
        }
        let mut names: Vec<&str> = file.columns.iter().map(|column| column.name.as_str()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|two| two[0] != two[1]), "{}: a column is there twice: {names:?}", file.name);
    }

    #[test]
    fn every_member_of_every_document_has_a_column_with_words() {
        every_member_has_a_column::<Plan>(&FILES.plan);
        every_member_has_a_column::<Organisation>(&FILES.organisations);
        every_member_has_a_column::<OutcomeArea>(&FILES.areas);
        every_member_has_a_column::<SubGroup>(&FILES.sub_groups);
        every_member_has_a_column::<Priority>(&FILES.priorities);
        every_member_has_a_column::<Policy>(&FILES.policies);
        every_member_has_a_column::<Dimension>(&FILES.dimensions);
        every_member_has_a_column::<Kpi>(&FILES.kpis);
        every_member_has_a_column::<Round>(&FILES.rounds);
        every_member_has_a_column::<ComparatorGroup>(&FILES.comparators);
        every_member_has_a_column::<Benchmark>(&FILES.benchmarks);
        every_member_has_a_column::<GrantTerms>(&FILES.grants);
        every_member_has_a_column::<Target>(&FILES.targets);
        every_member_has_a_column::<ReportedFigure>(&FILES.readings);
        let names = |file: &FolderFile| file.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&FILES.targets), *TARGET_COLUMNS);
        assert_eq!(names(&FILES.readings), *READING_COLUMNS);
    }

    #[test]
    fn members_come_back_from_cells_as_they_were() {
        let members = json!({
            "code": "NI-1", "title": "  blanks, \"quotes\" ", "priority": "a-1", "definition": "two\nlines", "unit": "count", "weights": [0.25, 0.75],
            "baseline": {"period": "FY2008-09", "value": -4.5}, "contributors": ["pct", "council"], "sensitive": true,
            "tolerance": {"kind": "points", "value": 2}, "formula": {"kind": "gap", "of": "NI-2", "group": "a", "comparator": "b"},
        });
        let members = members.as_object().unwrap().clone();
        assert_eq!(FILES.kpis.read_back(FILES.kpis.rows(&members)), members);
        let groups = json!({"code": "sex", "title": "Sex", "complete": true,
            "groups": [{"code": "girls", "title": "Girls"}, {"code": "boys", "title": "Boys"}]});
        let groups = groups.as_object().unwrap().clone();
        let rows = FILES.dimensions.rows(&groups);
        assert_eq!(rows.len(), 2);
        assert_eq!(FILES.dimensions.read_back(rows), groups);
        for policy in waymark_domain::policy::shipped() {
            use waymark_domain::document::Document;
            let back = Policy::parse(FILES.policies.read_back(FILES.policies.rows(&policy.members()))).unwrap();
            assert_eq!(back, policy);
        }
    }

    #[test]
    fn faults_stand_at_their_cells_and_rows_of_one_thing_agree() {
        let row = |number, cells: &[(&str, &str)]| FolderRow {
            number,
            cells: FILES
                .dimensions
                .columns
                .iter()
                .map(|column| cells.iter().find(|(name, _)| *name == column.name).map(|(_, text)| (*text).to_owned()))
                .collect(),
        };
        let rows = vec![
            row(2, &[("dimension", "sex"), ("title", "Sex"), ("group", "girls")]),
            row(3, &[("dimension", "sex"), ("title", "Other"), ("group", "boys")]),
            row(4, &[("dimension", "sex"), ("group", "x")]),
        ];
        let (entries, contradictions) = FILES.dimensions.entries(rows);
        assert_eq!(contradictions, [Contradiction { row: 3, column: "title".to_owned(), first: 2 }]);
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        let place = |pointer| FILES.dimensions.place(entry, pointer);
        assert_eq!(place("/groups/2/code"), (4, Some("group".to_owned())));
        assert_eq!(place("/groups/1/title"), (3, Some("group_title".to_owned())));
        assert_eq!(place("/title"), (2, Some("title".to_owned())));
        assert_eq!(place(""), (2, None));
        let kpi = Entry { rows: vec![7], members: Map::new() };
        assert_eq!(FILES.kpis.place(&kpi, "/baseline/value"), (7, Some("baseline_value".to_owned())));
        assert_eq!(FILES.kpis.place(&kpi, "/baseline"), (7, Some("baseline_period".to_owned())));
        assert_eq!(FILES.kpis.place(&kpi, "/formula/of"), (7, Some("formula_of".to_owned())));
        assert_eq!(FILES.kpis.place(&kpi, "/formula"), (7, Some("formula".to_owned())));
        assert_eq!(FILES.kpis.place(&kpi, "/contributors/3"), (7, Some("contributors".to_owned())));
    }
}
