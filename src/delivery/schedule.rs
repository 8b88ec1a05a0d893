//! The service's own round of reminders: every day at a time of day in London, or at once if that time has passed when
//! the service is started. Each person's digest is claimed in the database, so any number of instances may keep a
//! schedule, and one of them may stop at any moment.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::LOOK;
use super::reminders::{Courier, Reminded, remind};
use crate::domain::period::{day_in_london, time_in_london};
use crate::programme::Programme;

/// How long to wait before those are tried again who could not be reminded; doubled each time, up to [`LONGEST`].
const RETRY: TimeDelta = TimeDelta::minutes(15);
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// When reminders are sent, and how far the present day has come.
pub struct Schedule {
    programme: Programme,
    courier: Courier,
    at: NaiveTime,
    day: NaiveDate,
    /// When to send next; `None` if everyone has been reminded that day.
    next: Option<DateTime<Utc>>,
    wait: TimeDelta,
}

impl Schedule {
    /// One that reminds at this time of day in London.
    pub fn new(programme: Programme, courier: Courier, at: NaiveTime) -> Self {
        Self { programme, courier, at, day: NaiveDate::MIN, next: None, wait: RETRY }
    }

    /// Keeps to it until the programme's [`Watch`](crate::programme::waiting::Watch) is closed; the digest that is
    /// being sent then is the last.
    pub async fn run(mut self) {
        let watch = self.programme.watch().clone();
        let mut woken = watch.any_write();
        while !watch.is_closed() {
            self.step().await;
            let _woken = tokio::time::timeout(LOOK, woken.changed()).await;
        }
    }

    /// Reminds everyone if it is time to; gives what came of it.
    pub async fn step(&mut self) -> Option<Reminded> {
        let now = self.programme.clock().now();
        let today = day_in_london(now);
        if today != self.day {
            (self.day, self.next, self.wait) = (today, Some(now), RETRY);
        }
        if !has_come(self.at, now) || self.next.is_none_or(|next| now < next) {
            return None;
        }
        let reminded = remind(&self.programme, &self.courier).await;
        self.next = match &reminded {
            Ok(Reminded { failed: 0, under_way: 0, .. }) => None,
            _ => Some(self.programme.clock().now() + self.wait),
        };
        self.wait = LONGEST.min(self.wait * 2);
        match reminded {
            Ok(reminded) => {
                let Reminded { sent, earlier, under_way, failed } = reminded;
                let again_at = self.next.map(tracing::field::display);
                tracing::info!(sent, earlier, under_way, failed, again_at, "reminded");
                Some(reminded)
            }
            Err(refusal) => {
                tracing::warn!(%refusal, "nobody could be reminded");
                None
            }
        }
    }
}

/// Whether the time of day has come. It is compared with what clocks show, so it comes on the days when they change too:
/// a time that is skipped comes with the hour after it, and one that is there twice comes the first time.
fn has_come(at: NaiveTime, now: DateTime<Utc>) -> bool {
    time_in_london(now) >= at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_clocks_in_london() {
        for (at, now, come) in [
            ("09:00", "2026-01-15T08:59:59Z", false),
            ("09:00", "2026-01-15T09:00:00Z", true),
            ("09:00", "2026-07-15T07:59:59Z", false),
            ("09:00", "2026-07-15T08:00:00Z", true),
            // Clocks go forward at 01:00, and back at 02:00 of summer time.
            ("09:00", "2026-03-29T07:59:59Z", false),
            ("09:00", "2026-03-29T08:00:00Z", true),
            ("09:00", "2026-10-25T08:59:59Z", false),
            ("09:00", "2026-10-25T09:00:00Z", true),
            ("01:30", "2026-03-29T00:59:59Z", false),
            ("01:30", "2026-03-29T01:00:00Z", true),
            ("01:30", "2026-10-25T00:29:59Z", false),
            ("01:30", "2026-10-25T00:30:00Z", true),
            ("00:00", "2026-07-15T23:00:00Z", true),
        ] {
            assert_eq!(has_come(at.parse().unwrap(), now.parse().unwrap()), come, "{at} {now}");
        }
    }
}
