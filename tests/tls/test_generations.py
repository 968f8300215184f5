"""The former certificates of a program, and who is told that there is a new one (RFC 8705, section 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.tls.place import renewed, soon

if TYPE_CHECKING:
    from tests.showing import Notes
    from tests.tls.conftest import Passing
    from tests.tls.place import Place


def test_listeners_are_told_of_both_and_one_that_fails_harms_nobody(place: Place, notes: Notes) -> None:
    certificate = place.certificate()
    before = certificate.current()
    told: list[tuple[object, str]] = []

    def fail(*_: object) -> None:
        raise ValueError("mine")

    certificate.on_renewal(fail)
    certificate.on_renewal(lambda former, now: told.append((former, now.x5t_s256)))
    new = place.put()
    assert renewed(certificate, new)
    assert soon(lambda: told == [(before, new.x5t_s256)])
    assert certificate.problem is None
    assert [line for line in notes.lines if "ValueError: mine" in line]


def test_who_is_told_by_a_method_is_not_kept_alive_for_it(place: Place) -> None:
    """One certificate outlives the apps of a web backend, which are made and forgotten."""

    class App:
        told: list[str]

        def tell(self, _before: object, now: Any) -> None:
            self.told.append(now.x5t_s256)

    certificate = place.certificate()
    app, gone = App(), App()
    app.told = gone.told = []
    certificate.on_renewal(app.tell)
    certificate.on_renewal(gone.tell)
    del gone
    new = place.put()
    assert renewed(certificate, new)
    assert soon(lambda: app.told == [new.x5t_s256])
    assert len(certificate._listeners) == 1


def test_former_ones_are_known_until_they_expire_and_not_more_than_a_sessions_worth(
    place: Place, pass_time: Passing
) -> None:
    place.put(place.issue(lifetime=100))
    certificate = place.certificate()
    short = certificate.current().x5t_s256
    seen = []
    for _ in range(66):
        new = place.put()
        assert renewed(certificate, new)
        seen.append(new.x5t_s256)
    assert certificate.generation(short) is None
    assert certificate.generation(seen[0]) is None
    assert [certificate.generation(name).x5t_s256 for name in seen[1:]] == seen[1:]
    assert len(certificate._former) == 64
    pass_time(86_000 + 500)
    assert renewed(certificate, place.put(place.issue(lifetime=200_000)))
    assert list(certificate._former) == [seen[-1]]


def test_one_that_comes_back_is_current_again(place: Place) -> None:
    first = place.put()
    certificate = place.certificate()
    second = place.put()
    assert renewed(certificate, second)
    place.put(first)
    assert renewed(certificate, first)
    assert certificate.generation(second.x5t_s256)
    assert certificate.generation(first.x5t_s256) is certificate.current()
