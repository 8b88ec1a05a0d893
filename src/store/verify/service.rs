//! The journal of the service: its chain, its end, and the tokens, links, clients, roles and people that it should
//! account for.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::{Chain, ENTRIES_AT_A_TIME, Fault, Faults, StoredEntry, allow_time, readable};
use crate::backend::AnyConn;
use crate::grants::{self, GrantRow};
use crate::schema::service_journal;
use crate::service_journal::{Head, NO_PLAN, head_row};
use crate::types::canonical;
use crate::{Conn, StoreError, credentials, people};
use waymark_domain::ids::Seq;

/// What the latest entry about a thing says, by its kind and key.
type Latest = HashMap<(String, String), (Seq, Option<String>)>;

/// Walks the journal of the service and the rows that it accounts for, as they are at one moment. An empty list is a
/// clean bill.
///
/// A row that is older than the journal has no entry: it was made before the database had this journal.
pub fn service(conn: &mut Conn) -> Result<Vec<Fault>, StoreError> {
    allow_time(conn)?;
    let mut faults = Faults::default();
    let head = match head_row(&mut conn.any) {
        Ok(head) => head,
        Err(DieselError::DeserializationError(error)) => {
            faults.add("the journal's end", format!("cannot be read: {error}"));
            None
        }
        Err(error) => return Err(conn.failed(error.into())),
    };
    if head.is_none() && faults.list.is_empty() {
        faults.add("the journal's end", "the row that states it is missing");
    }
    let mut walk = Walk {
        conn,
        faults,
        chain: Chain { plan: NO_PLAN, previous: Some(String::new()), last: None },
        first: None,
        latest: Latest::new(),
    };
    walk.entries()?;
    if let Some(head) = head {
        walk.head(&head);
    }
    walk.credentials()?;
    walk.grants()?;
    walk.people()?;
    walk.missing();
    Ok(walk.faults.list)
}

fn entries_between(any: &mut AnyConn, after: Seq, up_to: Seq) -> QueryResult<Vec<StoredEntry>> {
    service_journal::table
        .filter(service_journal::seq.gt(after.0))
        .filter(service_journal::seq.le(up_to.0))
        .order(service_journal::seq)
        .select((
            service_journal::seq,
            service_journal::at,
            service_journal::actor,
            service_journal::action,
            service_journal::kind,
            service_journal::key,
            service_journal::before,
            service_journal::after,
            service_journal::reason,
            service_journal::digest,
        ))
        .load(any)
}

struct Walk<'a> {
    conn: &'a mut Conn,
    faults: Faults,
    chain: Chain<'static>,
    /// When the first entry was made.
    first: Option<DateTime<Utc>>,
    latest: Latest,
}

impl Walk<'_> {
    fn entries(&mut self) -> Result<(), StoreError> {
        let mut after = Seq(0);
        loop {
            let seqs: Vec<i64> = self.conn.run(|any| {
                service_journal::table
                    .filter(service_journal::seq.gt(after.0))
                    .order(service_journal::seq)
                    .limit(ENTRIES_AT_A_TIME)
                    .select(service_journal::seq)
                    .load(any)
            })?;
            let Some(up_to) = seqs.last().copied().map(Seq) else { return Ok(()) };
            let mut broken = BTreeMap::new();
            let mut entries = readable(self.conn, &entries_between, after, up_to, &mut broken)?.into_iter();
            for seq in seqs.into_iter().map(Seq) {
                if seq > after.next() {
                    self.chain.gap(after, Seq(seq.0 - 1), &mut self.faults);
                }
                if let Some(what) = broken.remove(&seq) {
                    self.faults.add(format!("entry {seq}"), what);
                    self.chain.previous = None;
                } else if let Some(entry) = entries.next() {
                    self.entry(entry);
                }
                after = seq;
            }
            if self.faults.are_enough() {
                return Ok(());
            }
        }
    }

    fn entry(&mut self, entry: StoredEntry) {
        self.chain.check(&entry, &mut self.faults);
        self.first = self.first.or(Some(entry.at.into()));
        self.latest.insert((entry.kind.clone(), entry.key.clone()), (entry.seq, entry.after.clone()));
        self.chain.follow(entry);
    }

    /// Whether the journal's end is that of the chain.
    fn head(&mut self, head: &Head) {
        let (seq, at) = self.chain.last.map_or((Seq(0), None), |(seq, at)| (seq, Some(at)));
        let what = if seq != head.seq {
            format!("its last entry should be {}, and the journal's is {seq}", head.seq)
        } else if self.chain.previous.as_ref().is_some_and(|digest| *digest != head.digest) {
            format!("its digest is not that of entry {seq}")
        } else if at.is_some_and(|at| at != head.at) {
            format!("its last change is not at the instant of entry {seq}")
        } else {
            return;
        };
        self.faults.add("the journal's end", what);
    }

    fn credentials(&mut self) -> Result<(), StoreError> {
        for id in self.conn.run(credentials::ids)? {
            let any = &mut self.conn.any;
            let found = credentials::by_id(any, &id).and_then(|row| {
                let secrets = credentials::secrets_of(any, row.id)?;
                Ok((row.kind.as_str(), canonical(&row.document(&secrets)), row.created_at))
            });
            self.row("credential", id, found)?;
        }
        Ok(())
    }

    fn grants(&mut self) -> Result<(), StoreError> {
        for id in self.conn.run(grants::ids_of_service)? {
            let found = grants::by_id(&mut self.conn.any, &id);
            let of = |row: GrantRow| ("grant", canonical(&row.document()), row.granted_at);
            self.row("grant", id, found.map(of))?;
        }
        Ok(())
    }

    fn people(&mut self) -> Result<(), StoreError> {
        for subject in self.conn.run(people::subjects)? {
            let found = people::by_subject_in(&mut self.conn.any, &subject);
            let of = |row: people::PersonRow| ("person", canonical(&row.document()), row.bound_at);
            self.row("person", subject, found.map(of))?;
        }
        Ok(())
    }

    /// Whether a row (its kind, its document, and when it was made) is what the latest entry about it says.
    fn row(
        &mut self,
        name: &str,
        id: String,
        found: QueryResult<(&'static str, String, DateTime<Utc>)>,
    ) -> Result<(), StoreError> {
        let (kind, document, made_at) = match found {
            Ok(found) => found,
            Err(DieselError::DeserializationError(error)) => {
                self.faults.add(format!("{name} {id}"), format!("cannot be read: {error}"));
                self.latest.retain(|(_, key), _| *key != id);
                return Ok(());
            }
            Err(error) => return Err(self.conn.failed(error.into())),
        };
        let place = format!("{kind} {id}");
        match self.latest.remove(&(kind.to_owned(), id)) {
            Some((seq, after)) if after.as_ref() != Some(&document) => {
                self.faults.add(place, format!("not what entry {seq} recorded"));
            }
            None if self.first.is_some_and(|first| made_at > first) => {
                self.faults.add(place, "no entry recorded it");
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    /// What an entry recorded and is not there.
    fn missing(&mut self) {
        let left = self.latest.drain().filter(|((kind, _), (_, after))| kind != "reminder" && after.is_some());
        let mut missing: Vec<(Seq, String)> = left
            .map(|((kind, key), (seq, _))| (seq, format!("the {kind} {key} that it recorded is missing")))
            .collect();
        missing.sort();
        for (seq, what) in missing {
            self.faults.add(format!("entry {seq}"), what);
        }
    }
}
