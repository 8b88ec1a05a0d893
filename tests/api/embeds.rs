//! Badges and sparklines: pictures to put into other pages, which say in words what they show.

use quick_xml::events::Event;
use serde_json::json;

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, Answer, World};

use Actor::{Administrator, Board, Manager, Partner, Public, Stranger};

on_both! {
    a_badge_says_where_a_kpi_stands
    a_badge_says_why_there_is_no_status
    without_a_period_it_is_one_of_the_plan
    a_sparkline_draws_the_figures_and_the_target_with_gaps
    what_is_withheld_is_not_drawn
    what_people_typed_stays_text
    what_a_status_refuses_a_picture_refuses
    a_picture_for_a_dark_page_says_the_same_in_other_colours
    a_picture_is_read_again_only_when_it_changed
}

/// What a picture says: its name, its description, and the words in it.
#[derive(Debug)]
struct Said {
    title: String,
    description: String,
    words: Vec<String>,
    /// The points of each line, in the order of drawing.
    lines: Vec<Vec<(f64, f64)>>,
    dots: usize,
}

/// Reads a picture as a parser of XML does, which refuses what is not well-formed, and checks that it can do no harm.
fn read(answer: &Answer) -> Said {
    assert_eq!(answer.header("content-type"), Some("image/svg+xml"), "{answer}");
    assert_eq!(
        answer.header("content-security-policy"),
        Some("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
        "{answer}"
    );
    let text = answer.text();
    let mut reader = quick_xml::Reader::from_str(&text);
    reader.config_mut().check_comments = true;
    let mut said =
        Said { title: String::new(), description: String::new(), words: Vec::new(), lines: Vec::new(), dots: 0 };
    let mut open: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error}: {answer}"));
        match event {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) if open.len() > 8 => panic!("too deep at {tag:?}: {answer}"),
            Event::Start(tag) => {
                open.push(check_tag(&tag, &mut said));
                if open.last().is_some_and(|name| name == "text") {
                    said.words.push(String::new());
                }
            }
            Event::Empty(tag) => drop(check_tag(&tag, &mut said)),
            Event::End(_) => drop(open.pop()),
            Event::Text(part) => tell(&mut said, &open, &part),
            Event::GeneralRef(part) => {
                let name = part.to_string();
                let char = match name.as_str() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    other => panic!("&{other};: {answer}"),
                };
                tell(&mut said, &open, char);
            }
            other => panic!("{other:?} in {answer}"),
        }
    }
    assert!(open.is_empty() && !said.title.is_empty() && !said.description.is_empty(), "{answer}");
    said
}

fn tell(said: &mut Said, open: &[String], text: &str) {
    match open.last().map(String::as_str) {
        Some("title") => said.title.push_str(text),
        Some("desc") => said.description.push_str(text),
        Some("text") => said.words.last_mut().unwrap().push_str(text),
        _ => assert!(text.trim().is_empty(), "text in {open:?}: {text}"),
    }
}

/// Notes what an element draws: none of them may do more than draw.
fn check_tag(tag: &quick_xml::events::BytesStart<'_>, said: &mut Said) -> String {
    let name = tag.name().as_ref().to_owned();
    let attributes: Vec<(String, String)> = tag
        .attributes()
        .map(|attribute| {
            let attribute = attribute.unwrap();
            let key = attribute.key.as_ref().to_owned();
            (key, attribute.value.to_string())
        })
        .collect();
    let drawing = ["svg", "title", "desc", "rect", "text", "polyline", "circle"];
    assert!(drawing.contains(&name.as_str()), "{name}");
    for (key, value) in &attributes {
        let harmless = !key.starts_with("on") && !key.contains("href") && key != "style" && !value.contains("url(");
        assert!(harmless, "{key}={value}");
    }
    let value = |wanted: &str| attributes.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
    if name == "svg" {
        assert_eq!((value("role"), value("xmlns")), (Some("img"), Some("http://www.w3.org/2000/svg")));
    }
    if let Some(points) = value("points") {
        let pair = |text: &str| {
            let (x, y) = text.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        said.lines.push(points.split(' ').map(pair).collect());
    }
    said.dots += usize::from(name == "circle");
    name
}

async fn badge(world: &World, actor: Actor, kpi: &str, query: &str) -> Said {
    read(&world.get(actor, &format!("kpis/{kpi}/badge.svg{query}")).await.is(200))
}

async fn sparkline(world: &World, actor: Actor, kpi: &str, query: &str) -> Said {
    read(&world.get(actor, &format!("kpis/{kpi}/sparkline.svg{query}")).await.is(200))
}

async fn a_badge_says_where_a_kpi_stands(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10-Q1", json!({"value": 5})).await.is(201);
    let reading = json!({"numerator": 231, "denominator": 5120});
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", reading).await.is(201);
    let said = badge(world, Board, "NI-117", "").await;
    assert_eq!(said.words, ["NI-117, 2009/10 Q1", "4.5 %, on track (High Green)"]);
    assert_eq!(said.title, "The KPI NI-117, 2009/10 Q1: 4.5 %, on track (High Green)");
    let status = world.get(Board, "kpis/NI-117/status").await.is(200).json();
    assert_eq!(said.description, status["explanation"].as_str().unwrap());

    let of_group = json!({"value": 9.5});
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1?group=looked-after", of_group).await.is(201);
    let said = badge(world, Public, "NI-117", "?group=looked-after&period=2009/10%20Q1").await;
    assert_eq!(said.words, ["NI-117, looked-after, 2009/10 Q1", "9.5 %, off track (High Red)"]);
}

async fn a_badge_says_why_there_is_no_status(world: &World) {
    small(world).await;
    let nothing = badge(world, Board, "NI-117", "").await;
    assert_eq!(nothing.words, ["NI-117, 2009/10 Q4", "not assessed: no reading"]);
    let nothing = sparkline(world, Board, "NI-117", "").await;
    assert_eq!(nothing.words, ["no figures yet"]);
    assert_eq!(nothing.description, "There are no figures yet.");
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    let aimless = badge(world, Board, "NI-117", "").await;
    assert_eq!(aimless.words[1], "4.5 %, not assessed: no target");
    let nil = json!({"nil_return": "The census is not yet released"});
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q2", nil).await.is(201);
    assert_eq!(badge(world, Board, "NI-117", "").await.words[1], "not assessed: nil return");
}

async fn without_a_period_it_is_one_of_the_plan(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q3", json!({"value": 4.5})).await.is(201);
    let period = async |path: &str| {
        let status = world.get(Board, path).await.is(200).json();
        status["period"]["key"].as_str().unwrap().to_owned()
    };
    // Years after the plan ended on 31 March 2011.
    world.now_is("2013-11-29T12:00:00Z");
    for (kpi, group, latest) in [
        ("NI-117", "all", "FY2009-10-Q3"),
        ("NI-117", "fsm", "FY2010-11-Q4"),
        ("NI-50", "all", "FY2010-11"),
        ("LI-CALLS", "all", "2011-03"),
        ("NI-87", "all", "AY2010-11-T2"),
        ("NI-112", "all", "CY2010"),
    ] {
        assert_eq!(period(&format!("kpis/{kpi}/status?group={group}")).await, latest, "{kpi} {group}");
    }
    assert_eq!(period("status-report").await, "FY2009-10-Q3", "the latest quarter that has figures for everyone");
    let said = badge(world, Board, "NI-117", "?group=fsm").await;
    assert_eq!(said.words, ["NI-117, fsm, 2010/11 Q4", "not assessed: no reading"]);
}

async fn a_sparkline_draws_the_figures_and_the_target_with_gaps(world: &World) {
    small(world).await;
    for quarter in 1..=4 {
        world.put(Manager, &format!("kpis/NI-117/targets/FY2009-10-Q{quarter}"), json!({"value": 5})).await.is(201);
    }
    for (period, value) in [("FY2008-09-Q4", 6), ("FY2009-10-Q1", 7), ("FY2009-10-Q3", 3), ("FY2010-11-Q1", 5)] {
        world.put(Manager, &format!("kpis/NI-117/readings/{period}"), json!({"value": value})).await.is(201);
    }
    let said = sparkline(world, Board, "NI-117", "").await;
    assert_eq!(said.words, ["2010/11 Q1: 5.0 %, not assessed: no target"]);
    assert_eq!(said.title, "The KPI NI-117 over time: 2010/11 Q1: 5.0 %, not assessed: no target");
    let told = "4 figures from 2008/09 Q4 to 2010/11 Q1, 2 missing, 0 withheld. The lowest is 3.0 %, the highest 7.0 %. \
                The dashed line is the target. 2010/11 Q1: ";
    assert!(said.description.starts_with(told), "{}", said.description);
    // Six periods over 240 pixels; 3 is at the foot and 7 at the head, 40 pixels above.
    let target = vec![(54.0, 26.0), (102.0, 26.0), (150.0, 26.0), (198.0, 26.0)];
    assert_eq!(said.lines, [target, vec![(6.0, 16.0), (54.0, 6.0)]]);
    assert_eq!(said.dots, 2, "two figures have no neighbour");

    let part = sparkline(world, Board, "NI-117", "?from=FY2009-10-Q1&to=FY2009-10-Q3").await;
    assert_eq!(part.words, ["2009/10 Q3: 3.0 %, on track (High Green)"]);
    let single = sparkline(world, Board, "NI-117", "?from=FY2009-10-Q3&to=FY2009-10-Q3").await;
    assert_eq!((single.lines.len(), single.dots), (0, 2), "one figure and one target");

    world.post(Manager, "kpis", kpi("RANGE", json!({"polarity": "within_range"}))).await.is(201);
    for quarter in [1, 2] {
        let range = json!({"low": 10, "high": 20});
        world.put(Manager, &format!("kpis/RANGE/targets/FY2009-10-Q{quarter}"), range).await.is(201);
        let path = format!("kpis/RANGE/readings/FY2009-10-Q{quarter}");
        world.put(Manager, &path, json!({"value": 15})).await.is(201);
    }
    let level = |y: f64| vec![(6.0, y), (246.0, y)];
    assert_eq!(sparkline(world, Board, "RANGE", "").await.lines, [level(46.0), level(6.0), level(26.0)]);
}

async fn what_is_withheld_is_not_drawn(world: &World) {
    small(world).await;
    for (quarter, value) in [(1, 12), (2, 9), (3, 30), (4, 3)] {
        let path = format!("kpis/LI-INJURIES/readings/FY2009-10-Q{quarter}");
        world.put(Manager, &path, json!({"value": value, "commentary": "words of it"})).await.is(201);
    }
    let seen = badge(world, Board, "LI-INJURIES", "").await;
    assert_eq!(seen.words[1], "3, not assessed: no target");
    let withheld = badge(world, Partner, "LI-INJURIES", "").await;
    assert_eq!(withheld.words[1], "withheld");
    assert_eq!(withheld.title, "The KPI LI-INJURIES, 2009/10 Q4: withheld");

    let all = sparkline(world, Board, "LI-INJURIES", "").await;
    assert_eq!(all.lines, [vec![(6.0, 32.7), (86.0, 37.1), (166.0, 6.0), (246.0, 46.0)]]);
    let rest = sparkline(world, Partner, "LI-INJURIES", "").await;
    // The scale is that of what is shown, so that nothing tells how far down the last point would be.
    assert_eq!(rest.lines, [vec![(6.0, 40.3), (86.0, 46.0), (166.0, 6.0)]]);
    assert_eq!(rest.words, ["2009/10 Q4: withheld; 1 withheld"]);
    assert!(rest.description.contains("0 missing, 1 withheld. The lowest is 9, "), "{rest:?}");
}

async fn what_people_typed_stays_text(world: &World) {
    small(world).await;
    let hostile = "</title><script>alert('x')</script> & \"more\" ]]> <!-- \u{202e} \u{1f989}";
    world.post(Manager, "kpis", kpi("HOSTILE", json!({"title": hostile}))).await.is(201);
    let label = "<b>Ro&d</b> as long as a label may be <!";
    let policy = json!({"code": "hostile", "title": hostile, "tolerance": {"kind": "percent", "value": 10}, "bands": [
        {"code": "green", "label": label, "status": "on_track", "from": 0, "when": null},
        {"code": "red", "label": label, "status": "off_track", "from": null, "when": null}
    ]});
    world.post(Manager, "policies", policy).await.is(201);
    world.patch(Manager, "kpis/HOSTILE", "*", json!({"policy": "hostile"})).await.is(200);
    let groups = json!({"code": "odd", "title": "Odd", "groups": [
        {"code": "odd-1", "title": "<a href='x'>&lt;"}, {"code": "odd-2", "title": "long ".repeat(20).trim()}
    ]});
    world.post(Manager, "dimensions", groups).await.is(201);
    world.put(Manager, "kpis/HOSTILE/targets/FY2009-10-Q1", json!({"value": 5})).await.is(201);
    for group in ["all", "odd-1", "odd-2"] {
        let path = format!("kpis/HOSTILE/readings/FY2009-10-Q1?group={group}");
        world.put(Manager, &path, json!({"value": 4})).await.is(201);
    }
    let words = "4.0 %, off track (<b>Ro&d</b> as long as a label may be <!)";
    let said = badge(world, Board, "HOSTILE", "").await;
    assert_eq!(said.words[1], words);
    assert_eq!(said.title, format!("{hostile}, 2009/10 Q1: {words}"));
    let said = badge(world, Board, "HOSTILE", "?group=odd-1").await;
    assert_eq!(said.words[0], "HOSTILE, <a href='x'>&lt;, 2009/10 Q1");
    let said = badge(world, Board, "HOSTILE", "?group=odd-2").await;
    assert_eq!(said.words[0], format!("HOSTILE, {}long…, 2009/10 Q1", "long ".repeat(7)));
    let said = sparkline(world, Board, "HOSTILE", "?group=odd-1").await;
    assert_eq!(said.title, format!("{hostile}, <a href='x'>&lt; over time: 2009/10 Q1: {words}"));
}

async fn what_a_status_refuses_a_picture_refuses(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    for picture in ["badge.svg", "sparkline.svg"] {
        world.get(Board, &format!("kpis/NOWHERE/{picture}")).await.refused(404, "not_found");
        world.get(Public, &format!("kpis/NI-50/{picture}")).await.refused(404, "not_found");
        world.get(Stranger, &format!("kpis/NI-117/{picture}")).await.refused(404, "not_found");
        world.get(Actor::Nobody, &format!("kpis/NI-117/{picture}")).await.refused(401, "missing_token");
        world.get(Board, &format!("kpis/NI-117/{picture}?group=nobody")).await.refused(422, "invalid").tells("nobody");
        world.get(Board, &format!("kpis/NI-117/{picture}?colour=red")).await.refused(400, "unknown_parameter");
    }
    world.get(Board, "kpis/NI-117/badge.svg?period=2009-06").await.refused(422, "invalid");
    world.get(Board, "kpis/NI-117/sparkline.svg?from=FY2010-11-Q1&to=FY2009-10-Q1").await.refused(422, "invalid");
    world.get(Board, "kpis/NI-117/sparkline.png").await.refused(404, "not_found");
}

async fn a_picture_for_a_dark_page_says_the_same_in_other_colours(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    for picture in ["badge.svg", "sparkline.svg"] {
        let address = format!("kpis/NI-117/{picture}");
        let light = world.get(Board, &address).await.is(200);
        let dark = world.get(Board, &format!("{address}?dark=true")).await.is(200);
        assert_ne!(light.tag(), dark.tag());
        let (light, dark) = (light.text(), dark.text());
        assert!(light.contains("#1f2328") && dark.contains("#eceff2") && !dark.contains("#1f2328"), "{dark}");
        let uncoloured = |picture: &str| {
            let parts = picture.split('#').enumerate();
            parts
                .map(|(place, part)| part.get(if place == 0 { 0 } else { 6 }..).unwrap_or_default().to_owned())
                .collect::<String>()
        };
        assert_eq!(uncoloured(&light), uncoloured(&dark));
        assert_eq!(world.get(Board, &format!("{address}?dark=false")).await.is(200).text(), light);
        world.get(Board, &format!("{address}?dark=very")).await.refused(400, "invalid_parameter");
    }
}

async fn a_picture_is_read_again_only_when_it_changed(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    let mut tags = Vec::new();
    for picture in ["badge.svg", "sparkline.svg"] {
        let address = format!("kpis/NI-117/{picture}");
        let tag = world.get(Board, &address).await.is(200).tag();
        world.get(Board, &address).header("if-none-match", &tag).await.is(304);
        tags.push((address, tag));
    }
    world.put(Administrator, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 5})).await.is(200);
    for (address, tag) in tags {
        let answer = world.get(Board, &address).header("if-none-match", &tag).await.is(200);
        assert!(answer.text().contains("5.0 %"), "{answer}");
    }
}
