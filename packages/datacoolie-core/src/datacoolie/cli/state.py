"""`datacoolie state`: show, set, reset, unlock, verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from datacoolie.cli.app import FAILED
from datacoolie.cli.options import flow_options, json_option, verbose_option
from datacoolie.cli.output import say, say_json, show
from datacoolie.core.marks import decode_value
from datacoolie.observability import units
from datacoolie.observability.render import Column, Row, Table, clean
from datacoolie.orchestration.project import Project
from datacoolie.orchestration.states import Agreement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.core.marks import Json
    from datacoolie.orchestration.states import StateView, Verified
    from datacoolie.state import Change, Lease, LoadState

_STATES = tuple(
    Column(title=title, right=title in {"load", "epoch"})
    for title in ("flow", "mark", "load", "epoch", "saved", "lease")
)
_VERIFIED = tuple(
    Column(title=title, right=title in {"state", "destination"})
    for title in ("flow", "agreement", "state", "destination")
)


@click.group(name="state")
def command() -> None:
    """Show and change up to where flows have loaded.

    The state of a flow is a cache: the commits in its destination say the same. What is changed here counts from the
    next run on, and who changed it and when is written down.
    """


@command.command(name="show")
@flow_options
@json_option
@verbose_option
def show_states(path: str, select: tuple[str, ...], *, as_json: bool, **where: str | None) -> int:
    """Show marks, numbers of the last loads, who is loading, and what was changed by hand."""
    project = Project.load(path, **where)
    views = [project.states.show(flow) for flow in project.select(select)]
    if as_json:
        for view in views:
            say_json(_as_json(view))
    else:
        remarks = [f"{view.flow}: {_sentence(change)}" for view in views for change in view.history]
        show(Table(_STATES, tuple(map(_row, views))), remarks)
    return 0


@command.command(name="set")
@flow_options
@click.option("--mark", "marks", metavar="COLUMN=VALUE", multiple=True, help="Watermark after which rows are new.")
@json_option
@verbose_option
def set_marks(path: str, select: tuple[str, ...], marks: tuple[str, ...], *, as_json: bool, **where: str | None) -> int:
    """Let the next run load what is above a mark.

    Without --mark the marks stay, and the tables that are there now are taken for those that were loaded into.
    """
    values = dict(_pair(text) for text in marks)
    project = Project.load(path, **where)
    for flow in _named(project, select):
        _report(flow, project.states.set(flow, values), as_json=as_json)
    return 0


@command.command(name="reset")
@flow_options
@json_option
@verbose_option
def reset_states(path: str, select: tuple[str, ...], *, as_json: bool, **where: str | None) -> int:
    """Let the next run load everything, in a new epoch. Rows that are in the destination stay there."""
    project = Project.load(path, **where)
    for flow in _named(project, select):
        _report(flow, project.states.reset(flow), as_json=as_json)
    return 0


@command.command(name="unlock")
@flow_options
@click.option("--force", is_flag=True, help="Also when the run that holds it is alive on this machine.")
@json_option
@verbose_option
def unlock_states(path: str, select: tuple[str, ...], *, force: bool, as_json: bool, **where: str | None) -> int:
    """Take the lease of a run away that will not come back. If it does, it can't commit any more."""
    project = Project.load(path, **where)
    for flow in _named(project, select):
        lease = project.states.unlock(flow, force=force)
        if as_json:
            say_json({"flow": flow, "unlocked": lease.to_json()})
        else:
            say(f"{flow}: unlocked; it was held by {_holder(lease)}")
    return 0


@command.command(name="verify")
@flow_options
@json_option
@verbose_option
def verify_states(path: str, select: tuple[str, ...], *, as_json: bool, **where: str | None) -> int:
    """Compare states with the commits in the destinations.

    Exit code 1 when a state counts loads that its destination doesn't have, or one of them can't be read. A state that
    is behind is none: the next run takes it over from the destination.
    """
    project = Project.load(path, **where)
    found = [project.states.verify(flow) for flow in project.select(select)]
    if as_json:
        for one in found:
            say_json(
                {
                    "flow": one.flow,
                    "agreement": one.agreement,
                    "state": one.seq,
                    "destination": one.committed,
                    "reason": one.reason,
                }
            )
    else:
        remarks = [f"{one.flow}: {one.reason}" for one in found if one.reason]
        show(Table(_VERIFIED, tuple(map(_verified_row, found))), remarks)
    return FAILED if any(one.agreement in {Agreement.AHEAD, Agreement.UNKNOWN} for one in found) else 0


def _named(project: Project, select: Sequence[str]) -> list[str]:
    """Return the flows to change, which have to be named."""
    if not select:
        message = "Name the flows with --select: no state is changed by accident."
        raise click.UsageError(message)
    return project.select(select)


def _pair(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals or not column:
        message = f"--mark {text!r}: write COLUMN=VALUE."
        raise click.UsageError(message)
    return column, value


def _report(flow: str, state: LoadState, *, as_json: bool) -> None:
    if as_json:
        say_json({"flow": flow, **_state_json(state)})
    else:
        since = f"above {units.mark(state.mark.values)}" if state.mark else "from the start"
        say(f"{flow}: the next run loads {since} (epoch {state.epoch}, after load {state.seq})")


def _state_json(state: LoadState) -> dict[str, object]:
    return {
        "mark": state.mark.to_json()["values"] if state.mark else None,
        "seq": state.seq,
        "epoch": state.epoch,
        "lease": state.lease.to_json() if state.lease else None,
        "saved_at": state.updated_at.isoformat() if state.updated_at else None,
    }


def _as_json(view: StateView) -> dict[str, object]:
    state = _state_json(view.state) if view.state else None
    history = [change.to_json() for change in view.history]
    return {"flow": view.flow, "damaged": view.damaged, "state": state, "history": history}


def _row(view: StateView) -> Row:
    state = view.state
    if state is None:
        note = "damaged; the next run takes it from the destination" if view.damaged else "no state"
        return Row(cells=clean({"flow": view.flow, "mark": note}))
    cells = {
        "flow": view.flow,
        "mark": units.mark(state.mark.values) if state.mark else "start",
        "load": str(state.seq),
        "epoch": str(state.epoch),
        "saved": f"{state.updated_at:%Y-%m-%d %H:%M:%S}Z" if state.updated_at else "",
        "lease": _holder(state.lease) if state.lease else "",
    }
    return Row(cells=clean(cells))


def _holder(lease: Lease) -> str:
    since, until = (f"{moment:%Y-%m-%d %H:%M:%S}Z" for moment in (lease.acquired_at, lease.expires_at))
    return f"run {lease.run_id} (process {lease.pid} on {lease.host}) since {since}, until {until}"


def _sentence(change: Change) -> str:
    parts = [
        f"{name} {_changed(name, change.before.get(name))} -> {_changed(name, after)}"
        for name, after in change.after.items()
        if change.before.get(name) != after
    ]
    what = f" ({', '.join(parts)})" if parts else ""
    return f"{change.action} by {change.by} at {change.at:%Y-%m-%d %H:%M:%S}Z{what}"


def _changed(name: str, value: Json) -> str:
    """Return what a history says of a state, for people."""
    match name, value:
        case "mark", dict():
            return units.mark({column: decode_value(one) for column, one in value.items()})
        case "mark", _:
            return "start"
        case "lease", dict():
            return f"of run {value['run_id']} (process {value['pid']} on {value['host']})"
        case "lease", _:
            return "none"
        case _:
            return str(value)


def _verified_row(one: Verified) -> Row:
    cells = {
        "flow": one.flow,
        "agreement": one.agreement.value,
        "state": str(one.seq),
        "destination": str(one.committed),
    }
    return Row(cells=clean(cells))
