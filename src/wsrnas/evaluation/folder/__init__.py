"""The files of an evaluated folder: what is written of an evaluation, and read again."""
