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
):
    assert not validator.is_valid(broken(change)), "the schema takes what davit refuses"
assert not validator.is_valid({"registries": {}}), "a file without jobs"
