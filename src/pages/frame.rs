//! What every page has: its head, the strip with the plan and the person, the ways through the service, and its foot.

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};

use super::assets::{ICON, SCRIPT, STYLE};
use super::marks::SPRITE;

/// A page without what is particular to it.
#[derive(Clone, Debug, Default)]
pub struct Frame<'a> {
    /// What the page is called, before the plan's title.
    pub title: String,
    /// The plan that it is of.
    pub plan: Option<PlanHead<'a>>,
    /// Who is signed in.
    pub person: Option<Person<'a>>,
    /// Which of the plan's pages it is.
    pub tab: Option<Tab>,
    /// The class of its body.
    pub class: &'static str,
    /// What stands at the head of each printed page, and as of when it is known.
    pub printed: Option<(String, String)>,
    /// The addresses that give the same as data, each with its name.
    pub data: Vec<(&'static str, String)>,
}

/// The plan of a page.
#[derive(Clone, Copy, Debug)]
pub struct PlanHead<'a> {
    /// Its code.
    pub code: &'a str,
    /// Its title.
    pub title: &'a str,
    /// What readers should know of it.
    pub notice: &'a str,
    /// The pages that there are for the reader.
    pub tabs: &'a [Tab],
}

/// Who is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// What they are called.
    pub name: &'a str,
    /// What their forms carry, so that no other page can send one in their name.
    pub form_token: &'a str,
}

/// A page of a plan that every page leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// How all KPIs are doing.
    Scorecard,
    /// What the Board looks at.
    Board,
    /// What is owed.
    Returns,
    /// What the plan is made of.
    SetUp,
}

impl Tab {
    fn words(self) -> &'static str {
        match self {
            Self::Scorecard => "Scorecard",
            Self::Board => "Board room",
            Self::Returns => "Returns",
            Self::SetUp => "Set-up",
        }
    }

    /// What follows the plan's address.
    fn path(self) -> &'static str {
        match self {
            Self::Scorecard => "",
            Self::Board => "/board",
            Self::Returns => "/returns",
            Self::SetUp => "/set-up",
        }
    }
}

/// The name of the field that a form's token is sent in.
pub const FORM_TOKEN: &str = "form_token";

/// The token that each form carries.
pub(super) fn form_token(person: Option<Person<'_>>) -> Markup {
    html! { @if let Some(person) = person { input type="hidden" name=(FORM_TOKEN) value=(person.form_token); } }
}

/// A form that is one button, worded like a link.
struct SignOut<'a>(Person<'a>);

impl Render for SignOut<'_> {
    fn render(&self) -> Markup {
        html! {
            form.out method="post" action="/sign-out" {
                (form_token(Some(self.0)))
                button.link { "Sign out" }
            }
        }
    }
}

impl Frame<'_> {
    /// The same as a file of its own, which loads nothing: its style is in it.
    pub fn in_a_file(&self, content: &Markup) -> String {
        let (head, as_at) = self.printed.as_ref().map(|(head, as_at)| (head.as_str(), as_at.as_str())).unzip();
        let page = html! {
            (DOCTYPE)
            html lang="en-GB" data-head=[head] data-asat=[as_at] {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    style { (PreEscaped(STYLE.content)) }
                }
                body class=[(!self.class.is_empty()).then_some(self.class)] { (SPRITE) main.wrap #main { (content) } }
            }
        };
        page.into_string()
    }

    /// The whole page around its content.
    pub fn around(&self, content: &Markup) -> String {
        let name = match &self.plan {
            Some(plan) => format!("{} - {} - Waymark", self.title, plan.title),
            None => format!("{} - Waymark", self.title),
        };
        let (head, as_at) = self.printed.as_ref().map(|(head, as_at)| (head.as_str(), as_at.as_str())).unzip();
        let page = html! {
            (DOCTYPE)
            html lang="en-GB" data-head=[head] data-asat=[as_at] {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (name) }
                    link rel="stylesheet" href=(STYLE.address());
                    link rel="icon" type="image/svg+xml" href=(ICON.address());
                    script src=(SCRIPT.address()) defer {}
                }
                body class=[(!self.class.is_empty()).then_some(self.class)] {
                    (SPRITE)
                    a.skip href="#main" { "Skip to main content" }
                    header {
                        div.strip { div.wrap {
                            a.brand href="/" { (BRAND) "Waymark" }
                            @if let Some(plan) = &self.plan { p { (plan.title) } }
                            @if let Some(person) = self.person {
                                div.who { a href="/account" { (person.name) } " " (SignOut(person)) }
                            } @else {
                                p.who { a href="/sign-in" { "Sign in" } }
                            }
                        } }
                        @if let Some(plan) = &self.plan { (self.ways(plan)) }
                    }
                    main.wrap #main tabindex="-1" { (content) }
                    (self.foot())
                }
            }
        };
        page.into_string()
    }

    fn ways(&self, plan: &PlanHead<'_>) -> Markup {
        html! {
            @if !plan.tabs.is_empty() { nav.nav aria-label="Plan" { div.wrap { ul {
                @for tab in plan.tabs {
                    li {
                        a href={ "/plans/" (plan.code) (tab.path()) } aria-current=[(self.tab == Some(*tab)).then_some("page")] {
                            (tab.words())
                        }
                    }
                }
            } } } }
            @if !plan.notice.is_empty() { div.notice { div.wrap { p { (plan.notice) } } } }
        }
    }

    fn foot(&self) -> Markup {
        html! {
            footer.foot { div.wrap {
                @if !self.data.is_empty() {
                    p {
                        "This page as data: "
                        @for (place, (name, address)) in self.data.iter().enumerate() {
                            @if place > 0 { ", " }
                            a href=(address) { (name) }
                        }
                    }
                }
                p { a href="/accessibility" { "Accessibility statement" } }
                p { a href="/privacy" { "Privacy: one cookie, to keep you signed in" } }
                p { a href="/help" { "Help" } }
            } }
        }
    }
}

const BRAND: PreEscaped<&str> = PreEscaped(
    "<svg viewBox=\"0 0 18 22\" aria-hidden=\"true\"><path d=\"M9 22V1M9 3h6l2 2.5L15 8H9M9 10H4L2 12.5 4 15h5\"/></svg>",
);
