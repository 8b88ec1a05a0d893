DROP TABLE service_head;
DROP TABLE service_journal;
