//! Webhooks: what is sent to a subscriber, where to, and when what could not be delivered is tried again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::check::check_text;
use super::ids::{AreaCode, KpiCode};
use super::invalid::Invalid;
use crate::document;
use crate::names;

names! {
    /// What can be sent to a subscriber.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "What a webhook can report. More may be added.")]
    pub enum EventType {
        /// A figure was reported, or replaced while its round was open.
        ReadingPosted = "reading.posted",
        /// A figure was replaced after its round had closed.
        ReadingRestated = "reading.restated",
        /// A KPI's status in a period changed.
        StatusChanged = "status.changed",
        /// A return was submitted.
        ReturnSubmitted = "return.submitted",
        /// A return was signed off.
        ReturnSignedOff = "return.signed_off",
        /// A return was due and is not submitted.
        ReturnOverdue = "return.overdue",
        /// A target was set, changed or removed.
        TargetChanged = "target.changed",
        /// An action was due and is not done.
        ActionOverdue = "action.overdue",
        /// A board report was frozen.
        BoardReportFrozen = "board_report.frozen",
    }
}

document! {
    /// Where a subscriber's messages go, and what they report.
    #[schema(description = "Where a subscriber's messages go, and what they report.")]
    pub struct WebhookTerms / WebhookDraft / WebhookChange {
        /// The address to send to: https, without credentials, at most 2,000 characters.
        #[schema(min_length = 1, max_length = 2000, format = "uri", example = "https://partner.example/waymark")]
        url: String,
        /// What it is for; at most 400 characters.
        #[schema(max_length = 400, example = "Mirrors the plan into our case system.")]
        description: String = String::new(),
        /// What to report; empty for everything.
        #[schema(max_items = 20, example = json!(["status.changed"]))]
        events: Vec<EventType> = Vec::new(),
        /// Only what is about these KPIs, or about those of `outcome_areas`; both empty for all.
        #[schema(max_items = 1000, example = json!([]))]
        kpis: Vec<KpiCode> = Vec::new(),
        /// Only what is about these outcome areas, or about `kpis`; both empty for all.
        #[schema(max_items = 100, example = json!(["be-healthy"]))]
        outcome_areas: Vec<AreaCode> = Vec::new(),
        /// Whether anything is sent. The service sets it to false if nothing can be delivered; set it to true again
        /// once it can, and what was missed is sent.
        active: bool = true,
    }
}

impl WebhookTerms {
    /// What is wrong with the terms in themselves.
    pub fn check(&self, reach: Reach) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/url", &self.url, 1, 2000);
        if let Err(why) = check_destination(&self.url, reach) {
            invalid.at("/url", "destination_refused", why);
        }
        check_text(&mut invalid, "/description", &self.description, 0, 400);
        for (pointer, length, most) in [
            ("/events", self.events.len(), 20),
            ("/kpis", self.kpis.len(), 1000),
            ("/outcome_areas", self.outcome_areas.len(), 100),
        ] {
            if length > most {
                invalid.at(pointer, "wrong_length", format!("at most {most} are named"));
            }
        }
        invalid
    }

    /// The scheme, host and port of the address: what of it is no secret.
    pub fn origin(&self) -> &str {
        let host = self.url.find("://").map_or(0, |place| place + 3);
        let end = self.url.get(host..).and_then(|rest| rest.find(['/', '?', '#']));
        end.and_then(|end| self.url.get(..host + end)).unwrap_or(&self.url)
    }

    /// Whether the subscriber wants to hear of events of this kind.
    pub fn wants(&self, event: EventType) -> bool {
        self.events.is_empty() || self.events.contains(&event)
    }

    /// Whether the subscriber wants to hear of what is about a KPI of an outcome area, or about the area alone.
    pub fn covers(&self, kpi: Option<&KpiCode>, area: Option<&AreaCode>) -> bool {
        (self.kpis.is_empty() && self.outcome_areas.is_empty())
            || kpi.is_some_and(|kpi| self.kpis.contains(kpi))
            || area.is_some_and(|area| self.outcome_areas.contains(area))
    }
}

/// How far a deployment sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To https addresses on the public internet alone.
    Public,
    /// To http and to private addresses too.
    Private,
}

/// Whether an address is one that webhooks are sent to, as far as its text shows.
///
/// # Errors
/// Why not, and what to do.
pub fn check_destination(url: &str, reach: Reach) -> Result<(), &'static str> {
    let private = reach == Reach::Private;
    // Stricter than the standards, so that no two readers of it can take it for two addresses.
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`')) {
        return Err("write the address in ASCII, percent-encoded, without blanks");
    }
    let (scheme, rest) =
        url.split_once("://").ok_or("give an absolute address such as https://partner.example/hook")?;
    match scheme {
        "https" => {}
        "http" if private => {}
        _ => return Err("only https addresses are allowed"),
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("leave user name and password out of the address; messages are signed with the secret");
    }
    if rest.contains('#') {
        return Err("leave out the fragment, what follows `#`: it is never sent");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => inner.split_once(']').ok_or("the closing bracket of the IPv6 address is missing")?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if !port.is_empty() && port.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()).is_none_or(|port| port == 0)
    {
        return Err("the port is a number from 1 to 65535");
    }
    if authority.starts_with('[') {
        let address: Ipv6Addr = host.parse().map_err(|_no_address| "what is in brackets is not an IPv6 address")?;
        return if private || may_be_sent_to(address.into()) { Ok(()) } else { Err(PRIVATE) };
    }
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > 253 || !name.split('.').all(label) {
        return Err("the host name is missing");
    }
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return if private || may_be_sent_to(address.into()) { Ok(()) } else { Err(PRIVATE) };
    }
    // `127.1`, `0x7f000001` and `2130706433` are addresses to some readers.
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X") {
        return Err("write an IPv4 address as four numbers with dots between");
    }
    let local = ["localhost", "local", "internal", "localdomain"].iter().any(|known| last.eq_ignore_ascii_case(known));
    if local && !private { Err(PRIVATE) } else { Ok(()) }
}

/// Why a private address is refused.
pub const PRIVATE: &str = "this address is private, local or reserved; give one on the public internet";

/// Whether an address is on the public internet: webhooks must not reach what is beside the service.
pub fn may_be_sent_to(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)                  // this network, private, loopback, multicast and reserved
            | (100, 64..=127, _)                          // shared by carriers (CGNAT)
            | (169, 254, _)                               // link-local, where clouds keep their metadata
            | (172, 16..=31, _)                           // private
            | (192, 168, _)                               // private
            | (192, 0, 0 | 2)                             // protocol assignments, documentation
            | (192, 88, 99)                               // 6to4 relays
            | (192, 31, 196) | (192, 52, 193) | (192, 175, 48) // AS112, AMT
            | (198, 18 | 19, _)                           // benchmarks
            | (198, 51, 100) | (203, 0, 113) // documentation
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    // Only what is handed out for the public internet, 2000::/3: that leaves out loopback, IPv4-mapped and -compatible
    // addresses, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), unique local, link-local, site-local and multicast ones.
    let global = a & 0xe000 == 0x2000;
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) // protocol assignments, Teredo, ORCHID, documentation
        || a == 0x2002                                    // 6to4, which wraps an IPv4 address
        || (a == 0x3fff && b < 0x1000)                    // documentation
        || (a == 0x2620 && b == 0x004f && c == 0x8000); // AS112
    global && !special
}

/// How long after a failed attempt the next is made, by how many have failed; `None` if it is given up, after three
/// days.
pub fn retry_after(failed: i32) -> Option<TimeDelta> {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const SECONDS: [i64; 9] =
        [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
    let place = usize::try_from(failed.checked_sub(1)?).ok()?;
    SECONDS.get(place).copied().map(TimeDelta::seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn only_public_addresses_are_sent_to() {
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::1",
            "3fff::1",
            "100::1",
        ] {
            assert!(!may_be_sent_to(refused.parse().unwrap()), "{refused}");
        }
        for public in [
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "193.0.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(may_be_sent_to(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn an_address_is_read_one_way_or_not_at_all() {
        for good in [
            "https://partner.example",
            "https://partner.example:8443/a?b=c",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]:443/x",
        ] {
            assert_eq!(check_destination(good, Reach::Public), Ok(()), "{good}");
        }
        for bad in [
            "http://partner.example/",
            "ftp://partner.example/",
            "partner.example",
            "https://",
            "https:///x",
            "https://user:pw@partner.example/",
            "https://partner.example@10.0.0.1/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.01/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://db.internal/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fe80::1%25eth0]/",
            "https://a b/",
            "https://partner.example\\@10.0.0.1/",
            "https://partner.example:0/",
            "https://partner.example:99999/",
            "https://partner.example:/",
            "https://partner.example/#x",
            "https://pärtner.example/",
            "https://partner..example/",
            "https://169.254.169.254/latest",
            "https://192.168.0.1:8443/",
        ] {
            assert!(check_destination(bad, Reach::Public).is_err(), "{bad}");
        }
        assert_eq!(check_destination("http://127.0.0.1:8080/x", Reach::Private), Ok(()));
        assert!(check_destination("ftp://127.0.0.1/", Reach::Private).is_err());
        assert!(check_destination("http://a:b@127.0.0.1/", Reach::Private).is_err());
    }

    #[test]
    fn an_origin_has_nothing_of_what_follows_it() {
        for (url, origin) in [
            ("https://partner.example", "https://partner.example"),
            ("https://partner.example/", "https://partner.example"),
            ("https://partner.example:8443/a?b=c", "https://partner.example:8443"),
            ("https://partner.example?token=x/y", "https://partner.example"),
            ("https://[2606:4700::1111]:443/x://y", "https://[2606:4700::1111]:443"),
        ] {
            let members = serde_json::Map::from_iter([("url".to_owned(), url.into())]);
            assert_eq!(WebhookTerms::parse(members).unwrap().origin(), origin, "{url}");
        }
    }

    #[test]
    fn attempts_go_on_for_three_days() {
        let waits: Vec<i64> = (1..).map_while(retry_after).map(|wait| wait.num_seconds()).collect();
        assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert!(waits.iter().sum::<i64>() > 72 * 3600);
        assert_eq!(retry_after(0), None);
    }
}
