//! `waymark demo`: the Harrow plan, ready to be tried.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::serve::Listen;
use super::{Failure, log, print, progress};
use crate::clock::Clock;
use crate::config::{Demo, LogFormat};
use crate::domain::access::Role;
use crate::domain::ids::{PlanCode, Subject};
use crate::domain::wording::counted;
use crate::http::AppState;
use crate::http::access::oauth::Issuer;
use crate::http::settings::Settings;
use crate::programme::folder::load::Folder;
use crate::programme::{Principal, Programme};
use crate::store::{DatabaseUrl, Store, StoreOptions, granting, plans};
use crate::token::{Claims, Expected, KeyKind, KeySource, SigningKey, Verifier};

/// The plan that the demo loads.
const PLAN: &str = "harrow-cypp-2009-2011";
/// How long the demo's tokens are good for.
const DAYS: i64 = 7;

/// The demo's subject of a role.
pub(super) fn subject(role: Role) -> String {
    format!("demo-{}", role.as_str())
}

pub(super) fn run(command: &Demo) -> Result<bool, Failure> {
    log(&command.log, LogFormat::Text)?;
    // The temporary folder goes when the demo ends; one that was named stays.
    let (folder, temporary): (PathBuf, _) = if let Some(folder) = &command.data_dir {
        (folder.clone(), None)
    } else {
        let temporary = tempfile::Builder::new().prefix("waymark-demo-").tempdir()?;
        (temporary.path().to_owned(), Some(temporary))
    };
    std::fs::create_dir_all(&folder).map_err(super::at(&folder))?;
    let key = signing_key(&folder.join("signing-key.pem"))?;
    let url: DatabaseUrl = format!("sqlite:{}", folder.join("waymark.db").display()).parse()?;
    let store = Store::open(&url, &StoreOptions { create: true, ..StoreOptions::default() })?;
    store.migrate()?;
    let plan: PlanCode = PLAN.parse()?;
    if store.read_blocking(|conn| plans::find_any(conn, &plan))?.is_none() {
        super::on_a_runtime(load(store.clone(), plan))?;
    }
    let expected = Expected { issuer: "https://waymark.invalid".into(), audience: "waymark".into() };
    let verifier = Verifier::new(vec![KeySource::local(&key)], expected.clone(), Clock::system());
    let shutdown = Duration::from_secs(5);
    let listen = Listen { bind: command.bind, workers: None, shutdown, webhooks: true, reminders: None };
    let issuer = Arc::new(Issuer { key, expected: expected.clone() });
    let settings = Settings { basic_auth: true, issuers: vec![expected.issuer.clone()], ..Settings::default() };
    let programme = Programme::new(store, Clock::system());
    let links = super::on_a_runtime(sign_in_links(programme.clone()))?;
    let state = AppState::new(programme, Arc::new(verifier))?;
    let served = listen.serve(state.with(settings).issuing(Arc::clone(&issuer)), |address| {
        let welcome =
            welcome(address, &folder, &links, (&issuer.key, &expected)).unwrap_or_else(|error| format!("{error}\n"));
        let _shown = print(welcome);
    });
    drop(temporary);
    served
}

fn signing_key(file: &Path) -> Result<SigningKey, Failure> {
    if file.exists() {
        return Ok(SigningKey::load(file)?);
    }
    let key = SigningKey::generate(KeyKind::Ed25519)?;
    key.write(file)?;
    Ok(key)
}

/// Loads the plan with its history, and gives each role to a subject.
async fn load(store: Store, plan: PlanCode) -> Result<bool, Failure> {
    let administrator: Subject = subject(Role::Administrator).parse()?;
    let administrator = Principal::from(administrator);
    let clock = Clock::standing_at(Clock::system().now());
    let (admin, now) = (administrator.clone(), clock.now());
    store
        .write(move |write| granting::ensure_service_grant(write, &admin, Role::Administrator, &admin, now).map(drop))
        .await?;
    // In one transaction with the roles: a demo that is killed while it loads starts again.
    let transaction = store.begin().await?;
    let programme = Programme::new(transaction.store().clone(), clock.clone());
    let bar = progress(0, "loading the Harrow plan");
    bar.set_style(indicatif::ProgressStyle::default_spinner());
    let heard = |file: &str, rows: u64| {
        bar.set_message(format!("loading the Harrow plan: {file}, {}", counted(rows, "row", "rows")));
    };
    programme.fill_from(&Folder::Harrow, None, &administrator, &clock, &heard).await?;
    bar.finish_and_clear();
    for role in Role::ALL {
        let Some(Value::Object(terms)) = terms_of(role) else { continue };
        programme.give_grant(&plan, &administrator, terms).await.map_err(|refusal| super::told(&refusal))?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// The grant in the demo's plan for a role; the administrator's is of the whole service.
fn terms_of(role: Role) -> Option<Value> {
    let (subject, name) = (subject(role), role.as_str());
    Some(match role {
        Role::Administrator => return None,
        Role::ProgrammeManager | Role::Board | Role::Public => json!({"subject": subject, "role": name}),
        Role::SubGroupLead => {
            let areas = ["be-healthy", "achieving-economic-well-being"];
            json!({"subject": subject, "role": name, "outcome_areas": areas})
        }
        Role::Contributor => json!({"subject": subject, "role": name, "organisation": "connexions"}),
        Role::Partner => json!({"subject": subject, "role": name, "organisation": "harrow-pct"}),
    })
}

/// A secret for each role that signs in once.
async fn sign_in_links(programme: Programme) -> Result<Vec<(Role, String)>, Failure> {
    let mut links = Vec::new();
    for role in Role::ALL {
        let subject: Subject = subject(role).parse()?;
        let secret = programme.make_sign_in_link(&subject, TimeDelta::days(DAYS)).await;
        links.push((role, secret.map_err(|refusal| super::told(&refusal))?));
    }
    Ok(links)
}

/// What a person sees: who there is to be, where to look, and what to type.
fn welcome(
    address: SocketAddr,
    folder: &Path,
    secrets: &[(Role, String)],
    (key, expected): (&SigningKey, &Expected),
) -> Result<String, Failure> {
    let base = format!("http://{address}");
    let mut ways_in = String::new();
    for (role, secret) in secrets {
        let _ = writeln!(ways_in, "{:<18} {}", role.as_str().replace('_', " "), super::sign_in_address(&base, secret));
    }
    let head = format!(
        "Waymark serves the Harrow Children and Young People's Plan 2009-2011 on {base}\n\
         The priorities are the plan's. Every baseline, target and figure is INVENTED for illustration.\n\
         Documentation: {base}/docs   Data: {}\n\n\
         Open one of these in a browser; each signs in once, within {DAYS} days:\n\n{ways_in}\n\
         A token for each role, valid for {DAYS} days:\n\n",
        folder.display()
    );
    let now = Clock::system().now();
    let mut tokens = Vec::new();
    for role in Role::ALL {
        let token = key.sign(&Claims::issue(expected, subject(role), now, TimeDelta::days(DAYS)))?;
        tokens.push(format!("{}={token}", role.as_str().to_uppercase()));
    }
    let plan = format!("http://{address}/v1/plans/{PLAN}");
    let lines = format!(
        r#"
Paste the lines above, then try:

# The Board pulls the status report of 2009/10 Q4, as it was known on 14 May 2010
curl -s -H "Authorization: Bearer $BOARD" '{plan}/status-report?period=FY2009-10-Q4&as_of=2010-05-14T12:00:00Z'

# Why does one KPI stand where it stands?
curl -s -H "Authorization: Bearer $BOARD" '{plan}/kpis/NI-117/status?period=FY2009-10-Q4'

# A sub-group lead posts a quarter's figure and sees what it changes
curl -s -X PUT -H "Authorization: Bearer $SUB_GROUP_LEAD" -H 'Content-Type: application/json' \
  -d '{{"numerator": 231, "denominator": 5120, "commentary": "Two colleges reported late."}}' '{plan}/kpis/NI-117/readings/FY2010-11-Q1'

# A contributor sends a file, and first only tries it
printf 'kpi,period,numerator,denominator\nNI-117,2010/11 Q2,240,5130\n' | curl -s -X POST -H "Authorization: Bearer $CONTRIBUTOR" \
  -H 'Content-Type: text/csv' --data-binary @- '{plan}/readings?dry_run=true'

# A programme manager sets a target
curl -s -X PUT -H "Authorization: Bearer $PROGRAMME_MANAGER" -H 'Content-Type: application/json' \
  -d '{{"value": 4.3, "kind": "laa", "rationale": "Keeps pace with the target for the year."}}' '{plan}/kpis/NI-117/targets/FY2010-11-Q2'

# A partner sees what is published, small numbers withheld
curl -s -H "Authorization: Bearer $PARTNER" '{plan}/status-report.csv?period=FY2009-10-Q4&as_of=2010-05-14T12:00:00Z'

# The public sees only what is published to everyone
curl -s -H "Authorization: Bearer $PUBLIC" '{plan}/kpis?limit=5'

# An administrator reads who may do what, and follows what changed
curl -s -H "Authorization: Bearer $ADMINISTRATOR" '{plan}/grants'
curl -s -H "Authorization: Bearer $ADMINISTRATOR" '{plan}/changes?after=0&limit=5'
"#
    );
    Ok(format!("{head}{}\n{lines}", tokens.join("\n")))
}
