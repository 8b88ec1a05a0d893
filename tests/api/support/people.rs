//! The persons who act, and the tokens they carry.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use chrono::TimeDelta;
use waymark::clock::Clock;
use waymark::domain::ids::Subject;
use waymark::http::access::oauth::Issuer;
use waymark::token::{Claims, Expected, KeyKind, KeySource, SigningKey, Verifier};

use super::{NOON, instant, subject};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Actor {
    /// Administrator of the service.
    Administrator,
    /// Programme manager of the plan.
    Manager,
    /// Lead of a sub-group: of `health` in the small plan.
    Lead,
    /// Contributor from Connexions.
    Contributor,
    /// On the Board.
    Board,
    /// From a partner organisation: the PCT.
    Partner,
    /// With the public's grant.
    Public,
    /// With a good token and no grant.
    Stranger,
    /// Without a token.
    Nobody,
}

impl Actor {
    /// Everyone with a token.
    pub(crate) const KNOWN: [Self; 8] = [
        Self::Administrator,
        Self::Manager,
        Self::Lead,
        Self::Contributor,
        Self::Board,
        Self::Partner,
        Self::Public,
        Self::Stranger,
    ];

    /// A name for codes and subjects.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Administrator => "ada-administrator",
            Self::Manager => "mo-manager",
            Self::Lead => "lee-lead",
            Self::Contributor => "coco-contributor",
            Self::Board => "bea-board",
            Self::Partner => "pat-partner",
            Self::Public => "puck-public",
            Self::Stranger => "sam-stranger",
            Self::Nobody => "nobody",
        }
    }

    pub(crate) fn subject(self) -> Subject {
        subject(self.name())
    }

    /// The token they carry.
    pub(crate) fn token(self) -> Option<&'static str> {
        CARRIED.tokens.get(&self).map(String::as_str)
    }
}

struct Carried {
    key: SigningKey,
    tokens: HashMap<Actor, String>,
}

static CARRIED: LazyLock<Carried> = LazyLock::new(|| {
    let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let token = |actor: Actor| {
        let claims = Claims::issue(&expected(), actor.name(), instant(NOON), TimeDelta::days(1));
        (actor, key.sign(&claims).unwrap())
    };
    let tokens = Actor::KNOWN.into_iter().map(token).collect();
    Carried { key, tokens }
});

fn expected() -> Expected {
    Expected { issuer: "https://issuer.example".into(), audience: "waymark".into() }
}

/// What partners' systems get their tokens from.
pub(crate) fn issuer() -> Arc<Issuer> {
    Arc::clone(&ISSUER)
}

static ISSUER: LazyLock<Arc<Issuer>> =
    LazyLock::new(|| Arc::new(Issuer { key: SigningKey::generate(KeyKind::Es256).unwrap(), expected: own() }));

fn own() -> Expected {
    Expected { issuer: "https://waymark.example".into(), audience: "waymark".into() }
}

/// A verifier of these tokens. It goes by a clock of its own, so that a test may play in any year.
pub(crate) fn verifier() -> Verifier {
    let verifier = Verifier::new(vec![KeySource::local(&CARRIED.key)], expected(), Clock::standing_at(instant(NOON)));
    verifier.and(vec![KeySource::local(&ISSUER.key)], own())
}

/// A token of theirs that expired a day ago.
pub(crate) fn expired(actor: Actor) -> String {
    let claims = Claims::issue(&expected(), actor.name(), instant(NOON) - TimeDelta::days(2), TimeDelta::days(1));
    CARRIED.key.sign(&claims).unwrap()
}
