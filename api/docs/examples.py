"""Examples in the OpenAPI document: what a request sends, and what comes back, for every shape of JSON."""

from typing import Any

Json = dict[str, Any]

_BASE = "http://127.0.0.1:8480"
_JOB = "job_019a2b3c4d5e7f60a1b2c3d4e5f60718"
_BATCH = "batch_019a2b3c4d5e7f60a1b2c3d4e5f60719"
_REQUEST = "req_8f14e45fceea467f9d1c2b3a4f5e6d7c"
_SHA = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"
_FILE = f"file_{_SHA}"
_THEN, _LATER = "2026-01-31T09:30:00.000Z", "2026-02-07T09:30:01.250Z"
_PICTURE = {"content_type": "image/png", "width": 28, "height": 28, "bytes": 412, "sha256": _SHA}

GENERATE: Json = {"type": "generate", "seed": 7, "digit": 3}
CHAIN: Json = {
    "type": "stylize", "content": {"job": _JOB, "output": 0}, "styles": [{"name": "waves"}],
    "output": {"format": "jpeg", "enlarge": 2},
}  # fmt: skip
STYLIZE: Json = {
    "type": "stylize", "content": _FILE, "styles": [{"name": "waves"}], "strength": 0.8,
    "output": {"format": "jpeg", "profile": "keep", "metadata": "safe"},
}  # fmt: skip
_NUMERICS = "cpu-avx512bf16-onednn-tf2.21.0-0af3bc"
_MODEL = {"name": "mnist-dcgan", "version": "4", "digest": _SHA, "numerics": _NUMERICS, "precision": "exact"}


def _urls(home: str, *names: str) -> Json:
    return {"self": home, **{name: f"{home}/{name.replace('_', '-')}" for name in names}}


def _page(*entries: Json) -> Json:
    return {"object": "list", "data": list(entries), "next_cursor": None}


_ATTEMPT = {
    "number": 1,
    "worker": "worker-1",
    "started_at": _THEN,
    "ended_at": "2026-01-31T09:30:01.250Z",
    "outcome": "succeeded",
    "code": None,
}
_OUTPUT = {"url": f"{_BASE}/v1/jobs/{_JOB}/outputs/0", **_PICTURE, "seed": 7}
_JOB_VIEW: Json = {
    "id": _JOB, "object": "job", "type": "generate", "status": "succeeded", "done": True,
    "progress": None, "queue": None, "attempt": 1, "max_attempts": 3, "crashes": 0, "attempts": [_ATTEMPT],
    "retried_from": None, "retried_as": None, "cached_from": None,
    "batch_id": None, "index": None, "custom_id": None, "request_id": _REQUEST,
    "input": {"type": "generate", "model": "mnist-dcgan", "seeds": [7], "digit": 3, "truncation": 1.0},
    "model": _MODEL, "outputs": [{"index": 0, **_OUTPUT}], "warnings": [], "error": None,
    "timings": {"queued": 0.01, "predict": 0.02}, "worker": "worker-1", "metadata": {},
    "created_at": _THEN, "started_at": _THEN, "completed_at": "2026-01-31T09:30:01.250Z",
    "deadline_at": None, "not_before": None, "expires_at": _LATER, "pinned_at": None,
    "urls": _urls(
        f"{_BASE}/v1/jobs/{_JOB}", "cancel", "requeue", "retry", "pin", "unpin", "events", "result"
    ),
}  # fmt: skip
_COUNTS = {"total": 2, "queued": 0, "running": 1, "succeeded": 1, "failed": 0, "canceled": 0, "expired": 0}
_BATCH_URLS = {
    **_urls(
        f"{_BASE}/v1/batches/{_BATCH}",
        "items", "finished", "contact_sheet", "events", "finalize", "pause", "resume", "cancel",
        "retry_failed", "pin", "unpin",
    ),
    "results": f"{_BASE}/v1/batches/{_BATCH}/results.jsonl",
    "archive": f"{_BASE}/v1/batches/{_BATCH}/results.zip",
}  # fmt: skip
_BATCH_VIEW: Json = {
    "id": _BATCH, "object": "batch", "name": "digits", "status": "running", "done": False,
    "counts": _COUNTS, "pause": None, "stopped_at": None, "stopped_by": None, "sample": None,
    "not_before": None, "failures": [],
    "progress": {"fraction": 0.5, "rate_per_second": 12.5, "mean_seconds": 0.02, "eta_seconds": 0.1},
    "queue": None,
    "source": {
        "place": "photos", "prefix": "2026/", "match": "*.jpg", "status": "done", "found": 2, "error": None,
    },
    "destination": {
        "place": "out", "prefix": "waves/", "name": "{path}{stem}.{ext}", "status": "delivering",
        "delivered": 0, "failed": 0,
        "error": {
            "code": "place_unavailable", "detail": "the place out does not answer", "retry_at": _LATER,
        },
    },
    "lane": "bulk", "metadata": {}, "request_id": _REQUEST,
    "created_at": _THEN, "finalized_at": _THEN, "completed_at": None, "expires_at": None,
    "pinned_at": None, "urls": _BATCH_URLS,
}  # fmt: skip
_WORKER: Json = {
    "object": "worker", "name": "gpu-box-1", "state": "draining",
    "cordon": {"at": _THEN, "by": "0123456789abcdef", "reason": "new disk", "drain": True},
    "processes": ["gpu-box-1-4711-0af3bc"], "labels": ["gpu", "large"], "lane": "bulk",
    "slots": 4, "running": 2,
    "numerics": [_NUMERICS],
    "memory_bytes": 17_179_869_184, "disk_full": False, "loaded": ["mnist-dcgan"],
    "available": ["magenta-mobile", "mnist-dcgan"],
    "versions": ["magenta-mobile@1", "mnist-dcgan@4"],
}  # fmt: skip
_RESULT: Json = {
    "custom_id": "seven", "index": 0, "id": _JOB, "status": "succeeded", "model": _MODEL,
    "outputs": [{"name": "seven.png", **_OUTPUT}], "warnings": [], "error": None, "cached_from": None,
    "source": "harbor.jpg",
    "delivery": {"status": "delivered", "names": ["waves/harbor.png"], "error": None},
    "completed_at": "2026-01-31T09:30:01.250Z",
}  # fmt: skip
_PLACE: Json = {"object": "place", "name": "photos", "read": True, "write": False}
_FILE_VIEW: Json = {
    "id": _FILE, "object": "file", **_PICTURE, "created_at": _THEN, "expires_at": _LATER,
    "urls": _urls(f"{_BASE}/v1/files/{_FILE}", "content"),
}  # fmt: skip
_MODEL_VIEW: Json = {
    "name": "mnist-dcgan", "object": "model", "type": "generate", "title": "Handwritten digits",
    "description": "A generator of handwritten digits.", "version": "4", "license": "Apache-2.0",
    "homepage": None, "default": True, "available": True,
    "loaded": [{"version": "4", "digest": _SHA, "workers": 1}],
    "url": f"{_BASE}/v1/models/mnist-dcgan", "input_schema": None,
}  # fmt: skip
_PLAN: Json = {
    "object": "plan", "model": "mnist-dcgan", "jobs": 1_000_000, "deadline_seconds": 86_400, "size": None,
    "seconds_a_job": {"low": 0.01, "high": 0.02, "basis": "measured here: durations of its jobs that ended"},
    "slots_a_worker": 2.0, "workers_wanted": {"low": 1.0, "high": 1.0, "basis": "measured here"},
    "workers": 1, "hours": {"low": 1.4, "high": 2.8, "basis": "measured here"}, "kept_jobs": 1_000_000,
    "storage_bytes": {"low": 3e9, "high": 5e9, "basis": "measured here: the usage of the last days"},
    "input_bytes": None,
    "store_bytes": {"low": 1.3e9, "high": 2.5e9, "basis": "items of batches that say little each"},
    "warnings": [],
}  # fmt: skip
_ROLLOUT: Json = {
    "object": "rollout", "model": "mnist-dcgan", "version": "5", "share": 0.1, "began_at": _THEN, "by": "ops",
}  # fmt: skip
_VERSION: Json = {
    "object": "model_version", "model": "mnist-dcgan", "version": "5", "reference": "mnist-dcgan@5",
    "current": False, "available": True, "workers": 2,
    "outcomes": {
        "succeeded": 117, "failed": 1, "canceled": 0, "expired": 0, "errors": {"out_of_memory": 1},
        "run_seconds_p50": 0.021, "run_seconds_p95": 0.034,
    },
}  # fmt: skip
_STYLE_VIEW: Json = {
    "name": "waves", "object": "style", "image": _FILE, "created_at": _THEN,
    "urls": _urls(f"{_BASE}/v1/styles/waves", "image"),
}  # fmt: skip
_SETTINGS: Json = {
    "type": "stylize", "styles": [{"name": "waves"}], "strength": 0.7, "stroke": 1024, "upsample": "network",
}  # fmt: skip
_RECIPE: Json = {
    "name": "print-a3", "object": "recipe", "version": 2, "versions": [1, 2], "reference": "print-a3@2",
    "shared": False, "settings": _SETTINGS, "created_at": _THEN,
    "urls": {
        "self": f"{_BASE}/v1/recipes/print-a3", "version": f"{_BASE}/v1/recipes/print-a3?version=2",
    },
}  # fmt: skip
_DELIVERY: Json = {
    "id": "msg_019a2b3c4d5e7f60", "object": "delivery", "type": "job.succeeded", "job": _JOB, "batch": None,
    "action": None, "url": "https://example.org/told", "template": None, "status": "delivered",
    "tries": [{"at": _THEN, "milliseconds": 84, "status_code": 204, "error": None}],
    "created_at": _THEN, "next_try_at": None, "ended_at": _THEN,
    "urls": {
        **_urls(f"{_BASE}/v1/webhooks/deliveries/msg_019a2b3c4d5e7f60", "redeliver"),
        "job": f"{_BASE}/v1/jobs/{_JOB}", "batch": None, "action": None,
    },
}  # fmt: skip
_SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"  # noqa: S105  (nobody's)
_KEY: Json = {
    "id": "0123456789abcdef", "object": "key", "name": "shop", "owner": "shop", "scopes": ["submit", "read"],
    "bootstrap": False, "created_at": _THEN, "expires_at": _LATER, "revoked_at": None, "used_at": None,
}  # fmt: skip
_FAILURE: Json = {
    "code": "corrupt_image", "type": "/problems/corrupt_image", "count": 3, "example": _JOB,
    "example_url": f"{_BASE}/v1/jobs/{_JOB}", "retryable": False,
    "hint": "the picture is at fault: send another one; a retry of the same ends in the same way",
}  # fmt: skip
_SHARE: Json = {
    "waiting": 40, "paused": 0, "running": 2, "oldest_seconds": 12.5, "work_seconds": 31.2,
    "ended_a_minute": {"succeeded": 96.0, "failed": 0.4, "canceled": 0.0, "expired": 0.0},
}  # fmt: skip
_LOAD = {"jobs": 42, "oldest_seconds": 12.5}
_LIMITS = {"queued": 500, "running": 4, "stored_bytes": 10_000_000_000, "daily_pixels": 0}
_BUILTIN = {"model": "multistyle-26", "styles": [{"number": 0, "name": "Winter"}], "sheet_url": None}

_PAUSE: Json = {
    "id": "pause_019a2b3c4d5e7f60a1b2c3d4e5f60720", "object": "pause", "reason": "the GPUs are rented out",
    "lane": "bulk", "model": None, "owner": None, "by": "ops", "holds": True, "until": _LATER,
    "window": "01:00-07:00", "timezone": "Europe/Berlin", "window_starts_at": _THEN,
    "window_ends_at": "2026-01-31T15:30:00.000Z", "created_at": _THEN,
    "urls": {"self": f"{_BASE}/v1/pauses/pause_019a2b3c4d5e7f60a1b2c3d4e5f60720"},
}  # fmt: skip

_ACTION = "action_019a2b3c4d5e7f60a1b2c3d4e5f6071a"
_ACTION_VIEW: Json = {
    "id": _ACTION, "object": "action", "do": "retry", "filter": {"status": "failed", "code": "out_of_disk"},
    "to": None, "lane": None, "owner": "shop", "dry_run": False, "status": "completed", "done": True,
    "fraction": 1.0, "matched": 41, "succeeded": 40, "skipped": {"retried": 1}, "failed": {},
    "created_at": _THEN, "completed_at": "2026-01-31T09:30:01.250Z", "expires_at": _LATER,
    "urls": _urls(f"{_BASE}/v1/actions/{_ACTION}", "cancel"),
}  # fmt: skip

SHAPES: dict[str, Json] = {  # by the names of the components
    "JobSpec": STYLIZE,
    "BatchRequest": {"name": "digits", "items": [{**GENERATE, "custom_id": "seven"}]},
    "ItemsRequest": {"items": [{**GENERATE, "custom_id": "eight"}]},
    "StyleRequest": {"name": "waves", "image": _FILE},
    "ReadRequest": {"ids": [_JOB], "fields": ["id", "status", "progress"]},
    "EstimateView": {
        "object": "estimate",
        "accepted": True,
        "problems": [],
        "repeats": None,
        "items": 200,
        "refused_items": 0,
        "pictures": 200,
        "pixels": 156_800,
        "bytes": 1_054_400,
        "work_seconds": 6.4,
        "eta_seconds": 3.9,
    },
    "MoveRequest": {"to": "front"},
    "ActionRequest": {"do": "retry", "filter": {"status": "failed", "code": "out_of_disk"}},
    "ActionView": _ACTION_VIEW,
    "ActionPage": _page(_ACTION_VIEW),
    "JobsRead": {
        "object": "list",
        "data": [{"id": _JOB, "status": "succeeded", "progress": None}],
        "missing": [],
        "unread": [],
    },
    "JobView": _JOB_VIEW,
    "JobPage": _page(_JOB_VIEW),
    "BatchView": _BATCH_VIEW,
    "BatchPage": _page(_BATCH_VIEW),
    "Appended": {"object": "batch.items", "batch_id": _BATCH, "first": 1, "count": 1, "total": 2},
    "PlaceView": _PLACE,
    "PlaceList": {"object": "list", "data": [_PLACE]},
    "Retried": {"object": "batch.retry", "batch_id": _BATCH, "count": 1},
    "FinishedPage": {"object": "list", "data": [_RESULT], "next_after": 1, "done": True},
    "FileView": _FILE_VIEW,
    "FilePage": _page(_FILE_VIEW),
    "LimitsView": {
        "object": "limits",
        "max_bytes": 33_554_432,
        "max_pixels": 64_000_000,
        "max_side": 16_384,
        "min_side": 8,
        "max_frames": 48,
        "max_missing_percent": 10.0,
        "formats": ["jpeg", "png", "webp"],
        "max_spec_bytes": 1_048_576,
        "max_ttl_seconds": 2_592_000,
        "max_delay_seconds": 2_592_000,
        "batch": {
            "max_items": 50_000,
            "max_record_mebibytes": 256,
            "max_pictures": 500_000,
            "max_gigapixels": 1000.0,
            "max_result_gibibytes": 1000.0,
            "max_hours": 1000.0,
        },
    },
    "ModelView": _MODEL_VIEW,
    "ModelList": {"object": "list", "data": [_MODEL_VIEW], "unavailable": []},
    "StyleView": _STYLE_VIEW,
    "StylePage": {**_page(_STYLE_VIEW), "builtin": [_BUILTIN]},
    "DeliveryView": _DELIVERY,
    "DeliveryList": _page(_DELIVERY),
    "SecretView": {"secret": _SECRET, "secrets": [_SECRET]},
    "KeyRequest": {"name": "shop", "scopes": ["submit", "read"], "expires_seconds": 7_776_000},
    "KeyPage": _page(_KEY),
    "IdentityView": {"object": "identity", "owner": "shop", "key": _KEY, "scopes": ["submit", "read"]},
    "NewKeyView": {**_KEY, "key": f"atl_0123456789abcdef_{'0' * 64}"},
    "FailureList": {"object": "list", "since": _THEN, "data": [_FAILURE]},
    "StatsView": {
        "object": "stats",
        "at": _THEN,
        "window_seconds": 264.2,
        "whole": True,
        "delayed": 1,
        "total": {**_SHARE, "load": _LOAD},
        "lanes": [{"lane": "interactive", **_SHARE, "load": _LOAD}],
        "models": [{"model": "mnist-dcgan", **_SHARE}],
        "owners": [{"owner": "shop", **_SHARE}],
        "workers": {
            "live": 1,
            "slots": 2,
            "wanted": 1,
            "numerics": [{"numerics": _NUMERICS, "workers": 1}],
        },
    },
    "PlanView": _PLAN,
    "CordonRequest": {"reason": "new disk"},
    "WorkerView": _WORKER,
    "WorkerList": {"object": "list", "data": [_WORKER]},
    "OwnLimits": {**_LIMITS, "running": None, "daily_pixels": None, "weight": 3},
    "QuotaView": {
        "object": "quota",
        "owner": "shop",
        "own": {**_LIMITS, "running": None, "daily_pixels": None, "weight": 3},
        "limits": _LIMITS,
        "used": {"queued": 12, "running": 4, "stored_bytes": 734_003_200, "daily_pixels": 25_165_824},
        "weight": 3,
    },
    "UsageList": {
        "object": "list",
        "since": "2026-01-01",
        "until": "2026-01-31",
        "data": [
            {
                "day": "2026-01-31",
                "owner": "shop",
                "key": "0123456789abcdef",
                "model": "mnist-dcgan",
                "jobs": 40,
                "runner_seconds": 1.28,
                "pixels": 31_360,
                "bytes": 163_840,
            }
        ],
    },
    "RecipeRequest": {"name": "print-a3", "settings": _SETTINGS},
    "RecipeView": _RECIPE,
    "RecipePage": {**_page(_RECIPE), "shared": []},
    "AgainRequest": {"picture": _FILE, "content": _FILE, "strength": 0.6},
    "PauseRequest": {
        "reason": "the GPUs are rented out",
        "lane": "bulk",
        "window": "01:00-07:00",
        "timezone": "Europe/Berlin",
    },
    "BatchPauseRequest": {"reason": "the lights are wrong", "for_seconds": 3600},
    "PauseView": _PAUSE,
    "PauseList": {"object": "list", "data": [_PAUSE]},
    "ModelLimitsView": {"running": 2},
    "RolloutRequest": {"version": "5", "share": 0.1},
    "RolloutView": _ROLLOUT,
    "VersionList": {
        "object": "list",
        "model": "mnist-dcgan",
        "rollout": _ROLLOUT,
        "data": [_VERSION],
    },
    "Health": {"status": "ok", "version": "1.0.0"},
}
FORMS: dict[str, Json] = {  # by the ids of the operations; pictures are given as ids of uploaded files
    "stylize": {
        "content": _FILE,
        "style": ["waves"],
        "strength": 0.8,
        "upsample": "network",
        "profile": "keep",
        "output_metadata": "safe",
    },
    "generate": {"seed": 7, "digit": 3},
    "transform": {"content": _FILE, "model": "enlarge-x4", "output_metadata": "safe"},
    "submitJobAgain": {"picture": "(the bytes of painted.jpg)", "content": _FILE},
    "uploadFile": {"file": "(the bytes of photo.jpg)"},
    "addStyle": {"name": "waves", "image": _FILE},
}
LINES = '{"type": "generate", "seed": 7, "custom_id": "seven"}\n{"type": "generate", "seed": 8}\n'
_PROBLEMS: dict[str, tuple[str, str, str]] = {  # code, title, detail
    "400": ("malformed_json", "The body is not JSON", "the body is not JSON: it ends in a string"),
    "401": ("api_key_invalid", "The API key is not valid", "the API key has expired"),
    "403": ("scope_missing", "The API key does not allow this", "this needs a key with the scope submit"),
    "404": ("job_not_found", "No such job", f"there is no job {_JOB}"),
    "409": ("job_state_conflict", "The job's status does not allow this",
            "a job that is succeeded cannot be canceled"),
    "410": ("job_gone", "The job has expired or was deleted", f"the job {_JOB} has expired or was deleted"),
    "412": ("precondition_failed", "The version is another one",
            "If-Match names no version of this that there is: its entity tag is \"4f1c\""),
    "413": ("body_too_large", "The body is too large", "a JSON body may have at most 1048576 bytes"),
    "415": ("unsupported_media_type", "The body's media type is not taken here", "the body must be JSON"),
    "416": ("range_not_satisfiable", "The range lies outside the content", "the picture has 412 bytes"),
    "422": ("invalid_request", "The request is not valid", "strength must be between 0 and 1; got 7"),
    "429": ("quota_exceeded", "The quota is spent",
            "the quota is spent: 100 jobs may wait (queued), 100 wait, and this asks for 1 more"),
    "503": ("store_unavailable", "The job store is not available", "the job store does not answer"),
    "507": ("out_of_disk", "Object storage is full", "the storage's disk is nearly full"),
    "default": ("internal_error", "Internal error", "the service made a mistake; its log has the details"),
}  # fmt: skip


def problem(status: str) -> Json:
    """Return the problem document that a status may come with."""
    code, title, detail = _PROBLEMS[status]
    field = {"pointer": "/strength", "detail": detail, "code": "out_of_range"}
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": 500 if status == "default" else int(status),
        "detail": detail,
        "code": code,
        "instance": "/v1/jobs",
        "request_id": "req_019a2b3c4d5e",
        "errors": [field] if status == "422" else [],
    }


def add_examples(document: Json) -> None:
    """Give every body and every response of JSON in the document an example."""
    for path in document["paths"].values():
        for operation in path.values():
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                content["example"] = _body(kind, content["schema"], operation["operationId"])
            for status, response in operation["responses"].items():
                for content in response.get("content", {}).values():
                    _add_response(content, str(status))


def _body(kind: str, schema: Json, operation: str) -> Any:
    if operation == "putJob":
        return CHAIN  # that of submitJob is another one
    if "$ref" in schema:
        return SHAPES[_name(schema)]
    return LINES if "json" in kind else FORMS[operation]


def _add_response(content: Json, status: str) -> None:
    name = _name(content["schema"])
    if name == "Problem":
        content["example"] = problem(status)
    elif name in SHAPES:
        content["example"] = SHAPES[name]
    elif choices := content["schema"].get("oneOf"):
        content["example"] = SHAPES[_name(choices[0])]


def _name(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]
