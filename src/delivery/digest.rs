//! A reminder in words: as plain text, as HTML, and as what a webhook is sent, each leading to the page where the person
//! does it.

use maud::{DOCTYPE, html};
use serde_json::{Value, json};

use crate::domain::ids::PlanCode;
use crate::domain::round::ReturnKey;
use crate::programme::rounds::reminders::{PlanReminder, Reminder, ReminderItem};

/// The two lists of a plan, in their order: its heading, and whether it is of what is overdue.
const LISTS: [(&str, bool); 2] = [("Overdue", true), ("Due in the next two weeks", false)];

/// Where the pages are, if they can be reached from outside.
#[derive(Clone, Debug, Default)]
pub struct Site(Option<String>);

impl Site {
    /// The pages of a service that is reached at this address.
    pub fn new(public_url: Option<&str>) -> Self {
        Self(public_url.map(|url| url.trim_end_matches('/').to_owned()))
    }

    /// The name of its host, if it has one that stands in addresses of mail.
    pub fn host(&self) -> Option<&str> {
        let (_, rest) = self.0.as_deref()?.split_once("://")?;
        let host = rest.split(['/', ':']).next()?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        (!host.is_empty() && host.bytes().all(is_name)).then_some(host)
    }

    /// The page of a plan's returns.
    fn returns(&self, plan: &PlanCode) -> Option<String> {
        self.0.as_ref().map(|base| format!("{base}/plans/{plan}/returns"))
    }

    /// The page where an item is done, if it has one of its own.
    fn page(&self, plan: &PlanCode, key: Option<&ReturnKey>) -> Option<String> {
        let ReturnKey { period, sub_group } = key?;
        self.returns(plan).map(|returns| format!("{returns}/{period}/{sub_group}"))
    }

    /// The digest as plain text.
    pub fn text(&self, reminder: &Reminder) -> String {
        let mut lines = Vec::new();
        for plan in &reminder.plans {
            lines.push(plan.title.clone());
            lines.extend(self.returns(&plan.plan));
            for (heading, items) in lists(plan) {
                lines.push(format!("\n{heading}:"));
                for item in items {
                    lines.push(format!("- {}: {}", day(item), item.what));
                    lines.extend(self.page(&plan.plan, item.in_return.as_ref()).map(|url| format!("  {url}")));
                }
            }
            lines.push(String::new());
        }
        lines.join("\n") + "\n"
    }

    /// The digest as HTML, with the same words as the text; `note` stands below.
    pub fn html(&self, reminder: &Reminder, note: &str) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en-GB" {
                head { meta charset="utf-8"; title { (reminder.title()) } }
                body {
                    @for plan in &reminder.plans {
                        h1 {
                            @match self.returns(&plan.plan) {
                                Some(url) => a href=(url) { (plan.title) },
                                None => (plan.title),
                            }
                        }
                        @for (heading, items) in lists(plan) {
                            h2 { (heading) }
                            ul {
                                @for item in items {
                                    li {
                                        (day(item)) ": "
                                        @match self.page(&plan.plan, item.in_return.as_ref()) {
                                            Some(url) => a href=(url) { (item.what) },
                                            None => (item.what),
                                        }
                                    }
                                }
                            }
                        }
                    }
                    @if !note.is_empty() { p { (note) } }
                }
            }
        };
        page.into_string()
    }

    /// The plans of a digest, each with its pages, for a program. Without an address of the service, `url` is null.
    pub fn plans(&self, reminder: &Reminder) -> Vec<Value> {
        let plan = |plan: &PlanReminder| {
            let mut keys: Vec<&ReturnKey> = plan.items.iter().filter_map(|item| item.in_return.as_ref()).collect();
            keys.sort();
            keys.dedup();
            let return_page = |key: &&ReturnKey| {
                let url = self.page(&plan.plan, Some(key));
                json!({"period": key.period.to_string(), "sub_group": key.sub_group, "url": url})
            };
            let returns: Vec<Value> = keys.iter().map(return_page).collect();
            json!({"plan": plan.plan, "title": plan.title, "url": self.returns(&plan.plan), "returns": returns})
        };
        reminder.plans.iter().map(plan).collect()
    }
}

/// The lists of a plan that have something in them.
fn lists(plan: &PlanReminder) -> impl Iterator<Item = (&'static str, Vec<&ReminderItem>)> {
    let lists = LISTS.into_iter().map(|(heading, overdue)| {
        (heading, plan.items.iter().filter(|item| item.overdue == overdue).collect::<Vec<_>>())
    });
    lists.filter(|(_, items)| !items.is_empty())
}

fn day(item: &ReminderItem) -> String {
    item.due.format("%-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reminder() -> Reminder {
        let item = |what: &str, key: Option<&str>| ReminderItem {
            due: "2010-05-20".parse().unwrap(),
            overdue: false,
            what: what.to_owned(),
            in_return: key
                .map(|period| ReturnKey { period: period.parse().unwrap(), sub_group: "be-healthy".parse().unwrap() }),
        };
        let items = vec![item("<b>figure</b> & \"all\"", Some("FY2009-10-Q4")), item("action", None)];
        let plan = PlanReminder {
            plan: "harrow".parse().unwrap(),
            title: "Harrow <plan>".to_owned(),
            items,
            forms: Vec::new(),
        };
        let subject = "jo@harrow.example".parse().unwrap();
        Reminder { subject, address: None, plans: vec![plan], too_many_to_fill: false }
    }

    #[test]
    fn each_line_leads_to_its_page_if_there_is_one() {
        let site = Site::new(Some("https://waymark.example/"));
        assert_eq!(
            site.text(&reminder()),
            "Harrow <plan>\nhttps://waymark.example/plans/harrow/returns\n\nDue in the next two weeks:\n\
             - 20 May 2010: <b>figure</b> & \"all\"\n  \
             https://waymark.example/plans/harrow/returns/FY2009-10-Q4/be-healthy\n- 20 May 2010: action\n\n"
        );
        assert_eq!(
            Site::default().text(&reminder()),
            "Harrow <plan>\n\nDue in the next two weeks:\n- 20 May 2010: <b>figure</b> & \"all\"\n- 20 May 2010: action\n\n"
        );
        assert_eq!(Site::default().plans(&reminder())[0]["url"], Value::Null);
    }

    #[test]
    fn html_has_nothing_of_the_words_as_markup() {
        let page = Site::new(Some("https://waymark.example")).html(&reminder(), "a < b");
        assert!(!page.contains("<b>") && !page.contains("<plan>") && !page.contains("a < b"), "{page}");
        let link = "<a href=\"https://waymark.example/plans/harrow/returns/FY2009-10-Q4/be-healthy\">&lt;b&gt;figure";
        assert!(page.contains(link), "{page}");
        assert!(!Site::default().html(&reminder(), "").contains("href"));
    }

    #[test]
    fn a_host_is_a_name() {
        for (url, host) in [
            ("https://waymark.example/kpis", Some("waymark.example")),
            ("http://127.0.0.1:8080", Some("127.0.0.1")),
            ("http://[::1]:8080", None),
            ("waymark.example", None),
            ("https://", None),
        ] {
            assert_eq!(Site::new(Some(url)).host(), host, "{url}");
        }
    }
}
