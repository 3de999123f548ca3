"""Changing the remotes: in the committed ``.mlversconfig``, or in the clone's git config."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.backend import url as addresses
from git_mlvers.backend.schemes import SCHEMES
from git_mlvers.config import FILE_NAME, Config, committed, remotes
from git_mlvers.errors import UsageError
from git_mlvers.git import config as git_config
from git_mlvers.git.repository import require_work_tree
from git_mlvers.wiring import put

if TYPE_CHECKING:
    from git_mlvers.cli.context import Context
    from git_mlvers.git.repository import Repository

_PASSWORDS = ("password", "secretaccesskey", "accountkey", "credentialpath")


class Editor:
    """Changes the remotes of one repository, one verb each, and says what it did.

    Every verb raises `UsageError` when it cannot be done, before it writes.
    """

    def __init__(self, repo: Repository, config: Config, context: Context) -> None:
        self.repo = repo
        self.config = config
        self.context = context

    def add(self, name: str, url: str, *, local: bool, default: bool) -> None:
        """Add the remote `name` at `url`; the first one becomes the default."""
        committed.check_name(name)
        known = self.config.remote_names()
        if name in known:
            raise UsageError(
                f"there is a remote {name} already", f"git mlvers remote modify {name} url {url}"
            )
        url = self._checked_url(name, url, local)
        self._set(f"mlvers.remote.{name}.url", url, local)
        self._trust_what_was_typed(name)
        where = "this clone" if local else FILE_NAME
        self.context.say(f"remote {name} is {addresses.redact(url)}, in {where}")
        if default or not known:
            self._make_default(name, local)
        self._warn_missing_extra(url)

    def modify(self, name: str, key: str, value: str | None, *, local: bool, unset: bool) -> None:
        """Set or remove one value of the remote `name`."""
        self._require(name)
        option = key.lower().replace("_", "").replace("-", "")
        self._check_option(name, option, local, unset)
        if unset == (value is not None):
            raise UsageError(
                "remote modify takes a VALUE, or --unset and none",
                f"git mlvers remote modify {name} {option} VALUE",
            )
        if option == "url":
            if value is None:
                raise UsageError(
                    "a remote cannot be without url", f"git mlvers remote remove {name}"
                )
            value = self._checked_url(name, value, local)
        elif value is not None and not local:
            committed.check_pair(self.repo, FILE_NAME, f"mlvers.remote.{name}.{option}", value)
        self._set(f"mlvers.remote.{name}.{option}", value, local)
        if option in ("url", "endpointurl"):
            self._trust_what_was_typed(name)
        shown = "no longer set" if unset else "set"
        self.context.say(f"{option} of the remote {name} is {shown}")

    def set_default(self, name: str, *, local: bool) -> None:
        """Make `name` the default remote."""
        self._require(name)
        self._make_default(name, local)

    def rename(self, name: str, new: str) -> None:
        """Give the remote `name` the name `new`, wherever it is written."""
        self._require(name)
        committed.check_name(new)
        if new in self.config.remote_names():
            raise UsageError(f"there is a remote {new} already")
        for local in self._places():
            was_default = self._get("mlvers.remote", local) == name
            self._move_section(f"mlvers.remote.{name}", f"mlvers.remote.{new}", local)
            if local:
                self._move_section(f"mlvers.trust.{name}", f"mlvers.trust.{new}", local)
            if was_default:
                self._set("mlvers.remote", new, local)
        self.context.say(f"the remote {name} is now {new}")

    def remove(self, name: str) -> None:
        """Forget the remote `name`; the content there stays."""
        self._require(name)
        default = self.config.default_name()
        for local in self._places():
            was_default = self._get("mlvers.remote", local) == name
            self._remove_section(f"mlvers.remote.{name}", local)
            if local:
                self._remove_section(f"mlvers.trust.{name}", local)
            if was_default:
                self._set("mlvers.remote", None, local)
        if default == name:
            self._reload()
            new = self.config.default_name()
            now = "now there is none" if new is None else f"now it is {new}"
            if new == name:
                now = "git config still names it"
            self.context.note(f"note: {name} was the default remote; {now}")
        self.context.say(f"the remote {name} is forgotten here; its content stays where it is")

    def trust(self, name: str) -> None:
        """Agree to the place that the remote `name` has now."""
        self._require(name)
        settings = self.config.remote_settings(name)
        self._store_trust(settings)
        place = addresses.redact(settings.url)
        endpoint = settings.options.get("endpointurl")
        via = f" by way of {endpoint}" if endpoint else ""
        self.context.say(f"content may go to, and come from, {place}{via} in this clone")

    def _make_default(self, name: str, local: bool) -> None:
        """Write that `name` is the default, and tell whether it is that now."""
        self._set("mlvers.remote", name, local)
        self._reload()
        value = self.config.origin_of("mlvers.remote")
        if value is None or value.text == name:
            self.context.say(f"{name} is the default remote")
            return
        where = "git config" if local else FILE_NAME
        self.context.say(f"{name} is the default remote in {where}")
        self.context.note(
            f"note: in this clone it is {value.text}, since {value.place} ({value.scope}) says "
            f"so, which counts more\nhint: git mlvers remote default --local {name}"
        )

    # --- checks ---

    def _require(self, name: str) -> None:
        names = self.config.remote_names()
        if name not in names:
            raise remotes.no_such_remote(name, names)

    def _check_option(self, name: str, option: str, local: bool, unset: bool) -> None:
        known = ("url", *remotes.PLAIN_OPTIONS, *remotes.SECRET_OPTIONS)
        if option not in known:
            raise UsageError(
                f"{option!r} is nothing that a remote has", f"it has {', '.join(known)}"
            )
        if not local and option not in committed.REMOTE_KEYS:
            what = "a secret" if option in remotes.SECRET_OPTIONS else "a matter of this machine"
            raise UsageError(
                f"{option} is {what} and must not be committed",
                f"git mlvers remote modify --local {name} {option} VALUE",
            )
        url = self.config.remote_settings(name).url
        kind = SCHEMES.get(committed.scheme_of(url) or "file")
        if kind is None or unset or option in ("url", *kind.options):
            return
        what = "a directory" if kind.name == "file" else f"{kind.name}://"
        raise UsageError(
            f"the remote {name} is at {what}, where {option} means nothing",
            f"what it can have: {', '.join(('url', *kind.options))}",
        )

    def _checked_url(self, name: str, url: str, local: bool) -> str:
        """`url` as it is kept; a relative directory, typed from here, from the top on."""
        if committed.has_password(url):
            raise UsageError(
                f"the address {addresses.redact(url)} carries a password",
                f"leave it out, and give it with "
                f"git mlvers remote modify --local {name} {_password_option(url)} VALUE",
            )
        addresses.parse(url)
        typed, url = url, self.config.expanded(url)
        if not committed.scheme_of(url) and not local:
            self._refuse_inside(typed, url)
        if addresses.is_local(url) and "://" not in url and not os.path.isabs(url):
            here = os.path.realpath(os.path.join(self.context.cwd, url))
            base = os.path.realpath(committed.directory_of(self.repo, "."))
            url = os.path.relpath(here, base)
        if not local:
            committed.check_pair(self.repo, FILE_NAME, f"mlvers.remote.{name}.url", url)
        return url

    def _refuse_inside(self, typed: str, url: str) -> None:
        """Raise `UsageError` for a directory inside of the repository, which all would be given."""
        path = addresses.parse(url).path
        if committed.is_inside(self.repo, os.path.join(self.context.cwd, path)):
            raise UsageError(
                f"the directory {typed} is inside of the repository; {FILE_NAME} cannot name it",
                "choose one outside, or keep it to this clone with --local",
            )

    def _warn_missing_extra(self, url: str) -> None:
        missing = addresses.missing_extra(url)
        if missing is not None:
            self.context.warn(
                f"what is needed for {committed.scheme_of(url)}:// is not installed",
                f"pip install 'git-mlvers[{missing}]'",
            )

    # --- writing ---

    def _places(self) -> list[bool]:
        """The places to look through, as values of `local`."""
        return [False, True] if self.repo.work_tree is not None else [True]

    def _where(self, local: bool) -> str:
        """The place to write to, as `git.config` takes it: a scope, or the committed file."""
        return "local" if local else os.path.join(require_work_tree(self.repo), FILE_NAME)

    def _set(self, key: str, value: str | None, local: bool) -> None:
        put(self.repo, self._where(local), key, value)

    def _get(self, key: str, local: bool) -> str | None:
        scope = "local" if local else FILE_NAME
        texts = [value.text for value in self.config.every(key) if value.scope == scope]
        return texts[-1] if texts else None

    def _move_section(self, name: str, new: str, local: bool) -> None:
        git_config.rename_section(self.repo, name, new, self._where(local))

    def _remove_section(self, name: str, local: bool) -> None:
        git_config.remove_section(self.repo, name, self._where(local))

    def _reload(self) -> None:
        self.config = Config.load(self.repo, self.context.env)

    def _trust_what_was_typed(self, name: str) -> None:
        """The user has just named this place, so nothing is left to agree to."""
        self._reload()
        settings = self.config.remote_settings(name)
        if settings.read_needs or settings.write_needs:
            self._store_trust(settings)

    def _store_trust(self, settings: remotes.RemoteSettings) -> None:
        text = remotes.trust_text(settings.url, settings.options.get("endpointurl"))
        self._set(f"mlvers.trust.{settings.name}.location", text, True)


def _password_option(url: str) -> str:
    """The option that takes the secret of an address like `url`."""
    kind = SCHEMES.get(committed.scheme_of(url))
    secret = kind.options if kind else ()
    return next((option for option in _PASSWORDS if option in secret), "password")
