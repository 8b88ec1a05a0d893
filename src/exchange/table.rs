//! Flat tables: stable column names, written as CSV (RFC 4180) and described by a Table Schema.

use serde_json::{Value, json};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Words; made safe from being taken for formulas.
    Text,
    /// An exact decimal.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A day.
    Date,
    /// An instant in UTC.
    DateTime,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in the header row; it never changes.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// What it means.
    pub description: &'static str,
}

/// Shorthand for a column.
pub const fn column(name: &'static str, kind: ColumnType, description: &'static str) -> Column {
    Column { name, kind, description }
}

/// A cell's text; numbers and dates must be given as they print.
pub type CellText = Option<String>;

/// Writes the header row.
pub fn header(columns: &[Column]) -> Vec<u8> {
    line(columns.iter().map(|column| column.name.to_owned()))
}

/// Writes one row.
pub fn row(columns: &[Column], cells: impl IntoIterator<Item = CellText>) -> Vec<u8> {
    line(columns.iter().zip(cells).map(|(column, cell)| match (column.kind, cell) {
        (_, None) => String::new(),
        (ColumnType::Text, Some(text)) => safe(text),
        (_, Some(text)) => text,
    }))
}

/// Whether a text begins as a formula does, with or without apostrophes before it.
fn is_guarded_or_should_be(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Keeps a spreadsheet from running a text as a formula: an apostrophe before what would begin one, and before what
/// looks as if it had one already, so that [`unguarded`] gives back exactly what there was.
fn safe(text: String) -> String {
    if is_guarded_or_should_be(&text) { format!("'{text}") } else { text }
}

/// A text as it was before a table kept it from being run.
pub fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|bare| is_guarded_or_should_be(bare)).unwrap_or(text)
}

fn line(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut record = csv::StringRecord::new();
    cells.for_each(|cell| record.push_field(&cell));
    // Writing to memory cannot fail.
    let _written = writer.write_record(&record);
    writer.into_inner().unwrap_or_default()
}

/// The Table Schema of a table (Frictionless): names, types and meanings of its columns.
pub fn schema(columns: &[Column]) -> Value {
    let fields: Vec<Value> = columns
        .iter()
        .map(|column| {
            let kind = match column.kind {
                ColumnType::Text => "string",
                ColumnType::Number => "number",
                ColumnType::Integer => "integer",
                ColumnType::Boolean => "boolean",
                ColumnType::Date => "date",
                ColumnType::DateTime => "datetime",
            };
            json!({"name": column.name, "type": kind, "description": column.description})
        })
        .collect();
    json!({"fields": fields, "missingValues": [""]})
}

/// The columns of a table as CSVW describes them.
pub fn csvw_columns(columns: &[Column]) -> Value {
    let described = columns.iter().map(|column| {
        let kind = match column.kind {
            ColumnType::Text => "string",
            ColumnType::Number => "decimal",
            ColumnType::Integer => "integer",
            ColumnType::Boolean => "boolean",
            ColumnType::Date => "date",
            ColumnType::DateTime => "dateTimeStamp",
        };
        json!({"name": column.name, "titles": column.name, "datatype": kind, "null": "", "dc:description": column.description})
    });
    Value::Array(described.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_from_being_run_comes_back_as_it_was() {
        for text in ["=1", "'=1", "''-1", "'quoted'", "plain", "", "'", "-", "\t"] {
            let safe = safe(text.to_owned());
            assert!(!safe.starts_with(['=', '+', '-', '@', '\t', '\r']), "{safe}");
            assert_eq!(unguarded(&safe), text);
        }
        // Typed by hand without an apostrophe, it stands as it is.
        assert_eq!(unguarded("=1"), "=1");
    }

    #[test]
    fn texts_are_quoted_and_never_run_and_numbers_stay_numbers() {
        let columns =
            [column("a", ColumnType::Text, ""), column("b", ColumnType::Number, ""), column("c", ColumnType::Text, "")];
        assert_eq!(header(&columns), b"a,b,c\r\n");
        let cells = [Some("=1+1".to_owned()), Some("-4.5".to_owned()), Some("say \"no\", twice".to_owned())];
        assert_eq!(String::from_utf8(row(&columns, cells)).unwrap(), "'=1+1,-4.5,\"say \"\"no\"\", twice\"\r\n");
        assert_eq!(row(&columns, [None, None, None]), b",,\r\n");
    }
}
