//! The front page: whoever comes to the bare address learns what it is and where to go on.

use serde_json::json;

use crate::on_both;
use crate::support::{Actor, World};

use Actor::Nobody;

on_both! {
    the_bare_address_leads_somewhere
    the_front_page_comes_as_json_to_who_asks_for_it
    an_empty_token_is_reported_as_that
}

async fn the_bare_address_leads_somewhere(world: &World) {
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for accept in [None, Some("*/*"), Some(browser), Some("image/png")] {
        let ask = world.get(Nobody, "/");
        let page = match accept {
            Some(accept) => ask.header("accept", accept).await,
            None => ask.await,
        };
        let page = page.is(200);
        assert_eq!(page.media_type(), "text/html", "{accept:?}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
        let html = page.text();
        assert!(html.contains("lang=\"en-GB\"") && html.contains(env!("CARGO_PKG_VERSION")), "{html}");
        assert!(!html.contains("<script>") && !html.contains("style=\"") && !html.contains("http"), "{html}");
        let links = html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        for link in links.filter(|link| !link.starts_with('#')) {
            world.get(Nobody, link).await.is(200);
        }
        for link in ["/sign-in", "/docs", "/openapi.json", "/problems", "/readyz"] {
            assert!(html.contains(&format!("href=\"{link}\"")), "{link}");
        }
    }
    let unknown = world.get(Nobody, "/?x=1").header("accept", "application/json").await;
    unknown.refused(400, "unknown_parameter");
    let page = world.get(Nobody, "/?x=1").header("accept", browser).await.is(400);
    assert_eq!(page.media_type(), "text/html", "to people what is wrong is a page");
    world.post(Nobody, "/", json!({})).header("accept", "application/json").await.refused(405, "method_not_allowed");
}

async fn the_front_page_comes_as_json_to_who_asks_for_it(world: &World) {
    let answer = world.get(Nobody, "/").header("accept", "application/json").await.is(200);
    assert_eq!(answer.media_type(), "application/json");
    assert!(answer.headers.get_all("vary").any(|vary| vary == "Accept"), "{answer}");
    let front = answer.json();
    assert_eq!((&front["name"], &front["version"]), (&json!("waymark"), &json!(env!("CARGO_PKG_VERSION"))));
    for (_, href) in front["links"].as_object().unwrap() {
        world.get(Nobody, href.as_str().unwrap()).await.is(200);
    }
    assert_eq!(front["links"]["documentation"], "/docs");
}

async fn an_empty_token_is_reported_as_that(world: &World) {
    // A server takes blanks from the end of a header: the second is what only this test can send.
    for (sent, code) in [("Bearer", "missing_token"), ("Bearer ", "invalid_token")] {
        let answer = world.get(Nobody, "/v1/me").header("authorization", sent).await;
        let answer = answer.refused(401, code).tells("The token is empty");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer realm=\"waymark\""), "{answer}");
    }
    world.get(Nobody, "/v1/me").await.refused(401, "missing_token").tells("no Authorization header");
}
