"""What clients that ask for one thing after the other ask a registry for, to make an index over images that are there.

Docker's client refuses plain HTTP behind the slow front, so curl asks in its place: the same requests in the same order, one after the other,
over one connection that stays open. No pauses are added, and curl has less to do: it parses nothing, and the index is made beforehand.
Docker's client itself opens 18 connections for its 14 requests, four of them to try TLS, and each would cost a round trip more.
crane opens few, and asks its last four HEADs side by side, which would save it up to three round trips.
"""

import hashlib
import json
import urllib.request

INDEX = "application/vnd.oci.image.index.v1+json"
ACCEPT = ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
          "application/vnd.oci.image.manifest.v1+json", INDEX]


class Images:
    """Tags of a repository, with what its manifests say; `repository` is where to read that."""

    def __init__(self, repository, tags):
        self.tags = tags
        self.entries = [entry(f"{address(repository)}/manifests/{tag}") for tag in tags]

    def index(self):
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [each["descriptor"] for each in self.entries]}).encode()


def address(repository):
    return f"http://{repository.replace('/', '/v2/', 1)}"


def entry(url):
    """An image's entry of an index, and the name of its config."""
    request = urllib.request.Request(url, headers={"Accept": ", ".join(ACCEPT)})
    with urllib.request.urlopen(request) as answer:
        data, media_type = answer.read(), answer.headers["Content-Type"]
    config = json.loads(data)["config"]["digest"]
    with urllib.request.urlopen(f"{url.rsplit('/manifests/', 1)[0]}/blobs/{config}") as answer:
        platform = json.load(answer)
    return {"descriptor": {"mediaType": media_type, "size": len(data), "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
                           "platform": {"os": platform["os"], "architecture": platform["architecture"]}}, "config": config}


def docker(images):
    """`docker manifest create` and `push`, 14 requests for four images: each image is read with a question whether this is a registry,
    the manifest and its config; then the question again, and the index. As registries log them."""
    for tag, each in zip(images.tags, images.entries):
        yield "GET", "ping"
        yield "GET", f"manifests/{tag}"
        yield "GET", f"blobs/{each['config']}"
    yield "GET", "ping"
    yield "PUT", "index"


def crane(images):
    """`crane index append`, 19 requests for four images: it reads as Docker's client does, then asks whether the tag has this index already,
    whether each image is still there, and puts the index. As its source has it."""
    *reading, put = docker(images)
    yield from reading
    yield "HEAD", "tag"
    for each in images.entries:
        yield "HEAD", f"manifests/{each['descriptor']['digest']}"
    yield put


def curl(requests, repository, tag, index):
    """The command that makes these requests; `index` is the path of the file with the index. The tag must be new."""
    base = address(repository)
    places = {"ping": f"{base.split('/v2/')[0]}/v2/", "tag": f"{base}/manifests/{tag}", "index": f"{base}/manifests/{tag}"}
    options = {"GET": [], "HEAD": ["--head"], "PUT": ["--upload-file", str(index), "--header", f"Content-Type: {INDEX}"]}
    command = ["curl", "--fail-early"]
    for number, (method, what) in enumerate(requests):
        command += ["--next"] if number else []
        command += ["--silent", "--header", f"Accept: {', '.join(ACCEPT)}", *options[method]]
        command += [] if what == "tag" else ["--fail"]  # that one is not there, which is no error
        command += [places.get(what, f"{base}/{what}")]
    return command
