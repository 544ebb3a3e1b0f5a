"""Evidence of a service's rollout in a ConfigMap of its own, so that the status stays short enough to read.

A status names its evidence by a key that is made of the evidence itself. A save first adds the new evidence beside the
one that the present status names, then the status changes to the new key. So whichever write was the last before a
kill, a status finds the evidence that it was decided with, or none; never another's.
"""

import hashlib

from rollout.kubernetes.api import Api, ObjectNotFound
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import CONFIG_MAP, MODEL_ROLLOUT

GONE = "gone"
"""In place of evidence that is not there any more; `Evidence.from_text` refuses it, and the window begins anew."""


class EvidenceStore:
    """The ConfigMap `SERVICE-rollout-evidence`. It holds the evidence of the one rollout that is under way."""

    def __init__(self, api: Api, service: str) -> None:
        self._api = api
        self._name = f"{service}-rollout-evidence"

    def read(self, key: str) -> str:
        """The evidence of a status; `GONE` where somebody has deleted it."""
        found = self._api.find(CONFIG_MAP, self._name) or {}
        return str((found.get("binaryData") or {}).get(key, GONE))

    def write(self, evidence: str, before: str, owner: Object) -> str:
        """Save evidence beside that of the key `before`. Returns its key. owner: the ModelRollout.

        evidence: base64, as `Evidence.to_text` makes it; empty: none, and nothing is written.
        Raises Conflict when another process writes at the same time.
        """
        key = evidence_key(evidence)
        if key in ("", before):
            return key
        try:
            found = self._api.get(CONFIG_MAP, self._name)
        except ObjectNotFound:
            self._api.create(CONFIG_MAP, self._body({}, {key: evidence}, owner))
            return key
        kept = {name: text for name, text in (found.get("binaryData") or {}).items() if name == before}
        self._api.replace(CONFIG_MAP, self._body(found["metadata"], {**kept, key: evidence}, owner))
        return key

    def _body(self, metadata: Object, evidence: dict[str, str], owner: Object) -> Object:
        """The owner's deletion deletes it as well."""
        meta = owner["metadata"]
        reference = {"apiVersion": MODEL_ROLLOUT.version, "kind": MODEL_ROLLOUT.name, "name": meta["name"]}
        owners = [{**reference, "uid": meta.get("uid", "")}]
        return {"metadata": {**metadata, "name": self._name, "ownerReferences": owners}, "binaryData": evidence}


def evidence_key(evidence: str) -> str:
    """A name that other evidence does not have; empty for none."""
    return hashlib.sha256(evidence.encode()).hexdigest()[:20] if evidence else ""
