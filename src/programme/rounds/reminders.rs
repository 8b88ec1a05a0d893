//! Reminders: what each person who reports figures still owes and by when, in one digest per day.
//!
//! A person is reminded of what is theirs as a sub-group's lead or a contributor: figures that are missing, overdue or
//! due within a fortnight, and open actions likewise. Anyone who only manages is reminded of nothing: they see it all
//! under `outstanding`.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use waymark_domain::access::{Access, Role};
use waymark_domain::action::ActionState;
use waymark_domain::ids::{PlanCode, Subject};
use waymark_domain::period::day_in_london;
use waymark_domain::round::ReturnKey;
use waymark_store::people;
use waymark_store::plans;
use waymark_store::reminders;

pub use waymark_store::reminders::Claim;

use crate::rounds::owed::Owed;
use crate::rounds::returns::ReturnLine;
use crate::rounds::templates::Template;
use crate::seen::Seen;
use crate::{Programme, Refusal};

/// How long ahead a person is reminded of what is due.
const AHEAD: TimeDelta = TimeDelta::days(14);

/// How long a digest that was claimed may take to be sent before another sends it.
const LEASE: TimeDelta = TimeDelta::minutes(10);

/// The most figures that the forms of one digest have.
const MOST_TO_FILL: usize = 500;

/// The most forms that a digest has.
const MOST_FORMS: usize = 10;

/// What one person is reminded of.
#[derive(Debug)]
pub struct Reminder {
    /// Whom.
    pub subject: Subject,
    /// Where mail to them goes: the address of their account, or if they have none, what they are called here, which may be no
    /// address. `None` if their account has no address.
    pub address: Option<String>,
    /// In which plans, and of what; at least one thing.
    pub plans: Vec<PlanReminder>,
    /// Whether a figure that is owed is in none of the forms, because there are too many.
    pub too_many_to_fill: bool,
}

/// What one person is reminded of in one plan.
#[derive(Debug)]
pub struct PlanReminder {
    /// The plan's code.
    pub plan: PlanCode,
    /// What the plan is called.
    pub title: String,
    /// What is owed, by its day.
    pub items: Vec<ReminderItem>,
    /// What to fill in: one form per return, and one for what is in no return.
    pub forms: Vec<ReminderForm>,
}

/// One thing that is owed.
#[derive(Clone, Debug)]
pub struct ReminderItem {
    /// By when.
    pub due: NaiveDate,
    /// Whether that is past.
    pub overdue: bool,
    /// In words, on one line.
    pub what: String,
    /// The return that it belongs to.
    pub in_return: Option<ReturnKey>,
}

/// A file with the figures that are owed.
#[derive(Debug)]
pub struct ReminderForm {
    /// What to call the file, without an ending.
    pub name: String,
    /// What is in it.
    pub template: Template,
}

impl Reminder {
    /// It in a line: how many things are overdue, and how many are due soon.
    pub fn title(&self) -> String {
        let items = || self.plans.iter().flat_map(|plan| &plan.items);
        let overdue = items().filter(|item| item.overdue).count();
        format!("{overdue} overdue, {} due soon", items().count() - overdue)
    }
}

impl Programme {
    /// Everyone who may have something to be reminded of.
    pub async fn people_to_remind(&self) -> Result<Vec<Subject>, Refusal> {
        self.store.read(|conn| Ok(reminders::people(conn)?)).await
    }

    /// What a person is to be reminded of; `None` if it is nothing.
    pub async fn reminder(&self, subject: &Subject, now: DateTime<Utc>) -> Result<Option<Reminder>, Refusal> {
        let (subject, pictures) = (subject.clone(), Arc::clone(&self.pictures));
        self.store
            .read(move |conn| {
                let mut found = Vec::new();
                let mut room = Room { figures: MOST_TO_FILL, forms: MOST_FORMS, exceeded: false };
                for plan in plans::list_plans(conn, &subject, None, i64::MAX)? {
                    let own = plan.grants.iter().filter(|grant| grant.plan.is_some());
                    let own = own.map(|grant| grant.granted.clone());
                    let own = own.filter(|granted| matches!(granted.role, Role::SubGroupLead | Role::Contributor));
                    let access = Access::new(own.collect());
                    if !access.reports_something() {
                        continue;
                    }
                    let picture = pictures.at_version(conn, plan.id, plan.seq)?;
                    let seen = Seen::new(picture, Arc::new(access), now);
                    found.push(seen.reminder(&mut room));
                }
                found.retain(|plan| !plan.items.is_empty());
                // What somebody is called here can by now be the address of somebody else.
                let address = match people::by_subject(conn, &subject)? {
                    Some(person) => person.email,
                    None => Some(subject.to_string()),
                };
                let reminder = Reminder { subject, address, plans: found, too_many_to_fill: room.exceeded };
                Ok((!reminder.plans.is_empty()).then_some(reminder))
            })
            .await
    }

    /// Claims a person's digest of a day, to send it now.
    pub async fn claim_reminder(
        &self,
        subject: &Subject,
        day: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Claim, Refusal> {
        let subject = subject.clone();
        self.store.write(move |write| Ok(reminders::claim(write, (&subject, day), now, now + LEASE)?)).await
    }

    /// Notes that the digest that was claimed at an instant was sent.
    pub async fn settle_reminder(
        &self,
        subject: &Subject,
        day: NaiveDate,
        claimed: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let subject = subject.clone();
        self.store.write(move |write| Ok(reminders::settle(write, (&subject, day), claimed)?)).await
    }

    /// Gives back the digest that was claimed at an instant: it could not be sent.
    pub async fn release_reminder(
        &self,
        subject: &Subject,
        day: NaiveDate,
        claimed: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let subject = subject.clone();
        self.store.write(move |write| Ok(reminders::release(write, (&subject, day), claimed, now)?)).await
    }
}

/// How much room a digest's forms have left.
struct Room {
    figures: usize,
    forms: usize,
    /// Whether something found no room.
    exceeded: bool,
}

impl Seen {
    /// What the reader owes: overdue, or due soon.
    fn reminder(&self, room: &mut Room) -> PlanReminder {
        let plan = &self.picture.plan().value;
        let mut found = PlanReminder {
            plan: plan.code.clone(),
            title: on_one_line(&plan.title),
            items: Vec::new(),
            forms: Vec::new(),
        };
        let mut spoken_of = BTreeSet::new();
        // A figure that two sub-groups are responsible for is in the return of each; it is spoken of once.
        let mut is_new = |line: &ReturnLine| {
            let one = &line.assessment;
            spoken_of.insert((one.kpi.clone(), one.period, one.group.clone()))
        };
        let soon = day_in_london(self.now + AHEAD);
        let is_owed = |line: &ReturnLine| line.reported_at.is_none() && day_in_london(line.due_at) <= soon;
        for report in self.returns_to_fill() {
            let lines: Vec<&ReturnLine> = report.lines.iter().filter(|line| is_owed(line) && is_new(line)).collect();
            let key = ReturnKey { period: report.period, sub_group: report.sub_group.clone() };
            found.items.extend(lines.iter().map(|line| self.reminder_item(line, Some(key.clone()))));
            let name = format!("{}-{}", report.sub_group, report.period);
            let title = self.template_title(&report.title, report.period);
            found.forms.extend(self.reminder_form((name, title), Some(day_in_london(report.due_at)), &lines, room));
        }
        let others = self.figures_without_return();
        let lines: Vec<&ReturnLine> =
            others.iter().flat_map(|one| &one.lines).filter(|line| is_owed(line) && is_new(line)).collect();
        found.items.extend(lines.iter().map(|line| self.reminder_item(line, None)));
        let title = format!("{}: figures that are in no return", plan.title);
        found.forms.extend(self.reminder_form((format!("{}-figures", plan.code), title), None, &lines, room));
        found.items.extend(self.actions_owed().filter(|item| item.due <= soon));
        found.items.sort_by(|a, b| (a.due, &a.what).cmp(&(b.due, &b.what)));
        found
    }

    fn reminder_item(&self, line: &ReturnLine, in_return: Option<ReturnKey>) -> ReminderItem {
        let one = &line.assessment;
        let whom = if one.group.is_all() { String::new() } else { format!(" ({})", one.group) };
        let what = on_one_line(&format!("figure of {}, {}, for {}{whom}", one.kpi, one.title, one.period.label()));
        ReminderItem { due: day_in_london(line.due_at), overdue: self.now > line.due_at, what, in_return }
    }

    /// The reader's open actions.
    fn actions_owed(&self) -> impl Iterator<Item = ReminderItem> {
        let actions = self.picture.actions().values().map(|kept| &kept.value.action);
        let open = actions.filter(|action| action.state == ActionState::Open);
        let own = open.filter(|action| {
            let entry = self.picture.kpis().get(&action.kpi);
            entry.is_some_and(|entry| self.access.reports(&entry.kpi, self.picture.area_of(&entry.kpi)))
        });
        own.map(|action| ReminderItem {
            due: action.due,
            overdue: action.is_overdue(self.now),
            what: on_one_line(&format!("action on {}: {}", action.kpi, action.what)),
            in_return: None,
        })
    }

    /// The form of some figures, as far as there is room.
    fn reminder_form(
        &self,
        (name, title): (String, String),
        due: Option<NaiveDate>,
        lines: &[&ReturnLine],
        room: &mut Room,
    ) -> Option<ReminderForm> {
        let fit = if room.forms == 0 { 0 } else { lines.len().min(room.figures) };
        room.exceeded |= fit < lines.len();
        let owed = lines.iter().take(fit).filter_map(|line| {
            let one = &line.assessment;
            let entry = self.picture.kpis().get(&one.kpi).filter(|entry| self.sees(&entry.kpi))?;
            Some(Owed { entry, period: one.period, group: one.group.clone() })
        });
        let mut owed: Vec<_> = owed.collect();
        owed.sort_by_key(|owed| self.picture.place_in_plan(&owed.entry.kpi));
        let lines: Vec<_> = owed.iter().filter_map(|owed| self.template_line(owed)).collect();
        if lines.is_empty() {
            return None;
        }
        room.figures -= fit;
        room.forms -= 1;
        Some(ReminderForm { name, template: Template { title, due, lines } })
    }
}

/// Words without breaks of the line: each thing has one.
fn on_one_line(words: &str) -> String {
    words.replace(['\r', '\n'], " ")
}
