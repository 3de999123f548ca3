"""``git mlvers remote``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli import setup
from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.remotefile import Editor
from git_mlvers.cli.render import table
from git_mlvers.config import Config

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Manage the places where content is kept"

HELP = """
## Synopsis

    git mlvers remote [list] [--json]
    git mlvers remote add [-d] [--local] NAME URL
    git mlvers remote modify [--local] [--unset] NAME KEY [VALUE]
    git mlvers remote default [--local] [--json] [NAME]
    git mlvers remote rename OLD NEW
    git mlvers remote remove NAME
    git mlvers remote trust NAME
    git mlvers remote probe [--json] NAME

## Description

A remote is a place for content: a directory, or a prefix in a bucket of a cloud. It
is written into `.mlversconfig`, which is committed, so that everyone who clones
knows where the content is; with `--local` into the git configuration of this clone.

The first remote becomes the default, the one that `git push` sends content to and
`git checkout` brings it from.

Secrets never go into `.mlversconfig`: without any, a cloud's client finds its own
(environment variables, files, the machine's role); or `remote modify --local` keeps
them in the git configuration of this clone.

A committed file is written by others. So, before content goes to a host that it
names (other than the cloud's own), or is written into a directory that it names,
you say once in each clone that you agree: `remote trust`. A remote that you add
yourself is trusted from the start.

Stores differ in what they can do, and not each does what it says. Before the first
push to a remote from this machine some ten requests find it out, with one small
object that is deleted again; `git mlvers env` shows the result. `remote probe` does
it again, for instance after a server was updated.

## Addresses

- `s3://bucket/prefix`: Amazon S3, and any server that speaks S3 by `endpointurl`.
- `gs://bucket/prefix`, `az://container/prefix`, `gdrive://folder/prefix`.
- `ssh://user@host/path`.
- `webdavs://host/path`: a folder of a WebDAV server, by https; `webdav://` by http. User and \
password, or a `token`, are given with `remote modify --local`.
- `/directory` or `../directory`: on this machine, or mounted. A relative one starts at \
the top of the working tree.

## Keys

- `url`, `endpointurl`, `region`: may be committed.
- `anon`: `true` to use no credentials at all, for a public bucket; may be committed.
- `profile`: the section of the cloud's own credentials file to use; with `--local`.
- `accesskeyid`, `secretaccesskey`, `sessiontoken`, `credentialpath`, \
`connectionstring`, `accountname`, `accountkey`, `user`, `password`, `keyfile`, `token`: \
secrets; with `--local`.
- `sslverify`: `false` to take any certificate of a WebDAV server; with `--local`.

## Examples

    git mlvers remote add -d storage s3://bucket/prefix
    git mlvers remote modify storage region eu-central-1
    git mlvers remote modify --local storage profile work
    git add .mlversconfig && git commit -m "where the content is"
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    add_json(parser)
    commands = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = commands.add_parser("list", add_help=False, help="list the remotes")
    add_json(listing, again=True)
    add = commands.add_parser("add", add_help=False, help="add a remote")
    add.add_argument("-d", "--default", action="store_true", help="make it the default remote")
    _add_local(add)
    add.add_argument("name", metavar="NAME", help="the name of the remote")
    add.add_argument("url", metavar="URL", help="the address of the remote")
    modify = commands.add_parser("modify", add_help=False, help="set a value of a remote")
    _add_local(modify)
    modify.add_argument("--unset", action="store_true", help="remove the value")
    modify.add_argument("name", metavar="NAME", help="the name of the remote")
    modify.add_argument("key", metavar="KEY", help="what to set")
    modify.add_argument("value", metavar="VALUE", nargs="?", help="the new value")
    default = commands.add_parser("default", add_help=False, help="show or set the default")
    _add_local(default)
    default.add_argument("name", metavar="NAME", nargs="?", help="the new default")
    add_json(default, again=True)
    rename = commands.add_parser("rename", add_help=False, help="give a remote another name")
    rename.add_argument("name", metavar="OLD", help="the name it has")
    rename.add_argument("new", metavar="NEW", help="the name it gets")
    remove = commands.add_parser("remove", add_help=False, help="forget a remote")
    remove.add_argument("name", metavar="NAME", help="the name of the remote")
    trust = commands.add_parser("trust", add_help=False, help="agree to a committed remote")
    trust.add_argument("name", metavar="NAME", help="the name of the remote")
    prober = commands.add_parser("probe", add_help=False, help="find out what a store can do")
    prober.add_argument("name", metavar="NAME", help="the name of the remote")
    add_json(prober, again=True)
    for quiet in (add, modify, default, rename, remove, trust):
        add_quiet(quiet)


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what the sub-command says; list the remotes without one."""
    repo = setup.repository(context)
    editor = Editor(repo, Config.load(repo, context.env), context)
    match args.action:
        case "add":
            editor.add(args.name, args.url, local=args.local, default=args.default)
        case "modify":
            editor.modify(args.name, args.key, args.value, local=args.local, unset=args.unset)
        case "default" if args.name is None:
            _tell_default(editor.config.default_name(), context)
        case "default":
            editor.set_default(args.name, local=args.local)
        case "rename":
            editor.rename(args.name, args.new)
        case "remove":
            editor.remove(args.name)
        case "trust":
            editor.trust(args.name)
        case "probe":
            _probe(args.name, context)
        case _:
            _list(editor.config, context)
    return 0


def _add_local(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--local", action="store_true", help="in this clone only, not in .mlversconfig"
    )


def _tell_default(name: str | None, context: Context) -> None:
    if context.json:
        context.out_json({"default": name})
    else:
        context.out(name or "")


def _probe(name: str, context: Context) -> None:
    from git_mlvers.cli.inventory import abilities
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        settings = workspace.config.remote_settings(name)
        found = workspace.remote(settings, write=True).prove(again=True)
    if context.json:
        context.out_json({"name": name, **found._asdict()})
    else:
        context.out(f"{name}: {abilities(found)}")


def _list(config: Config, context: Context) -> None:
    from git_mlvers.backend.url import redact

    default = config.default_name()
    found = [config.remote_settings(name) for name in config.remote_names()]
    if context.json:
        context.out_json(
            [
                {
                    "name": item.name,
                    "url": redact(item.url),
                    "default": item.name == default,
                    "source": item.source,
                    "trusted": item.write_needs is None,
                }
                for item in found
            ]
        )
        return
    rows = [
        (
            "*" if item.name == default else " ",
            item.name,
            redact(item.url),
            item.source + ("" if item.write_needs is None else ", not trusted"),
        )
        for item in found
    ]
    if rows:
        context.out(table(rows))
        return
    implicit = config.default_remote()
    if implicit is None:
        context.note("there is no remote; git mlvers remote add -d NAME URL adds one")
    elif implicit.local_cache is None:
        url = redact(implicit.url)
        context.note(f"there is no remote; content goes where the git remote is, into {url}")
    else:
        context.note(f"there is no remote; content goes beside the git remote, into {implicit.url}")
