#!/usr/bin/env python3
"""Signs a few thousand odd requests with davit (`signatures_test.py PRINT_SIGNATURES`) and with botocore: the results
are equal. Skipped where botocore is not installed."""
import datetime
import json
import random
import subprocess
import sys

try:
    try:
        import botocore.session
    except ImportError:
        import awscli  # Debian's awscli has a botocore of its own, and this makes it known
        import botocore.session
    from botocore import auth, awsrequest, credentials
except ImportError:
    print("skipped: no botocore (Debian: awscli)")
    sys.exit(77)

COUNT = 4000
SEED = 20260115
UNRESERVED = "abcXYZ019-_.~"
SERVICES = ["ecr", "ecr-public", "sts", "execute-api"]
REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"]


def pick(rng, alphabet, least, most):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(least, most)))


def escape(rng):
    return "%%%02X" % rng.randint(0, 255)


def path_of(rng):
    segments = []
    for _ in range(rng.randint(0, 5)):
        kind = rng.random()
        if kind < 0.25:
            segments.append(rng.choice(["", ".", "..", "...", "."]))
        else:
            segments.append("".join(rng.choice([rng.choice(UNRESERVED + "!$'()*+,;=:@&"), escape(rng)])
                                    for _ in range(rng.randint(1, 6))))
    return "/" + "/".join(segments)


def query_of(rng):
    names = ["a", "A", "b", "aa", "a-b", "%41", "X-Amz-Z"]
    pairs = []
    for _ in range(rng.choice([0, 0, 1, 2, 6])):
        value = "".join(rng.choice([rng.choice(UNRESERVED), escape(rng)]) for _ in range(rng.randint(0, 4)))
        pairs.append(rng.choice(names) + rng.choice(["=" + value, "=" + value, "=", ""]))
    return "&".join(pairs)


def headers_of(rng):
    names = ["X-Amz-Target", "x-amz-meta-b", "X-Custom", "x-custom", "Accept", "Cache-Control", "Zebra", "A-1",
             "User-Agent", "Expect", "X-Amzn-Trace-Id"]
    blanks = [" ", "  ", "\t", " \t "]
    found = []
    if rng.random() < 0.7:
        found.append(["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"])
    for _ in range(rng.randint(0, 6)):
        words = [pick(rng, UNRESERVED + "\"=;,/", 1, 5) for _ in range(rng.randint(0, 4))]
        value = rng.choice(["", rng.choice(blanks)]) + rng.choice(blanks).join(words) + rng.choice(["", "  "])
        found.append([rng.choice(names), value])
    return found


def request_of(rng):
    scheme = rng.choice(["https", "http"])
    host = rng.choice(["api.ecr.us-east-1.amazonaws.com", "127.0.0.1", "STS.example.COM", "a.b"])
    port = rng.choice(["", "", ":443", ":80", ":4566"])
    query = query_of(rng)
    time = datetime.datetime(2001, 1, 1) + datetime.timedelta(seconds=rng.randint(0, 40 * 365 * 86400))
    return {
        "method": rng.choice(["GET", "POST", "PUT", "DELETE"]),
        "url": scheme + "://" + host + port + path_of(rng) + ("?" + query if query else ""),
        "headers": headers_of(rng),
        "body": pick(rng, UNRESERVED + "{}\"\n é", 0, 40) if rng.random() < 0.8 else "",
        "id": "AKID" + pick(rng, "ABC019", 1, 16),
        "secret": pick(rng, UNRESERVED + "/+", 1, 200),
        "token": pick(rng, UNRESERVED + "/+=", 20, 900) if rng.random() < 0.5 else "",
        "region": rng.choice(REGIONS),
        "service": rng.choice(SERVICES),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


class Moment(datetime.datetime):
    """Stands in for the time of day in every generation of botocore."""
    fixed = None

    @classmethod
    def utcnow(cls):
        return cls.fixed

    @classmethod
    def now(cls, zone=None):
        return cls.fixed.replace(tzinfo=zone)


class Module:
    timezone = datetime.timezone
    datetime = Moment


def stop_time():
    auth.datetime = Module
    if hasattr(auth, "get_current_datetime"):
        auth.get_current_datetime = lambda remove_tzinfo=True: Moment.fixed


def by_botocore(given):
    Moment.fixed = datetime.datetime.strptime(given["time"], "%Y-%m-%dT%H:%M:%SZ")
    request = awsrequest.AWSRequest(method=given["method"], url=given["url"], data=given["body"].encode())
    for name, value in given["headers"]:
        request.headers.add_header(name, value)
    keys = credentials.Credentials(given["id"], given["secret"], given["token"] or None)
    auth.SigV4Auth(keys, given["service"], given["region"]).add_auth(request)
    return request.headers["Authorization"]


def main():
    stop_time()
    rng = random.Random(SEED)
    requests = [request_of(rng) for _ in range(COUNT)]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    printed = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout
    ours = printed.splitlines()
    assert len(ours) == COUNT, "%d answers to %d requests" % (len(ours), COUNT)
    different = 0
    for request, our in zip(requests, ours):
        expected = by_botocore(request)
        if our != expected:
            different += 1
            if different <= 5:
                print(json.dumps(request, indent=1), "\ndavit:    " + our, "\nbotocore: " + expected)
    print("%d requests, %d signed differently" % (COUNT, different))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
