from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import ConfigurationError, ErrorClass, PlatformError
from datacoolie.platforms.local import LocalPlatform
from datacoolie.state import (
    HeldLease,
    Lease,
    LeaseHeldError,
    LeaseKeeper,
    LeaseLostError,
    LoadState,
    Mark,
    PlatformStateStore,
)
from datacoolie.state.process import ProcessIdentity, is_dead, this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FRESH = LoadState(dataflow_id="flow", name="orders")


@pytest.fixture
def store(tmp_path: Path) -> PlatformStateStore:
    return PlatformStateStore(LocalPlatform(), str(tmp_path))


@pytest.fixture
def keeper() -> Iterator[LeaseKeeper]:
    with LeaseKeeper("run-1") as keeper:
        yield keeper


def take(keeper: LeaseKeeper, store: PlatformStateStore) -> HeldLease:
    return keeper.take(store, store.read("flow"), FRESH)


def saved(store: PlatformStateStore) -> LoadState:
    state = store.read("flow").state
    assert state is not None
    return state


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def expiry(lease: HeldLease) -> datetime:
    held = lease.state.lease
    assert held is not None
    return held.expires_at


def lease_of(who: ProcessIdentity, *, ends: timedelta = timedelta(minutes=1)) -> Lease:
    now = datetime.now(UTC)
    return Lease(
        run_id="other",
        host=who.host,
        pid=who.pid,
        process_started=who.started,
        boot_id=who.boot_id,
        pid_namespace=who.pid_namespace,
        acquired_at=now - timedelta(minutes=5),
        expires_at=now + ends,
    )


def hold(store: PlatformStateStore, lease: Lease) -> None:
    assert store.save(replace(FRESH, seq=3, lease=lease), store.read("flow").version) is not None


def test_a_load_takes_and_finishes_in_two_writes(store: PlatformStateStore, keeper: LeaseKeeper) -> None:
    before = datetime.now(UTC)
    with take(keeper, store) as lease:
        held = saved(store)
        assert held == lease.state
        assert held.lease is not None
        assert (held.lease.run_id, held.lease.pid) == ("run-1", os.getpid())
        assert held.lease.expires_at - held.lease.acquired_at == timedelta(seconds=60)
        assert before <= held.lease.acquired_at <= datetime.now(UTC)
        lease.check()
        lease.finish(replace(lease.state, seq=1, mark=Mark(values={"id": 5})))
        assert not keeper._held
    done = saved(store)
    assert done.updated_at is not None
    assert done.updated_at >= before
    assert replace(done, updated_at=None) == replace(FRESH, seq=1, mark=Mark(values={"id": 5}))


def test_a_failed_load_gives_the_lease_back(store: PlatformStateStore, keeper: LeaseKeeper) -> None:
    with suppress(ZeroDivisionError), take(keeper, store) as lease:
        lease.update(replace(lease.state, seq=4))
        assert saved(store).lease is not None
        raise ZeroDivisionError
    assert (saved(store).lease, saved(store).seq) == (None, 4)


def test_a_held_lease_says_by_whom(store: PlatformStateStore, keeper: LeaseKeeper) -> None:
    with take(keeper, store) as lease, LeaseKeeper("run-2") as other:
        with pytest.raises(LeaseHeldError) as caught:
            take(other, store)
        held = lease.state.lease
        assert held is not None
        moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        assert re.fullmatch(
            rf"Dataflow 'orders' is being loaded by run run-1 \(process {os.getpid()} on {held.host}\) since {moment}; "
            rf"its lease ends at {moment} unless it is renewed\. Wait for that run, or stop it: .*",
            caught.value.message,
        )
        assert caught.value.lease == held
        assert caught.value.error_class is ErrorClass.CONFLICT
        assert caught.value.details["dataflow_id"] == "flow"
        again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
        assert (again.message, again.lease) == (caught.value.message, held)


def test_the_state_of_a_run_that_ended_meanwhile_is_taken_over(store: PlatformStateStore, keeper: LeaseKeeper) -> None:
    seen = store.read("flow")
    with take(keeper, store) as first:
        first.finish(replace(first.state, seq=1))
    with keeper.take(store, seen, FRESH) as second:
        assert second.state.seq == 1


def test_a_damaged_state_does_not_stop_a_load(store: PlatformStateStore, keeper: LeaseKeeper) -> None:
    store.save(FRESH, None)
    LocalPlatform().write(store.path("flow"), b"{")
    with take(keeper, store) as lease:
        lease.finish(replace(lease.state, seq=5))
    assert saved(store).seq == 5


def test_a_dead_holder_on_this_host_is_replaced_at_once(store: PlatformStateStore, keeper: LeaseKeeper) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    me = this_process()
    holder = replace(me, pid=child.pid, started=None)
    hold(store, lease_of(holder))
    with pytest.raises(LeaseHeldError):
        take(keeper, store)
    child.kill()
    wait_for(lambda: is_dead(holder))  # also before anybody has waited for the child
    with take(keeper, store) as lease:
        assert lease.state.seq == 3
    child.communicate()
    assert is_dead(holder)


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),
        ({"started": "1"}, True),
        ({"started": None}, False),
        ({"boot_id": "an earlier boot"}, True),
        ({"boot_id": None}, False),
        ({"host": "elsewhere"}, False),
        ({"host": "elsewhere", "boot_id": "x", "pid": 2**22 + 1}, False),
        ({"pid": 2**22 + 1}, True),
        ({"pid": 2**22 + 1, "pid_namespace": "another container"}, False),
        ({"pid": 1, "started": None}, False),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="what Linux tells about processes")
def test_who_is_dead(store: PlatformStateStore, keeper: LeaseKeeper, change: dict[str, object], dead: bool) -> None:  # noqa: FBT001 - data
    holder = replace(this_process(), **change)  # type: ignore[arg-type] # values by field
    assert is_dead(holder) is dead
    hold(store, lease_of(holder))
    if dead:
        with take(keeper, store) as lease:
            assert saved(store).lease == lease.state.lease
        assert saved(store).lease is None
    else:
        with pytest.raises(LeaseHeldError):
            take(keeper, store)


@pytest.mark.parametrize("ends", [timedelta(seconds=-1), timedelta(days=400)], ids=["run out", "wrong clock"])
def test_a_lease_elsewhere_is_free_when_it_is_over(
    store: PlatformStateStore, keeper: LeaseKeeper, ends: timedelta
) -> None:
    hold(store, lease_of(replace(this_process(), host="elsewhere"), ends=ends))
    with take(keeper, store) as lease:
        assert lease.state == saved(store)
        assert lease.state.lease is not None
        assert (lease.state.lease.run_id, lease.state.seq) == ("run-1", 3)
    assert (saved(store).lease, saved(store).seq) == (None, 3)


def test_a_lost_lease_stops_the_load(store: PlatformStateStore, keeper: LeaseKeeper) -> None:
    with take(keeper, store) as lease:
        hold(store, lease_of(replace(this_process(), host="elsewhere", pid=77)))
        thief = saved(store)
        for action in (lease.check, lease.renew, lambda: lease.finish(FRESH), lambda: lease.update(FRESH), lease.check):
            with pytest.raises(
                LeaseLostError, match=r"'orders' was lost: run other \(process 77 on elsewhere\) has it"
            ):
                action()
    assert saved(store) == thief


def test_a_commit_is_stopped_by_its_check_alone(store: PlatformStateStore, keeper: LeaseKeeper) -> None:
    with take(keeper, store) as lease:
        hold(store, lease_of(replace(this_process(), host="elsewhere")))
        with pytest.raises(LeaseLostError):
            lease.check()


def test_a_lease_that_ran_out_and_that_nobody_took_is_renewed(store: PlatformStateStore) -> None:
    with LeaseKeeper("run-1", ttl=0.01) as keeper:
        keeper.close()
        lease = take(keeper, store)
        before = lease.state.lease
        assert before is not None
        while datetime.now(UTC) <= before.expires_at:
            time.sleep(0.001)
        lease.check()
        after = saved(store).lease
        assert after is not None
        assert after.expires_at > before.expires_at
        assert after.acquired_at == before.acquired_at


def test_leases_are_renewed_while_they_are_held(store: PlatformStateStore) -> None:
    with LeaseKeeper("run-1", ttl=3) as keeper, LeaseKeeper("run-2") as other:
        lease = take(keeper, store)
        first = saved(store).lease
        assert first is not None
        wait_for(lambda: (last := saved(store).lease) and last.expires_at - first.expires_at >= timedelta(seconds=1.5))
        with pytest.raises(LeaseHeldError):
            take(other, store)
        lease.check()
        lease.finish(lease.state)
    assert saved(store).lease is None


def test_one_thread_renews_all_and_ends_with_the_keeper(tmp_path: Path) -> None:
    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "datacoolie-leases"]

    store = PlatformStateStore(LocalPlatform(), str(tmp_path))
    with LeaseKeeper("run-1", ttl=0.3) as keeper:
        assert threads() == []
        states = [LoadState(dataflow_id=f"flow-{number}", name="n") for number in range(20)]
        leases = [keeper.take(store, store.read(state.dataflow_id), state) for state in states]
        assert threads() == ["datacoolie-leases"]
        before = [expiry(lease) for lease in leases]
        wait_for(lambda: all(expiry(lease) > first for lease, first in zip(leases, before, strict=True)))
        for lease in leases:
            lease.release()
    assert threads() == []


def test_a_lease_lost_in_the_background_is_reported_once(
    store: PlatformStateStore, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    with LeaseKeeper("run-1", ttl=0.15) as keeper:
        lease = keeper.take(store, store.read("flow"), FRESH, on_lost=lambda: told.append("lost"))
        hold(store, lease_of(replace(this_process(), host="elsewhere")))
        wait_for(lambda: told)
        time.sleep(0.3)  # in which nothing else is said
        assert [message for message in caplog.messages if "was lost: run other" in message] == caplog.messages
        assert len(caplog.messages) == 1
        assert told == ["lost"]
        with pytest.raises(LeaseLostError):
            lease.check()


class Unreachable(LocalPlatform):
    """Fails to write while it is down."""

    down = False

    def private(self) -> Unreachable:
        return self

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:
        if self.down:
            message = "the network is down"
            raise PlatformError(message)
        return super().write_if_match(path, data, version)


def test_a_store_that_is_away_for_a_while_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    platform = Unreachable()
    store = PlatformStateStore(platform, str(tmp_path))
    with LeaseKeeper("run-1", ttl=0.15) as keeper:
        lease = take(keeper, store)
        platform.down = True
        said = "was not renewed and will be tried again: the network is down"
        wait_for(lambda: any(said in text for text in caplog.messages))
        platform.down = False
        lease.check()
        platform.down = True
        lease.release()
        assert "the lease was not given back, it runs out by itself: the network is down" in caplog.messages[-1]


@pytest.mark.parametrize("ttl", [0, -1, 86401, float("nan")])
def test_a_time_out_of_range_is_refused(ttl: float) -> None:
    with pytest.raises(
        ConfigurationError, match=r"The time of a lease is .* seconds; possible: above 0, at most 86400"
    ):
        LeaseKeeper("run", ttl=ttl)


RACE = """
import sys, time
from dataclasses import replace
from datacoolie.platforms.local import LocalPlatform
from datacoolie.state import LeaseHeldError, LeaseKeeper, LoadState, PlatformStateStore

root, me = sys.argv[1:]
store, fresh = PlatformStateStore(LocalPlatform(), root), LoadState(dataflow_id="flow", name="n")
done = 0
with LeaseKeeper(me) as keeper:
    while done < 20:
        try:
            with keeper.take(store, store.read("flow"), fresh) as lease:
                open(f"{root}/inside", "x").close()
                lease.check()
                import os; os.unlink(f"{root}/inside")
                lease.finish(replace(lease.state, seq=lease.state.seq + 1))
                done += 1
        except LeaseHeldError:
            time.sleep(0.001)
"""


def test_one_of_many_processes_loads_at_a_time(tmp_path: Path, store: PlatformStateStore) -> None:
    runs = [subprocess.Popen([sys.executable, "-c", RACE, tmp_path, f"run-{me}"]) for me in range(6)]
    assert [run.wait(timeout=300) for run in runs] == [0] * 6
    assert saved(store).seq == 120


KILLED = """
import sys, time
from datacoolie.platforms.local import LocalPlatform
from datacoolie.state import LeaseKeeper, LoadState, PlatformStateStore

store = PlatformStateStore(LocalPlatform(), sys.argv[1])
LeaseKeeper("killed").take(store, store.read("flow"), LoadState(dataflow_id="flow", name="n"))
print("held", flush=True)
time.sleep(60)
"""


def test_the_lease_of_a_killed_run_is_free_at_once(
    tmp_path: Path, store: PlatformStateStore, keeper: LeaseKeeper
) -> None:
    run = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "held\n"
    with pytest.raises(LeaseHeldError, match="run killed"):
        take(keeper, store)
    run.kill()
    run.communicate()
    take(keeper, store).release()
