import click
import pytest
from click.shell_completion import CompletionItem, get_completion_class

from app.core.completion import ColonComplete, register


def complete(monkeypatch: pytest.MonkeyPatch, *words: str) -> ColonComplete:
    """As bash asks: words split at colons, the last one being typed."""
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    return ColonComplete(click.Command("segserve"), {}, "segserve", "_SEGSERVE_COMPLETE")


@pytest.mark.parametrize(
    ("words", "before", "typed"),
    [
        (["segserve", "architecture", "pets", ":", "pr"], ["architecture"], "pets:pr"),
        (["segserve", "architecture", "pets", ":"], ["architecture"], "pets:"),
        (["segserve", "models", "verify", "a", ":", "1", "b", ":", "2"], ["models", "verify", "a:1"], "b:2"),
        (["segserve", "bench", "--url", "http", ":", "//localhost", ":", "80", "--cl"], None, "--cl"),
        (["segserve", "mod"], [], "mod"),
        (["segserve", "models", ""], ["models"], ""),
        (["segserve", "models", "show", "pets", ":", "2", ""], ["models", "show", "pets:2"], ""),
    ],
)
def test_words_are_put_together_at_their_colons(
    monkeypatch: pytest.MonkeyPatch, words: list[str], before: list[str] | None, typed: str
) -> None:
    found = complete(monkeypatch, *words).get_completion_args()
    assert found == (before or ["bench", "--url", "http://localhost:80"] if before != [] else [], typed)


def test_what_follows_the_colon_is_what_bash_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = complete(monkeypatch, "segserve", "architecture", "pets", ":", "pr")
    shell.get_completion_args()
    assert shell.format_completion(CompletionItem("pets:production")) == "plain,production"
    shell = complete(monkeypatch, "segserve", "architecture", "pe")
    shell.get_completion_args()
    assert shell.format_completion(CompletionItem("pets:production")) == "plain,pets:production"


def test_bash_gets_it() -> None:
    register()
    assert get_completion_class("bash") is ColonComplete
