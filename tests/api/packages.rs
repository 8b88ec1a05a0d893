//! The flat tables as other tools find them: what describes them, and that it is true of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::on_both;
use crate::support::{Actor, World};

use Actor::{Board, Partner, Public};

on_both! {
    a_plan_s_tables_are_described_as_a_data_package
    a_plan_s_tables_are_described_as_csvw
    a_series_can_be_had_as_a_table
}

fn texts<'a>(list: &'a Value, member: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap()).collect()
}

async fn a_plan_s_tables_are_described_as_a_data_package(world: &World) {
    world.load_harrow().await;
    let package = world.get(Board, "datapackage.json").await.is(200);
    let again = world.get(Board, "datapackage.json").header("if-none-match", &package.tag()).await;
    again.is(304);
    let package = package.json();
    assert_eq!(package["name"], "harrow-cypp-2009-2011");
    assert!(package["description"].as_str().unwrap().to_lowercase().contains("invented"), "{package}");
    for resource in package["resources"].as_array().unwrap() {
        let path = resource["path"].as_str().unwrap();
        for actor in [Board, Partner, Public] {
            let table = world.get(actor, path).await.is(200);
            let heading = table.text().lines().next().unwrap().to_owned();
            assert_eq!(heading, texts(&resource["schema"]["fields"], "name").join(","), "{path}");
            // What is said to tell one row from another does.
            let key = resource["schema"]["primaryKey"].as_array().unwrap();
            let rows = table.rows();
            let key_of = |row: &BTreeMap<String, String>| {
                key.iter().map(|name| row[name.as_str().unwrap()].clone()).collect::<Vec<_>>()
            };
            let mut keys: Vec<_> = rows.iter().map(key_of).collect();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), rows.len(), "{path}");
        }
    }
}

async fn a_plan_s_tables_are_described_as_csvw(world: &World) {
    world.load_harrow().await;
    let table = world.get(Board, "readings.csv").await.is(200);
    let links: Vec<_> = table.headers.get_all("link").map(|link| link.to_str().unwrap()).collect();
    assert!(links.contains(&"<csvw-metadata.json>; rel=\"describedby\"; type=\"application/csvm+json\""), "{links:?}");
    let metadata = world.get(Board, "csvw-metadata.json").await.is(200);
    assert_eq!(metadata.header("content-type"), Some("application/csvm+json"));
    let group = metadata.json();
    assert_eq!(texts(&group["tables"], "url"), ["readings.csv", "targets.csv", "status-report.csv", "exceptions.csv"]);
    let columns = &group["tables"][0]["tableSchema"]["columns"];
    assert_eq!(table.text().lines().next().unwrap(), texts(columns, "name").join(","));
}

async fn a_series_can_be_had_as_a_table(world: &World) {
    world.load_harrow().await;
    let table = world.get(Board, "kpis/NI-117/series.csv").await.is(200);
    let schema = world.get(Board, "/v1/schemas/series").await.is(200).json();
    assert_eq!(table.text().lines().next().unwrap(), texts(&schema["fields"], "name").join(","));
    let points = world.get(Board, "kpis/NI-117/series").await.is(200).json();
    let rows = table.rows();
    assert_eq!(rows.len(), points["points"].as_array().unwrap().len());
    for (row, point) in rows.iter().zip(points["points"].as_array().unwrap()) {
        assert_eq!(row["period"], point["period"]["key"].as_str().unwrap());
        assert_eq!(row["status"], point["status"].as_str().unwrap());
        assert_eq!(row["value"], if point["value"].is_null() { String::new() } else { point["value"].to_string() });
        let time: chrono::DateTime<chrono::Utc> = row["time"].parse().unwrap();
        assert!(row["time"].starts_with(&row["period_end"]) && time.to_rfc3339().len() > 10, "{row:?}");
    }
    world.get(Board, "kpis/NI-117/series").header("accept", "image/png").await.refused(406, "not_acceptable");
}
