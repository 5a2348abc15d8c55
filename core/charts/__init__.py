"""A tidy table in, a chart out: one file a subject, no colour that only one theme can show."""
