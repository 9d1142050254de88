"""Studies that decide the defaults."""
