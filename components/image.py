"""The image that every step runs in, and the decorator that makes a function a step of it."""

import os
from functools import partial

from kfp import dsl

IMAGE = os.environ.get("MATCHDAY_PIPELINE_IMAGE", "matchday-pipeline:0.1.0")
"""Image of the steps. Locally its name is only a name: steps run as processes of this environment."""

component = partial(dsl.component, base_image=IMAGE, packages_to_install=[], install_kfp_package=False)
"""`kfp.dsl.component` with everything the step needs already in `IMAGE`."""
