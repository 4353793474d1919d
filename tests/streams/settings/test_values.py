import pytest

from streams.settings.values import may_exist


@pytest.mark.parametrize("host", ["kafka", "kafka.internal.", "a_b", "::1", "10.0.0.7", "bücher.example", "a" * 63])
def test_a_host_that_a_socket_takes_may_exist(host: str) -> None:
    assert may_exist((host, 9092))


@pytest.mark.parametrize("host", ["kafka..internal", ".internal", "a" * 64])
def test_a_host_with_an_empty_or_a_long_label_cannot_exist(host: str) -> None:
    assert not may_exist((host, 9092))


@pytest.mark.parametrize(("port", "exists"), [(0, False), (1, True), (65_535, True), (65_536, False)])
def test_ports_go_from_1_to_65535(port: int, exists: bool) -> None:
    assert may_exist(("kafka", port)) is exists
