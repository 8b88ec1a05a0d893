//! `waymark serve`

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::rt::signal::unix::{SignalKind, signal};
use chrono::NaiveTime;

use super::{Failure, NO_COURIER, courier, log, make_folder_of, options};
use crate::clock::Clock;
use crate::config::Serve;
use crate::delivery::Worker;
use crate::delivery::reminders::Courier;
use crate::delivery::schedule::Schedule;
use crate::domain::access::Role;
use crate::domain::ids::Subject;
use crate::domain::wording::io_fault;
use crate::http::access::oauth::Issuer;
use crate::http::settings::{MetricsToken, Settings};
use crate::http::{AppState, configure};
use crate::programme::Programme;
use crate::programme::waiting::Watch;
use crate::store::{Store, StoreError, granting, grants};
use crate::token::{ClientSecret, Expected, KeySource, Provider, ProviderSettings, SigningKey, Verifier};

pub(super) fn run(command: &Serve) -> Result<bool, Failure> {
    log(command.place.log.as_deref().unwrap_or("info"), command.place.log_format)?;
    let reminders = reminders(command)?;
    let keys = Keys::of(command)?;
    let url = command.place.database()?;
    make_folder_of(&url)?;
    let store = Store::open(&url, &options(&command.place, command.migrate))?;
    if command.migrate {
        for step in store.migrate()? {
            tracing::info!(step, "migrated");
        }
    }
    let clock = Clock::system();
    if let Some(subject) = &command.administrator {
        let now = clock.now();
        store.write_blocking::<_, StoreError, _>(|write| {
            granting::ensure_service_grant(write, subject, Role::Administrator, subject, now).map(drop)
        })?;
    }
    if let Some(subject) = &command.former_administrator {
        let now = clock.now();
        store.write_blocking::<_, StoreError, _>(|write| {
            let by = Subject::of_the_service();
            let reason = "The service was started with --former-administrator.";
            let held = grants::of_service(write, subject)?;
            held.iter().try_for_each(|grant| granting::revoke_service_grant(write, grant, &by, now, reason).map(drop))
        })?;
    }
    let expected = Expected { issuer: command.issuing.issuer.clone(), audience: command.issuing.audience.clone() };
    let local = keys.local.iter().map(KeySource::local);
    let verifier = match &command.oidc_issuer {
        None => Verifier::new(local.chain(keys.foreign).collect(), expected.clone(), clock.clone()),
        Some(issuer) => {
            let theirs = Expected { issuer: issuer.clone(), ..expected.clone() };
            Verifier::new(local.collect(), expected.clone(), clock.clone()).and(keys.foreign, theirs)
        }
    };
    let settings = settings(command, &expected)?;
    if let (Some(url), true, true) = (&command.public_url, keys.local.is_some(), expected.issuer.ends_with(".invalid"))
    {
        tracing::warn!(issuer = %expected.issuer, "clients that look for the issuer will not find it; set --issuer {url}");
    }
    let provider = provider(command, &clock)?;
    let programme = Programme::new(store, clock).allowing_private_webhooks(command.webhooks_allow_private);
    let state = AppState::new(programme, Arc::new(verifier))?.with(settings);
    let state = match keys.local {
        Some(key) => state.issuing(Arc::new(Issuer { key, expected })),
        None => state,
    };
    let state = match provider {
        Some(provider) => state.with_provider(Arc::new(provider)),
        None => state,
    };
    let listen = Listen {
        bind: command.bind,
        workers: command.workers,
        shutdown: command.shutdown(),
        webhooks: command.webhooks,
        reminders,
    };
    listen.serve(state, |address| tracing::info!(%address, "serving"))
}

/// What the service is told about itself and about who asks.
fn settings(command: &Serve, expected: &Expected) -> Result<Settings, Failure> {
    Ok(Settings {
        basic_auth: command.basic_auth,
        rate_limit: NonZeroU32::new(command.rate_limit),
        trusted_proxies: command.trusted_proxies.clone(),
        cors_origins: command.cors_origins.clone(),
        public_url: command.public_url.clone(),
        issuers: std::iter::once(expected.issuer.clone()).chain(command.oidc_issuer.clone()).collect(),
        security_contact: command.security_contact.clone(),
        metrics_token: metrics_token(command)?,
    })
}

/// What brings reminders, and at what time of day, if the service is to send them.
fn reminders(command: &Serve) -> Result<Option<(Courier, NaiveTime)>, Failure> {
    let Some(at) = command.remind_at else { return Ok(None) };
    let courier = courier(&command.reminding, command.public_url.as_deref())?;
    Ok(Some((courier.ok_or_else(|| format!("--remind-at: {NO_COURIER}"))?, at)))
}

/// What opens `/metrics`. It is a secret: no message quotes it.
fn metrics_token(command: &Serve) -> Result<Option<MetricsToken>, Failure> {
    let wrong = "--metrics-token (WAYMARK_METRICS_TOKEN): give 16 characters or more, without spaces";
    let token = command.metrics_token.as_deref().map(|text| MetricsToken::new(text).ok_or(wrong));
    Ok(token.transpose()?)
}

/// The issuer at which people sign in, if there is one.
fn provider(command: &Serve, clock: &Clock) -> Result<Option<Provider>, Failure> {
    let (Some(issuer), Some(client_id)) = (&command.oidc_issuer, &command.oidc_client_id) else { return Ok(None) };
    if *issuer == command.issuing.issuer {
        return Err("--oidc-issuer is the same as --issuer, so accounts of the one could not be distinguished from those of the other; \
                    give --issuer the address of this service"
            .into());
    }
    if issuer.contains(['#', '?']) {
        return Err("--oidc-issuer: leave out what begins with # or ?, as the issuer's metadata does".into());
    }
    let secret = |file: &PathBuf| {
        let place = format!("--oidc-client-secret-file {}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| format!("{place}: {}", io_fault(&error)))?;
        ClientSecret::new(&text).ok_or_else(|| format!("{place}: write the secret into it, on one line"))
    };
    let settings = ProviderSettings {
        issuer: issuer.clone(),
        client_id: client_id.clone(),
        client_secret: command.oidc_client_secret_file.as_ref().map(secret).transpose()?,
        subject_claim: command.subject_claim.clone(),
        trust_email: command.oidc_trust_email,
    };
    let provider = Provider::new(settings, clock.clone()).map_err(|error| format!("--oidc-issuer: {error}"))?;
    Ok(Some(provider))
}

/// The keys of a deployment: its own to sign with, and those of others to verify with.
struct Keys {
    local: Option<SigningKey>,
    foreign: Vec<KeySource>,
}

impl Keys {
    fn of(command: &Serve) -> Result<Self, Failure> {
        let default = Some(command.place.default_key_file()).filter(|file| file.exists());
        let local: Option<PathBuf> = command.issuing.key_file.clone().or(default);
        let local = local.map(|file| SigningKey::load(&file)).transpose()?;
        let mut foreign: Vec<KeySource> = command.jwks_file.iter().map(KeySource::file).collect();
        if let Some(url) = &command.jwks_url {
            foreign.push(KeySource::url(url).map_err(|error| format!("--jwks-url: {error}"))?);
        }
        if local.is_none() && foreign.is_empty() && command.oidc_client_id.is_none() {
            return Err(format!(
                "there are no keys to verify tokens with. Set --jwks-url (WAYMARK_JWKS_URL) or --jwks-file (WAYMARK_JWKS_FILE) to your issuer's keys, with --issuer and --audience; or make a local key with `waymark token --create-key --data-dir {}`",
                command.place.data_dir.display()
            )
            .into());
        }
        Ok(Self { local, foreign })
    }
}

/// Lets go of anyone who waits for a change as soon as the process is asked to stop: the server waits for every request
/// that it is still answering.
async fn close_when_told_to_stop(watch: Watch) {
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit()];
    let Ok(mut signals) = signals.into_iter().map(signal).collect::<std::io::Result<Vec<_>>>() else { return };
    let told = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
    futures_util::future::select_all(told).await;
    watch.close();
}

/// How long the connection of a body that was refused unread stays open, so that its sender can read why.
///
/// The framework counts this from a clock of its own, which stands still while a busy machine gives the thread no time. A moment
/// that is past by then is never noticed, and the connection stays until its sender closes it. With one second, the
/// framework's own choice, that happened on a machine with eight times more work than cores.
const LINGER: Duration = Duration::from_secs(5);

/// How to listen.
pub(super) struct Listen {
    pub bind: SocketAddr,
    pub workers: Option<u16>,
    pub shutdown: Duration,
    /// Whether webhooks are delivered.
    pub webhooks: bool,
    /// What brings reminders, and at what time of day in London, if they are sent.
    pub reminders: Option<(Courier, NaiveTime)>,
}

impl Listen {
    /// Serves until the process is asked to stop.
    pub(super) fn serve(self, state: AppState, begun: impl FnOnce(SocketAddr)) -> Result<bool, Failure> {
        let programme = state.programme().clone();
        let watch = programme.watch().clone();
        let schedule = self.reminders.map(|(courier, at)| Schedule::new(programme.clone(), courier, at));
        let worker = self.webhooks.then(|| Worker::new(programme));
        actix_web::rt::System::new().block_on(async move {
            actix_web::rt::spawn(close_when_told_to_stop(watch.clone()));
            let server = HttpServer::new(move || configure(&state))
                .client_disconnect_timeout(LINGER)
                .shutdown_timeout(self.shutdown.as_secs());
            let server = match self.workers {
                Some(workers) => server.workers(workers.into()),
                None => server,
            };
            let server =
                server.bind(self.bind).map_err(|error| format!("--bind {}: {}", self.bind, io_fault(&error)))?;
            begun(server.addrs().first().copied().unwrap_or(self.bind));
            let worker = worker.map(|worker| actix_web::rt::spawn(worker.run()));
            let schedule = schedule.map(|schedule| actix_web::rt::spawn(schedule.run()));
            let ended = server.run().await;
            // However it ended: the message that is being sent is noted, and no other is begun.
            watch.close();
            for work in [worker, schedule].into_iter().flatten() {
                let _ended = work.await;
            }
            ended?;
            Ok(true)
        })
    }
}
