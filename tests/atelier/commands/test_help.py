"""Help texts are sentences that tell what an option does."""

import re

import click
import pytest

from tests.support.commands import leaves

COMMANDS = dict(leaves())
VERBS = re.compile(
    "Ask|Begin|Bring|Check|Choose|Compare|Cut|Delete|Do|Draw|End|Enlarge|Follow|Give|Go|Keep|Learn|Leave|Let|List"
    "|Listen|Make|Name|Optimize|Paint|Pause|Play|Pull|Print|Put|Read|Replace|Run|Save|Say|Send|Set|Show|State|Sync|Take|Talk|Tell|Train|Try"
    "|Use|Verify|Wait|Walk|Weigh|Write"
)


def options_of(command: click.Command) -> list[click.Option]:
    return [each for each in command.params if isinstance(each, click.Option) and not each.hidden]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_says_what_it_does_in_a_sentence(name: str) -> None:
    for option in options_of(COMMANDS[name]):
        sentence = re.sub(r"\s*\[default: [^]]*\]$", "", option.help or "")
        assert sentence.endswith("."), (option.opts, option.help)
        assert VERBS.fullmatch(sentence.split()[0]), (option.opts, option.help)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_does_in_a_sentence(name: str) -> None:
    first = (COMMANDS[name].help or "").split("\n\n")[0]
    assert first.rstrip().endswith((".", ":")), first
    assert len(first.split()) >= 3, first


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_narrow_terminal(name: str) -> None:
    context = click.Context(COMMANDS[name], info_name=f"atelier {name}", terminal_width=60)
    assert [line for line in context.get_help().splitlines() if len(line) > 64] == []
