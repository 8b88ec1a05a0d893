//! An Excel workbook's file: a ZIP archive of XML parts, each read event by event in memory that is bounded whatever was sent.
//! Nothing is inflated beyond the limits below, whatever the archive says of itself.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{ZipArchive, ZipWriter};

use crate::domain::invalid::Violation;

/// The most bytes that a workbook may have as it is sent.
pub const MOST_BYTES: u64 = 32 << 20;
/// The most bytes that the parts which are read at a time may have together once inflated.
const MOST_INFLATED: u64 = 256 << 20;
/// The most bytes that one piece of a part may have: a tag, or the words up to the next.
const MOST_PIECE: usize = 4 << 20;
/// The most bytes of the words in a cell as they are saved: Excel keeps 32,767 characters.
pub(super) const MOST_IN_CELL: usize = 256 << 10;
/// The most bytes of the name of an element, and of what is said of one and wanted here.
const MOST_NAME: usize = 256;
const MOST_ATTRIBUTE: usize = 4 << 10;
/// How deeply elements may be nested.
const DEEPEST: usize = 64;
/// The one element that may be without an end.
const LINE_BREAK: &str = "br";
/// The most parts of the archive.
const MOST_PARTS: u16 = 10_000;
/// The most sheets of a workbook.
pub(super) const MOST_SHEETS: usize = 255;

/// The kinds of what is referred to that are of concern here, and what the ids begin with that are given here.
const KINDS: [&str; 6] = ["officeDocument", "worksheet", "sharedStrings", "styles", "comments", "vmlDrawing"];
pub(super) const OURS: &str = "mistake";

/// The part that states of what kind each part is.
pub(super) const CONTENT_TYPES: &str = "[Content_Types].xml";

/// What to do with a workbook that is of another kind.
pub(super) const SAVE_AS_XLSX: &str = "save it as an Excel workbook (.xlsx) and send that";

/// Why a workbook cannot be read.
#[derive(Debug)]
pub enum WorkbookFault {
    /// It is something else: what it is, and what to do.
    OtherFormat(String),
    /// It is larger than is read.
    TooLarge(String),
    /// Something in it is wrong.
    Wrong(Box<Violation>),
    /// The file could not be read from the disk.
    Disk(io::Error),
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A ZIP archive, as a workbook is.
    Zip,
    /// What Excel wrote until 2003, and writes around a workbook with a password.
    Compound,
    /// Neither.
    Other,
}

impl Looks {
    /// Looks at a file's first bytes, and goes back to its beginning.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of(mut file: &File) -> io::Result<Self> {
        let mut first = Vec::new();
        file.rewind()?;
        file.take(8).read_to_end(&mut first)?;
        file.rewind()?;
        Ok(if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
            Self::Zip
        } else if first == [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1] {
            Self::Compound
        } else {
            Self::Other
        })
    }
}

pub(super) fn wrong(row: u64, code: &'static str, detail: impl Into<String>) -> WorkbookFault {
    WorkbookFault::Wrong(Box::new(Violation::in_cell(row, None, code, detail)))
}

pub(super) fn broken(what: &str) -> WorkbookFault {
    let detail = format!("the workbook is damaged ({what}); open it, save it again and send that");
    wrong(1, "unreadable_workbook", detail)
}

pub(super) fn too_long_a_cell() -> WorkbookFault {
    too_large("holds more text in a cell than Excel allows")
}

pub(super) fn too_large(what: &str) -> WorkbookFault {
    WorkbookFault::TooLarge(format!("The workbook {what}; send less of it, or the table as CSV."))
}

/// The parts of a workbook, and how much may still be inflated.
pub(super) struct Package<'f> {
    zip: ZipArchive<&'f File>,
    left: Rc<Cell<u64>>,
}

/// What a workbook says of itself.
pub(super) struct Outline {
    /// The part that says so.
    pub main: String,
    pub sheets: Vec<SheetPart>,
    pub strings: Option<String>,
    pub styles: Option<String>,
    pub from_1904: bool,
    /// Whether it asks the program that opens it to work its formulas out again: the values saved with them may be
    /// wrong.
    pub to_work_out: bool,
}

pub(super) struct SheetPart {
    pub name: String,
    pub path: String,
    pub hidden: bool,
}

/// Refuses an archive that has, or only says that it has, very many parts. The program that opens it makes room for as
/// many as it says, and then keeps all that it finds, so this is looked at before.
fn check_directory(mut file: &File) -> Result<(), WorkbookFault> {
    // The record that says it is at the end, before a comment of at most 64 KiB, where others like it may hide.
    let length = file.seek(SeekFrom::End(0)).map_err(WorkbookFault::Disk)?;
    file.seek(SeekFrom::Start(length.saturating_sub(66 << 10))).map_err(WorkbookFault::Disk)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(WorkbookFault::Disk)?;
    file.rewind().map_err(WorkbookFault::Disk)?;
    let count = |record: &[u8], at: usize| Some(u16::from_le_bytes(record.get(at..at + 2)?.try_into().ok()?));
    let length = |record: &[u8], at: usize| Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?));
    for (at, _) in tail.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x05\x06") {
        let record = tail.get(at..).unwrap_or_default();
        let many = [8, 10].into_iter().filter_map(|at| count(record, at)).any(|parts| parts > MOST_PARTS);
        // Then it is stated elsewhere, as in archives of more than 4 GiB.
        let told_elsewhere = [12, 16].into_iter().filter_map(|at| length(record, at)).any(|length| length == u32::MAX);
        if many || told_elsewhere {
            return Err(too_many_parts());
        }
    }
    Ok(())
}

fn too_many_parts() -> WorkbookFault {
    too_large("has more parts than are looked at")
}

impl<'f> Package<'f> {
    pub(super) fn open(file: &'f File) -> Result<Self, WorkbookFault> {
        check_directory(file)?;
        let zip = ZipArchive::new(file).map_err(|_error| broken("it is cut off, or no archive"))?;
        let package = Self { zip, left: Rc::new(Cell::new(MOST_INFLATED)) };
        package.check_kind()?;
        Ok(package)
    }

    /// Distinguishes a workbook from what only looks like one.
    fn check_kind(&self) -> Result<(), WorkbookFault> {
        let other = |what: &str| Err(WorkbookFault::OtherFormat(format!("The body is {what}; {SAVE_AS_XLSX}.")));
        let has = |name: &str| self.zip.file_names_raw().any(|known| known.eq_ignore_ascii_case(name.as_bytes()));
        if self.zip.file_names_raw().any(|name| name.to_ascii_lowercase().ends_with(b"vbaproject.bin")) {
            return other("a workbook with macros (.xlsm)");
        }
        if has("xl/workbook.bin") {
            return other("a binary workbook (.xlsb)");
        }
        if has("mimetype") && has("content.xml") {
            return other("an OpenDocument spreadsheet (.ods)");
        }
        if !has(CONTENT_TYPES) {
            return other("a ZIP archive that is no workbook");
        }
        Ok(())
    }

    /// The names of all parts, in their order.
    ///
    /// # Errors
    /// If one is no text, or they say that they have more bytes together than there are: one overlaps another.
    pub(super) fn names(&mut self) -> Result<Vec<String>, WorkbookFault> {
        let names = self.zip.file_names_raw().map(|name| String::from_utf8(name.to_vec()));
        let names: Result<Vec<_>, _> = names.collect();
        let mut bytes = 0_u64;
        for index in 0..self.zip.len() {
            let part = self.zip.by_index_raw(index).map_err(|_error| broken("a part of it cannot be opened"))?;
            bytes = bytes.saturating_add(part.compressed_size());
        }
        if bytes > MOST_BYTES {
            return Err(broken("its parts overlap"));
        }
        names.map_err(|_error| broken("the name of a part is no text"))
    }

    /// Copies a part as it is, byte for byte.
    pub(super) fn copy<W: Write + Seek>(&mut self, index: usize, out: &mut ZipWriter<W>) -> Result<(), ZipError> {
        out.raw_copy_file(self.zip.by_index_raw(index)?)
    }

    /// Opens a part; `None` if there is not one of this name.
    pub(super) fn part(&mut self, path: &str) -> Result<Option<Part<'_, 'f>>, WorkbookFault> {
        let names = self.zip.file_names_raw();
        let Some(index) = names.into_iter().position(|name| name.eq_ignore_ascii_case(path.as_bytes())) else {
            return Ok(None);
        };
        let file = self.zip.by_index(index).map_err(|_error| broken("a part of it cannot be opened"))?;
        if file.size() > self.left.get() {
            return Err(too_large("inflates to more than 256 MiB"));
        }
        let input = BufReader::new(Rationed { file, left: Rc::clone(&self.left) });
        let mut xml = Reader::from_reader(Pieces { input, left: MOST_PIECE });
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        Ok(Some(Part { xml, buffer: Vec::new(), depth: 0 }))
    }

    pub(super) fn needed(&mut self, path: &str) -> Result<Part<'_, 'f>, WorkbookFault> {
        self.part(path)?.ok_or_else(|| broken("a part of it is missing"))
    }

    /// What a part refers to that is of concern here, by the names that it gives it: the kind and the path of each. Of pictures,
    /// and of links, there may be any number.
    pub(super) fn relations(&mut self, of: &str) -> Result<HashMap<String, (String, String)>, WorkbookFault> {
        let folder = of.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut relations = HashMap::new();
        let Some(mut part) = self.part(&relations_path(of))? else { return Ok(relations) };
        loop {
            match part.next()? {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    let (id, kind) = (attribute(&element, "Id")?, attribute(&element, "Type")?);
                    if let (Some(id), Some(kind), Some(target)) = (id, kind, attribute(&element, "Target")?) {
                        let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                        if KINDS.contains(&kind.as_str()) || id.starts_with(OURS) {
                            relations.insert(id, (kind, resolved(folder, &target)));
                        }
                    }
                    if relations.len() > 4 * MOST_SHEETS {
                        return Err(too_many_parts());
                    }
                }
                Event::Eof => return Ok(relations),
                _ => {}
            }
        }
    }

    pub(super) fn outline(&mut self) -> Result<Outline, WorkbookFault> {
        let main = self.relations("")?.into_values().find(|(kind, _)| kind == "officeDocument");
        let (_, main) = main.ok_or_else(|| broken("it does not say where its sheets are"))?;
        let relations = self.relations(&main)?;
        let path_of = |wanted: &str| {
            let mut paths = relations.values().filter(|(kind, _)| kind == wanted).map(|(_, path)| path.clone());
            paths.next()
        };
        let (strings, styles) = (path_of("sharedStrings"), path_of("styles"));
        let mut part = self.needed(&main)?;
        let mut outline =
            Outline { main: String::new(), sheets: Vec::new(), strings, styles, from_1904: false, to_work_out: false };
        let mut count = 0;
        loop {
            match part.next()? {
                Event::Start(element) if element.local_name().as_ref() == "workbookPr" => {
                    let date_1904 = attribute(&element, "date1904")?;
                    outline.from_1904 = matches!(date_1904.as_deref(), Some("1" | "true"));
                }
                Event::Start(element) if element.local_name().as_ref() == "calcPr" => {
                    let is = |name: &str, values: [&str; 2]| {
                        attribute(&element, name)
                            .map(|value| value.is_some_and(|value| values.contains(&value.as_str())))
                    };
                    outline.to_work_out = is("fullCalcOnLoad", ["1", "true"])?
                        || is("forceFullCalc", ["1", "true"])?
                        || is("calcCompleted", ["0", "false"])?;
                }
                Event::Start(element) if element.local_name().as_ref() == "sheet" => {
                    let name = attribute(&element, "name")?.unwrap_or_default();
                    let id = attribute(&element, "id")?.unwrap_or_default();
                    let hidden = matches!(attribute(&element, "state")?.as_deref(), Some("hidden" | "veryHidden"));
                    count += 1;
                    // Sheets of charts and other things hold no cells.
                    if let Some((_, path)) = relations.get(&id).filter(|(kind, _)| kind == "worksheet") {
                        outline.sheets.push(SheetPart { name, path: path.clone(), hidden });
                    }
                    if count > MOST_SHEETS {
                        return Err(too_large("has more than 255 sheets"));
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        drop(part);
        Ok(Outline { main, ..outline })
    }
}

/// A part of a workbook, read event by event.
pub(super) struct Part<'z, 'f> {
    xml: Reader<Pieces<BufReader<Rationed<ZipFile<'z, &'f File>>>>>,
    /// The piece being read; it never grows far beyond the largest.
    buffer: Vec<u8>,
    /// In how many elements the next piece is: the reader keeps the name of each.
    depth: usize,
}

impl Part<'_, '_> {
    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Event<'_>, WorkbookFault> {
        self.next_at().map(|(_depth, event)| event)
    }

    /// The next piece, and how deep it is: of the outermost element the beginning and the end are at 1.
    pub(super) fn next_at(&mut self) -> Result<(usize, Event<'_>), WorkbookFault> {
        self.buffer.clear();
        self.xml.get_mut().left = MOST_PIECE;
        let read = self.xml.read_event_into(&mut self.buffer);
        let mut depth = self.depth;
        match &read {
            Ok(Event::Start(element)) if element.name().as_ref().len() > MOST_NAME => {
                return Err(broken("something in it has too long a name"));
            }
            // A drawing may hold the words of a button in HTML, where such a line break does not end.
            Ok(Event::Start(element)) if element.name().as_ref() == LINE_BREAK => depth += 1,
            Ok(Event::End(element)) if element.name().as_ref() == LINE_BREAK => depth += 1,
            Ok(Event::Start(_)) => {
                self.depth += 1;
                depth = self.depth;
            }
            Ok(Event::End(_)) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > DEEPEST {
            return Err(broken("its contents are nested too deeply"));
        }
        match read {
            // What a document type declares can grow without end when it is expanded. No program writes one here.
            Ok(Event::DocType(_)) => Err(broken("it declares a document type")),
            Ok(Event::Eof) if self.depth > 0 => Err(broken("a part of it is cut off")),
            Ok(event) => Ok((depth, event)),
            Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(too_large("inflates to more than 256 MiB"))
            }
            Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::QuotaExceeded => {
                Err(too_large("holds a piece of more than 4 MiB"))
            }
            Err(_) => Err(broken("a part of it is cut off, or is not well-formed")),
        }
    }

    /// Adds the words up to the end of an element.
    pub(super) fn text(&mut self, until: &str, text: &mut String) -> Result<(), WorkbookFault> {
        loop {
            match self.next()? {
                Event::Text(words) => text.push_str(&words.xml10_content()),
                Event::CData(words) => text.push_str(&words.xml10_content()),
                Event::GeneralRef(reference) => match resolve_xml_entity(reference.as_ref()) {
                    Some(known) => text.push_str(known),
                    None => match reference.resolve_char_ref() {
                        Ok(Some(char)) => text.push(char),
                        _ => return Err(broken("it refers to what it does not hold")),
                    },
                },
                Event::End(element) if element.local_name().as_ref() == until => return Ok(()),
                Event::Eof => return Err(broken("a part of it is cut off")),
                _ => {}
            }
            if text.len() > MOST_IN_CELL {
                return Err(too_long_a_cell());
            }
        }
    }
}

/// Where it is stated what a part refers to.
pub(super) fn relations_path(of: &str) -> String {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}_rels/{name}.rels")
}

/// A part's path, as written within a folder.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// The value of an attribute, whatever namespace its name is in.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, WorkbookFault> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_error| broken("a part of it is not well-formed"))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_error| broken("a part of it is not well-formed"))?;
            if value.len() > MOST_ATTRIBUTE {
                return Err(broken("a text in it is too long"));
            }
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// A part's bytes, handed out only while what may be inflated lasts, whatever the archive says of its size.
struct Rationed<R> {
    file: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let left = self.left.get().checked_sub(u64::try_from(count).unwrap_or(u64::MAX));
        self.left.set(left.ok_or(io::ErrorKind::FileTooLarge)?);
        Ok(count)
    }
}

/// Input that is handed out only until the ration of one piece is used up: the reader of XML puts a piece into memory as a
/// whole, however long it is.
struct Pieces<R> {
    input: R,
    /// How much more the piece being read may have.
    left: usize,
}

impl<R: Read> Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl<R: BufRead> BufRead for Pieces<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 { Err(io::ErrorKind::QuotaExceeded.into()) } else { self.input.fill_buf() }
    }

    /// Counts what the reader took, and not what was read ahead.
    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.input.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_from_where_they_are_named() {
        assert_eq!(resolved("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolved("xl", "/xl/worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolved("xl/a", "../b.xml"), "xl/b.xml");
        assert_eq!(resolved("", "xl/workbook.xml"), "xl/workbook.xml");
    }
}
