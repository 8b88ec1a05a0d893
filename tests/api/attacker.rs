//! A partner who fetches everything there is, writes down every figure that is shown anywhere, and works out the rest.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::attack::{Seen, Target};
use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, Answer, NOON, World, instant};

use Actor::{Administrator, Manager, Partner};

on_both! {
    nothing_small_is_worked_out_from_everything_a_partner_can_fetch
    a_kpi_without_small_numbers_is_shown_in_full
    one_small_part_of_five_takes_one_other_with_it
    a_line_from_a_small_baseline_is_not_drawn
    what_is_withheld_follows_what_the_plan_comes_to_be
}

const QUARTERS: [&str; 2] = ["FY2009-10-Q1", "FY2009-10-Q2"];
const PARTS: [&str; 3] = ["young", "middle", "old"];
const OTHERS: [&str; 2] = ["north", "south"];
/// A group that leaves most people out.
const FEW: &str = "abroad";

/// How figures of different periods hang together.
const AGGREGATIONS: [&str; 3] = ["in_period", "year_to_date", "rolling_12_months"];

/// Whether it is counted, how it is added up, what is counted of each part in each quarter, what of it again, how many of
/// ten live in the north, and which part nobody posts, where there is one.
type Story = (bool, usize, Vec<Vec<(u32, u32)>>, Vec<(usize, usize, u32)>, u32, Option<usize>);

fn story() -> impl Strategy<Value = Story> {
    let few = || proptest::prop_oneof![1 => 0..1_u32, 2 => 1..6_u32, 3 => 6..60_u32];
    let quarter = || proptest::collection::vec((few(), few()), PARTS.len());
    let again = (0..QUARTERS.len(), 0..PARTS.len(), few());
    (
        proptest::bool::ANY,
        0..AGGREGATIONS.len(),
        proptest::collection::vec(quarter(), QUARTERS.len()),
        proptest::collection::vec(again, 0..3),
        0..11_u32,
        proptest::option::of(0..PARTS.len()),
    )
}

/// Makes the dimensions: two that cover everyone, and one that does not.
async fn dimensions(world: &World) {
    for (code, complete, groups) in
        [("age", true, PARTS.to_vec()), ("place", true, OTHERS.to_vec()), ("origin", false, vec![FEW])]
    {
        let groups = groups.iter().map(|code| json!({"code": code, "title": code})).collect::<Value>();
        let dimension = json!({"code": code, "title": code, "complete": complete, "groups": groups});
        world.post(Administrator, "dimensions", dimension).await.is(201);
    }
}

/// A figure as the journal of the test has it.
struct Written {
    period: usize,
    group: String,
    revision: u64,
    at: DateTime<Utc>,
    seen: Seen,
}

/// Posts figures of one KPI and writes down what was posted.
struct Desk<'a> {
    world: &'a World,
    code: String,
    counted: bool,
    written: Vec<Written>,
    now: DateTime<Utc>,
}

impl Desk<'_> {
    /// Writes down what nobody posts.
    fn lack(&mut self, period: usize, group: &str, (over, rest): (u32, u32)) {
        let from = i64::try_from(self.written.len()).unwrap();
        let (over, rest) = (i128::from(over), i128::from(rest));
        let parts = if self.counted { vec![over] } else { vec![over, rest, over + rest] };
        let before = self.written.iter_mut().rfind(|one| (one.period, one.group.as_str()) == (period, group));
        if let Some(before) = before {
            if before.seen.parts == parts {
                return;
            }
            before.seen.until = Some(from);
        }
        let seen = Seen { from, period, group: group.to_owned(), parts, unposted: true, ..Seen::default() };
        self.written.push(Written { period, group: group.to_owned(), revision: 0, at: self.now, seen });
    }

    async fn post(&mut self, period: usize, group: &str, (over, rest): (u32, u32)) {
        let path = format!("kpis/{}/readings/{}?group={group}", self.code, QUARTERS[period]);
        let figure =
            if self.counted { json!({"value": over}) } else { json!({"numerator": over, "denominator": over + rest}) };
        let answer = self.world.put(Manager, &path, figure).await;
        assert!(answer.status < 300, "{answer}");
        let revision = answer.json()["revision"].as_u64().unwrap();
        let from = i64::try_from(self.written.len()).unwrap();
        let before = self.written.iter_mut().rfind(|one| (one.period, one.group.as_str()) == (period, group));
        if let Some(before) = before {
            if before.revision == revision {
                return;
            }
            before.seen.until = Some(from);
        }
        let (over, rest) = (i128::from(over), i128::from(rest));
        let parts = if self.counted { vec![over] } else { vec![over, rest, over + rest] };
        let seen = Seen { from, period, group: group.to_owned(), parts, ..Seen::default() };
        self.written.push(Written { period, group: group.to_owned(), revision, at: self.now, seen });
    }
}

/// Every object in an answer, however deep.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
        Value::Object(members) => {
            found.push(value);
            members.values().for_each(|member| objects(member, found));
        }
        _ => {}
    }
}

/// Tells a story quarter by quarter, and again after each thing that changed. A partner looks whenever a quarter is told for
/// the first time, and keeps what they see; gives the sides of the gaps in counts that they were shown then.
async fn lived(desk: &mut Desk<'_>, gap: &str, story: &Story) -> Vec<(usize, usize)> {
    let (_, aggregation, happened, again, north, unposted) = story;
    let (mut happened, mut gaps) = (happened.clone(), Vec::new());
    for changed in std::iter::once(None).chain(again.iter().map(Some)) {
        if let Some((period, part, over)) = changed {
            happened[*period][*part].0 = *over;
        }
        for period in 0..QUARTERS.len() {
            let counted = |part: usize| {
                let from = if AGGREGATIONS[*aggregation] == "year_to_date" { 0 } else { period };
                let one = happened[from..=period].iter().map(|parts| parts[part]);
                one.fold((0, 0), |sum, (over, rest)| (sum.0 + over, sum.1 + rest.max(1)))
            };
            let figures: Vec<_> = (0..PARTS.len()).map(counted).collect();
            let all = figures.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            let up = (all.0 * north / 10, (all.1 * north / 10).clamp(1, all.1 - 1));
            let few = (all.0 * north / 40, (all.1 * north / 40).max(1));
            let places = [("north", up), ("south", (all.0 - up.0, all.1 - up.1)), (FEW, few)];
            for (group, figure) in PARTS.into_iter().zip(figures).chain([("all", all)]).chain(places) {
                desk.now += TimeDelta::seconds(1);
                desk.world.now_is(&desk.now.to_rfc3339());
                if unposted.is_some_and(|part| PARTS[part] == group) {
                    desk.lack(period, group, figure);
                } else {
                    desk.post(period, group, figure).await;
                }
            }
            // An answer kept from before a correction can tell: that is not promised.
            if again.is_empty() {
                gaps.extend(look(desk, gap, None).await);
            }
        }
    }
    desk.now += TimeDelta::seconds(1);
    desk.world.now_is(&desk.now.to_rfc3339());
    gaps
}

/// Everything that a partner can fetch about a KPI and the gap computed from it.
fn everything(code: &str, gap: &str) -> Vec<String> {
    let everywhere = ["readings?limit=1000", "readings.csv", "benchmarks", "board-reports", "actions"];
    let mut addresses = everywhere.map(str::to_owned).to_vec();
    addresses.extend([format!("kpis/{code}/readings?limit=1000"), format!("kpis/{gap}/series")]);
    for quarter in QUARTERS {
        for query in ["", "&group_by=age", "&group_by=place", "&group_by=origin"] {
            addresses.push(format!("status-report?period={quarter}{query}"));
            addresses.push(format!("status-report.csv?period={quarter}{query}"));
        }
        addresses.push(format!("exceptions?period={quarter}"));
        for group in PARTS.iter().chain(&OTHERS).chain(&[FEW, "all"]) {
            addresses.push(format!("kpis/{code}/readings/{quarter}/history?group={group}"));
            addresses.push(format!("kpis/{code}/status?period={quarter}&group={group}"));
        }
    }
    for group in PARTS.iter().chain(&OTHERS).chain(&[FEW, "all"]) {
        addresses.extend(["series", "series.csv"].map(|table| format!("kpis/{code}/{table}?group={group}")));
    }
    addresses
}

/// A figure that an answer tells something of.
struct Told {
    kpi: String,
    period: String,
    group: String,
    revision: Option<u64>,
    /// Whether it is the figure, and not only words about it.
    value: bool,
}

/// The members of an object by which a figure is told, each in its way.
const TELLING: [&str; 5] = ["value", "reported", "numerator", "variance", "status"];

/// Every figure that an answer tells something of: of a report or a list, of a table, of the change feed.
fn told(answer: &Answer) -> Vec<Told> {
    let table = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/csv"));
    if table {
        let of = |row: &BTreeMap<String, String>, name: &str| row.get(name).cloned().unwrap_or_default();
        let rows = answer.rows().into_iter().filter(|row| {
            TELLING.iter().map(|name| of(row, name)).any(|cell| !cell.is_empty() && cell != "not_assessed")
        });
        return rows
            .map(|row| Told {
                kpi: of(&row, "kpi"),
                period: of(&row, "period"),
                group: of(&row, "group"),
                revision: of(&row, "revision").parse().ok(),
                value: !of(&row, "value").is_empty(),
            })
            .collect();
    }
    let whole = answer.json();
    let mut found = Vec::new();
    objects(&whole, &mut found);
    let tells = |one: &Value| TELLING.iter().any(|name| !one[*name].is_null() && one[*name] != "not_assessed");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    found
        .into_iter()
        .filter_map(|one| {
            let value = !one["value"].is_null();
            if one["kind"] == "reading" {
                // A change: what is told of is in its key.
                let [kpi, period, group] =
                    one["key"].as_str()?.split('/').map(str::to_owned).collect::<Vec<_>>().try_into().ok()?;
                let value = !one["after"]["value"].is_null();
                return (value || tells(&one["after"])).then_some(Told { kpi, period, group, revision: None, value });
            }
            let period = one["period"]["key"].as_str()?.to_owned();
            let (kpi, group, revision) = (text(&one["kpi"]), text(&one["group"]), one["revision"].as_u64());
            tells(one).then_some(Told { kpi, period, group, revision, value })
        })
        .collect()
}

/// Looks everything up as of a moment and marks what is shown; gives the sides of the gaps in counts that are.
async fn look(desk: &mut Desk<'_>, gap: &str, moment: Option<DateTime<Utc>>) -> Vec<(usize, usize)> {
    let written = desk.written.iter().take_while(|one| moment.is_none_or(|moment| one.at <= moment)).count();
    let stood = |period: usize, group: &str, revision: Option<u64>| {
        desk.written[..written].iter().rposition(|one| {
            (one.period, one.group.as_str()) == (period, group)
                && !one.seen.unposted
                && revision.is_none_or(|wanted| wanted == one.revision)
        })
    };
    let (mut shown, mut gaps) = (Vec::new(), Vec::new());
    // The feed tells of the present only.
    let feed = moment.is_none().then(|| "changes?after=0&limit=1000".to_owned());
    for address in everything(&desk.code, gap).into_iter().chain(feed) {
        let query = if address.contains('?') { '&' } else { '?' };
        let as_of = moment.map(|moment| format!("{query}as_of={}", moment.to_rfc3339().replace('+', "%2B")));
        let answer = desk.world.get(Partner, &format!("{address}{}", as_of.unwrap_or_default())).await;
        // What had not been posted by then is not there.
        if answer.status != 200 {
            continue;
        }
        for one in told(&answer) {
            let Some(period) = QUARTERS.iter().position(|quarter| one.period == *quarter) else { continue };
            if one.kpi == desk.code {
                shown.extend(stood(period, &one.group, one.revision));
            }
            if one.kpi == *gap && one.value {
                // Its sides are told with it.
                let sides = stood(period, "old", None).zip(stood(period, "young", None));
                gaps.extend(sides.filter(|_| desk.counted));
                shown.extend(sides.into_iter().flat_map(|(one, other)| [one, other]));
            }
        }
    }
    for place in shown {
        desk.written[place].seen.shown = true;
    }
    gaps
}

async fn nothing_small_is_worked_out_from_everything_a_partner_can_fetch(world: &World) {
    small(world).await;
    dimensions(world).await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut shown = 0;
    for case in 0..9 {
        let story = story().new_tree(&mut runner).unwrap().current();
        let (counted, aggregated, ..) = story;
        // The stricter threshold for half of the stories.
        let threshold = if case % 2 == 0 { 5 } else { 7 };
        world.patch(Manager, "", "*", json!({"small_number_threshold": threshold})).await.is(200);
        let (code, gap) = (format!("SECRET-{case}"), format!("GAP-{case}"));
        let aggregation = AGGREGATIONS[aggregated];
        let unit = if counted { ["count", "count"] } else { ["percentage", "percentage_points"] };
        for (code, more) in [
            (&code, json!({"sensitive": true, "aggregation": aggregation})),
            (&gap, json!({"formula": {"kind": "gap", "of": code, "group": "young", "comparator": "old"}})),
        ] {
            let mut definition = json!({"publication": "partners", "unit": unit[usize::from(*code == gap)]});
            definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            world.post(Manager, "kpis", kpi(code, definition)).await.is(201);
        }
        let now = instant(NOON) + TimeDelta::days(case + 1);
        let mut desk = Desk { world, code, counted, written: Vec::new(), now };
        let mut gaps = lived(&mut desk, &gap, &story).await;
        let mut moments: Vec<_> = desk.written.iter().skip(3).step_by(4).map(|one| Some(one.at)).collect();
        moments.push(None);
        for moment in moments {
            gaps.extend(look(&mut desk, &gap, moment).await);
        }
        gaps.sort_unstable();
        gaps.dedup();
        let figures: Vec<_> = desk.written.into_iter().map(|one| one.seen).collect();
        shown += figures.iter().filter(|one| one.shown).count();
        let complete = vec![PARTS.map(str::to_owned).to_vec(), OTHERS.map(str::to_owned).to_vec()];
        let (adds_up, rolls) = (aggregation == "year_to_date", aggregation == "rolling_12_months");
        let target = Target { threshold, adds_up, rolls, complete, figures, gaps, ..Target::default() };
        assert_eq!(target.attacked(), [""; 0], "{story:?}");
        // The next story begins when this one is over.
        world.now_is(&(instant(NOON) + TimeDelta::days(case + 1) + TimeDelta::hours(1)).to_rfc3339());
    }
    assert!(shown >= 50, "a partner is shown something: {shown}");
}

async fn a_kpi_without_small_numbers_is_shown_in_full(world: &World) {
    small(world).await;
    dimensions(world).await;
    world.post(Manager, "kpis", kpi("OPEN", json!({"sensitive": true, "publication": "partners"}))).await.is(201);
    let mut desk = Desk { world, code: "OPEN".to_owned(), counted: false, written: Vec::new(), now: instant(NOON) };
    for (period, more) in [(0, 0), (1, 1)] {
        for (group, over) in [("young", 20), ("middle", 30), ("old", 40), ("north", 45), ("south", 45), ("all", 90)] {
            desk.post(period, group, (over + more, 2 * over)).await;
        }
    }
    let seen = world.get(Partner, "kpis/OPEN/readings").await.is(200).json();
    let items = seen["items"].as_array().unwrap();
    assert!(items.len() == 12 && items.iter().all(|item| item["suppressed"] == false), "{seen}");
}

async fn one_small_part_of_five_takes_one_other_with_it(world: &World) {
    small(world).await;
    let groups = (1..=5).map(|place| json!({"code": format!("part-{place}"), "title": "A part"})).collect::<Value>();
    let dimension = json!({"code": "parts", "title": "Parts", "complete": true, "groups": groups});
    world.post(Administrator, "dimensions", dimension).await.is(201);
    let counted = json!({"unit": "count", "decimals": 0, "sensitive": true, "publication": "partners"});
    world.post(Manager, "kpis", kpi("PARTED", counted)).await.is(201);
    let mut desk = Desk { world, code: "PARTED".to_owned(), counted: true, written: Vec::new(), now: instant(NOON) };
    for (group, value) in [("all", 103), ("part-1", 30), ("part-2", 3), ("part-3", 20), ("part-4", 25), ("part-5", 25)]
    {
        desk.post(0, group, (value, 0)).await;
    }
    let seen = world.get(Partner, "kpis/PARTED/readings").await.is(200).json();
    let withheld = seen["items"].as_array().unwrap().iter().filter(|item| item["suppressed"] == true);
    let groups: Vec<_> = withheld.map(|item| item["group"].as_str().unwrap()).collect();
    assert_eq!(groups, ["part-2", "part-3"]);
}

async fn a_line_from_a_small_baseline_is_not_drawn(world: &World) {
    small(world).await;
    let drawn = json!({
        "unit": "count", "decimals": 0, "sensitive": true, "publication": "partners", "profile": "linear",
        "baseline": {"period": "FY2008-09-Q4", "value": 3}
    });
    world.post(Manager, "kpis", kpi("DRAWN", drawn)).await.is(201);
    world.put(Manager, "kpis/DRAWN/targets/FY2009-10", json!({"value": 43})).await.is(201);
    world.put(Manager, "kpis/DRAWN/readings/FY2009-10-Q1", json!({"value": 20})).await.is(201);
    let asked = "kpis/DRAWN/status?period=FY2009-10-Q1";
    assert_eq!(world.get(Manager, asked).await.is(200).json()["target"]["value"], 13);
    let seen = world.get(Partner, asked).await.is(200).json();
    assert_eq!(
        (&seen["value"], &seen["target"], &seen["variance"]),
        (&json!(20), &Value::Null, &Value::Null),
        "{seen}"
    );
    assert_eq!((&seen["status"], &seen["reason"]), (&json!("not_assessed"), &json!("suppressed")));
    world.patch(Manager, "kpis/DRAWN", "*", json!({"baseline": {"period": "FY2008-09-Q4", "value": 23}})).await.is(200);
    assert_eq!(world.get(Partner, asked).await.is(200).json()["status"], "off_track");
}

/// What is withheld is chosen once and kept, but not beyond what it was chosen from.
async fn what_is_withheld_follows_what_the_plan_comes_to_be(world: &World) {
    small(world).await;
    let groups = json!([{"code": "north", "title": "North"}, {"code": "south", "title": "South"}]);
    let place = json!({"code": "place", "title": "Place", "complete": false, "groups": groups});
    world.post(Administrator, "dimensions", place).await.is(201);
    let counted = |more: Value| {
        let mut definition = json!({"unit": "count", "decimals": 0, "sensitive": true, "publication": "partners"});
        definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        definition
    };
    world.post(Manager, "kpis", kpi("HOME", counted(json!({})))).await.is(201);
    for (group, value) in [("north", 20), ("south", 17)] {
        let path = format!("kpis/HOME/readings/FY2009-10-Q1?group={group}");
        world.put(Manager, &path, json!({"value": value})).await.is(201);
    }
    let withheld = async || {
        let seen = world.get(Partner, "kpis/HOME/readings").await.is(200).json();
        let items = seen["items"].as_array().unwrap().iter().filter(|item| item["suppressed"] == true);
        items.map(|item| item["group"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(withheld().await, [""; 0]);
    // A gap of 3 between the two: whoever has both has it.
    let gap = json!({"formula": {"kind": "gap", "of": "HOME", "group": "north", "comparator": "south"}});
    world.post(Manager, "kpis", kpi("HOME-GAP", counted(gap))).await.is(201);
    assert_eq!(withheld().await.len(), 1, "of two figures with a small gap one goes");
    world.delete(Manager, "kpis/HOME-GAP", "*").await.is(204);
    world.put(Manager, "kpis/HOME/readings/FY2009-10-Q1?group=south", json!({"value": 3})).await.is(200);
    assert_eq!(withheld().await, ["south"]);
    // What is said of other KPIs leaves it as it is.
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 6.2})).await.is(201);
    world.put(Manager, "kpis/HOME/readings/FY2009-10-Q1", json!({"value": 23})).await.is(201);
    world.patch(Administrator, "dimensions/place", "*", json!({"complete": true})).await.is(200);
    assert_eq!(withheld().await.len(), 2, "3 is 23 less 20");
    world.patch(Manager, "", "*", json!({"small_number_threshold": 2})).await.is(200);
    assert_eq!(withheld().await, [""; 0]);
}
