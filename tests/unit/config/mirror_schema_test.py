"""mirror_schema_test.py DOCS: docs/mirror.schema.json takes the example, and refuses what davit refuses."""
import copy
import json
import os
import sys

try:
    import jsonschema
    import yaml
except ImportError:
    sys.exit(77)

with open(os.path.join(sys.argv[1], "mirror.schema.json"), encoding="utf-8") as file:
    schema = json.load(file)
with open(os.path.join(sys.argv[1], "examples/mirror.yaml"), encoding="utf-8") as file:
    example = yaml.safe_load(file)

validator = jsonschema.Draft7Validator(schema)
validator.check_schema(schema)
validator.validate(example)


def broken(change):
    document = copy.deepcopy(example)
    change(document["jobs"][0])
    return document


for change in (
    lambda job: job.update(target="x.example/y"),  # beside targets
    lambda job: job.pop("source"),
    lambda job: job.update(platfroms=[]),
    lambda job: job.update(tags={"max_age": "soon"}),
    lambda job: job.update(tags={"latest": 0}),
    lambda job: job.update(prune="perhaps"),
    lambda job: job.update(prune=None),
    lambda job: job.update(create_repositories=None),
    lambda job: job.update(tags={"max_age": "0d"}),
    lambda job: job.update(tags={"max_age": "00d0h"}),
    lambda job: job.update(tags={"latest": 99999999999}),
    lambda job: job.update(tags={"latest": "0"}),
    lambda job: job.update(tags={"semver": ""}),
    lambda job: job.update(tags={"names": []}),
    lambda job: job.update(tags={"include": []}),
    lambda job: job.update(tags=[]),
    lambda job: job.update(source=[]),
    lambda job: job.update(source=""),
    lambda job: job.update(targets=[]),
    lambda job: job.update(targets=""),
    lambda job: job.update(name=""),
    lambda job: job.update(referrers="yes"),
):
    assert not validator.is_valid(broken(change)), "the schema takes what davit refuses"
assert not validator.is_valid({"registries": {}}), "a file without jobs"

for change in (
    lambda job: job.update(tags=1),
    lambda job: job.update(tags={"names": [1]}),
    lambda job: job.update(tags={"latest": "2", "max_age": "1d0h"}),
    lambda job: job.update(referrers="true"),
    lambda job: job.update(referrers="${REFERRERS:-TRUE}"),
    lambda job: job.update(platforms=[]),
    lambda job: job.update(platforms="all"),
    lambda job: job.update(prune={"protect": [], "max_deletes": "0"}),
):
    validator.validate(broken(change))
document = copy.deepcopy(example)
document["defaults"] = None
document["registries"] = {"a.example": None, "b.example": {"ecr": {"account": 111111111111, "region": "r"}, "limits": {"requests": "${R:-10/s}"}}}
validator.validate(document)
