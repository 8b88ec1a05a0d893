//! Forms made of fields: what is asked of somebody who makes or changes a thing, and what is wrong with what they typed.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::in_code;

/// What stands in a form: the texts of each field, by the field's name. A field without any is not there.
pub type Typed = BTreeMap<String, Vec<String>>;

/// One field of a form. Its name is that of the member it is for; within a member that has members of its own,
/// `headline/on_track_percent`.
#[derive(Clone, Debug)]
pub struct Field {
    /// The member.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What to know before it is filled in; empty if nothing.
    pub hint: &'static str,
    /// How it is filled in.
    pub input: Input,
    /// Whether it names the thing, and so never changes.
    pub is_fixed: bool,
}

/// How a field is filled in.
#[derive(Clone, Debug)]
pub enum Input {
    /// With a line of text.
    Line,
    /// With text of several lines.
    Words,
    /// With codes, one per line.
    Codes,
    /// With a number.
    Number,
    /// With numbers, one per line.
    Numbers,
    /// With a day.
    Day,
    /// With the last day of something; what is meant is the end of it.
    LastDay,
    /// With a tick or none.
    Tick,
    /// With one of these.
    Choice(Vec<Choice>),
    /// With any of these.
    Several(Vec<Choice>),
    /// With rows of fields, in their order.
    Rows(Vec<Field>),
}

/// Something to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub words: String,
}

impl Choice {
    /// One with these words.
    pub fn new(value: impl Into<String>, words: impl Into<String>) -> Self {
        Self { value: value.into(), words: words.into() }
    }
}

/// Something wrong in a form.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The field, or `None` for the form as a whole.
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub detail: String,
}

/// How many empty rows are offered after those that are filled in.
const SPARE_ROWS: usize = 3;

impl Field {
    /// A field that may change and has no hint.
    pub const fn new(name: &'static str, label: &'static str, input: Input) -> Self {
        Self { name, label, hint: "", input, is_fixed: false }
    }

    /// The same with something to know.
    #[must_use]
    pub const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// The same, if it names the thing.
    #[must_use]
    pub const fn fixed(mut self) -> Self {
        self.is_fixed = true;
        self
    }
}

/// The name of a field in a row of rows.
pub fn in_row(rows: &str, row: usize, name: &str) -> String {
    format!("{rows}.{row}.{name}")
}

/// What a field is known by within its page.
fn id_of(name: &str) -> String {
    format!("f-{}", name.replace(['/', '.', '_'], "-"))
}

/// A form's fields with what stands in them, and what is wrong.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    /// The fields in their order.
    pub fields: &'a [Field],
    /// What stands in them.
    pub typed: &'a Typed,
    /// What was there when the page was made, by field: what is left as it is, is left as it is stored.
    pub was: &'a BTreeMap<&'static str, String>,
    /// What is wrong.
    pub faults: &'a [Fault],
}

/// The name of the field that says what a field was.
pub fn was_of(name: &str) -> String {
    format!("{name}.was")
}

impl Fields<'_> {
    /// Everything that is wrong, at the head of the page.
    pub fn summary(&self) -> Markup {
        html! {
            @if !self.faults.is_empty() {
                div.errors { div role="alert" {
                    h2 { "There is a problem" }
                    p { "Nothing has been saved." }
                    ul { @for fault in self.faults { li {
                        @match &fault.field {
                            Some(field) => a href={ "#" (id_of(field)) } { (in_code(&fault.detail)) },
                            None => (in_code(&fault.detail)),
                        }
                    } } }
                } }
            }
        }
    }

    /// The fields; of something that is there already, what names it is not among them.
    pub fn shown(&self, is_new: bool) -> Markup {
        html! {
            @for field in self.fields.iter().filter(|field| is_new || !field.is_fixed) { (self.field(field, field.name)) }
            @for (name, was) in self.was { input type="hidden" name=(was_of(name)) value=(was); }
        }
    }

    fn text(&self, name: &str) -> &str {
        self.texts(name).first().map_or("", String::as_str)
    }

    fn texts(&self, name: &str) -> &[String] {
        self.typed.get(name).map_or(&[], Vec::as_slice)
    }

    fn faults_of(&self, name: &str) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(move |fault| fault.field.as_deref() == Some(name))
    }

    /// What is wrong with a field, beside it, and what says that it belongs to it.
    fn told(&self, name: &str) -> (Markup, Option<String>) {
        let id = format!("{}-e", id_of(name));
        let wrong: Vec<&str> = self.faults_of(name).map(|fault| fault.detail.as_str()).collect();
        let words = html! {
            @if !wrong.is_empty() {
                p.err id=(id) { @for detail in &wrong { span.vh { "Error: " } (in_code(detail)) " " } }
            }
        };
        (words, (!wrong.is_empty()).then_some(id))
    }

    fn field(&self, field: &Field, name: &str) -> Markup {
        let id = id_of(name);
        let hint_id = format!("{id}-h");
        let (wrong, wrong_id) = self.told(name);
        let described = match (field.hint.is_empty(), &wrong_id) {
            (true, None) => None,
            (true, Some(wrong)) => Some(wrong.clone()),
            (false, None) => Some(hint_id.clone()),
            (false, Some(wrong)) => Some(format!("{hint_id} {wrong}")),
        };
        let hint = html! { @if !field.hint.is_empty() { span.hint id=(hint_id) { (field.hint) } } };
        match &field.input {
            Input::Several(choices) => html! {
                fieldset.field.several id=(id) tabindex="-1" aria-describedby=[described] {
                    legend { (field.label) }
                    (hint) (wrong)
                    @for choice in choices {
                        label.tick {
                            input type="checkbox" name=(name) value=(choice.value) checked[self.texts(name).contains(&choice.value)];
                            " " (choice.words)
                        }
                    }
                    @if choices.is_empty() { p.quiet { "There is nothing to choose yet." } }
                }
            },
            Input::Rows(columns) => self.rows(field, name, columns, &html! { (hint) (wrong) }),
            Input::Tick => html! {
                div.field {
                    label.tick for=(id) {
                        input type="checkbox" id=(id) name=(name) value="true" checked[self.text(name) == "true"]
                            aria-describedby=[described] aria-invalid=[wrong_id.as_ref().map(|_| "true")];
                        " " (field.label)
                    }
                    (hint) (wrong)
                }
            },
            _ => html! {
                div.field {
                    label for=(id) { (field.label) }
                    (hint) (wrong)
                    (self.control(field, name, described.as_deref(), None))
                }
            },
        }
    }

    /// What is typed into, of a field of one value.
    fn control(&self, field: &Field, name: &str, described: Option<&str>, label: Option<&str>) -> Markup {
        let (id, text) = (id_of(name), self.text(name));
        let invalid = self.faults_of(name).next().map(|_| "true");
        match &field.input {
            Input::Words | Input::Codes | Input::Numbers => html! {
                textarea id=(id) name=(name) rows="3" aria-describedby=[described] aria-invalid=[invalid] aria-label=[label] { "\n" (text) }
            },
            Input::Choice(choices) => html! {
                select id=(id) name=(name) aria-describedby=[described] aria-invalid=[invalid] aria-label=[label] {
                    option value="" selected[text.is_empty()] { "" }
                    @for choice in choices { option value=(choice.value) selected[choice.value == text] { (choice.words) } }
                    // What no longer is among them is not lost by saving something else.
                    @if !text.is_empty() && !choices.iter().any(|choice| choice.value == text) { option value=(text) selected { (text) } }
                }
            },
            Input::Tick => html! {
                input type="checkbox" id=(id) name=(name) value="true" checked[text == "true"] aria-invalid=[invalid] aria-label=[label];
            },
            Input::Day | Input::LastDay => html! {
                input type="date" id=(id) name=(name) value=(text) aria-describedby=[described] aria-invalid=[invalid] aria-label=[label];
            },
            Input::Number => html! {
                input type="text" inputmode="decimal" size="12" id=(id) name=(name) value=(text) autocomplete="off"
                    aria-describedby=[described] aria-invalid=[invalid] aria-label=[label];
            },
            Input::Line | Input::Several(_) | Input::Rows(_) => html! {
                input type="text" size=(if label.is_some() { "16" } else { "44" }) id=(id) name=(name) value=(text) autocomplete="off"
                    aria-describedby=[described] aria-invalid=[invalid] aria-label=[label];
            },
        }
    }

    fn rows(&self, field: &Field, name: &str, columns: &[Field], head: &Markup) -> Markup {
        let prefix = format!("{name}.");
        let place = |key: &str| key.strip_prefix(&prefix)?.split('.').next()?.parse::<usize>().ok();
        let filled = self.typed.keys().filter_map(|key| place(key)).max().map_or(0, |last| last + 1);
        html! {
            fieldset.field id=(id_of(name)) tabindex="-1" {
                legend { (field.label) }
                (head)
                div.scroll role="region" aria-label=(field.label) tabindex="0" { table.rows {
                    thead { tr { th scope="col" { span.vh { "Row" } } @for column in columns { th scope="col" { (column.label) } } } }
                    tbody { @for row in 0..filled + SPARE_ROWS { tr {
                        th scope="row" id=(id_of(&format!("{name}.{row}"))) { (row + 1) }
                        @for column in columns {
                            @let cell = in_row(name, row, column.name);
                            @let (wrong, wrong_id) = self.told(&cell);
                            td {
                                (self.control(column, &cell, wrong_id.as_deref(), Some(&format!("{}, row {}", column.label, row + 1))))
                                (wrong)
                            }
                        }
                    } } }
                } }
            }
        }
    }
}
