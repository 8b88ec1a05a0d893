//! Personal access tokens: what a person's tools sign in with.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use waymark_domain::access::{Access, Role};
use waymark_domain::check::check_text;
use waymark_domain::document;
use waymark_domain::document::Document;
use waymark_domain::ids::PlanCode;
use waymark_domain::invalid::Invalid;
use waymark_domain::names;
use waymark_store::credentials::Owner;
use waymark_store::grants;

use crate::access::credentials::{
    CredentialId, CredentialKind, CredentialRow, Draft, Entered, expiry, found, must_be_oneself,
};
use crate::caller::precondition::Precondition;
use crate::definitions::references::refer;
use crate::{Principal, Programme, Refusal};

/// How a personal access token begins, so that it is known for one wherever it turns up.
pub const TOKEN_PREFIX: &str = "wmk_";

names! {
    /// A method that a token may be used with besides reading.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(
        description = "A method that a token may be used with. Reading (GET, with HEAD and OPTIONS) is always allowed."
    )]
    pub enum TokenMethod {
        /// Reading.
        Get = "GET",
        /// Making something, importing, or a step of a return.
        Post = "POST",
        /// Writing one thing.
        Put = "PUT",
        /// Changing one thing.
        Patch = "PATCH",
        /// Removing one thing.
        Delete = "DELETE",
    }
}

document! {
    /// What a personal access token is for.
    #[schema(description = "What a personal access token is for, and what it is confined to.")]
    pub struct TokenTerms / TokenDraft / TokenChange {
        /// What it is for, to know it by; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Power BI scorecard")]
        name: String,
        /// The only plan that it opens; null for every plan you see.
        #[schema(example = "harrow-cypp-2009-2011")]
        plan: Option<PlanCode> = None,
        /// The only role of yours that it carries; null for all.
        role: Option<Role> = None,
        /// The methods it may be used with; reading always is among them.
        #[schema(max_items = 5, example = json!(["GET"]))]
        methods: Vec<TokenMethod> = vec![TokenMethod::Get],
        /// When it expires: at most two years ahead. Without it, a year from now.
        #[schema(example = json!(null))]
        expires_at: Option<DateTime<Utc>> = None,
    }
}

impl Programme {
    /// Makes a personal access token for the caller, and gives it with its secret, which is never shown again.
    ///
    /// # Errors
    /// What is wrong with the terms; a conflict if the caller has too many.
    pub async fn make_token(
        &self,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<(CredentialRow, String), Refusal> {
        let (caller, now) = (caller.clone(), self.clock.now());
        must_be_oneself(&caller)?;
        let clock = self.clock.clone();
        self.store
            .write(move |write| {
                caller.claim(write, &clock, &Access::new(Vec::new()))?;
                let terms = TokenTerms::parse(members)?;
                let mut invalid = Invalid::new();
                check_text(&mut invalid, "/name", &terms.name, 1, 200);
                let expires_at = expiry(terms.expires_at, now, &mut invalid);
                let seen = caller.list_plans(write, None, usize::MAX)?;
                let plan = terms.plan.as_ref().and_then(|code| {
                    let codes = seen.iter().map(|plan| (plan.code.clone(), ())).collect();
                    refer(&mut invalid, "/plan", "plan", code, &codes);
                    seen.iter().find(|plan| plan.code == *code).map(|plan| (plan.id, plan.code.clone()))
                });
                let service = grants::of_service(write, &caller)?;
                let held = service.iter().chain(seen.iter().flat_map(|plan| &plan.grants));
                if let Some(role) = terms.role
                    && !held.into_iter().any(|grant| grant.granted.role == role)
                {
                    invalid.at("/role", "not_held", format!("you do not hold the role `{}`", role.as_str()));
                }
                invalid.or(())?;
                let draft = Draft {
                    kind: CredentialKind::Token,
                    title: terms.name,
                    plan,
                    role: terms.role,
                    methods: terms.methods.into_iter().map(TokenMethod::as_str).collect(),
                    address: None,
                    expires_at: Some(expires_at),
                };
                draft.make_with_secret(write, caller.subject(), now, TOKEN_PREFIX)
            })
            .await
    }

    /// The caller's tokens that are not revoked, oldest first; those that have expired among them.
    pub async fn my_tokens(&self, caller: &Principal) -> Result<Vec<CredentialRow>, Refusal> {
        must_be_oneself(caller)?;
        self.list_credentials(CredentialKind::Token, Owner::Subject(caller.subject().clone())).await
    }

    /// One token of the caller's.
    pub async fn find_token(&self, caller: &Principal, id: CredentialId) -> Result<CredentialRow, Refusal> {
        found(self.my_tokens(caller).await?, |row| row.id == id)
    }

    /// Revokes a token of the caller's, at once.
    pub async fn revoke_token(
        &self,
        caller: &Principal,
        id: CredentialId,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        must_be_oneself(caller)?;
        let owner = Owner::Subject(caller.subject().clone());
        self.revoke_credential(CredentialKind::Token, owner, caller, move |row| row.id == id, precondition).await
    }

    /// Who comes in with this token; `None` if it is none, or none any more.
    pub async fn enter_by_token(&self, token: &str) -> Result<Option<Entered>, Refusal> {
        self.enter(CredentialKind::Token, token).await
    }
}
