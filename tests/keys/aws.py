"""An AWS for whoever asks for one, in whichever folder."""

from collections.abc import Iterator

import pytest

from tests.keys.localstack import LocalStack, localstack


@pytest.fixture(scope="session")
def aws(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """A LocalStack for the whole run; says how long that took."""
    with localstack() as started, pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "nobody")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        took = f"LocalStack: {started.installing:.1f} s to install, {started.starting:.1f} s to start"
        plugins = request.config.pluginmanager
        with plugins.getplugin("capturemanager").global_and_fixture_disabled():
            plugins.getplugin("terminalreporter").write_line(f"\n{took}")
        yield started
