//! Flat tables: stable column names, written as CSV (RFC 4180) and described by a Table Schema.

use std::borrow::Borrow;

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

/// What a table says of one of its columns.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in the header row; it never changes.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// What it means.
    pub description: &'static str,
}

/// A cell's text; numbers and dates must be given as they print.
pub type CellText = Option<String>;

/// One column of a table with one `T` per row. Header, rows, Table Schema and CSVW all come from one list of these, so
/// that a cell cannot be under another column's name.
pub struct Column<T> {
    /// What the table says of it.
    pub field: Field,
    /// Its cell in a row.
    pub cell: fn(&T) -> CellText,
}

/// The columns of a table: `columns!(|one: Reading| "value": Number, "The exact figure." => figure(one.value); ..)`.
#[macro_export]
macro_rules! columns {
    (|$row:ident: $type:ty| $($name:literal: $kind:ident, $words:literal => $cell:expr;)+) => {
        vec![$($crate::table::Column {
            field: $crate::table::Field {
                name: $name,
                kind: $crate::table::ColumnType::$kind,
                description: $words,
            },
            cell: |$row: &$type| $cell,
        }),+]
    };
}

/// What a table says of its columns.
pub fn fields<T>(columns: &[Column<T>]) -> Vec<Field> {
    columns.iter().map(|column| column.field).collect()
}

/// The cells of one row.
pub fn cells<T>(columns: &[Column<T>], row: &T) -> Vec<CellText> {
    columns.iter().map(|column| (column.cell)(row)).collect()
}

/// A table as CSV.
pub fn csv<T>(columns: &[Column<T>], rows: impl IntoIterator<Item = impl Borrow<T>>) -> Vec<u8> {
    let mut written = header(&fields(columns));
    written.extend(lines(columns, rows));
    written
}

/// The rows of a table as CSV, without a header.
pub fn lines<T>(columns: &[Column<T>], rows: impl IntoIterator<Item = impl Borrow<T>>) -> Vec<u8> {
    let fields = fields(columns);
    rows.into_iter().flat_map(|item| row(&fields, cells(columns, item.borrow()))).collect()
}

/// Writes the header row.
pub fn header(fields: &[Field]) -> Vec<u8> {
    line(fields.iter().map(|field| field.name.to_owned()))
}

/// Writes one row.
pub fn row(fields: &[Field], cells: impl IntoIterator<Item = CellText>) -> Vec<u8> {
    line(fields.iter().zip(cells).map(|(field, cell)| match (field.kind, cell) {
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
pub fn schema(fields: &[Field]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|Field { name, kind, description }| {
            let kind = match kind {
                ColumnType::Text => "string",
                ColumnType::Number => "number",
                ColumnType::Integer => "integer",
                ColumnType::Boolean => "boolean",
                ColumnType::Date => "date",
                ColumnType::DateTime => "datetime",
            };
            json!({"name": name, "type": kind, "description": description})
        })
        .collect();
    json!({"fields": fields, "missingValues": [""]})
}

/// The columns of a table as CSVW describes them.
pub fn csvw_columns(fields: &[Field]) -> Value {
    let described = fields.iter().map(|Field { name, kind, description }| {
        let kind = match kind {
            ColumnType::Text => "string",
            ColumnType::Number => "decimal",
            ColumnType::Integer => "integer",
            ColumnType::Boolean => "boolean",
            ColumnType::Date => "date",
            ColumnType::DateTime => "dateTimeStamp",
        };
        json!({"name": name, "titles": name, "datatype": kind, "null": "", "dc:description": description})
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
        // Typed by hand without an apostrophe, it stays as it is.
        assert_eq!(unguarded("=1"), "=1");
    }

    #[test]
    fn texts_are_quoted_and_never_run_and_numbers_stay_numbers() {
        let columns = columns!(|row: [&str; 3]|
            "a": Text, "" => Some(row[0].to_owned());
            "b": Number, "" => Some(row[1].to_owned());
            "c": Text, "" => Some(row[2].to_owned());
        );
        let written = String::from_utf8(csv(&columns, [["=1+1", "-4.5", "say \"no\", twice"]])).unwrap();
        assert_eq!(written, "a,b,c\r\n'=1+1,-4.5,\"say \"\"no\"\", twice\"\r\n");
        assert_eq!(row(&fields(&columns), [None, None, None]), b",,\r\n");
    }
}
