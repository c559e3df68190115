from __future__ import annotations

import pytest

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import DataFlow
from datacoolie.orchestration.graph import dependencies, restrict, select, shard, waves


def flow(name: str, **fields: object) -> DataFlow:
    ends = {
        "source": {"connection_name": "c", "table": f"in_{name}"},
        "destination": {"connection_name": "c", "table": f"out_{name}"},
    }
    return DataFlow.model_validate({"name": name, **ends, **fields})


def before(flows: list[DataFlow], **reads: str) -> dict[str, set[str]]:
    """Return the dependencies; each flow writes the location of its own name and reads what is given."""
    return dependencies(
        flows,
        {each.name: reads.get(each.name, "elsewhere") for each in flows},
        {each.name: each.name for each in flows},
    )


def test_a_flow_waits_for_the_writers_of_what_it_reads() -> None:
    flows = [flow("a"), flow("b"), flow("c")]
    assert before(flows, b="a", c="b") == {"a": set(), "b": {"a"}, "c": {"b"}}


def test_a_flow_that_reads_its_own_table_does_not_wait_for_itself() -> None:
    assert before([flow("a")], a="a") == {"a": set()}


def test_a_flow_waits_for_what_it_names() -> None:
    assert before([flow("a"), flow("b", depends_on=["a"])]) == {"a": set(), "b": {"a"}}


def test_orders_of_a_group_run_one_after_another_and_groups_side_by_side() -> None:
    flows = [
        flow("a", group_number=1, execution_order=1),
        flow("b", group_number=1, execution_order=2),
        flow("c", group_number=2, execution_order=1),
        flow("d", group_number=1, execution_order=2),
    ]
    assert before(flows) == {"a": set(), "b": {"a"}, "c": set(), "d": {"a"}}


def test_flows_that_wait_for_each_other_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"wait for each other: (a -> b -> a|b -> a -> b)\."):
        before([flow("a", depends_on=["b"]), flow("b", depends_on=["a"])])


FLOWS = [flow("a", stage="bronze"), flow("b", stage="silver"), flow("c", stage="silver"), flow("d")]
BEFORE = {"a": set[str](), "b": {"a"}, "c": {"b"}, "d": set[str]()}


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        ([], ["a", "b", "c", "d"]),
        (["b"], ["b"]),
        (["silver"], ["b", "c"]),
        (["stage:bronze"], ["a"]),
        (["+c"], ["a", "b", "c"]),
        (["d", "a"], ["a", "d"]),
        (["+silver"], ["a", "b", "c"]),
    ],
)
def test_selectors(selectors: list[str], names: list[str]) -> None:
    assert [each.name for each in select(FLOWS, selectors, BEFORE)] == names


def test_a_selector_that_names_nothing() -> None:
    with pytest.raises(ConfigurationError) as error:
        select(FLOWS, ["bronz"], BEFORE)
    assert error.value.message == (
        "Nothing is called 'bronz'. Flows: a, b, c, d. Stages: bronze, silver. Did you mean 'bronze'?"
    )


def test_order_holds_through_a_flow_that_was_not_selected() -> None:
    assert restrict(["a", "c"], BEFORE) == {"a": set(), "c": {"a"}}


def test_waves() -> None:
    assert waves(BEFORE) == {"a": 1, "b": 2, "c": 3, "d": 1}


def test_shards_share_all_flows_and_keep_groups_together() -> None:
    flows = [flow(f"f{number}", group_number=number % 3 if number < 6 else None) for number in range(40)]
    shares = [[each.name for each in shard(flows, job_num=3, job_index=index)] for index in range(3)]
    assert sorted(name for share in shares for name in share) == sorted(each.name for each in flows)
    assert [name for name in shares[1] if name in {"f1", "f4"}] == ["f1", "f4"]
    assert all(len(share) > 5 for share in shares)
