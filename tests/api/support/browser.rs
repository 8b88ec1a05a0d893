//! A browser in which somebody is signed in.

use actix_web::http::Method;
use chrono::TimeDelta;

use super::Actor::Nobody;
use super::{Actor, Answer, World};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const COOKIE: &str = "__Host-waymark";

/// A browser in which somebody is signed in.
pub(crate) struct Browser<'a> {
    pub(crate) world: &'a World,
    pub(crate) cookie: String,
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| percent(text);
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The cookie that an answer sets.
pub(crate) fn cookie_of(answer: &Answer) -> String {
    let set = answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {answer}"));
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    set.split(';').next().unwrap().strip_prefix(&format!("{COOKIE}=")).unwrap().to_owned()
}

impl<'a> Browser<'a> {
    pub(crate) async fn of(world: &'a World, actor: Actor) -> Self {
        let link = world.programme().make_sign_in_link(&actor.subject(), TimeDelta::hours(1)).await.unwrap();
        let answer = sign_in(world, &[("link", &link)]).await.is(303);
        Self { world, cookie: cookie_of(&answer) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let cookie = format!("{COOKIE}={}", self.cookie);
        self.world.get(Nobody, path).header("cookie", &cookie).header("accept", "text/html").await
    }

    /// Uses the session until that is noted as of this moment, for which nobody waits.
    pub(crate) async fn is_used(&self, moment: &str) {
        while !words(&self.get("/account").await.is(200).text()).contains(&format!("{moment} Sign out")) {}
    }

    /// Sends a form as the page at `path` has it.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get("/account").await.is(200).text();
        let token = page.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut all = vec![("form_token", token)];
        all.extend(fields);
        self.send_as_is(path, &all).await
    }

    /// Sends a form with a file as the page at `path` has it: each field with its name, and the file if there is one.
    pub(crate) async fn upload(&self, path: &str, fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Answer {
        let page = self.get("/account").await.is(200).text();
        let token = page.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut body = Vec::new();
        let mut all = vec![("form_token", token)];
        all.extend(fields);
        for (name, value) in all {
            body.extend(
                format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
            );
        }
        let (name, content) = file.unwrap_or_default();
        body.extend(format!("--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n").bytes());
        body.extend(content);
        body.extend(b"\r\n--edge--\r\n");
        let cookie = format!("{COOKIE}={}", self.cookie);
        let ask = self.world.ask(Method::POST, Nobody, path).header("cookie", &cookie).header("accept", "text/html");
        ask.header("origin", "https://waymark.example").body("multipart/form-data; boundary=edge", body).await
    }

    pub(crate) async fn send_as_is(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let cookie = format!("{COOKIE}={}", self.cookie);
        let ask = self.world.ask(Method::POST, Nobody, path).header("cookie", &cookie).header("accept", "text/html");
        ask.header("origin", "https://waymark.example").body(FORM, encoded(fields)).await
    }
}

pub(crate) async fn sign_in(world: &World, fields: &[(&str, &str)]) -> Answer {
    world.ask(Method::POST, Nobody, "/sign-in").header("accept", "text/html").body(FORM, encoded(fields)).await
}

/// The words of a page, without its markup.
pub(crate) fn words(html: &str) -> String {
    let mut words = String::new();
    let mut in_tag = false;
    for char in html.chars() {
        match char {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                words.push(' ');
            }
            _ if in_tag => {}
            '\u{a0}' => words.push(' '),
            '\u{2212}' => words.push('-'),
            char => words.push(char),
        }
    }
    let words = words.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A form as a browser has it before anybody types: each field with what is sent of it.
#[derive(Clone, Debug)]
pub(crate) struct Filled(pub(crate) Vec<(String, String)>);

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

fn has(tag: &str, name: &str) -> bool {
    tag.split([' ', '>']).any(|word| word == name)
}

impl Filled {
    /// The form of a page that has this button.
    pub(crate) fn with_button(html: &str, value: &str) -> Self {
        let wanted = format!("name=\"do\" value=\"{value}\"");
        let form = html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap());
        let form =
            form.into_iter().find(|form| form.contains(&wanted)).unwrap_or_else(|| panic!("no {wanted}: {html}"));
        let mut fields = Vec::new();
        for rest in form.split('<').skip(1) {
            let (tag, after) = rest.split_once('>').unwrap_or((rest, ""));
            let Some(name) = attribute(tag, "name") else { continue };
            let is_ticked = !tag.contains("type=\"checkbox\"") || has(tag, "checked");
            if tag.starts_with("input") && is_ticked {
                fields.push((name, attribute(tag, "value").unwrap_or_default()));
            } else if tag.starts_with("textarea") {
                fields.push((name, after.trim_start_matches('\n').to_owned()));
            } else if tag.starts_with("select") {
                let options =
                    form.split(&format!("name=\"{name}\"")).nth(1).unwrap().split("</select>").next().unwrap();
                let chosen = options.split("<option").find(|option| has(option.split('>').next().unwrap(), "selected"));
                fields.push((name, chosen.and_then(|option| attribute(option, "value")).unwrap_or_default()));
            }
        }
        fields.push(("do".to_owned(), value.to_owned()));
        Self(fields)
    }

    /// The same with this in a field in place of what was there.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a box ticked besides.
    pub(crate) fn ticked(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Browser<'_> {
    /// Sends a form as it was filled in.
    pub(crate) async fn submit(&self, path: &str, form: &Filled) -> Answer {
        let fields: Vec<(&str, &str)> = form.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.send_as_is(path, &fields).await
    }
}
