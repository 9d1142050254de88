"""What long work shows in a log file, and that quiet work shows nothing."""

import wsrnas.progress
from wsrnas.progress import progress


def test_a_log_gets_lines_with_the_time_left_and_always_the_last(capsys, monkeypatch):
    monkeypatch.setattr(wsrnas.progress, "LOG_EVERY_SECONDS", 3600.0)
    with progress("searches", 3, done=1) as bar:
        bar.advance(note="ours")
        assert capsys.readouterr().err == ""
        bar.advance(note="ours")
    line = capsys.readouterr().err
    assert line.startswith("searches: 3/3 (0 s, about 0 s left) ours")


def test_quiet_work_shows_nothing(capsys):
    with progress("searches", 2, quiet=True) as bar:
        bar.advance(2)
    assert capsys.readouterr() == ("", "")
