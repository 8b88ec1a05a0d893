ALTER TABLE reminders DROP COLUMN lease_until;
