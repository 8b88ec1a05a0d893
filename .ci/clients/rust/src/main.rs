//! A client generated from the OpenAPI document, run from posting a figure to reading the report.

use std::error::Error;

use client::{Client, types};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request};

#[allow(dead_code, unused_imports, clippy::all, reason = "generated")]
mod client {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

/// Labels what is sent: a patch is a merge patch.
fn label(request: &mut Request) {
    if request.method() == Method::PATCH {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/merge-patch+json"));
    }
}

/// What a refused request was told.
fn problem<T>(
    outcome: Result<T, progenitor_client::Error<types::Problem>>,
    status: u16,
) -> Result<types::Problem, Box<dyn Error>> {
    match outcome {
        Err(progenitor_client::Error::ErrorResponse(answer)) if answer.status().as_u16() == status => {
            Ok(answer.into_inner())
        }
        Err(other) => Err(other.into()),
        Ok(_) => Err(format!("{status} was due").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(token), Some(plan)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: waymark-client-check URL TOKEN PLAN".into());
    };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}"))?)]);
    let client = Client::new_with_client(&url, reqwest::Client::builder().default_headers(headers).build()?);
    let (plan, kpi, period) = (plan.as_str(), "NI-117", "FY2010-11-Q3");

    // A figure is posted, and what it changes comes back with it.
    let figure = types::ReadingDraft::builder()
        .numerator(types::Figure(231.0))
        .denominator(types::Figure(5120.0))
        .reason("Posted by the Rust client.".parse::<types::ReadingDraftReason>()?);
    let posted = client.put_reading().plan(plan).kpi(kpi).period(period).body(figure).send().await?.into_inner();
    assert_eq!(posted.value, Some(types::Figure(4.511_718_75)));
    let after: types::Assessment = posted.effect.after.ok_or("the figure is assessed")?;
    assert_eq!(after.reported_text.as_deref(), Some("4.5 %"));

    // It stands in the status report of its period.
    let report = client.get_status_report().plan(plan).period(period.parse::<types::GetStatusReportPeriod>()?).send();
    let report = report.await?.into_inner();
    let mut assessments =
        report.outcome_areas.iter().flat_map(|area| &area.priorities).flat_map(|priority| &priority.kpis);
    let found = assessments.find(|assessment| *assessment.kpi == kpi).ok_or("the KPI is in the report")?;
    assert_eq!((found.value.clone(), found.period.key.as_str()), (posted.value, period));

    // What is wrong comes back as a typed problem, everything at once.
    let wrong = types::ReadingDraft::builder().numerator(types::Figure(231.0)).denominator(types::Figure(0.0));
    let outcome = client.put_reading().plan(plan).kpi(kpi).period(period).body(wrong).send().await;
    let invalid = problem(outcome, 422)?;
    assert_eq!(invalid.errors.iter().map(|fault| fault.pointer.as_deref()).collect::<Vec<_>>(), [Some("/denominator")]);

    // So does a change of what has changed since.
    let title = types::KpiChange::builder().title("Too late".parse::<types::KpiChangeTitle>()?);
    let outcome = client.update_kpi().plan(plan).kpi(kpi).if_match("\"1\"").body(title).send().await;
    assert_eq!(problem(outcome, 412)?.code, "precondition_failed");

    // A list is read a page at a time.
    let (mut codes, mut cursor) = (Vec::new(), None);
    loop {
        let mut ask = client.list_kpis().plan(plan).limit(std::num::NonZeroU64::new(7).ok_or("seven is not none")?);
        if let Some(cursor) = cursor {
            ask = ask.cursor(cursor);
        }
        let page = ask.send().await?.into_inner();
        codes.extend(page.items.into_iter().map(|kpi| kpi.code.to_string()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let all = codes.len();
    codes.sort();
    codes.dedup();
    assert!(all > 7 && codes.len() == all, "{codes:?}");

    println!("Rust: a figure posted and reported, a 422 and a 412 understood, {all} KPIs in pages.");
    Ok(())
}
