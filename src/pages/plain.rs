//! Pages of words: signing in, what went wrong, and what the service says of itself.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::frame::{Frame, Person, form_token};
use super::words;
use crate::domain::board_report::BoardReport;

/// Whether the sign-in of an organisation can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Organisation {
    /// It can.
    Ready,
    /// It does not answer.
    Unreachable,
}

/// How somebody can sign in.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignInPage<'a> {
    /// Whether people sign in with an account of their organisation.
    pub organisation: Option<Organisation>,
    /// Where they go afterwards, a path of this service.
    pub then: Option<&'a str>,
    /// The secret of a link that they followed.
    pub link: Option<&'a str>,
    /// What is wrong with what they came with.
    pub error: Option<&'a str>,
    /// Who is signed in already, and will not be any more.
    pub person: Option<Person<'a>>,
}

impl SignInPage<'_> {
    /// The whole page.
    pub fn page(&self) -> String {
        let title = if self.error.is_some() { "Error: Sign in" } else { "Sign in" };
        let frame = Frame { title: title.to_owned(), person: self.person, ..Frame::default() };
        frame.around(&html! {
            div.slim {
                h1 { "Sign in" }
                @if let Some(person) = self.person { p { "You are signed in as " (person.name) ". Signing in again ends that." } }
                @if let Some(error) = self.error {
                    div.errors { div role="alert" {
                        h2 { "There is a problem" }
                        ul { li { a href=(if self.organisation.is_some() { "#organisation" } else { "#token" }) { (error) } } }
                    } }
                }
                @if let Some(organisation) = self.organisation { (self.account(organisation)) p.or { "or" } }
                @if let Some(link) = self.link {
                    form method="post" action="/sign-in" {
                        p { "You followed a link that signs you in once, on this device." }
                        (self.destination())
                        input type="hidden" name="link" value=(link);
                        div.btns { button.btn { "Sign in" } }
                    }
                    p.or { "or" }
                }
                form method="post" action="/sign-in" {
                    (self.destination())
                    div.field {
                        label for="token" { "Personal access token" }
                        span.hint #token-h { "It begins with wmk_. Anyone who can use the API can make one." }
                        @if let Some(error) = self.error { p.err #token-e { span.vh { "Error: " } (error) } }
                        input #token name="token" type="password" autocomplete="current-password" spellcheck="false" size="44"
                            aria-describedby=(if self.error.is_some() { "token-h token-e" } else { "token-h" })
                            aria-invalid=[self.error.map(|_| "true")];
                    }
                    div.btns { button.btn.alt { "Sign in with the token" } }
                }
                p.small.quiet { "We set one cookie, which keeps you signed in for eight hours." @if self.organisation.is_some() { " Another is there while you sign in with your organisation's account, for ten minutes at most." } @else { " There are no others." } }
            }
        })
    }

    /// A link, because pages may send forms nowhere but here.
    fn account(&self, organisation: Organisation) -> Markup {
        let then = self.then.map(|then| format!("?then={}", utf8_percent_encode(then, NON_ALPHANUMERIC)));
        html! {
            div #organisation {
                @if organisation == Organisation::Unreachable {
                    p { "Your organisation's sign-in cannot be reached at the moment. Try again in a few minutes." }
                }
                div.btns {
                    a.btn href={ "/sign-in/organisation" (then.unwrap_or_default()) } { "Sign in with your organisation's account" }
                }
            }
        }
    }

    fn destination(&self) -> Markup {
        html! { (form_token(self.person)) @if let Some(then) = self.then { input type="hidden" name="then" value=(then); } }
    }
}

/// Something that went wrong, as a page states it.
#[derive(Debug)]
pub struct ProblemPage<'a> {
    /// The status code.
    pub status: u16,
    /// The problem's code.
    pub code: &'a str,
    /// What kind of problem it is, in a few words.
    pub title: &'a str,
    /// What is wrong here, and what to do.
    pub detail: &'a str,
    /// Everything that is wrong, one by one, if there is more than the detail says.
    pub errors: &'a [String],
    /// This occurrence, to be quoted.
    pub instance: &'a str,
}

impl ProblemPage<'_> {
    /// The whole page.
    pub fn page(&self, frame: Frame<'_>) -> String {
        let title = if self.status == 404 { "Page not found" } else { self.title };
        Frame { title: title.to_owned(), ..frame }.around(&html! {
            div.slim {
                h1 { (title) }
                p.lead { (self.detail) }
                @if !self.errors.is_empty() { ul { @for error in self.errors { li { (error) } } } }
                @if self.status == 404 {
                    p { "It may have been moved, or it may belong to a plan in which you hold no role: the answer is the same for both." }
                }
                ul {
                    li { a href="/" { "Go to the start" } }
                    @if frame.person.is_some() { li { a href="/sign-in" { "Sign in as somebody else" } } }
                    @else { li { a href="/sign-in" { "Sign in" } } }
                }
                p.small.quiet {
                    "If you think that this is a mistake, quote " code { (self.instance) } ". Error "
                    a href={ "/problems/" (self.code) } { code { (self.code) } } ", " (self.status) "."
                }
            }
        })
    }
}

/// One browser that somebody is signed in with.
#[derive(Debug)]
pub struct SessionLine {
    /// What it is known by.
    pub id: String,
    /// What the browser said it is.
    pub browser: String,
    /// When it signed in.
    pub since: DateTime<Utc>,
    /// When it was last used.
    pub used: Option<DateTime<Utc>>,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// Who is signed in, and with which browsers.
pub fn account(frame: &Frame<'_>, subject: &str, name: &str, sessions: &[SessionLine]) -> String {
    frame.around(&html! {
        div.slim {
            h1 { "You are signed in as " (name) }
            p { "Roles are given to " @if name == subject { "this name" } @else { b { (subject) } } ". Each browser stays signed in for eight hours after it was last used, and for a day at most." }
            p { a href="/account/tokens" { "Personal access tokens" } ", for spreadsheets and programs." }
            h2 { "Where you are signed in" }
            div.scroll role="region" aria-labelledby="s-cap" tabindex="0" { table {
                caption.vh #s-cap { "Browsers that are signed in" }
                thead { tr { th scope="col" { "Browser" } th scope="col" { "Since" } th scope="col" { "Last used" } th scope="col" { span.vh { "End" } } } }
                tbody { @for session in sessions { tr {
                    th scope="row" { (session.browser) @if session.is_this { " " b { "(this one)" } } }
                    td { (words::moment(session.since)) }
                    td { @match session.used { Some(used) => (words::moment(used)), None => "not yet" } }
                    td {
                        form method="post" action="/sign-out" {
                            (form_token(frame.person))
                            input type="hidden" name="session" value=(session.id);
                            button.link { "Sign out" span.vh { " " (session.browser) ", since " (words::moment(session.since)) } }
                        }
                    }
                } } }
            } }
            form method="post" action="/sign-out" {
                (form_token(frame.person))
                input type="hidden" name="session" value="all";
                div.btns { button.btn.alt { "Sign out everywhere" } }
            }
        }
    })
}

/// What the service is, to somebody who has not signed in.
pub fn front(frame: &Frame<'_>, version: &str, links: &[(&str, &str, &str)]) -> String {
    frame.around(&html! {
        div.slim {
            h1 { "A partnership's plan and its KPIs" }
            p.lead {
                "Waymark holds a partnership's plan, its KPIs, their targets and the figures reported against them, and states how each KPI \
                 is doing, why, and what has changed."
            }
            div.btns { a.btn href="/sign-in" { "Sign in" } }
            h2 { "For programs" }
            p {
                "Programs send a token with each request, as " code { "Authorization: Bearer" } " and the token. This is version " (version) "."
            }
            dl.facts { @for (_, href, words) in links { div { dt { a href=(href) { (href) } } dd { (words) } } } }
        }
    })
}

/// A frozen report that was written in a form which pages of today cannot show as it was: what it is known by, and its bytes.
pub fn older_report(frame: &Frame<'_>, report: &BoardReport, address: &str) -> String {
    frame.around(&html! {
        div.slim {
            h1 { (report.title) }
            p { "This report was frozen by an earlier version of the service, so it is not shown as a page. What was frozen is kept to the byte:" }
            ul { li { a href={ (address) "/content.json" } { "JSON" } } li { a href={ (address) "/content.xlsx" } { "XLSX, to read and to print" } } }
            dl.facts {
                div { dt { "Report" } dd { code { (report.id) } } }
                div { dt { "SHA-256" } dd { code { (report.sha256) } } }
                div { dt { "Frozen" } dd { (words::moment(report.frozen_at)) } }
            }
        }
    })
}

/// How to get about in the pages.
pub fn help(frame: &Frame<'_>) -> String {
    frame.around(&html! {
        div.slim {
            h1 { "Help" }
            h2 { "What a page shows" }
            p {
                "The scorecard has one row per KPI. A status is a shape, a word and a colour: a circle is on track, a diamond at risk, a \
                 square off track, a ring not assessed. Open \"Why\" in a row to read how the status came about. Each KPI has a page of \
                 its own with its figures over time."
            }
            h2 { "As known on" }
            p { "Every page can be asked for as it was known on an earlier day. The day stands in the address, so that a link that you send shows others the same." }
            h2 { "Withheld figures" }
            p { "A figure is withheld from those outside the partnership if it is so small that it could identify a child, or if others would tell what it is." }
            h2 { "The same as data" }
            p { "The foot of each page gives the address of the same data. " a href="/docs" { "The API is described here" } "." }
        }
    })
}

/// What is known of how accessible the pages are.
pub fn accessibility(frame: &Frame<'_>) -> String {
    frame.around(&html! {
        div.slim {
            h1 { "Accessibility statement" }
            p {
                "These pages are made to meet the Web Content Accessibility Guidelines 2.2 at level AA. They work with a keyboard, without \
                 scripts, in light and dark, with forced colours, with text at 200 % and at a width of 320 pixels. Charts have a title, a \
                 description and a table with the same figures."
            }
            p { "They have not been tried with every screen reader. If something does not work for you, tell the people who run this service; a problem's page says what to quote." }
        }
    })
}

/// What is stored of those who look at pages.
pub fn privacy(frame: &Frame<'_>) -> String {
    frame.around(&html! {
        div.slim {
            h1 { "Privacy" }
            p { "We set one cookie when you sign in. It keeps you signed in, holds a random number and nothing about you, and ends after eight hours without use, after a day, or when you sign out. While you sign in with your organisation's account there is a second one, for ten minutes at most." }
            p { "If you sign in with your organisation's account, your name, your e-mail address and when you last signed in are stored, so that pages can call you by your name." }
            p { "What you change is recorded with your name in the plan's journal. That you read a page is not recorded, except in the server's log, which holds neither names nor figures." }
            p { "Nothing on these pages is loaded from elsewhere, and nothing is sent elsewhere." }
        }
    })
}
