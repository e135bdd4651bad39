"""``helpr``: everything an operator says to the product."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from api.settings import SettingIsWrong, Settings, read_settings

BENCHES = ("append", "erase", "growth", "inbox", "live", "rebuild", "send", "sockets", "up")
SIZED = ("append", "erase", "growth", "inbox", "rebuild", "sockets")
"""Benches that have a full size, too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it worked, 1 when it did not, 2 when it was not understood."""
    asked = _parser().parse_args(arguments)
    try:
        if getattr(asked, "reads_settings", False):
            return _doctor(asked)
        settings = _settings(asked)
        return int(asked.run(asked, settings) or 0)
    except SettingIsWrong as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if _is_ours(error):
            return _fail(str(error))
        raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="helpr", description="Customer support that keeps its privacy promises.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="run everything on this machine")
    up.add_argument("--data", metavar="DIR", help="where data lives (default: %(default)s)", default=None)
    up.add_argument("--host", help="the address to listen on (default: 127.0.0.1)")
    up.add_argument("--port", help="the port to listen on (default: 8460)")
    up.add_argument("--demo", action="store_true", help="with a demo organisation, its agents and its shop")
    up.set_defaults(run=_up)
    migrate = commands.add_parser("migrate", help="bring a database of your own to this version")
    migrate.add_argument("--data", metavar="DIR", default=None)
    migrate.set_defaults(run=_migrate)
    _add_views(commands.add_parser("views", help="how the views are; build them anew; replay what was parked"))
    _add_log(commands.add_parser("log", help="the log's end, one stream of it, whether it is whole"))
    doctor = commands.add_parser("doctor", help="say what is wrong and how to mend it")
    doctor.add_argument("--data", metavar="DIR", default=None)
    doctor.add_argument("--port", default=None)
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(reads_settings=True)
    bench = commands.add_parser("bench", help="measure, both sides on this machine")
    bench.add_argument("name", choices=BENCHES)
    bench.add_argument("--json", action="store_true")
    bench.add_argument("--full", action="store_true", help=f"at full size, which takes long ({', '.join(SIZED)})")
    bench.set_defaults(run=_bench)
    openapi = commands.add_parser("openapi", help="print the API's OpenAPI file")
    openapi.set_defaults(run=_openapi)
    process = commands.add_parser("run", help="run one process of the group (helpr up does this for you)")
    process.add_argument("process", choices=("api", "views", "clock"))
    process.set_defaults(run=_process)
    return parser


def _add_views(views: argparse.ArgumentParser) -> None:
    what = views.add_subparsers(required=True, metavar="ACTION")
    status = what.add_parser("status", help="what serves, how far behind, what is parked")
    rebuild = what.add_parser("rebuild", help="build views anew beside those that serve")
    replay = what.add_parser("replay", help="fold parked streams again")
    for action in (status, rebuild, replay):
        action.add_argument("--data", metavar="DIR", default=None)
    status.add_argument("--json", action="store_true")
    for action in (rebuild, replay):
        action.add_argument("names", nargs="*", metavar="VIEW", help="all when none is named")
    status.set_defaults(run=_views_status)
    rebuild.set_defaults(run=_views_rebuild)
    replay.set_defaults(run=_views_replay)


def _add_log(log: argparse.ArgumentParser) -> None:
    what = log.add_subparsers(required=True, metavar="ACTION")
    tail = what.add_parser("tail", help="the last facts")
    show = what.add_parser("show", help="one stream; personal fields stay sealed")
    verify = what.add_parser("verify", help="compute every hash again, and look for gaps")
    for action in (tail, show, verify):
        action.add_argument("--data", metavar="DIR", default=None)
        action.add_argument("--json", action="store_true", help="one object a line")
    tail.add_argument("--follow", action="store_true", help="go on with what comes")
    tail.add_argument("-n", type=int, default=20, metavar="FACTS")
    show.add_argument("kind", metavar="KIND", help="conversation, visitor, agent, …")
    show.add_argument("id", type=UUID, metavar="ID")
    tail.set_defaults(run=_log_tail)
    show.set_defaults(run=_log_show)
    verify.set_defaults(run=_log_verify)


def _settings(asked: argparse.Namespace) -> Settings:
    return read_settings(_environment(asked))


def _environment(asked: argparse.Namespace) -> dict[str, str]:
    """What the command line says goes before the environment."""
    said = {
        "HELPR_DATA": getattr(asked, "data", None),
        "HELPR_HOST": getattr(asked, "host", None),
        "HELPR_PORT": getattr(asked, "port", None),
        "HELPR_DEMO": "yes" if getattr(asked, "demo", False) else None,
    }
    return {**os.environ, **{name: value for name, value in said.items() if value is not None}}


def _up(asked: argparse.Namespace, settings: Settings) -> int:
    from api.run.terminal import up

    return up(settings)


def _migrate(asked: argparse.Namespace, settings: Settings) -> int:
    from api.run.migrating import bring_up

    return bring_up(_own_database(settings))


def _doctor(asked: argparse.Namespace) -> int:
    """Settings that cannot be read are a finding, not the end."""
    from api.run.doctor.examining import examine, show

    return show(examine(_environment(asked)), as_json=asked.json)


def _process(asked: argparse.Namespace, settings: Settings) -> int:
    """What ends a process is told by its kind and place: its words may hold what somebody wrote, or a password."""
    from api.run.logs import last_words

    try:
        return _run(asked, settings)
    except Exception as error:
        if _is_ours(error):
            raise
        last_words(error)
        return 1


def _run(asked: argparse.Namespace, settings: Settings) -> int:
    if asked.process == "api":
        from api.run.serve import serve

        serve(settings)
    elif asked.process == "views":
        from api.run.views import work

        work(settings)
    else:
        from api.run.clock import keep_time

        keep_time(settings)
    return 0


def _views_status(asked: argparse.Namespace, settings: Settings) -> int:
    from api.run import views
    from api.run.terminal import show_views

    show_views(views.how_they_are(_own_database(settings)), as_json=asked.json)
    return 0


def _views_rebuild(asked: argparse.Namespace, settings: Settings) -> int:
    from api.run import views
    from api.run.terminal import progress

    with progress() as moved:
        views.rebuild(_own_database(settings), asked.names, moved)
    print("The views were built anew and serve.")
    return 0


def _views_replay(asked: argparse.Namespace, settings: Settings) -> int:
    from api.run import views

    for view, cleared in views.replay(_own_database(settings), asked.names).items():
        print(f"{view:<12} {cleared} streams folded again")
    return 0


def _log_tail(asked: argparse.Namespace, settings: Settings) -> int:
    from api.run import log

    log.tail(_own_database(settings), most=asked.n, is_followed=asked.follow, as_json=asked.json)
    return 0


def _log_show(asked: argparse.Namespace, settings: Settings) -> int:
    from api.run import log

    log.show(_own_database(settings), asked.kind, asked.id, as_json=asked.json)
    return 0


def _log_verify(asked: argparse.Namespace, settings: Settings) -> int:
    from api.run import log

    return log.check(_own_database(settings), as_json=asked.json)


def _bench(asked: argparse.Namespace, settings: Settings) -> int:
    from importlib import import_module

    try:
        bench = import_module(f"tests.benchmarks.{asked.name}")
    except ModuleNotFoundError:
        return _fail("Benchmarks come with the source: run this in a checkout, as uv run helpr bench.")
    if asked.full and asked.name not in SIZED:
        return _fail(f"{asked.name} has one size only; --full is for {', '.join(SIZED)}.")
    bench.main(as_json=asked.json, **{"is_full": True} if asked.full else {})
    return 0


def _openapi(asked: argparse.Namespace, settings: Settings) -> int:
    from api.main import description

    print(json.dumps(description(), indent=2, sort_keys=True))
    return 0


def _own_database(settings: Settings) -> Settings:
    """Where the embedded database of a running Helpr is; HELPR_DATABASE_URL names any other."""
    from api.run.up import at_home

    return settings if settings.database_url else at_home(settings)


def _is_ours(error: Exception) -> bool:
    """Whether it is a sentence for the operator."""
    return type(error).__module__.split(".")[0] in ("api", "infrastructure")


def _fail(problem: str) -> int:
    print(problem, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    sys.exit(main())
