"""What every place for records and keys must do, as pytest classes to inherit from.

    class TestMyRecords(RecordsContract):
        @pytest.fixture
        def open_records(self, tmp_path):
            return lambda: MyRecords(tmp_path)

The fixtures return a function that opens the same place anew at each call, as another process would; a place that lives
and ends with one object returns that object each time. Needs pytest.
"""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import pytest

from oauthclient.errors import StorageBusy, StorageUnwritable
from oauthclient.protocol.record_name import Name
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.storage.keys import Keys
    from oauthclient.storage.records import Lease, Records

_NAME: Final = Name("session", "https://as.example.com", "app", "default")
_NEIGHBOURS: Final = (
    Name("registration", "https://as.example.com", "app", "default"),
    Name("session", "https://as.example.com/", "app", "default"),
    Name("session", "https://as.example.com", "app2", "default"),
    Name("session", "https://as.example.com", "app", "work/../\N{SNOWMAN}\0"),
    Name("session", "https://as.example.coma", "pp", "default"),
)
_RECORD: Final[dict[str, Any]] = {
    "text": 'ünï "\N{SNOWMAN}\U0001f512',
    "numbers": [0, -1, 1.5, 1 << 60],
    "nothing": None,
    "yes": True,
    "deep": {"er": [{"est": []}]},
}
_SOON: Final = 0.05  # seconds


class RecordsContract:
    """What `Records` must do. Give it the fixture `open_records`."""

    def test_a_record_is_absent_until_it_is_saved(self, open_records: Callable[[], Records]) -> None:
        """None means that there is none."""
        assert open_records().load(_NAME) is None
        assert open_records().names() == []

    def test_what_was_saved_is_there_for_whoever_opens_the_place(self, open_records: Callable[[], Records]) -> None:
        """All of JSON, unchanged."""
        open_records().save(_NAME, _RECORD)
        assert open_records().load(_NAME) == _RECORD

    def test_a_record_replaces_the_one_before_whole(self, open_records: Callable[[], Records]) -> None:
        """Nothing of the old one shows through."""
        records = open_records()
        records.save(_NAME, {"long": "x" * 100_000})
        records.save(_NAME, {"short": 1})
        assert open_records().load(_NAME) == {"short": 1}

    def test_what_is_done_to_a_record_outside_does_not_change_it(self, open_records: Callable[[], Records]) -> None:
        """The place keeps a copy, and gives copies."""
        records = open_records()
        given: dict[str, Any] = {"list": [1]}
        records.save(_NAME, given)
        given["list"].append(2)
        taken = records.load(_NAME)
        assert taken == {"list": [1]}
        taken["list"].append(3)
        assert records.load(_NAME) == {"list": [1]}

    def test_names_that_are_alike_are_different_records(self, open_records: Callable[[], Records]) -> None:
        """No part of a name runs into the next, and none is a path."""
        records = open_records()
        names = (_NAME, *_NEIGHBOURS)
        for number, name in enumerate(names):
            records.save(name, {"number": number})
        assert [records.load(name) for name in names] == [{"number": number} for number in range(len(names))]
        assert open_records().names() == sorted(names)

    def test_a_deleted_record_is_gone_and_the_others_are_not(self, open_records: Callable[[], Records]) -> None:
        """And to delete it again is no error."""
        records = open_records()
        records.save(_NAME, _RECORD)
        records.save(_NEIGHBOURS[0], _RECORD)
        for _ in range(2):
            records.delete(_NAME)
        assert open_records().load(_NAME) is None
        assert open_records().names() == [_NEIGHBOURS[0]]

    @pytest.mark.parametrize(
        "value",
        [object(), b"octets", float("nan"), "\ud800"],
        ids=["object", "octets", "not a number", "half a character"],
    )
    def test_a_record_that_json_cannot_hold_is_refused_and_the_old_one_stays(
        self, open_records: Callable[[], Records], value: object
    ) -> None:
        """With an error of ours."""
        records = open_records()
        records.save(_NAME, _RECORD)
        with pytest.raises(StorageUnwritable):
            records.save(_NAME, {"value": value})
        assert records.load(_NAME) == _RECORD

    def test_trying_whether_it_is_writable_changes_nothing(self, open_records: Callable[[], Records]) -> None:
        """Neither what is there nor what is not."""
        records = open_records()
        records.check_writable(_NAME)
        assert records.load(_NAME) is None
        records.save(_NAME, _RECORD)
        records.check_writable(_NAME)
        assert open_records().load(_NAME) == _RECORD
        assert open_records().names() == [_NAME]

    def test_a_lease_is_held_by_one_at_a_time(self, open_records: Callable[[], Records]) -> None:
        """The others hear of it in time."""
        lease = open_records().lease(_NAME, timeout=_SOON)
        with pytest.raises(StorageBusy):
            open_records().lease(_NAME, timeout=_SOON)
        lease.release()
        open_records().lease(_NAME, timeout=_SOON).release()

    def test_a_lease_is_for_one_record(self, open_records: Callable[[], Records]) -> None:
        """The others can be had meanwhile."""
        lease = open_records().lease(_NAME, timeout=_SOON)
        open_records().lease(_NEIGHBOURS[0], timeout=_SOON).release()
        lease.release()

    def test_who_holds_the_lease_reads_and_writes(self, open_records: Callable[[], Records]) -> None:
        """It keeps others from the lease only."""
        records = open_records()
        lease = records.lease(_NAME, timeout=_SOON)
        records.check_writable(_NAME)
        records.save(_NAME, _RECORD)
        assert records.load(_NAME) == _RECORD
        lease.release()

    def test_a_lease_that_was_released_twice_does_not_free_the_next_one(
        self, open_records: Callable[[], Records]
    ) -> None:
        """To release is idempotent."""
        first = open_records().lease(_NAME, timeout=_SOON)
        first.release()
        second = open_records().lease(_NAME, timeout=_SOON)
        first.release()
        with pytest.raises(StorageBusy):
            open_records().lease(_NAME, timeout=_SOON)
        second.release()

    def test_a_lease_may_be_released_by_another_thread(self, open_records: Callable[[], Records]) -> None:
        """A story may end on another thread than it began on."""
        lease = open_records().lease(_NAME, timeout=_SOON)
        _on_a_thread(lease.release)
        open_records().lease(_NAME, timeout=_SOON).release()

    def test_threads_take_turns(self, open_records: Callable[[], Records]) -> None:
        """Also those that share one object: what each adds is there in the end."""
        records = open_records()
        records.save(_NAME, {"count": 0})

        def add() -> None:
            for _ in range(5):
                lease: Lease = records.lease(_NAME, timeout=60)
                try:
                    record = records.load(_NAME) or {}
                    records.save(_NAME, {"count": record["count"] + 1})
                finally:
                    lease.release()

        threads = [Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert records.load(_NAME) == {"count": 20}


class KeysContract:
    """What `Keys` must do. Give it the fixture `open_keys`."""

    def test_a_key_is_absent_until_it_is_saved(self, open_keys: Callable[[], Keys]) -> None:
        """None means that there is none."""
        assert open_keys().load("dpop-1") is None

    @pytest.mark.parametrize("length", [1, 44, 250, 2500])
    def test_a_key_that_was_saved_is_there_for_whoever_opens_the_place(
        self, open_keys: Callable[[], Keys], length: int
    ) -> None:
        """Also one as large as an RSA key of 3,072 bits as a JWK."""
        value = Secret("k" * length)
        open_keys().save("dpop-1", value)
        assert open_keys().load("dpop-1") == value

    def test_keys_do_not_disturb_one_another(self, open_keys: Callable[[], Keys]) -> None:
        """Whatever was written last."""
        keys = open_keys()
        values = {name: Secret(f"value of {name}") for name in ("seal", "dpop-1", "dpop-2", "client:abc/..")}
        for name, value in values.items():
            keys.save(name, value)
        again = open_keys()
        assert {name: again.load(name) for name in values} == values

    def test_a_deleted_key_is_gone_and_the_others_are_not(self, open_keys: Callable[[], Keys]) -> None:
        """And to delete it again is no error."""
        keys = open_keys()
        keys.save("dpop-1", Secret("one"))
        keys.save("dpop-2", Secret("two"))
        for _ in range(2):
            keys.delete("dpop-1")
        assert keys.load("dpop-1") is None
        assert open_keys().load("dpop-1") is None
        assert open_keys().load("dpop-2") == Secret("two")

    def test_a_probe_leaves_the_keys_as_they_are(self, open_keys: Callable[[], Keys]) -> None:
        """And may be repeated."""
        keys = open_keys()
        keys.save("dpop-1", Secret("one"))
        for _ in range(2):
            keys.probe()
        assert open_keys().load("dpop-1") == Secret("one")


def _on_a_thread(function: Callable[[], object]) -> None:
    thread = Thread(target=function)
    thread.start()
    thread.join()
