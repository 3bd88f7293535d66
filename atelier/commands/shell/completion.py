"""`atelier completion`: the script that has a shell complete commands, options, words and files."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from atelier.display import echo

PROGRAM = "atelier"
VARIABLE = "_ATELIER_COMPLETE"  # the one that click reads for a program of this name
SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(short_help="Print what has a shell complete with the Tab key.")
@click.argument("shell", type=click.Choice(tuple(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print the script that completes commands, options, words and files.

    The shell's own start file takes it: for bash, `eval "$(atelier completion bash)"` in ~/.bashrc; for
    zsh the same with zsh in ~/.zshrc, below compinit; for fish, save it as
    ~/.config/fish/completions/atelier.fish.

    \b
    atelier completion bash
    atelier completion zsh
    atelier completion fish
    """
    script = SHELLS[shell](ctx.find_root().command, {}, PROGRAM, VARIABLE).source()
    echo(*script.strip().splitlines())
