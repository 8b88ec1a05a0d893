//! A sender's own workbook with its mistakes and warnings marked in it: each wrong cell red, each that should be looked at amber,
//! the first 2,000 with a comment that says what to do, and a sheet that lists them all, mistakes and warnings apart.
//!
//! All else comes back as it was sent. What is not about marks is copied byte for byte, what is written again goes
//! through piece by piece, in memory that is bounded whatever was sent. The colour is a conditional format, and what we
//! say in a comment is between marks of ours: so it is distinguished from what people put there, and what was marked in
//! the table's sheet at an earlier time goes when a workbook that was corrected is sent again.
//!
//! A CSV file, and a workbook that is built in a way that cannot be marked, comes back as a plain workbook of its cells.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};

use chrono::{DateTime, Utc};
use quick_xml::escape::{escape, partial_escape};
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::writer::Writer;
use serde::Deserialize;
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use super::cells::{COLUMNS, Cells, LAST_ROW, name_of, place_of};
use super::mistakes_sheet::{LIST_COLUMNS, LIST_HEADER, LIST_SHEET, LIST_TITLE, Origin};
use super::package::{
    CONTENT_TYPES, MOST_SHEETS, OURS, Outline, Package, Part, WorkbookFault, attribute, relations_path,
};
use super::sheet::Upload;
use super::spreadsheet::{self, MOST_IN_CELL, clipped};

/// The most rows of a table that is copied to be marked, the most cells, and the most bytes of its words.
const MOST_COPIED_ROWS: usize = 50_000;
const MOST_COPIED_CELLS: usize = 500_000;
const MOST_COPIED_TEXT: usize = 16 << 20;
/// The most mistakes that are listed, and the most cells that have a comment.
const MOST_LISTED: usize = 10_000;
const MOST_NOTED: usize = 2_000;
/// The most characters of a comment.
const MOST_IN_NOTE: usize = 2_000;
/// The most comments that a sheet may have already, the most bytes of all of them together, and of one element that is looked
/// at as a whole.
const MOST_COMMENTS: usize = 50_000;
const MOST_COMMENT_BYTES: usize = 16 << 20;
const MOST_WHOLE: usize = 1 << 20;
/// The most that a sheet's number may be.
const MOST_SHEET_NUMBER: u32 = 65_534;
/// How many cells one conditional format is for: Excel reads no list of cells that is very long.
const CELLS_A_FORMAT: usize = 400;

/// Whose comments ours are, what they begin with, and what is around them: a space without width, which nobody types.
const AUTHOR: &str = "Waymark";
const SPEAKER: &str = "Waymark found:";
const AROUND: char = '\u{200b}';
/// What the ids of the boxes of comments begin with, and the id of what all of them are.
const SHAPE: &str = "_x0000_s";
const SHAPE_KIND: &str = "_x0000_t202";
/// What a conditional format of ours says, which is always so.
const COLOURED_WHERE: &str = "marked by Waymark";
/// What is above the warnings in the list, and what a comment about one begins with.
const WARNINGS_TITLE: &str = "Warnings: accepted, to be checked";
const WARNING: &str = "Warning: ";

/// The namespaces of what is written.
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE_RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const DRAWING_TYPE: &str = "application/vnd.openxmlformats-officedocument.vmlDrawing";
/// The namespaces of drawings: of shapes, of what Office says of them, and of what Excel does.
const SHAPES: &str = "urn:schemas-microsoft-com:vml";
const OFFICE: &str = "urn:schemas-microsoft-com:office:office";
const EXCEL: &str = "urn:schemas-microsoft-com:office:excel";

/// In what order the parts of a sheet come, from the first that marks come before.
const SHEET_ORDER: [&str; 24] = [
    "conditionalFormatting",
    "dataValidations",
    "hyperlinks",
    "printOptions",
    "pageMargins",
    "pageSetup",
    "headerFooter",
    "rowBreaks",
    "colBreaks",
    "customProperties",
    "cellWatches",
    "ignoredErrors",
    "smartTags",
    "drawing",
    "legacyDrawing",
    "legacyDrawingHF",
    "drawingHF",
    "picture",
    "oleObjects",
    "controls",
    "webPublishItems",
    "tableParts",
    "extLst",
    "AlternateContent",
];

/// A mistake in a table that was sent, or something in it that should be looked at.
#[derive(Clone, Debug, Deserialize)]
pub struct Finding {
    /// The row, from 1; `None` for what is not about one.
    pub row: Option<u64>,
    /// The column's heading.
    pub column: Option<String>,
    /// The cell, such as `D7`.
    pub cell: Option<String>,
    /// What is wrong and what to do.
    pub detail: String,
    /// Its stable name.
    pub code: String,
}

impl Finding {
    /// The row where it is marked: the first for what is not about one.
    fn row(&self) -> u64 {
        self.row.unwrap_or(1)
    }

    /// The cell where it is marked: in column A if the whole row is to blame.
    fn marked_at(&self) -> String {
        self.cell.clone().unwrap_or_else(|| format!("A{}", self.row()))
    }
}

/// Everything that is to be marked in a table.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is wrong.
    pub mistakes: Vec<Finding>,
    /// What to check, though it was accepted.
    pub warnings: Vec<Finding>,
}

/// What is said of each cell, by row and column.
type Said = BTreeMap<(u64, usize), Vec<String>>;

/// The cells that are marked.
#[derive(Default)]
struct Marks {
    /// Wrong cells.
    red: Vec<(u64, usize)>,
    /// Cells that should be looked at and are not wrong.
    amber: Vec<(u64, usize)>,
    /// What the comment of each says.
    said: Said,
}

impl Marks {
    fn of(findings: &Findings) -> Self {
        let mut said = Said::new();
        let mut red = BTreeSet::new();
        for mistake in &findings.mistakes {
            if let Some(place) = place_of(&mistake.marked_at()) {
                red.insert(place);
                said.entry(place).or_default().push(mistake.detail.clone());
            }
        }
        for warning in &findings.warnings {
            if let Some(place) = place_of(&warning.marked_at()) {
                said.entry(place).or_default().push(format!("{WARNING}{}", warning.detail));
            }
        }
        let amber = said.keys().filter(|place| !red.contains(place)).copied().collect();
        Self { red: red.into_iter().collect(), amber, said }
    }
}

/// Why a table does not come back marked.
#[derive(Debug)]
pub enum Unmarked {
    /// It is larger than what is copied.
    TooLarge,
    /// The disk.
    Disk(io::Error),
    /// A fault of this program.
    Fault(Box<dyn Error + Send + Sync>),
}

/// The table as it was sent with its mistakes and warnings marked, as a workbook in a file without a name, from its beginning;
/// `lead` says how much was found, given the name of the sheet with the table.
///
/// # Errors
/// Why it cannot be.
pub fn marked(
    sent: &Upload,
    lead: impl Fn(&str) -> String,
    findings: &Findings,
    made: DateTime<Utc>,
) -> Result<File, Unmarked> {
    if let Upload::Workbook(book) = sent {
        match in_place(book.origin(), &lead(&book.origin().name), findings) {
            Ok(marked) => return Ok(marked),
            Err(Hindrance(why)) => tracing::info!(why, "a workbook cannot be marked as it is; its cells are copied"),
        }
    }
    let few = |sent: &Cells| sent.cell_count() <= MOST_COPIED_CELLS && sent.text_len() <= MOST_COPIED_TEXT;
    let cells = sent.as_sent(MOST_COPIED_ROWS).map_err(Unmarked::Disk)?.filter(|sent| few(sent));
    let cells = cells.ok_or(Unmarked::TooLarge)?;
    let copy = spreadsheet::copied(&cells, made).map_err(|error| Unmarked::Fault(error.into()))?;
    let mut file = tempfile::tempfile().map_err(Unmarked::Disk)?;
    file.write_all(&copy).map_err(Unmarked::Disk)?;
    drop(copy);
    let origin = Origin::first_sheet(file).map_err(|Hindrance(why)| Unmarked::Fault(why.into()))?;
    let lead = match sent {
        Upload::Csv(_) | Upload::Items(_) => lead(&origin.name),
        Upload::Workbook(_) => {
            format!("{} Your workbook cannot be written in, so this is a copy of its cells.", lead(&origin.name))
        }
    };
    in_place(&origin, &lead, findings).map_err(|Hindrance(why)| Unmarked::Fault(why.into()))
}

/// Why a workbook cannot be marked as it is.
#[derive(Debug)]
struct Hindrance(String);

type Marked<T> = Result<T, Hindrance>;

impl From<&str> for Hindrance {
    fn from(why: &str) -> Self {
        Self(why.to_owned())
    }
}

impl From<io::Error> for Hindrance {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ZipError> for Hindrance {
    fn from(error: ZipError) -> Self {
        Self(error.to_string())
    }
}

impl From<WorkbookFault> for Hindrance {
    fn from(fault: WorkbookFault) -> Self {
        Self(match fault {
            WorkbookFault::OtherFormat(detail) | WorkbookFault::TooLarge(detail) => detail,
            WorkbookFault::Wrong(violation) => violation.detail,
            WorkbookFault::Disk(error) => error.to_string(),
        })
    }
}

impl Origin {
    /// The first sheet of a workbook that has no comments.
    fn first_sheet(file: File) -> Marked<Self> {
        let sheet = Package::open(&file)?.outline()?.sheets.into_iter().next().ok_or("it has no sheet")?;
        Ok(Self { file, name: sheet.name, path: sheet.path, drawing: None, list: None })
    }
}

/// What is written instead of a part, or besides those there are.
struct Plan {
    /// The parts of the table's sheet: itself, what it refers to, its comments, and their boxes.
    sheet: String,
    relations: String,
    comments: String,
    drawing: String,
    /// The parts of the workbook: itself, what it refers to, and its styles.
    main: String,
    main_relations: String,
    styles: String,
    /// The sheet that lists the mistakes.
    list: String,
    /// The ids of what the sheet and the workbook newly refer to.
    new_comments: Option<String>,
    new_drawing: Option<String>,
    new_list: Option<String>,
}

impl Plan {
    fn of(package: &mut Package<'_>, outline: Outline, origin: &Origin, names: &HashSet<String>) -> Marked<Self> {
        let of_sheet = package.relations(&origin.path)?;
        let of_main = package.relations(&outline.main)?;
        let free = |name: &dyn Fn(usize) -> String| {
            let mut numbered = (1..).map(name);
            numbered.find(|name| !names.contains(&name.to_ascii_lowercase())).unwrap_or_default()
        };
        let comments = of_sheet.values().find(|(kind, _)| kind == "comments").map(|(_, path)| path.clone());
        let drawing = match &origin.drawing {
            None => None,
            Some(id) => {
                let (_, path) = of_sheet.get(id).filter(|(kind, _)| kind == "vmlDrawing").ok_or("boxes are missing")?;
                Some(path.clone())
            }
        };
        if outline.sheets.len() >= MOST_SHEETS && origin.list.is_none() {
            return Err("it has as many sheets as are looked at".into());
        }
        Ok(Self {
            new_comments: comments.is_none().then(|| free_id(&of_sheet, "Comments")),
            new_drawing: drawing.is_none().then(|| free_id(&of_sheet, "Drawing")),
            new_list: origin.list.is_none().then(|| free_id(&of_main, "Sheet")),
            comments: comments.unwrap_or_else(|| free(&|number| format!("xl/comments{number}.xml"))),
            drawing: drawing.unwrap_or_else(|| free(&|number| format!("xl/drawings/vmlDrawing{number}.vml"))),
            list: origin.list.clone().unwrap_or_else(|| free(&|number| format!("xl/worksheets/sheet{number}.xml"))),
            relations: relations_path(&origin.path),
            sheet: origin.path.clone(),
            main_relations: relations_path(&outline.main),
            main: outline.main,
            styles: outline.styles.ok_or("it has no styles")?,
        })
    }

    /// What is to be written of the sheet's relations.
    fn sheet_relations(&self) -> Vec<(&str, &'static str, &str)> {
        let comments = self.new_comments.as_deref().map(|id| (id, "comments", self.comments.as_str()));
        comments
            .into_iter()
            .chain(self.new_drawing.as_deref().map(|id| (id, "vmlDrawing", self.drawing.as_str())))
            .collect()
    }

    /// Parts, each with what it is, that are listed where all are.
    fn new_parts(&self) -> Vec<(&str, &'static str)> {
        let comments = self.new_comments.is_some().then_some((self.comments.as_str(), "comments"));
        comments.into_iter().chain(self.new_list.is_some().then_some((self.list.as_str(), "worksheet"))).collect()
    }
}

fn free_id(taken: &HashMap<String, (String, String)>, wanted: &str) -> String {
    let mut numbered = (1..).map(|number| format!("{OURS}{wanted}{number}"));
    numbered.find(|id| !taken.contains_key(id)).unwrap_or_default()
}

/// The workbook as it was sent, its mistakes and warnings marked.
fn in_place(origin: &Origin, lead: &str, findings: &Findings) -> Marked<File> {
    let mut package = Package::open(&origin.file)?;
    let all = package.names()?;
    let names: HashSet<String> = all.iter().map(|name| name.to_ascii_lowercase()).collect();
    if names.len() < all.len() {
        return Err("two of its parts have one name".into());
    }
    let outline = package.outline()?;
    let plan = Plan::of(&mut package, outline, origin, &names)?;
    let styles = Styles::of(&mut package.needed(&plan.styles)?)?;

    let marks = Marks::of(findings);
    let mut comments = Comments::of(&marks.said);
    match plan.new_comments {
        Some(_) => comments.write()?,
        None => comments.rewrite(&mut package.needed(&plan.comments)?)?,
    }

    let mut out = ZipWriter::new(BufWriter::new(tempfile::tempfile()?));
    for (index, name) in all.iter().enumerate() {
        let is = |part: &str| name.eq_ignore_ascii_case(part);
        if is(&plan.comments) || is(&plan.list) {
            // Nothing is left of them: they are written behind the others.
        } else if is(&plan.sheet) {
            let drawing = plan.new_drawing.as_deref();
            rewrite_part(&mut package, &mut out, name, |part, out| rewrite_sheet(part, out, &marks, &styles, drawing))?;
        } else if is(&plan.relations) {
            let added = plan.sheet_relations();
            rewrite_part(&mut package, &mut out, name, |part, out| rewrite_relations(part, out, &added))?;
        } else if is(&plan.drawing) {
            rewrite_part(&mut package, &mut out, name, |part, out| rewrite_drawing(part, out, &comments.noted))?;
        } else if is(&plan.styles) {
            rewrite_part(&mut package, &mut out, name, |part, out| styles.rewrite(part, out))?;
        } else if is(&plan.main) {
            let list = plan.new_list.as_deref();
            rewrite_part(&mut package, &mut out, name, |part, out| rewrite_main(part, out, list))?;
        } else if is(&plan.main_relations) {
            let list = plan.new_list.as_deref().map(|id| (id, "worksheet", plan.list.as_str()));
            rewrite_part(&mut package, &mut out, name, |part, out| rewrite_relations(part, out, list.as_slice()))?;
        } else if is(CONTENT_TYPES) {
            let drawing = plan.new_drawing.as_ref().map(|_id| plan.drawing.as_str());
            let added = plan.new_parts();
            rewrite_part(&mut package, &mut out, name, |part, out| rewrite_content_types(part, out, &added, drawing))?;
        } else {
            package.copy(index, &mut out)?;
        }
    }
    let is_missing = |part: &str| !names.contains(&part.to_ascii_lowercase());
    if is_missing(&plan.relations) {
        write_part(&mut out, &plan.relations, |out| write_relations(out, &plan.sheet_relations()))?;
    }
    if is_missing(&plan.drawing) {
        write_part(&mut out, &plan.drawing, |out| write_drawing(out, &comments.noted))?;
    }
    write_part(&mut out, &plan.comments, |out| Ok(out.get_mut().write_all(&comments.written)?))?;
    write_part(&mut out, &plan.list, |out| write_list(out, lead, &origin.name, findings, &styles))?;
    let mut marked = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    marked.rewind()?;
    Ok(marked)
}

/// The workbook being written, and one of its parts.
type Archive = ZipWriter<BufWriter<File>>;
type PartWriter<'a> = Writer<BufWriter<&'a mut Archive>>;

fn write_part(out: &mut Archive, name: &str, write: impl FnOnce(&mut PartWriter<'_>) -> Marked<()>) -> Marked<()> {
    out.start_file(name, SimpleFileOptions::default())?;
    let mut writer = Writer::new(BufWriter::new(out));
    write(&mut writer)?;
    Ok(writer.get_mut().flush()?)
}

fn rewrite_part(
    package: &mut Package<'_>,
    out: &mut Archive,
    name: &str,
    rewrite: impl FnOnce(&mut Part<'_, '_>, &mut PartWriter<'_>) -> Marked<()>,
) -> Marked<()> {
    let mut part = package.needed(name)?;
    write_part(out, name, |out| rewrite(&mut part, out))
}

/// What every part begins with.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

fn put<W: Write>(out: &mut Writer<W>, xml: &str) -> Marked<()> {
    Ok(out.get_mut().write_all(xml.as_bytes())?)
}

/// Writes a piece as it was read.
fn pass<W: Write>(out: &mut Writer<W>, event: Event<'_>) -> Marked<()> {
    Ok(out.write_event(event)?)
}

/// Words without the characters that XML cannot hold.
fn held(words: &str) -> String {
    let holds = |char: char| matches!(char, '\t' | '\n') || (char >= ' ' && !matches!(char, '\u{fffe}' | '\u{ffff}'));
    words.chars().filter(|char| *char != '\r').map(|char| if holds(char) { char } else { '\u{fffd}' }).collect()
}

/// Words as they are between tags of a workbook, where `_x0041_` would be a letter.
fn words(words: &str) -> String {
    partial_escape(held(words)).replace("_x", "_x005F_x")
}

/// Takes a part through to where its outermost element has begun, and gives the prefix of the names in it.
fn begin<W: Write>(part: &mut Part<'_, '_>, out: &mut Writer<W>, namespace: &str) -> Marked<String> {
    loop {
        match part.next_at()? {
            (_, Event::Eof) => return Ok(String::new()),
            (1, Event::Start(root)) => {
                let prefix = prefix_of(&root, namespace)?;
                pass(out, Event::Start(root))?;
                return Ok(prefix);
            }
            (_, event) => pass(out, event)?,
        }
    }
}

/// The prefix with its colon that a part gives the names of a namespace, as its outermost element has it; none is none.
fn prefix_of(root: &BytesStart<'_>, namespace: &str) -> Marked<String> {
    let name = root.name();
    let prefix = name.as_ref().split_once(':').map(|(prefix, _)| prefix);
    let declared = prefix.map_or("xmlns".to_owned(), |prefix| format!("xmlns:{prefix}"));
    if said(root, &declared).as_deref() != Some(namespace) {
        return Err("a part of it is in another namespace".into());
    }
    Ok(prefix.map_or_else(String::new, |prefix| format!("{prefix}:")))
}

/// The value of an attribute by its whole name.
fn said(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let mut attributes = attributes.with_checks(false).map_while(Result::ok);
    attributes.find(|attribute| attribute.key.as_ref() == name).map(|attribute| attribute.value.into_owned())
}

/// An element with an attribute set to a number.
fn with(element: &BytesStart<'_>, name: &str, number: usize) -> Marked<BytesStart<'static>> {
    let mut changed = BytesStart::new(element.name().as_ref().to_owned());
    for attribute in element.attributes().with_checks(false) {
        let attribute: Attribute<'_> = attribute.map_err(|_error| "an attribute is not well-formed")?;
        if attribute.key.as_ref() != name {
            // It may have been between other quotation marks.
            let value = attribute.value.replace('"', "&quot;").into();
            changed.push_attribute(Attribute { value, ..attribute });
        }
    }
    changed.push_attribute((name, number.to_string().as_str()));
    Ok(changed)
}

/// All of an element that begins at a depth.
fn whole(part: &mut Part<'_, '_>, begins: BytesStart<'static>, at: usize) -> Marked<Vec<Event<'static>>> {
    let mut bytes = begins.len();
    let mut events = vec![Event::Start(begins)];
    loop {
        let (depth, event) = part.next_at()?;
        if matches!(event, Event::Eof) {
            return Err("a part of it is cut off".into());
        }
        let last = depth == at && matches!(event, Event::End(_));
        // What an event costs besides its words.
        bytes += event.len() + 64;
        if bytes > MOST_WHOLE {
            return Err("something in it is too large to be looked at as a whole".into());
        }
        events.push(event.into_owned());
        if last {
            return Ok(events);
        }
    }
}

fn pass_all<W: Write>(out: &mut Writer<W>, events: impl IntoIterator<Item = Event<'static>>) -> Marked<()> {
    events.into_iter().try_for_each(|event| pass(out, event))
}

/// Takes a sheet through, its marked cells coloured, and the boxes of its comments referred to where they were not.
fn rewrite_sheet<W: Write>(
    part: &mut Part<'_, '_>,
    out: &mut Writer<W>,
    marks: &Marks,
    styles: &Styles,
    drawing: Option<&str>,
) -> Marked<()> {
    let rank = |name: &str| SHEET_ORDER.iter().position(|known| *known == name);
    let (formats, drawings) = (rank("conditionalFormatting"), rank("legacyDrawing"));
    let prefix = begin(part, out, MAIN)?;
    let (mut coloured, mut drawn) = (false, false);
    loop {
        let (depth, event) = part.next_at()?;
        // What is before all that is of concern has no rank.
        let rank = match &event {
            Event::Start(element) if depth == 2 => rank(element.local_name().as_ref()),
            Event::End(_) if depth == 1 => Some(SHEET_ORDER.len()),
            _ => None,
        };
        if rank >= formats && !coloured {
            put_colour(out, &prefix, &marks.red, styles.red())?;
            put_colour(out, &prefix, &marks.amber, styles.amber())?;
            coloured = true;
        }
        if rank >= drawings && !drawn {
            if let Some(id) = drawing {
                put(out, &format!("<{prefix}legacyDrawing xmlns:r=\"{RELATIONS}\" r:id=\"{id}\"/>"))?;
            }
            drawn = true;
        }
        match event {
            Event::Eof => return Ok(()),
            Event::Start(element) if rank == formats => {
                let element = element.into_owned();
                pass_all(out, without_colour(whole(part, element, depth)?))?;
            }
            event => pass(out, event)?,
        }
    }
}

fn put_colour<W: Write>(out: &mut Writer<W>, prefix: &str, places: &[(u64, usize)], difference: usize) -> Marked<()> {
    let cells: Vec<String> = places.iter().map(|place| name_of(*place)).collect();
    for cells in cells.chunks(CELLS_A_FORMAT) {
        // It is before those of others, and so comes first among those of one rank.
        put(
            out,
            &format!(
                "<{prefix}conditionalFormatting sqref=\"{}\"><{prefix}cfRule type=\"expression\" dxfId=\"{difference}\" priority=\"1\">\
             <{prefix}formula>ISTEXT(\"{COLOURED_WHERE}\")</{prefix}formula></{prefix}cfRule></{prefix}conditionalFormatting>",
                cells.join(" ")
            ),
        )?;
    }
    Ok(())
}

/// The conditional formats of some cells without the colour of an earlier time; nothing if nothing is left.
fn without_colour(events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    let (mut kept, mut rule, mut ours, mut rules) = (Vec::new(), None::<Vec<Event<'static>>>, false, 0);
    for event in events {
        if matches!(&event, Event::Start(element) if element.local_name().as_ref() == "cfRule") {
            (rule, ours) = (Some(Vec::new()), false);
        }
        if matches!(&event, Event::Text(words) if words.contains(COLOURED_WHERE)) {
            ours = true;
        }
        let ends = matches!(&event, Event::End(element) if element.local_name().as_ref() == "cfRule");
        match &mut rule {
            Some(rule) => rule.push(event),
            None => kept.push(event),
        }
        if let Some(rule) = rule.take_if(|_| ends).filter(|_| !ours) {
            rules += 1;
            kept.extend(rule);
        }
    }
    if rules > 0 { kept } else { Vec::new() }
}

/// Adds to what a part refers to: the id, the kind and the part of each.
fn rewrite_relations<W: Write>(
    part: &mut Part<'_, '_>,
    out: &mut Writer<W>,
    added: &[(&str, &'static str, &str)],
) -> Marked<()> {
    let prefix = begin(part, out, PACKAGE_RELATIONS)?;
    loop {
        match part.next_at()? {
            (_, Event::Eof) => return Ok(()),
            (1, Event::End(root)) => {
                put_relations(out, &prefix, added)?;
                pass(out, Event::End(root))?;
            }
            (_, event) => pass(out, event)?,
        }
    }
}

/// Writes what a part refers to, if it referred to nothing.
fn write_relations<W: Write>(out: &mut Writer<W>, added: &[(&str, &'static str, &str)]) -> Marked<()> {
    put(out, &format!("{DECLARATION}<Relationships xmlns=\"{PACKAGE_RELATIONS}\">"))?;
    put_relations(out, "", added)?;
    put(out, "</Relationships>")
}

fn put_relations<W: Write>(out: &mut Writer<W>, prefix: &str, added: &[(&str, &'static str, &str)]) -> Marked<()> {
    added.iter().try_for_each(|(id, kind, path)| {
        put(
            out,
            &format!("<{prefix}Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"/{}\"/>", escape(*path)),
        )
    })
}

/// Adds to what kinds of parts there are.
fn rewrite_content_types<W: Write>(
    part: &mut Part<'_, '_>,
    out: &mut Writer<W>,
    added: &[(&str, &'static str)],
    drawing: Option<&str>,
) -> Marked<()> {
    let prefix = begin(part, out, "http://schemas.openxmlformats.org/package/2006/content-types")?;
    let mut drawings_known = false;
    let paths = || added.iter().map(|(path, _)| *path).chain(drawing);
    loop {
        match part.next_at()? {
            (_, Event::Eof) => return Ok(()),
            (1, Event::End(root)) => {
                if drawing.is_some() && !drawings_known {
                    put(out, &format!("<{prefix}Default Extension=\"vml\" ContentType=\"{DRAWING_TYPE}\"/>"))?;
                }
                for (path, kind) in added {
                    put(
                        out,
                        &format!(
                            "<{prefix}Override PartName=\"/{}\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml\"/>",
                            escape(*path)
                        ),
                    )?;
                }
                pass(out, Event::End(root))?;
            }
            (2, Event::Start(element)) => {
                let extension = attribute(&element, "Extension")?.unwrap_or_default();
                drawings_known |= extension.eq_ignore_ascii_case("vml");
                let name = attribute(&element, "PartName")?.unwrap_or_default();
                let element = element.into_owned();
                let told = whole(part, element, 2)?;
                // What is said of a part that was not there is not true of ours.
                if !paths().any(|path| name.strip_prefix('/').is_some_and(|name| name.eq_ignore_ascii_case(path))) {
                    pass_all(out, told)?;
                }
            }
            (_, event) => pass(out, event)?,
        }
    }
}

/// Adds the sheet that lists the mistakes behind all others, unless one is there from an earlier time.
fn rewrite_main<W: Write>(part: &mut Part<'_, '_>, out: &mut Writer<W>, list: Option<&str>) -> Marked<()> {
    let prefix = begin(part, out, MAIN)?;
    let (mut highest, mut taken) = (0_u32, HashSet::new());
    loop {
        match part.next_at()? {
            (_, Event::Eof) => return Ok(()),
            (2, Event::End(element)) if element.local_name().as_ref() == "sheets" => {
                if let Some(id) = list {
                    let names = (2..).map(|number| Cow::Owned(format!("{LIST_SHEET} {number}")));
                    let mut names = [Cow::Borrowed(LIST_SHEET)].into_iter().chain(names);
                    let name = names.find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default();
                    let number = Some(highest + 1).filter(|number| *number <= MOST_SHEET_NUMBER);
                    let number = number.ok_or("its sheets have numbers beyond count")?;
                    put(
                        out,
                        &format!(
                            "<{prefix}sheet xmlns:r=\"{RELATIONS}\" name=\"{name}\" sheetId=\"{number}\" r:id=\"{id}\"/>"
                        ),
                    )?;
                }
                pass(out, Event::End(element))?;
            }
            (depth, event) => {
                if let (3, Event::Start(element)) = (depth, &event)
                    && element.local_name().as_ref() == "sheet"
                {
                    let number = attribute(element, "sheetId")?.and_then(|number| number.parse::<u32>().ok());
                    let number = number.map(|number| number.min(MOST_SHEET_NUMBER));
                    highest = highest.max(number.unwrap_or(0));
                    taken.insert(attribute(element, "name")?.unwrap_or_default().to_lowercase());
                }
                pass(out, event)?;
            }
        }
    }
}

/// The lists among the styles of a workbook that are of concern.
const STYLE_SECTIONS: [&str; 6] = ["fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "dxfs"];

/// The styles of a workbook, and where in them is what is added.
struct Styles {
    /// How many fonts there are, how many formats of cells, and how many ways in which a format may differ from these.
    fonts: usize,
    formats: usize,
    differences: usize,
}

impl Styles {
    fn of(part: &mut Part<'_, '_>) -> Marked<Self> {
        let mut sections: HashMap<String, usize> = HashMap::new();
        let mut section = String::new();
        loop {
            match part.next_at()? {
                (_, Event::Eof) => break,
                (2, Event::Start(element)) => element.local_name().as_ref().clone_into(&mut section),
                (3, Event::Start(_)) if STYLE_SECTIONS.contains(&section.as_str()) => {
                    *sections.entry(section.clone()).or_default() += 1;
                }
                _ => {}
            }
        }
        let count = |section: &str| sections.get(section).copied().unwrap_or(0);
        // What is added refers to the first of each.
        if STYLE_SECTIONS.iter().any(|section| *section != "dxfs" && count(section) == 0) {
            return Err("it has no fonts, fills, borders or formats".into());
        }
        Ok(Self { fonts: count("fonts"), formats: count("cellXfs"), differences: count("dxfs") })
    }

    /// The format of a heading.
    fn bold(&self) -> usize {
        self.formats
    }

    /// The format of words that may be long.
    fn wrapped(&self) -> usize {
        self.formats + 1
    }

    /// How a wrong cell differs from what it was.
    fn red(&self) -> usize {
        self.differences
    }

    /// How a cell differs that should be looked at.
    fn amber(&self) -> usize {
        self.differences + 1
    }

    fn rewrite<W: Write>(&self, part: &mut Part<'_, '_>, out: &mut Writer<W>) -> Marked<()> {
        let prefix = begin(part, out, MAIN)?;
        let mut are_there = false;
        loop {
            let (depth, event) = part.next_at()?;
            let after = match &event {
                Event::Start(element) if depth == 2 => {
                    matches!(element.local_name().as_ref(), "tableStyles" | "colors" | "extLst")
                }
                Event::End(_) => depth == 1,
                _ => false,
            };
            if after && !are_there {
                let both = differences(&prefix);
                put(out, &format!("<{prefix}dxfs count=\"2\">{both}</{prefix}dxfs>"))?;
                are_there = true;
            }
            match event {
                Event::Eof => return Ok(()),
                Event::Start(section) if depth == 2 => {
                    let counted = match section.local_name().as_ref() {
                        "fonts" => with(&section, "count", self.fonts + 1)?,
                        "cellXfs" => with(&section, "count", self.formats + 2)?,
                        "dxfs" => with(&section, "count", self.differences + 2)?,
                        _ => section.into_owned(),
                    };
                    pass(out, Event::Start(counted))?;
                }
                Event::End(section) if depth == 2 => {
                    let font = self.fonts;
                    match section.local_name().as_ref() {
                        "fonts" => put(
                            out,
                            &format!(
                                "<{prefix}font><{prefix}b/><{prefix}sz val=\"11\"/><{prefix}name val=\"Calibri\"/></{prefix}font>"
                            ),
                        )?,
                        "cellXfs" => {
                            let of = "fillId=\"0\" borderId=\"0\" xfId=\"0\"";
                            put(
                                out,
                                &format!(
                                    "<{prefix}xf numFmtId=\"0\" fontId=\"{font}\" {of} applyFont=\"1\"/>\
                                 <{prefix}xf numFmtId=\"0\" fontId=\"0\" {of} applyAlignment=\"1\">\
                                 <{prefix}alignment vertical=\"top\" wrapText=\"1\"/></{prefix}xf>"
                                ),
                            )?;
                        }
                        "dxfs" => {
                            put(out, &differences(&prefix))?;
                            are_there = true;
                        }
                        _ => {}
                    }
                    pass(out, Event::End(section))?;
                }
                event => pass(out, event)?,
            }
        }
    }
}

/// How marked cells differ from what they were: wrong ones dark on pale red within a red line, those to be checked dark
/// on pale amber within an amber line.
fn differences(prefix: &str) -> String {
    difference(prefix, "FF7A0016", "FFF6BDBD", "FFB00020") + &difference(prefix, "FF5C3A00", "FFFFE2A8", "FFB26A00")
}

fn difference(prefix: &str, words: &str, fill: &str, line: &str) -> String {
    let side = |side: &str| format!("<{prefix}{side} style=\"thin\"><{prefix}color rgb=\"{line}\"/></{prefix}{side}>");
    let sides: String = ["left", "right", "top", "bottom"].into_iter().map(side).collect();
    format!(
        "<{prefix}dxf><{prefix}font><{prefix}color rgb=\"{words}\"/></{prefix}font><{prefix}fill><{prefix}patternFill \
         patternType=\"solid\"><{prefix}fgColor rgb=\"{fill}\"/><{prefix}bgColor rgb=\"{fill}\"/></{prefix}patternFill>\
         </{prefix}fill><{prefix}border>{sides}</{prefix}border></{prefix}dxf>"
    )
}

/// The comments of a sheet: those of an earlier time gone, and ours among them.
struct Comments {
    /// What is to be said of each cell.
    ours: BTreeMap<(u64, usize), String>,
    /// Which cells have a comment, and how many characters of ours are in it.
    noted: BTreeMap<(u64, usize), usize>,
    /// The part, written again.
    written: Vec<u8>,
}

impl Comments {
    /// Of what is said of each cell.
    fn of(said: &Said) -> Self {
        let comment = |details: &[String]| {
            let details = clipped(&details.join("\n\n"), MOST_IN_NOTE).replace(AROUND, "");
            format!("{AROUND}{SPEAKER} {details}{AROUND}")
        };
        let ours = said.iter().take(MOST_NOTED).map(|(place, details)| (*place, comment(details))).collect();
        Self { ours, noted: BTreeMap::new(), written: Vec::new() }
    }

    /// Writes ours, if there are no others.
    fn write(&mut self) -> Marked<()> {
        let mut out = Writer::new(Vec::new());
        put(
            &mut out,
            &format!(
                "{DECLARATION}<comments xmlns=\"{MAIN}\"><authors><author>{AUTHOR}</author></authors><commentList>"
            ),
        )?;
        self.put_missing(&mut out, "", 0)?;
        put(&mut out, "</commentList></comments>")?;
        self.written = out.into_inner();
        Ok(())
    }

    /// Takes those there are through, and writes ours among them.
    fn rewrite(&mut self, part: &mut Part<'_, '_>) -> Marked<()> {
        let mut out = Writer::new(Vec::new());
        let prefix = begin(part, &mut out, MAIN)?;
        let (mut authors, mut author, mut count) = (0, None, 0);
        loop {
            if out.get_ref().len() > MOST_COMMENT_BYTES || count > MOST_COMMENTS {
                return Err("it has more comments than are looked at".into());
            }
            match part.next_at()? {
                (_, Event::Eof) => break,
                (3, Event::Start(element)) if element.local_name().as_ref() == "author" => {
                    let element = element.into_owned();
                    let events = whole(part, element, 3)?;
                    if text_of(&events) == AUTHOR {
                        author = Some(authors);
                    }
                    authors += 1;
                    pass_all(&mut out, events)?;
                }
                (2, Event::End(element)) if element.local_name().as_ref() == "authors" => {
                    if author.is_none() {
                        put(&mut out, &format!("<{prefix}author>{AUTHOR}</{prefix}author>"))?;
                        author = Some(authors);
                    }
                    pass(&mut out, Event::End(element))?;
                }
                (3, Event::Start(element)) if element.local_name().as_ref() == "comment" => {
                    count += 1;
                    let place = attribute(&element, "ref")?.and_then(|name| place_of(&name));
                    let place = place.ok_or("a comment is at no place")?;
                    let element = element.into_owned();
                    self.take(&mut out, &prefix, place, whole(part, element, 3)?)?;
                }
                (2, Event::End(element)) if element.local_name().as_ref() == "commentList" => {
                    self.put_missing(&mut out, &prefix, author.ok_or("its comments have no authors")?)?;
                    pass(&mut out, Event::End(element))?;
                }
                (_, event) => pass(&mut out, event)?,
            }
        }
        if self.ours.keys().any(|place| !self.noted.contains_key(place)) {
            return Err("its comments are in no list".into());
        }
        self.written = out.into_inner();
        Ok(())
    }

    /// Takes a comment through without what we said in it earlier, and with what is to be said now; if nothing but ours
    /// was in it, it goes.
    fn take<W: Write>(
        &mut self,
        out: &mut Writer<W>,
        prefix: &str,
        place: (u64, usize),
        comment: Vec<Event<'static>>,
    ) -> Marked<()> {
        let (theirs, cut) = without_ours(comment);
        if cut && text_of(&theirs).trim().is_empty() {
            return Ok(());
        }
        let mut ours = self.ours.get(&place).filter(|_| !self.noted.contains_key(&place));
        self.noted.insert(place, ours.map_or(0, |ours| ours.chars().count()));
        for event in theirs {
            // How words are spoken is behind all of them.
            let behind = match &event {
                Event::Start(element) => matches!(element.local_name().as_ref(), "rPh" | "phoneticPr"),
                Event::End(element) => element.local_name().as_ref() == "text",
                _ => false,
            };
            if let Some(ours) = ours.take_if(|_| behind) {
                put_run(out, prefix, &format!("\n\n{ours}"))?;
            }
            pass(out, event)?;
        }
        Ok(())
    }

    /// Writes those of ours whose cell has no other comment.
    fn put_missing<W: Write>(&mut self, out: &mut Writer<W>, prefix: &str, author: usize) -> Marked<()> {
        for (place, ours) in &self.ours {
            if self.noted.contains_key(place) {
                continue;
            }
            self.noted.insert(*place, ours.chars().count());
            let cell = name_of(*place);
            put(out, &format!("<{prefix}comment ref=\"{cell}\" authorId=\"{author}\"><{prefix}text>"))?;
            put_run(out, prefix, ours)?;
            put(out, &format!("</{prefix}text></{prefix}comment>"))?;
        }
        Ok(())
    }
}

fn put_run<W: Write>(out: &mut Writer<W>, prefix: &str, said: &str) -> Marked<()> {
    put(
        out,
        &format!(
            "<{prefix}r><{prefix}rPr><{prefix}sz val=\"9\"/><{prefix}rFont val=\"Tahoma\"/></{prefix}rPr>\
         <{prefix}t xml:space=\"preserve\">{}</{prefix}t></{prefix}r>",
            words(said)
        ),
    )
}

/// A comment without what is ours in it, and whether there was any. A program may have made one stretch of words of all
/// that it says, or cut ours into several.
fn without_ours(comment: Vec<Event<'static>>) -> (Vec<Event<'static>>, bool) {
    let ends = |event: &Event<'_>| matches!(event, Event::Text(text) if text.contains(AROUND));
    let last_end = comment.iter().rposition(ends);
    let (mut kept, mut cut, mut within) = (Vec::new(), false, false);
    // A stretch of words being read: the name of what it is in, what is kept of it, and whether anything was cut off.
    let mut stretch: Option<(String, Vec<Event<'static>>, bool)> = None;
    for (place, event) in comment.into_iter().enumerate() {
        if let (None, Event::Start(element)) = (&stretch, &event)
            && matches!(element.local_name().as_ref(), "r" | "t")
        {
            stretch = Some((element.name().as_ref().to_owned(), Vec::new(), false));
        }
        let Some((name, theirs, shortened)) = &mut stretch else {
            kept.push(event);
            continue;
        };
        let stretch_ends = matches!(&event, Event::End(element) if element.name().as_ref() == name);
        match event {
            Event::Text(text) => {
                let first = text_of(theirs).is_empty();
                let was_within = within;
                let left = cut_out(&text, first, &mut within);
                *shortened |= was_within || left != *text;
                theirs.push(Event::Text(BytesText::from_escaped(left)));
            }
            Event::CData(_) | Event::GeneralRef(_) if within => *shortened = true,
            event => theirs.push(event),
        }
        if stretch_ends && let Some((_, theirs, shortened)) = stretch.take() {
            cut |= shortened;
            if !shortened || !text_of(&theirs).trim().is_empty() {
                kept.extend(theirs);
            }
            within &= last_end.is_some_and(|last| place < last);
        }
    }
    (kept, cut)
}

/// Words without ours, from where these begin, at the beginning or in a line of their own, to the mark behind them; `within` says
/// whether ours have begun and not ended, before and after.
fn cut_out(text: &str, first: bool, within: &mut bool) -> String {
    let mut left = String::new();
    let mut rest = text;
    loop {
        if *within {
            let Some((_, after)) = rest.split_once(AROUND) else { return left };
            (rest, *within) = (after, false);
        }
        let begins = rest.match_indices(SPEAKER).find_map(|(at, _)| {
            let (before, after) = rest.split_at_checked(at)?;
            let marked = before.strip_suffix(AROUND);
            let at_start = before.is_empty() && first && left.is_empty();
            (marked.is_some() || at_start || before.trim_end_matches(' ').ends_with('\n'))
                .then_some((marked.unwrap_or(before), after.strip_prefix(SPEAKER)?))
        });
        let Some((before, after)) = begins else { return left + rest };
        left.push_str(before.trim_end());
        (rest, *within) = (after, true);
    }
}

fn text_of(events: &[Event<'_>]) -> String {
    let words = events.iter().filter_map(|event| match event {
        Event::Text(words) => Some(words.xml10_content()),
        Event::CData(words) => Some(words.xml10_content()),
        Event::GeneralRef(reference) => Some(reference.xml10_content()),
        _ => None,
    });
    words.collect()
}

/// Takes the boxes of a sheet's comments through: those of comments that are gone go, and those that are missing come.
fn rewrite_drawing<W: Write>(
    part: &mut Part<'_, '_>,
    out: &mut Writer<W>,
    noted: &BTreeMap<(u64, usize), usize>,
) -> Marked<()> {
    let mut missing = noted.clone();
    let (mut kind_known, mut last) = (false, 1024_u64);
    loop {
        match part.next_at()? {
            (_, Event::Eof) => return Ok(()),
            (2, Event::Start(element)) if element.local_name().as_ref() == "shape" => {
                let element = element.into_owned();
                let shape = whole(part, element, 2)?;
                last = shape.iter().map(shape_number).fold(last, u64::max);
                let kept = match comment_of(&shape) {
                    Some(place) => missing.remove(&place).is_some(),
                    None => true,
                };
                if kept {
                    pass_all(out, shape)?;
                }
            }
            (1, Event::End(root)) => {
                put_shapes(out, &missing, last, kind_known)?;
                pass(out, Event::End(root))?;
            }
            (depth, event) => {
                last = last.max(shape_number(&event));
                if let (2, Event::Start(element)) = (depth, &event) {
                    kind_known |= said(element, "id").as_deref() == Some(SHAPE_KIND);
                }
                pass(out, event)?;
            }
        }
    }
}

/// The number in the id of something drawn; none is 0, and so is one that leaves no room behind it.
fn shape_number(event: &Event<'_>) -> u64 {
    let Event::Start(element) = event else { return 0 };
    let ids = element.attributes();
    let mut ids = ids
        .into_iter()
        .map_while(Result::ok)
        .filter(|attribute| matches!(attribute.key.local_name().as_ref(), "id" | "spid"));
    let number = ids.find_map(|id| id.value.strip_prefix(SHAPE)?.parse().ok());
    number.filter(|number| *number < u64::from(u32::MAX / 2)).unwrap_or(0)
}

/// Of which cell a shape is the comment's box, if it is one.
fn comment_of(shape: &[Event<'_>]) -> Option<(u64, usize)> {
    let (mut is_note, mut within, mut row, mut column) = (false, String::new(), None, None);
    for event in shape {
        match event {
            Event::Start(element) => {
                is_note |= said(element, "ObjectType").as_deref() == Some("Note");
                element.local_name().as_ref().clone_into(&mut within);
            }
            Event::Text(words) if within == "Row" => row = words.trim().parse::<u64>().ok(),
            Event::Text(words) if within == "Column" => column = words.trim().parse().ok(),
            Event::End(_) => within.clear(),
            _ => {}
        }
    }
    is_note.then_some((row?.checked_add(1)?, column?))
}

/// Writes the boxes of comments, if there are no others.
fn write_drawing<W: Write>(out: &mut Writer<W>, noted: &BTreeMap<(u64, usize), usize>) -> Marked<()> {
    // Numbers are given out in blocks of 1,024.
    let blocks: Vec<String> = (1..=noted.len() / 1024 + 1).map(|block| block.to_string()).collect();
    put(
        out,
        &format!(
            "<xml xmlns:v=\"{SHAPES}\" xmlns:o=\"{OFFICE}\"><o:shapelayout v:ext=\"edit\"><o:idmap v:ext=\"edit\" data=\"{}\"/></o:shapelayout>",
            blocks.join(",")
        ),
    )?;
    put_shapes(out, noted, 1024, false)?;
    put(out, "</xml>")
}

fn put_shapes<W: Write>(
    out: &mut Writer<W>,
    missing: &BTreeMap<(u64, usize), usize>,
    last: u64,
    kind_known: bool,
) -> Marked<()> {
    // Others may give them other prefixes, on all of a drawing or on each thing drawn.
    let namespaces = format!("xmlns:v=\"{SHAPES}\" xmlns:o=\"{OFFICE}\" xmlns:x=\"{EXCEL}\"");
    if !kind_known {
        put(
            out,
            &format!(
                "<v:shapetype {namespaces} id=\"{SHAPE_KIND}\" coordsize=\"21600,21600\" o:spt=\"202\" path=\"m,l,21600r21600,l21600,xe\">\
             <v:stroke joinstyle=\"miter\"/><v:path gradientshapeok=\"t\" o:connecttype=\"rect\"/></v:shapetype>"
            ),
        )?;
    }
    for (number, ((row, column), characters)) in (last.saturating_add(1)..).zip(missing) {
        // From the cell's right some columns on, and as far down as the words need; back from the sheet's far ends.
        let left = (column + 1).min(COLUMNS - 5);
        let height = 5 + u64::try_from(characters / 40).unwrap_or(0).min(20);
        let (top, row) = ((row - 1).min(LAST_ROW - 30), row - 1);
        put(
            out,
            &format!(
                "<v:shape {namespaces} id=\"{SHAPE}{number}\" type=\"#{SHAPE_KIND}\" style=\"position:absolute;visibility:hidden\" \
             fillcolor=\"#ffffe1\" o:insetmode=\"auto\"><v:fill color2=\"#ffffe1\"/><v:shadow on=\"t\" color=\"black\" \
             obscured=\"t\"/><v:path o:connecttype=\"none\"/><v:textbox style=\"mso-direction-alt:auto\"/>\
             <x:ClientData ObjectType=\"Note\"><x:MoveWithCells/><x:SizeWithCells/>\
             <x:Anchor>{left}, 15, {top}, 2, {}, 15, {}, 4</x:Anchor><x:AutoFill>False</x:AutoFill>\
             <x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>",
                left + 3,
                top + height
            ),
        )?;
    }
    Ok(())
}

/// Writes the sheet that lists the mistakes, and the warnings behind them.
fn write_list<W: Write>(
    out: &mut Writer<W>,
    lead: &str,
    sheet: &str,
    findings: &Findings,
    styles: &Styles,
) -> Marked<()> {
    let (bold, wrapped, first) = (styles.bold(), styles.wrapped(), LIST_HEADER + 1);
    put_list_head(out, lead, bold)?;
    let mut links = Vec::new();
    let mut row = first;
    for (title, listed) in [(None, &findings.mistakes), (Some(WARNINGS_TITLE), &findings.warnings)] {
        if listed.is_empty() {
            continue;
        }
        if let Some(title) = title {
            row += u64::from(row > first);
            put(out, &format!("<row r=\"{row}\">{}</row>", list_cell('A', row, bold, title)))?;
            row += 1;
        }
        for finding in listed.iter().take(MOST_LISTED) {
            put(out, &list_row(finding, row, wrapped))?;
            links.push((row, finding.marked_at()));
            row += 1;
        }
        if listed.len() > MOST_LISTED {
            let more = listed.len() - MOST_LISTED;
            let more = format!("And {more} more. Correct these, or ask for all of them as JSON.");
            put(out, &format!("<row r=\"{row}\">{}</row>", list_cell('D', row, wrapped, &more)))?;
            row += 1;
        }
    }
    put(out, "</sheetData>")?;
    put_links(out, sheet, &links)?;
    put(
        out,
        "<pageMargins left=\"0.4\" right=\"0.4\" top=\"0.6\" bottom=\"0.7\" header=\"0.3\" footer=\"0.3\"/>\
         <pageSetup paperSize=\"9\" orientation=\"landscape\" fitToHeight=\"0\"/></worksheet>",
    )
}

/// Writes the head of the list: how it is shown, its title, what leads into it and its headings.
fn put_list_head<W: Write>(out: &mut Writer<W>, lead: &str, bold: usize) -> Marked<()> {
    let first = LIST_HEADER + 1;
    put(
        out,
        &format!(
            "{DECLARATION}<worksheet xmlns=\"{MAIN}\"><sheetPr><tabColor rgb=\"FFB00020\"/><pageSetUpPr fitToPage=\"1\"/></sheetPr>\
         <sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"{LIST_HEADER}\" topLeftCell=\"A{first}\" activePane=\"bottomLeft\" \
         state=\"frozen\"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/><cols>"
        ),
    )?;
    for (number, (_, width)) in (1..).zip(LIST_COLUMNS) {
        put(out, &format!("<col min=\"{number}\" max=\"{number}\" width=\"{width}\" customWidth=\"1\"/>"))?;
    }
    put(out, "</cols><sheetData>")?;
    put(out, &format!("<row r=\"1\">{}</row>", list_cell('A', 1, bold, LIST_TITLE)))?;
    put(out, &format!("<row r=\"2\">{}</row>", list_cell('A', 2, 0, lead)))?;
    let headings: String =
        ('A'..).zip(LIST_COLUMNS).map(|(column, (heading, _))| list_cell(column, LIST_HEADER, bold, heading)).collect();
    put(out, &format!("<row r=\"{LIST_HEADER}\">{headings}</row>"))
}

/// The row of the list that states a finding.
fn list_row(finding: &Finding, row: u64, style: usize) -> String {
    format!(
        "<row r=\"{row}\">{}<c r=\"B{row}\" s=\"{style}\"><v>{}</v></c>{}{}{}</row>",
        list_cell('A', row, style, &finding.marked_at()),
        finding.row(),
        list_cell('C', row, style, finding.column.as_deref().unwrap_or_default()),
        list_cell('D', row, style, &finding.detail),
        list_cell('E', row, style, &finding.code)
    )
}

/// A cell of the list with words in it.
fn list_cell(column: char, row: u64, style: usize, said: &str) -> String {
    let said = words(&clipped(said, MOST_IN_CELL));
    let place = format!("r=\"{column}{row}\" s=\"{style}\"");
    format!("<c {place} t=\"inlineStr\"><is><t xml:space=\"preserve\">{said}</t></is></c>")
}

/// Writes where the cells of the list lead to, each by its row: the cell in the sheet with the table.
fn put_links<W: Write>(out: &mut Writer<W>, sheet: &str, links: &[(u64, String)]) -> Marked<()> {
    if links.is_empty() {
        return Ok(());
    }
    put(out, "<hyperlinks>")?;
    let sheet = sheet.replace('\'', "''");
    for (row, cell) in links {
        let location = format!("'{sheet}'!{cell}");
        put(out, &format!("<hyperlink ref=\"A{row}\" location=\"{}\" display=\"{cell}\"/>", escape(held(&location))))?;
    }
    put(out, "</hyperlinks>")
}
