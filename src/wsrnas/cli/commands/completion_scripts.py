"""The scripts of `wsrnas completion`, one function a shell: plain tables that the shell looks words up in."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsrnas.cli.commands.completion import Completed

Commands = Mapping[str, "Completed"]


def bash(commands: Commands) -> str:
    """Return the script for bash; ``--option=value`` is completed too, which bash takes for three words."""
    return f"""# wsrnas completion bash
_wsrnas() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} found
    if [[ $current == = ]]; then current=; elif [[ $before == = ]]; then before=${{COMP_WORDS[COMP_CWORD-2]}}; fi
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        COMPREPLY=($(compgen -W {_quoted([*commands, "--help", "--version"])} -- "$current"))
        return
    fi
    case "${{COMP_WORDS[1]}} $before" in
{_cases(_after(commands), "        {name}) found={words} ;;")}
    esac
    if [[ -n $found ]]; then
        COMPREPLY=($(compgen -W "$found" -- "$current"))
        return
    fi
    case "$current" in
        -*) case "${{COMP_WORDS[1]}}" in
{_cases(_options(commands), "            {name}) found={words} ;;")}
            esac ;;
        *) case "${{COMP_WORDS[1]}}" in
{_cases(_words(commands), "            {name}) found={words} ;;")}
            esac ;;
    esac
    COMPREPLY=($(compgen -W "$found" -- "$current"))
}}
complete -o default -F _wsrnas wsrnas
"""


def zsh(commands: Commands) -> str:
    """Return the script for zsh, to be sourced after compinit or put into a folder of fpath as `_wsrnas`."""
    described = " ".join(shlex.quote(f"{name}:{one.about}") for name, one in commands.items())
    return f"""#compdef wsrnas
_wsrnas() {{
    local before=$words[CURRENT-1] current=$words[CURRENT] found=
    if (( CURRENT == 2 )); then
        local -a described=({described})
        _describe command described
        return
    fi
    if [[ $current == --*=* ]]; then
        before=${{current%%=*}}
        compset -P '*='
    fi
    case "$words[2] $before" in
{_cases(_after(commands), "        {name}) found={words} ;;")}
    esac
    if [[ -n $found ]]; then
        compadd -- ${{=found}}
        return
    fi
    case "$current" in
        -*) case "$words[2]" in
{_cases(_options(commands), "            {name}) found={words} ;;")}
            esac
            compadd -- ${{=found}}
            return ;;
    esac
    case "$words[2]" in
{_cases(_words(commands), "        {name}) found={words} ;;")}
    esac
    [[ -n $found ]] && compadd -- ${{=found}}
    _files
}}
compdef _wsrnas wsrnas
"""


def fish(commands: Commands) -> str:
    """Return the script for fish."""
    lines = ["# wsrnas completion fish"]
    for name, one in commands.items():
        lines.append(f"complete -c wsrnas -f -n __fish_use_subcommand -a {name} -d {shlex.quote(one.about)}")
    for name, one in commands.items():
        when = f"complete -c wsrnas -n '__fish_seen_subcommand_from {name}'"
        for option in one.options:
            values = one.values.get(option)
            follows = f" -x -a {_quoted(values)}" if values else ""
            lines.append(f"{when} -l {option.removeprefix('--')}{follows}")
        if one.words:
            lines.append(f"{when} -a {_quoted(one.words)}")
    return "\n".join(lines) + "\n"


SCRIPTS: Mapping[str, Callable[[Commands], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""Each shell's script by its name."""


def _after(commands: Commands) -> dict[str, Sequence[str]]:
    """Return what follows an option, by command and option."""
    return {f'"{name} {option}"': values for name, one in commands.items() for option, values in one.values.items()}


def _options(commands: Commands) -> dict[str, Sequence[str]]:
    return {name: one.options for name, one in commands.items()}


def _words(commands: Commands) -> dict[str, Sequence[str]]:
    return {name: one.words for name, one in commands.items() if one.words}


def _cases(table: Mapping[str, Sequence[str]], line: str) -> str:
    return "\n".join(line.format(name=name, words=_quoted(words)) for name, words in table.items())


def _quoted(words: Sequence[str]) -> str:
    return shlex.quote(" ".join(words))
