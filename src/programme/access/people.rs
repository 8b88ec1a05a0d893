//! People who sign in with an account of their organisation, and who they are here.
//!
//! An account is known by its issuer and by what its issuer calls it, so accounts of different issuers never meet. Anyone who signs in
//! for the first time becomes a subject for good: that of their e-mail address, if the issuer vouches for it and nobody is that
//! subject yet (so roles can be given by e-mail before somebody has signed in), or else the issuer's address, `#` and what the
//! issuer calls them. Somebody whose e-mail address changes stays who they are, and somebody who gets the old address later is
//! another person.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use waymark_domain::ids::Subject;
use waymark_store::people::{self, PersonRow};
use waymark_store::{Conn, Write};

use crate::{Programme, Refusal};

/// The most characters of a name that are saved.
const MOST_OF_A_NAME: usize = 200;

/// Somebody as their issuer states them.
#[derive(Clone, Debug)]
pub struct Account {
    /// Who vouches for it.
    pub issuer: String,
    /// What it is at its issuer: 1 to 200 characters.
    pub claim: String,
    /// What the issuer calls them.
    pub name: Option<String>,
    /// Their e-mail address, if the issuer vouches for it.
    pub email: Option<String>,
}

impl Account {
    /// The subject of an account that is bound to none, if there may be one.
    fn subject(&self, conn: &mut Conn) -> Result<Subject, Refusal> {
        if let Some(email) = self.email.as_deref().and_then(subject_of_email)
            && people::by_subject(conn, &email)?.is_none()
        {
            return Ok(email);
        }
        let whole = format!("{}#{}", self.issuer, self.claim);
        whole.parse().map_err(|_too_long| {
            let detail = "the account's name at its issuer is too long to be used here; ask the people who run this service \
                          to choose another claim with --subject-claim";
            Refusal::Conflict(detail.to_owned())
        })
    }

    fn name(&self) -> Option<String> {
        let name: String = self.name.as_deref()?.chars().filter(|c| !c.is_control()).take(MOST_OF_A_NAME).collect();
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }
}

/// An e-mail address as a subject: in lower case, and only if it can be mistaken for nothing else.
fn subject_of_email(email: &str) -> Option<Subject> {
    let email = email.to_lowercase();
    let (local, domain) = email.split_once('@')?;
    let is_plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@#:/".contains(c));
    (is_plain(local) && is_plain(domain)).then(|| email.parse().ok())?
}

impl Programme {
    /// Who an account is, without binding it: what a token of its issuer speaks for.
    pub async fn subject_of(&self, account: Account) -> Result<Subject, Refusal> {
        self.store
            .look_up(move |conn| match people::find(conn, &account.issuer, &account.claim)? {
                Some(person) => Ok(person.subject),
                None => account.subject(conn),
            })
            .await
    }

    /// What everyone is called who signed in with an account that has a name.
    pub async fn names(&self) -> Result<BTreeMap<Subject, String>, Refusal> {
        self.store.look_up(|conn| Ok::<_, Refusal>(people::names(conn)?)).await
    }

    /// What a subject is called, if they signed in with an account that has a name.
    pub async fn name_of(&self, subject: &Subject) -> Result<Option<String>, Refusal> {
        let subject = subject.clone();
        let found = self.store.look_up(move |conn| Ok::<_, Refusal>(people::by_subject(conn, &subject)?)).await?;
        Ok(found.and_then(|person| person.name))
    }
}

/// Who signs in with an account: bound to its subject by it, if it was not yet.
pub(super) fn arrival(write: &mut Write<'_>, account: &Account, now: DateTime<Utc>) -> Result<Subject, Refusal> {
    people::hold(write)?;
    let (name, email) = (account.name(), account.email.clone());
    if let Some(known) = people::find(write, &account.issuer, &account.claim)? {
        let row = PersonRow { name, email, last_signed_in_at: now, ..known };
        people::signed_in(write, &row)?;
        return Ok(row.subject);
    }
    let subject = account.subject(write)?;
    let (issuer, claim) = (account.issuer.clone(), account.claim.clone());
    let row = PersonRow { issuer, claim, subject, name, email, bound_at: now, last_signed_in_at: now };
    people::bind(write, &row)?;
    Ok(row.subject)
}

#[cfg(test)]
mod tests {
    use super::subject_of_email;

    #[test]
    fn an_address_is_a_subject_if_it_can_be_nothing_else() {
        let subject = |email| subject_of_email(email).map(|subject| subject.as_str().to_owned());
        assert_eq!(subject("Jo.Lead@Harrow.Example").as_deref(), Some("jo.lead@harrow.example"));
        for other in ["", "@", "jo", "jo@", "@harrow", "a@b@c", "https://issuer.example#a@b", "a b@c", "a\u{7}@c"] {
            assert_eq!(subject(other), None, "{other}");
        }
    }
}
