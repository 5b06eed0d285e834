"""The version of the engine, and the bytes that it stands for."""

from digests import digests

from infoplane import code

VERSION = 1
# The first digits of `digests()`
DIGESTS = {
    "published tanh": {
        "parameters": "0e9b557efe39bbeb",
        "ranges": "04356e9ca3c90728",
        "history": "79c1bc0108400265",
        "exact": "77d9f3d36b860b3f",
        "30 bins": "c626c9ea38b067be",
        "5 bits": "65edc479dc9b7fcd",
        "densities": "720f72c1ccec89bb",
    },
    "published relu": {
        "parameters": "2cd196b2f529b922",
        "ranges": "c36027579527a0d8",
        "history": "f85d87fa9dd8d448",
        "exact": "da73ac64c5bcc71b",
        "30 bins": "c49d82c675098deb",
        "5 bits": "8b33c7e8e2c04253",
        "densities": "2442fe67092f5f0b",
    },
    "float32": {
        "parameters": "b5000c7bb2dfca32",
        "ranges": "fca1ad13dadd2362",
        "history": "64cb9c755bba9a28",
        "exact": "2ae83b7d5a4068df",
        "30 bins": "2491bb62fca83369",
        "5 bits": "140caebace5b036f",
        "densities": "5155b3f3818b8217",
    },
    "controlled": {
        "parameters": "34349a9c9718c7f4",
        "ranges": "e13ea074ccb81846",
        "history": "09746ca47daa3127",
        "exact": "6e2c5c0a3a65b356",
        "30 bins": "a35b263f1f88be3d",
        "5 bits": "e5b4ab6fbc8b1230",
        "densities": "6963f6fe7674acf3",
    },
    "descent": {
        "parameters": "a4acd3e06aa4fc02",
        "ranges": "63b8028e08a54950",
        "history": "41e692b81b47170d",
        "exact": "5db6b670ff6d96c6",
        "30 bins": "8135ad18c7b15f74",
        "5 bits": "58b46c68ae01f785",
        "densities": "577081fd0e21be3e",
    },
    "weight decay": {
        "parameters": "59601c0874a79fa0",
        "ranges": "5e5611a020e61953",
        "history": "2c40d00785535e55",
        "exact": "ebd4b2b84d29d84c",
        "30 bins": "0918c0372e4a7e82",
        "5 bits": "b62ed3ccfb350880",
        "densities": "93ab9a3052326d67",
    },
    "conv": {
        "parameters": "7e7b5501b87dd70b",
        "ranges": "2eb4f4ad1b9e8eb9",
        "history": "d28bf131aedc2412",
        "exact": "7b51f0b42fa219dd",
        "30 bins": "33ca78acf7baf0eb",
        "5 bits": "08cb60c26e7a7756",
        "densities": "6d40402a93eb9bde",
    },
    "sparse": {
        "parameters": "89dc8d527846f25b",
        "ranges": "3086312e919a89a7",
        "history": "c158d8a7050d911d",
        "exact": "e64f574305d5a45e",
        "30 bins": "d2e720d2cb26e969",
        "5 bits": "819dbf9988a95588",
        "densities": "3338b533e31b5209",
    },
}
CHANGED = """\
the bytes of results are not those of version {version}. If they were not meant to change, find out why.
Otherwise raise VERSION in infoplane/code.py and here, and replace the digests here by these:
{found}"""


def test_the_version_changes_when_and_only_when_bytes_do():
    """Those of short trainings by the kernels, and of their information.

    The engine `torch` has no version: its bytes depend on that of PyTorch, and on the machine.
    """
    found = {name: {part: digest[:16] for part, digest in parts.items()} for name, parts in digests().items()}
    assert found == DIGESTS, CHANGED.format(version=VERSION, found=found)
    assert code.VERSION == VERSION, f"the bytes are those of version {VERSION}: leave VERSION as it was"
