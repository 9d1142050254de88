"""The parts of a search report, and the record of the run they are written from."""
