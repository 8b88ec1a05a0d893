//! Reminders: what each person who reports figures still owes and by when, in one digest per day.
//!
//! A person is reminded of what is theirs as a sub-group's lead or a contributor: figures that are missing, overdue or
//! due within a fortnight, and open actions likewise. Anyone who only manages is reminded of nothing: they see it all
//! under `outstanding`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use waymark_domain::access::{Access, Role};
use waymark_domain::action::ActionState;
use waymark_domain::ids::Subject;
use waymark_domain::period::day_in_london;
use waymark_store::{plans, reminders};

use crate::seen::Seen;
use crate::{Programme, Refusal};

/// How long ahead a person is reminded of what is due.
const AHEAD: TimeDelta = TimeDelta::days(14);

/// What one person is reminded of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// Whom.
    pub subject: Subject,
    /// In a line.
    pub title: String,
    /// In full, in plain text.
    pub text: String,
}

/// One thing that is owed.
struct Owed {
    due: NaiveDate,
    overdue: bool,
    what: String,
}

impl Programme {
    /// What everyone is to be reminded of, person by person.
    pub async fn reminders(&self, now: DateTime<Utc>) -> Result<Vec<Reminder>, Refusal> {
        let pictures = Arc::clone(&self.pictures);
        self.store
            .read(move |conn| {
                let mut found = Vec::new();
                for subject in reminders::people(conn)? {
                    let mut plans_owed = Vec::new();
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
                        let owed = seen.owed();
                        if !owed.is_empty() {
                            plans_owed.push((seen.plan().value.title.clone(), owed));
                        }
                    }
                    found.extend(written(subject, &plans_owed));
                }
                Ok(found)
            })
            .await
    }

    /// Takes it on to remind a person on the day of `now`; `false` if another did.
    pub async fn claim_reminder(&self, subject: &Subject, now: DateTime<Utc>) -> Result<bool, Refusal> {
        let subject = subject.clone();
        self.store.write(move |write| Ok(reminders::claim(write, &subject, day_in_london(now), now)?)).await
    }

    /// Gives it back: it could not be sent.
    pub async fn release_reminder(&self, subject: &Subject, now: DateTime<Utc>) -> Result<(), Refusal> {
        let subject = subject.clone();
        self.store.write(move |write| Ok(reminders::release(write, &subject, day_in_london(now), now)?)).await
    }
}

impl Seen {
    /// What the reader owes: overdue, or due soon.
    fn owed(&self) -> Vec<Owed> {
        let soon = day_in_london(self.now + AHEAD);
        let mut owed = Vec::new();
        let returns = self.returns_to_fill().into_iter().flat_map(|report| report.lines);
        let others = self.figures_without_return().into_iter().flat_map(|figures| figures.lines);
        let mut spoken_of = BTreeSet::new();
        for line in returns.chain(others).filter(|line| line.reported_at.is_none()) {
            let one = &line.assessment;
            // A figure that two sub-groups are responsible for is in the return of each.
            if spoken_of.insert((one.kpi.clone(), one.period, one.group.clone())) {
                let (one, due) = (&line.assessment, day_in_london(line.due_at));
                let whom = if one.group.is_all() { String::new() } else { format!(" ({})", one.group) };
                let what = format!("figure of {}, {}, for {}{whom}", one.kpi, one.title, one.period.label());
                owed.push(Owed { due, overdue: self.now > line.due_at, what });
            }
        }
        for action in self.picture.actions().values().map(|kept| &kept.value.action) {
            let Some(entry) = self.picture.kpis().get(&action.kpi) else { continue };
            if action.state == ActionState::Open && self.access.reports(&entry.kpi, self.picture.area_of(&entry.kpi)) {
                let what = format!("action on {}: {}", action.kpi, action.what);
                owed.push(Owed { due: action.due, overdue: action.is_overdue(self.now), what });
            }
        }
        owed.retain(|one| one.due <= soon);
        owed.sort_by(|a, b| (a.due, &a.what).cmp(&(b.due, &b.what)));
        owed
    }
}

/// A person's digest; `None` if there is nothing to say.
fn written(subject: Subject, plans: &[(String, Vec<Owed>)]) -> Option<Reminder> {
    let all = || plans.iter().flat_map(|(_, owed)| owed);
    let overdue = all().filter(|one| one.overdue).count();
    let due = all().count() - overdue;
    if overdue + due == 0 {
        return None;
    }
    let mut text = String::new();
    for (title, owed) in plans {
        // Writing to a String cannot fail.
        let _title = writeln!(text, "{title}");
        for (heading, is_overdue) in [("Overdue", true), ("Due in the next two weeks", false)] {
            let mut of_kind = owed.iter().filter(|one| one.overdue == is_overdue).peekable();
            if of_kind.peek().is_some() {
                let _heading = writeln!(text, "\n{heading}:");
            }
            for one in of_kind {
                let _line =
                    writeln!(text, "- {}: {}", one.due.format("%-d %B %Y"), one.what.replace(['\r', '\n'], " "));
            }
        }
        text.push('\n');
    }
    Some(Reminder { subject, title: format!("{overdue} overdue, {due} due soon"), text })
}
