from vitrax.cli._progress import progress, say


def test_log_gets_a_line_at_each_tenth(capsys):
    with progress("making", 50) as advance:
        for _ in range(50):
            advance(1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1] == "making: 50/50, 0 s left"


def test_quiet_says_nothing(capsys):
    with progress("making", 5, quiet=True) as advance:
        advance(5)
    say("hello", quiet=True)
    assert capsys.readouterr().err == ""


def test_terminal_gets_a_bar_with_the_time_left(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress("making", 5) as advance:
        advance(5)
    assert "making" in capsys.readouterr().err
