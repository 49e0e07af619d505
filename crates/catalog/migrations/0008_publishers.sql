-- Whose sales a source tells of: everybody's, or those of the Marketplace alone.
ALTER TABLE import_units ADD COLUMN publishers TEXT NOT NULL DEFAULT 'All';
