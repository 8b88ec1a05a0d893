-- Until when a digest that was claimed is being sent; nothing once it was sent. A claim that outlives it is anyone's.
ALTER TABLE reminders ADD COLUMN lease_until TIMESTAMP;
