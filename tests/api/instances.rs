//! Several instances over one database, and many writers at once: nothing is lost, nothing is seen too late.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, slices, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Lead, Manager};

on_both! {
    what_one_instance_takes_the_other_reports
    what_one_instance_grants_and_revokes_the_other_knows
    eight_writers_at_once_lose_nothing
    of_twenty_who_revise_one_state_one_wins
    of_twenty_who_post_the_first_figure_one_is_first
    of_eight_who_make_the_same_thing_one_makes_it
    two_imports_of_one_file_keep_it_once
    a_report_is_of_one_moment_while_others_write
}

async fn what_one_instance_takes_the_other_reports(world: &World) {
    small(world).await;
    let other = world.another_instance().await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    let value = |report: &Value| report["outcome_areas"][0]["priorities"][0]["kpis"][0]["value"].clone();
    for turn in 1..=6 {
        let (writer, reader) = if turn % 2 == 0 { (&other, &**world) } else { (&**world, &other) };
        let before = reader.get(Board, "status-report").await.is(200);
        let figure = json!({"value": turn});
        let posted = writer.put(Lead, "kpis/NI-117/readings/FY2009-10-Q4", figure).await;
        assert!(posted.status < 300, "{posted}");
        let report = reader.get(Board, "status-report").header("if-none-match", &before.tag()).await.is(200);
        assert_eq!(value(&report.json()), turn);
        assert_eq!(report.text(), writer.get(Board, "status-report").await.is(200).text(), "both say the same");
        // A definition and a target, too.
        let title = format!("Title {turn}");
        writer.patch(Manager, "kpis/NI-117", "*", json!({"title": title})).await.is(200);
        assert_eq!(reader.get(Board, "kpis/NI-117/status").await.is(200).json()["title"], title);
        let target = json!({"value": turn, "reason": "Again"});
        writer.put(Manager, "kpis/NI-117/targets/FY2009-10", target).header("if-match", "*").await.is(200);
        assert_eq!(reader.get(Board, "kpis/NI-117/status").await.is(200).json()["target"]["value"], turn);
    }
}

async fn what_one_instance_grants_and_revokes_the_other_knows(world: &World) {
    small(world).await;
    let other = world.another_instance().await;
    other.get(Actor::Stranger, "status-report").await.refused(404, "not_found");
    let grant = json!({"subject": Actor::Stranger.name(), "role": "board"});
    let address = world.post(Administrator, "grants", grant).await.is(201).header("location").unwrap().to_owned();
    other.get(Actor::Stranger, "status-report").await.is(200);
    world.delete(Administrator, &address, "*").await.is(204);
    other.get(Actor::Stranger, "status-report").await.refused(404, "not_found");
}

async fn eight_writers_at_once_lose_nothing(world: &World) {
    small(world).await;
    slices(world, "writers", &["g0", "g1"]).await;
    let other = world.another_instance().await;
    let doors = [&**world, &other];
    let before = world.version().await;
    let write = |writer: usize| async move {
        for year in 0..10 {
            let door = doors[(writer + year) % 2];
            let path =
                format!("kpis/NI-117/readings/FY{}-{:02}-Q{}?group=g{}", 1999 + year, year, writer % 4 + 1, writer / 4);
            let figure = json!({"value": writer * 10 + year});
            door.put(Lead, &path, figure).await.is(201);
        }
    };
    join_all((0..8).map(write)).await;
    for door in doors {
        let rows = door.get(Board, "readings.csv").await.is(200).rows();
        let mut values: Vec<u32> = rows.iter().map(|row| row["value"].parse().unwrap()).collect();
        values.sort_unstable();
        assert_eq!(values, (0..80).collect::<Vec<_>>());
        assert_eq!(door.get(Board, "status-report").await.is(200).json()["version"], before + 80);
    }
    let (mut seqs, mut after) = (Vec::new(), 0);
    loop {
        let stretch = other.get(Board, &format!("changes?after={after}&limit=50")).await.is(200).json();
        let items = stretch["items"].as_array().unwrap();
        if items.is_empty() {
            break;
        }
        seqs.extend(items.iter().map(|change| change["seq"].as_u64().unwrap()));
        after = stretch["next"].as_u64().unwrap();
    }
    assert_eq!(seqs, (1..=before + 80).collect::<Vec<_>>(), "every change has its place");
}

/// How many of the answers had each status, in order.
fn tally(statuses: Vec<u16>) -> Vec<(u16, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for status in statuses {
        *counts.entry(status).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

async fn of_twenty_who_revise_one_state_one_wins(world: &World) {
    small(world).await;
    let other = world.another_instance().await;
    let doors = [&**world, &other];
    let path = "kpis/NI-117/targets/FY2009-10";
    let tag = world.put(Manager, path, json!({"value": 5})).await.is(201).tag();
    let tag = tag.as_str();
    let revise = |writer: usize| async move {
        let target = json!({"value": 100 + writer, "reason": "Mine"});
        let answer = doors[writer % 2].put(Manager, path, target).header("if-match", tag).await;
        (answer.status, answer.json())
    };
    let answers = join_all((0..20).map(revise)).await;
    assert_eq!(tally(answers.iter().map(|(status, _)| *status).collect()), [(200, 1), (412, 19)]);
    let (_, mut winner) = answers.into_iter().find(|(status, _)| *status == 200).unwrap();
    for member in ["effect", "warnings"] {
        winner.as_object_mut().unwrap().remove(member).unwrap();
    }
    for door in doors {
        assert_eq!(door.get(Board, path).await.is(200).json(), winner);
    }
    assert_eq!(winner["revision"], 2);
}

async fn of_twenty_who_post_the_first_figure_one_is_first(world: &World) {
    small(world).await;
    let other = world.another_instance().await;
    let doors = [&**world, &other];
    let post = |writer: usize| async move {
        let ask = doors[writer % 2].put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": writer}));
        ask.header("if-none-match", "*").await.status
    };
    assert_eq!(tally(join_all((0..20).map(post)).await), [(201, 1), (412, 19)]);
    let history = world.get(Board, "kpis/NI-117/readings/FY2009-10-Q1/history").await.is(200).json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
}

async fn of_eight_who_make_the_same_thing_one_makes_it(world: &World) {
    small(world).await;
    let other = world.another_instance().await;
    let doors = [&**world, &other];
    for (collection, body) in [
        ("kpis", kpi("NEW", json!({}))),
        ("organisations", json!({"code": "new", "title": "New"})),
        ("/v1/plans", json!({"code": "new", "title": "New", "starts_on": "2009-04-01", "ends_on": "2011-03-31"})),
    ] {
        let body = &body;
        let make =
            |writer: usize| async move { doors[writer % 2].post(Administrator, collection, body.clone()).await.status };
        assert_eq!(tally(join_all((0..8).map(make)).await), [(201, 1), (409, 7)], "{collection}");
    }
}

async fn two_imports_of_one_file_keep_it_once(world: &World) {
    small(world).await;
    let groups: Vec<_> = (0..25).map(|group| format!("g{group}")).collect();
    slices(world, "groups", &groups).await;
    let other = world.another_instance().await;
    let rows = (0..300).map(|n| {
        format!("NI-117,{}/{:02} Q{},g{},{n}\n", 1990 + n / 100, (91 + n / 100) % 100, n % 4 + 1, n % 100 / 4)
    });
    let file = format!("kpi,period,group,value\n{}", rows.collect::<String>());
    let before = world.version().await;
    let (first, second) = (world.import(Lead, "readings", file.clone()), other.import(Lead, "readings", file));
    let answers = join_all([first.into_future(), second.into_future()]).await;
    let mut created: Vec<_> =
        answers.into_iter().map(|answer| answer.is(200).json()["created"].as_u64().unwrap()).collect();
    created.sort_unstable();
    assert_eq!(created, [0, 300]);
    assert_eq!(world.version().await, before + 300);
}

async fn a_report_is_of_one_moment_while_others_write(world: &World) {
    small(world).await;
    let other = world.another_instance().await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    // Both figures of a file are there, or neither.
    let write = async {
        for turn in 0..10 {
            let file = format!("kpi,period,value\nNI-117,2009/10 Q4,{turn}\nNI-50,2009/10,{turn}\n");
            other.import(Lead, "readings", file).await.is(200);
        }
    };
    let read = async {
        for _ in 0..20 {
            let rows = world.get(Board, "status-report.csv?period=FY2009-10-Q4").await.is(200).rows();
            let values: Vec<_> = rows
                .iter()
                .filter(|row| ["NI-117", "NI-50"].contains(&row["kpi"].as_str()))
                .map(|row| &row["value"])
                .collect();
            assert_eq!(values[0], values[1]);
        }
    };
    futures_util::future::join(write, read).await;
}
