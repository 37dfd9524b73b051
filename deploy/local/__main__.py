"""The command behind make up, down and status."""

import argparse
import os
import sys
from pathlib import Path

from deploy.local.errors import LocalServerError
from deploy.local.servers import LocalServers, as_shell
from deploy.local.state import explained

ROOT = Path(__file__).parents[2]
NOT_RUNNING = 3


def main() -> int:
    """Do what the command line says; the exit code of sysexits.h."""
    arguments = _arguments()
    folder = Path(os.environ.get("CRM_LOCAL_DIR") or ROOT / ".local")
    servers = LocalServers(folder, durable=not arguments.no_fsync, report=_say)
    try:
        with explained(folder):
            return int(arguments.action(servers))
    except LocalServerError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def up(servers: LocalServers) -> int:
    """Start what does not run and show where everything is."""
    started = servers.up()
    if not started:
        print("Everything runs already.")
    status(servers)
    print(f"Use it: set -a; . {_short(servers.data_dir / 'env')}; set +a")
    return 0


def down(servers: LocalServers) -> int:
    """Stop what runs."""
    stopped = servers.down()
    print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def remove(servers: LocalServers) -> int:
    """Stop what runs and delete all local data."""
    servers.remove()
    print("The local servers and their data are removed.")
    return 0


def status(servers: LocalServers) -> int:
    """Print one line per server; 3 when one of them does not answer."""
    lines = servers.status()
    print(f"{'server':<15}{'state':<18}{'address':<28}{'pid':<9}version")
    for line in lines:
        pid = "-" if line.pid is None else str(line.pid)
        print(f"{line.server:<15}{line.state:<18}{line.address:<28}{pid:<9}{line.version}")
    if any(line.server.endswith("(Tansu)") and line.state == "running" for line in lines):
        print("Tansu keeps topics in memory: they vanish when it stops.")
    return 0 if all(line.state in ("running", "external") for line in lines) else NOT_RUNNING


def env(servers: LocalServers) -> int:
    """Print the variables by which the services find the servers."""
    print(as_shell(servers.environment()), end="")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument(
        "--no-fsync", action="store_true", help="faster, and a power cut may lose the data"
    )
    commands = parser.add_subparsers(required=True, metavar="up|down|status|env|remove")
    for action in (up, down, status, env, remove):
        command = commands.add_parser(action.__name__, help=action.__doc__)
        command.set_defaults(action=action)
    return parser.parse_args()


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
