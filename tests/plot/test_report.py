import html.parser

import pytest

from vitrax import plot


def report(**changes) -> plot.Report:
    values = {
        "title": "Particles of <b>",
        "subtitle": "in & out",
        "figures": {"box": "256 px"},
        "warnings": ("vacuum",),
        "sections": (
            plot.Section("First", "text", "data:image/png;base64,AAAA"),
            plot.Section("Last", table=plot.Table(("a",), (("<script>",),))),
        ),
        "footer": "end",
    }
    return plot.Report(**(values | changes))


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.found += [value for name, value in attrs if name in ("src", "href")]


def test_page_needs_no_other_file():
    links = Links()
    links.feed(plot.render_report(report()))
    assert links.found == ["data:image/png;base64,AAAA"]
    assert "link" not in links.tags
    assert "script" not in links.tags


def test_every_text_is_escaped():
    page = plot.render_report(report())
    assert "Particles of &lt;b&gt;" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "in &amp; out" in page


def test_without_warnings_there_is_no_box_for_them():
    assert "Before you use" in plot.render_report(report())
    assert "Before you use" not in plot.render_report(report(warnings=()))


def test_missing_jinja_is_named(monkeypatch):
    import sys

    from vitrax.plot import _report

    _report._template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ModuleNotFoundError, match=r"vitrax\[view\]"):
        plot.render_report(report())
    _report._template.cache_clear()
