DROP TABLE reminders;
DROP TABLE deliveries;
DROP TABLE webhooks;
