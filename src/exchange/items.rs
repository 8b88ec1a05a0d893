//! A table sent as JSON: `{"items": [{"kpi": "NI-117", …}]}`, each item a row whose members are named as the columns.
//!
//! [`Items::read`] goes through the body once, in memory that one item bounds, and puts each item away as a line of a file,
//! with what is wrong with its shape. From there it is gone through as often as a CSV file is.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::error::Category;

use super::headings::Headings;
use crate::domain::document::escape;
use crate::domain::invalid::Violation;
use crate::domain::wording::nearest;
use crate::domain::wording::{json_fault, shown};

/// The most bytes of one item, and of one member of the body beside the items.
const MOST_ITEM_BYTES: usize = 1 << 20;
/// How much that is wrong with the shape of one item is reported.
const MOST_TOLD: usize = 100;
/// As what the JSON library hands over a number of which no digit may be lost.
const NUMBER: &str = "$serde_json::private::Number";

/// A body that was gone through.
#[derive(Debug)]
pub struct Items {
    lines: File,
    faults: Vec<Violation>,
}

/// Why a body cannot be gone through.
#[derive(Debug)]
pub enum Unread {
    /// It is no JSON; what and where.
    NotJson(String),
    /// The disk.
    Disk(io::Error),
}

/// An item as it is put away.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Item {
    /// The text of each known column, as a CSV file would have it: empty for `null`, and none if the member is absent.
    pub(super) cells: Vec<Option<String>>,
    pub(super) faults: Vec<ItemFault>,
    /// Whether nothing could be read behind it.
    pub(super) last: bool,
}

/// What is wrong with an item's shape.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ItemFault {
    /// Which member; none if it is the item itself.
    pub(super) member: Option<String>,
    pub(super) kind: ItemFaultKind,
    pub(super) detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ItemFaultKind {
    Unknown,
    Twice,
    WrongType,
    TooLong,
}

impl ItemFault {
    /// The fault in the item at a place, from 0.
    pub(super) fn violation(&self, place: u64) -> Violation {
        let code = match self.kind {
            ItemFaultKind::Unknown => "unknown_member",
            ItemFaultKind::Twice => "duplicate_key",
            ItemFaultKind::WrongType => "wrong_type",
            ItemFaultKind::TooLong => "item_too_long",
        };
        let member = self.member.as_deref().map(|member| format!("/{}", escape(member))).unwrap_or_default();
        Violation {
            row: Some(place),
            column: self.member.clone(),
            ..Violation::at(format!("/items/{place}{member}"), code, self.detail.clone())
        }
    }
}

impl Items {
    /// Goes through a body from its beginning.
    ///
    /// # Errors
    /// [`Unread`]; whatever else is wrong is reported with the rows.
    pub fn read(mut file: &File, headings: Headings) -> Result<Self, Unread> {
        file.rewind().map_err(Unread::Disk)?;
        let left = Rc::new(Cell::new(MOST_ITEM_BYTES));
        let input = Rationed { input: BufReader::new(file), left: Rc::clone(&left) };
        let out = BufWriter::new(tempfile::tempfile().map_err(Unread::Disk)?);
        let mut sink = Sink { headings, left, out, place: None, found: false, faults: Vec::new(), disk: None };
        let mut json = serde_json::Deserializer::from_reader(input);
        let read = Body(&mut sink).deserialize(&mut json).and_then(|()| json.end());
        if let Some(error) = sink.disk.take() {
            return Err(Unread::Disk(error));
        }
        match read {
            Ok(()) if sink.found => {}
            Ok(()) => {
                sink.faults.push(Violation::at(
                    "/items",
                    "missing_field",
                    "`items` must be given: the rows, in a list",
                ));
            }
            Err(error) => match (error.classify(), error.io_error_kind()) {
                (Category::Io, Some(io::ErrorKind::FileTooLarge)) => {
                    let detail = "no item may be longer than 1 MiB".to_owned();
                    match sink.place {
                        Some(_) => {
                            let fault = ItemFault { member: None, kind: ItemFaultKind::TooLong, detail };
                            let item = Item { faults: vec![fault], last: true, ..Item::default() };
                            sink.put(&item).map_err(Unread::Disk)?;
                        }
                        None => sink.faults.push(Violation::at(
                            "",
                            "body_too_long",
                            "only `items` may be longer than 1 MiB",
                        )),
                    }
                }
                (Category::Io, _) => return Err(Unread::Disk(error.into())),
                (Category::Data, _) => {
                    let (pointer, wanted) =
                        if sink.found { ("/items", "a list") } else { ("", "an object with the member `items`") };
                    sink.faults.push(Violation::at(
                        pointer,
                        "wrong_type",
                        format!("{wanted} is wanted here: {}", json_fault(&error)),
                    ));
                }
                (Category::Eof, _) => {
                    return Err(Unread::NotJson(format!(
                        "The body ends before its JSON does, at line {}.",
                        error.line()
                    )));
                }
                (Category::Syntax, _) => {
                    return Err(Unread::NotJson(format!("The body is not JSON: {}.", json_fault(&error))));
                }
            },
        }
        let lines = sink.out.into_inner().map_err(|error| Unread::Disk(error.into_error()))?;
        Ok(Self { lines, faults: sink.faults })
    }

    /// What is wrong with the body beside its items.
    pub fn faults(&self) -> &[Violation] {
        &self.faults
    }

    /// The items from the first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn rows(&self) -> io::Result<ItemRows<BufReader<&File>>> {
        let mut lines = &self.lines;
        lines.rewind()?;
        Ok(ItemRows { lines: BufReader::new(lines), next: 0, item: Item::default() })
    }

    /// The same items once more.
    ///
    /// # Errors
    /// If the file cannot be opened again.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Self { lines: self.lines.try_clone()?, faults: self.faults.clone() })
    }
}

/// The items being gone through.
pub(super) struct ItemRows<R> {
    lines: R,
    next: u64,
    pub(super) item: Item,
}

impl<R: BufRead> ItemRows<R> {
    /// Goes on to the next item, and gives its place, from 0; `None` behind the last.
    pub(super) fn advance(&mut self) -> Option<io::Result<u64>> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
        match serde_json::from_str(&line) {
            Ok(item) => self.item = item,
            Err(error) => return Some(Err(error.into())),
        }
        self.next += 1;
        Some(Ok(self.next - 1))
    }
}

/// Input that is handed out only while the ration lasts: one long text must not fill the memory.
struct Rationed<R> {
    input: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let left = self.left.get().checked_sub(count);
        self.left.set(left.ok_or(io::ErrorKind::FileTooLarge)?);
        Ok(count)
    }
}

/// Where items go.
struct Sink {
    headings: Headings,
    left: Rc<Cell<usize>>,
    out: BufWriter<File>,
    /// The place of the item being read.
    place: Option<u64>,
    /// Whether the items were come upon.
    found: bool,
    faults: Vec<Violation>,
    disk: Option<io::Error>,
}

impl Sink {
    fn put(&mut self, item: &Item) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, item)?;
        self.out.write_all(b"\n")
    }
}

/// The body as a whole.
struct Body<'a>(&'a mut Sink);

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            self.0.left.set(MOST_ITEM_BYTES);
            let first = !self.0.found;
            if name == "items" && first {
                self.0.found = true;
                members.next_value_seed(List(&mut *self.0))?;
                self.0.place = None;
                continue;
            }
            members.next_value::<IgnoredAny>()?;
            if self.0.faults.len() < MOST_TOLD {
                let pointer = format!("/{}", escape(&name));
                self.0.faults.push(if name == "items" {
                    Violation::at(pointer, "duplicate_key", "`items` is given twice; give it once")
                } else {
                    Violation::at(
                        pointer,
                        "unknown_member",
                        format!("`{}` is not a member here; the rows are in `items`", shown(&name)),
                    )
                });
            }
        }
        Ok(())
    }
}

/// The list of items.
struct List<'a>(&'a mut Sink);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for place in 0.. {
            self.0.place = Some(place);
            self.0.left.set(MOST_ITEM_BYTES);
            let Some(item) = items.next_element_seed(OneItem(self.0.headings))? else { break };
            if let Err(error) = self.0.put(&item) {
                self.0.disk = Some(error);
                return Err(A::Error::custom("an item cannot be put away"));
            }
        }
        Ok(())
    }
}

/// One item, whatever it is.
struct OneItem(Headings);

impl<'de> DeserializeSeed<'de> for OneItem {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn no_object(what: &str) -> Item {
    let detail = format!("an item is an object whose members are the columns, and this is {what}");
    let fault = ItemFault { member: None, kind: ItemFaultKind::WrongType, detail };
    Item { faults: vec![fault], ..Item::default() }
}

impl<'de> Visitor<'de> for OneItem {
    type Value = Item;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an item")
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(no_object("null"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Item, E> {
        Ok(no_object("true or false"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Item, E> {
        Ok(no_object("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Item, E> {
        Ok(no_object("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Item, E> {
        Ok(no_object("a number"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Item, E> {
        Ok(no_object("a text"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(no_object("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Item, A::Error> {
        let known = self.0.known;
        let mut item = Item { cells: vec![None; known.len()], ..Item::default() };
        let mut seen = vec![false; known.len()];
        while let Some(name) = members.next_key::<String>()? {
            if name == NUMBER {
                members.next_value::<IgnoredAny>()?;
                return Ok(no_object("a number"));
            }
            let value: Value = members.next_value()?;
            let read = match known.iter().position(|column| *column == name) {
                None => {
                    let hint = nearest(&name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
                    let hint = hint.unwrap_or_else(|| format!("; the members are {}", known.join(", ")));
                    Err((ItemFaultKind::Unknown, format!("there is no such member here{hint}")))
                }
                Some(place) if seen.get(place) == Some(&true) => {
                    Err((ItemFaultKind::Twice, format!("`{name}` is given twice; give it once")))
                }
                Some(place) => {
                    seen.iter_mut().skip(place).take(1).for_each(|seen| *seen = true);
                    self.0.text_of(&name, value).map(|text| (place, text))
                }
            };
            match read {
                Ok((place, text)) => item.cells.iter_mut().skip(place).take(1).for_each(|cell| cell.clone_from(&text)),
                Err((kind, detail)) if item.faults.len() < MOST_TOLD => {
                    item.faults.push(ItemFault { member: Some(name), kind, detail });
                }
                Err(_) => {}
            }
        }
        Ok(item)
    }
}

impl Headings {
    /// What a CSV file would have for a value.
    fn text_of(&self, name: &str, value: Value) -> Result<Option<String>, (ItemFaultKind, String)> {
        let (is_number, is_flag) = (self.numbers.contains(&name), self.flags.contains(&name));
        let is_list = self.lists.contains(&name);
        let found = match value {
            Value::Null => return Ok(Some(String::new())),
            Value::Number(number) if is_number => return Ok(Some(number.to_string())),
            Value::Bool(flag) if is_flag => return Ok(Some(flag.to_string())),
            Value::String(text) if !is_number && !is_flag => return Ok(Some(text)),
            Value::Array(items) if is_list && items.iter().all(Value::is_string) => {
                let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                return Ok(Some(texts.join(" ")));
            }
            Value::Number(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let wanted = match (is_number, is_flag) {
            (true, _) => "a number, such as 4.5",
            (_, true) => "true or false",
            _ if is_list => "a list of texts",
            _ => "a text",
        };
        Err((ItemFaultKind::WrongType, format!("`{name}` must be {wanted}, and is {found}")))
    }
}
