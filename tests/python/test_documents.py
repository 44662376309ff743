"""What the documents say is there, is there."""

import re

import pytest

from vectors import ROOT

DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")) + sorted(ROOT.glob("fixtures/*.md"))


def test_every_test_named_in_attacks_exists():
    rows = [line for line in (ROOT / "docs" / "attacks.md").read_text().splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9_]+)`", row.split("|")[3])}
    assert len(named) > 20
    sources = [*ROOT.glob("crates/**/*.rs"), *ROOT.glob("tests/**/*.rs"), *ROOT.glob("tests/python/*.py")]
    code = "\n".join(path.read_text() for path in sources)
    defined = set(re.findall(r"\b(?:fn|def) ([a-z0-9_]+)", code))
    assert named <= defined, sorted(named - defined)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        assert "://" in target or (document.parent / target).exists(), target
