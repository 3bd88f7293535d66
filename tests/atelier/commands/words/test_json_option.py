"""--json: which commands have none, and why."""

from tests.support.commands import leaves

WITHOUT = {
    "demo": "shows the service at work to a person; what it leaves are pictures",
    "up": "runs until Ctrl-C; `up.json` in the state folder has what programs need",
    "run": "runs one process of a host until it is stopped",
    "styles sheet": "writes one picture where it is told to",
    "models rollback": "puts back what was, and says so in one sentence",
    "models reload": "asks for something that happens later, and learns nothing of it",
    "mcp": "speaks a protocol of its own on the standard output",
    "top": "is `stats --json` for people",
    "journal": "mends a damaged installation once, with a person who reads what was cut",
    "completion": "prints a script",
}


def test_every_other_command_prints_json() -> None:
    options = {name: [text for one in command.params for text in one.opts] for name, command in leaves()}
    assert {name for name, given in options.items() if "--json" not in given} == set(WITHOUT)
