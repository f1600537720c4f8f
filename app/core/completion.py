"""Completion in bash of words with colons, such as `pets:production`: bash takes the colon for the end of a word."""

import os

from click.shell_completion import BashComplete, CompletionItem, add_completion_class
from click.shell_completion import split_arg_string as split_words


class ColonComplete(BashComplete):
    """Puts words together at their colons, and answers with what comes after the last one."""

    _given = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Words before the one that is to be completed, and that one as far as it goes."""
        words = split_words(os.environ["COMP_WORDS"])
        cursor = int(os.environ["COMP_CWORD"])
        joined: list[str] = []
        for before, word in zip(["", *words], words[: cursor + 1], strict=False):
            if joined and ":" in (before, word):
                joined[-1] += word
            else:
                joined.append(word)
        if cursor >= len(words) and words[-1:] != [":"]:
            joined.append("")
        self._given = joined[-1]
        return joined[1:-1], self._given

    def format_completion(self, item: CompletionItem) -> str:
        """What bash is to put in place of the part after the last colon."""
        known = self._given.rpartition(":")[0]
        value = item.value.removeprefix(f"{known}:") if known else item.value
        return f"{item.type},{value}"


def register() -> None:
    """Makes click use it for bash."""
    add_completion_class(ColonComplete)
