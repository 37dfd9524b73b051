"""Commands of a program, each in a module by noun that is imported when it is called: one that has
little to do must not pay for what the others need, nor anybody wait for it at three at night."""

from collections.abc import Mapping
from importlib import import_module

import typer
from typer.core import TyperGroup


def imported_on_use(package: str, modules: Mapping[str, str]) -> type[TyperGroup]:
    """The commands of a program in the order of `modules`, which says in which module of `package`
    each is: there `app` is what holds it, or is the command itself where it has no other."""

    class Commands(TyperGroup):
        def list_commands(self, ctx: object) -> list[str]:
            return list(modules)

        def get_command(self, ctx: object, cmd_name: str) -> object:  # type: ignore[override]
            if cmd_name not in modules:
                return None
            group = typer.main.get_group(import_module(f"{package}.{modules[cmd_name]}").app)
            group.name = cmd_name
            return group.commands.get(cmd_name, group)

    return Commands
