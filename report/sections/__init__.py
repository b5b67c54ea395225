"""The sections of the page, one file a subject: each turns a study into blocks."""
