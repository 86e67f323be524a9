"""Looking after a data folder: what makes it sound, what a copy of it must hold, what to do about findings."""
