"""Launch of the server: settings are read and checked, then the supervisor runs until it is told to stop."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError
from pydantic_settings import SettingsError

from matchday.bundle import verify_bundle
from matchday.errors import MatchdayError
from matchday.settings import Settings
from serving.current_bundles import CurrentBundles, lasting_folder, resumable
from serving.features import open_store
from serving.log import check_log
from serving.server import check_port
from serving.settings import PREFIX, ServingSettings
from serving.signals import hold
from serving.supervisor import Supervisor


def launch() -> int:
    """Serve until told to stop. Returns the exit code: 2 for a failure that a person can mend."""
    try:
        settings = ServingSettings()
        _check(settings)
    except ValidationError as error:
        problems = "; ".join(f"{PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        return _refuse(f"settings: {problems}")
    except (SettingsError, MatchdayError, OSError) as error:
        return _refuse(str(error))
    hold()  # until the supervisor handles signals, so that none leaves the folder behind
    with TemporaryDirectory(prefix="matchday-serving-") as run_folder:
        os.environ[f"{PREFIX}RUN_FOLDER"] = run_folder
        lasting = lasting_folder(settings, Settings().home)
        CurrentBundles(Path(run_folder), lasting).resume(resumable(settings))
        Supervisor(settings, Path(run_folder)).run()
    return 0


def _check(settings: ServingSettings) -> None:
    """Raises MatchdayError or OSError for settings that no worker could carry out."""
    check_port(settings.host, settings.port)
    if settings.grpc_port:
        check_port(settings.host, settings.grpc_port)
    for folder in settings.bundles:
        verify_bundle(folder)
    open_store(settings.online_store, settings.project).close()
    check_log(settings)
    settings.read_token()


def _refuse(message: str) -> int:
    print(f"matchday serving: {message}", file=sys.stderr)
    return 2
